"""The speed of every method on one thread beside peers in the same run, with their accuracy beside.

    python packages/pitch/benchmarks/methods.py [--quick]

20 s of a formant voice, 16 kHz, a hop of 10 ms, default ranges; the best of some runs, all trackers by turns.
The accuracy is that on the sets "voices" and "instruments" of accuracy.py, clean.
"""

import argparse
import time
import warnings

import numpy as np
from accuracy import mean, measure
from peers import trackers
from sounds import SETS, add_noise, voice

import luthier.core


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    luthier.core.set_threads(1)
    rate, random = 16_000, np.random.default_rng(1)
    x, _, there = voice(random, rate, 80, 300)
    x = add_noise(random, np.tile(x, 5), np.tile(there, 5), 30, False)
    seconds, found = len(x) / rate, trackers()

    best = dict.fromkeys(found, np.inf)
    for turn in range(3 if quick else 12):
        for name, tracker in found.items():
            if best[name] > 2 and turn > 1:
                continue  # a slow peer's first call compiles, its second is enough
            began = time.thread_time()
            tracker(x, rate)
            best[name] = min(best[name], time.thread_time() - began)

    sounds = [sound for key in ("voices", "instruments") for sound in SETS[key](np.random.default_rng(77))]
    print(f"instruction set {luthier.core.cpu().chosen}, one thread, {rate} Hz, hop 10 ms\n")
    print("| tracker | x real time | raw pitch accuracy | voicing recall | false alarm | cents |")
    print("|---|---|---|---|---|---|")
    for name, tracker in found.items():
        rpa, _, recall, alarm, _, cents = mean(
            [measure(tracker, s, "clean", i) for i, s in enumerate(sounds)]
        )
        speed = seconds / best[name]
        print(
            f"| {name} | {speed:.{0 if speed > 10 else 1}f} | {rpa:.1f} | {recall:.1f} | {alarm:.1f} "
            f"| {cents:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
