"""Time the biquads against SciPy and pedalboard: ``python benchmarks/biquad.py [--isa v4 v3 baseline]``.

One thread, float32, noise at 48 kHz, peak filters. Each row is one signal through the same filters by all
three; their runs alternate and the fastest run of each counts. Times are nanoseconds a sample a channel;
ours, which work in place, and pedalboard's include a copy of the signal. Accuracy is the
root-mean-square error against ``scipy.signal.sosfilt``, which works in float64, in dB below the output;
``hard`` is that of the same number of filters from 20 Hz on, Q 10, +-12 dB, at 192 kHz. ``moving`` is the
time when every group of 16 frames gets new coefficients for all sections. pedalboard is optional
(``pip install pedalboard``).

One instruction set is one process: the table is made once for each of ``--isa``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import signal

from luthier.core import _native

try:
    import pedalboard
except ImportError:
    pedalboard = None

Array = npt.NDArray[np.number]
RATE = 48_000.0

# cutoff_hz, q, gain_db
Filter = tuple[float, float, float]


def fastest(calls: list[Callable[[], object]], seconds: float) -> list[float]:
    """Nanoseconds of the fastest run of each call, run in turn."""
    best = [float("inf")] * len(calls)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for i, call in enumerate(calls):
            start = time.perf_counter_ns()
            call()
            best[i] = min(best[i], time.perf_counter_ns() - start)
    return best


def error_db(got: Array, wanted: Array) -> float:
    """Energy of the error relative to the signal, in dB."""
    return float(10 * np.log10(np.sum((got - wanted) ** 2) / np.sum(wanted**2)))


def rows(filters: list[Filter], rate: float) -> Array:
    """The filters as SciPy's second-order sections (R. Bristow-Johnson's cookbook)."""
    sections = []
    for cutoff, q, gain_db in filters:
        w, a = 2 * np.pi * cutoff / rate, 10 ** (gain_db / 40)
        alpha = np.sin(w) / (2 * q)
        section = np.array(
            [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a, 1 + alpha / a, -2 * np.cos(w), 1 - alpha / a]
        )
        sections.append(section / section[3])
    return np.array(sections)


def cascade(filters: list[Filter], channels: int, rate: float) -> _native.BiquadCascade32:
    """Ours, set up."""
    made = _native.BiquadCascade32(len(filters), channels)
    for i, (cutoff, q, gain_db) in enumerate(filters):
        made.set(i, _native.design_section("peak", [cutoff, q, gain_db, rate]))
    return made


def board(filters: list[Filter]) -> Callable[[Array, float], Array]:
    """pedalboard's."""
    return pedalboard.Pedalboard(
        [pedalboard.PeakFilter(cutoff_frequency_hz=f, q=q, gain_db=g) for f, q, g in filters]
    )


def row(name: str, filters: list[Filter], channels: int, frames: int, seconds: float) -> str:
    """One line of the table."""
    x = np.random.default_rng(1).uniform(-0.5, 0.5, (channels, frames)).astype(np.float32)
    sos, ours, block = rows(filters, RATE), cascade(filters, channels, RATE), x.copy()
    zi = np.zeros((len(filters), channels, 2))
    calls: list[Callable[[], object]] = [
        lambda: (np.copyto(block, x), ours.process(block)),
        lambda: signal.sosfilt(sos, x, zi=zi),
    ]
    if pedalboard:
        peer = board(filters)
        calls.append(lambda: peer(x, RATE))
    times = [t / x.size for t in fastest(calls, seconds)]

    group, values = np.zeros((channels, 16), np.float32), _native.design_section("peak", [99, 1, 1, RATE])
    moving = fastest([lambda: ours.moving(group, values, 1_000)], seconds / 10)[0] / 1_000 / group.size

    wanted = signal.sosfilt(sos, x.astype(np.float64))
    ours.reset()
    block[:] = x
    for i, (cutoff, q, gain_db) in enumerate(filters):
        ours.set(i, _native.design_section("peak", [cutoff, q, gain_db, RATE]))
    ours.process(block)
    error = error_db(block, wanted)
    hard = [(20.0 * 1.3**i, 10.0, 12.0 * (-1) ** i) for i in range(len(filters))]
    hard_wanted = signal.sosfilt(rows(hard, 4 * RATE), x.astype(np.float64))
    block[:] = x
    cascade(hard, channels, 4 * RATE).process(block)
    cells = [
        f"{name:24}",
        f"{times[0]:7.3f}",
        f"{moving:6.1f}",
        f"{error:8.0f}",
        f"{error_db(block, hard_wanted):5.0f}",
        f"{times[1]:6.2f}",
        f"{times[1] / times[0]:5.1f}",
    ]
    if pedalboard:
        got = peer(x, RATE, reset=True)
        hard_got = board(hard)(x, 4 * RATE)
        cells += [
            f"{times[2]:10.2f}",
            f"{times[2] / times[0]:5.1f}",
            f"{error_db(got, wanted):13.0f}",
            f"{error_db(hard_got, hard_wanted):5.0f}",
        ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--isa", nargs="*", default=["v4", "v3", "baseline"])
    parser.add_argument("--frames", type=int, default=65_536, help="a multiple of 16")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each row")
    arguments = parser.parse_args()
    if len(arguments.isa) != 1:
        for isa in arguments.isa:
            command = [sys.executable, __file__, "--isa", isa, "--frames", str(arguments.frames)]
            command += ["--seconds", str(arguments.seconds)]
            subprocess.run(command, env={**os.environ, "LUTHIER_ISA": isa}, check=False)
        return
    if os.environ.get("LUTHIER_ISA") != arguments.isa[0]:
        os.execve(
            sys.executable, [sys.executable, *sys.argv], {**os.environ, "LUTHIER_ISA": arguments.isa[0]}
        )

    ten = [(40.0 * 1.9**i, 1.4, 6.0 * (-1) ** i) for i in range(10)]
    print(f"\n{_native.isa}: ns a sample a channel, float32, {arguments.frames} frames; accuracy in dB\n")
    head = ["", "luthier", "moving", "accuracy", "hard", "sosfilt", "ratio"]
    if pedalboard:
        head += ["pedalboard", "ratio", "its accuracy", "hard"]
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for name, filters, channels in (
        ("one, mono", ten[:1], 1),
        ("one, stereo", ten[:1], 2),
        ("one, 8 channels", ten[:1], 8),
        ("four in series, stereo", ten[:4], 2),
        ("ten in series, mono", ten, 1),
        ("ten in series, stereo", ten, 2),
    ):
        print(row(name, filters, channels, arguments.frames, arguments.seconds), flush=True)


if __name__ == "__main__":
    main()
