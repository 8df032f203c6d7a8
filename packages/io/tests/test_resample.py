"""resample(): lengths, arrays of every kind, what is local stays local."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import LayoutError, ParameterError

PAIRS = [(44_100, 48_000), (48_000, 44_100), (44_100, 16_000), (48_000, 16_000), (44_100, 22_050)]


def noise(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(dtype)


def exact_length(frames, from_rate, to_rate):
    """Halves up, in Python's integers."""
    ratio = Fraction(to_rate) / Fraction(from_rate)
    return (2 * frames * ratio.numerator + ratio.denominator) // (2 * ratio.denominator)


RATES = st.one_of(
    st.sampled_from([1, 2, 3, 8_000, 11_025, 16_000, 22_050, 44_099, 44_100, 48_000, 96_000, 768_000]),
    st.integers(1, 200_000),
    st.floats(0.5, 200_000),
    st.fractions(1, 1000, max_denominator=997),
)


@given(st.integers(0, 300), RATES, RATES)
@example(1, 2, 1)
@example(3, 2, 1)
@example(0, 1, 768_000)
@example(299, 44_100.1, 7)
@settings(deadline=None)
def test_the_length_is_exact(frames, from_rate, to_rate):
    if frames * Fraction(to_rate) / Fraction(from_rate) > 1_000_000:
        return
    out = lio.resample(np.zeros(frames, np.float32), from_rate, to_rate, quality="fast")
    assert out.shape == (exact_length(frames, from_rate, to_rate),)
    assert not out.any()


def test_halves_round_up():
    assert [len(lio.resample(np.zeros(n, np.float32), 2, 1)) for n in range(6)] == [0, 1, 1, 2, 2, 3]


@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [(0.1, 70.7), (44_100, 0.1), (1e-300, 1e-300), (1 / 3, 7e-5)]
)
def test_ratios_beyond_the_integers_are_approximated(from_rate, to_rate):
    out = lio.resample(np.ones(1_000, np.float32), from_rate, to_rate, quality="fast")
    assert len(out) == exact_length(1_000, from_rate, to_rate)


@pytest.mark.parametrize("rates", [(1, 1e9 + 1), (1e9 + 1, 1), (1e-300, 1e300)])
def test_ratios_of_no_use_are_refused(rates):
    with pytest.raises(ParameterError, match="1e9"):
        lio.resample(np.ones(10, np.float32), *rates)


@pytest.mark.parametrize(
    "rate", [0, -1, float("nan"), float("inf"), "48000", None, True, 1j, [1], np.zeros(1)]
)
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ParameterError, match="from_rate must be a positive number"):
        lio.resample(np.zeros(4, np.float32), rate, 48_000)


def test_unknown_names_are_refused():
    with pytest.raises(ParameterError, match=r"quality must be one of 'fast'.*'HQ'"):
        lio.resample(np.zeros(4, np.float32), 1, 2, quality="HQ")
    for phase in ("zero", None, ["linear"]):
        with pytest.raises(ParameterError, match="phase must be one of"):
            lio.resample(np.zeros(4, np.float32), 1, 2, phase=phase)


