"""The filters against SciPy's, and against what the cookbook says of them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx


def response(effect: fx.Effect, frequencies_hz: list[float], rate: float) -> np.ndarray:
    """Complex gain, from the impulse response."""
    impulse = np.zeros(1 << 20)
    impulse[0] = 1
    answer = effect(impulse, rate)
    n = np.arange(len(answer))
    return np.array([np.sum(answer * np.exp(-2j * np.pi * f / rate * n)) for f in frequencies_hz])


def decibels(gain: np.ndarray) -> np.ndarray:
    return 20 * np.log10(np.abs(gain))


def cookbook(effect: fx.Effect, rate: float) -> np.ndarray:
    """b0 b1 b2 1 a1 a2, from R. Bristow-Johnson's formulae."""
    w0 = 2 * np.pi * effect.cutoff_hz / rate
    amplitude = 10 ** (effect.gain_db / 40)
    cos, alpha = np.cos(w0), np.sin(w0) / (2 * effect.q)
    if isinstance(effect, fx.PeakFilter):
        b = [1 + alpha * amplitude, -2 * cos, 1 - alpha * amplitude]
        a = [1 + alpha / amplitude, -2 * cos, 1 - alpha / amplitude]
    else:
        sign = 1 if isinstance(effect, fx.LowShelfFilter) else -1
        root = 2 * np.sqrt(amplitude) * alpha
        up, down = amplitude + 1, amplitude - 1
        b = [
            amplitude * (up - sign * down * cos + root),
            sign * 2 * amplitude * (down - sign * up * cos),
            amplitude * (up - sign * down * cos - root),
        ]
        a = [
            up + sign * down * cos + root,
            -sign * 2 * (down + sign * up * cos),
            up + sign * down * cos - root,
        ]
    return np.array([*b, *a]) / a[0]


def test_first_order_gains() -> None:
    rate = 48_000
    for cutoff in (30, 1000, 12_000):
        low, high = fx.LowpassFilter(cutoff), fx.HighpassFilter(cutoff)
        assert decibels(response(low, [cutoff], rate))[0] == pytest.approx(-3.0103, abs=1e-3)
        assert decibels(response(high, [cutoff], rate))[0] == pytest.approx(-3.0103, abs=1e-3)
        assert abs(response(low, [0], rate)[0]) == pytest.approx(1, abs=1e-9)
        assert abs(response(high, [rate / 2], rate)[0]) == pytest.approx(1, abs=1e-9)
        # A low-pass and a high-pass of first order add up to the input.
        both = fx.Mix([low, high])
        x = np.random.default_rng(0).standard_normal(1000)
        np.testing.assert_allclose(both(x, rate), x, atol=1e-12)


@pytest.mark.parametrize("kind", ["lowpass", "highpass"])
def test_first_order_is_the_butterworth_of_scipy(kind: str) -> None:
    x = np.random.default_rng(0).standard_normal(20_000)
    for cutoff in (20, 440, 9000):
        effect = {"lowpass": fx.LowpassFilter, "highpass": fx.HighpassFilter}[kind](cutoff)
        expected = scipy.signal.sosfilt(scipy.signal.butter(1, cutoff, kind, fs=44_100, output="sos"), x)
        np.testing.assert_allclose(effect(x, 44_100), expected, atol=1e-11)


@pytest.mark.parametrize("cls", [fx.PeakFilter, fx.LowShelfFilter, fx.HighShelfFilter])
@settings(max_examples=40)
@given(
    cutoff=st.floats(20, 20_000),
    gain=st.floats(-24, 24),
    q=st.floats(0.1, 20),
    rate=st.sampled_from([44_100, 48_000, 96_000]),
)
def test_second_order_is_the_cookbooks(
    cls: type[fx.Effect], cutoff: float, gain: float, q: float, rate: int
) -> None:
    effect = cls(cutoff, gain, q)
    x = np.random.default_rng(0).standard_normal(8000)
    expected = scipy.signal.sosfilt([cookbook(effect, rate)], x)
    error = effect(x, rate) - expected
    assert np.sqrt(np.mean(error**2)) < 1e-9 * np.sqrt(np.mean(expected**2))
    single = effect(x.astype(np.float32), rate) - scipy.signal.sosfilt(
        [cookbook(effect, rate)], x.astype(np.float32).astype(np.float64)
    )
    assert np.sqrt(np.mean(single**2)) < 1e-6 * np.sqrt(np.mean(expected**2))  # -120 dB


def test_shelves_and_bells_at_their_marks() -> None:
    rate, gain = 48_000, 9.0
    low, high, bell = (c(1000, gain, 0.7) for c in (fx.LowShelfFilter, fx.HighShelfFilter, fx.PeakFilter))
    np.testing.assert_allclose(
        decibels(response(low, [0, 1000, 24_000], rate)), [gain, gain / 2, 0], atol=1e-6
    )
    np.testing.assert_allclose(
        decibels(response(high, [0, 1000, 24_000], rate)), [0, gain / 2, gain], atol=1e-6
    )
    np.testing.assert_allclose(decibels(response(bell, [0, 1000, 24_000], rate)), [0, gain, 0], atol=1e-6)


def test_a_cut_undoes_a_boost() -> None:
    x = np.random.default_rng(0).standard_normal((2, 5000))
    for cls in (fx.PeakFilter, fx.LowShelfFilter, fx.HighShelfFilter):
        board = fx.Chain([cls(700, 12, 1.5), cls(700, -12, 1.5)])
        np.testing.assert_allclose(board(x, 44_100), x, atol=1e-10)


def test_cutoffs_above_nyquist_count_as_just_below() -> None:
    x = np.random.default_rng(0).standard_normal(1000)
    for cls in (fx.LowpassFilter, fx.HighpassFilter):
        np.testing.assert_array_equal(cls(100_000)(x, 8000), cls(0.49 * 8000)(x, 8000))
