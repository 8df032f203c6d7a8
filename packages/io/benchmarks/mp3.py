"""MP3: whole files and crops, beside python-soundfile: `python packages/io/benchmarks/mp3.py`.

Needs `lame`. Whole files are checked to give the peer's samples, crops to give ours; best of many repeats,
taken in turns.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable

import numpy as np
import soundfile
from read import music

import luthier.io as lio

RATE = 44_100
OPTIONS = {"CBR 128": ("-b", "128"), "V4": ("-V4",), "CBR 128, no count": ("-b", "128", "-t")}


def alternate(works: list[Callable[[], object]], rounds: int) -> list[float]:
    times = [float("inf")] * len(works)
    for _ in range(rounds):
        for i, work in enumerate(works):
            start = time.perf_counter()
            work()
            times[i] = min(times[i], time.perf_counter() - start)
    return times


def crop(path: str, start: int) -> object:
    with soundfile.SoundFile(path) as file:
        file.seek(start)
        return file.read(RATE, dtype="float32")


def main() -> None:
    for seconds in (60, 180, 600):
        lio.write("a.wav", music(seconds, RATE, 2), RATE)
        for label, options in OPTIONS.items():
            subprocess.run(["lame", "--quiet", *options, "a.wav", f"{label} {seconds}.mp3"], check=True)
    print("60 s of stereo to float32, x RT\n| file | luthier.io | soundfile | ratio |\n|---|---|---|---|")
    for label in OPTIONS:
        path = f"{label} 60.mp3"
        theirs = soundfile.read(path, dtype="float32")[0].T
        ours = lio.read(path).samples
        worst = np.abs(ours[:, : theirs.shape[1]] - theirs[:, : ours.shape[1]]).max()
        assert worst < 1e-6, (label, worst)
        a, b = alternate([lambda p=path: lio.read(p), lambda p=path: soundfile.read(p, dtype="float32")], 12)
        print(f"| {label} | {60 / a:,.0f} | {60 / b:,.0f} | {b / a:.2f} |", flush=True)
    print("\n1 s out of 10 min, opening included, ms")
    print("| file | from | luthier.io | with an index | soundfile |\n|---|---|---|---|---|")
    for label in OPTIONS:
        path = f"{label} 600.mp3"
        index = lio.build_index(path)
        full = lio.read(path).samples
        for second in (5, 300, 595):
            start = second * RATE
            part = lio.read(path, start=start, frames=RATE, index=index).samples
            assert np.array_equal(part, full[:, start : start + RATE])
            a, b, c = alternate(
                [
                    lambda p=path, s=start: lio.read(p, start=s, frames=RATE),
                    lambda p=path, s=start, i=index: lio.read(p, start=s, frames=RATE, index=i),
                    lambda p=path, s=start: crop(p, s),
                ],
                15,
            )
            print(f"| {label} | {second} s | {a * 1e3:.2f} | {b * 1e3:.2f} | {c * 1e3:.2f} |", flush=True)
    print("\nThe index of 3 min\n| file | ms | bytes |\n|---|---|---|")
    for label in OPTIONS:
        path = f"{label} 180.mp3"
        (a,) = alternate([lambda p=path: lio.build_index(p)], 15)
        print(f"| {label} | {a * 1e3:.2f} | {len(lio.build_index(path).to_bytes()):,} |", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        os.chdir(folder)
        main()
        os.chdir("/")
