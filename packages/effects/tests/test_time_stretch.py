"""time_stretch: exact lengths, tones that keep their pitch, clicks in their new places, moving speeds."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx
from luthier.core import LayoutError, NonFiniteWarning, ParameterError

RATE = 44_100


def tone(frequency: float, seconds: float = 2.0, phase: float = 0.3) -> np.ndarray:
    return 0.5 * np.cos(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE + phase)


def middle(y: np.ndarray) -> np.ndarray:
    return y[..., y.shape[-1] // 4 : -y.shape[-1] // 4]


def residue_db(y: np.ndarray, frequency: float) -> tuple[float, float]:
    """What of `y` a steady sinusoid does not explain, in dB, and its amplitude."""
    t = np.arange(len(y)) / RATE
    basis = np.stack([np.cos(2 * np.pi * frequency * t), np.sin(2 * np.pi * frequency * t)], axis=1)
    found = np.linalg.lstsq(basis, y.astype(np.float64), rcond=None)[0]
    return 10 * np.log10(np.mean((y - basis @ found) ** 2) / np.mean(y**2)), float(np.hypot(*found))


def instantaneous_hz(y: np.ndarray) -> np.ndarray:
    analytic = np.fft.ifft(np.fft.fft(y) * (np.fft.fftfreq(len(y)) > 0) * 2)
    return np.diff(np.unwrap(np.angle(analytic))) * RATE / (2 * np.pi)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factor", [1 / 16, 0.25, 0.5, 0.9, 1.001, 1.25, 2, 4, 16])
def test_a_tone_keeps_its_pitch_and_level(factor: float, dtype: str) -> None:
    x = tone(440.3, max(2, factor / 2)).astype(dtype)
    y = fx.time_stretch(x, RATE, factor)
    assert y.dtype == dtype
    residue, amplitude = residue_db(middle(y), 440.3)
    assert residue < -90
    assert amplitude == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("factor", "semitones"), [(0.8, 5), (1.5, -7), (2, 12), (0.5, -12), (0.125, 36), (16, -36)]
)
def test_speed_and_pitch_are_independent(factor: float, semitones: float) -> None:
    x = tone(440.3, max(2, factor / 2))
    y = fx.time_stretch(x, RATE, factor, semitones)
    assert len(y) == round(len(x) / factor)
    residue, amplitude = residue_db(middle(y), 440.3 * 2 ** (semitones / 12))
    assert residue < -80
    assert amplitude == pytest.approx(0.5, rel=2e-3)


@pytest.mark.parametrize("frames", [0, 1, 15, 16, 17, 999, 44_100])
@pytest.mark.parametrize("factor", [0.1, 0.8, 1, 1.7, 16])
def test_lengths_are_exact(frames: int, factor: float) -> None:
    x = np.zeros((2, frames), np.float32)
    expected = int(np.floor(frames / factor + 0.5))
    assert fx.time_stretch(x, RATE, factor).shape == (2, expected)
    assert fx.time_stretch(x, RATE, factor, 3).shape == (2, expected)
    moving = fx.time_stretch(x, RATE, np.full(frames, factor))
    assert abs(moving.shape[1] - expected) <= (1 if abs(frames / factor % 1 - 0.5) < 1e-6 else 0)


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2])
def test_clicks_stay_sharp_and_move_to_their_places(factor: float) -> None:
    x = np.zeros(3 * RATE)
    places = np.arange(12_000, 3 * RATE - 12_000, 9001)
    x[places] = 0.8
    y = fx.time_stretch(x, RATE, factor)
    for place in np.round(places / factor).astype(int):
        energy = np.cumsum(y[place - 2000 : place + 2000] ** 2)
        low, centre, high = np.searchsorted(energy / energy[-1], [0.05, 0.5, 0.95])
        assert abs(centre - 2000) <= 2
        assert high - low < 10


def test_at_rest_samples_pass() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (2, 30_000))
    np.testing.assert_allclose(fx.time_stretch(x, RATE), x, atol=1e-14)
    np.testing.assert_allclose(fx.time_stretch(x, RATE, np.ones(30_000)), x, atol=1e-14)


def test_it_is_pitch_shift_where_the_speed_is_one() -> None:
    """Another clock drives the same frames: tones agree in pitch and level, not in phase."""
    x = tone(555)
    for result in (fx.time_stretch(x, RATE, 1, 7), fx.PitchShift(7)(x, RATE)):
        residue, amplitude = residue_db(middle(result), 555 * 2 ** (7 / 12))
        assert residue < -90
        assert amplitude == pytest.approx(0.5, rel=1e-3)


def test_what_lies_between_channels_stays() -> None:
    left, right = tone(330, phase=0), 0.4 * tone(330, phase=1.1)
    y = middle(fx.time_stretch(np.stack([left, right]), RATE, 0.7))
    turning = np.hanning(y.shape[1]) * np.exp(-2j * np.pi * 330 / RATE * np.arange(y.shape[1]))
    between = (y[1] @ turning) / (y[0] @ turning)
    assert abs(between) == pytest.approx(0.4, rel=1e-3)
    assert np.angle(between) == pytest.approx(1.1, abs=1e-3)


@pytest.mark.parametrize("as_array", [False, True])
def test_a_moving_speed_moves_the_places_and_not_the_pitch(as_array: bool) -> None:
    frames = 3 * RATE
    x = tone(700, 3)
    clicks = np.arange(RATE // 2, frames - RATE // 2, RATE // 4)
    x[clicks] += 5
    t = np.arange(frames) / RATE
    speed = np.exp2(np.interp(t, [0.5, 2.5], [-0.8, 0.9]))
    y = fx.time_stretch(x, RATE, speed if as_array else fx.Curve([0.5, 2.5], [2**-0.8, 2**0.9]))
    clock = np.concatenate([[0], np.cumsum(1 / speed)])
    assert abs(len(y) - clock[-1]) < (0.6 if as_array else 3)
    for click in clicks:
        place = int(clock[click])
        assert abs(np.argmax(np.abs(y[place - 200 : place + 200])) - 200) < 8
    quiet = fx.time_stretch(tone(700, 3), RATE, speed)
    cents = 1200 * np.log2(instantaneous_hz(quiet)[30_000:-30_000] / 700)
    assert np.abs(cents).max() < 0.5


def test_a_glide_is_timed_on_the_input() -> None:
    x = tone(700, 3)
    y = fx.time_stretch(x, RATE, 0.5, fx.Curve([1, 2], [-5, 7]))
    same = fx.time_stretch(x, RATE, np.full(len(x), 0.5), fx.Curve([1, 2], [-5, 7]))
    np.testing.assert_allclose(same, y, atol=1e-6)
    t = np.arange(len(y) - 1) / RATE * 0.5
    expected = 700 * 2 ** (np.interp(t, [1, 2], [-5, 7]) / 12)
    cents = 1200 * np.log2(instantaneous_hz(y)[10_000:-10_000] / expected[10_000:-10_000])
    assert np.abs(cents).max() < 3
    held = fx.time_stretch(x, RATE, 1, fx.Curve([0, 1.5], [0, 12], shape="hold"))
    hertz = instantaneous_hz(held)
    assert hertz[RATE] == pytest.approx(700, rel=1e-3)
    assert hertz[2 * RATE] == pytest.approx(1400, rel=1e-3)


def test_batches_layouts_and_many_channels() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 9000)).astype(np.float32)
    y = fx.time_stretch(x, RATE, 1.3, 2)
    for item, result in zip(x, y, strict=True):
        np.testing.assert_array_equal(fx.time_stretch(item, RATE, 1.3, 2), result)
        swapped = fx.time_stretch(np.ascontiguousarray(item.T), RATE, 1.3, 2, layout="frames_first")
        np.testing.assert_array_equal(swapped, result.T)
    np.testing.assert_array_equal(
        fx.time_stretch(x[0, 0], RATE, 1.3), fx.time_stretch(x[0, :1], RATE, 1.3)[0]
    )
    many = fx.time_stretch(np.repeat(x[0, :1], 9, axis=0), RATE, 0.7)
    np.testing.assert_array_equal(many, np.repeat(many[:1], 9, axis=0))
    assert fx.time_stretch(np.zeros((0, 2, 50)), RATE, 2).shape == (0, 2, 25)


def test_bad_samples_are_read_as_silence() -> None:
    x = np.random.default_rng(0).standard_normal((2, 20_000))
    good = x.copy()
    good[0, 7000] = 0
    for bad in (np.nan, np.inf):
        x[0, 7000] = bad
        with pytest.warns(NonFiniteWarning):
            y = fx.time_stretch(x, RATE, 0.8)
        np.testing.assert_array_equal(y, fx.time_stretch(good, RATE, 0.8))
    with pytest.warns(NonFiniteWarning):
        loud = fx.time_stretch(np.full((1, 20_000), 3e38, np.float32), RATE, 0.8)
    assert np.isfinite(loud).all()


def test_float32_finds_the_same_tones_as_float64() -> None:
    x = sum(tone(f, phase=f) for f in (220.0, 277.3, 441.7)) / 3
    double, single = (fx.time_stretch(x.astype(t), RATE, 0.8) for t in (np.float64, np.float32))
    assert 10 * np.log10(np.mean((single - double) ** 2) / np.mean(double**2)) < -60


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"factor": 0}, ParameterError, "factor must be a number from 0.0625 to 16, got 0"),
        ({"factor": True}, ParameterError, "factor must be"),
        ({"factor": "2"}, ParameterError, "factor must be"),
        ({"factor": np.zeros(100)}, ParameterError, "factor must be"),
        ({"factor": np.full(100, np.nan)}, ParameterError, "factor must be"),
        ({"factor": np.ones(99)}, LayoutError, r"factor needs an array of shape \(100,\), got \(99,\)"),
        ({"factor": fx.Curve([0, 1], [1, 0.01])}, ParameterError, "factor must be"),
        ({"semitones": 37}, ParameterError, "semitones must be a number from -36 to 36, got 37"),
        ({"semitones": fx.Curve([0], [99])}, ParameterError, "semitones must be"),
        ({"formants": "keep"}, ParameterError, "formants must be 'shift' or 'preserve', got 'keep'"),
    ],
)
def test_bad_arguments(arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fx.time_stretch(np.zeros(100), RATE, **arguments)
