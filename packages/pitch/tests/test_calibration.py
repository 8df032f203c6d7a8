"""The confidence as a probability: of all frames that get p, a share of p is voiced.

The sounds are this file's own. No sound, seed or labelling of the fit (training/calibrate.py) is used: what
holds here holds for other sounds too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

import luthier.pitch as lp

Floats = npt.NDArray[np.float64]
Random = np.random.Generator

STEP_S = 0.01
SEED = 20_260
CONDITIONS = ((None, 0), *((kind, snr) for kind in ("white", "pink") for snr in (20, 10, 0)))
METHODS: dict[str, dict[str, bool]] = {
    "neural": {},
    "neural, low latency": {"low_latency": True},
    "yin": {},
    "mpm": {},
    "pyin": {},
    "autocorrelation": {},
    "swipe": {},
    "swipe, whitened": {"whiten": True},
}


@dataclass
class Sound:
    """What is heard, under which condition; and for each frame 1 where voiced, 0 where not, -1 at an edge."""

    samples: npt.NDArray[np.float32]
    rate: int
    state: npt.NDArray[np.int64]
    condition: int


def smooth(x: Floats, width: int) -> Floats:
    window = np.hanning(width + 2)[1:-1]
    return np.convolve(np.pad(x, width // 2, mode="edge"), window / window.sum(), "same")[
        width // 2 : width // 2 + len(x)
    ]


def wander(random: Random, count: int, points: int) -> Floats:
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, points), random.standard_normal(points))


def gates(random: Random, count: int, rate: int) -> Floats:
    """Loudness: on for 80 to 700 ms, off for 60 to 500, with edges of 10 to 40 ms, some notes softer."""
    x = np.zeros(count)
    at = int(random.uniform(0, 0.3) * rate)
    while at < count:
        length = int(random.uniform(0.08, 0.7) * rate)
        x[at : at + length] = 10 ** (-random.uniform(0, 14) / 20)
        at += length + int(random.uniform(0.06, 0.5) * rate)
    return smooth(x, int(random.uniform(0.01, 0.04) * rate))


def coloured(random: Random, count: int, rate: int, slope: float) -> Floats:
    f = np.maximum(np.fft.rfftfreq(count, 1 / rate), 20)
    x = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * f ** (slope / 2), count)
    return x / x.std()


def harmonics(random: Random, f0: Floats, rate: int) -> Floats:
    """A tone of some timbre, or a vowel: harmonics under a few resonances."""
    phase = np.cumsum(f0) / rate
    slope = random.uniform(0.3, 2.5)
    missing = random.random() < 0.15
    peaks = [(random.uniform(250, 3_200), random.uniform(80, 300)) for _ in range(int(random.integers(0, 5)))]
    x = np.zeros_like(f0)
    for h in range(1, int(min(60, 0.45 * rate / f0.max())) + 1):
        hz = h * f0.mean()
        gain = h**-slope * (1 + sum(10 / (1 + ((hz - c) / w) ** 2) for c, w in peaks))
        if not (missing and h == 1):
            x += gain * np.cos(2 * np.pi * h * phase + random.uniform(0, 6.3))
    return x / max(x.std(), 1e-9)


def sound(random: Random, rate: int, condition: int, seconds: float = 2.0) -> Sound:
    count = int(seconds * rate)
    frames = np.arange(int(seconds / STEP_S))
    centres = np.minimum((frames * STEP_S * rate).astype(int), count - 1)
    loudness = np.zeros(count)
    f0 = np.full(count, 100.0)
    if random.random() < 0.75:
        f0 = np.exp(random.uniform(np.log(65), np.log(1_300))) * 2 ** (0.25 * wander(random, count, 8))
        vibrato = np.sin(2 * np.pi * random.uniform(4, 7) * np.arange(count) / rate)
        f0 *= 2 ** (random.uniform(0, 0.04) * vibrato)
        loudness = gates(random, count, rate)
        tone = harmonics(random, f0, rate) * loudness
        x = tone + 10 ** (-random.uniform(4, 30) / 20) * loudness * coloured(random, count, rate, -0.5)
        # Between the notes some have consonants.
        if random.random() < 0.5:
            bursts = 0.2 * np.maximum(0, wander(random, count, 14)) * (loudness < 1e-4)
            x += bursts * coloured(random, count, rate, 0.5)
    else:
        x = coloured(random, count, rate, random.uniform(-2.0, 1.0))
        if random.random() < 0.4:  # a resonance of some octaves
            octaves = np.log2(np.maximum(np.fft.rfftfreq(count, 1 / rate), 1) / random.uniform(150, 3_000))
            x = np.fft.irfft(np.fft.rfft(x) * np.exp(-((octaves / random.uniform(0.8, 2.0)) ** 2)), count)
            x /= x.std()
        x *= np.exp(random.uniform(0, 1) * wander(random, count, 12))
        if random.random() < 0.5:  # beats of it
            x *= gates(random, count, rate)
    kind, snr_db = CONDITIONS[condition]
    if kind is not None:
        level = np.sqrt(np.mean(x[loudness > 0.1] ** 2)) if (loudness > 0.1).any() else x.std()
        x = x + level * 10 ** (-snr_db / 20) * coloured(random, count, rate, -1.0 if kind == "pink" else 0.0)
    # What a frame hears is some 10 ms wide.
    level = smooth(loudness, int(0.01 * rate))[centres] / max(loudness.max(), 1e-9)
    state = np.where(level > 10 ** (-30 / 20), 1, np.where(level < 10 ** (-50 / 20), 0, -1))
    # Up to 15 ms outside a note a frame still hears it.
    near = np.convolve(state == 1, np.ones(3), "same") > 0
    state[near & (state == 0)] = -1
    return Sound(x.astype(np.float32), rate, state, condition)


@cache
def sounds() -> list[Sound]:
    random = np.random.default_rng(SEED)
    return [
        sound(random, rate, condition)
        for rate in (8_000, 16_000, 44_100)
        for condition in range(len(CONDITIONS))
        for _ in range(12)
    ]


@cache
def frames(method: str) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Confidence, truth and weight of each decided frame: half of a condition is voiced, as in the fit."""
    confidence, truth, condition = [], [], []
    for each in sounds():
        pitch = lp.track(each.samples, each.rate, method=method.partition(",")[0], **METHODS[method])
        decided = each.state >= 0
        confidence.append(np.asarray(pitch.confidence, float)[: len(each.state)][decided])
        truth.append(each.state[decided] == 1)
        condition.append(np.full(decided.sum(), each.condition))
    c, t = np.concatenate(confidence), np.concatenate(truth)
    key = 2 * np.concatenate(condition) + t
    # Of digital silence everyone knows.
    weight = np.where(c > 0, 1 / np.bincount(key[c > 0])[key], 0.0)
    return c, t, weight / weight.sum()


