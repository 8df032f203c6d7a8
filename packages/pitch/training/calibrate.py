"""Makes the confidence of every method a probability, and tells how much it is one.

    python calibrate.py fit DATA [METHOD ...] [--write]
    python calibrate.py show DATA [METHOD ...]

DATA is what sources.py or evaluate.py wrote: fit on the one, look at the other. With --write the weights go
to `luthier/pitch/calibration.py` and, for "neural" and "quick", offset and scale into their packs: to be done
after each pack.py. It needs luthier.pitch as in this tree.

A probability is one of a mixture of sounds. This one has speech, soundfont notes and procedural sounds (a
quarter of them noises) in equal shares; at 8, 16 and 44.1 kHz; clean and in white and in pink noise 20, 10
and 0 dB below what is voiced. In each of these 63 cells half of the decided frames are voiced. Left out are
frames of digital silence, where all methods say 0, frames whose f0 is out of the method's range, and, where
nothing covers it, what follows a note that was let go: it rings on at its pitch, 45 to 70 dB down.

`show` prints, over that mixture: ECE, the mean distance of confidence and share of voiced frames over ten
bins of confidence; the largest such distance of a bin that holds a hundredth of all frames; the same ECE
where what rings on counts as unvoiced; the mean over clips of F1 (voiced and right within 50 cents), recall
and false alarms at a confidence of 0.5; then each bin's mean confidence and share.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import synthesis
from batches import Pack
from scipy.optimize import minimize
from scipy.signal import resample_poly
from synthesis import RATE, STEP

import luthier.pitch as lp
from luthier.pitch import calibration, methods, neural
from luthier.pitch.models import read_pack, write_pack

Doubles = npt.NDArray[np.float64]

SOURCE = Path(__file__).parents[1] / "src/luthier/pitch"
PACKS = {"neural": "pitch-accurate", "quick": "pitch-quick"}
METHODS = (*calibration.WEIGHTS, *PACKS)
#: Whose path says more than the evidence does.
PATHS = {"autocorrelation"}

SETS = (("speech", "voice"), ("notes", "instrument"), ("synthesis", "synthetic"))
RATES = (8_000, 16_000, 44_100)
COLOURS = {"white": 0.0, "pink": -1.0}
CONDITIONS = (("", 0), *((kind, snr) for kind in COLOURS for snr in (20, 10, 0)))
SECONDS = 6
BINS = 10


@dataclasses.dataclass
class Sound:
    """A stretch of a clip as it is heard; `cell` numbers set, rate and condition."""

    samples: Doubles
    rate: int
    f0: Doubles
    state: npt.NDArray[np.int8]
    rings: npt.NDArray[np.bool_]  # frames that only what rings on can be heard in
    cell: int


def mixture(folder: Path, each: int, seed: int) -> Iterator[Sound]:
    """`each` sounds of every cell, one cell after the other."""
    random = np.random.default_rng(seed)
    frames = SECONDS * 100
    for number, names in enumerate(SETS):
        source = list(
            Pack(next(folder / f"{name}.npz" for name in names if (folder / f"{name}.npz").exists()))
        )
        for i in range(len(RATES) * len(CONDITIONS) * each):
            which = i // each
            rate, (kind, snr_db) = RATES[which // len(CONDITIONS)], CONDITIONS[which % len(CONDITIONS)]
            if names[0] == "synthesis" and i % 4 == 3:
                x, f0, state = synthesis.unvoiced(random, SECONDS)
                x, f0, state = x.astype(float), f0[:frames].astype(float), state[:frames]
            else:
                x, f0, state = source[random.integers(len(source))]
                first = int(random.integers(max(1, len(f0) - frames + 1)))
                f0, state = f0[first : first + frames].astype(float), state[first : first + frames].copy()
                x = x[first * STEP : (first + len(f0)) * STEP].astype(float)
                # A cut may go through a note.
                state[:3] = state[-3:] = -1
            voiced = np.repeat(state == 1, STEP)
            level = np.sqrt(np.mean(x[voiced] ** 2 if voiced.any() else x**2)) or 1.0
            if rate != RATE:
                divisor = np.gcd(rate, RATE)
                x = resample_poly(x, rate // divisor, RATE // divisor)
            if kind:
                hiss = synthesis.colour(random.standard_normal(len(x)), COLOURS[kind], rate)
                x = x + hiss * level * 10 ** (-snr_db / 20)
            rings = (state == 0) & bool(names[0] == "notes" and not kind and voiced.any())
            yield Sound(x, rate, f0, state, rings, number * len(RATES) * len(CONDITIONS) + which)


def track(method: str, sound: Sound) -> lp.Pitch:
    name, _, whitened = method.partition(", ")
    options = {"whiten": True} if whitened else {"low_latency": True} if name == "quick" else {}
    return lp.track(sound.samples, sound.rate, method="neural" if name in PACKS else name, **options)


def settings(method: str, weights: tuple[float, ...] | None) -> ExitStack:
    """While it is entered the method has these weights, or its own; the networks are those of this tree."""
    stack = ExitStack()
    if method not in PACKS:
        known = {**calibration.WEIGHTS, **({method: weights} if weights else {})}
        stack.enter_context(patch.object(methods, "WEIGHTS", known))
        return stack
    model = neural.Model.of(read_pack(SOURCE / "packs" / f"{PACKS[method]}.pack"))
    if weights:
        model = dataclasses.replace(model, voicing=(weights[0], weights[1]))
    stack.enter_context(patch.object(neural, "load", lambda _: model))
    return stack


@dataclasses.dataclass
class Frames:
    """The decided frames of the mixture."""

    clip: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]
    voiced: npt.NDArray[np.bool_]
    rings: npt.NDArray[np.bool_]
    right: npt.NDArray[np.bool_]
    confidence: Doubles  # (weights, frames)

    def weights(self, *, ringing: bool = False) -> Doubles:
        """Of each frame: half of every cell is voiced, and each cell weighs as much as any other."""
        counts = (self.confidence[0] > 0) & (ringing | ~self.rings)
        key = 2 * self.cell + self.voiced
        size = np.bincount(key[counts])
        weight = np.where(counts, 1 / np.maximum(size[np.minimum(key, len(size) - 1)], 1), 0.0)
        return weight / weight.sum()


def listen(method: str, sounds: list[Sound], weights: list[tuple[float, ...] | None]) -> Frames:
    """What the method says of the sounds with each of the weights."""
    name = "neural" if method in PACKS else method.partition(", ")[0]
    low, high = methods.METHODS[name].fmin, methods.METHODS[name].fmax
    columns = []
    confidence = []
    for chosen in weights:
        with settings(method, chosen):
            found = [track(method, sound) for sound in sounds]
        confidence.append(
            np.concatenate([p.confidence[: len(s.f0)] for p, s in zip(found, sounds, strict=True)])
        )
    for number, (pitch, sound) in enumerate(zip(found, sounds, strict=True)):
        count = len(sound.f0)
        out = (sound.f0 < low) | (sound.f0 > min(high, 0.47 * sound.rate))
        state = np.where((sound.state == 1) & out, -1, sound.state)
        cents = 1_200 * np.abs(np.log2(pitch.f0[:count] / np.maximum(sound.f0, 1)))
        ones = np.ones(count, np.int64)
        columns.append((number * ones, sound.cell * ones, state, sound.rings, cents < 50))
    clip, cell, state, rings, right = (np.concatenate(column) for column in zip(*columns, strict=True))
    known = state >= 0
    voiced = state == 1
    return Frames(
        clip[known], cell[known], voiced[known], rings[known], (right & voiced)[known],
        np.array(confidence)[:, known],
    )  # fmt: skip


def log_odds(p: Doubles) -> Doubles:
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return np.asarray(np.log(p / (1 - p)))


def fit(method: str, sounds: list[Sound]) -> tuple[float, ...]:
    """Logistic regression on what the method itself says of each of its features."""
    # Small weights, which no rounding of the probability spoils.
    small, size = 0.25, 2 if method in PACKS else 4
    used = [1] if size == 2 else [1, 2, 3] if method in PATHS else [1, 2]
    # A network's only feature is its own log-odds, and these have to be as they are.
    probes = [tuple((1.0 if size == 2 else small) * (i == j) for j in range(size)) for i in used]
    frames = listen(method, sounds, list(probes))
    weight = frames.weights()
    kept = weight > 0
    features = np.stack([np.ones(kept.sum()), *log_odds(frames.confidence[:, kept])])
    features[1:] /= 1.0 if size == 2 else small
    voiced, weight = frames.voiced[kept], weight[kept]

    def loss(b: Doubles) -> tuple[float, Doubles]:
        odds = b @ features
        value = weight @ np.logaddexp(0, np.where(voiced, -odds, odds))
        return float(value), features @ (weight * (1 / (1 + np.exp(-odds)) - voiced))

    found = minimize(loss, np.zeros(len(features)), jac=True, method="BFGS").x
    weights = [0.0] * size
    for i, value in zip([0, *used], found, strict=True):
        weights[i] = round(float(value), 3)
    return tuple(weights)


def reliability(confidence: Doubles, voiced: npt.NDArray[np.bool_], weight: Doubles) -> Doubles:
    """(3, bins): of each bin of confidence its share of all frames, mean confidence, and voiced share."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    sums = [np.bincount(place, weight * value, BINS) for value in (np.ones(len(voiced)), confidence, voiced)]
    share = sums[0] / sums[0].sum()
    return np.stack([share, *(s / np.maximum(sums[0], 1e-12) for s in sums[1:])])


