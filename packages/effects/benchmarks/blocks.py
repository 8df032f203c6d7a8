"""What a small block costs a stream, beside a whole call and beside pedalboard, in one run.

Prints microseconds a block of stereo float32 with `out=`, the least of many: the call alone is what remains
when the price of these frames in a whole call is taken off.

    python benchmarks/blocks.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pedalboard as pb
from effects import six

import luthier.core
import luthier.effects as fx

RATE = 44_100


def best(run: Callable[[], object], count: int, repeats: int = 15) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(count):
            run()
        times.append((time.perf_counter() - start) / count)
    return min(times) * 1e6


def main() -> None:
    luthier.core.set_threads(1)
    pairs: list[tuple[str, fx.Effect, pb.Plugin]] = [
        ("Gain", fx.Gain(6), pb.Gain(6)),
        ("PeakFilter", fx.PeakFilter(1000, 6, 1), pb.PeakFilter(1000, 6, 1)),
        ("Compressor", fx.Compressor(-20, 4), pb.Compressor(-20, 4)),
        ("Chorus", fx.Chorus(), pb.Chorus()),
        ("Reverb", fx.Reverb(), pb.Reverb()),
        ("a chain of six", fx.Chain(six(fx)), pb.Pedalboard(six(pb))),
    ]
    noise = np.random.default_rng(0).standard_normal((2, 10 * RATE))
    whole = (0.2 * noise).astype(np.float32)
    result = np.empty_like(whole)
    print(f"instruction set {luthier.core.cpu().chosen}, pedalboard {pb.__version__}\n")
    print("| effect | frames | luthier us | the same frames in a whole call | the call | pedalboard us |")
    print("|---|---|---|---|---|---|")
    for name, ours, theirs in pairs:
        share = best(lambda e=ours: e(whole, RATE, out=result), 1) / whole.shape[1]
        for frames in (64, 512):
            block, out = whole[:, :frames].copy(), np.empty((2, frames), np.float32)
            stream = ours.stream(RATE, 2)
            mine = best(lambda s=stream, b=block, o=out: s.process(b, out=o), 400)
            peer = best(lambda e=theirs, b=block: e(b, RATE, reset=False), 400)
            part = share * frames
            print(f"| {name} | {frames} | {mine:.2f} | {part:.2f} | {mine - part:.2f} | {peer:.2f} |")


if __name__ == "__main__":
    main()
