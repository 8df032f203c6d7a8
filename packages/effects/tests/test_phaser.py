"""The phaser against a plain loop of its definition, its response at rest, and pedalboard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.effects._strategies import effects_of

RATE = 44_100


def corner(effect: fx.Phaser, frames: int, rate: float, channel: int) -> np.ndarray:
    top = min(20_000, 0.49 * rate)
    norm = np.log(effect.centre_hz / 20) / np.log(top / 20)
    lfo = -np.sin(2 * np.pi * (effect.rate_hz / rate * np.arange(frames) + channel * effect.stereo_phase))
    return 20 * (top / 20) ** np.clip(np.clip(norm, 0, 1) + effect.depth / 2 * lfo, 0, 1)


def plain(effect: fx.Phaser, x: np.ndarray, rate: float, hold: int = 1) -> np.ndarray:
    out = np.zeros_like(x)
    for c in range(len(x)):
        states = np.zeros(6)
        last = 0.0
        corners = np.repeat(corner(effect, x.shape[1], rate, c)[::hold], hold)
        for n, hz in enumerate(corners[: x.shape[1]]):
            g = np.tan(np.pi * hz / rate)
            v = x[c, n] - effect.feedback * last
            for k in range(6):  # as Zavalishin draws it
                t = (v - states[k]) * g / (1 + g)
                low = t + states[k]
                states[k] = low + t
                v = 2 * low - v
            last = v
            out[c, n] = (1 - effect.mix) * x[c, n] + effect.mix * v
    return out


@pytest.mark.parametrize("rate", [1000, 8000, 44_100])
@settings(max_examples=8, deadline=None)
@given(effect=effects_of(fx.Phaser), channels=st.sampled_from([1, 2, 7]))
def test_it_is_its_definition(rate: float, effect: fx.Phaser, channels: int) -> None:
    x = np.random.default_rng(0).standard_normal((channels, 700))
    expected = plain(effect, x, rate)
    np.testing.assert_allclose(effect(x, rate), expected, rtol=0, atol=1e-8 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize(("centre_hz", "feedback"), [(200, 0.0), (1300, 0.5), (6000, -0.8)])
def test_at_rest_it_is_six_all_passes(centre_hz: float, feedback: float) -> None:
    x = np.zeros((1, 1 << 16))
    x[0, 0] = 1
    y = fx.Phaser(rate_hz=0, depth=0, centre_hz=centre_hz, feedback=feedback, mix=0.5)(x, RATE)[0]
    g = np.tan(np.pi * centre_hz / RATE)
    a = (g - 1) / (g + 1)
    z1 = np.exp(-2j * np.pi * np.fft.rfftfreq(len(y)))
    passes = ((a + z1) / (1 + a * z1)) ** 6
    expected = 0.5 + 0.5 * passes / (1 + feedback * passes * z1)
    np.testing.assert_allclose(np.fft.rfft(y), expected, atol=1e-9)


def test_its_notches_lie_where_six_all_passes_turn_the_phase_round() -> None:
    """Two stages turn by half a turn at the corner, six by 180 degrees at tan(15 deg), 1 and 1 / tan(15 deg)
    of it on the prewarped scale.
    """
    centre = 1000
    x = np.zeros((1, 1 << 16))
    x[0, 0] = 1
    response = np.abs(np.fft.rfft(fx.Phaser(rate_hz=0, depth=0, centre_hz=centre)(x, RATE)[0]))
    prewarped = np.tan(np.pi * centre / RATE)
    for factor in (np.tan(np.pi / 12), 1, 1 / np.tan(np.pi / 12)):
        hz = np.arctan(factor * prewarped) * RATE / np.pi
        assert response[round(hz * (1 << 16) / RATE)] < 2e-3


#: Pedalboard adds up the phase in single precision, every fourth frame: with a multiple of this rate it does
#: not drift.
STEP_HZ = 2.0**-21 * RATE / 4 / (2 * np.pi)


@pytest.mark.parametrize(
    ("values", "held_db", "ours_db"),
    [
        ({"rate_hz": 1200 * STEP_HZ}, -130, -72),
        ({"rate_hz": 3000 * STEP_HZ, "depth": 1.0}, -105, -48),
        ({"rate_hz": 1200 * STEP_HZ, "feedback": 0.7, "mix": 0.8}, -120, -60),
    ],
    ids=str,
)
def test_pedalboard_has_the_same_phaser(values: dict[str, float], held_db: float, ours_db: float) -> None:
    """But that its corner stands for four frames: with that, the plain loop is it."""
    pedalboard = pytest.importorskip("pedalboard")
    x = (0.1 * np.random.default_rng(0).standard_normal((1, RATE // 2))).astype(np.float32)
    effect = fx.Phaser(**values)
    settled = slice(4410, None)  # its mix ramps up
    theirs = pedalboard.Phaser(**values)(x, RATE)[:, settled].astype(float)

    def error(y: np.ndarray) -> float:
        return float(10 * np.log10(np.sum((y[:, settled] - theirs) ** 2) / np.sum(theirs**2)))

    assert error(plain(effect, x.astype(float), RATE, hold=4)) < held_db
    assert error(effect(x, RATE).astype(float)) < ours_db
