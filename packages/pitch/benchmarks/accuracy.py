"""The accuracy of all methods and of peers on sounds of known pitch, clean and in noise, with mir_eval.

    python packages/pitch/benchmarks/accuracy.py [--quick] [--only NAME ...] [--sets SET ...] [--by-set]

`nox -s accuracy` installs the peers and runs it. Raw pitch and chroma accuracy at 50 cents over voiced
frames, voicing recall and false alarms, overall accuracy, and the median error of right frames in cents;
means over the sounds of a set, then over the sets. librosa, Praat and SPTK get luthier's range and hop, and
librosa a frame of 64 ms or a little more. Praat and SPTK give no pitch where they hear none, which counts as
wrong. On all processors, a tracker in one condition on each.
"""

import argparse
import functools
import multiprocessing
import os
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import mir_eval.melody
import numpy as np
from peers import Tracker, trackers
from sounds import SETS, Sound, add_noise

import luthier.core

CONDITIONS = {
    "clean": (None, False),
    "white 10 dB": (10, False),
    "white 0 dB": (0, False),
    "pink 10 dB": (10, True),
    "pink 0 dB": (0, True),
}
COLUMNS = ("RPA", "RCA", "voicing recall", "false alarm", "overall", "cents")


def measure(tracker: Tracker, sound: Sound, condition: str, seed: int) -> list[float]:
    """The columns for one sound."""
    random = np.random.default_rng(seed)
    x = add_noise(random, sound.samples, sound.there, *CONDITIONS[condition])
    times, f0, voiced = tracker(x, sound.rate)
    at = np.minimum(np.round(times * sound.rate).astype(int), len(sound.f0) - 1)
    counts = (sound.there[at] > 0.98) | (sound.there[at] < 0.02)
    truth, there = sound.f0[at][counts], sound.there[at][counts] > 0.5
    f0, voiced = f0[counts], voiced[counts]
    melody = mir_eval.melody
    reference, estimate = melody.hz2cents(truth), melody.hz2cents(f0)
    there, voiced = there.astype(float), voiced.astype(float)
    recall, alarm = melody.voicing_measures(there, voiced)
    cents = np.abs(reference - estimate)[there > 0]
    right = cents[cents < 50]
    return [
        100 * melody.raw_pitch_accuracy(there, reference, voiced, estimate),
        100 * melody.raw_chroma_accuracy(there, reference, voiced, estimate),
        100 * recall,
        100 * alarm if (there == 0).any() else np.nan,
        100 * melody.overall_accuracy(there, reference, voiced, estimate),
        float(np.median(right)) if right.size else np.nan,
    ]


def mean(rows: list[list[float]]) -> list[float]:
    """Of each column, over what there is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return [float(v) for v in np.nanmean(np.array(rows), axis=0)]


#: What `means` measures on, in every process.
_sets: dict[str, list[Sound]] = {}


def remember(sets: dict[str, list[Sound]]) -> None:
    """What a process starts with: rendering the soundfont's takes too long to do it in each."""
    _sets.update(sets)
    # Processes that fill one cache of librosa's compiled functions at once spoil it.
    own = f"{sys.prefix}/numba/{multiprocessing.current_process().name}"
    os.environ.setdefault("NUMBA_CACHE_DIR", own)
    luthier.core.set_threads(1)
    warnings.simplefilter("ignore", UserWarning)


@functools.cache
def tracker_named(name: str) -> Tracker:
    return trackers([name])[name]


def means(cells: tuple[str, str]) -> list[list[float]]:
    """The columns for every set, of a condition and a tracker."""
    condition, name = cells
    tracker = tracker_named(name)
    return [
        mean([measure(tracker, sound, condition, i) for i, sound in enumerate(sounds)])
        for sounds in _sets.values()
    ]


def row(cells: Sequence[str], figures: list[float]) -> None:
    shown = ["-" if np.isnan(v) else f"{v:.1f}" for v in figures]
    print(f"| {' | '.join([*cells, *shown])} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="clean and 10 dB alone")
    parser.add_argument("--only", nargs="+", help="trackers whose names hold one of these")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--by-set", action="store_true", help="raw pitch accuracy for each set too")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    names = list(trackers(arguments.only))
    sets = {name: list(SETS[name](np.random.default_rng(77))) for name in arguments.sets}
    for name in [name for name, sounds in sets.items() if not sounds]:
        print(f"no {name}: FluidSynth or its soundfonts are missing, or the recording", file=sys.stderr)
        del sets[name]
    print(f"{sum(map(len, sets.values()))} sounds in {len(sets)} sets: {', '.join(sets)}.\n")
    print(f"| condition | tracker | {' | '.join(COLUMNS)} |\n|{'---|' * (2 + len(COLUMNS))}")
    conditions = list(CONDITIONS)[: 2 if arguments.quick else None]
    rows = [(condition, name) for condition in conditions for name in names]
    by_set = []
    # Every process has a processor: neither BLAS nor anything else would be the faster for more threads.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processors, spawn, remember, (sets,)) as pool:
        for cells, figures in zip(rows, pool.map(means, rows), strict=True):
            row(cells, mean(figures))
            by_set.append([each[0] for each in figures])
    print(f"\nRaw pitch accuracy in brief:\n\n| tracker | {' | '.join(conditions)} |")
    print(f"|{'---|' * (1 + len(conditions))}")
    for i, name in enumerate(names):
        row([name], [float(np.mean(figures)) for figures in by_set[i :: len(names)]])
    if arguments.by_set:
        print(f"\nRaw pitch accuracy by set:\n\n| condition | tracker | {' | '.join(sets)} |")
        print(f"|{'---|' * (2 + len(sets))}")
        for cells, figures in zip(rows, by_set, strict=True):
            row(cells, figures)


if __name__ == "__main__":
    main()
