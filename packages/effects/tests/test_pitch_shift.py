"""PitchShift against what shifted sounds are: tones of known pitch, clicks in place, channels together."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx

RATE = 44_100


def tone(frequency: float, seconds: float = 2.0, rate: float = RATE, phase: float = 0.3) -> np.ndarray:
    return 0.5 * np.cos(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate + phase)


def middle(y: np.ndarray) -> np.ndarray:
    return y[..., y.shape[-1] // 4 : -y.shape[-1] // 4]


def residue_db(y: np.ndarray, frequencies: list[float], rate: float = RATE) -> tuple[float, np.ndarray]:
    """What of `y` no sum of steady sinusoids explains, in dB, and their amplitudes."""
    t = np.arange(len(y)) / rate
    waves = [f(2 * np.pi * q * t) for q in frequencies for f in (np.cos, np.sin)]
    basis = np.stack(waves, axis=1)
    found = np.linalg.lstsq(basis, y.astype(np.float64), rcond=None)[0]
    rest = y - basis @ found
    return 10 * np.log10(np.mean(rest**2) / np.mean(y.astype(np.float64) ** 2)), np.hypot(
        found[::2], found[1::2]
    )


def cents_off(y: np.ndarray, frequency: float, rate: float = RATE) -> float:
    """The pitch of a tone by the peak of its spectrum, an interpolated parabola in dB."""
    size = 1 << (int(np.log2(len(y))) + 3)
    spectrum = np.abs(np.fft.rfft(y * np.blackman(len(y)), size))
    k = int(np.argmax(spectrum))
    a, b, c = np.log(spectrum[k - 1 : k + 2])
    return float(1200 * np.log2((k + 0.5 * (a - c) / (a - 2 * b + c)) * rate / size / frequency))


def spread_ms(y: np.ndarray, place: int) -> tuple[float, float]:
    """How long the middle 90 % of the energy round `place` last, and how far their middle is from it."""
    energy = np.cumsum(y[place - 3000 : place + 3000].astype(np.float64) ** 2)
    low, centre, high = np.searchsorted(energy / energy[-1], [0.05, 0.5, 0.95])
    return (high - low) / RATE * 1e3, (centre - 3000) / RATE * 1e3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("semitones", [-36, -12, -5, -0.3, 0.7, 4, 7, 12, 24, 36])
def test_a_tone_stays_a_tone(semitones: float, dtype: str) -> None:
    ratio = 2 ** (semitones / 12)
    y = middle(fx.PitchShift(semitones)(tone(440.3).astype(dtype), RATE))
    assert abs(cents_off(y, 440.3 * ratio)) < 0.02
    residue, amplitude = residue_db(y, [440.3 * ratio])
    assert residue < -90
    assert amplitude[0] == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("rate", [8000, 22_050, 96_000])
def test_a_tone_at_other_sample_rates(rate: int) -> None:
    y = middle(fx.PitchShift(5)(tone(440.3, rate=rate), rate))
    residue, amplitude = residue_db(y, [440.3 * 2 ** (5 / 12)], rate)
    assert residue < -80
    assert amplitude[0] == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("semitones", [-7, 4, 12])
def test_a_chord_stays_a_chord(semitones: float) -> None:
    """The lower notes are five bins of the spectral frames apart: between them they fade into one another."""
    notes = [220.0, 277.3, 330.1, 441.7]
    y = middle(fx.PitchShift(semitones)(sum(tone(f, phase=f) for f in notes) / 4, RATE))
    residue, amplitudes = residue_db(y, [f * 2 ** (semitones / 12) for f in notes])
    assert residue < -35
    np.testing.assert_allclose(amplitudes, 0.125, rtol=0.02)


@pytest.mark.parametrize("semitones", [-12, -5, 4, 12])
def test_clicks_stay_sharp_and_where_they_are(semitones: float) -> None:
    x = np.zeros(2 * RATE)
    places = range(8000, 2 * RATE - 8000, 9001)
    x[list(places)] = 0.8
    y = fx.PitchShift(semitones)(x, RATE)
    measured = np.array([spread_ms(y, place) for place in places])
    assert measured[:, 0].max() < 0.5
    assert np.abs(measured[:, 1]).max() < 0.2


def test_a_steady_level_stays() -> None:
    for semitones in (-9, 5):
        y = middle(fx.PitchShift(semitones)(np.full(RATE, 0.25), RATE))
        np.testing.assert_allclose(y, 0.25, rtol=1e-4)


def test_at_rest_samples_pass() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (2, 30_000))
    np.testing.assert_allclose(fx.PitchShift()(x, RATE), x, atol=1e-14)
    np.testing.assert_allclose(fx.PitchShift()(x.astype(np.float32), RATE), x, atol=5e-7)


@pytest.mark.parametrize("semitones", [-5, 7])
def test_what_lies_between_channels_stays(semitones: float) -> None:
    """Level and phase of one channel against the other, for tones that lie apart."""
    notes, phases, gains = [330.0, 555.0, 1234.0], [0.5, 1.5, -2.0], [1.0, 0.3, 2.0]
    left = sum(tone(f, phase=0) for f in notes) / 8
    right = sum(g * tone(f, phase=p) for f, p, g in zip(notes, phases, gains, strict=True)) / 8
    y = middle(fx.PitchShift(semitones)(np.stack([left, right]), RATE))
    t = np.arange(y.shape[1]) / RATE
    for f, phase, gain in zip(notes, phases, gains, strict=True):
        turning = np.hanning(len(t)) * np.exp(-2j * np.pi * f * 2 ** (semitones / 12) * t)
        between = (y[1] @ turning) / (y[0] @ turning)
        assert abs(between) == pytest.approx(gain, rel=0.01)
        assert np.angle(between) == pytest.approx(phase, abs=0.01)


def test_equal_channels_stay_equal() -> None:
    x = np.random.default_rng(1).standard_normal(20_000)
    y = fx.PitchShift(3)(np.stack([x, x, -x]), RATE)
    np.testing.assert_array_equal(y[0], y[1])
    np.testing.assert_array_equal(y[0], -y[2])


def test_a_glide_follows_its_curve_on_the_input_s_clock() -> None:
    """The frequency at a time is the input's times the ratio at that time, through and through."""
    curve = fx.Curve([0.5, 1.5], [-7, 9])
    y = fx.PitchShift(curve)(tone(700, 2.0), RATE)
    t = np.arange(len(y)) / RATE
    expected = 700 * 2 ** (np.interp(t, [0.5, 1.5], [-7, 9]) / 12)
    analytic = np.fft.ifft(np.fft.fft(y) * (np.fft.fftfreq(len(y)) > 0) * 2)
    found = np.diff(np.unwrap(np.angle(analytic))) * RATE / (2 * np.pi)
    cents = 1200 * np.log2(found[8000:-8000] / expected[8000:-8001])
    assert np.abs(cents).max() < 3
    np.testing.assert_allclose(np.abs(analytic)[8000:-8000], 0.5, rtol=0.02)


