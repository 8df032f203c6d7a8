"""Classical trackers of others, as oracles: f0 every `step_s` seconds from 0, 0 where they hear none.

praat-parselmouth (GPL), pyreaper, pysptk and pyworld are installed for this alone: nothing that ships needs
them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def praat(x: Doubles, rate: int, low: float, high: float, step_s: float, silence: float = 0.03) -> Doubles:
    """Praat's autocorrelation, between its own frames on a line; `silence` is its threshold."""
    import parselmouth

    times = np.arange(int(len(x) / rate / step_s + 1e-9) + 1) * step_s
    try:
        found = parselmouth.Sound(x, rate).to_pitch_ac(
            time_step=step_s, pitch_floor=low, pitch_ceiling=high, silence_threshold=silence
        )
    except parselmouth.PraatError:  # too short for a frame
        return np.zeros(len(times))
    hz = found.selected_array["frequency"]
    place = (times - found.x1) / step_s
    left = np.clip(np.floor(place).astype(int), 0, max(len(hz) - 2, 0))
    if len(hz) < 2:
        return np.zeros(len(times))
    t, a, b = np.clip(place - left, 0, 1), hz[left], hz[left + 1]
    near = (a > 0) & (b > 0) & (np.abs(b - a) < 0.2 * a)
    return np.where(near, a * (1 - t) + b * t, np.where(t < 0.5, a, b))


def harvest(x: Doubles, rate: int, low: float, high: float, step_s: float) -> Doubles:
    import pyworld

    hz, times = pyworld.harvest(x, rate, f0_floor=low, f0_ceil=high, frame_period=1000 * step_s)
    return pyworld.stonemask(x, hz, times, rate)


def reaper(x: Doubles, rate: int, low: float, high: float, step_s: float) -> Doubles:
    import pyreaper

    whole = np.round(x / max(np.abs(x).max(), 1e-9) * 30_000).astype(np.int16)
    _, _, times, hz, _ = pyreaper.reaper(whole, rate, minf0=low, maxf0=high, frame_period=step_s)
    wanted = np.arange(int(len(x) / rate / step_s + 1e-9) + 1) * step_s
    at = np.clip(np.round(np.interp(wanted, times, np.arange(len(times)))).astype(int), 0, len(hz) - 1)
    return np.maximum(hz[at], 0.0).astype(float)


def swipe(x: Doubles, rate: int, low: float, high: float, step_s: float) -> Doubles:
    import pysptk

    # It expects samples of 16 bits.
    scaled = x * (20_000 / max(np.abs(x).max(), 1e-9))
    hz = pysptk.swipe(scaled, rate, round(rate * step_s), threshold=0.25, min=low, max=high, otype="f0")
    return np.asarray(hz, float)


def consensus(
    x: Doubles, rate: int, low: float, high: float, step_s: float
) -> tuple[Doubles, npt.NDArray[np.int8]]:
    """f0 where three of the four are within 30 cents, and the state: 1 there, 0 where all hear none."""
    found = [track(x, rate, low, high, step_s) for track in (praat, harvest, reaper, swipe)]
    frames = min(map(len, found))
    hz = np.stack([f0[:frames] for f0 in found])
    logs = np.where(hz > 0, np.log2(np.maximum(hz, 1.0)), np.nan)
    with np.errstate(invalid="ignore"):
        # Of every one, those that are near it; the one with the most company speaks for them.
        near = np.abs(logs[:, None] - logs[None]) < 30 / 1200
    company = near.sum(axis=1)
    best = company.argmax(axis=0)
    agreed = company.max(axis=0) >= 3
    members = np.take_along_axis(near, best[None, None], axis=0)[0]
    mean = np.where(members, np.nan_to_num(logs), 0).sum(axis=0) / np.maximum(members.sum(axis=0), 1)
    state = np.where(agreed, 1, np.where((hz <= 0).all(axis=0), 0, -1)).astype(np.int8)
    return np.where(agreed, np.exp2(mean), 0.0), state
