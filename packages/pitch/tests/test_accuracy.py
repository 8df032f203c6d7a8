"""Signals whose pitch is known by construction."""

import functools

import numpy as np
import numpy.typing as npt
import pytest

import luthier.pitch as lp

track = functools.partial(lp.track, method="yin")

Floats = npt.NDArray[np.float64]

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]


def seconds(rate: float, duration: float) -> Floats:
    return np.arange(round(rate * duration)) / rate


def harmonics(phase: Floats, numbers: range | list[int], decay: float = 1.0) -> Floats:
    """Cosines at multiples of `phase` (in cycles), each with a start of its own."""
    return sum((np.cos(2 * np.pi * h * phase + 0.7 * h) / h**decay for h in numbers), np.zeros_like(phase))


def white(frames: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal(frames)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("f0", [50.0, 55.3, 110.0, 261.63, 987.7, 1_500.0, 1_999.0, 2_000.0])
def test_a_sine(rate: int, f0: float) -> None:
    t = seconds(rate, 0.5)
    for dtype in (np.float32, np.float64):
        pitch = track(np.sin(2 * np.pi * f0 * t + 1).astype(dtype), rate)
        assert pitch.f0.dtype == pitch.confidence.dtype == dtype
        assert np.abs(pitch.cents(f0)).max() < 0.25
        assert pitch.confidence.min() > 0.99
        assert pitch.voiced.all()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("f0", [50.0, 73.4, 155.6, 440.0, 1_234.5])
def test_a_tone_rich_in_harmonics(rate: int, f0: float) -> None:
    # Up to three quarters of half the rate: above that the interpolation between lags rolls off.
    tone = harmonics(f0 * seconds(rate, 0.5), range(1, max(2, int(0.375 * rate / f0))))
    pitch = track(tone.astype(np.float32), rate)
    assert np.abs(pitch.cents(f0)).max() < 0.5
    assert pitch.confidence.min() > 0.99


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_harmonics_up_to_half_the_rate(rate: int) -> None:
    for f0 in (97.0, 440.0, 1_234.5):
        tone = harmonics(f0 * seconds(rate, 0.5), range(1, int(0.499 * rate / f0) + 1))
        assert np.abs(track(tone.astype(np.float32), rate).cents(f0)).max() < 2.0


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("numbers", [[2, 3, 4], [3, 4, 5, 6], list(range(4, 11)), [1, 3, 5, 7], [2, 3, 5]])
def test_a_missing_fundamental(rate: int, numbers: list[int]) -> None:
    for f0 in (80.0, 147.0, 310.0):
        tone = harmonics(f0 * seconds(rate, 0.5), numbers, decay=0.0)
        pitch = track(tone.astype(np.float32), rate)
        assert np.abs(pitch.cents(f0)).max() < 0.5
        assert pitch.voiced.all()


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_a_train_of_pulses_down_to_the_lowest_pitch(rate: int) -> None:
    for period in (rate // 50, rate // 80):
        pulses = np.zeros(rate)
        pulses[::period] = 1.0
        pitch = track(pulses, rate)
        assert np.abs(pitch.cents(rate / period)).max() < 0.5
        assert pitch.voiced.all()


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("highest", [1, 7])
def test_a_glide_is_read_at_its_time(rate: int, highest: int) -> None:
    # 1800 cents a second: read 10 ms late (the middle of the longest pair, not of the frame) would be 18 off.
    t = seconds(rate, 2.0)
    octaves = 1.5
    phase = 100 * (2 ** (octaves * t) - 1) / (octaves * np.log(2))
    pitch = track(harmonics(phase, range(1, highest + 1)).astype(np.float32), rate)
    truth = 100 * 2 ** (octaves * pitch.times)
    error = pitch.cents(truth)[4:-4]
    # What a frame sees is centred to half a period: a window of few pulses weighs them, not time.
    assert (np.abs(error) < 1_200 * octaves * 0.5 / truth[4:-4] + 0.5).all()
    assert np.abs(error.mean()) < 0.5
    assert pitch.voiced.all()


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_vibrato_follows_the_contour(rate: int) -> None:
    t = seconds(rate, 2.0)
    depth, speed = 0.5 / 12, 5.5
    contour = 220 * 2 ** (depth * np.sin(2 * np.pi * speed * t))
    phase = np.cumsum(contour) / rate
    pitch = track(harmonics(phase, range(1, 12)).astype(np.float32), rate)
    truth = 220 * 2 ** (depth * np.sin(2 * np.pi * speed * pitch.times))
    error = pitch.cents(truth)[4:-4]
    # A frame is a mean over some 45 ms, which takes 10 % off the depth at this speed.
    assert np.abs(error).max() < 7.0
    assert np.abs(error.mean()) < 0.3
    # What is left is in phase with the contour (too shallow), not a quarter of a turn off it (late).
    late = np.cos(2 * np.pi * speed * pitch.times[4:-4])
    assert np.abs(np.mean(error * late)) < 0.3


def test_a_fast_series_of_notes() -> None:
    rate, notes = 16_000, 110 * 2 ** (np.array([0, 7, 12, 3, 19, 24, 31, 10]) / 12)
    phase = np.cumsum(np.repeat(notes, rate // 8)) / rate
    pitch = track(harmonics(phase, range(1, 4)).astype(np.float32), rate)
    for i, note in enumerate(notes):
        middle = (pitch.times > i / 8 + 0.035) & (pitch.times < (i + 1) / 8 - 0.035)
        assert np.abs(pitch.cents(note)[middle]).max() < 0.5


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_noise_of_any_colour_is_seldom_taken_for_a_voice(rate: int) -> None:
    spectrum = np.fft.rfft(white(20 * rate))
    slope = np.maximum(1.0, np.arange(len(spectrum)))
    # Pink noise has most of its power in the few periods of low pitches: now and then it is as like a voice
    # in noise as that is like noise, and the confidence says just that.
    for exponent, often in ((0.0, 0.002), (-0.5, 0.07), (0.5, 0.0)):
        pitch = track(np.fft.irfft(spectrum * slope**exponent, 20 * rate), rate)
        assert pitch.voiced.mean() <= often
        assert pitch.confidence.mean() < 0.2
        assert ((pitch.f0 >= 50) & (pitch.f0 <= 2_000)).all()
    assert not track(white(5 * rate), rate, fmin=500.0).voiced.any()


@pytest.mark.parametrize(("snr_db", "wrong"), [(20, 0.0), (10, 0.0), (0, 0.02)])
def test_tones_in_noise(snr_db: float, wrong: float) -> None:
    rate = 16_000
    for i, f0 in enumerate((82.4, 147.0, 329.6, 880.0)):
        tone = harmonics(f0 * seconds(rate, 3.0), range(1, 8))
        noise = white(len(tone), i) * np.sqrt(np.mean(tone**2)) * 10 ** (-snr_db / 20)
        pitch = track((tone + noise).astype(np.float32), rate)
        assert np.mean(np.abs(pitch.cents(f0)) > 50) <= wrong
        assert pitch.voiced.mean() > (0.8 if snr_db == 0 else 0.99)


@pytest.mark.parametrize("value", [0.0, 0.25, -1.0])
def test_silence_and_a_constant_have_no_pitch(value: float) -> None:
    for rate in (8_000, 44_100):
        for dtype in (np.float32, np.float64):
            pitch = track(np.full(rate, value, dtype), rate, fmin=60.0)
            assert not pitch.voiced.any()
            assert (pitch.confidence == 0).all()
            assert (pitch.f0 == 60.0).all()


def test_an_offset_changes_nothing() -> None:
    tone = harmonics(196.0 * seconds(16_000, 0.5), range(1, 5))
    np.testing.assert_allclose(track(tone + 3.0, 16_000).f0, track(tone, 16_000).f0, rtol=1e-9)


def test_a_pause_between_notes_is_unvoiced() -> None:
    rate = 16_000
    t = seconds(rate, 1.0)
    tone = harmonics(220 * t, range(1, 6)) * ((t < 0.4) | (t >= 0.6))
    pitch = track((tone + 1e-4 * white(rate)).astype(np.float32), rate)
    assert pitch.voiced[pitch.times < 0.38].all()
    assert pitch.voiced[pitch.times > 0.62].all()
    # The windows reach 30 ms into the notes, the frames do not.
    assert not pitch.voiced[(pitch.times > 0.415) & (pitch.times < 0.585)].any()


def test_very_short_signals() -> None:
    rate = 16_000
    for frames in (1, 2, 10, 17, 18, 19, 50, 100, 159, 160, 161, 300, 640, 1_000):
        pitch = track(np.sin(2 * np.pi * 440 * np.arange(frames) / rate), rate)
        assert len(pitch.times) == frames // 160 + 1
        assert np.isfinite(pitch.f0).all()
        assert np.isfinite(pitch.confidence).all()
        if frames >= 300:  # 19 ms: the filter takes one, half a window of pairs and a period must remain
            assert np.abs(pitch.cents(440)).max() < 1.0
            assert pitch.voiced.all()


def test_a_tone_up_to_half_the_rate() -> None:
    rate = 8_000
    # Above 0.4 of the rate a period is 2.5 samples, and the interpolation between lags rolls off.
    for f0, cents in ((2_500.0, 1.5), (3_000.0, 1.5), (3_200.0, 1.5), (3_600.0, 60.0), (3_900.0, 60.0)):
        pitch = track(np.sin(2 * np.pi * f0 * seconds(rate, 0.3)), rate, fmax=4_000.0)
        assert np.abs(pitch.cents(f0)).max() < cents
        assert pitch.voiced.all()


def test_a_wider_range_and_a_finer_hop() -> None:
    rate = 48_000
    for f0 in (21.0, 30.0, 4_186.0, 7_000.0):
        tone = harmonics(f0 * seconds(rate, 0.5), range(1, 3))
        pitch = track(tone.astype(np.float32), rate, fmin=20.0, fmax=8_000.0, hop_s=0.0031)
        assert np.abs(pitch.cents(f0)).max() < 0.6
        assert pitch.voiced.all()
