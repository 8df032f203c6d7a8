"""Loudness on the test signals of EBU Tech 3341 and 3342 and in the manner of Rep. ITU-R BS.2217, made from
their definitions, and against the recommendation written out with SciPy.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal

import luthier.effects as fx
from luthier.core import LayoutError, NonFiniteWarning, ParameterError

RATE = 48_000

# The weighting at 48 kHz, from Rec. ITU-R BS.1770-5, tables 1 and 2.
WEIGHTING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585],
        [1, -2, 1, 1, -1.99004745483398, 0.99007225036621],
    ]
)


def tone(*parts: tuple[float, float], hz: float = 1000, rate: float = RATE, phase: float = 0.0) -> np.ndarray:
    """A sine whose peak level is so many dBFS for so many seconds, part after part."""
    gains = np.concatenate([np.full(round(seconds * rate), 10 ** (level / 20)) for level, seconds in parts])
    return gains * np.sin(2 * np.pi * hz / rate * np.arange(len(gains)) + phase)


def stereo(*parts: tuple[float, float], **more: float) -> np.ndarray:
    return np.stack([tone(*parts, **more)] * 2)


def measure(x: np.ndarray, rate: float = RATE, **more: object) -> fx.Loudness:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return fx.loudness(x, rate, **more)


# ---- EBU Tech 3341, table 1 ----


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_3341_1_and_2_a_steady_tone(level: float, rate: float) -> None:
    measured = measure(stereo((level, 20), rate=rate), rate)
    assert measured.integrated_lufs == pytest.approx(level, abs=0.1)
    assert measured.momentary_max_lufs == pytest.approx(level, abs=0.1)
    assert measured.short_term_max_lufs == pytest.approx(level, abs=0.1)
    assert measured.sample_peak_dbfs == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize(
    "parts",
    [
        [(-36, 10), (-23, 60), (-36, 10)],
        [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
        [(-26, 20), (-20, 20.1), (-26, 20)],
    ],
    ids=["3", "4", "5"],
)
def test_3341_3_to_5_the_gates(parts: list[tuple[float, float]]) -> None:
    assert measure(stereo(*parts)).integrated_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("subwoofer", [False, True])
def test_3341_6_five_channels(subwoofer: bool) -> None:
    levels = [-28, -28, -24, -30, -30]
    x = np.stack([tone((level, 20)) for level in levels])
    if subwoofer:
        x = np.insert(x, 3, 0.5 * np.sin(np.arange(x.shape[1]) / 100), axis=0)
    assert measure(x).integrated_lufs == pytest.approx(-23, abs=0.1)


def test_3341_9_short_term() -> None:
    x = stereo(*[(-20, 1.34), (-30, 1.66)] * 5)
    for start in (0, 1, 2.4, 7, 12):
        part = x[:, int(start * RATE) : int(start * RATE) + 3 * RATE]
        assert measure(part).short_term_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("i", range(20))
def test_3341_10_the_loudest_short_term(i: int) -> None:
    x = stereo((-200, 0.15 * i), (-23, 3), (-200, 1))
    assert measure(x).short_term_max_lufs == pytest.approx(-23, abs=0.1)


def test_3341_12_momentary() -> None:
    x = stereo(*[(-20, 0.18), (-30, 0.22)] * 25)
    for start in (0, 0.1, 0.25, 5.4, 9):
        part = x[:, int(start * RATE) : int((start + 0.6) * RATE)]
        assert measure(part).momentary_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("i", range(20))
def test_3341_13_the_loudest_momentary(i: int) -> None:
    x = stereo((-200, 0.02 * i), (-23, 0.4), (-200, 1))
    assert measure(x).momentary_max_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("divisor", "amplitude", "degrees", "expected"),
    [(4, 0.5, 0, -6), (4, 0.5, 45, -6), (6, 0.5, 60, -6), (8, 0.5, 67.5, -6), (4, 1.41, 45, 3)],
    ids=["15", "16", "17", "18", "19"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_3341_15_to_19_true_peak(
    divisor: int, amplitude: float, degrees: float, expected: float, dtype: str
) -> None:
    frames = np.arange(RATE)
    x = amplitude * np.sin(2 * np.pi * frames / divisor + np.radians(degrees))
    x[:480] *= np.linspace(0, 1, 480)
    x[-480:] *= np.linspace(1, 0, 480)
    measured = measure(np.stack([x, x]).astype(dtype)).true_peak_dbtp
    assert expected - 0.4 <= measured <= expected + 0.2


@pytest.mark.parametrize("offset", range(4))
def test_3341_20_to_23_a_peak_between_samples_at_any_offset(offset: int) -> None:
    """A burst of one louder swing, band-limited, whose largest value is 1 at a known quarter of a frame."""
    t = (np.arange(4000) - 2000 + 0.25 * offset) / 1.0
    burst = np.exp(-((t / 12) ** 2)) * np.cos(2 * np.pi * t / 5)
    assert -0.4 <= measure(burst[None]).true_peak_dbtp <= 0.2


def test_true_peaks_at_the_ends_are_seen() -> None:
    for where in (0, -1):
        x = np.zeros(1000)
        x[where] = 0.5
        assert measure(x).true_peak_dbtp == pytest.approx(-6.02, abs=0.1)
        assert measure(x).sample_peak_dbfs == pytest.approx(-6.0206, abs=1e-4)


# ---- EBU Tech 3342, table 1 ----


@pytest.mark.parametrize(
    ("levels", "expected"),
    [([-20, -30], 10), ([-20, -15], 5), ([-40, -20], 20), ([-50, -35, -20, -35, -50], 15)],
    ids=["1", "2", "3", "4"],
)
def test_3342_the_range(levels: list[float], expected: float) -> None:
    assert measure(stereo(*[(level, 20) for level in levels])).range_lu == pytest.approx(expected, abs=1)


# ---- Rep. ITU-R BS.2217: frequencies, channels, gates ----


def weighted_db(hz: float) -> float:
    return float(20 * np.log10(np.abs(scipy.signal.freqz_sos(WEIGHTING, [hz], fs=RATE)[1][0])))


@pytest.mark.parametrize("hz", [25, 100, 500, 1000, 2000, 10_000])
@pytest.mark.parametrize("expected", [-23.0, -24.0])
def test_2217_frequencies(hz: float, expected: float) -> None:
    level = expected + 0.691 - weighted_db(hz)  # both channels, each of half the square of its peak
    assert measure(stereo((level, 4), hz=hz)).integrated_lufs == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("channel", range(6))
def test_2217_one_channel_at_a_time(channel: int) -> None:
    x = np.zeros((6, 3 * RATE))
    x[channel] = tone((-20, 3))
    expected = (
        -20 - 10 * math.log10(2) + [0, 0, 0, -math.inf, 10 * math.log10(1.41), 10 * math.log10(1.41)][channel]
    )
    assert measure(x).integrated_lufs == pytest.approx(expected, abs=0.1)


def test_2217_the_absolute_gate() -> None:
    assert measure(stereo((-69.5, 5))).integrated_lufs == pytest.approx(-69.5, abs=0.1)
    assert measure(stereo((-70.5, 5))).integrated_lufs == -math.inf
    assert measure(stereo((-69.5, 5), (-71, 9))).integrated_lufs == pytest.approx(-69.5, abs=0.1)


def test_2217_the_relative_gate() -> None:
    # The gate lies 10 LU below the mean of all, itself 3 dB down: what is 12 dB down passes, 14 dB not.
    assert measure(stereo((-20, 15), (-34, 15))).integrated_lufs == pytest.approx(-20, abs=0.1)
    mean = 10 * math.log10((10**-2.0 + 10**-3.2) / 2)
    assert measure(stereo((-20, 15), (-32, 15))).integrated_lufs == pytest.approx(mean, abs=0.1)


# ---- oracles ----


def integrated(x: np.ndarray) -> float:
    """BS.1770-5, annex 1, written out, at 48 kHz."""
    weights = np.array([1, 1, 1, 0, 1.41, 1.41])[: len(x)]
    z = scipy.signal.sosfilt(WEIGHTING, x, axis=1)
    blocks = np.array(
        [np.mean(z[:, i : i + 19_200] ** 2, axis=1) @ weights for i in range(0, x.shape[1] - 19_199, 4800)]
    )
    level = -0.691 + 10 * np.log10(blocks)
    threshold = -0.691 + 10 * np.log10(blocks[level > -70].mean()) - 10
    return float(-0.691 + 10 * np.log10(blocks[(level > -70) & (level > threshold)].mean()))


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
@pytest.mark.parametrize("frames", [19_200, 19_201, 200_003])
def test_it_is_the_recommendation(channels: int, frames: int) -> None:
    x = 0.1 * np.random.default_rng(channels).standard_normal((channels, frames))
    x *= 1.5 + np.sin(np.arange(frames) / 9000)
    assert measure(x).integrated_lufs == pytest.approx(integrated(x), abs=1e-9)
    assert measure(x.astype(np.float32)).integrated_lufs == pytest.approx(integrated(x), abs=1e-5)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 88_200, 192_000, 48_000.5])
def test_other_rates_have_the_weighting_of_48_khz(rate: float) -> None:
    """As far as the bilinear transform's warping lets them: it bends what lies near half the rate."""
    for hz in (30, 100, 1000, 3000):
        level = measure(tone((0, 2), hz=hz, rate=rate), rate).integrated_lufs
        expected = -0.691 - 10 * math.log10(2) + weighted_db(hz)
        assert level == pytest.approx(expected, abs=0.25 if rate < 16_000 else 0.03)


