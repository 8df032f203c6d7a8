"""The limiters: nothing above the ceiling, nothing changed below it, ramps without corners."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.effects._strategies import effects_of

RATE = 44_100
BOTH = [fx.Limiter, fx.BrickwallLimiter]
both = pytest.mark.parametrize("cls", BOTH, ids=lambda cls: cls.__name__)


def level_db(effect: fx.Effect) -> float:
    return effect.threshold_db if isinstance(effect, fx.Limiter) else effect.ceiling_db


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def release(u: np.ndarray, share: float) -> np.ndarray:
    e, out = 0.0, np.empty_like(u)
    for n, x in enumerate(u):
        e = max(x, e + share * (x - e))
        out[n] = e
    return out


def held(x: np.ndarray, window: int) -> np.ndarray:
    """The largest of the last `window` values."""
    return scipy.ndimage.maximum_filter1d(np.pad(x, (window, 0)), window, origin=(window - 1) // 2)[window:]


@both
@settings(max_examples=60)
@given(data=st.data())
def test_nothing_exceeds_the_ceiling(cls: type[fx.Effect], data: st.DataObject) -> None:
    effect = data.draw(effects_of(cls))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    rate = data.draw(st.sampled_from([1000.0, 44_100.0]))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    x = rng.standard_normal((2, 2000)) * 10 ** np.repeat(rng.uniform(-3, 2, 20), 100)
    x[:, rng.integers(0, 2000, 5)] = 1e6
    ceiling = 10 ** (level_db(effect) / 20)
    y = effect(x.astype(dtype), rate, tail=True)
    assert np.abs(y).max() <= ceiling


@both
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_quiet_passes_bit_for_bit(cls: type[fx.Effect], dtype: str) -> None:
    x = noise(2, 20_000).astype(dtype)
    x *= 10 ** ((level_db(cls()) - 3.01) / 20) / np.abs(x).max()
    np.testing.assert_array_equal(cls()(x, RATE), x)
    # And again, when what was loud is long past.
    loud = np.concatenate([30 * x, np.zeros((2, 3 * RATE), dtype), x], axis=1)
    np.testing.assert_array_equal(cls()(loud, RATE)[:, -x.shape[1] :], x)


@both
def test_the_loudest_channel_drives_all(cls: type[fx.Effect]) -> None:
    x = noise(2, 5000) * np.array([[2], [0.02]])
    y = cls()(x, RATE)
    np.testing.assert_allclose(y[1] / x[1], y[0] / x[0], rtol=1e-9)


def test_unlinked_channels_are_limited_alone() -> None:
    x = noise(2, 5000) * np.array([[2], [0.2]])
    apart = fx.Limiter(link=False)(x, RATE)
    np.testing.assert_array_equal(apart, np.stack([fx.Limiter()(channel, RATE) for channel in x]))


@settings(max_examples=20)
@given(effect=effects_of(fx.Limiter))
def test_the_limiter_is_its_definition(effect: fx.Limiter) -> None:
    x = noise(1, 2000) * np.repeat(10 ** np.random.default_rng(1).uniform(-2, 1, 20), 100)
    level = held(np.abs(x[0]), 1 + int(effect.hold_ms * RATE / 1000 + 0.5))
    over = 20 * np.log10(np.maximum(level, 1e-300)) - effect.threshold_db
    knee = effect.knee_db
    bend = np.maximum(over, 0)
    if knee > 1e-5:
        bend = np.where(2 * np.abs(over) <= knee, (over + knee / 2) ** 2 / (2 * knee), bend)
    reduction = release(bend, -np.expm1(-1000 / (effect.release_ms * RATE)))
    np.testing.assert_allclose(effect(x, RATE), x * 10 ** (-reduction / 20), rtol=1e-7)


@settings(max_examples=20)
@given(effect=effects_of(fx.BrickwallLimiter), rate=st.sampled_from([500.0, 44_100.0]))
def test_the_brickwall_limiter_is_its_definition(effect: fx.BrickwallLimiter, rate: float) -> None:
    effect.true_peak = False
    x = noise(1, 2000) * np.repeat(10 ** np.random.default_rng(1).uniform(-2, 1, 20), 100)
    span = int(effect.lookahead_ms * rate / 1000 + 0.5)
    late = np.pad(x[0], (0, span))
    over = 20 * np.log10(np.maximum(held(np.abs(late), span + 1), 1e-300)) - effect.ceiling_db
    wanted = release(np.maximum(over, 0), -np.expm1(-1000 / (effect.release_ms * rate)))
    for length in (span // 2 + 1, span - span // 2 + 1):
        wanted = np.convolve(wanted, np.full(length, 1 / length))[: len(late)]
    np.testing.assert_allclose(effect(x, rate)[0], x[0] * 10 ** (-wanted[span:] / 20), rtol=1e-7)


def test_the_release_is_63_percent_in_decibels() -> None:
    for effect in (
        fx.Limiter(threshold_db=-20, knee_db=0, hold_ms=0, release_ms=50),
        fx.BrickwallLimiter(ceiling_db=-20, release_ms=50, lookahead_ms=0),
    ):
        x = np.concatenate([np.ones(1000), np.full(RATE, 0.01)])
        gain = 20 * np.log10(effect(x, RATE) / x)
        assert gain[999] == pytest.approx(-20)
        assert gain[999 + round(0.05 * RATE)] == pytest.approx(-20 * np.exp(-1), abs=0.01)


@pytest.mark.parametrize("lookahead_ms", [1, 5, 20])
def test_the_gain_falls_smoothly_and_in_time(lookahead_ms: float) -> None:
    """One loud sample in a steady signal: the gain's second difference is what such a ramp needs."""
    x = np.full(RATE, 0.1)
    x[RATE // 2] = 10
    limiter = fx.BrickwallLimiter(ceiling_db=0, lookahead_ms=lookahead_ms)
    y = limiter(x, RATE)
    gain_db = 20 * np.log10(y / x)
    assert y[RATE // 2] == pytest.approx(1, rel=1e-6)
    span = int(lookahead_ms * RATE / 1000 + 0.5)
    np.testing.assert_array_equal(gain_db[: RATE // 2 - span], 0)
    assert gain_db[RATE // 2 - 1] < -19.9
    before = gain_db[RATE // 2 - span - 5 : RATE // 2]
    assert np.abs(np.diff(before, 2)).max() <= 1.01 * 20 / ((span // 2 + 1) * (span - span // 2 + 1))


def hard_signals() -> dict[str, np.ndarray]:
    n = np.arange(RATE)
    rng = np.random.default_rng(0)
    music = scipy.signal.lfilter([1], [1, -0.95], rng.standard_normal(RATE))
    return {
        "fs/4 at 45 degrees": np.sin(np.pi / 2 * n + np.pi / 4),
        "fs/6": np.sin(np.pi / 3 * n + np.pi / 6),
        "a sweep to 20 kHz": scipy.signal.chirp(n / RATE, 20, 1, 20_000),
        "bursts at 15 kHz": np.sin(2 * np.pi * 15_000 / RATE * n) * (n % 4000 < 500),
        "white noise": rng.standard_normal(RATE),
        "clipped noise": np.clip(5 * music, -1, 1),
        "a square wave": np.sign(np.sin(2 * np.pi * 1234.5 / RATE * n)),
    }


@pytest.mark.parametrize("name", hard_signals())
@pytest.mark.parametrize("drive_db", [3, 12])
def test_true_peaks_stay_below_the_ceiling(name: str, drive_db: float) -> None:
    x = hard_signals()[name]
    x = x * 10 ** (drive_db / 20) / np.abs(x).max()
    y = fx.BrickwallLimiter(ceiling_db=-1, true_peak=True)(x.astype(np.float32), RATE).astype(np.float64)
    assert np.abs(y).max() <= 10 ** (-1 / 20)
    # 16 times the rate, by a sinc of 400 samples: flat to 0.49 of the rate, which the limiter's own is not.
    places = np.arange(-3200, 3201) / 16
    oversampled = scipy.signal.upfirdn(np.sinc(places) * np.kaiser(len(places), 8), y, 16)
    over = 20 * np.log10(np.abs(oversampled).max()) + 1
    assert over < 0.1


@both
def test_the_meter(cls: type[fx.Effect]) -> None:
    stream = cls().stream(RATE, 2, dtype="float64")
    stream.process(np.full((2, 4096), 4.0))
    loud = 20 * np.log10(4) - level_db(cls())
    assert stream.gain_reduction_db == pytest.approx(loud, abs=1e-3)


def test_the_latency_is_the_look_ahead() -> None:
    assert fx.Limiter().stream(RATE).latency == 0
    assert fx.BrickwallLimiter(lookahead_ms=7).stream(RATE).latency == round(0.007 * RATE)
    assert (
        fx.BrickwallLimiter(lookahead_ms=7, true_peak=True).stream(RATE).latency == round(0.007 * RATE) + 40
    )
