"""Gain and Invert against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx


@pytest.mark.parametrize("gain_db", [-119, -60, -6.02, 0, 3, 60])
def test_gain_is_its_formula(gain_db: float) -> None:
    x = np.random.default_rng(0).standard_normal((2, 1000))
    np.testing.assert_allclose(fx.Gain(gain_db)(x, 44_100), x * 10 ** (gain_db / 20), rtol=1e-14)


def test_no_gain_is_no_change_and_the_least_is_silence() -> None:
    x = np.random.default_rng(0).standard_normal((2, 100)).astype(np.float32)
    np.testing.assert_array_equal(fx.Gain(0)(x, 44_100), x)
    np.testing.assert_array_equal(fx.Gain(-120)(x, 44_100), 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_invert(dtype: str) -> None:
    x = np.random.default_rng(0).standard_normal((3, 1001)).astype(dtype)
    np.testing.assert_array_equal(fx.Invert()(x, 44_100), -x)
    assert fx.Chain([fx.Invert(), fx.Gain(6)]).stream(44_100).tail == 0
    assert eval(repr(fx.Invert()), {"Invert": fx.Invert}) == fx.Invert()
