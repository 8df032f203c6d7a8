"""Ramps on the grid against their closed form."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import _native

RATE = 48_000.0
GROUPS = ceil(0.02 * RATE / 16)


def ramp(
    value: float, changes: dict[int, float], groups: int, logarithmic: bool = False, rate: float = RATE
) -> np.ndarray:
    spans = _native.ramp(value, list(changes), list(changes.values()), rate, logarithmic, groups)
    return np.array(spans).reshape(groups, 2)


def test_at_rest_nothing_moves() -> None:
    assert np.all(ramp(-6.5, {}, 10) == -6.5)


@pytest.mark.parametrize("rate", [8_000.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0])
def test_linear_over_twenty_milliseconds(rate: float) -> None:
    groups = ceil(0.02 * rate / 16)
    spans = ramp(-10.0, {3: 2.0}, groups + 6, rate=rate)
    corners = np.concatenate([[-10.0] * 3, np.linspace(-10, 2, groups + 1), [2.0] * 3])
    assert np.allclose(spans, np.stack([corners[:-1], corners[1:]], axis=1), atol=1e-13)
    assert np.all(spans[groups + 2 :, 1] == 2.0)


def test_logarithmic_moves_by_a_constant_factor() -> None:
    spans = ramp(100.0, {0: 6_400.0}, GROUPS + 2, logarithmic=True)
    factors = spans[:GROUPS, 1] / spans[:GROUPS, 0]
    assert np.allclose(factors, 64 ** (1 / GROUPS), rtol=1e-12)
    assert spans[0, 0] == 100
    assert spans[GROUPS - 1, 1] == 6_400


@given(
    st.dictionaries(st.integers(0, 150), st.floats(0.01, 1e4), max_size=6),
    st.floats(0.01, 1e4),
    st.booleans(),
)
def test_always_joined_and_it_arrives(changes: dict[int, float], start: float, logarithmic: bool) -> None:
    changes = dict(sorted(changes.items()))
    groups = 151 + GROUPS
    spans = ramp(start, changes, groups, logarithmic)
    assert spans[0, 0] == start
    assert np.array_equal(spans[1:, 0], spans[:-1, 1])
    assert spans[-1, 1] == ([start, *changes.values()])[-1]
    low, high = min([start, *changes.values()]), max([start, *changes.values()])
    assert np.all((spans >= low * (1 - 1e-12)) & (spans <= high * (1 + 1e-12)))


def test_the_present_target_again_changes_nothing() -> None:
    once = ramp(0.0, {0: 1.0}, 100)
    assert np.array_equal(ramp(0.0, {0: 1.0, 20: 1.0, 90: 1.0}, 100), once)


def test_a_new_target_starts_from_the_present_value() -> None:
    spans = ramp(0.0, {0: 60.0, 30: 0.0}, 30 + GROUPS)
    assert spans[30, 0] == spans[29, 1] == pytest.approx(30.0)
    assert spans[-1, 1] == 0
