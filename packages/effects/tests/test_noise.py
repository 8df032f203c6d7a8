"""Noise: its level and spectrum, what it depends on and what not; exact ratios."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import scipy.signal

import luthier.effects as fx
from luthier.core import NonFiniteWarning, ParameterError

RATE = 44_100
SLOPES = {"white": 0, "pink": -1, "brown": -2, "blue": 1, "violet": 2}


def noise(
    colour: str = "white", *, frames: int = RATE, channels: int = 1, rate: float = RATE, **more: float
) -> np.ndarray:
    return fx.Noise(level_dbfs=-20, colour=colour, **more)(np.zeros((channels, frames)), rate)


@pytest.mark.parametrize("colour", SLOPES)
def test_the_level_is_its_root_mean_square(colour: str) -> None:
    # Its lowest frequencies are few in 40 s, and most of brown noise.
    rms = math.sqrt(np.mean(noise(colour, channels=4, frames=10 * RATE)[:, RATE:] ** 2))
    assert 20 * math.log10(rms) == pytest.approx(-20, abs=0.5 if colour == "brown" else 0.1)


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("colour", SLOPES)
def test_the_slope(colour: str, rate: float) -> None:
    """The response of the filter, from an impulse found in the noise itself: its ratio to the white noise of
    the same seed. Within 0.5 dB of the straight line from 20 Hz to 20 kHz.
    """
    frames = 1 << 20
    white, coloured = (noise(c, frames=frames, rate=rate)[0] for c in ("white", colour))
    # A filter whose state dies out within the signal, so that circular spectra may be divided.
    f, cross = scipy.signal.csd(white, coloured, rate, nperseg=1 << 16)
    _, power = scipy.signal.welch(white, rate, nperseg=1 << 16)
    db = 20 * np.log10(np.abs(cross / power))
    used = (f >= max(20, 20 * rate / RATE)) & (f <= min(20_000, 0.45 * rate))
    line = 10 * SLOPES[colour] * np.log10(f[used])
    # The spectral estimate is uncertain by a few tenths in single bins: look at twelfths of an octave.
    bands = np.round(12 * np.log2(f[used])).astype(int)
    means = np.array([np.mean((db[used] - line)[bands == b]) for b in np.unique(bands)])
    assert np.ptp(means) < 1.0


def test_white_noise_is_normal_and_white() -> None:
    x = noise(frames=1 << 20)[0] * 10
    assert np.mean(x) == pytest.approx(0, abs=0.005)
    assert np.mean(x**4) == pytest.approx(3, abs=0.03)
    spectrum = np.abs(np.fft.rfft(x))[1:-1] ** 2
    bands = spectrum[: len(spectrum) // 64 * 64].reshape(64, -1).mean(axis=1)
    assert np.ptp(10 * np.log10(bands)) < 0.5


def test_channels_and_seeds_differ_and_repeat() -> None:
    x = noise(channels=3, frames=RATE)
    assert np.abs(np.corrcoef(x) - np.eye(3)).max() < 0.03
    np.testing.assert_array_equal(x[:1], noise(channels=1, frames=RATE))
    np.testing.assert_array_equal(x[:, :500], noise(channels=3, frames=500))
    other = noise(channels=3, frames=RATE, seed=1)
    assert abs(np.corrcoef(x[0], other[0])[0, 1]) < 0.03
    single = fx.Noise(-20)(np.zeros((3, RATE), np.float32), RATE)
    np.testing.assert_allclose(single, x, rtol=1e-6, atol=1e-9)


def test_it_is_added_and_never_ends() -> None:
    x = 0.1 * np.random.default_rng(0).standard_normal((2, 5000))
    np.testing.assert_allclose(fx.Noise(-30)(x, RATE) - x, fx.Noise(-30)(np.zeros_like(x), RATE), atol=1e-15)
    assert math.isinf(fx.Noise().stream(RATE).tail)


# ---- add_noise ----


def ratio_db(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x.astype(np.float64), y.astype(np.float64)
    return float(10 * np.log10(np.sum(x**2) / np.sum((y - x) ** 2)))


@pytest.mark.parametrize("colour", SLOPES)
@pytest.mark.parametrize("snr_db", [-10, 0, 20.5])
@pytest.mark.parametrize("shape", [(4000,), (2, 70_000), (3, 2, 501)])
def test_the_ratio_is_exact(colour: str, snr_db: float, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).standard_normal(shape) * np.linspace(0.01, 1, shape[0]).reshape(
        (-1,) + (1,) * (len(shape) - 1)
    )
    y = fx.add_noise(x, snr_db, colour=colour, seed=4)
    assert y.shape == x.shape
    for a, b in zip(*((x, y) if x.ndim == 3 else ([x], [y])), strict=True):
        assert ratio_db(a, b) == pytest.approx(snr_db, abs=1e-9)
    single = fx.add_noise(x.astype(np.float32), snr_db, colour=colour, seed=4)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, y, atol=2e-6 * np.abs(y).max())


def test_noise_depends_on_the_seed_and_the_item() -> None:
    x = np.random.default_rng(2).standard_normal((3, 2, 1000))
    y = fx.add_noise(x, 10, seed=7)
    np.testing.assert_array_equal(fx.add_noise(x, 10, seed=7), y)
    np.testing.assert_array_equal(fx.add_noise(x[0], 10, seed=7), y[0])
    np.testing.assert_array_equal(fx.add_noise(x[:2], 10, seed=7), y[:2])
    added = (y - x).reshape(3, -1)
    assert np.abs(np.corrcoef(added) - np.eye(3)).max() < 0.1
    assert not np.array_equal(fx.add_noise(x, 10, seed=8), y)


def test_silence_stays_silence_and_nothing_is_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(fx.add_noise(np.zeros((2, 100)), 10), 0)
        for shape in ((0,), (2, 0), (0, 2, 5), (0, 0)):
            assert fx.add_noise(np.zeros(shape, np.float32), 10).shape == shape


def test_out_layouts_and_bad_samples() -> None:
    x = np.random.default_rng(3).standard_normal((2, 1000)).astype(np.float32)
    expected = fx.add_noise(x, 10)
    frames_first = fx.add_noise(np.ascontiguousarray(x.T), 10, layout="frames_first")
    np.testing.assert_array_equal(frames_first, expected.T)
    bad = x.copy()
    bad[0, 5] = np.nan
    x[0, 5] = 0
    with pytest.warns(NonFiniteWarning):
        np.testing.assert_array_equal(fx.add_noise(bad, 10), fx.add_noise(x, 10))
    expected = fx.add_noise(x, 10)
    assert fx.add_noise(x, 10, out=x) is x
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"snr_db": math.nan}, "snr_db must be a number from -200 to 200 dB, got nan"),
        ({"snr_db": 10, "seed": -1}, "seed must be a whole number"),
        ({"snr_db": 10, "seed": 1.5}, "seed must be a whole number"),
        ({"snr_db": 10, "colour": "green"}, "colour must be one of 'white', 'pink'"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        fx.add_noise(np.zeros(5), **arguments)
