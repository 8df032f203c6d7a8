"""The delay against its definition, impulse by impulse, and while its time moves."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx

RATE = 44_100


def impulse(frames: int, channels: int = 1) -> np.ndarray:
    x = np.zeros((channels, frames))
    x[:, 0] = 1
    return x


def tap(line: np.ndarray, n: int, delay: float) -> float:
    """The line's value `delay` frames before frame n: cubic, below two frames quadratic."""
    whole = int(delay)
    part = delay - whole
    points = (0, 1, 2) if whole < 2 else (-1, 0, 1, 2)
    weights = {p: math.prod((part - q) / (p - q) for q in points if q != p) for p in points}
    return sum(w * line[n - whole - p] for p, w in weights.items() if 0 <= n - whole - p <= n and w)


def plain(x: np.ndarray, delay: float, feedback: float, mix: float, ping_pong: bool) -> np.ndarray:
    channels, frames = x.shape
    line = np.zeros_like(x)
    y = np.zeros_like(x)
    for n in range(frames):
        back = [feedback * tap(line[c], n, max(1.0, delay)) for c in range(channels)]
        for c in range(channels):
            if ping_pong and channels > 1:
                line[c, n] = (x[:, n].mean() if c == 0 else 0) + back[c - 1]
            else:
                line[c, n] = x[c, n] + back[c]
        for c in range(channels):
            y[c, n] = (1 - mix) * x[c, n] + mix * tap(line[c], n, delay)
    return y


@settings(max_examples=60, deadline=None)
@given(
    delay=st.one_of(st.floats(0, 40), st.integers(0, 100), st.floats(40, 300)),
    feedback=st.one_of(st.just(0.0), st.floats(0, 1)),
    mix=st.floats(0, 1),
    ping_pong=st.booleans(),
    channels=st.integers(1, 3),
)
def test_it_is_its_definition(
    delay: float, feedback: float, mix: float, ping_pong: bool, channels: int
) -> None:
    x = np.random.default_rng(0).standard_normal((channels, 400))
    effect = fx.Delay(delay / 1000, feedback, mix, ping_pong)
    expected = plain(x, effect.delay_s * 1000, feedback, mix, ping_pong)
    np.testing.assert_allclose(effect(x, 1000), expected, rtol=0, atol=1e-12 * max(1, np.abs(expected).max()))


def test_echoes_stand_where_they_belong() -> None:
    y = fx.Delay(0.25, feedback=0.5, mix=0.4)(impulse(4 * 11_025 + 1), RATE)[0]
    at = np.flatnonzero(y)
    np.testing.assert_array_equal(at, 11_025 * np.arange(5))
    np.testing.assert_allclose(y[at], [0.6, 0.4, 0.2, 0.1, 0.05], atol=1e-15)


def test_ping_pong_goes_round() -> None:
    x = np.zeros((3, 1000))
    x[1, 0] = 3
    y = fx.Delay(0.1, feedback=0.5, mix=1, ping_pong=True)(x, 1000)
    for channel in range(3):
        at = np.flatnonzero(y[channel])
        expected = np.arange(100 * (channel + 1), 1000, 300)
        np.testing.assert_array_equal(at, expected)
        np.testing.assert_allclose(y[channel, at], 0.5 ** (expected / 100 - 1), atol=1e-15)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.77])
