"""The elementary functions against higher precision, the stated errors being the limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import _native

Array = npt.NDArray[Any]
Wide = np.longdouble
# Where long double is double (MSVC, arm64 macOS) the reference has an error of its own.
SLACK = 0.0 if np.finfo(Wide).eps < 1e-18 else 4e-16
PI = Wide("3.141592653589793238462643383279502884")
LN2 = np.log(Wide(2))
ULP = 2.0**-23


def call(name: str, x: Array, vectors: bool = True) -> Array:
    padded = np.zeros(-(-len(x) // 16) * 16, x.dtype)
    padded[: len(x)] = x
    out = np.empty_like(padded)
    _native.elementary(name, padded, out, vectors)
    return out[: len(x)]


def linear(low: float, high: float) -> Array:
    return np.random.default_rng(0).uniform(low, high, 50_000)


def geometric(low: float, high: float) -> Array:
    return np.exp(np.random.default_rng(0).uniform(np.log(low), np.log(high), 50_000))


def both(x: Array) -> Array:
    return np.concatenate([x, -x])


CASES = [
    # name, inputs, reference in long double, ulp for float32, relative error for float64
    ("exp2", linear(-125.5, 127.9), lambda x: np.exp2(x), 1.0, 2e-16),
    ("exp2", both(geometric(1e-9, 1.0)), lambda x: np.exp2(x), 1.0, 2e-16),
    ("log2", geometric(1e-37, 1e38), lambda x: np.log2(x), 2.0, 5e-16),
    ("log2", 1 + both(geometric(1e-6, 0.3)), lambda x: np.log1p(x - 1) / LN2, 2.0, 5e-16),
    ("sin_turns", both(geometric(1e-12, 0.5)), lambda x: np.sin(2 * PI * x), 2.0, 4e-16),
    ("sin_turns", 0.5 - geometric(1e-6, 0.2), lambda x: np.sin(2 * PI * (Wide(0.5) - x)), 2.0, 4e-16),
    ("cos_turns", both(linear(0, 0.24)), lambda x: np.cos(2 * PI * x), 2.0, 4e-16),
    ("cos_turns", 0.25 - geometric(1e-6, 0.2), lambda x: np.sin(2 * PI * (Wide(0.25) - x)), 2.0, 4e-16),
    ("tan_half_turns", geometric(1e-9, 0.25), lambda x: np.tan(PI * x), 3.0, 6e-16),
    ("tan_half_turns", 0.5 - geometric(1e-3, 0.25), lambda x: 1 / np.tan(PI * (Wide(0.5) - x)), 3.0, 6e-16),
    ("tanh", both(geometric(1e-12, 30)), lambda x: np.tanh(x), 3.0, 6e-16),
    ("db_to_gain", linear(-400, 400), lambda x: np.exp(x * np.log(Wide(10)) / 20), 1.5, 4e-16),
    ("db_to_gain", linear(-1, 1), lambda x: np.exp(x * np.log(Wide(10)) / 20), 1.5, 4e-16),
    ("gain_to_db", geometric(1e-20, 1e20), lambda x: 20 * np.log10(x), 2.5, 6e-16),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "inputs", "reference", "ulp", "relative"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_error(name: str, inputs: Array, reference: Any, ulp: float, relative: float, dtype: type) -> None:
    x = inputs.astype(dtype)
    x = x[np.isfinite(x)]
    if name == "db_to_gain" and dtype == np.float32:
        x = x[abs(x) < 700]
    wanted = reference(x.astype(Wide))
    got = call(name, x).astype(Wide)
    nonzero = wanted != 0
    error = abs(got - wanted)[nonzero] / abs(wanted[nonzero])
    # An ulp is at most 2^-23 of the value.
    limit = ulp * ULP if dtype == np.float32 else relative + SLACK
    assert error.max() < limit
    assert np.all(got[~nonzero] == 0)


@pytest.mark.parametrize(
    "name", ["exp2", "log2", "sin_turns", "cos_turns", "tan_half_turns", "tanh", "db_to_gain", "gain_to_db"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scalars_and_vectors_give_the_same_bits(name: str, dtype: type) -> None:
    x = np.concatenate([linear(-40, 40), [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, 1e-40, 1e30]]).astype(
        dtype
    )
    assert np.array_equal(call(name, x, True), call(name, x, False), equal_nan=True)


@pytest.mark.parametrize(
    ("dtype", "least", "greatest"), [(np.float32, -126.0, 128.0), (np.float64, -1022.0, 1024.0)]
)
def test_edges(dtype: type, least: float, greatest: float) -> None:
    def one(name: str, value: float) -> float:
        return float(call(name, np.array([value], dtype))[0])

    inf, nan, tiny = np.inf, np.nan, float(np.finfo(dtype).smallest_subnormal)
    for zero in (0.0, -0.0, tiny, -1.0, -inf, nan):
        assert one("log2", zero) == least
        assert one("gain_to_db", zero) == pytest.approx(least * 6.0206, rel=1e-4)
    assert one("log2", inf) == greatest
    assert one("log2", 1.0) == 0
    assert one("log2", 8.0) == 3
    assert one("log2", 2.0**-100) == -100
    assert one("exp2", 0.0) == 1
    assert one("exp2", 10.0) == 1024
    assert one("exp2", least) == 2.0**least
    assert (
        one("exp2", least - 1) == one("exp2", -inf) == one("db_to_gain", -inf) == one("db_to_gain", -1e6) == 0
    )
    assert (
        one("exp2", greatest) == one("exp2", inf) == one("db_to_gain", inf) == one("db_to_gain", 1e6) == inf
    )
    assert one("db_to_gain", 0.0) == 1
    for k in range(-8, 9):
        assert one("sin_turns", k / 2) == 0
        assert one("cos_turns", k / 2 + 0.25) == 0
        assert one("cos_turns", float(k)) == 1
    assert one("tanh", inf) == one("tanh", 100.0) == 1
    assert one("tanh", -inf) == -1
    assert one("tanh", 0.0) == 0
    for name in ("exp2", "sin_turns", "cos_turns", "tan_half_turns", "tanh", "db_to_gain"):
        assert np.isnan(one(name, nan)), name
    for big in (float(np.finfo(dtype).max), 3e9):
        assert abs(one("sin_turns", big)) < 1.1
        assert abs(one("cos_turns", big)) < 1.1


@given(st.floats(-100, 100, width=32), st.floats(-100, 100, width=32))
def test_tanh_is_odd_monotone_and_bounded(a: float, b: float) -> None:
    low, high = sorted((a, b))
    y = call("tanh", np.array([low, high, -low], np.float32))
    assert y[0] <= y[1] + ULP
    assert y[2] == -y[0]
    assert abs(y).max() <= 1


@given(st.floats(-300, 300))
def test_decibels_there_and_back(db: float) -> None:
    gain = call("db_to_gain", np.array([db]))
    assert call("gain_to_db", gain)[0] == pytest.approx(db, rel=1e-13, abs=1e-13)
