"""Compares a network with other trackers on sounds that training never heard, whose f0 is known.

    python evaluate.py make DATA [--seed 1001]
    python evaluate.py run DATA [WEIGHTS.pt ...] [--only NAME ...] [--conditions NAME ...] [--files]

`run` shows weights as PyTorch runs them, without the refinement that the native tracker adds; the trackers of
benchmarks/peers.py, ours among them, as installed (--only: those whose names hold one of these). `make` needs
what sources.py needs, flite's rms, festival's voices czech_dita, czech_machac, lp, pc, suo_fi_lj, hindi and
upc_ca_ona (their terms are copyleft: they are heard here and go nowhere); and musescore-general-soundfont,
which is for evaluation alone. Another set, of recordings, is made by recordings.py.

Voices are recordings of people, resynthesised on their own contour, shifted; the truth is exact. What is
printed, in per cent, as the mean over files: raw pitch accuracy at 50 cents, voicing recall, false alarms, F1
(voiced and right), gross errors (of what is rightly called voiced, f0 more than a fifth off); and the median
error of what is right, in cents. Undecided results do not count, nor f0 beyond what all trackers can say.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sources
import synthesis
from batches import Pack
from synthesis import RATE

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import peers

from luthier.pitch.models.front_end import front_end

Doubles = npt.NDArray[np.float64]
States = npt.NDArray[np.int8]
Track = tuple[Doubles, npt.NDArray[np.bool_]]  # f0 and whether it is voiced, every 10 ms

VOICES = (
    *("czech_dita", "czech_machac", "lp_diphone", "pc_diphone"),
    *("suo_fi_lj_diphone", "hindi_NSK_diphone", "upc_ca_ona_hts"),
)
#: Programs of General MIDI with their lowest and highest notes.
INSTRUMENTS = (
    (0, 30, 90), (6, 36, 84), (11, 60, 96), (19, 40, 80), (24, 40, 76), (27, 40, 84),
    (32, 26, 55), (40, 56, 96), (42, 36, 70), (43, 28, 55), (53, 45, 76), (56, 54, 84),
    (57, 36, 66), (60, 36, 72), (64, 56, 84), (66, 44, 72), (68, 58, 88), (70, 34, 66),
    (71, 50, 88), (73, 60, 96), (75, 60, 96), (80, 36, 96), (81, 36, 90), (104, 48, 76),
)  # fmt: skip
CONDITIONS = {
    "clean": ("", 0),
    "w20": ("white", 20),
    "w10": ("white", 10),
    "w0": ("white", 0),
    "p10": ("pink", 10),
    "p0": ("pink", 0),
}
SETS = ("voice", "instrument", "high", "untouched", "synthetic")
COLUMNS = ("RPA", "VR", "VFA", "F1", "gross", "cents")


def make(folder: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        clips = []
        recordings = [x for voice in VOICES for x in sources.festival(random, scratch, voice, 3)]
        recordings += [sources.flite(random, scratch, "rms") for _ in range(4)]
        for x in recordings:
            clip = sources.resynthesise(random, x[: 8 * RATE], natural=True)
            if clip is not None:
                clips.append(clip)
        sources.pack(clips, folder / "voice.npz")
        clips = []
        for program, low, high in INSTRUMENTS:
            soundfont = "/usr/share/sounds/sf3/MuseScore_General.sf3"
            events = sources.note_events(random, low, high, 8.0)
            clip = sources.notes(soundfont, program, events, scratch)
            if clip is not None:
                clips.append(clip)
        sources.pack(clips, folder / "instrument.npz")
        sources.pack([synthesis.synthetic(random, 6.0) for _ in range(36)], folder / "synthetic.npz")


def add_noise(x: Doubles, kind: str, snr_db: float, seed: int) -> Doubles:
    if not kind:
        return x
    random = np.random.default_rng(seed)
    noise = random.standard_normal(len(x))
    if kind == "pink":
        noise = synthesis.colour(noise, -1.0)
    return x + noise * np.sqrt(np.mean(x**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)


def network_tracker(weights: Path) -> Callable[[Doubles], Track]:
    import torch
    from network import build
    from spec import SPECS

    torch.set_num_threads(1)
    saved = torch.load(weights)
    spec = SPECS[saved["spec"]]
    network = build(spec)
    network.load_state_dict(saved["network"])
    network.eval()

    def track(x: Doubles) -> Track:
        features = front_end(x.astype(np.float32), RATE, spec)
        with torch.no_grad():
            pitch, unvoiced = network(torch.from_numpy(features)[None])
        scores = pitch[0].permute(1, 0, 2).reshape(-1, spec.bins).double()
        score = unvoiced[0, :, :, 0].T.reshape(-1).double()
        sure = torch.sigmoid(torch.logsumexp(scores, dim=-1) - score).numpy()
        return decode(scores.numpy(), spec.lowest_hz, spec.bins_per_octave), sure >= 0.5

    return track


def decode(scores: Doubles, lowest_hz: float, bins_per_octave: float) -> Doubles:
    """The expectation over two bins to either side of the best."""
    best = scores.argmax(axis=1)
    near = np.clip(best[:, None] + np.arange(-2, 3), 0, scores.shape[1] - 1)
    taken = np.take_along_axis(scores, near, axis=1)
    weight = np.exp(taken - taken.max(axis=1, keepdims=True))
    return lowest_hz * 2 ** ((weight * near).sum(axis=1) / weight.sum(axis=1) / bins_per_octave)


def peer(track: peers.Tracker, x: Doubles) -> Track:
    _, f0, voiced = track(x.astype(np.float32), RATE)
    return f0, voiced


def figures(f0: Doubles, voiced: npt.NDArray[np.bool_], truth: Doubles, state: States) -> list[float]:
    """The columns for one clip."""
    there, silent = state == 1, state == 0
    cents = 1200 * np.abs(np.log2(np.maximum(f0, 1) / np.maximum(truth, 1)))
    right = there & (cents < 50)
    said = voiced & (there | silent)
    found = said & there
    return [
        100 * right.sum() / there.sum(),
        100 * found.sum() / there.sum(),
        100 * (said & silent).sum() / silent.sum() if silent.any() else np.nan,
        200 * (said & right).sum() / (said.sum() + there.sum()),
        100 * (found & (np.abs(f0 / np.maximum(truth, 1) - 1) > 0.2)).sum() / max(found.sum(), 1),
        float(np.median(cents[right])) if right.any() else 50.0,
    ]


def clips(pack: Pack) -> list[tuple[Doubles, Doubles, States]]:
    out = []
    for x, f0, state in pack:
        state = state.copy()
        state[(state == 1) & ((f0 < peers.FMIN) | (f0 > peers.FMAX))] = -1
        if (state == 1).sum() > 20:
            out.append((x.astype(float), f0.astype(float), state))
    return out


def run(
    folder: Path, weights: list[Path], only: list[str] | None, conditions: list[str], files: bool
) -> None:
    trackers: dict[str, Callable[[Doubles], Track]] = {path.stem: network_tracker(path) for path in weights}
    trackers |= {name: partial(peer, track) for name, track in peers.trackers(only).items()}
    print(f"| set | noise | tracker | {' | '.join(COLUMNS)} |\n|{'---|' * (3 + len(COLUMNS))}")
    for name in SETS:
        path = folder / f"{name}.npz"
        found = clips(Pack(path)) if path.exists() else []
        for condition in conditions if found else []:
            for tracker, track in trackers.items():
                rows = []
                for i, (x, truth, state) in enumerate(found):
                    f0, voiced = track(add_noise(x, *CONDITIONS[condition], i))
                    n = min(len(f0), len(state))
                    rows.append(figures(f0[:n], voiced[:n], truth[:n], state[:n]))
                    if files:
                        middle = np.median(truth[state == 1])
                        print(f"{name} {i}: {middle:.0f} Hz {np.round(rows[-1], 1)}")
                mean = np.nanmean(np.array(rows), axis=0)
                cells = (name, condition, tracker, *(f"{value:.1f}" for value in mean))
                print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("make", "run"))
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path, nargs="*")
    parser.add_argument("--seed", type=int, default=1001)
    parser.add_argument("--only", nargs="+", help="trackers whose names hold one of these")
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--files", action="store_true", help="every clip's figures")
    options = parser.parse_args()
    if options.what == "run":
        run(options.data, options.weights, options.only, options.conditions, options.files)
    else:
        make(options.data, options.seed)


if __name__ == "__main__":
    main()
