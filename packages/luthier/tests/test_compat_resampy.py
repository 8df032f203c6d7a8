"""The face of resampy: its rules, against a plain loop; in its place in sys.modules."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from luthier.compat import resampy


def plain(x, positions, table, points, scale):
    """Smith and Gossett's sum, sample by sample, at whole points of the stretched table."""
    step = int(scale * points)
    slope = np.append(np.diff(table), 0)
    out = np.zeros(len(positions))
    for m, position in enumerate(positions):
        n = int(position)
        for wing, fraction in ((-1, scale * (position - n)), (1, scale - scale * (position - n))):
            offset = int(fraction * points)
            eta = fraction * points - offset
            for i in range((len(table) - offset) // step):
                k = n - i if wing < 0 else n + 1 + i
                if 0 <= k < len(x):
                    at = offset + i * step
                    out[m] += scale * (table[at] + eta * slope[at]) * x[k]
    return out


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


RATES = [(100, 50), (44_100, 48_000), (44_100, 16_000), (3.5, 2), (2, 3.5), (100, 3)]


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("filt", ["kaiser_best", "kaiser_fast", "sinc_window"])
def test_it_is_the_published_sum(rates, filt):
    x = noise(240)
    got = resampy.resample(x, *rates, filter=filt)
    assert len(got) == int(240 * rates[1] // rates[0])
    ratio = rates[1] / rates[0]
    table, points, _ = resampy.filters.get_filter(filt)
    wanted = plain(x, np.arange(len(got)) / ratio, table, points, min(1.0, ratio))
    assert np.abs(got - wanted).max() < 1e-10


def test_times_in_any_order():
    x = noise(100)
    times = np.random.default_rng(1).uniform(0, 0.99, 50)
    table, points, _ = resampy.filters.get_filter("kaiser_fast")
    got = resampy.resample_nu(x, 100, times, filter="kaiser_fast")
    assert np.abs(got - plain(x, times * 100, table, points, 1.0)).max() < 1e-12


@pytest.mark.parametrize("count", [5, 1_000])
def test_the_table_in_and_out_of_order(count):
    x = noise(1_000)
    table, points, _ = resampy.filters.get_filter("kaiser_best")
    times = np.linspace(400, 410, count)
    got = resampy.resample_nu(x, 1, times)
    assert np.abs(got - plain(x, times, table, points, 1.0)).max() < 1e-12


def test_a_filter_of_ones_own():
    def hat(width):
        return np.linspace(1, 0, 8 * width + 1), 8, 1.0

    x = noise(64)
    got = resampy.resample(x, 3, 2, filter=hat, width=2)
    table, points, _ = hat(2)
    assert np.abs(got - plain(x, np.arange(len(got)) * 1.5, table, points, 2 / 3)).max() < 1e-13


def test_named_filters_have_their_published_shape():
    for name, zeros, points, rolloff in (
        ("kaiser_best", 50, 8192, 0.917347),
        ("kaiser_fast", 24, 512, 0.868212),
    ):
        table, precision, share = resampy.filters.get_filter(name)
        assert table.shape == (zeros * points + 1,)
        assert precision == points
        assert share == pytest.approx(rolloff, abs=1e-6)
        assert table[0] == pytest.approx(share)
    assert set(resampy.filters.FILTER_CACHE) >= {"kaiser_best", "kaiser_fast"}
    resampy.filters.clear_cache()
    assert resampy.filters.FILTER_CACHE == {}


def test_sinc_window_follows_its_definition():
    table, points, rolloff = resampy.filters.sinc_window(3, 2, rolloff=0.9)
    t = np.arange(13) / 4
    assert (points, rolloff) == (4, 0.9)
    assert np.allclose(table, 0.9 * np.sinc(0.9 * t) * (0.5 + 0.5 * np.cos(np.pi * t / 3)), atol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("parallel", [False, True])
def test_any_axis_and_order(axis, order, parallel):
    x = np.asarray(noise(40, 41, 42), order=order)
    y = resampy.resample(x, 4, 3, axis=axis, filter="kaiser_fast", parallel=parallel)
    assert y.flags.c_contiguous == x.flags.c_contiguous
    lines, results = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    for index in ((0, 0), (39, 40), (7, 11)):
        assert np.array_equal(results[index], resampy.resample(lines[index], 4, 3, filter="kaiser_fast"))


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "complex64", "complex128", "int16", "uint8", "int64"]
)
def test_dtypes(dtype):
    x = (100 * noise(200)).astype(dtype)
    y = resampy.resample(x, 2, 3)
    z = resampy.resample_nu(x, 1, np.arange(100) / 2)
    assert y.dtype == z.dtype == ("float32" if np.dtype(dtype).kind in "iu" else dtype)
    wide = resampy.resample(x.astype(np.complex128), 2, 3)
    assert np.allclose(y, wide, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: resampy.resample(x, 0, 1), ValueError, "sr_orig=0"),
        (lambda x: resampy.resample(x, 1, -1), ValueError, "sr_new=-1"),
        (lambda x: resampy.resample(x[:2], 4, 1), ValueError, "length=2 is too small"),
        (lambda x: resampy.resample(x > 0, 4, 1), TypeError, "bool"),
        (lambda x: resampy.resample(x.astype(object), 4, 1), TypeError, "object"),
        (lambda x: resampy.resample(x, 1, 2, filter="bad name"), NotImplementedError, "bad name"),
        (lambda x: resampy.resample(x, 1, 2, filter="sinc_window", window=np.ones(5)), TypeError, "callable"),
        (lambda x: resampy.resample(x, 1, 2, filter="sinc_window", rolloff=1.5), ValueError, "roll-off"),
        (lambda x: resampy.resample(x, 1, 2, filter="sinc_window", num_zeros=0), ValueError, "num_zeros"),
        (lambda x: resampy.resample(x, 1, 2, filter="sinc_window", precision=-1), ValueError, "precision"),
        (lambda x: resampy.resample_nu(x, 0, [0.0]), ValueError, "sr_orig=0"),
        (lambda x: resampy.resample_nu(x, 1, np.eye(3)), ValueError, "1D array"),
        (lambda x: resampy.resample_nu(x, 1, []), ValueError, "t_out"),
        (lambda x: resampy.resample_nu(x, 1, [-1.0, 5.0]), ValueError, "exceeds the data domain"),
        (lambda x: resampy.resample_nu(x, 1, [0.0, 50.0]), ValueError, "exceeds the data domain"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(noise(50))


def test_equal_rates_give_a_copy():
    x = noise(10).astype(np.int16)
    y = resampy.resample(x, 7, 7)
    assert y is not x
    assert y.flags.owndata
    assert np.array_equal(x, y)


def test_lengths_are_whole_numbers_of_any_type():
    assert len(resampy.resample(np.zeros(12_499), 12_499, 15_001, filter="kaiser_fast")) == 15_001
    assert len(resampy.resample(np.zeros(720_200), 22_050, np.int32(4_000), filter="kaiser_fast")) == 130_648


SCRIPT = """
import sys
from luthier.compat import resampy
for name in ("", ".core", ".filters", ".version"):
    sys.modules["resampy" + name] = sys.modules["luthier.compat.resampy" + name]
del resampy
import numpy as np
import resampy
from resampy.filters import FILTER_CACHE, sinc_window
from resampy import resample
assert resampy.__version__ == "0.4.3"
assert resampy.__name__ == "luthier.compat.resampy"
resample(np.zeros(10), 1, 2, filter="kaiser_fast")
assert "kaiser_fast" in FILTER_CACHE is resampy.filters.FILTER_CACHE
"""


def test_it_stands_in_for_the_peer(tmp_path):
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, cwd=tmp_path, env=dict(os.environ))