def test_pyloudnorm_measures_the_same() -> None:
    pyloudnorm = pytest.importorskip("pyloudnorm")
    x = 0.1 * np.random.default_rng(1).standard_normal((2, 5 * RATE))
    theirs = pyloudnorm.Meter(RATE).integrated_loudness(x.T)
    assert measure(x).integrated_lufs == pytest.approx(theirs, abs=0.1)


# ---- the function ----


@pytest.mark.parametrize("frames", [0, 1, 47, 19_199, 50_000])
def test_silence_and_what_is_too_short_have_no_loudness(frames: int) -> None:
    for x in (np.zeros((2, frames)), np.zeros(frames, np.float32), np.zeros((0, frames))):
        nothing = measure(x)
        assert nothing == fx.Loudness(*[-math.inf] * 3, 0.0, *[-math.inf] * 2)
    loud = measure(np.full((2, min(frames, 19_199)), 0.5))
    assert (loud.integrated_lufs, loud.momentary_max_lufs, loud.range_lu) == (-math.inf, -math.inf, 0)


def test_silence_behind_a_loud_passage_is_silent() -> None:
    x = np.concatenate([np.random.default_rng(0).standard_normal(RATE), np.zeros(10 * RATE)])
    assert measure(x[RATE:]).momentary_max_lufs == -math.inf
    assert measure(x).integrated_lufs == pytest.approx(measure(x[: 2 * RATE]).integrated_lufs, abs=1e-9)


