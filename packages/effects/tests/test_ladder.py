"""The ladder filter, against its definition frame by frame, and against pedalboard's."""

from __future__ import annotations

import math

import numpy as np
import pytest

import luthier.effects as fx

RATE = 44_100
TAPS = {
    "LPF12": (0, 0, 1, 0, 0),
    "HPF12": (1, -2, 1, 0, 0),
    "BPF12": (0, 0, -1, 1, 0),
    "LPF24": (0, 0, 0, 0, 1),
    "HPF24": (1, -4, 6, -4, 1),
    "BPF24": (0, 0, 1, -2, 1),
}
modes = pytest.mark.parametrize("mode", TAPS)


def by_definition(effect: fx.LadderFilter, x: np.ndarray) -> np.ndarray:
    """Every formula of the model as it is written, with math.tanh."""

    def level(drive: float) -> float:
        return 0.6103 * drive**-2.642 + 0.3903

    a = math.exp(-2 * math.pi * effect.cutoff_hz / RATE)
    feedback = 4 * (0.1 + 0.9 * effect.resonance)
    inner = 0.04 * effect.drive + 0.96
    compensation = 0 if effect.mode.startswith("HPF") else 0.5
    states, y = [0.0] * 5, np.empty(len(x))
    for n, sample in enumerate(x):
        d = level(effect.drive) * math.tanh(effect.drive * sample)
        fed_back = level(inner) * math.tanh(inner * states[4])
        now = [d - feedback * (fed_back - compensation * d)]
        for k in range(1, 5):
            now.append((1 - a) * (now[k - 1] + 0.3 * states[k - 1]) / 1.3 + a * states[k])
        states = now
        y[n] = 1.2 * sum(tap * s for tap, s in zip(TAPS[effect.mode], states, strict=True))
    return y


def decibels(error: np.ndarray, reference: np.ndarray) -> float:
    return 10 * np.log10(np.sum(np.square(error)) / np.sum(np.square(reference)) + 1e-40)


def noise(*shape: int) -> np.ndarray:
    return 0.3 * np.random.default_rng(0).standard_normal(shape)


@modes
@pytest.mark.parametrize(
    ("cutoff", "resonance", "drive"), [(200, 0, 1), (1000, 0.5, 1), (3000, 0.9, 4), (15_000, 0.2, 50)]
)
def test_it_is_its_definition(mode: str, cutoff: float, resonance: float, drive: float) -> None:
    effect = fx.LadderFilter(mode, cutoff, resonance, drive)
    x = noise(3000)
    expected = by_definition(effect, x)
    y = effect(x, RATE)
    # The quotient in place of tanh is within 2e-9 of it.
    assert decibels(y - expected, expected) < -140
    single = effect(x.astype(np.float32), RATE)
    assert decibels(single - y, y) < -125


def test_lanes_do_not_hear_one_another() -> None:
    x = noise(11, 700)
    effect = fx.LadderFilter("LPF24", 800, 0.7, 2)
    y = effect(x, RATE)
    for channels in (1, 2, 3, 5, 8, 11):
        np.testing.assert_allclose(effect(x[:channels], RATE), y[:channels], atol=1e-13)


def test_the_pass_band() -> None:
    steady = np.full(RATE, 1e-3)
    assert 20 * np.log10(fx.LadderFilter(cutoff_hz=2000)(steady, RATE)[-1] / 1e-3) == pytest.approx(
        -0.26, abs=2
    )
    assert abs(fx.LadderFilter("HPF24", cutoff_hz=2000)(steady, RATE)[-1]) < 1e-9
    assert abs(fx.LadderFilter("BPF24", cutoff_hz=2000)(steady, RATE)[-1]) < 1e-9


@pytest.mark.parametrize(("mode", "slope"), [("LPF12", -12), ("LPF24", -24)])
def test_slopes(mode: str, slope: float) -> None:
    t = np.arange(RATE) / RATE
    levels = []
    for hertz in (2000, 4000):
        y = fx.LadderFilter(mode, 100)(1e-3 * np.sin(2 * np.pi * hertz * t), RATE)
        levels.append(20 * np.log10(np.std(y[RATE // 2 :])))
    assert levels[1] - levels[0] == pytest.approx(slope, abs=1.5)


def test_it_resonates_at_the_cutoff() -> None:
    impulse = np.zeros(RATE)
    impulse[0] = 0.01
    y = fx.LadderFilter("LPF24", 1000, 0.95)(impulse, RATE)
    peak = np.argmax(np.abs(np.fft.rfft(y)))
    assert peak == pytest.approx(1000, rel=0.03)


def test_loud_is_bounded() -> None:
    for drive in (1, 100):
        y = fx.LadderFilter("LPF24", 300, 1, drive)(1e6 * noise(2, 20_000), RATE)
        assert np.abs(y).max() < 10


def test_pedalboards_within_its_table() -> None:
    """Its tanh is a table of 128 points with straight lines between them, -60 dB from a tanh."""
    pedalboard = pytest.importorskip("pedalboard")
    x = noise(2, 20_000).astype(np.float32)
    settle = 4000  # its parameters take 50 ms from zero
    for mode in TAPS:
        for cutoff, resonance, drive, limit in ((200, 0, 1, -55), (1000, 0.5, 1, -48), (3000, 0.9, 4, -42)):
            theirs = pedalboard.LadderFilter(
                getattr(pedalboard.LadderFilter.Mode, mode), cutoff, resonance, drive
            )(x, RATE)
            ours = fx.LadderFilter(mode, cutoff, resonance, drive)(x, RATE)
            error = (theirs - ours)[:, settle:].astype(np.float64)
            assert decibels(error, ours[:, settle:].astype(np.float64)) < limit