@pytest.mark.parametrize("quality", ["fast", "best"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_rates_copy(quality, dtype):
    x = noise(2, 3_000, dtype=dtype)
    x[0, 7] = np.inf
    y = lio.resample(x, 44_100, 44_100.0, quality=quality, phase="minimum")
    assert np.array_equal(y, x)
    assert not np.shares_memory(x, y)
    assert lio.Resampler(3, 3).latency <= 1


@pytest.mark.parametrize("samples", [None, 3, [1.0, 2.0], np.float32(1), np.zeros(3, bool)])
def test_what_is_no_array_of_floats_is_refused(samples):
    with pytest.raises(LayoutError):
        lio.resample(samples, 1, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "shape", [(500,), (2, 500), (3, 2, 500), (2, 3, 2, 500), (0, 500), (2, 0), (0, 2, 0)]
)
def test_every_row_is_resampled_by_itself(dtype, shape):
    x = noise(*shape, dtype=dtype)
    y = lio.resample(x, 44_100, 48_000)
    assert y.dtype == x.dtype
    assert y.shape == (*shape[:-1], exact_length(shape[-1], 44_100, 48_000))
    for index in np.ndindex(*shape[:-1]):
        assert np.array_equal(y[index], lio.resample(x[index], 44_100, 48_000))


def test_many_rows_over_many_threads_are_the_same_rows():
    x = noise(37, 20_000)
    y = lio.resample(x, 44_100, 16_000)
    for row, expected in zip(y, x, strict=True):
        assert np.array_equal(row, lio.resample(expected, 44_100, 16_000))


@pytest.mark.parametrize("shape", [(300, 2), (3, 300, 2), (2, 3, 300, 2)])
def test_frames_first(shape):
    x = noise(*shape)
    y = lio.resample(x, 8_000, 11_025, layout="frames_first")
    swapped = lio.resample(np.ascontiguousarray(np.swapaxes(x, -1, -2)), 8_000, 11_025)
    assert np.array_equal(y, np.swapaxes(swapped, -1, -2))


def test_arrays_that_are_not_contiguous():
    x = noise(4, 1_000)
    wanted = lio.resample(np.ascontiguousarray(x[::2, ::-2]), 3, 2)
    assert np.array_equal(lio.resample(x[::2, ::-2], 3, 2), wanted)
    assert np.array_equal(lio.resample(x[::2, ::-2].astype(">f4"), 3, 2), wanted)


@pytest.mark.parametrize("shape", [(500,), (2, 500), (3, 2, 500), (2, 3, 2, 500)])
def test_out(shape):
    x = noise(*shape)
    wanted = lio.resample(x, 44_100, 48_000)
    out = np.full(wanted.shape, 9, np.float32)
    assert lio.resample(x, 44_100, 48_000, out=out) is out or len(shape) > 3
    assert np.array_equal(out, wanted)


def test_out_with_strides():
    x = noise(2, 500)
    wanted = lio.resample(x, 44_100, 48_000)
    wide = np.zeros((2, 2 * wanted.shape[1]), np.float32)
    lio.resample(x, 44_100, 48_000, out=wide[:, ::2])
    assert np.array_equal(wide[:, ::2], wanted)
    assert not wide[:, 1::2].any()
    back = np.zeros(wanted.shape[::-1], np.float32)
    lio.resample(np.ascontiguousarray(x.T), 44_100, 48_000, out=back, layout="frames_first")
    assert np.array_equal(back, wanted.T)


def test_out_that_does_not_fit_is_refused():
    x = noise(2, 500)
    with pytest.raises(LayoutError, match="out must have shape"):
        lio.resample(x, 1, 2, out=np.zeros((2, 999), np.float32))
    with pytest.raises(LayoutError, match="out must have shape"):
        lio.resample(x, 1, 2, out=np.zeros((2, 1_000)))
    memory = np.zeros(600, np.float32)
    with pytest.raises(LayoutError, match="overlaps"):
        lio.resample(memory[:500], 1, 1, out=memory[100:])


def test_integers_are_refused():
    with pytest.raises(LayoutError, match="int16"):
        lio.resample(np.zeros(4, np.int16), 1, 2)
    with pytest.raises(LayoutError, match="frames_first"):
        lio.resample(np.zeros((44_100, 2), np.float32), 1, 2)


def test_other_array_libraries():
    class Tensor:
        """What a library without from_dlpack would hand over."""

        def __init__(self, array):
            self.array = array
            self.shape = array.shape

        def __dlpack__(self, **keywords):
            return self.array.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    x = noise(2, 100)
    assert np.array_equal(lio.resample(Tensor(x), 1, 2), lio.resample(x, 1, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [*PAIRS, (44_100, 44_099), (1, 2), (3, 2), (96_000, 8_000), (8_000, 192_000)]
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_local(dtype, from_rate, to_rate, value):
    frames = 30_000
    x = noise(frames, dtype=dtype)
    clean = lio.resample(x, from_rate, to_rate)
    x[[20_000, 20_003]] = value
    silenced = x.copy()
    silenced[[20_000, 20_003]] = 0
    wanted = lio.resample(silenced, from_rate, to_rate)
    y = lio.resample(x, from_rate, to_rate)
    bad = np.flatnonzero(np.isnan(y))
    assert np.array_equal(np.delete(y, bad), np.delete(wanted, bad))
    # The filter's half length is some 100 frames of the lower rate.
    reach = 130 * max(1, from_rate / to_rate)
    at = bad * from_rate / to_rate
    assert at.min() >= 20_000 - reach
    assert at.max() <= 20_003 + reach
    assert len(bad) == bad[-1] - bad[0] + 1
    # All that differs from what the samples would have given is covered.
    assert np.allclose(np.delete(y, bad), np.delete(clean, bad), atol=1e-6)


def test_nothing_but_nan():
    assert np.isnan(lio.resample(np.full(5_000, np.nan, np.float32), 44_100, 48_000)).all()
    x = np.zeros(50_000, np.float32)
    x[::2] = np.inf
    assert np.isnan(lio.resample(x, 48_000, 44_100)).all()


def test_huge_samples_do_not_crash():
    x = np.full(5_000, 3e38, np.float32)
    assert lio.resample(x, 44_100, 48_000).shape == (5_442,)


def test_many_threads_share_the_plans():
    x = noise(20_000)
    ratios = [(44_100, 48_000 + i % 40) for i in range(160)]
    wanted = {r: lio.resample(x, *r) for r in set(ratios)}
    failures = []

    def work(part):
        failures.extend(r for r in part if not np.array_equal(lio.resample(x, *r), wanted[r]))

    threads = [threading.Thread(target=work, args=(ratios[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


SCRIPT = """
import sys, numpy as np, luthier.io as lio
x = np.random.default_rng(1).uniform(-0.7, 0.7, 30_000)
out = [lio.resample(x.astype(d), f, t) for d in ("float32", "float64") for f, t in
       [(44_100, 48_000), (44_100, 16_000), (48_000, 16_000), (44_100, 22_050), (44_100, 44_099), (3, 4)]]
np.save(sys.argv[1], np.concatenate([y.astype(np.float64) for y in out]))
"""


def test_instruction_sets_agree(tmp_path):
    from luthier.core import cpu

    names = ["baseline", "v3", "v4"]
    results = []
    for isa in names[: names.index(cpu().detected) + 1]:
        path = tmp_path / f"{isa}.npy"
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(path)], check=True, env={**os.environ, "LUTHIER_ISA": isa}
        )
        results.append(np.load(path))
    for other in results[1:]:
        # The issue asks for -110 dBFS; float32 rounding alone leaves -130.
        assert np.abs(other - results[0]).max() < 10 ** (-120 / 20)
