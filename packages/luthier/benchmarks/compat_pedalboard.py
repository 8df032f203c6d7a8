"""Plugins beside pedalboard: `python packages/luthier/benchmarks/compat_pedalboard.py`.

Nanoseconds for a sample of a channel, stereo float32 at 44.1 kHz: the median of several calls, both in turns
in one run. How far the two are from each other stands beside it.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pedalboard

import luthier.compat.pedalboard as ours

RATE = 44_100


def medians(works: list[Callable[[], object]], repeats: int) -> list[float]:
    """Median time of each, taken in turns so that a busy machine disturbs all alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return [float(np.median(taken)) for taken in times]


def music(seconds: float) -> np.ndarray:
    random = np.random.default_rng(0)
    t = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * f * t + f) / f**0.5 for f in (110, 220, 331, 442, 1_200, 3_000))
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * 0.7 * t)
    return (swell * (0.05 * tone + 0.05 * random.standard_normal((2, len(t))))).astype(np.float32)


def response(seconds: float) -> np.ndarray:
    frames = int(seconds * RATE)
    decay = np.exp(-6.9 * np.arange(frames) / frames)
    return (np.random.default_rng(1).standard_normal((2, frames)) * decay).astype(np.float32)


def boards(module: Any) -> dict[str, Any]:
    names = (
        "Gain Clipping Distortion LowpassFilter PeakFilter LadderFilter Compressor NoiseGate Limiter "
        "BrickwallLimiter Delay Chorus Phaser Reverb Resample MP3Compressor GSMFullRateCompressor"
    )
    made = {name: getattr(module, name)() for name in names.split()}
    made["PitchShift(3)"] = module.PitchShift(3)
    made["Convolution, 2 s"] = module.Convolution(response(2), 1.0, float(RATE))
    chain = ("NoiseGate", "Compressor", "LowShelfFilter", "Gain", "Reverb", "Limiter")
    made["a chain of six"] = module.Pedalboard([getattr(module, name)() for name in chain])
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, pedalboard {pedalboard.__version__}")
    x = music(options.seconds)
    print("| plugin | face, ns | pedalboard, ns | times | off, dB |")
    print("|---|---|---|---|---|")
    for (name, mine), theirs in zip(boards(ours).items(), boards(pedalboard).values(), strict=True):
        if options.only not in name:
            continue
        a, b = mine(x, RATE), theirs(x, RATE)
        off = 20 * np.log10(np.linalg.norm(a - b) / np.linalg.norm(b) + 1e-12)
        works = [lambda p=p: p(x, RATE) for p in (mine, theirs)]
        face, peer = (taken / x.size * 1e9 for taken in medians(works, options.repeats))
        print(f"| {name} | {face:.2f} | {peer:.2f} | {peer / face:.1f} | {off:.0f} |", flush=True)
    for frames in (64, 512):
        block = x[:, :frames].copy()
        for name in ("Gain", "Reverb", "a chain of six"):
            pair = [boards(module)[name] for module in (ours, pedalboard)]
            calls = [lambda p=p, x=block: [p(x, RATE, reset=False) for _ in range(100)] for p in pair]
            face, peer = (taken / 100 * 1e6 for taken in medians(calls, 20))
            print(f"{name}, a call with {frames} frames: face {face:.1f} us, pedalboard {peer:.1f} us")


if __name__ == "__main__":
    main()
