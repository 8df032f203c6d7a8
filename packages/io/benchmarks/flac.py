"""Reading FLAC beside python-soundfile and pedalboard: `python packages/io/benchmarks/flac.py`.

Best of many repeats, in turns; every file is checked to give soundfile's samples first. x RT is seconds of
audio per second of work, planar float32. Needs the program `flac`; pedalboard's column is empty without it.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable

import numpy as np
import soundfile

import luthier.io as lio

try:
    from pedalboard.io import AudioFile
except ImportError:
    AudioFile = None

SECONDS = 60


def music(seconds: float, rate: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(0)
    t = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * f * t + f) / f**0.5 for f in (110, 220, 331, 442, 1_200, 3_000))
    noise = random.standard_normal((channels, len(t))) * (0.01 + 0.02 * (np.sin(9 * t) > 0.7))
    return (0.05 * tone + noise).astype(np.float32)


def alternate(works: list[Callable[[], object]], rounds: int, repeats: int = 1) -> list[float]:
    """Best time of each, taken in turns so that a busy machine disturbs all alike."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for i, work in enumerate(works):
            for _ in range(repeats):
                start = time.perf_counter()
                work()
                best[i] = min(best[i], time.perf_counter() - start)
    return best


def encode(path: str, samples: np.ndarray, rate: int, bits: int, *flags: str) -> None:
    lio.write("source.wav", samples, rate, subtype=f"PCM_{bits}")
    subprocess.run(["flac", "-s", "-f", *flags, "-o", path, "source.wav"], check=True)


def pedalboard_read(path: str) -> object:
    with AudioFile(path) as file:
        return file.read(file.frames)


def peers(path: str, **part: int) -> list[Callable[[], object]]:
    def planar() -> object:
        frames = part.get("frames", -1)
        samples, _ = soundfile.read(path, dtype="float32", start=part.get("start", 0), frames=frames)
        return np.ascontiguousarray(samples.T)

    return [lambda: lio.read(path, **part), planar]


def whole_files(rounds: int) -> None:
    print(f"Whole files of {SECONDS} s, x RT")
    print("| file | luthier.io | soundfile | pedalboard | ratio to the better |")
    print("|---|---|---|---|---|")
    for channels in (2, 1):
        for bits in (16, 24):
            for level in (0, 5, 8):
                encode("a.flac", music(SECONDS, 44_100, channels), 44_100, bits, f"-{level}")
                theirs = soundfile.read("a.flac", dtype="float32", always_2d=True)[0].T
                assert np.array_equal(lio.read("a.flac").samples, theirs)
                works = peers("a.flac")
                if AudioFile is not None:
                    works.append(lambda: pedalboard_read("a.flac"))
                times = alternate(works, rounds)
                x = [f"{SECONDS / t:,.0f}" for t in times] + [""] * (3 - len(times))
                name = f"{bits} bits, {'stereo' if channels == 2 else 'mono'}, -{level}"
                print(f"| {name} | {' | '.join(x)} | {min(times[1:]) / times[0]:.2f} |", flush=True)


def small_reads(rounds: int) -> None:
    print("\nSmall reads, opening included, microseconds")
    print("| what | luthier.io | soundfile | ratio |")
    print("|---|---|---|---|")
    encode("clip.flac", music(1, 16_000, 1), 16_000, 16, "-5")
    long = music(600, 44_100, 2)
    encode("long.flac", long, 44_100, 16, "-5")
    encode("bare.flac", long, 44_100, 16, "-5", "--no-seektable")
    cases = [("1 s clip, 16 kHz mono", "clip.flac", {})]
    for path, name in (("long.flac", "seek table"), ("bare.flac", "no seek table")):
        for share in (0.001, 0.5, 0.99):
            part = {"start": int(share * 600 * 44_100), "frames": 44_100}
            cases.append((f"1 s at {share:.1%} of 600 s stereo, {name}", path, part))
    for name, path, part in cases:
        ours, theirs = alternate(peers(path, **part), rounds * 3, 5)
        print(f"| {name} | {ours * 1e6:.0f} | {theirs * 1e6:.0f} | {theirs / ours:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    rounds = 3 if parser.parse_args().quick else 12
    print(f"{platform.machine()}, CPython {platform.python_version()}, soundfile {soundfile.__version__}\n")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        os.chdir(folder)
        whole_files(rounds)
        small_reads(rounds)
        os.chdir("/")


if __name__ == "__main__":
    main()
