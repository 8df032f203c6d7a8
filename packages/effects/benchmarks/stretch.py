"""Time and pitch against Rubber Band (in pedalboard) and Signalsmith Stretch (python-stretch), in one run.

Quality in closed form, of sounds whose stretched or shifted form is known, and nanoseconds of processor time
a sample and channel (of the input: 20 s of stereo noise in float32, one thread, the least of several runs).

    tone     a sinusoid: what is not the wanted sinusoid, in dB; and its error in cents
    chord    four tones with eight partials each, some a few Hz apart: what no steady partials explain, in dB
    vibrato  six partials that swing by half a semitone: what the wanted partials do not explain, in dB
    click    the time that holds 90 % of a click's energy, and its middle's distance from its place, in ms
    hits     energy 30 to 3 ms before drum-like hits, relative to theirs, in dB

    python benchmarks/stretch.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pedalboard as pb
from python_stretch.Signalsmith import Stretch

import luthier.core
import luthier.effects as fx

RATE = 44_100

Run = Callable[[np.ndarray, float, float], np.ndarray]  # (channels, frames), speed, semitones


def ours(x: np.ndarray, speed: float, semitones: float) -> np.ndarray:
    return fx.PitchShift(semitones)(x, RATE) if speed == 1 else fx.time_stretch(x, RATE, speed, semitones)


def rubber_band_r3(x: np.ndarray, speed: float, semitones: float) -> np.ndarray:
    return pb.time_stretch(x, RATE, speed, semitones, high_quality=True, preserve_formants=False)


def rubber_band_r2(x: np.ndarray, speed: float, semitones: float) -> np.ndarray:
    if speed == 1:
        return pb.PitchShift(semitones)(x, RATE)
    return pb.time_stretch(x, RATE, speed, semitones, high_quality=False, preserve_formants=False)


def signalsmith(x: np.ndarray, speed: float, semitones: float) -> np.ndarray:
    stretch = Stretch()
    stretch.preset(x.shape[0], RATE)
    stretch.setTransposeSemitones(semitones)
    stretch.timeFactor = speed
    return stretch.process(x)


def middle(y: np.ndarray) -> np.ndarray:
    return y[len(y) // 4 : -len(y) // 4]


def unexplained(y: np.ndarray, waves: list[np.ndarray]) -> tuple[float, float]:
    """Energies of `y` and of what no sum of the waves explains."""
    basis = np.stack(waves, axis=1)
    rest = y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0]
    return float(np.sum(y**2)), float(np.sum(rest**2))


def steady_db(y: np.ndarray, frequencies: list[float]) -> float:
    t = np.arange(len(y)) / RATE
    whole, rest = unexplained(y, [f(2 * np.pi * q * t) for q in frequencies for f in (np.cos, np.sin)])
    return 10 * np.log10(rest / whole)


def cents(y: np.ndarray, frequency: float) -> float:
    size = 1 << (int(np.log2(len(y))) + 3)
    spectrum = np.abs(np.fft.rfft(y * np.blackman(len(y)), size))
    k = int(np.argmax(spectrum))
    a, b, c = np.log(spectrum[k - 1 : k + 2])
    return float(1200 * np.log2((k + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / size / frequency))


def tones(frequencies: list[float], amplitudes: list[float], seconds: float = 4) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return sum(a * np.cos(2 * np.pi * f * t + f) for f, a in zip(frequencies, amplitudes, strict=True))


def vibrato(stretch: float, ratio: float) -> list[np.ndarray]:
    t = np.arange(int(4 * stretch * RATE)) / RATE / stretch
    turns = np.cumsum(330 * 2 ** (0.5 / 12 * np.sin(2 * np.pi * 5.5 * t)) * ratio) / RATE
    return [np.exp(2j * np.pi * h * turns) for h in range(1, 7)]


def vibrato_db(y: np.ndarray, stretch: float, ratio: float) -> float:
    """In pieces of 50 ms, each with amplitudes and phases of its own."""
    wanted, whole, rest = vibrato(stretch, ratio), 0.0, 0.0
    for at in range(RATE // 2, min(len(y), len(wanted[0])) - RATE // 2, 2205):
        piece = [part(w[at : at + 2205]) for w in wanted for part in (np.real, np.imag)]
        energies = unexplained(y[at : at + 2205], piece)
        whole, rest = whole + energies[0], rest + energies[1]
    return 10 * np.log10(rest / whole)


def click_ms(y: np.ndarray, places: np.ndarray) -> tuple[float, float]:
    spreads, offsets = [], []
    for place in np.round(places).astype(int):
        energy = np.cumsum(y[place - 4000 : place + 4000] ** 2)
        low, centre, high = np.searchsorted(energy / max(energy[-1], 1e-30), [0.05, 0.5, 0.95])
        spreads.append((high - low) / RATE * 1e3)
        offsets.append(abs(centre - 4000) / RATE * 1e3)
    return float(np.median(spreads)), float(np.median(offsets))


def before_hits_db(y: np.ndarray, places: np.ndarray) -> float:
    levels = [
        10 * np.log10((np.sum(y[p - 1323 : p - 132] ** 2) + 1e-12) / np.sum(y[p : p + 1323] ** 2))
        for p in np.round(places).astype(int)
    ]
    return float(np.median(levels))


def hits(places: np.ndarray) -> np.ndarray:
    rng, x, t = np.random.default_rng(1), np.zeros(4 * RATE), np.arange(8000) / RATE
    for place in places:
        x[place : place + 8000] += 0.4 * rng.standard_normal(8000) * np.exp(-t / 0.02)
        x[place : place + 8000] += 0.5 * np.sin(2 * np.pi * 90 * t) * np.exp(-t / 0.06)
    return x


def cpu_ns(run: Callable[[], object], size: int, repeats: int) -> float:
    least = np.inf
    for _ in range(repeats):
        start = time.process_time()
        run()
        least = min(least, time.process_time() - start)
    return least / size * 1e9


def main() -> None:
    luthier.core.set_threads(1)
    runs: list[tuple[str, Run, int]] = [
        ("luthier", ours, 5),
        ("Rubber Band R3", rubber_band_r3, 2),
        ("Rubber Band R2", rubber_band_r2, 2),
        ("Signalsmith", signalsmith, 3),
    ]
    notes = (110.0, 138.59, 164.81, 220.0)
    partials = [f * h * 1.0007**h for f in notes for h in range(1, 9)]
    chord = tones(partials, [0.08 / h for _ in notes for h in range(1, 9)])
    swing = 0.1 * sum(w.real / (h + 1) for h, w in enumerate(vibrato(1, 1)))
    places = np.arange(9000, 4 * RATE - 9000, 11_001)
    clicks = np.zeros(4 * RATE)
    clicks[places] = 0.8
    noise = (0.2 * np.random.default_rng(0).standard_normal((2, 20 * RATE))).astype(np.float32)
    print(f"instruction set {luthier.core.cpu().chosen}, pedalboard {pb.__version__}\n")
    print("| | ns | tone dB | cents | chord dB | vibrato dB | click ms | off ms | hits dB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for speed, semitones in ((1.25, 0), (0.8, 0), (0.5, 0), (2, 0), (1, 4), (1, -5), (1, 12), (1, -12)):
        ratio, stretch = 2 ** (semitones / 12), 1 / speed
        for name, run, repeats in runs:

            def of(x: np.ndarray, run: Run = run, s: float = speed, p: float = semitones) -> np.ndarray:
                return run(x.astype(np.float32)[None], s, p)[0].astype(np.float64)

            tone = middle(of(tones([440.3], [0.5])))
            spread, offset = click_ms(of(clicks), places * stretch)
            ns = cpu_ns(lambda r=run, s=speed, p=semitones: r(noise, s, p), noise.size, repeats)
            print(
                f"| {name}, speed {speed}, {semitones:+d} | {ns:.0f} | "
                f"{steady_db(tone, [440.3 * ratio]):.0f} | "
                f"{abs(cents(tone, 440.3 * ratio)):.3f} | "
                f"{steady_db(middle(of(chord)), [f * ratio for f in partials]):.1f} | "
                f"{vibrato_db(of(swing), stretch, ratio):.1f} | {spread:.2f} | {offset:.2f} | "
                f"{before_hits_db(of(hits(places)), places * stretch):.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