def error(table: Doubles) -> float:
    """The expected calibration error."""
    return float(table[0] @ np.abs(table[1] - table[2]))


def decisions(frames: Frames) -> tuple[float, float, float]:
    """F1, recall and false alarms at 0.5, in per cent, mean over clips that have something voiced."""
    said = frames.confidence[0] >= 0.5
    size = int(frames.clip.max()) + 1

    def count(which: npt.NDArray[np.bool_]) -> Doubles:
        return np.bincount(frames.clip[which], minlength=size).astype(float)

    there, silent = count(frames.voiced), count(~frames.voiced)
    sounding = there > 20
    f1 = 2 * count(said & frames.right) / np.maximum(count(said) + there, 1)
    recall = count(said & frames.voiced) / np.maximum(there, 1)
    alarms = count(said & ~frames.voiced) / np.maximum(silent, 1)
    both = sounding & (silent > 0)
    return (
        100 * float(f1[sounding].mean()),
        100 * float(recall[sounding].mean()),
        100 * float(alarms[both].mean()),
    )


def show(method: str, sounds: list[Sound]) -> None:
    frames = listen(method, sounds, [None])
    confidence = frames.confidence[0]
    table = reliability(confidence, frames.voiced, frames.weights())
    ringing = reliability(confidence, frames.voiced, frames.weights(ringing=True))
    filled = table[0] > 0.01
    worst = np.abs(table[1] - table[2])[filled].max()
    f1, recall, alarms = decisions(frames)
    bins = "  ".join(f"{p:.2f} {v:.2f}" for _, p, v in table.T)
    print(
        f"{method:16}{error(table):7.3f}{worst:7.3f}{error(ringing):9.3f}"
        f"{f1:7.1f}{recall:7.1f}{alarms:7.1f}   {bins}",
        flush=True,
    )


