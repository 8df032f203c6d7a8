"""The filters against SciPy's, and against what the cookbook says of them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.core import ParameterError


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
    cos, alpha = np.cos(w0), np.sin(w0) / (2 * effect.q)
    if isinstance(effect, fx.BandpassFilter | fx.NotchFilter | fx.AllpassFilter):
        b = {
            fx.BandpassFilter: [alpha, 0, -alpha],
            fx.NotchFilter: [1, -2 * cos, 1],
            fx.AllpassFilter: [1 - alpha, -2 * cos, 1 + alpha],
        }[type(effect)]
        a = [1 + alpha, -2 * cos, 1 - alpha]
        return np.array([*b, *a]) / a[0]
    amplitude = 10 ** (effect.gain_db / 40)
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
@pytest.mark.parametrize("order", range(1, 9))
def test_every_order_is_the_butterworth_of_scipy(kind: str, order: int) -> None:
    x = np.random.default_rng(0).standard_normal(20_000)
    cls = {"lowpass": fx.LowpassFilter, "highpass": fx.HighpassFilter}[kind]
    for cutoff in (20, 440, 9000):
        effect = cls(cutoff, order)
        sos = scipy.signal.butter(order, cutoff, kind, fs=44_100, output="sos")
        np.testing.assert_allclose(effect(x, 44_100), scipy.signal.sosfilt(sos, x), atol=2e-10)
        # Sums in float samples; the state and what enters it are double.
        single = x.astype(np.float32)
        exact = scipy.signal.sosfilt(sos, single.astype(np.float64))
        error = effect(single, 44_100) - exact
        assert np.sqrt(np.mean(error**2)) < 1e-6 * np.sqrt(np.mean(exact**2))


@pytest.mark.parametrize("cls", [fx.LowpassFilter, fx.HighpassFilter])
def test_every_order_is_three_decibels_down_at_the_cutoff(cls: type[fx.Effect]) -> None:
    for order in range(1, 9):
        gain = decibels(response(cls(1000, order), [1000], 48_000))[0]
        assert gain == pytest.approx(-3.0103, abs=1e-4)


def test_an_order_is_a_whole_number_from_one_to_eight() -> None:
    for bad in (0, 9, 2.5, "2", None):
        with pytest.raises(ParameterError, match=r"LowpassFilter.order must be one of 1, 2, 3"):
            fx.LowpassFilter(order=bad)


def test_an_order_that_is_assigned_fades_over() -> None:
    x = np.sin(2 * np.pi * 997 / 44_100 * np.arange(44_100))
    stream = fx.LowpassFilter(500, 1).stream(44_100, dtype="float64")
    y = [stream.process(x[:20_000])]
    stream.effect.order = 8
    y.append(stream.process(x[20_000:]))
    np.testing.assert_array_equal(y[0], fx.LowpassFilter(500, 1)(x, 44_100)[:20_000])
    late = fx.LowpassFilter(500, 8)(x, 44_100)[30_000:]
    np.testing.assert_allclose(y[1][10_000:], late, atol=1e-9)
    assert np.abs(np.diff(np.concatenate(y), 2)).max() < 0.03


@pytest.mark.parametrize(
    "cls",
    [
        fx.PeakFilter,
        fx.LowShelfFilter,
        fx.HighShelfFilter,
        fx.BandpassFilter,
        fx.NotchFilter,
        fx.AllpassFilter,
    ],
)
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
    effect = cls(cutoff, gain, q) if hasattr(cls, "gain_db") else cls(cutoff, q)
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


def test_bands_and_notches_at_their_marks() -> None:
    rate, q = 48_000, 3.0
    band, notch, allpass = (c(1000, q) for c in (fx.BandpassFilter, fx.NotchFilter, fx.AllpassFilter))
    # The edges of the band, an octave's scale apart and cutoff / q wide once the bilinear warp is undone.
    half = np.array([-1, 1]) / (2 * q)
    edges = np.arctan(np.tan(np.pi * 1000 / rate) * (np.sqrt(1 + half**2) + half)) * rate / np.pi
    np.testing.assert_allclose(decibels(response(band, [1000, *edges], rate)), [0, *[-3.0103] * 2], atol=1e-4)
    np.testing.assert_allclose(decibels(response(notch, edges, rate)), [-3.0103] * 2, atol=1e-4)
    assert abs(response(notch, [1000], rate)[0]) < 1e-9
    np.testing.assert_allclose(np.abs(response(allpass, [10, 1000, 9000], rate)), 1, atol=1e-9)
    np.testing.assert_allclose(response(allpass, [1000], rate), -1, atol=1e-9)


def test_a_cut_undoes_a_boost() -> None:
    x = np.random.default_rng(0).standard_normal((2, 5000))
    for cls in (fx.PeakFilter, fx.LowShelfFilter, fx.HighShelfFilter):
        board = fx.Chain([cls(700, 12, 1.5), cls(700, -12, 1.5)])
        np.testing.assert_allclose(board(x, 44_100), x, atol=1e-10)


def test_cutoffs_above_nyquist_count_as_just_below() -> None:
    x = np.random.default_rng(0).standard_normal(1000)
    for cls in (fx.LowpassFilter, fx.HighpassFilter, fx.AllpassFilter, fx.LadderFilter):
        np.testing.assert_array_equal(cls(cutoff_hz=100_000)(x, 8000), cls(cutoff_hz=0.49 * 8000)(x, 8000))
