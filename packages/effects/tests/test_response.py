"""What response() says, against SciPy and against what an effect does to a sinusoid."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

import luthier.effects as fx
from luthier.core import ParameterError

RATE = 48_000
FREQUENCIES = np.geomspace(10, 23_900, 50)


def played(effect: fx.Effect, hertz: float) -> complex:
    """The complex gain for a sinusoid of a whole number of periods, once it has settled."""
    n = np.arange(4 * RATE)
    turns = (hertz * n / RATE) % 1
    y = effect(np.sin(2 * np.pi * turns), RATE)[-RATE:]
    return complex(2j * np.mean(y * np.exp(-2j * np.pi * turns[-RATE:])))


@pytest.mark.parametrize("order", range(1, 9))
@pytest.mark.parametrize(("cls", "kind"), [(fx.LowpassFilter, "low"), (fx.HighpassFilter, "high")])
def test_butterworth_is_that_of_scipy(cls: type[fx.Effect], kind: str, order: int) -> None:
    for cutoff in (30, 2000, 20_000):
        got = fx.response(cls(cutoff, order), FREQUENCIES, RATE)
        sos = scipy.signal.butter(order, cutoff, kind, fs=RATE, output="sos")
        expected = scipy.signal.sosfreqz(sos, FREQUENCIES, fs=RATE)[1]
        np.testing.assert_allclose(got.values, expected, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(
            fx.response(cls(cutoff, order), [cutoff], RATE).magnitude_db, -3.0103, atol=1e-4
        )


@pytest.mark.parametrize(
    "effect",
    [
        fx.PeakFilter(1000, 6, 2),
        fx.Equalizer([fx.LowShelfFilter(200, -6), fx.HighShelfFilter(5000, 4), fx.AllpassFilter(900)]),
        fx.Chain([fx.HighpassFilter(100, 3), fx.Gain(-3), fx.Invert()]),
        fx.Mix([fx.Chain([]), fx.Chain([fx.LowpassFilter(500), fx.Gain(3)]), fx.Invert()]),
        fx.Chain([fx.Convolution(np.hanning(400)), fx.BandpassFilter(800, 1)]),
        fx.Delay(delay_s=0.01, feedback=0.4, mix=0.5),
    ],
    ids=lambda e: type(e).__name__,
)
def test_it_is_what_a_sinusoid_meets(effect: fx.Effect) -> None:
    for hertz in (100.0, 997.0, 8000.0):
        got = fx.response(effect, [hertz], RATE).values[0]
        assert got == pytest.approx(played(effect, hertz), abs=1e-5)


def test_the_measured_is_the_exact() -> None:
    """A delay of a convolution, a reverb: from their answers to an impulse."""
    shifted = np.zeros(1000)
    shifted[999] = 0.5
    got = fx.response(fx.Convolution(shifted), FREQUENCIES, RATE)
    np.testing.assert_allclose(got.values, 0.5 * np.exp(-2j * np.pi * FREQUENCIES * 999 / RATE), atol=1e-9)
    reverb = fx.Reverb(room_size=0.3)
    impulse = np.zeros(1 << 18)
    impulse[0] = 1
    bins = np.array([100, 5000, 40_000])
    expected = np.fft.rfft(reverb(impulse, RATE))[bins]
    np.testing.assert_allclose(
        fx.response(reverb, bins * RATE / (1 << 18), RATE).values,
        expected,
        atol=1e-4 * np.abs(expected).max(),
    )


def test_phase_and_magnitude() -> None:
    r = fx.response(fx.Chain([fx.AllpassFilter(1000, 5)] * 3), np.geomspace(10, 20_000, 2000), RATE)
    np.testing.assert_allclose(r.magnitude_db, 0, atol=1e-9)
    assert np.all(np.diff(r.phase) <= 1e-9)
    assert r.phase[-1] == pytest.approx(-6 * np.pi, abs=0.2)
    assert fx.response(fx.Mix([]), [0, 100], RATE).magnitude_db.tolist() == [-np.inf, -np.inf]
    assert fx.response(fx.Gain(), [], RATE).values.shape == (0,)
    assert not r.frequencies_hz.flags.writeable


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (fx.Compressor(), "Compressor has no response"),
        (fx.Distortion(), "Distortion has no response"),
        (fx.LadderFilter(), "LadderFilter has no response"),
        (fx.Chain([fx.Gain(), fx.Mix([fx.Tremolo()])]), "Tremolo has no response"),
        (fx.PeakFilter(cutoff_hz=fx.LFO(1, 100, 200)), r"PeakFilter.cutoff_hz is no number but moves.*LFO"),
        (fx.Gain(gain_db=fx.Uniform(-6, 0)), r"Gain.gain_db is no number"),
        (fx.Reverb(freeze=1), "Reverb never ends"),
        ("Gain", "takes an effect"),
    ],
    ids=repr,
)
def test_what_has_none_says_so(effect: fx.Effect, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        fx.response(effect, [100], RATE)


@pytest.mark.parametrize("bad", [[-1], [24_001], [np.nan], [[1, 2]], "x", 5])
def test_bad_frequencies(bad: object) -> None:
    with pytest.raises(ParameterError, match="frequencies_hz must be a list of numbers"):
        fx.response(fx.Gain(), bad, RATE)
