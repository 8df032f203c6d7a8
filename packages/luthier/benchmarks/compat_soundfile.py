"""Reading and writing beside python-soundfile: `python packages/luthier/benchmarks/compat_soundfile.py`.

Best of many repeats, both in turns in one run; the samples are compared first, and differences of the
last bit (the peer seeks before it reads, which changes MP3) are told.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import tempfile
import time
from collections.abc import Callable

import numpy as np
import soundfile as peer

import luthier.compat.soundfile as ours

SECONDS = 60
FILES = {
    "WAV p16": ("wav", "PCM_16"),
    "WAV p24": ("wav", "PCM_24"),
    "WAV f32": ("wav", "FLOAT"),
    "FLAC": ("flac", "PCM_16"),
    "MP3": ("mp3", None),
    "Vorbis": ("ogg", None),
}
DTYPES = ("float64", "float32", "int16")


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
    t = np.arange(int(seconds * rate))[:, None] / rate
    tone = sum(np.sin(2 * np.pi * f * t + f) / f**0.5 for f in (110, 220, 331, 442, 1_200, 3_000))
    return (0.05 * tone + 0.02 * random.standard_normal((len(t), channels))).astype(np.float32)


def row(label: str, path: str, dtype: str, seconds: float, rounds: int, repeats: int, unit: str) -> None:
    a, b = ours.read(path, dtype=dtype)[0], peer.read(path, dtype=dtype)[0]
    off = np.abs(a.astype(np.float64) - b).max() / (32_768 if dtype == "int16" else 1)
    mine, theirs = alternate(
        [lambda: ours.read(path, dtype=dtype), lambda: peer.read(path, dtype=dtype)], rounds, repeats
    )
    shown = [seconds / t if unit == "x RT" else t * 1e6 for t in (mine, theirs)]
    same = "same" if off == 0 else f"{off:.0e}"
    print(
        f"| {label} | {dtype} | {shown[0]:,.0f} | {shown[1]:,.0f} | {theirs / mine:.2f} | {same} |",
        flush=True,
    )


def table(unit: str) -> None:
    print(f"| file | dtype | luthier.compat, {unit} | soundfile, {unit} | times as fast | samples |")
    print("|---|---|---|---|---|---|")


def rows(quick: bool) -> None:
    rounds = 2 if quick else 6
    print(f"{platform.machine()}, CPython {platform.python_version()}, soundfile {peer.__version__}\n")
    print(f"Reading {SECONDS} s of stereo")
    table("x RT")
    for label, (extension, subtype) in FILES.items():
        path = f"{label}.{extension}".replace(" ", "_")
        with peer.SoundFile(path, "w", 44_100, 2, subtype) as file:
            for start in range(SECONDS):
                file.write(music(1, 44_100, 2) * (1 - start / SECONDS / 2))
        for dtype in DTYPES:
            row(label, path, dtype, SECONDS, rounds, 5 if extension == "wav" else 1, "x RT")

    print("\nOne file of 1 s, 16 kHz mono")
    table("us")
    for label, (extension, subtype) in FILES.items():
        path = f"{label}_clip.{extension}".replace(" ", "_")
        peer.write(path, music(1, 16_000, 1), 16_000, subtype)
        for dtype in DTYPES:
            row(label, path, dtype, 1, rounds, 100, "us")

    print("\nOther calls, us")
    print("| call | luthier.compat | soundfile | times as fast |")
    print("|---|---|---|---|")
    with open("WAV_p16_clip.wav", "rb") as file:
        data = file.read()
    samples = music(1, 16_000, 1)
    calls: dict[str, Callable[[object], object]] = {
        "info of a clip, WAV": lambda m: m.info("WAV_p16_clip.wav"),
        "info of a clip, FLAC": lambda m: m.info("FLAC_clip.flac"),
        "info of a clip, MP3": lambda m: m.info("MP3_clip.mp3"),
        "clip from BytesIO, WAV": lambda m: m.read(io.BytesIO(data), dtype="float32"),
        "open and seek, 1 s of 60 s of FLAC": lambda m: m.read("FLAC.flac", start=1_234_567, frames=44_100),
        "open and seek, 1 s of 60 s of MP3": lambda m: m.read("MP3.mp3", start=1_234_567, frames=44_100),
        "write a clip, WAV": lambda m: m.write("out.wav", samples, 16_000),
        "write a clip, FLAC": lambda m: m.write("out.flac", samples, 16_000),
        "write a clip to BytesIO, WAV": lambda m: m.write(io.BytesIO(), samples, 16_000, format="WAV"),
        "blocks of 512, 60 s of WAV": lambda m: [None for _ in m.blocks("WAV_p16.wav", 512, dtype="float32")],
    }
    for name, call in calls.items():
        repeats = 3 if "60 s" in name else 100
        mine, theirs = alternate([lambda c=call: c(ours), lambda c=call: c(peer)], rounds, repeats)
        print(f"| {name} | {mine * 1e6:,.0f} | {theirs * 1e6:,.0f} | {theirs / mine:.2f} |", flush=True)


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