def test_nothing_folds_over() -> None:
    """15 kHz an octave up is gone; noise an octave down leaves the upper octave empty."""
    y = middle(fx.PitchShift(12)(tone(15_000), RATE))
    assert np.sqrt(np.mean(y**2)) < 1e-4
    noise = np.random.default_rng(0).standard_normal(4 * RATE)
    spectrum = np.abs(np.fft.rfft(middle(fx.PitchShift(-12)(noise, RATE)) * np.hanning(2 * RATE))) ** 2
    frequency = np.fft.rfftfreq(2 * RATE, 1 / RATE)
    assert 10 * np.log10(spectrum[frequency > 13_000].mean() / spectrum[frequency < 9_000].mean()) < -60


def test_a_jump_in_pitch_does_not_click() -> None:
    """The sound comes later than the jump by the latency, which the contract tests do not wait for."""
    x = tone(997, 3)
    stream = fx.PitchShift(-12).stream(RATE, dtype="float64")
    before = stream.process(x[:RATE])
    stream.effect.semitones = 12
    y = np.concatenate([before, stream.process(x[RATE:])])[stream.latency :]
    around = y[RATE - 4000 : RATE + 4000]
    spectrum = np.abs(np.fft.rfft(around * np.blackman(8000))) ** 2
    high = spectrum[np.fft.rfftfreq(8000, 1 / RATE) > 6000].sum()
    assert 10 * np.log10(high / spectrum.sum()) < -70
    assert np.abs(around).max() < 0.6


