"""The way from one value to another, against its closed form."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import _native


def weights(rate: float, starts: list[int], groups: int) -> np.ndarray:
    """At the first and the last frame of each group."""
    return np.array(_native.way(rate, starts, groups)).reshape(groups, 2)


def test_at_rest_it_has_arrived() -> None:
    assert np.all(weights(48_000, [], 5) == 1)


@pytest.mark.parametrize("rate", [1.0, 8_000.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0])
def test_it_takes_twenty_milliseconds_without_corners(rate: float) -> None:
    groups = max(1, ceil(0.02 * rate / 16))
    frames = np.arange(groups * 16).reshape(groups, 16)[:, [0, 15]]
    t = frames / (groups * 16)
    way = weights(rate, [3], groups + 6)
    np.testing.assert_allclose(way[3 : 3 + groups], 3 * t**2 - 2 * t**3, atol=1e-15)
    assert np.all(way[:3] == 1)
    assert np.all(way[3 + groups :] == 1)


@given(st.lists(st.integers(0, 150), max_size=6))
def test_a_start_begins_again_from_nothing(starts: list[int]) -> None:
    way = weights(48_000, starts, 260)
    for start in starts:
        assert way[start, 0] == 0
    assert np.all(way[:, 0] <= way[:, 1])
    assert np.all((way >= 0) & (way <= 1))
    assert np.all(way[220:] == 1)


@given(st.floats(1e-6, 1e6))
def test_scales_there_and_back(x: float) -> None:
    assert _native.on_scale(False, False, x) == _native.on_scale(False, True, x) == x
    assert _native.on_scale(True, False, x) == pytest.approx(np.log2(x), rel=1e-14, abs=1e-15)
    assert _native.on_scale(True, True, np.log2(x)) == pytest.approx(x, rel=1e-13)
