"""Compares a network with swift-f0 and YIN on voices and instruments that training never heard.

    python evaluate.py make DATA [--seed 1001]
    python evaluate.py run DATA [WEIGHTS.pt ...] [--package] [--peers] [--files]

`run` shows weights as PyTorch runs them, without the refinement that the native tracker adds; with --package
the tracker as installed; with --peers the others. `make` needs what sources.py needs, flite's rms, festival's
voices czech_dita, czech_machac, lp, pc, suo_fi_lj, hindi and upc_ca_ona (their terms are copyleft: they are
heard here and go nowhere); and musescore-general-soundfont, which is for evaluation alone.

Voices are recordings of people, resynthesised on their own contour, shifted; the truth is exact. What is
printed, in per cent, as the mean over files: raw pitch accuracy at 50 cents, voicing recall, false alarms, F1
(voiced and right); and the median error of what is right, in cents. Undecided results do not count.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sources
import synthesis
import torch
from batches import Pack
from network import build
from spec import SPECS
from synthesis import RATE, STEP

import luthier.pitch as lp
from luthier.pitch.models.front_end import front_end

Doubles = npt.NDArray[np.float64]
Track = tuple[Doubles, Doubles]  # f0 and the probability of voicing, every 10 ms

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
CONDITIONS = (
    ("clean", "", 0),
    ("w10", "white", 10),
    ("w0", "white", 0),
    ("p10", "pink", 10),
    ("p0", "pink", 0),
)


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
        return decode(scores.numpy(), spec.lowest_hz, spec.bins_per_octave), sure

    return track


def decode(scores: Doubles, lowest_hz: float, bins_per_octave: float) -> Doubles:
    """The expectation over two bins to either side of the best."""
    best = scores.argmax(axis=1)
    near = np.clip(best[:, None] + np.arange(-2, 3), 0, scores.shape[1] - 1)
    taken = np.take_along_axis(scores, near, axis=1)
    weight = np.exp(taken - taken.max(axis=1, keepdims=True))
    return lowest_hz * 2 ** ((weight * near).sum(axis=1) / weight.sum(axis=1) / bins_per_octave)


def yin(x: Doubles) -> Track:
    pitch = lp.track(x, RATE, method="yin", fmin=47, fmax=2094)
    return pitch.f0, pitch.confidence


def swift() -> Callable[[Doubles], Track]:
    import onnxruntime  # noqa: F401
    from swift_f0 import SwiftF0

    detector = SwiftF0()

    def track(x: Doubles) -> Track:
        result = detector.detect(x.astype(np.float32), RATE)
        times = np.asarray(result.timestamps)
        hz = np.nan_to_num(np.asarray(result.pitch_hz, float), nan=100.0)
        sure = np.asarray(result.confidence, float)
        wanted = np.arange(len(x) // STEP + 1) * STEP / RATE
        nearest = np.abs(times[:, None] - wanted[None]).argmin(axis=0)
        f0 = np.exp(np.interp(wanted, times, np.log(np.maximum(hz, 1))))
        # Between results that differ, the nearer one.
        f0 = np.where(np.abs(np.log2(f0 / hz[nearest])) > 0.1, hz[nearest], f0)
        return f0, sure[nearest]

    return track


def figures(f0: Doubles, sure: Doubles, truth: Doubles, state: npt.NDArray[np.int8]) -> dict[str, float]:
    voiced = state == 1
    silent = state == 0
    cents = 1200 * np.abs(np.log2(np.maximum(f0, 1) / np.maximum(truth, 1)))
    right = voiced & (cents < 50)
    said = (sure >= 0.5) & (voiced | silent)
    hit = (said & right).sum()
    return {
        "RPA": 100 * right.sum() / max(voiced.sum(), 1),
        "VR": 100 * (said & voiced).sum() / max(voiced.sum(), 1),
        "VFA": 100 * (said & silent).sum() / max(silent.sum(), 1),
        "F1": 100 * 2 * hit / max(said.sum() + voiced.sum(), 1),
        "cents": float(np.median(cents[right])) if right.any() else 50.0,
    }


def clips(pack: Pack) -> list[tuple[Doubles, Doubles, npt.NDArray[np.int8]]]:
    out = []
    for x, f0, state in pack:
        state = state.copy()
        # What all trackers can say.
        state[(state == 1) & ((f0 < 47) | (f0 > 2094))] = -1
        if (state == 1).sum() > 20:
            out.append((x.astype(float), f0.astype(float), state))
    return out


def installed(x: Doubles, **options: bool) -> Track:
    pitch = lp.track(x.astype(np.float32), RATE, method="neural", **options)
    return pitch.f0, pitch.confidence


def run(folder: Path, weights: list[Path], *, package: bool, peers: bool, files: bool) -> None:
    trackers: dict[str, Callable[[Doubles], Track]] = {path.stem: network_tracker(path) for path in weights}
    if package:
        trackers |= {"neural": installed, "quick": partial(installed, low_latency=True)}
    if peers:
        trackers |= {"swift-f0": swift(), "yin": yin}
    sets = {name: clips(Pack(folder / f"{name}.npz")) for name in ("voice", "instrument", "synthetic")}
    print(f"{'':12}{'':8}" + "".join(f"{name:>42}" for name in sets))
    print(f"{'tracker':12}{'noise':8}" + f"{'RPA':>10}{'VR':>8}{'VFA':>8}{'F1':>8}{'cents':>8}" * len(sets))
    for name, track in trackers.items():
        for label, kind, snr in CONDITIONS:
            line = ""
            for set_name, found in sets.items():
                rows = []
                for i, (x, truth, state) in enumerate(found):
                    f0, sure = track(add_noise(x, kind, snr, i))
                    n = min(len(f0), len(state))
                    rows.append(figures(f0[:n], sure[:n], truth[:n], state[:n]))
                    if files:
                        told = {k: round(v, 1) for k, v in rows[-1].items()}
                        print(set_name, i, f"{np.median(truth[state == 1]):.0f} Hz", label, told)
                mean = {key: np.mean([row[key] for row in rows]) for key in rows[0]}
                line += f"{mean['RPA']:10.1f}" + "".join(
                    f"{mean[k]:8.1f}" for k in ("VR", "VFA", "F1", "cents")
                )
            print(f"{name:12}{label:8}{line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("make", "run"))
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path, nargs="*")
    parser.add_argument("--seed", type=int, default=1001)
    parser.add_argument("--package", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--files", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "make":
        make(options.data, options.seed)
    else:
        run(
            options.data,
            options.weights,
            package=options.package,
            peers=options.peers,
            files=options.files,
        )


if __name__ == "__main__":
    main()
