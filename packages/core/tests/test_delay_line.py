"""Delay lines against shifted signals, SciPy's and closed-form interpolation, and runs done twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import _native

Array = npt.NDArray[Any]
WHOLE, LINEAR, CUBIC, LINEAR_EACH, CUBIC_EACH = range(5)


def delayed(x: Array, delays: Array | float, mode: int, max_delay: int, rerun: bool = False) -> Array:
    out = np.empty_like(x)
    every = np.ascontiguousarray(np.broadcast_to(np.asarray(delays, np.float64), x.shape))
    _native.delay(x, every, out, max_delay, mode, rerun)
    return out


def noise(frames: int, dtype: type = np.float64) -> Array:
    return np.random.default_rng(3).uniform(-1, 1, frames).astype(dtype)


def at(x: Array, index: Array) -> Array:
    return np.where(index >= 0, x[np.maximum(index, 0)], 0)


@given(st.integers(0, 300), st.integers(0, 40), st.booleans(), st.sampled_from([np.float32, np.float64]))
def test_whole_frames(delay: int, spare: int, rerun: bool, dtype: type) -> None:
    x = noise(1_024, dtype)
    got = delayed(x, float(delay), WHOLE, delay + spare, rerun)
    assert np.array_equal(got, np.concatenate([np.zeros(delay, dtype), x])[: len(x)])


@pytest.mark.parametrize("max_delay", [1, 13, 14, 15, 16, 30, 31, 46, 47, 48, 110, 111, 4_078, 4_079])
@pytest.mark.parametrize("mode", [WHOLE, LINEAR, CUBIC, LINEAR_EACH, CUBIC_EACH])
def test_a_rerun_group_reads_what_the_first_run_read(max_delay: int, mode: int) -> None:
    x = noise(16_384)
    plain = delayed(x, float(max_delay), mode, max_delay)
    assert np.array_equal(delayed(x, float(max_delay), mode, max_delay, rerun=True), plain)
    assert np.allclose(plain, np.concatenate([np.zeros(max_delay), x])[: len(x)], rtol=0, atol=1e-15)


def lagrange(x: Array, delays: Array, order: int) -> Array:
    """The polynomial through order + 1 frames around the place, evaluated there (Lagrange's form)."""
    frames = np.arange(len(x))
    first = np.floor(delays).astype(int) - (order - 1) // 2
    place = delays - first
    total = np.zeros(len(x))
    for k in range(order + 1):
        weight = np.ones(len(x))
        for m in range(order + 1):
            if m != k:
                weight *= (place - m) / (k - m)
        total += weight * at(x, frames - first - k)
    return total


@given(st.floats(1, 200), st.booleans())
def test_a_constant_fraction(delay: float, rerun: bool) -> None:
    x = noise(512)
    for mode, order in ((LINEAR, 1), (CUBIC, 3), (LINEAR_EACH, 1), (CUBIC_EACH, 3)):
        wanted = lagrange(x, np.full(len(x), delay), order)
        assert np.allclose(delayed(x, delay, mode, 200, rerun), wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize(("mode", "order"), [(LINEAR_EACH, 1), (CUBIC_EACH, 3)])
def test_moving_delays(mode: int, order: int, dtype: type, tolerance: float) -> None:
    x = noise(4_096, dtype)
    delays = 500 + 499 * np.sin(np.arange(len(x)) / 70)
    delays[:64] = 1  # next to the present frame, inside its own group
    got = delayed(x, delays, mode, 1_000)
    assert np.allclose(got, lagrange(x.astype(np.float64), delays, order), rtol=0, atol=tolerance)


def test_linear_reaches_the_present_frame() -> None:
    x = noise(64)
    assert np.array_equal(delayed(x, 0.0, LINEAR, 8), x)
    assert np.allclose(delayed(x, 0.25, LINEAR_EACH, 8), 0.75 * x + 0.25 * np.concatenate([[0], x[:-1]]))


def test_cubic_is_exact_for_cubics() -> None:
    t = np.arange(256) / 100
    x = t**3 - 2 * t**2 + 0.5
    late = (t - 0.0737 * 100 / 100)[16:]
    got = delayed(x, 7.37, CUBIC, 16)[16:]
    assert np.allclose(got, late**3 - 2 * late**2 + 0.5, rtol=0, atol=1e-13)
