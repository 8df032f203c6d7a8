"""resample_to_times(): the signal at any times."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.io as lio
from luthier.core import LayoutError, ParameterError


def db(x):
    return 20 * np.log10(np.maximum(np.abs(x).max(), 1e-30))


@pytest.mark.parametrize(("dtype", "quality", "least"), [
    ("float32", "fast", -88), ("float32", "high", -122), ("float64", "high", -130), ("float64", "best", -150),
])  # fmt: skip
def test_a_tone_at_any_times(dtype, quality, least):
    rate = 8_000
    tone = lambda t: np.sin(2 * np.pi * 0.39 * rate * t + 0.3)  # noqa: E731
    x = tone(np.arange(9_000) / rate).astype(dtype)
    times = np.random.default_rng(0).uniform(0.2, 0.9, 3_001)
    got = lio.resample_to_times(x, rate, times, quality=quality)
    assert got.dtype == x.dtype
    assert db(got - tone(times)) < least


def test_even_times_are_resample():
    x = np.random.default_rng(0).standard_normal((2, 3_000))
    wanted = lio.resample(x, 3, 4)
    got = lio.resample_to_times(x, 44_100, np.arange(wanted.shape[1]) * 3 / 4 / 44_100)
    assert db(got - wanted) < -120


def test_at_the_frames_themselves():
    x, rate = np.hanning(2_000), 48_000
    times = np.arange(2_000)[::-1] / rate
    assert db(lio.resample_to_times(x, rate, times) - x[::-1]) < -100


@pytest.mark.parametrize("cutoff_hz", [3_900, 1_000, 50, 2])
def test_the_cutoff(cutoff_hz):
    rate = 8_000
    frames = int(rate * max(2, 400 / cutoff_hz))
    t = np.arange(frames) / rate
    times = np.linspace(0.4, 0.6, 501) * t[-1]
    tone = lambda share: np.sin(2 * np.pi * share * cutoff_hz * t)  # noqa: E731
    kept = lio.resample_to_times(tone(0.9), rate, times, cutoff_hz=cutoff_hz)
    assert db(kept - np.sin(2 * np.pi * 0.9 * cutoff_hz * times)) < -120
    assert db(lio.resample_to_times(tone(1.0), rate, times, cutoff_hz=cutoff_hz)) < -125


def test_silence_outside_and_nan_where_there_is_no_time():
    x = np.ones(1_000, np.float32)
    got = lio.resample_to_times(x, 1_000, [-50.0, -1.0, 0.5, 2.0, 1e9, -1e300, np.nan, np.inf, -np.inf])
    assert np.array_equal(got[[0, 1, 3, 4, 5]], np.zeros(5))
    assert got[2] == pytest.approx(1)
    assert np.isnan(got[6:]).all()
    # What rings in front of the first frame is there, as in a longer signal.
    longer = np.concatenate([np.zeros(500, np.float32), x])
    times = np.linspace(-0.1, 0.1, 77)
    assert np.allclose(
        lio.resample_to_times(x, 1_000, times), lio.resample_to_times(longer, 1_000, times + 0.5), atol=1e-6
    )


def test_rows_layouts_and_out():
    x = np.random.default_rng(0).standard_normal((3, 2, 400)).astype(np.float32)
    times = np.linspace(0, 0.05, 123)
    wanted = lio.resample_to_times(x, 8_000, times)
    assert wanted.shape == (3, 2, 123)
    for b in range(3):
        for c in range(2):
            assert np.array_equal(wanted[b, c], lio.resample_to_times(x[b, c], 8_000, times))
    out = np.zeros((3, 2, 123), np.float32)
    assert lio.resample_to_times(x, 8_000, times, out=out) is out
    assert np.array_equal(out, wanted)
    swapped = np.ascontiguousarray(x.swapaxes(1, 2))
    assert np.array_equal(
        lio.resample_to_times(swapped, 8_000, times, layout="frames_first"), wanted.swapaxes(1, 2)
    )
    best = lio.resample_to_times(x, 8_000, times, quality="best", out=out)
    assert best is out
    wide = lio.resample_to_times(x.astype(np.float64), 8_000, times, quality="best")
    assert np.abs(out - wide).max() < 1e-6


def test_nothing_in_and_nothing_asked():
    assert np.array_equal(lio.resample_to_times(np.zeros(0), 8_000, [0.0, 1.0]), [0, 0])
    assert lio.resample_to_times(np.ones(10), 8_000, []).shape == (0,)


def test_a_gap_stays_local():
    x = np.ones(3_000)
    x[1_500] = np.nan
    y = lio.resample_to_times(x, 1, np.arange(3_000.0))
    bad = np.flatnonzero(np.isnan(y))
    assert 1_500 in bad
    assert 1_500 - bad[0] < 130
    assert bad[-1] - 1_500 < 130


def test_arguments_are_checked():
    x = np.zeros(10)
    for cutoff in (0, -1, 4_001, 0.5, float("nan"), "high"):
        with pytest.raises(ParameterError, match="cutoff_hz must be between"):
            lio.resample_to_times(x, 8_000, [0.0], cutoff_hz=cutoff)
    with pytest.raises(ParameterError, match="sample_rate must be"):
        lio.resample_to_times(x, 0, [0.0])
    with pytest.raises(ParameterError, match="quality"):
        lio.resample_to_times(x, 8_000, [0.0], quality="vhq")
    with pytest.raises(LayoutError, match=r"times must have shape \(count,\)"):
        lio.resample_to_times(x, 8_000, [[0.0]])
    with pytest.raises(LayoutError, match="overlaps"):
        lio.resample_to_times(x, 8_000, [0.0] * 10, out=x)
