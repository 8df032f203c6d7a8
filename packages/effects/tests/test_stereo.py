"""Pan and StereoWidth against their formulas."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx

RATE = 44_100


def noise(*shape: int) -> np.ndarray:
    return 0.3 * np.random.default_rng(0).standard_normal(shape)


def circle(pan: float) -> tuple[float, float]:
    angle = np.pi / 4 * (1 + pan)
    return float(np.sqrt(2) * np.cos(angle)), float(np.sqrt(2) * np.sin(angle))


LAWS = {
    "-3dB": circle,
    "-6dB": lambda pan: (1 - pan, 1 + pan),
    "-4.5dB": lambda pan: tuple(np.sqrt(np.maximum([1 - pan, 1 + pan] * np.array(circle(pan)), 0))),
    "balance": lambda pan: (min(1 - pan, 1), min(1 + pan, 1)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("pan", [-1, -0.7, 0, 0.25, 1])
def test_pan_is_its_law(law: str, pan: float) -> None:
    x = noise(2, 500)
    expected = x * np.array(LAWS[law](pan))[:, None]
    np.testing.assert_allclose(fx.Pan(pan, law)(x, RATE), expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("law", LAWS)
def test_pan_in_the_middle_changes_nothing_and_at_an_end_leaves_nothing(law: str) -> None:
    x = noise(2, 500).astype(np.float32)
    np.testing.assert_array_equal(fx.Pan(0, law)(x, RATE), x)
    np.testing.assert_array_equal(fx.Pan(1, law)(x, RATE)[0], 0)
    np.testing.assert_array_equal(fx.Pan(-1, law)(x, RATE)[1], 0)


def test_the_power_of_the_circle_is_constant() -> None:
    x = np.ones((2, 16))
    for pan in np.linspace(-1, 1, 21):
        assert np.sum(fx.Pan(pan)(x, RATE)[:, 0] ** 2) == pytest.approx(2, abs=1e-12)


@pytest.mark.parametrize("width", [0, 0.5, 1, 1.7, 2])
def test_stereo_width_is_its_formula(width: float) -> None:
    x = noise(2, 500)
    middle, side = (x[0] + x[1]) / 2, (x[0] - x[1]) / 2
    y = fx.StereoWidth(width)(x, RATE)
    np.testing.assert_allclose(y, [middle + width * side, middle - width * side], rtol=1e-13, atol=1e-15)


def test_a_width_of_one_changes_nothing_and_none_is_mono() -> None:
    x = noise(2, 500).astype(np.float32)
    np.testing.assert_array_equal(fx.StereoWidth(1)(x, RATE), x)
    np.testing.assert_allclose(*fx.StereoWidth(0)(x, RATE), atol=1e-7)


#: Which channels are left ones, each with its right one behind it.
LEFT = {
    1: [],
    2: [0],
    3: [0],
    4: [0, 2],
    5: [0, 3],
    6: [0, 4],
    7: [0, 5],
    8: [0, 4, 6],
    9: [0, 2, 4, 6],
    10: [0, 2, 4, 6, 8],
}


@pytest.mark.parametrize("channels", LEFT)
@pytest.mark.parametrize("effect", [fx.Pan(0.3), fx.StereoWidth(1.4)], ids=repr)
def test_other_numbers_of_channels_are_pairs_in_their_usual_order(effect: fx.Effect, channels: int) -> None:
    x = noise(channels, 300)
    expected = x.copy()
    for left in LEFT[channels]:
        expected[left : left + 2] = effect(x[left : left + 2], RATE)
    np.testing.assert_array_equal(effect(x, RATE), expected)
