"""The tremolo against its formula."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx


@pytest.mark.parametrize(("rate_hz", "depth"), [(0.01, 1), (5, 0.5), (100, 0.3)])
def test_it_is_its_formula(rate_hz: float, depth: float) -> None:
    x = np.random.default_rng(0).standard_normal((2, 100_000))
    t = np.arange(100_000) / 48_000
    gain = 1 - depth * (1 - np.cos(2 * np.pi * rate_hz * t)) / 2
    np.testing.assert_allclose(fx.Tremolo(rate_hz, depth)(x, 48_000), x * gain, atol=1e-9)


def test_the_swing_keeps_its_place_when_the_rate_moves() -> None:
    stream = fx.Tremolo(rate_hz=2, depth=1).stream(48_000, dtype="float64")
    before = stream.process(np.ones(10_000))
    stream.effect.rate_hz = 20
    after = stream.process(np.ones(10_000))
    assert np.abs(np.diff(np.concatenate([before, after]))).max() < 20 * np.pi / 48_000 * 1.01
