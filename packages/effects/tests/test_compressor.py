"""The compressor against a plain loop of its definition, and against its static curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

import luthier.effects as fx
from luthier.effects._strategies import effects_of

RATE = 44_100


def plain(effect: fx.Compressor, x: np.ndarray, rate: float) -> np.ndarray:
    attack, release = (1 - np.exp(-1000 / (ms * rate)) for ms in (effect.attack_ms, effect.release_ms))
    knee = effect.knee_db
    gains = np.empty(x.shape[1])
    e = 0.0
    for n, level in enumerate(np.abs(x).max(axis=0)):
        e += (attack if level > e else release) * (level - e)
        over = 20 * np.log10(max(e, 1e-300)) - effect.threshold_db
        if 2 * over < -knee:
            excess = 0.0
        elif knee > 0 and 2 * abs(over) <= knee:
            excess = (over + knee / 2) ** 2 / (2 * knee)
        else:
            excess = max(over, 0.0)
        gains[n] = 10 ** (((1 / effect.ratio - 1) * excess + effect.makeup_db) / 20)
    return x * gains


@settings(max_examples=30)
@given(effect=effects_of(fx.Compressor))
def test_it_is_its_definition(effect: fx.Compressor) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 1500)) * np.repeat(10 ** rng.uniform(-4, 0.5, 15), 100)
    expected = plain(effect, x, RATE)
    np.testing.assert_allclose(effect(x, RATE), expected, rtol=1e-9, atol=1e-12)
    single = effect(x.astype(np.float32), RATE)
    error = single - plain(effect, x.astype(np.float32).astype(np.float64), RATE)
    assert np.sqrt(np.mean(error**2)) < 1e-6 * np.sqrt(np.mean(expected**2))


@pytest.mark.parametrize("level_db", [-60, -30, -20, -12, 0])
def test_the_static_curve(level_db: float) -> None:
    steady = np.full(3 * RATE, 10 ** (level_db / 20))
    y = fx.Compressor(threshold_db=-20, ratio=4)(steady, RATE)
    expected = level_db if level_db <= -20 else -20 + (level_db + 20) / 4
    assert 20 * np.log10(y[-1]) == pytest.approx(expected, abs=1e-6)


def test_time_constants_are_63_percent() -> None:
    """After attack_ms the detector has come 1 - 1/e of the way; the gain is (e / threshold)^(1/ratio - 1)."""
    step = np.ones(RATE)
    effect = fx.Compressor(threshold_db=-100, ratio=1000, attack_ms=10, release_ms=10)
    gain = effect(step, RATE)
    after = round(0.010 * RATE)
    exponent = 1 / 1000 - 1
    envelope = 1e-5 * gain ** (1 / exponent)
    assert envelope[after - 1] == pytest.approx(1 - np.exp(-1), abs=1e-3)


def test_quiet_signals_pass_unchanged_and_the_image_stays() -> None:
    x = np.random.default_rng(0).standard_normal((2, 5000)) * 1e-3
    np.testing.assert_array_equal(fx.Compressor(threshold_db=-20)(x, RATE), x)
    loud = np.stack([0.9 * np.ones(5000), 0.05 * np.ones(5000)])
    y = fx.Compressor(threshold_db=-20)(loud, RATE)
    np.testing.assert_allclose(y[0] / y[1], 18, rtol=1e-12)
