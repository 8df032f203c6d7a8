"""Ogg Vorbis and Opus against python-soundfile: whole files, one second from places, building an index.

Run it with ``python packages/io/benchmarks/ogg.py``. Every second is the best of several, taken in turns. The
samples of whole files are compared bit for bit; those of crops too, with the whole file's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

import luthier.io as lio


def best(functions: list[Callable[[], object]], repeats: int) -> list[float]:
    """The least seconds of each, called in turns."""
    least = [np.inf] * len(functions)
    for _ in range(repeats):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            least[i] = min(least[i], time.perf_counter() - start)
    return least


def encode(path: Path, seconds: int, rate: int, subtype: str) -> None:
    random = np.random.default_rng(0)
    t = np.arange(seconds * rate) / rate
    music = 0.3 * np.sin(2 * np.pi * (200 + 150 * np.sin(t / 7)) * t)
    noise = 0.1 * random.standard_normal((2, t.size)) * (np.sin(2 * np.pi * 1.3 * t) > 0.4)
    samples = (music + noise).T.astype(np.float32)
    with soundfile.SoundFile(path, "w", rate, 2, format="OGG", subtype=subtype) as file:
        for start in range(0, len(samples), 65_536):
            file.write(samples[start : start + 65_536])


def peer_crop(path: Path, start: int, frames: int) -> np.ndarray:
    with soundfile.SoundFile(path) as file:
        file.seek(start)
        return file.read(frames, dtype="float32", always_2d=True)


def main() -> None:
    print("| file | task | luthier | soundfile | ratio | samples |\n|---|---|---:|---:|---:|---|")
    with tempfile.TemporaryDirectory() as folder:
        for subtype, rate in (("VORBIS", 44_100), ("OPUS", 48_000)):
            path = Path(folder) / f"{subtype}.ogg"
            encode(path, 60, rate, subtype)
            ours, theirs = best(
                [lambda p=path: lio.read(p), lambda p=path: soundfile.read(p, dtype="float32")], 5
            )
            same = np.array_equal(lio.read(path).samples.T, soundfile.read(path, dtype="float32")[0])
            print(
                f"| {subtype} 60 s | whole | {60 / ours:.0f} x RT | {60 / theirs:.0f} x RT "
                f"| {theirs / ours:.2f} "
                f"| {'equal' if same else 'differ'} |"
            )
            encode(path, 600, rate, subtype)
            full = lio.read(path).samples
            (built,) = best([lambda p=path: lio.build_index(p)], 3 if subtype == "VORBIS" else 1)
            index = lio.build_index(path)
            print(f"| {subtype} 600 s | index, {len(index.payload):,} bytes | {built * 1e3:.1f} ms | | | |")
            for place, start in (("start", 0), ("middle", 300 * rate), ("end", 599 * rate)):
                for given in (None, index):
                    slow = subtype == "OPUS" and given is None and start > 0
                    ours, theirs = best(
                        [
                            lambda p=path, s=start, n=rate, i=given: lio.read(p, start=s, frames=n, index=i),
                            lambda p=path, s=start, n=rate: peer_crop(p, s, n),
                        ],
                        2 if slow else 15,
                    )
                    crop = lio.read(path, start=start, frames=rate, index=given).samples
                    same = np.array_equal(crop, full[:, start : start + rate])
                    peers = np.array_equal(peer_crop(path, start, rate).T, full[:, start : start + rate])
                    print(
                        f"| {subtype} 600 s | 1 s at the {place}{', index' if given else ''} "
                        f"| {ours * 1e3:.2f} ms "
                        f"| {theirs * 1e3:.2f} ms | {theirs / ours:.2f} "
                        f"| {'equal' if same else 'differ'}, peer's {'equal' if peers else 'differ'} |"
                    )


if __name__ == "__main__":
    main()
