"""Chorus, flanger and vibrato against a plain loop of their definition, and against pedalboard."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.effects._strategies import effects_of

RATE = 8000


def swing(effect: fx.Effect, frames: int, rate: float, channel: int) -> np.ndarray:
    """The delay of each frame, in frames."""
    lfo = -np.sin(2 * np.pi * (effect.rate_hz / rate * np.arange(frames) + channel * effect.stereo_phase))
    if isinstance(effect, fx.Chorus):
        ms = np.maximum(1, effect.centre_delay_ms + 10 * effect.depth * lfo)
    else:
        ms = effect.centre_delay_ms * (1 + effect.depth * lfo)
    return ms * rate / 1000


def plain(effect: fx.Effect, x: np.ndarray, rate: float) -> np.ndarray:
    mix, feedback = getattr(effect, "mix", 1.0), getattr(effect, "feedback", 0.0)
    if isinstance(effect, fx.Chorus):
        feedback = -feedback
    out = np.zeros_like(x)
    for c in range(len(x)):
        line = np.zeros(x.shape[1])
        last = 0.0
        for n, delay in enumerate(swing(effect, x.shape[1], rate, c)):
            line[n] = x[c, n] + feedback * last
            whole = int(delay)
            part = delay - whole
            points = (0, 1, 2) if whole < 1 else (-1, 0, 1, 2)
            weights = {p: math.prod((part - q) / (p - q) for q in points if q != p) for p in points}
            last = sum(w * line[n - whole - p] for p, w in weights.items() if n - whole - p >= 0)
            out[c, n] = (1 - mix) * x[c, n] + mix * last
    return out


@pytest.mark.parametrize("cls", [fx.Chorus, fx.Flanger, fx.Vibrato], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("rate", [500, 8000, 44_100])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_they_are_their_definition(cls: type[fx.Effect], rate: float, data: st.DataObject) -> None:
    effect = data.draw(effects_of(cls))
    x = np.random.default_rng(0).standard_normal((2, 1500))
    expected = plain(effect, x, rate)
    # Phases are sums in one and products in the other.
    np.testing.assert_allclose(effect(x, rate), expected, rtol=0, atol=1e-8 * max(1, np.abs(expected).max()))


def test_a_click_through_a_standing_chorus() -> None:
    x = np.zeros((1, 2000))
    x[0, 0] = 1
    y = fx.Chorus(rate_hz=0, centre_delay_ms=10, feedback=0.5, mix=0.5)(x, RATE)[0]
    at = np.flatnonzero(np.abs(y) > 1e-12)
    np.testing.assert_array_equal(at[:5], [0, 80, 161, 242, 323])
    np.testing.assert_allclose(y[at[:5]], [0.5, 0.5, -0.25, 0.125, -0.0625], atol=1e-12)


def test_a_standing_flanger_combs() -> None:
    """Its answer is (1 - m) + m z^-D / (1 - f z^-(D + 1))."""
    x = np.zeros((1, 1 << 15))
    x[0, 0] = 1
    y = fx.Flanger(rate_hz=0, depth=0, centre_delay_ms=2, feedback=-0.6, mix=0.4)(x, RATE)[0]
    z = np.exp(2j * np.pi * np.fft.rfftfreq(len(y)))
    expected = 0.6 + 0.4 * z**-16 / (1 + 0.6 * z**-17)
    np.testing.assert_allclose(np.fft.rfft(y), expected, atol=1e-12)


def test_vibrato_bends_the_pitch_as_much_as_it_says() -> None:
    rate, hz = 44_100, 1000
    tone = np.sin(2 * np.pi * hz / rate * np.arange(2 * rate))
    effect = fx.Vibrato(rate_hz=5, depth=0.25, centre_delay_ms=5)
    y = effect(tone, rate)
    analytic = np.fft.ifft(np.fft.fft(y) * (np.fft.fftfreq(len(y)) > 0) * 2)
    pitch = np.diff(np.unwrap(np.angle(analytic)))[rate // 4 : -rate // 4] * rate / (2 * np.pi)
    most = 2 * np.pi * 5 * 0.25 * 5 / 1000
    assert pitch.max() == pytest.approx(hz * (1 + most), rel=1e-4)
    assert pitch.min() == pytest.approx(hz * (1 - most), rel=1e-4)


@pytest.mark.parametrize("cls", [fx.Chorus, fx.Flanger, fx.Phaser], ids=lambda cls: cls.__name__)
def test_channels_swing_together_or_apart(cls: type[fx.Effect]) -> None:
    x = np.repeat(np.random.default_rng(0).standard_normal((1, 20_000)), 3, axis=0)
    together = cls(rate_hz=2)(x, RATE)
    np.testing.assert_array_equal(together[0], together[2])
    apart = cls(rate_hz=2, stereo_phase=0.5)(x, RATE)
    np.testing.assert_allclose(apart[0], together[0], atol=1e-12)
    np.testing.assert_allclose(apart[2], together[0], atol=1e-12)  # a whole turn
    assert np.abs(apart[1] - apart[0]).max() > 0.1


@pytest.mark.parametrize("cls", [fx.Chorus, fx.Flanger, fx.Phaser], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("feedback", [-0.99, 0.99])
@pytest.mark.parametrize("rate_hz", [0.3, 7, 100])
def test_feedback_never_runs_away(cls: type[fx.Effect], feedback: float, rate_hz: float) -> None:
    x = 0.1 * np.random.default_rng(0).standard_normal((1, 20 * RATE))
    y = cls(rate_hz=rate_hz, depth=1, feedback=feedback, mix=1)(x, RATE)
    late, later = (np.sqrt(np.mean(part**2)) for part in (y[0, RATE : 6 * RATE], y[0, -5 * RATE :]))
    assert later < 3 * late
    assert np.abs(y).max() < 100


def low_noise(frames: int, rate: float) -> np.ndarray:
    """Noise up to 400 Hz, where linear interpolation, which pedalboard has, is nearly as good as cubic."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(frames))
    spectrum[np.fft.rfftfreq(frames, 1 / rate) > 400] = 0
    x = np.fft.irfft(spectrum, frames)
    return (0.25 * x / np.abs(x).max()).astype(np.float32)


