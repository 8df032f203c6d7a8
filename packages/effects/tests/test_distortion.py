"""Distortion, clipping, crushing and shaping against their formulas, and against pedalboard."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import luthier.effects as fx
from luthier.core import ParameterError

RATE = 44_100


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return 0.3 * np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("drive_db", [-60, -3, 0, 25, 100])
def test_distortion_is_its_formula(drive_db: float) -> None:
    x = noise(2, 4000)
    y = fx.Distortion(drive_db)(x, RATE)
    np.testing.assert_allclose(y, np.tanh(x * 10 ** (drive_db / 20)), rtol=1e-14)


def test_the_quick_hyperbolic_tangent_is_within_its_stated_error() -> None:
    """4e-7, relative, over all magnitudes of a float32, and never beyond 1."""
    positive = np.concatenate([np.geomspace(1e-37, 1e38, 1 << 20), np.linspace(0, 12, 1 << 20)])
    x = np.concatenate([positive, -positive]).astype(np.float32)
    y = fx.Distortion(drive_db=0)(x, RATE)
    exact = np.tanh(x.astype(np.float64))
    assert y.dtype == np.float32
    assert np.abs(y - exact).max() < 4e-7
    assert (np.abs(y - exact) <= 4e-7 * np.abs(exact)).all()
    assert np.abs(y).max() <= 1
    np.testing.assert_array_equal(y[: len(positive)], -y[len(positive) :])


@pytest.mark.parametrize("threshold_db", [-120, -6, 0, 60])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipping_is_its_formula(threshold_db: float, dtype: str) -> None:
    x = noise(2, 4000).astype(dtype)
    y = fx.Clipping(threshold_db)(x, RATE)
    most = np.asarray(10 ** (threshold_db / 20), dtype)
    np.testing.assert_allclose(y, np.clip(x, -most, most), rtol=np.finfo(dtype).eps * 2)
    inside = np.abs(x) < 0.999 * most
    np.testing.assert_array_equal(y[inside], x[inside])


@pytest.mark.parametrize("bit_depth", [0, 1, 8, 15, 24, 32])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bitcrush_is_exactly_its_formula_at_whole_depths(bit_depth: int, dtype: str) -> None:
    x = 4 * noise(2, 4000).astype(dtype)
    x[0, :9] = np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.25, -0.25, 0]) / 2**bit_depth
    steps = np.round(x.astype(np.float64) * 2.0**bit_depth) / 2.0**bit_depth
    np.testing.assert_array_equal(fx.Bitcrush(bit_depth)(x, RATE), steps.astype(dtype))


@pytest.mark.parametrize("bit_depth", [0.5, 3.3, 10.75])
def test_bitcrush_at_other_depths(bit_depth: float) -> None:
    x = noise(2, 4000)
    scale = 2**bit_depth
    np.testing.assert_allclose(
        fx.Bitcrush(bit_depth)(x, RATE), np.round(x * scale) / scale, rtol=1e-14, atol=1e-300
    )


@pytest.mark.parametrize(
    ("ours", "name", "value", "error"),
    [
        (fx.Distortion, "drive_db", 25, 5e-7),
        (fx.Distortion, "drive_db", -10, 5e-7),
        (fx.Clipping, "threshold_db", -6, 1e-7),
        (fx.Clipping, "threshold_db", -20, 1e-7),
        (fx.Bitcrush, "bit_depth", 8, 0),
        (fx.Bitcrush, "bit_depth", 1, 0),
        (fx.Bitcrush, "bit_depth", 16, 0),
    ],
)
def test_pedalboard_gives_the_same(ours: type[fx.Effect], name: str, value: float, error: float) -> None:
    pedalboard = pytest.importorskip("pedalboard")
    x = noise(2, 20_000).astype(np.float32)
    theirs = getattr(pedalboard, ours.__name__)(**{name: value})(x, RATE)
    assert np.abs(ours(**{name: value})(x, RATE) - theirs).max() <= error


@pytest.mark.parametrize("threshold_db", [-40, -6, 0, 12])
def test_the_soft_clipper_is_its_formula(threshold_db: float) -> None:
    x = 2 * noise(2, 4000)
    t = 10 ** (threshold_db / 20)
    u = np.clip(x / (1.5 * t), -1, 1)
    y = fx.SoftClipper(threshold_db)(x, RATE)
    np.testing.assert_allclose(y, 1.5 * t * (u - u**3 / 3), rtol=1e-13, atol=1e-300)
    assert np.abs(y).max() <= t * (1 + 1e-15)
    quiet = 1e-5 * t * np.sign(x)
    np.testing.assert_allclose(fx.SoftClipper(threshold_db)(quiet, RATE), quiet, rtol=1e-9)


# ---- WaveShaper ----

EVEN = np.stack([np.linspace(-2, 3, 41), np.random.default_rng(1).standard_normal(41)])
UNEVEN = np.stack([np.cumsum(np.random.default_rng(2).uniform(0.001, 0.2, 37)) - 2, EVEN[1, :37]])


@pytest.mark.parametrize(
    "points", [EVEN, UNEVEN, EVEN[:, :2], UNEVEN[:, :3]], ids=["even", "uneven", "2", "3"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_curve_is_interpolated(points: np.ndarray, dtype: str) -> None:
    x = np.concatenate([4 * noise(4000), points[0], points[0] + 1e-9]).astype(dtype)
    expected = np.interp(x, *points)
    y = fx.WaveShaper(points)(x, RATE)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4 if dtype == "float32" else 1e-12)
    assert np.sqrt(np.mean((y - expected) ** 2)) < (2e-6 if dtype == "float32" else 1e-13)


def test_outputs_alone_are_for_inputs_from_minus_1_to_1() -> None:
    x = noise(2, 3000)
    y = np.array([0.5, -1, 0.25, 0.7])
    expected = np.interp(x, np.linspace(-1, 1, 4), y)
    np.testing.assert_allclose(fx.WaveShaper(y)(x, RATE), expected, atol=1e-14)


@pytest.mark.parametrize(
    "curve", [np.tanh, lambda v: math.atan(3 * v), lambda v: 0.5 * v], ids=["array", "number", "line"]
)
def test_a_function_is_read(curve: Callable[[Any], Any]) -> None:
    x = np.clip(noise(2, 3000), -1, 1)
    expected = np.vectorize(curve)(x)
    assert np.abs(fx.WaveShaper(curve)(x, RATE) - expected).max() < 2e-6
    effect = fx.WaveShaper()
    effect.curve = curve
    assert effect == fx.WaveShaper(curve)
    assert fx.Effect.from_json(effect.to_json()) == effect
    assert pickle.loads(pickle.dumps(effect)) == effect


def test_no_curve_changes_nothing() -> None:
    x = 100 * noise(2, 3000).astype(np.float32)
    np.testing.assert_array_equal(fx.WaveShaper()(x, RATE), x)


def test_a_curve_may_be_run_at_a_higher_rate() -> None:
    x = noise(2, 5000)
    curve = np.stack([np.linspace(-4, 4, 4097), np.tanh(5 * np.linspace(-4, 4, 4097))])
    over = fx.WaveShaper(curve, oversample=4)(x, RATE)
    np.testing.assert_allclose(over, fx.Distortion(20 * np.log10(5), oversample=4)(x, RATE), atol=2e-5)


def test_a_curve_that_lifts_silence_never_ends() -> None:
    assert math.isinf(fx.WaveShaper([0.0, 0.1, 0.2]).stream(RATE).tail)
    assert fx.WaveShaper([-0.1, 0.0, 0.2]).stream(RATE).tail == 0
    np.testing.assert_allclose(fx.WaveShaper([0.0, 0.1, 0.2])(np.zeros(50), RATE), 0.1, atol=1e-16)


@pytest.mark.parametrize(
    "curve",
    [[1.0], [], np.zeros((2, 1)), np.zeros((3, 4)), [[0, 0], [1, 2]], [[1, 0], [1, 2]], np.zeros((2, 2, 2)),
     "curve", 3, [[0, math.nan], [0, 1]], [math.inf, 0], [["a", "b"]], [[0, 1], [2]]],
    ids=repr,
)  # fmt: skip
def test_bad_curves_are_refused(curve: object) -> None:
    with pytest.raises(ParameterError, match=r"WaveShaper\.curve must"):
        fx.WaveShaper(curve)
