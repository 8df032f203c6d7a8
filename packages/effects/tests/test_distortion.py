"""Distortion, clipping and crushing against their formulas, and against pedalboard where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx

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
