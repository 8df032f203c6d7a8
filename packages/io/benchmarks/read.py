"""Reading files, parts and batches beside python-soundfile: `python packages/io/benchmarks/read.py`.

Best of many repeats; reading is checked to give the peer's samples first. x RT is seconds of audio per
second of work. Reading gives planar float32, which for the peer is its interleaved array ("as it is")
and that array made planar ("planar"), both in the same run. SciPy reads WAV files to their own integers.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import soundfile
from scipy.io import wavfile

import luthier.io as lio

SECONDS = 60
FILES = {
    "WAV p16": ("wav", "PCM_16", 44_100),
    "WAV p24": ("wav", "PCM_24", 44_100),
    "WAV f32": ("wav", "FLOAT", 44_100),
    "FLAC": ("flac", "PCM_16", 44_100),
    "MP3": ("mp3", None, 44_100),
    "Vorbis": ("ogg", None, 44_100),
    "Opus": ("opus", None, 48_000),
}


def best(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def alternate(works: list[Callable[[], object]], rounds: int, repeats: int) -> list[float]:
    """Best time of each, taken in turns so that a busy machine disturbs all alike."""
    return [
        min(each) for each in zip(*[[best(w, repeats) for w in works] for _ in range(rounds)], strict=True)
    ]


def music(seconds: float, rate: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(0)
    t = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * f * t + f) / f**0.5 for f in (110, 220, 331, 442, 1_200, 3_000))
    noise = random.standard_normal((channels, len(t))) * (0.01 + 0.02 * (np.sin(9 * t) > 0.7))
    return (0.05 * tone + noise).astype(np.float32)


def rows(quick: bool) -> None:
    rounds = 2 if quick else 6
    print(f"{platform.machine()}, CPython {platform.python_version()}, soundfile {soundfile.__version__}\n")
    print(f"Reading {SECONDS} s of stereo to float32, x RT")
    print("| file | luthier.io | into out= | from bytes | soundfile | and planar | scipy | ratio to planar |")
    print("|---|---|---|---|---|---|---|---|")
    for label, (extension, subtype, rate) in FILES.items():
        path = f"long.{extension}"
        lio.write(path, music(SECONDS, rate, 2), rate, subtype=subtype)
        with open(path, "rb") as file:
            data = file.read()
        with soundfile.SoundFile(path) as peer:
            expected = peer.read(dtype="float32").T
        out = np.zeros_like(expected, order="C")
        off = float(np.abs(lio.read(path, out=out).samples - expected).max())
        assert off == 0 if extension in ("wav", "flac") else off < 1e-3, (label, off)
        works = [
            lambda p=path: lio.read(p),
            lambda p=path, o=out: lio.read(p, out=o),
            lambda d=data: lio.read(d),
            lambda p=path: soundfile.read(p, dtype="float32"),
            lambda p=path: np.ascontiguousarray(soundfile.read(p, dtype="float32")[0].T),
        ]
        if extension == "wav":
            works.append(lambda p=path: wavfile.read(p))
        times = alternate(works, rounds, 8 if extension == "wav" else 2)
        x = [f"{SECONDS / t:,.0f}" for t in times] + ["-"] * (6 - len(times))
        print(f"| {label} | " + " | ".join(x) + f" | {times[4] / times[0]:.2f} |", flush=True)

    print("\nOne file of 1 s, 16 kHz mono, microseconds")
    print("| file | luthier.io | soundfile | ratio |")
    print("|---|---|---|---|")
    for label, (extension, subtype, _) in FILES.items():
        path = f"clip.{extension}"
        lio.write(path, music(1, 16_000, 1), 16_000, subtype=subtype)
        ours, theirs = alternate(
            [lambda p=path: lio.read(p), lambda p=path: soundfile.read(p, dtype="float32")], rounds, 100
        )
        print(f"| {label} | {ours * 1e6:.0f} | {theirs * 1e6:.0f} | {theirs / ours:.2f} |", flush=True)

    parts(rounds)
    many(rounds)


def peers() -> dict[str, Callable[[str], object]]:
    """Other readers of whole WAV files, those that are installed."""
    found: dict[str, Callable[[str], object]] = {"soundfile": lambda p: soundfile.read(p, dtype="float32")}
    with suppress(ImportError):
        from scipy.io import wavfile

        found["scipy (codes, interleaved)"] = wavfile.read
    with suppress(ImportError):
        from pedalboard.io import AudioFile

        def pedalboard(path: str) -> object:
            with AudioFile(path) as file:
                return file.read(file.frames)

        found["pedalboard"] = pedalboard
    return found


def parts(rounds: int) -> None:
    """Whole WAV files in every form, and parts of long files."""
    print(f"\n{SECONDS} s of stereo PCM_16 WAV, x RT, and one clip of 1 s, 16 kHz mono, microseconds")
    print("| how | x RT | clip |")
    print("|---|---|---|")
    long, clip = "long.wav", "clip.wav"
    lio.write(long, music(SECONDS, 44_100, 2), 44_100)
    lio.write(clip, music(1, 16_000, 1), 16_000)
    out, small = np.empty((2, SECONDS * 44_100), np.float32), np.empty((1, 16_000), np.float32)
    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "luthier.io": (lambda: lio.read(long), lambda: lio.read(clip)),
        "luthier.io, out=": (lambda: lio.read(long, out=out), lambda: lio.read(clip, out=small)),
        "luthier.io, int16": (lambda: lio.read(long, dtype="int16"), lambda: lio.read(clip, dtype="int16")),
        "luthier.io, mono": (lambda: lio.read(long, channels=1), lambda: lio.read(clip, channels=1)),
        "luthier.io, mono 16 kHz": (
            lambda: lio.read(long, channels=1, sample_rate=16_000),
            lambda: lio.read(clip, channels=1, sample_rate=16_000),
        ),
        **{name: (lambda f=f: f(long), lambda f=f: f(clip)) for name, f in peers().items()},
    }
    longs = alternate([way[0] for way in ways.values()], rounds, 8)
    clips = alternate([way[1] for way in ways.values()], rounds, 100)
    for name, x, us in zip(ways, longs, clips, strict=True):
        print(f"| {name} | {SECONDS / x:,.0f} | {us * 1e6:.1f} |", flush=True)

    print("\n1 s out of 10 minutes of stereo, 30 places, median ms with opening")
    print("| file | luthier.io | with an index | index, bytes | made in ms | soundfile | ratio |")
    print("|---|---|---|---|---|---|---|")
    starts = np.random.default_rng(1).integers(0, 598 * 44_100, 30).tolist()
    minute = music(60, 44_100, 2)
    for label, (extension, subtype, rate) in FILES.items():
        path = f"ten.{extension}"
        with lio.Writer(path, rate, 2, subtype=subtype) as writer:
            for _ in range(10):
                writer.write(minute)
        made = best(lambda p=path: lio.build_index(p), 3)
        index = lio.build_index(path)

        def theirs(start: int, p: str = path) -> object:
            return soundfile.read(p, frames=44_100, start=start, dtype="float32")

        def ours(start: int, p: str = path) -> object:
            return lio.read(p, start=start, frames=44_100)

        def indexed(start: int, p: str = path, i: lio.SeekIndex = index) -> object:
            return lio.read(p, start=start, frames=44_100, index=i)

        times = [[best(lambda s=s, f=f: f(s), 2) for s in starts] for f in (ours, indexed, theirs)]
        a, b, c = (1e3 * float(np.median(each)) for each in times)
        size = len(index.to_bytes()) if index.payload else 0
        print(
            f"| {label} | {a:.2f} | {b:.2f} | {size} | {made * 1e3:.1f} | {c:.2f} | {c / b:.1f} |", flush=True
        )


def many(rounds: int) -> None:
    """Batches of clips on one thread and on two."""
    print("\nread_many of 200 clips of 1 s, 16 kHz mono, microseconds a clip")
    print("| files | 1 thread | 2 threads | ratio | into one array, 2 threads | read in a loop |")
    print("|---|---|---|---|---|---|")
    batch = np.empty((200, 1, 16_000), np.float32)
    for extension in ("wav", "flac", "mp3"):
        paths = [f"{i}.{extension}" for i in range(200)]
        for path in paths:
            lio.write(path, music(1, 16_000, 1), 16_000)
        times = alternate(
            [
                lambda p=paths: lio.read_many(p, threads=1),
                lambda p=paths: lio.read_many(p, threads=2),
                lambda p=paths: lio.read_many(p, threads=2, out=batch),
                lambda p=paths: [lio.read(path) for path in p],
            ],
            rounds,
            4,
        )
        one, two, into, loop = (1e6 * t / len(paths) for t in times)
        row = f"| {extension} | {one:.1f} | {two:.1f} | {one / two:.2f} | {into:.1f} | {loop:.1f} |"
        print(row, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        os.chdir(folder)
        rows(arguments.quick)
        os.chdir("/")


if __name__ == "__main__":
    main()
