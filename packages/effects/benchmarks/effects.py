"""The effects against pedalboard's, in one run.

Prints nanoseconds a sample and channel (stereo noise, float32, one thread, the median CPU time of several
runs, results written to memory that is in use already) and the accuracy of each: the error against the same
definition in float64, in dB relative to the signal. Pedalboard has no float64 path, so its filters are held
against SciPy's float64 ones, and the rest stands without a figure.

    python benchmarks/effects.py [--seconds 60] [--repeats 5] [--picture effects.png]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pedalboard as pb
import scipy.signal

import luthier.core
import luthier.effects as fx

RATE = 44_100


def six(library: Any) -> list[Any]:
    """The effects of a chain as many have it, of luthier.effects or of pedalboard."""
    return [
        library.NoiseGate(-30),
        library.Compressor(-20, 4),
        library.LowShelfFilter(200, 6),
        library.Gain(6),
        library.Reverb(),
        library.Limiter(),
    ]


def median(run: Callable[[], object], repeats: int) -> float:
    """Seconds of CPU time, after one run to warm up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times)


def draw(path: str, rows: list[tuple[str, float, float | None]]) -> None:
    """Bars of each effect's time and pedalboard's, on a logarithmic scale."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 0.28 * len(rows) + 1), layout="constrained")
    places = np.arange(len(rows))[::-1]
    axes.barh(places + 0.2, [row[1] for row in rows], 0.4, color="#c2410c", label="luthier")
    axes.barh(places - 0.2, [row[2] or 0 for row in rows], 0.4, color="#9aa5b1", label="pedalboard")
    axes.set_yticks(places, [row[0] for row in rows])
    axes.set(xscale="log", xlim=(0.1, 1000), xlabel="nanoseconds a sample a channel, one thread")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def decibels(y: np.ndarray, reference: np.ndarray) -> str:
    error = np.sum(np.square(y - reference, dtype=np.float64)) / np.sum(np.square(reference))
    return f"{10 * np.log10(error):.0f}" if error > 0 else "exact"


def peak_sos(cutoff: float, gain_db: float, q: float) -> list[float]:
    """The cookbook's bell, as SciPy takes it."""
    w, a = 2 * np.pi * cutoff / RATE, 10 ** (gain_db / 40)
    alpha = np.sin(w) / (2 * q)
    numbers = np.array(
        [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a, 1 + alpha / a, -2 * np.cos(w), 1 - alpha / a]
    )
    return list(numbers / numbers[3])


