"""Integrated loudness against pyloudnorm, in one run: nanoseconds a sample and channel, one thread.

60 s of stereo noise. pyloudnorm gives the integrated loudness alone; ours comes with range and true peak.
Beside the times stands the distance from the recommendation computed with SciPy in float64, in LU.

    python benchmarks/loudness.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pyloudnorm
import scipy.signal

import luthier.core
import luthier.effects as fx

RATE, SECONDS = 48_000, 60

WEIGHTING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
        [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
    ]
)


def integrated(x: np.ndarray) -> float:
    """BS.1770-5, annex 1, for steady stereo noise, which passes all gates."""
    energy = np.square(scipy.signal.sosfilt(WEIGHTING, x.astype(np.float64), axis=1)).sum(axis=0)
    blocks = [energy[i : i + 19_200].mean() for i in range(0, len(energy) - 19_199, 4800)]
    return float(-0.691 + 10 * np.log10(np.mean(blocks)))


def best(run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    luthier.core.set_threads(1)
    x = (0.1 * np.random.default_rng(0).standard_normal((2, RATE * SECONDS))).astype(np.float32)
    exact = integrated(x)
    meter = pyloudnorm.Meter(RATE)
    ours = best(lambda: fx.loudness(x, RATE), 9) / x.size * 1e9
    theirs = best(lambda: meter.integrated_loudness(x.T), 4) / x.size * 1e9
    print("| | ns | LU off |")
    print("|---|---|---|")
    print(f"| luthier | {ours:.2f} | {abs(fx.loudness(x, RATE).integrated_lufs - exact):.1e} |")
    print(f"| pyloudnorm | {theirs:.2f} | {abs(meter.integrated_loudness(x.T) - exact):.1e} |")


if __name__ == "__main__":
    main()