def write(method: str, weights: tuple[float, ...]) -> None:
    if method in PACKS:
        path = SOURCE / "packs" / f"{PACKS[method]}.pack"
        pack = read_pack(path)
        spec = {**pack.front_end, "voicing": list(weights)}
        write_pack(dataclasses.replace(pack, front_end=spec), path)
        return
    path = SOURCE / "calibration.py"
    text, count = re.subn(rf'("{re.escape(method)}": )\(.*\)', rf"\g<1>{weights}", path.read_text("utf-8"))
    if count != 1:
        raise SystemExit(f"{path} has no line for {method!r}")
    path.write_text(text, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("fit", "show"))
    parser.add_argument("data", type=Path)
    parser.add_argument("methods", nargs="*", default=list(METHODS), metavar="METHOD")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--each", type=int, default=12, help="sounds of every cell")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for method in options.methods:
        if method not in METHODS:
            parser.error(f"no method {method!r}: there are {', '.join(METHODS)}")
    sounds = list(mixture(options.data, options.each, options.seed))
    if options.what == "show":
        print(f"{'':16}{'ECE':>7}{'worst':>7}{'ringing':>9}{'F1':>7}{'VR':>7}{'VFA':>7}   bins")
    for method in options.methods:
        if options.what == "show":
            show(method, sounds)
            continue
        weights = fit(method, sounds)
        print(f"{method!r}: {weights}", flush=True)
        if options.write:
            write(method, weights)


if __name__ == "__main__":
    main()