def reliability(method: str, bins: int = 10) -> tuple[Floats, Floats, Floats]:
    """Of each bin of confidence its weight, mean confidence and share of voiced frames."""
    confidence, truth, weight = frames(method)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    ones = np.ones_like(confidence)
    total, mean, share = (np.bincount(place, weight * x, bins) for x in (ones, confidence, truth))
    return total, mean / np.maximum(total, 1e-12), share / np.maximum(total, 1e-12)


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def confidence_of(method: str, samples: npt.ArrayLike, rate: int) -> Floats:
    pitch = lp.track(samples, rate, method=method.partition(",")[0], **METHODS[method])
    return np.asarray(pitch.confidence, float)


def test_of_the_frames_with_a_confidence_such_a_share_is_voiced(method: str) -> None:
    weight, confidence, share = reliability(method)
    distance = np.abs(confidence - share)
    # Not nothing: the mixture is another than the fit's. Without the fit it is 0.2 to 0.5.
    assert distance[weight > 0.02].max() < 0.17
    assert weight @ distance < 0.065


def test_one_half_is_where_to_decide(method: str) -> None:
    confidence, truth, weight = frames(method)
    wrong = [weight @ ((confidence >= threshold) != truth) for threshold in np.arange(0.1, 0.95, 0.05)]
    assert weight @ ((confidence >= 0.5) != truth) < min(wrong) + 0.01


def test_the_confidences_sum_to_as_many_as_are_voiced(method: str) -> None:
    confidence, truth, weight = frames(method)
    assert abs(weight @ confidence - weight @ truth) < 0.05


def test_the_confidence_falls_with_the_noise(method: str) -> None:
    random = np.random.default_rng(5)
    rate = 16_000
    f0 = 180 * 2 ** (0.2 * wander(random, 3 * rate, 6))
    tone = harmonics(random, f0, rate)
    for slope in (0.0, -1.0):
        noise = coloured(random, len(tone), rate, slope)
        means = [
            confidence_of(method, tone + noise * 10 ** (-snr_db / 20), rate)[10:-10].mean()
            for snr_db in (60, 30, 20, 10, 5, 0, -5, -10, -20)
        ]
        assert (np.diff(means) < 0.02).all()
        assert means[0] > 0.95
        assert means[-1] < 0.3


@pytest.mark.parametrize("power", [-20, -4, 30])
def test_the_confidence_does_not_depend_on_level(method: str, power: int) -> None:
    # Even powers: their square roots, which SWIPE' takes, are powers of two as well.
    for each in sounds()[::29]:
        quiet = confidence_of(method, each.samples * np.float32(2.0**power), each.rate)
        np.testing.assert_array_equal(quiet, confidence_of(method, each.samples, each.rate))
