"""What resample() does to tones, clicks and noise, at the numbers that its documentation states."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import luthier.io as lio

PAIRS = [(44_100, 48_000), (48_000, 44_100), (44_100, 16_000), (48_000, 16_000), (44_100, 22_050)]
ODD = [
    (44_100, 44_099),
    (1, 2),
    (768_000, 8_000),
    (8_000, 11_025),
    (48_000, 32_000),
    (8_000, 192_000),
    (2, 3),
]

#: quality -> (kept up to, dB kept down, greatest change of level in dB); docs/resampling.md.
PROMISED = {
    "fast": (0.80, 90, 0.01),
    "medium": (0.87, 110, 0.01),
    "high": (0.91, 130, 0.01),
    "best": (0.95, 150, 0.01),
}


def tones(shares, from_rate, to_rate, cycles=1_500):
    """One row for each tone, at shares of the lower Nyquist frequency, and its exact resampled row."""
    ratio = to_rate / from_rate
    frames = int(cycles * max(1.0, 1 / ratio))
    per_frame = np.pi * np.asarray(shares)[:, None] * min(1.0, ratio)
    x = np.sin(per_frame * np.arange(frames) + 0.4)
    count = (2 * frames * to_rate + from_rate) // (2 * from_rate)
    return x, np.sin(per_frame / ratio * np.arange(count) + 0.4)


def db(x):
    return 20 * np.log10(np.maximum(x, 1e-30))


def middle(y):
    # Away from the ends, where the tone begins and stops.
    return y[..., y.shape[-1] // 3 : -(y.shape[-1] // 3)]


@pytest.mark.parametrize("rates", PAIRS + ODD)
@pytest.mark.parametrize("quality", PROMISED)
def test_tones_come_out_as_they_went_in(rates, quality):
    kept, noise, ripple = PROMISED[quality]
    dtype = "float64" if quality == "best" else "float32"
    x, wanted = tones(np.linspace(0.002, 0.9999 * kept, 24), *rates)
    got = middle(lio.resample(x.astype(dtype), *rates, quality=quality)).astype(np.float64)
    wanted = middle(wanted)
    # Gain and phase together: a linear-phase filter leaves the tone where it was.
    gain = np.sum(got * wanted, axis=-1) / np.sum(wanted**2, axis=-1)
    assert np.abs(db(gain)).max() <= ripple
    error = got - gain[:, None] * wanted
    snr = -10 * np.log10(np.mean(error**2, axis=-1) / np.mean(wanted**2, axis=-1))
    assert snr.min() >= noise


@pytest.mark.parametrize("rates", [(f, t) for f, t in PAIRS + ODD if f > t])
@pytest.mark.parametrize("quality", PROMISED)
def test_what_is_above_the_nyquist_frequency_is_gone(rates, quality):
    _, noise, _ = PROMISED[quality]
    dtype = "float64" if quality == "best" else "float32"
    highest = rates[0] / rates[1]
    shares = np.concatenate([[1.0, 1.0007, 1.004, 1.02], np.linspace(1.05, highest, 12)])
    x, _ = tones(shares[shares <= highest], *rates)
    y = middle(lio.resample(x.astype(dtype), *rates, quality=quality)).astype(np.float64)
    assert db(np.sqrt(2 * np.mean(y**2, axis=-1))).max() <= -noise


@pytest.mark.parametrize("rates", [(44_100, 48_000), (44_100, 16_000), (44_100, 44_099), (3, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_float64_is_computed_in_float64(rates, dtype):
    x, wanted = tones([0.013, 0.31, 0.77], *rates)
    got = middle(lio.resample(x.astype(dtype), *rates))
    error = db(np.sqrt(2 * np.mean((got - middle(wanted)) ** 2, axis=-1)).max())
    # The filter's ripple is what is left in float64.
    assert error < (-130 if dtype == "float32" else -135)


def test_best_computes_float32_in_float64():
    x, wanted = tones([0.013, 0.31, 0.77], 44_100, 48_000)
    given = x.astype(np.float32)
    got = middle(lio.resample(given, 44_100, 48_000, quality="best"))
    exact = middle(lio.resample(given.astype(np.float64), 44_100, 48_000, quality="best"))
    # Nothing but the rounding of the result, half of the last bit.
    assert got.dtype == np.float32
    assert np.abs(got - exact).max() <= 2.0**-25
    assert np.abs(exact - middle(wanted)).max() < 1e-7


@pytest.mark.parametrize("rates", PAIRS + ODD)
def test_a_click_is_where_it_was(rates):
    from_rate, to_rate = rates
    step_in = from_rate // np.gcd(*rates)
    step_out = to_rate // np.gcd(*rates)
    # Places that both rates share: multiples of `step_in` frames are of `step_out`.
    periods = max(4, int(np.ceil(700 / min(step_in, step_out))))
    x = np.zeros(2 * periods * step_in + 1)
    x[periods * step_in] = 1
    y = lio.resample(x, from_rate, to_rate)
    centre = periods * step_out
    assert np.argmax(y) == centre
    side = min(300, centre, len(y) - 1 - centre)
    assert np.allclose(y[centre - side : centre], y[centre + side : centre : -1], atol=1e-9)


def test_there_and_back():
    random = np.random.default_rng(0)
    spectrum = np.fft.rfft(random.standard_normal(44_100))
    spectrum[int(0.45 * 44_100 * 0.9) :] = 0
    x = np.fft.irfft(spectrum)
    x *= np.hanning(len(x))
    for rate in (48_000, 96_000, 44_099, 50_000.5):
        back = lio.resample(lio.resample(x, 44_100, rate), rate, 44_100)
        assert len(back) == len(x)
        assert db(np.abs(back - x).max()) < -120


@pytest.mark.parametrize("rates", [(44_100, 48_000), (44_100, 16_000), (48_000, 16_000), (3, 2)])
@pytest.mark.parametrize("phase", ["minimum", "intermediate"])
def test_the_phase_alone_changes(rates, phase):
    size = 1 << 15
    x = np.zeros(size)
    x[size // 2] = 1
    linear, bent = (lio.resample(x, *rates, phase=p) for p in ("linear", phase))
    n = len(linear)
    share = np.arange(n // 2 + 1) / (n // 2) * rates[1] / min(rates)
    levels = [db(np.abs(np.fft.rfft(y)) / (rates[1] / rates[0])) for y in (linear, bent)]
    assert np.abs(levels[0] - levels[1])[share < 0.91].max() < 0.001
    assert levels[1][share > 1.0].max(initial=-999) < -128
    centre = round(size // 2 * rates[1] / rates[0])
    before, all_of_it = (np.sum(part**2) for part in (bent[: centre - 1], bent))
    before_linear = np.sum(linear[: centre - 1] ** 2)
    if phase == "minimum":
        assert db(np.sqrt(before / all_of_it)) < -100
    else:
        assert before < 0.5 * before_linear


def test_minimum_phase_never_sounds_early():
    x = np.zeros(5_000, np.float32)
    x[2_500:] = 1
    y = lio.resample(x, 44_100, 48_000, phase="minimum")
    assert np.abs(y[: int(2_499 * 48 / 44.1)]).max() < 1e-6
    assert np.abs(lio.resample(x, 44_100, 48_000)[: int(2_499 * 48 / 44.1)]).max() > 0.01


def test_no_drift():
    # A click after ten minutes at 44,100 to 44,099.9.
    frames = 44_100 * 600
    x = np.zeros(frames, np.float32)
    x[-2_000] = 1
    y = lio.resample(x, 44_100, 44_099.9, quality="fast")
    at = Fraction(frames - 2_000) * Fraction(44_099.9) / 44_100
    near = np.arange(-60, 61)
    click = y[int(at) + near].astype(np.float64)
    # The centre of gravity of its square is its time.
    centre = np.sum(near * click**2) / np.sum(click**2)
    assert centre == pytest.approx(float(at - int(at)), abs=0.005)


@pytest.mark.parametrize("rates", PAIRS + ODD)
def test_soxr_hears_the_same(rates):
    soxr = pytest.importorskip("soxr")
    random = np.random.default_rng(0)
    frames = 6_000 * max(1, rates[0] // rates[1])
    # Band-limited to where both are flat.
    spectrum = np.fft.rfft(random.standard_normal(frames))
    spectrum[int(0.9 * min(rates) / rates[0] * frames / 2) :] = 0
    x = np.fft.irfft(spectrum, frames)
    x *= 0.5 / np.abs(x).max()
    theirs = soxr.resample(x, *rates, quality="VHQ")
    ours = lio.resample(x, *rates, quality="best")
    n = min(len(ours), len(theirs))
    assert abs(len(ours) - len(theirs)) <= 1
    # Its pass band is flat to some thousandths of a decibel.
    difference = middle(ours[:n] - theirs[:n])
    assert db(np.sqrt(np.mean(difference**2) / np.mean(x**2))) < -60


def test_scipy_agrees_with_a_long_filter():
    signal = pytest.importorskip("scipy.signal")
    x = np.random.default_rng(0).standard_normal(8_000)
    taps = signal.firwin(2 * 7 * 150 + 1, 0.955 / 7, window=("kaiser", 14.1))
    wanted = signal.resample_poly(x, 5, 7, window=taps)
    got = lio.resample(x, 7, 5)
    # Its length is rounded up.
    wanted = wanted[: len(got)]
    spectrum = np.abs(np.fft.rfft((got - wanted) * signal.windows.blackmanharris(len(got))))
    # Up to where both are flat.
    flat = spectrum[: int(0.9 * len(spectrum))]
    assert db(flat.max() / np.sqrt(len(got))) < -90
