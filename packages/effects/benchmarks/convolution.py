"""Convolution against pedalboard's and SciPy's, in one run.

Prints nanoseconds a sample and channel (stereo responses on stereo noise of 60 s, float32, one thread, the
best CPU time of several runs that take turns), and beside each the error against SciPy in float64, in dB.
Pedalboard scales every response to its own liking; the best factor is taken out before its error.

    python benchmarks/convolution.py [seconds of response ...]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pedalboard as pb
import scipy.signal

import luthier.core
import luthier.effects as fx

RATE, SECONDS, REPEATS = 44_100, 60, 5
Array = npt.NDArray[np.floating]


def streamed(effect: fx.Effect, block: int, out: Array) -> Callable[[Array], Array]:
    """A run through a stream that is there already, in blocks of so many frames."""
    stream = effect.stream(RATE, 2)

    def run(x: Array) -> Array:
        stream.reset()
        if not block:
            return stream.process(x, out=out)
        for at in range(0, x.shape[1], block):
            stream.process(x[:, at : at + block], out=out[:, at : at + block])
        return out

    return run


def decibels(y: Array, reference: Array) -> float:
    """The energy of the error, relative to the reference's."""
    factor = np.vdot(reference, y) / np.vdot(reference, reference)
    scaled = y / factor if abs(factor - 1) > 1e-3 else y
    error = np.sum(np.square(scaled - reference, dtype=np.float64)) / np.sum(np.square(reference))
    return float(10 * np.log10(error))


def main() -> None:
    """Print the table."""
    luthier.core.set_threads(1)
    rng = np.random.default_rng(0)
    x = (0.1 * rng.standard_normal((2, RATE * SECONDS))).astype(np.float32)
    out = np.empty_like(x)
    print(f"instruction set {luthier.core.cpu().chosen}, pedalboard {pb.__version__}\n")
    print("| response | run | ns | dB |")
    print("|---|---|---|---|")
    for seconds in [float(s) for s in sys.argv[1:]] or [0.5, 2.0, 6.0]:
        frames = int(seconds * RATE)
        response = (rng.standard_normal((2, frames)) * np.exp(-6.9 * np.arange(frames) / frames) / 30).astype(
            np.float32
        )
        short = x[:, : RATE * 15]
        reference = np.stack(
            [
                scipy.signal.oaconvolve(a.astype(np.float64), b.astype(np.float64))[: short.shape[1]]
                for a, b in zip(short, response, strict=True)
            ]
        )
        ours = fx.Convolution(response)
        # One for each size: having seen the larger one, it goes on with its transforms at the smaller.
        theirs, small = (pb.Convolution(response, 1.0, RATE) for _ in range(2))
        runs: dict[str, Callable[[Array], Array]] = {
            "luthier, a call": lambda s, e=ours: e(s, RATE, out=out[:, : s.shape[1]]),
            "luthier, a stream at once": streamed(ours, 0, out),
            "luthier, blocks of 512": streamed(ours, 512, out),
            "luthier, blocks of 64": streamed(ours, 64, out),
            "pedalboard": lambda s, e=theirs: e(s, RATE),
            "pedalboard, buffer_size=512": lambda s, e=small: e(s, RATE, buffer_size=512),
            "scipy oaconvolve, float32": lambda s, r=response: scipy.signal.oaconvolve(s, r, axes=1),
        }
        best = dict.fromkeys(runs, np.inf)
        for turn in range(REPEATS):
            for name, run in runs.items():
                if turn >= 2 and "luthier" not in name:
                    continue
                start = time.process_time()
                run(x)
                best[name] = min(best[name], (time.process_time() - start) / x.size * 1e9)
        for name, run in runs.items():
            run_out = out[:, : short.shape[1]] if "stream" in name or "blocks" in name else None
            y = run(short) if run_out is None else streamed_short(ours, name, short)
            error = decibels(y[:, : short.shape[1]].astype(np.float64), reference)
            print(f"| {seconds:g} s | {name} | {best[name]:.2f} | {error:.0f} |")


def streamed_short(effect: fx.Effect, name: str, x: Array) -> Array:
    """The same run over a shorter signal."""
    block = int(name.rpartition(" ")[2]) if "blocks" in name else 0
    return streamed(effect, block, np.empty_like(x))(x)


if __name__ == "__main__":
    main()
