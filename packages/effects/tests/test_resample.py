"""Down to another rate and back, against what must stay and what must go."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import luthier.effects as fx

RATE = 44_100


def tone(hz: float, frames: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hz / RATE * np.arange(frames))


def level_db(x: np.ndarray) -> float:
    return float(10 * np.log10(2 * np.mean(x[RATE // 4 : -RATE // 4] ** 2) + 1e-30))


@pytest.mark.parametrize(
    ("quality", "share", "decibels"),
    [("fast", 0.8, 90), ("medium", 0.87, 110), ("high", 0.913, 130), ("best", 0.95, 150)],
)
@pytest.mark.parametrize("target", [8000, 11_025, 16_000.5])
def test_the_band_stays_in_its_place_and_the_rest_goes(
    quality: str, share: float, decibels: float, target: float
) -> None:
    effect = fx.Resample(target, quality)
    inside = tone(0.98 * share * target / 2)
    middle = slice(RATE // 4, -RATE // 4)
    error = effect(inside, RATE)[middle] - inside[middle]
    assert 10 * np.log10(2 * np.mean(error**2)) < -decibels + 15
    assert level_db(effect(tone(1.02 * target / 2), RATE)) < -decibels
    assert level_db(effect(tone(1.9 * target / 2), RATE)) < -decibels


def test_a_higher_rate_changes_nothing() -> None:
    x = np.random.default_rng(0).standard_normal((2, 1000))
    for rate in (RATE, 96_000):
        np.testing.assert_array_equal(fx.Resample(rate)(x, RATE), x)
        assert fx.Resample(rate).stream(RATE).latency == 0


@pytest.mark.parametrize("target", [8000, 14_700, 30_000.25])
def test_hold_lets_frames_stand(target: float) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3000))
    step = RATE / target
    n = np.arange(3000)
    held = np.ceil(np.floor(n / step + 1e-9) * step - 1e-9).astype(int)
    np.testing.assert_array_equal(fx.Resample(target, "hold")(x, RATE), x[:, held])


def test_what_is_in_flight_is_finite_and_comes_out() -> None:
    """The sum of an answer to an impulse is its gain at 0 Hz: 1, all of it within latency and tail."""
    stream = fx.Resample(8000).stream(RATE, dtype="float64")
    click = np.zeros(6000)
    click[3000] = 1
    y = np.concatenate([stream.process(click), stream.flush()])
    assert len(y) == 6000 + stream.latency + stream.tail
    assert y.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("rate", [8000, 48_000])
@pytest.mark.parametrize("target", [100, 999.9, 7999])
@pytest.mark.parametrize("quality", ["hold", "fast", "best"])
def test_any_cutting_at_any_rates(rate: float, target: float, quality: str) -> None:
    x = np.random.default_rng(0).standard_normal((1, 6000)).astype(np.float32)
    effect = fx.Resample(target, quality)
    whole = effect(x, rate, tail=True)
    stream = effect.stream(rate)
    cuts = [0, 1, 17, 1000, 1003, 3500, 6000]
    parts = [stream.process(x[:, a:b]) for a, b in itertools.pairwise(cuts)]
    y = np.concatenate([*parts, stream.flush()], axis=1)
    np.testing.assert_array_equal(y[:, stream.latency :], whole)
