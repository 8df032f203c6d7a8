"""Reading and writing whole files, beside python-soundfile: `python packages/io/benchmarks/read.py`.

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
        assert np.array_equal(lio.read(path, out=out).samples, expected), label
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

    print("\n1 s out of 10 minutes of stereo, opening included, microseconds")
    print("| file | luthier.io | soundfile | ratio |")
    print("|---|---|---|---|")
    for label, (extension, subtype, rate) in FILES.items():
        path = f"ten.{extension}"
        with lio.Writer(path, rate, 2, subtype=subtype) as writer:
            for _ in range(10):
                writer.write(music(60, rate, 2))
        ours, theirs = alternate(
            [
                lambda p=path, r=rate: lio.read(p, start=431 * r + 17, frames=r),
                lambda p=path, r=rate: soundfile.read(p, r, 431 * r + 17, dtype="float32"),
            ],
            rounds,
            20 if extension in ("wav", "flac") else 2,
        )
        print(f"| {label} | {ours * 1e6:,.0f} | {theirs * 1e6:,.0f} | {theirs / ours:.2f} |", flush=True)
        os.remove(path)

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

    print(f"\nWriting {SECONDS} s of stereo float32, x RT (ours fsyncs and renames; the peer does not)")
    print("| file | luthier.io | soundfile from planar | ratio |")
    print("|---|---|---|---|")
    for label, (extension, subtype, rate) in FILES.items():
        seconds = SECONDS if extension in ("wav", "flac") else 10
        samples = music(seconds, rate, 2)
        kind = {"mp3": "MPEG_LAYER_III", "ogg": "VORBIS", "opus": "OPUS"}.get(extension, subtype)
        form = {"wav": "WAV", "flac": "FLAC", "mp3": "MP3"}.get(extension, "OGG")

        def peer(s: np.ndarray = samples, r: int = rate, f: str = form, k: str = kind) -> None:
            with soundfile.SoundFile("peer", "w", r, 2, k, format=f) as out:
                for start in range(0, s.shape[1], 65_536):
                    out.write(s[:, start : start + 65_536].T)

        ours, theirs = alternate(
            [lambda e=extension, s=samples, r=rate, k=subtype: lio.write(f"ours.{e}", s, r, subtype=k), peer],
            max(1, rounds // 2),
            3 if extension == "wav" else 1,
        )
        print(
            f"| {label} | {seconds / ours:,.0f} | {seconds / theirs:,.0f} | {theirs / ours:.2f} |", flush=True
        )


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
