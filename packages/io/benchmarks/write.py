"""Writing whole files, beside python-soundfile and pedalboard: `python packages/io/benchmarks/write.py`.

x RT is seconds of audio per second of work, the best of repeats that take turns. Every library starts from
the same planar float32 array and writes to the same file system; nobody waits for the disk, but in the column
"durable". soundfile is given the interleaved array that it wants, made in the time that counts; pedalboard
takes planar arrays. The sizes are there because settings differ.
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

import luthier.io as lio

try:
    import pedalboard.io
except ImportError:
    pedalboard = None

SECONDS = 60
#: name -> (ending, subtype, sample rate, seconds, our options, soundfile's, pedalboard's)
FILES = {
    "WAV PCM_16": ("wav", "PCM_16", 44_100, 60, {}, {}, {"bit_depth": 16}),
    "WAV PCM_24": ("wav", "PCM_24", 44_100, 60, {}, {}, {"bit_depth": 24}),
    "WAV FLOAT": ("wav", "FLOAT", 44_100, 60, {}, {}, {"bit_depth": 32}),
    "WAV PCM_16, dithered": ("wav", "PCM_16", 44_100, 60, {"dither": "tpdf"}, None, None),
    "AIFF PCM_16": ("aiff", "PCM_16", 44_100, 60, {}, {}, {"bit_depth": 16}),
    "CAF PCM_24": ("caf", "PCM_24", 44_100, 60, {}, {}, None),
    "AU PCM_16": ("au", "PCM_16", 44_100, 60, {}, {}, None),
    "W64 FLOAT": ("w64", "FLOAT", 44_100, 60, {}, {}, None),
    "FLAC PCM_16, level 5": ("flac", "PCM_16", 44_100, 20, {}, {}, {"bit_depth": 16, "quality": 5}),
    "FLAC PCM_16, level 0": (
        "flac",
        "PCM_16",
        44_100,
        20,
        {"compression": 0},
        {"compression_level": 0.0},
        {"bit_depth": 16, "quality": 0},
    ),
    "MP3, V4": ("mp3", "MPEG_LAYER_III", 44_100, 5, {}, {}, {"quality": "V4"}),
    "MP3, 128 kbit/s": (
        "mp3",
        "MPEG_LAYER_III",
        44_100,
        5,
        {"bitrate": 128},
        {"compression_level": 192 / 288, "bitrate_mode": "CONSTANT"},
        {"quality": 128},
    ),
    "Vorbis, q4": ("ogg", "VORBIS", 44_100, 10, {}, {}, {"quality": 128}),
    "Opus, 128 kbit/s": (
        "opus",
        "OPUS",
        48_000,
        5,
        {"bitrate": 128},
        {"compression_level": 1 - (64 - 6) / 250},
        None,
    ),
}
NAMES = {"ogg": "OGG", "opus": "OGG"}


def best(works: list[Callable[[], object]], rounds: int, repeats: int) -> list[float]:
    """Best time of each, taken in turns so that a busy machine disturbs all alike."""
    times = [float("inf")] * len(works)
    for _ in range(rounds):
        for i, work in enumerate(works):
            for _ in range(repeats):
                start = time.perf_counter()
                work()
                times[i] = min(times[i], time.perf_counter() - start)
    return times


def music(seconds: float, rate: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(0)
    t = np.arange(int(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * f * t + f) / f**0.5 for f in (110, 220, 331, 442, 1_200, 3_000))
    noise = random.standard_normal((channels, len(t))) * (0.01 + 0.02 * (np.sin(9 * t) > 0.7))
    return (0.05 * tone + noise).astype(np.float32)


def soundfile_writes(
    path: str, samples: np.ndarray, rate: int, subtype: str, options: dict[str, object]
) -> None:
    ending = path.rpartition(".")[2]
    form = NAMES.get(ending, ending.upper())
    with soundfile.SoundFile(path, "w", rate, len(samples), subtype, format=form, **options) as file:
        # In one call libvorbis overflows the stack.
        step = 65_536 if ending in NAMES else samples.shape[1]
        for start in range(0, samples.shape[1], step):
            file.write(samples[:, start : start + step].T)


def pedalboard_writes(path: str, samples: np.ndarray, rate: int, options: dict[str, object]) -> None:
    with pedalboard.io.AudioFile(path, "w", rate, len(samples), **options) as file:
        file.write(samples)


def rows(quick: bool) -> None:
    versions = f"soundfile {soundfile.__version__}" + (
        f", pedalboard {pedalboard.__version__}" if pedalboard else ""
    )
    print(f"{platform.machine()}, CPython {platform.python_version()}, {versions}, in {os.getcwd()}\n")
    print("Stereo float32 to a file, x RT (bytes)")
    print("| file | luthier.io | durable | soundfile | pedalboard | ratio to the better |")
    print("|---|---|---|---|---|---|")
    for name, (ending, subtype, rate, seconds, ours, theirs, others) in FILES.items():
        samples = music(seconds, rate, 2)
        works: dict[str, Callable[[], object]] = {
            "ours": lambda: lio.write(f"ours.{ending}", samples, rate, subtype=subtype, **ours),  # noqa: B023
            "durable": lambda: lio.write(
                f"durable.{ending}",  # noqa: B023
                samples,  # noqa: B023
                rate,  # noqa: B023
                subtype=subtype,  # noqa: B023
                durable=True,
                **ours,  # noqa: B023
            ),
        }
        if theirs is not None:
            works["soundfile"] = lambda: soundfile_writes(
                f"soundfile.{ending}",  # noqa: B023
                samples,  # noqa: B023
                rate,  # noqa: B023
                subtype,  # noqa: B023
                theirs,  # noqa: B023
            )
        if others is not None and pedalboard is not None:
            works["pedalboard"] = lambda: pedalboard_writes(
                f"pedalboard.{ending}",  # noqa: B023
                samples,  # noqa: B023
                rate,  # noqa: B023
                others,  # noqa: B023
            )
        plain = seconds == SECONDS
        times = dict(
            zip(
                works,
                best(list(works.values()), 2 if quick else 4, (2 if quick else 5) if plain else 1),
                strict=True,
            )
        )
        cells = []
        for who in ("ours", "durable", "soundfile", "pedalboard"):
            if who in times:
                cells.append(f"{seconds / times[who]:,.0f} ({os.path.getsize(f'{who}.{ending}'):,})")
            else:
                cells.append("-")
        peers = [times[w] for w in ("soundfile", "pedalboard") if w in times]
        ratio = f"{min(peers) / times['ours']:.1f}" if peers else "-"
        print(f"| {name} | {' | '.join(cells)} | {ratio} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--folder", help="where to write, by default where temporary files go")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        os.chdir(folder)
        rows(arguments.quick)
        os.chdir("/")


if __name__ == "__main__":
    main()
