"""The native tracker against YIN written out in NumPy, double precision, one definition at a time."""

import functools

import numpy as np
import numpy.typing as npt
import pytest

import luthier.pitch as lp
from luthier.pitch import methods

track = functools.partial(lp.track, method="yin")

Floats = npt.NDArray[np.float64]

FMIN, FMAX, THRESHOLD, DEPTH, SLACK = 50.0, 2_000.0, 0.1, 1.15, 0.01


def low_pass(x: Floats, rate: float) -> tuple[Floats, int]:
    """1 / (1 + (f / 2000 Hz)^2) where the whole filter finds samples, and the first sample so filtered."""
    decay = 2 * np.pi * 2_000 / rate
    reach = int(np.ceil(7 / decay))
    taps = np.exp(-decay * np.abs(np.arange(-reach, reach + 1)))
    return np.convolve(x, taps / taps.sum(), "valid"), reach


def difference(y: Floats, centre: int, lag: int, window: int) -> float:
    """Trapezoidal rule for the pairs whose middle is within half a window of `centre`."""
    middles = np.arange(2 * centre - window, 2 * centre + window + 1) / 2
    middles = middles[np.isclose((middles - lag / 2) % 1, 0)]
    weights = np.where(np.abs(middles - centre) == window / 2, 0.5, 1.0)
    first = np.round(middles - lag / 2).astype(int)
    return float(np.sum(weights * (y[first] - y[first + lag]) ** 2))


# Fractional lags about a dip, and the weights of the lags around it for the band-limited function there: a
# sinc of 12 lags to either side under a Kaiser window of 120 dB.
GRID, REACH = np.arange(-64, 65) / 64, 13
DISTANCE = np.arange(-REACH, REACH + 1) - GRID[:, None]
KAISER = np.i0(12.3 * np.sqrt(np.maximum(0, 1 - (DISTANCE / 12) ** 2))) / np.i0(12.3)
WEIGHTS = np.sinc(DISTANCE) * np.where(np.abs(DISTANCE) < 12, KAISER, 0)
WEIGHTS /= WEIGHTS.sum(1, keepdims=True)


def yin(x: Floats, rate: float, hop: int) -> tuple[Floats, Floats]:
    """f0 and aperiodicity at frames whose windows lie inside; elsewhere not-a-number."""
    y, delay = low_pass(x, rate)
    window = 2 * round(rate / FMIN)
    # Lags well beyond the longest period, so that the interpolation there has neighbours.
    lags = int(rate / FMIN) + 80
    frames = len(x) // hop + 1
    f0, aperiodicity = np.full(frames, np.nan), np.full(frames, np.nan)
    for frame in range(frames):
        centre = frame * hop - delay
        if centre - window // 2 - lags // 2 - 1 < 0 or centre + window // 2 + lags // 2 + 1 >= len(y):
            continue
        d = np.array([0.0] + [difference(y, centre, lag, window) for lag in range(1, lags)])
        mean = np.concatenate([[1.0], np.cumsum(d[1:]) / np.arange(1, lags)])
        dips = []
        for lag in range(2, int(rate / FMIN * (1 + SLACK)) + 2):
            if not (d[lag] <= d[lag - 1] and d[lag] < d[lag + 1] and d[lag] < mean[lag]):
                continue
            values = WEIGHTS @ d[np.abs(lag + np.arange(-REACH, REACH + 1))]  # d is even about lag 0
            best = int(np.argmin(values))
            period, value = lag + GRID[best], values[best]
            if 0 < best < len(GRID) - 1:
                left, right = values[best - 1], values[best + 1]
                offset = 0.5 * (left - right) / (left - 2 * value + right)
                period, value = period + offset / 64, value - 0.25 * (left - right) * offset
            if rate / FMAX * (1 - SLACK) <= period <= rate / FMIN * (1 + SLACK):
                dips.append((period, max(value, 0.0) / mean[lag]))
        if not dips:
            continue
        limit = THRESHOLD + DEPTH * min(value for _, value in dips)
        first = next(period for period, value in dips if value <= limit)
        valley = [dip for dip in dips if first <= dip[0] < 1.4 * first]
        period, aperiodicity[frame] = min(valley, key=lambda dip: dip[1])
        f0[frame] = np.clip(rate / period, FMIN, FMAX)
    return f0, aperiodicity


def signals(rate: float) -> dict[str, Floats]:
    random = np.random.default_rng(7)
    t = np.arange(int(0.3 * rate)) / rate
    wobble = 130 * t + 3 * np.sin(2 * np.pi * 4 * t)
    voice = sum((np.cos(2 * np.pi * h * wobble + h) / h for h in range(1, 9)), np.zeros_like(t))
    high = np.cos(2 * np.pi * 1_730.3 * t)
    noise = random.standard_normal(len(t))
    return {"voice": voice, "high": high, "voice in noise": voice + 0.5 * noise, "noise": noise}


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("name", ["voice", "high", "voice in noise", "noise"])
def test_the_native_tracker_is_the_definition(rate: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "WEIGHTS", {"yin": (5.0, -8.0, 0.0, 0.0)})
    x = signals(rate)[name]
    hop = rate // 50
    f0, aperiodicity = yin(x, rate, hop)
    there = np.isfinite(f0)
    assert there.sum() >= 8
    for dtype in (np.float32, np.float64):
        pitch = track(x.astype(dtype), rate, hop_s=0.02)
        cents = np.abs(pitch.cents(np.where(there, f0, 100.0)))[there]
        # The last parabola spans 1/16 of a lag there, 1/64 here: noise is not quite one.
        assert cents.max() < (0.15 if "noise" in name else 0.02)
        # Of the centre's share of the power, which also has its weight, another test knows.
        expected = 1 / (1 + np.exp(8 * aperiodicity[there] - 5))
        np.testing.assert_allclose(pitch.confidence[there], expected, atol=1e-4)