def test_a_batch_is_a_list_of_its_items() -> None:
    x = 0.1 * np.random.default_rng(2).standard_normal((5, 2, 100_000))
    assert measure(x) == [measure(item) for item in x]
    assert measure(np.zeros((0, 2, 100))) == []
    assert measure(np.ascontiguousarray(x[0].T), layout="frames_first") == measure(x[0])


def test_weights_are_shares_of_the_energy() -> None:
    x = 0.1 * np.random.default_rng(3).standard_normal((9, RATE))
    with pytest.raises(ParameterError, match="9 channels have no usual order: pass channel_weights"):
        measure(x)
    only = measure(x, channel_weights=[0, 0, 0, 2, 0, 0, 0, 0, 0]).integrated_lufs
    assert only == pytest.approx(measure(x[3]).integrated_lufs + 10 * math.log10(2), abs=1e-9)
    for bad in ([1], [1] * 8, [-1] * 9, [math.nan] * 9, "loud", [[1] * 9]):
        with pytest.raises(ParameterError, match="channel_weights must be 9 numbers"):
            measure(x, channel_weights=bad)


def test_bad_samples_are_silence_and_bad_arguments_are_refused() -> None:
    x = 0.1 * np.random.default_rng(4).standard_normal((2, RATE))
    clean = x.copy()
    x[0, 100], x[1, 2000] = np.nan, np.inf
    clean[0, 100] = clean[1, 2000] = 0
    with pytest.warns(NonFiniteWarning, match="read as silence"):
        assert fx.loudness(x, RATE) == measure(clean)
    with pytest.warns(NonFiniteWarning):
        np.testing.assert_array_equal(fx.normalize_loudness(x, RATE), fx.normalize_loudness(clean, RATE))
    with pytest.raises(ParameterError, match="8000 or more"):
        measure(clean, 4000)
    with pytest.raises(LayoutError, match="float32"):
        measure(np.zeros((2, 5), np.int16))
    with pytest.raises(ParameterError, match="target_lufs must be a number from -70 to 0 LUFS, got 3"):
        fx.normalize_loudness(clean, RATE, 3)


# ---- normalize_loudness ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normalizing_reaches_the_target(dtype: str) -> None:
    x = (0.1 * np.random.default_rng(5).standard_normal((3, 2, RATE))).astype(dtype)
    x[1] *= 0.01
    x[2] = 0
    y = fx.normalize_loudness(x, RATE, -18)
    assert y.dtype == x.dtype
    levels = [item.integrated_lufs for item in measure(y)]
    assert levels[:2] == pytest.approx([-18, -18], abs=1e-4)
    np.testing.assert_array_equal(y[2], 0)
    np.testing.assert_array_equal(y[1], fx.normalize_loudness(x[1], RATE, -18))
    gain = y[0] / x[0]
    assert np.ptp(gain) <= 1e-6 * gain.max()


@pytest.mark.parametrize("ceiling", [-1.0, -20.0])
def test_the_ceiling_holds(ceiling: float) -> None:
    x = 0.1 * np.random.default_rng(6).standard_normal((2, RATE))
    y = measure(fx.normalize_loudness(x, RATE, -5, peak_ceiling_dbtp=ceiling))
    assert y.true_peak_dbtp == pytest.approx(ceiling, abs=1e-6)
    assert y.integrated_lufs < -5
    quiet = measure(fx.normalize_loudness(x, RATE, -50, peak_ceiling_dbtp=ceiling))
    assert quiet.integrated_lufs == pytest.approx(-50, abs=1e-6)


@pytest.mark.parametrize("make", [np.empty_like, lambda x: x], ids=["other", "same"])
def test_normalizing_writes_to_out(make: Callable[[np.ndarray], np.ndarray]) -> None:
    x = 0.1 * np.random.default_rng(7).standard_normal((2, RATE)).astype(np.float32)
    expected = fx.normalize_loudness(x, RATE)
    out = make(x)
    assert fx.normalize_loudness(x, RATE, out=out) is out
    np.testing.assert_array_equal(out, expected)
