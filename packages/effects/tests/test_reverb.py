"""The reverb against a plain loop of Freeverb's definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import luthier.effects as fx
from luthier.effects._strategies import effects_of

COMBS = (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617)
PASSES = (556, 441, 341, 225)


def plain(effect: fx.Reverb, x: np.ndarray, rate: float) -> np.ndarray:
    channels, frames = x.shape
    frozen = effect.freeze
    feedback = 0.28 * effect.room_size + 0.7
    feedback += frozen * (1 - feedback)
    damping = 0.4 * effect.damping * (1 - frozen)
    total = 0.015 * (1 - frozen) * x.sum(axis=0)
    banks = np.zeros((channels, frames))
    for c in range(channels):
        for tuning in COMBS:
            line = np.zeros(max(16, int((tuning + 23 * c) * rate / 44_100)))
            low = 0.0
            for n in range(frames):
                y = line[n % len(line)]
                low = (1 - damping) * y + damping * low
                line[n % len(line)] = total[n] + feedback * low
                banks[c, n] += y
        for tuning in PASSES:
            line = np.zeros(max(16, int((tuning + 23 * c) * rate / 44_100)))
            for n in range(frames):
                y = line[n % len(line)]
                line[n % len(line)] = banks[c, n] + 0.5 * y
                banks[c, n] = y - banks[c, n]
    wet = 3 * effect.wet_level
    others = (banks.sum(axis=0) - banks) / max(1, channels - 1)
    own = wet * (1 + effect.width) / 2 * banks
    return 2 * effect.dry_level * x + own + wet * (1 - effect.width) / 2 * others


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (2, 8000), (3, 3000), (2, 44_100)])
@settings(max_examples=3)
@given(effect=effects_of(fx.Reverb))
def test_it_is_freeverb(channels: int, rate: int, effect: fx.Reverb) -> None:
    x = np.random.default_rng(0).standard_normal((channels, 4000))
    expected = plain(effect, x, rate)
    np.testing.assert_allclose(effect(x, rate), expected, rtol=0, atol=1e-12)


def test_frozen_it_neither_listens_nor_decays() -> None:
    x = np.zeros((2, 200_000))
    x[:, 100_000] = 1
    np.testing.assert_array_equal(fx.Reverb(freeze=1, dry_level=0)(x, 44_100), 0)
    stream = fx.Reverb(dry_level=0).stream(44_100, 2, dtype="float64")
    stream.process(np.random.default_rng(0).standard_normal((2, 44_100)))
    stream.effect.freeze = 1
    held = stream.process(np.zeros((2, 4 * 44_100)))
    first, last = (
        np.sqrt(np.mean(held[:, part] ** 2)) for part in (slice(44_100, 88_200), slice(-44_100, None))
    )
    assert last == pytest.approx(first, rel=0.1)


def test_every_channel_has_a_sound_of_its_own() -> None:
    click = np.zeros((8, 8000))
    click[:, 0] = 1
    y = fx.Reverb(dry_level=0)(click, 44_100)
    starts = [np.flatnonzero(np.abs(channel) > 1e-9)[0] for channel in y]
    assert starts == [1116 + 23 * c for c in range(8)]
