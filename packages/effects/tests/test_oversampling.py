"""Bending samples at a higher rate: what passes unbent, what falls back, and that time stays in place."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx
from luthier.core import ParameterError

RATE = 44_100
FACTORS = (2, 4, 8)


def bypass(factor: int) -> fx.Effect:
    """An effect that leaves all samples of these tests as they are."""
    return fx.Clipping(threshold_db=60, oversample=factor)


@pytest.mark.parametrize("factor", FACTORS)
def test_what_is_not_bent_passes(factor: int) -> None:
    """Within 0.001 dB up to 18.9 kHz, and with no delay."""
    x = np.zeros(4096)
    x[2000] = 1
    response = np.fft.rfft(bypass(factor)(x, RATE)) * np.exp(2j * np.pi * 2000 / 4096 * np.arange(2049))
    pass_band = np.fft.rfftfreq(4096, 1 / RATE) <= 18_900
    assert np.abs(20 * np.log10(np.abs(response[pass_band]))).max() < 0.001
    assert np.abs(np.angle(response[pass_band])).max() < 1e-9


@pytest.mark.parametrize("factor", FACTORS)
def test_the_tail_is_the_latency(factor: int) -> None:
    stream = bypass(factor).stream(RATE, dtype="float64")
    assert stream.latency == {2: 45, 4: 52, 8: 55}[factor]
    assert stream.tail == stream.latency
    assert bypass(1).stream(RATE).latency == 0


def other_than_overtones_db(y: np.ndarray, hz: int, below: float = RATE / 2) -> float:
    """Energy between the overtones of `hz`, relative to that in them; one second, whole periods of both."""
    assert len(y) == RATE
    spectrum = np.abs(np.fft.rfft(y * np.blackman(RATE))) ** 2
    bins = np.arange(len(spectrum))
    away = np.abs(bins - hz * np.round(bins / hz))
    own = (away <= 3) & (bins > hz / 2)
    return float(10 * np.log10(spectrum[~own & (bins < below)].sum() / spectrum[own].sum()))


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (fx.Distortion(25), [-13, -29, -55, -95]),
        (fx.Distortion(6), [-38, -90, -105, -105]),
        (fx.Clipping(-20), [-11, -19, -25, -31]),
    ],
    ids=repr,
)
def test_what_falls_back(effect: fx.Effect, expected: list[float]) -> None:
    """A sine of 5 kHz at -6 dBFS: the overtones above the sample rate come back as other tones, the less
    the higher the rate at which it is bent. A hard clip has overtones without end."""
    t = np.arange(2 * RATE) / RATE
    x = 0.5 * np.sin(2 * np.pi * 5000 * t + 0.1)
    for factor, limit in zip((1, *FACTORS), expected, strict=True):
        e = effect.copy()
        e.oversample = factor
        assert other_than_overtones_db(e(x, RATE)[RATE // 2 : RATE // 2 + RATE], 5000) < limit


@pytest.mark.parametrize("effect", [fx.Distortion(), fx.Clipping(), fx.Bitcrush(2)], ids=repr)
@pytest.mark.parametrize("factor", FACTORS)
def test_slow_signals_are_bent_as_without(effect: fx.Effect, factor: int) -> None:
    x = 0.9 * np.sin(2 * np.pi * 20 / RATE * np.arange(RATE))
    over = effect.copy()
    over.oversample = factor
    # A rounded step rings at the highest frequencies, elsewhere all is the same.
    assert np.median(np.abs(over(x, RATE) - effect(x, RATE))) < 1e-4


@pytest.mark.parametrize("factor", FACTORS)
def test_float32_and_float64_agree(factor: int) -> None:
    x = 0.3 * np.random.default_rng(0).standard_normal((2, 20_000))
    exact = fx.Distortion(10, oversample=factor)(x.astype(np.float32).astype(np.float64), RATE)
    y = fx.Distortion(10, oversample=factor)(x.astype(np.float32), RATE)
    assert np.sum((y - exact) ** 2) < 1e-12 * np.sum(exact**2)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_cutting_gives_the_same_bits(factor: int, dtype: str) -> None:
    x = (0.3 * np.random.default_rng(1).standard_normal((3, 5000))).astype(dtype)
    effect = fx.Distortion(20, oversample=factor)
    whole = effect.stream(RATE, 3, dtype=dtype).process(x)
    rng = np.random.default_rng(factor)
    for most in (3, 40, 200, 2000):
        stream, parts, at = effect.stream(RATE, 3, dtype=dtype), [], 0
        while at < x.shape[1]:
            n = int(rng.integers(0, most + 1))
            parts.append(stream.process(x[:, at : at + n]))
            at += n
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_other_factors_are_refused() -> None:
    for bad in (0, 3, 16, "2", True, None):
        with pytest.raises(ParameterError, match=r"Clipping\.oversample must be one of 1, 2, 4, 8"):
            fx.Clipping(oversample=bad)
