"""Files and resampling beside pedalboard: `python packages/luthier/benchmarks/compat_pedalboard_io.py`.

Best of several repeats, both in turns in one run. How far the two are from each other stands beside each
time, and beside resampling how far each is from the tone that it should be.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pedalboard

import luthier.compat.pedalboard.io as ours
from luthier.compat.pedalboard._quality import Quality

SECONDS = 60
FORMATS = {"wav": None, "aiff": None, "flac": 5, "mp3": 128, "ogg": 192}


def best(works: list[Callable[[], object]], repeats: int) -> list[float]:
    """Best time of each, taken in turns so that a busy machine disturbs all alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for work, taken in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


def music(seconds: float, rate: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(0)
    t = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * f * t + f) / f**0.5 for f in (110, 220, 331, 442, 1_200, 3_000))
    return (0.05 * tone + 0.02 * random.standard_normal((channels, len(t)))).astype(np.float32)


def read(module: Any, path: str) -> np.ndarray:
    with module.AudioFile(path) as file:
        return file.read(file.frames)


def files(repeats: int) -> None:
    peer = pedalboard.io
    print(f"Files of {SECONDS} s of stereo, x real time; largest difference of what is read")
    print(
        "| format | read, face | read, pedalboard | times | encode, face | encode, pedalboard | times | off |"
    )
    print("|---|---|---|---|---|---|---|---|")
    sound = music(SECONDS, 44_100, 2)
    for form, quality in FORMATS.items():
        path = f"a.{form}"
        with open(path, "wb") as file:
            file.write(peer.AudioFile.encode(sound, 44_100, form, 2, quality=quality))
        mine, theirs = read(ours, path), read(peer, path)
        off = f"{np.abs(mine - theirs).max():.0e}" if mine.shape == theirs.shape else "other frames"
        reads = best([lambda p=path: read(ours, p), lambda p=path: read(peer, p)], repeats)
        writes = best(
            [
                lambda m=m, f=form, q=quality: m.AudioFile.encode(sound, 44_100, f, 2, quality=q)
                for m in (ours, peer)
            ],
            max(1, repeats // 3),
        )
        cells = [f"{SECONDS / a:,.0f} | {SECONDS / b:,.0f} | {b / a:.2f}" for a, b in (reads, writes)]
        print(f"| {form} | {' | '.join(cells)} | {off} |", flush=True)
    clip = music(1, 16_000, 1)
    for form in ("wav", "flac"):
        with open(f"clip.{form}", "wb") as file:
            file.write(peer.AudioFile.encode(clip, 16_000, form))
        a, b = best([lambda f=form: read(ours, f"clip.{f}"), lambda f=form: read(peer, f"clip.{f}")], 200)
        print(f"one clip of 1 s, 16 kHz mono, {form}: face {a * 1e6:.0f} us, pedalboard {b * 1e6:.0f} us")
    opened = [m.AudioFile("a.wav") for m in (ours, peer)]

    def blocks(file: Any) -> None:
        file.seek(0)
        for _ in range(1_000):
            file.read(64)

    a, b = best([lambda: blocks(opened[0]), lambda: blocks(opened[1])], 10)
    print(f"64 frames of an open file: face {a * 1e3:.1f} us, pedalboard {b * 1e3:.1f} us\n")


def resampling(repeats: int) -> None:
    print(
        "Resampling 10 s of stereo from 44.1 kHz to 48 kHz, ns an output sample a channel; error of 1 kHz, dB"
    )
    print("| quality | face | pedalboard | times | error, face | error, pedalboard |")
    print("|---|---|---|---|---|---|")
    t = np.arange(441_000) / 44_100
    sound = np.stack([np.sin(2 * np.pi * 1_000 * t)] * 2).astype(np.float32)
    due = np.sin(2 * np.pi * 1_000 * np.arange(480_000) / 48_000)
    for quality in Quality:
        theirs = pedalboard.Resample.Quality.__members__[quality.name]

        def run(module: Any, quality: Any) -> np.ndarray:
            stream = module.StreamResampler(44_100, 48_000, 2, quality)
            return np.concatenate([stream.process(sound), stream.process(None)], axis=1)

        works = [lambda q=quality: run(ours, q), lambda q=theirs: run(pedalboard.io, q)]
        errors = [
            20 * np.log10(np.sqrt(2 * np.mean((work()[0, 2_000:470_000] - due[2_000:470_000]) ** 2)))
            for work in works
        ]
        a, b = (1e9 * seconds / 960_000 for seconds in best(works, repeats))
        print(
            f"| {quality.name} | {a:.1f} | {b:.1f} | {b / a:.1f} | {errors[0]:.0f} | {errors[1]:.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, CPython {platform.python_version()}, pedalboard {pedalboard.__version__}\n")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        os.chdir(folder)
        files(3 if arguments.quick else 10)
        resampling(1 if arguments.quick else 3)
        os.chdir("/")


if __name__ == "__main__":
    main()