def brickwall(ceiling_db: float, **options: bool) -> pb.Plugin | None:
    """Pedalboard has it since 0.9.26."""
    made = getattr(pb, "BrickwallLimiter", None)
    return made and made(ceiling_db, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the effects against pedalboard's.")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--picture", help="where to draw it")
    given = parser.parse_args()
    luthier.core.set_threads(1)
    x = (0.2 * np.random.default_rng(0).standard_normal((2, RATE * given.seconds))).astype(np.float32)
    out = np.empty_like(x)
    ten = [31, 62, 125, 250, 500, 1000, 2000, 4000, 8000, 16000]
    pairs: list[tuple[str, fx.Effect, pb.Plugin | None, list[list[float]] | None]] = [
        ("Gain", fx.Gain(6), pb.Gain(6), None),
        ("Invert", fx.Invert(), pb.Invert(), None),
        ("Clipping", fx.Clipping(-6), pb.Clipping(-6), None),
        ("Distortion", fx.Distortion(25), pb.Distortion(25), None),
        ("Bitcrush", fx.Bitcrush(8), pb.Bitcrush(8), None),
        ("Distortion, oversample=2", fx.Distortion(25, 2), None, None),
        ("Distortion, oversample=8", fx.Distortion(25, 8), None, None),
        ("SoftClipper", fx.SoftClipper(-6), None, None),
        ("WaveShaper", fx.WaveShaper(np.tanh), None, None),
        ("Pan", fx.Pan(0.5), None, None),
        ("StereoWidth", fx.StereoWidth(1.5), None, None),
        ("Noise", fx.Noise(), None, None),
        ("Noise, pink", fx.Noise(colour="pink"), None, None),
        (
            "LowpassFilter",
            fx.LowpassFilter(1000),
            pb.LowpassFilter(1000),
            [*scipy.signal.butter(1, 1000, fs=RATE, output="sos")],
        ),
        ("PeakFilter", fx.PeakFilter(1000, 6, 1), pb.PeakFilter(1000, 6, 1), [peak_sos(1000, 6, 1)]),
        (
            "PeakFilter 20 Hz, Q 10",
            fx.PeakFilter(20, 12, 10),
            pb.PeakFilter(20, 12, 10),
            [peak_sos(20, 12, 10)],
        ),
        (
            "ten PeakFilters",
            fx.Chain([fx.PeakFilter(f, 3, 1) for f in ten]),
            pb.Pedalboard([pb.PeakFilter(f, 3, 1) for f in ten]),
            [peak_sos(f, 3, 1) for f in ten],
        ),
        (
            "Equalizer of ten",
            fx.Equalizer([fx.PeakFilter(f, 3, 1) for f in ten]),
            pb.Pedalboard([pb.PeakFilter(f, 3, 1) for f in ten]),
            [peak_sos(f, 3, 1) for f in ten],
        ),
        (
            "LowpassFilter, order 8",
            fx.LowpassFilter(1000, 8),
            pb.Pedalboard([pb.LowpassFilter(1000) for _ in range(8)]),
            None,
        ),
        ("LadderFilter", fx.LadderFilter(), pb.LadderFilter(), None),
        ("Compressor", fx.Compressor(-20, 4), pb.Compressor(-20, 4), None),
        ("Delay", fx.Delay(), pb.Delay(), None),
        ("Delay, feedback, between frames", fx.Delay(0.30001, 0.5), pb.Delay(0.30001, 0.5), None),
        ("Chorus", fx.Chorus(), pb.Chorus(), None),
        ("Phaser", fx.Phaser(), pb.Phaser(), None),
        ("Phaser, feedback", fx.Phaser(feedback=0.5), pb.Phaser(feedback=0.5), None),
        ("Resample to 8 kHz", fx.Resample(8000), pb.Resample(8000), None),
        ("Compressor, rms, look-ahead", fx.Compressor(-20, 4, detector="rms", lookahead_ms=5), None, None),
        ("NoiseGate", fx.NoiseGate(-30), pb.NoiseGate(-30), None),
        ("Expander", fx.Expander(-30), None, None),
        ("Limiter", fx.Limiter(), pb.Limiter(), None),
        ("BrickwallLimiter", fx.BrickwallLimiter(-10), brickwall(-10), None),
        (
            "BrickwallLimiter, true_peak",
            fx.BrickwallLimiter(-10, true_peak=True),
            brickwall(-10, true_peak=True),
            None,
        ),
        ("Reverb", fx.Reverb(), pb.Reverb(), None),
        (
            "HighpassFilter, Compressor, Reverb",
            fx.Chain([fx.HighpassFilter(80), fx.Compressor(-18, 3), fx.Reverb()]),
            pb.Pedalboard([pb.HighpassFilter(80), pb.Compressor(-18, 3), pb.Reverb()]),
            None,
        ),
        (
            "NoiseGate, Compressor, LowShelf, Gain, Reverb, Limiter",
            fx.Chain(six(fx)),
            pb.Pedalboard(six(pb)),
            None,
        ),
    ]
    print(f"instruction set {luthier.core.cpu().chosen}, pedalboard {pb.__version__}\n")
    print("| effect | luthier ns | pedalboard ns | ratio | luthier dB | pedalboard dB |")
    print("|---|---|---|---|---|---|")
    rows = []
    for name, ours, theirs, sos in pairs:
        mine = median(lambda e=ours: e(x, RATE, out=out), given.repeats) / x.size * 1e9
        peer = median(lambda e=theirs: e(x, RATE), given.repeats) / x.size * 1e9 if theirs else None
        rows.append((name, mine, peer))
        short = x[:, : RATE * 5]
        exact = ours(short.astype(np.float64), RATE)
        peer_db = (
            ""
            if sos is None or theirs is None
            else decibels(theirs(short, RATE), scipy.signal.sosfilt(sos, short.astype(np.float64)))
        )
        print(
            f"| {name} | {mine:.2f} | {f'{peer:.2f} | {peer / mine:.1f}' if peer else '|'} | "
            f"{decibels(ours(short, RATE), exact)} | {peer_db} |",
            flush=True,
        )
    if given.picture:
        draw(given.picture, rows)


if __name__ == "__main__":
    main()
