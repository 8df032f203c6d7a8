"""Changing sample rates, beside soxr and others: `python packages/io/benchmarks/resample.py`.

Nanoseconds per output sample of one channel, best of many repeats taken in turns with the peer, one
thread; a call is what a user calls, its set-up included. Beside the speed stands what the same call
does to tones: the least signal-to-noise ratio up to 0.9 of the lower Nyquist frequency (a tone's
least-squares fit against all that is left), the spread of their levels, and the level of what lies above
the Nyquist frequency. `LUTHIER_ISA` chooses the instruction set.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.signal
import soxr

import luthier.core
import luthier.io as lio

PAIRS = [(44_100, 48_000), (48_000, 44_100), (44_100, 16_000), (48_000, 16_000), (44_100, 22_050)]
Resample = Callable[[np.ndarray, int, int], np.ndarray]


def alternate(works: list[Callable[[], object]], seconds: float) -> list[float]:
    """Best time of each, taken in turns so that a busy machine disturbs all alike."""
    best = [float("inf")] * len(works)
    for work in works:
        work()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, work in enumerate(works):
            start = time.perf_counter()
            work()
            best[i] = min(best[i], time.perf_counter() - start)
    return best


def tone(share: float, from_rate: int, to_rate: int, dtype: str) -> np.ndarray:
    frequency = share * min(from_rate, to_rate) / 2
    return np.sin(2 * np.pi * frequency / from_rate * np.arange(2 * from_rate)).astype(dtype)


def fit(y: np.ndarray, share: float, from_rate: int, to_rate: int) -> tuple[float, float]:
    """The level of the tone and the signal-to-noise ratio of the middle half, in dB."""
    middle = np.arange(len(y) // 4, 3 * len(y) // 4)
    w = np.pi * share * min(from_rate, to_rate) / to_rate * middle
    basis = np.stack([np.sin(w), np.cos(w)], axis=1)
    c, *_ = np.linalg.lstsq(basis, y[middle].astype(np.float64), rcond=None)
    rest = y[middle] - basis @ c
    return 20 * np.log10(np.hypot(*c)), 10 * np.log10(0.5 * (c @ c) * 2 / 2 / np.mean(rest**2))


def accuracy(run: Resample, pair: tuple[int, int], dtype: str) -> str:
    levels, noise = [], []
    for share in (0.013, 0.1037, 0.3011, 0.5003, 0.7013, 0.8509, 0.9003):
        level, snr = fit(run(tone(share, *pair, dtype), *pair), share, *pair)
        levels.append(level)
        noise.append(snr)
    text = f"{min(noise):.0f} / {max(levels) - min(levels):.4f} / "
    if pair[1] >= pair[0]:
        return text + "-"
    alias = max(
        np.mean(run(tone(s, *pair, dtype), *pair)[2_000:-2_000].astype(np.float64) ** 2)
        for s in (1.0, 1.003, 1.02, 1.1, 1.3, 1.7)
        if s * pair[1] <= pair[0]
    )
    return text + f"{10 * np.log10(2 * alias + 1e-40):.0f}"


def ours(quality: str) -> Resample:
    return lambda x, f, t: lio.resample(x, f, t, quality=quality)  # type: ignore[call-overload,arg-type]


def soxr_of(quality: str) -> Resample:
    # Channels last is what it takes.
    return lambda x, f, t: soxr.resample(x, f, t, quality=quality)


def noise(frames: int, channels: int, dtype: str = "float32") -> np.ndarray:
    shape = (frames,) if channels == 1 else (channels, frames)
    return (0.1 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)


def versus(quality: str, peer: str, dtype: str, seconds: float) -> None:
    print(f"\n`{quality}` beside soxr {peer}, {dtype}: ns per output sample; SNR / ripple / alias in dB\n")
    print("| | 60 s mono | soxr | x | 60 s stereo | soxr | x | 1 s clip, us | soxr | x | ours | soxr |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    ratios: list[list[float]] = [[], [], []]
    for pair in PAIRS:
        cells = []
        for i, (length, channels) in enumerate([(60, 1), (60, 2), (1, 1)]):
            x = noise(length * pair[0], channels, dtype)
            interleaved = np.ascontiguousarray(x.T)
            us, them = alternate(
                [
                    lambda x=x, p=pair: ours(quality)(x, *p),
                    lambda x=interleaved, p=pair: soxr_of(peer)(x, *p),
                ],
                seconds,
            )
            scale = 1e6 if length == 1 else 1e9 / (length * pair[1] * channels)
            ratios[i].append(them / us)
            cells.append(f"{us * scale:.2f} | {them * scale:.2f} | **{them / us:.2f}**")
        quality_of = [accuracy(run, pair, dtype) for run in (ours(quality), soxr_of(peer))]
        print(
            f"| {pair[0]} to {pair[1]} | " + " | ".join(cells) + " | " + " | ".join(quality_of) + " |",
            flush=True,
        )
    for name, values in zip(("60 s mono", "60 s stereo", "1 s clips"), ratios, strict=True):
        print(f"\n{name}: x {min(values):.2f} at least, {np.median(values):.2f} at the median")


def batches(seconds: float) -> None:
    print("\n64 clips of 1 s in one call, `high`: us per clip; x against soxr HQ clip by clip\n")
    print("| | one thread | x | all threads | x |")
    print("|---|---|---|---|---|")
    for pair in PAIRS:
        x = noise(pair[0], 64)

        def peer(x: np.ndarray = x, pair: tuple[int, int] = pair) -> None:
            for row in x:
                soxr.resample(row, *pair, quality="HQ")

        def many(x: np.ndarray = x, pair: tuple[int, int] = pair) -> None:
            luthier.core.set_threads(None)
            lio.resample(x, *pair)
            luthier.core.set_threads(1)

        one, them, every = alternate([lambda x=x, p=pair: lio.resample(x, *p), peer, many], seconds)
        print(
            f"| {pair[0]} to {pair[1]} | {one / 64e-6:.0f} | {them / one:.2f} | {every / 64e-6:.0f} | "
            f"{them / every:.2f} |",
            flush=True,
        )


def first_calls(seconds: float) -> None:
    from luthier.io.resampling import _native

    print("\nMaking a plan, us (the cache makes it once a ratio)\n")
    print("| " + " | ".join(f"{f} to {t}" for f, t in PAIRS) + " |\n" + "|---" * len(PAIRS) + "|")
    cells = []
    for f, t in PAIRS:
        # A cutoff that is new each time is a plan that is not in the cache.
        fresh = iter(1 - 1e-9 * k for k in range(1, 1_000_000))
        (us,) = alternate(
            [lambda f=f, t=t, c=fresh: _native.resample_plan(f, t, 2, False, 0.0, False, next(c))],
            seconds / 2,
        )
        cells.append(f"{us * 1e6:.0f}")
    print("| " + " | ".join(cells) + " |")


def others(seconds: float) -> None:
    print("\nOther peers, 10 s mono float32: ns per output sample; SNR / ripple / alias in dB\n")
    print("| | " + " | ".join(f"{f} to {t}" for f, t in PAIRS) + " |\n" + "|---" * (len(PAIRS) + 1) + "|")

    def poly(x: np.ndarray, f: int, t: int) -> np.ndarray:
        divisor = int(np.gcd(f, t))
        return np.asarray(scipy.signal.resample_poly(x, t // divisor, f // divisor))

    peers: dict[str, Resample] = {f"luthier {q}": ours(q) for q in ("fast", "medium", "high", "best")}
    peers["scipy resample_poly"] = poly
    for name in ("samplerate", "resampy", "luthier.compat.resampy"):
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            continue
        if name == "samplerate":
            peers["samplerate sinc_best"] = lambda x, f, t, m=module: m.resample(x, t / f, "sinc_best")
        else:
            peers[f"{name} kaiser_best"] = lambda x, f, t, m=module: m.resample(x, f, t)
    for name, run in peers.items():
        cells = []
        for pair in PAIRS:
            x = noise(10 * pair[0], 1)
            (us,) = alternate([lambda x=x, p=pair, r=run: r(x, *p)], seconds / 3)
            cells.append(f"{us * 1e9 / (10 * pair[1]):.1f}; {accuracy(run, pair, 'float32')}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.5, help="of measuring, each")
    parser.add_argument("--high", action="store_true", help="the first table only")
    arguments = parser.parse_args()
    luthier.core.set_threads(1)
    print(
        f"{platform.machine()}, {luthier.core.cpu().chosen}, CPython {platform.python_version()}, "
        f"soxr {soxr.__version__}"
    )
    versus("high", "HQ", "float32", arguments.seconds)
    if arguments.high:
        return
    versus("best", "VHQ", "float32", arguments.seconds)
    versus("best", "VHQ", "float64", arguments.seconds)
    batches(arguments.seconds)
    first_calls(arguments.seconds)
    others(arguments.seconds)


if __name__ == "__main__":
    main()