def test_the_latency_is_a_frame_and_the_wait_for_the_lowest_pitch() -> None:
    for rate, size in ((44_100, 4096), (48_000, 4096), (96_000, 8192)):
        assert fx.PitchShift().stream(rate).latency == size + 224


def vowel(pitch_hz: float, formants_hz: tuple[float, ...], seconds: float = 2.0) -> np.ndarray:
    """Harmonics of equal level through resonances 100 Hz wide."""
    harmonics = np.arange(1, int(10_000 / pitch_hz)) * pitch_hz
    t = np.arange(int(seconds * RATE)) / RATE
    levels = resonances(harmonics, formants_hz)
    return 0.1 * sum(a * np.cos(2 * np.pi * f * t + f) for f, a in zip(harmonics, levels, strict=True))


def resonances(frequency: np.ndarray, formants_hz: tuple[float, ...]) -> np.ndarray:
    return np.sum([1 / np.hypot(1, (frequency - f) / 50) for f in formants_hz], axis=0)


def centre_of_band(y: np.ndarray, low: float, high: float) -> float:
    """The frequency round which the energy of a band lies."""
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
    frequency = np.fft.rfftfreq(len(y), 1 / RATE)
    band = (frequency > low) & (frequency < high)
    return float(np.sum(frequency[band] * spectrum[band]) / np.sum(spectrum[band]))


def levels_db(y: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    turning = np.exp(-2j * np.pi / RATE * np.outer(frequencies, np.arange(len(y))))
    return 20 * np.log10(np.abs(turning @ (y * np.hanning(len(y)))))


@pytest.mark.parametrize("semitones", [-7, -4, 4, 7])
@pytest.mark.parametrize("pitch_hz", [90, 130, 180])
def test_preserved_formants_stay_while_the_pitch_moves(pitch_hz: float, semitones: float) -> None:
    """As had the voice been spoken at the other pitch: a formant's energy lies where it would, to half the
    distance of the harmonics which are all that is known of it, and levels are nearer than when shifted.
    """
    formants, ratio = (700.0, 1700.0, 3000.0), 2 ** (semitones / 12)
    x = vowel(pitch_hz, formants)
    spoken = middle(vowel(pitch_hz * ratio, formants))
    kept = middle(fx.PitchShift(semitones, formants="preserve")(x, RATE))
    moved = middle(fx.PitchShift(semitones)(x, RATE))
    for formant in formants:
        band = (formant - 300, formant + 300)
        expected = centre_of_band(spoken, *band)
        assert abs(centre_of_band(kept, *band) - expected) < 0.5 * pitch_hz * max(ratio, 1)
    harmonics = np.arange(np.ceil(300 / pitch_hz / ratio), 3500 / pitch_hz / ratio) * pitch_hz * ratio
    true = levels_db(spoken, harmonics)
    errors = [np.std(levels_db(y, harmonics) - true) for y in (kept, moved)]
    assert errors[0] < 0.7 * errors[1]


def test_preserving_changes_nothing_at_rest() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, 20_000)
    np.testing.assert_allclose(fx.PitchShift(0, formants="preserve")(x, RATE), x, atol=1e-14)
