"""Trackers to compare: all of luthier's methods, and peers where they are installed."""

import contextlib
import importlib
import warnings
from collections.abc import Callable
from types import ModuleType

import numpy as np
import numpy.typing as npt

import luthier.pitch as lp
from luthier.pitch.methods import METHODS

Floats = npt.NDArray[np.float64]
#: Samples and their rate in; frames every 10 ms out: times, f0, and whether each is voiced.
Tracker = Callable[[npt.NDArray[np.float32], int], tuple[Floats, Floats, npt.NDArray[np.bool_]]]

FMIN, FMAX, HOP_S = 50.0, 2_000.0, 0.01


def ours(method: str, **options: object) -> Tracker:
    def run(x: npt.NDArray[np.float32], rate: int):
        pitch = lp.track(x, rate, method=method, hop_s=HOP_S, **options)
        return pitch.times, pitch.f0.astype(np.float64), pitch.voiced

    return run


def _librosa_pyin(librosa: ModuleType) -> Tracker:
    def run(x: npt.NDArray[np.float32], rate: int):
        hop, frame = round(rate * HOP_S), 2 ** int(np.ceil(np.log2(0.064 * rate)))
        f0, voiced, _ = librosa.pyin(
            x, fmin=FMIN, fmax=FMAX - 1, sr=rate, frame_length=frame, hop_length=hop, fill_na=None
        )
        return np.arange(len(f0)) * hop / rate, f0.astype(np.float64), voiced

    return run


def _swift(swift_f0: ModuleType) -> Tracker:
    detector = swift_f0.SwiftF0(threads=1)

    def run(x: npt.NDArray[np.float32], rate: int):
        found = detector.detect(x, rate)
        f0, times = np.asarray(found.pitch_hz, np.float64), np.asarray(found.timestamps)
        f0 = np.where(f0 > 0, f0, FMIN)
        grid = np.arange(int(len(x) / rate / HOP_S) + 1) * HOP_S
        nearest = np.clip(np.round(np.interp(grid, times, np.arange(len(times)))), 0, None).astype(int)
        # Its frames are 16 ms apart: on a line between two, where they are near each other.
        between = np.exp(np.interp(grid, times, np.log(f0)))
        between = np.where(np.abs(np.log2(between / f0[nearest])) < 0.1, between, f0[nearest])
        return grid, between, np.asarray(found.confidence)[nearest] >= 0.5

    return run


def _praat(parselmouth: ModuleType) -> Tracker:
    def run(x: npt.NDArray[np.float32], rate: int):
        sound = parselmouth.Sound(x.astype(np.float64), rate)
        found = sound.to_pitch_ac(time_step=HOP_S, pitch_floor=FMIN, pitch_ceiling=FMAX)
        times = np.arange(int(len(x) / rate / HOP_S) + 1) * HOP_S
        frames = np.round((times - found.x1) / HOP_S).astype(int)
        held = found.selected_array["frequency"]
        inside = (frames >= 0) & (frames < len(held))
        f0 = np.where(inside, held[np.clip(frames, 0, len(held) - 1)], 0.0)
        return times, np.where(f0 > 0, f0, FMIN), f0 > 0

    return run


def _sptk(pysptk: ModuleType) -> Tracker:
    def run(x: npt.NDArray[np.float32], rate: int):
        hop = round(rate * HOP_S)
        # It expects samples of 16 bits, and unvoiced frames have no estimate.
        scaled = x.astype(np.float64) * (20_000 / max(1e-9, np.abs(x).max()))
        f0 = pysptk.swipe(scaled, rate, hop, threshold=0.25, min=FMIN, max=FMAX - 1, otype="f0")
        return np.arange(len(f0)) * hop / rate, np.where(f0 > 0, f0, FMIN), f0 > 0

    return run


PEERS: dict[str, tuple[str, Callable[[ModuleType], Tracker]]] = {
    "librosa pyin": ("librosa", _librosa_pyin),
    "swift-f0": ("swift_f0", _swift),
    "Praat AC": ("parselmouth", _praat),
    "pysptk SWIPE'": ("pysptk", _sptk),
}


def trackers(only: list[str] | None = None) -> dict[str, Tracker]:
    """All that there are, by name."""
    found = {f"luthier {method}": ours(method) for method in METHODS}
    found["luthier neural, low latency"] = ours("neural", low_latency=True)
    found["luthier swipe, whitened"] = ours("swipe", whiten=True)
    for name, (module, make) in PEERS.items():
        with warnings.catch_warnings(), contextlib.suppress(ImportError):
            warnings.simplefilter("ignore")
            found[name] = make(importlib.import_module(module))
    return {name: run for name, run in found.items() if not only or any(part in name for part in only)}