#: Pedalboard adds up the phase in single precision: with a step of a multiple of this rate it does not drift.
STEP_HZ = 2.0**-21 * 44_100 / (2 * np.pi)


@pytest.mark.parametrize(
    "values",
    [
        {"rate_hz": 300 * STEP_HZ},
        {"rate_hz": 100 * STEP_HZ, "depth": 1, "centre_delay_ms": 20, "mix": 1},
        {"rate_hz": 900 * STEP_HZ, "depth": 0.5, "feedback": 0.4, "mix": 0.8},
        {"rate_hz": 300 * STEP_HZ, "depth": 0.6, "centre_delay_ms": 1},
    ],
    ids=repr,
)
def test_pedalboard_has_the_same_chorus(values: dict[str, float]) -> None:
    pedalboard = pytest.importorskip("pedalboard")
    x = low_noise(2 * 44_100, 44_100)[None]
    settled = slice(4410, None)  # its mix ramps up
    theirs = pedalboard.Chorus(**values)(x, 44_100)[:, settled].astype(float)
    ours = fx.Chorus(**values)(x, 44_100)[:, settled].astype(float)
    assert 10 * np.log10(np.sum((ours - theirs) ** 2) / np.sum(theirs**2)) < -74


def test_pedalboard_has_the_same_chorus_at_rest() -> None:
    pedalboard = pytest.importorskip("pedalboard")
    x = np.random.default_rng(0).standard_normal((2, 20_000)).astype(np.float32)
    values = {"rate_hz": 0, "feedback": 0.5, "centre_delay_ms": 10, "mix": 1}
    theirs, ours = pedalboard.Chorus(**values)(x, 44_100), fx.Chorus(**values)(x, 44_100)
    np.testing.assert_allclose(ours[:, 4410:], theirs[:, 4410:], atol=1e-5)