@pytest.mark.parametrize(("hz", "degrees"), [(100, 1e-5), (1000, 1e-2), (4000, 2)])
def test_between_frames_the_phase_is_that_of_the_delay(part: float, hz: float, degrees: float) -> None:
    delay = 100 + part
    n = np.arange(RATE)
    x = np.sin(2 * np.pi * hz / RATE * n)
    y = fx.Delay(delay / RATE, mix=1)(x, RATE)[RATE // 2 :]
    carrier = np.exp(-2j * np.pi * hz / RATE * n[RATE // 2 :])
    got = np.angle(2j * np.mean(y * carrier), deg=True)
    wrong = (got + 360 * hz / RATE * delay + 180) % 360 - 180
    assert abs(wrong) < degrees


def magnitude_error_db(delay: float, hz: float) -> float:
    x = np.sin(2 * np.pi * hz / RATE * np.arange(8820))
    y = fx.Delay(delay / RATE, mix=1)(x, RATE)[4410:]
    return float(20 * np.log10(np.sqrt(np.mean(y**2) / np.mean(x[4410:] ** 2))))


def test_cubic_interpolation_keeps_the_highs_that_a_line_loses() -> None:
    """Half-way a line's gain is cos(w / 2), and Lagrange's is (9 cos(w / 2) - cos(3 w / 2)) / 8."""
    for hz in (1000, 5000, 10_000):
        w = 2 * np.pi * hz / RATE
        cubic = 20 * np.log10((9 * np.cos(w / 2) - np.cos(3 * w / 2)) / 8)
        assert magnitude_error_db(50.5, hz) == pytest.approx(cubic, abs=2e-3)
        assert cubic > 0.45 * 20 * np.log10(np.cos(w / 2))


def test_memory_grows_and_keeps_what_it_holds() -> None:
    x = np.random.default_rng(0).standard_normal((2, 40_000))
    stream = fx.Delay(0.01, mix=1).stream(RATE, 2, dtype="float64")
    first = stream.process(x[:, :20_000])
    np.testing.assert_allclose(first[:, 441:], x[:, : 20_000 - 441], atol=1e-12)
    stream.effect.delay_s = 0.3
    later = stream.process(x[:, 20_000:])
    # The line held the last 441 frames and grew in time to keep all that came since.
    known = 20_000 - 441
    np.testing.assert_allclose(later[:, known + 13_230 - 20_000 :], x[:, known : 40_000 - 13_230], atol=1e-12)


def test_any_cutting_while_the_time_jumps() -> None:
    x = np.random.default_rng(0).standard_normal((2, 9000)).astype(np.float32)
    moves = {1000: 0.2, 1003: 0.01, 1700: 0.0101, 3000: 0.15, 3100: 0.0}
    results = []
    for step in (9000, 777, 16, 5, 1):
        stream = fx.Delay(0.01, feedback=0.6).stream(RATE, 2)
        parts = []
        edges = [0, *moves, 9000]
        for start, end in itertools.pairwise(edges):
            if start in moves:
                stream.effect.delay_s = moves[start]
            parts += [stream.process(x[:, i : min(i + step, end)]) for i in range(start, end, step)]
        results.append(np.concatenate(parts, axis=1))
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_a_slow_change_bends_the_pitch_as_a_tape_does() -> None:
    """Ten milliseconds more over a second: one per cent lower."""
    tone = np.sin(2 * np.pi * 1000 / RATE * np.arange(2 * RATE))
    y = fx.Delay(fx.Curve([0, 2], [0.1, 0.12]), mix=1)(tone, RATE)[RATE // 2 :]
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    assert np.argmax(spectrum) * RATE / len(y) == pytest.approx(990, abs=1)


@pytest.mark.parametrize("to_s", [0.0, 0.0002, 0.0301, 0.045, 0.5, 30])
def test_no_click_from_any_distance(to_s: float) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 997 / RATE * np.arange(2 * RATE))
    stream = fx.Delay(0.03, mix=1).stream(RATE, dtype="float64")
    before = stream.process(tone[:RATE])
    stream.effect.delay_s = to_s
    y = np.concatenate([before, stream.process(tone[RATE:])])
    around = y[RATE - 500 : RATE + 3910]
    spectrum = np.abs(np.fft.rfft(around * np.blackman(len(around)))) ** 2
    high = spectrum[np.fft.rfftfreq(len(around), 1 / RATE) >= 4000].sum() / spectrum.sum()
    assert 10 * np.log10(high) < -80
    end = int(to_s * RATE) if to_s < 0.9 else None
    if end is not None:
        np.testing.assert_allclose(y[-20_000:], fx.Delay(to_s, mix=1)(tone, RATE)[-20_000:], atol=1e-9)


def test_ping_pong_may_be_switched_without_a_click() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 997 / RATE * np.arange(2 * RATE)) * np.ones((2, 1))
    stream = fx.Delay(0.1, feedback=0.5).stream(RATE, 2, dtype="float64")
    before = stream.process(tone[:, :RATE])
    stream.effect.ping_pong = True
    y = np.concatenate([before, stream.process(tone[:, RATE:])], axis=1)
    assert np.abs(np.diff(y[:, RATE // 2 :], 2)).max() < 2 * np.abs(np.diff(before[:, RATE // 2 :], 2)).max()


def test_endless_feedback_has_no_end() -> None:
    assert fx.Delay(0.1, feedback=1).stream(RATE).tail == math.inf
    assert fx.Delay(0.1, feedback=1, mix=0).stream(RATE).tail == 0


def test_pedalboard_agrees_where_the_delay_is_whole() -> None:
    pedalboard = pytest.importorskip("pedalboard")
    x = np.random.default_rng(0).standard_normal((2, 50_000)).astype(np.float32)
    for frames, feedback, mix in ((4410, 0.5, 0.3), (100, 0.9, 1.0), (7, 0.3, 0.5)):
        theirs = pedalboard.Delay((frames + 0.5) / RATE, feedback, mix)(x, RATE)
        ours = fx.Delay(frames / RATE, feedback, mix)(x, RATE)
        assert np.abs(ours - theirs).max() < 2e-6
