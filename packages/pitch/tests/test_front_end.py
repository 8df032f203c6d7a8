"""The networks' front end against a float64 reference, and what it must not depend on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from luthier.pitch.models.front_end import FrontEndStream, front_end

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from spec import ACCURATE, QUICK, Analysis, FrontEndSpec

Doubles = npt.NDArray[np.float64]
SPECS = pytest.mark.parametrize("spec", [ACCURATE, QUICK], ids=lambda spec: spec.name)


def _window(analysis: Analysis) -> Doubles:
    rise = np.arange(-analysis.rise, 0) / analysis.rise
    fall = np.arange(analysis.fall) / analysis.fall
    window = 0.5 + 0.5 * np.cos(np.pi * np.concatenate([rise, fall]))
    return window / np.sqrt(np.sum(window**2))


def _weights(spec: FrontEndSpec, size: int, multiple: float) -> Doubles:
    """(bins, size / 2 + 1): a triangle a row, none from 0.49 of the rate on."""
    hz = multiple * spec.lowest_hz * 2 ** (np.arange(spec.bins) / spec.bins_per_octave)
    centre = hz / spec.sample_rate * size
    half = np.maximum(1, centre * (2 ** (1 / spec.bins_per_octave) - 1))
    k = np.arange(size // 2 + 1)
    triangles = np.maximum(0, 1 - np.abs(k - centre[:, None]) / half[:, None])
    triangles[hz > 0.49 * spec.sample_rate] = 0
    return triangles / np.maximum(triangles.sum(axis=1, keepdims=True), 1e-300)


def reference(samples: npt.ArrayLike, spec: FrontEndSpec) -> Doubles:
    x = np.asarray(samples, np.float64)
    frames = len(x) // spec.hop + 1
    before = max(a.rise - a.centre for a in spec.analyses)
    after = max(a.centre + a.fall for a in spec.analyses)
    padded = np.concatenate([np.zeros(before), x, np.zeros(after + spec.hop)])
    inside = np.concatenate([np.zeros(before, bool), np.ones(len(x), bool), np.zeros(after + spec.hop, bool)])

    out = np.zeros((spec.features, frames, spec.bins))
    loudest = 0.0
    fade = 10 ** (-spec.decay_db_s / 10 * spec.hop / spec.sample_rate)
    for j in range(frames):
        stretch = padded[j * spec.hop : j * spec.hop + before + after].copy()
        seen = inside[j * spec.hop : j * spec.hop + before + after]
        stretch[seen] -= stretch[seen].mean()
        powers = []
        for a in spec.analyses:
            from_ = before + a.centre - a.rise
            windowed = stretch[from_ : from_ + a.rise + a.fall] * _window(a)
            powers.append(np.abs(np.fft.rfft(windowed, a.size)) ** 2)
        level = powers[0][3:-1].mean()
        for c, (source, multiple) in enumerate(spec.channels):
            rows = _weights(spec, spec.analyses[source].size, multiple) @ powers[source]
            out[c, j] = rows / level if level > 0 else 0
        loudest = max(level, loudest * fade)
        out[-1, j] = level / loudest if loudest > 0 else 0
    return (np.log(out + spec.floor) + spec.offset) * spec.scale


def _voice(seconds: float = 0.8, seed: int = 3) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * 16_000)) / 16_000
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 3 * t)) / 16_000
    x = sum(np.sin(k * phase) / k for k in range(1, 40)) * (0.2 + t)
    return (x + 0.01 * random.standard_normal(len(t))).astype(np.float32)


@SPECS
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_reference(spec: FrontEndSpec, offset: float) -> None:
    x = _voice() + np.float32(offset)
    np.testing.assert_allclose(front_end(x, 16_000, spec), reference(x, spec), atol=2e-4)


@SPECS
def test_low_tone_and_noise(spec: FrontEndSpec) -> None:
    x = np.random.default_rng(1).standard_normal(7_001).astype(np.float32)
    x[2_000:] += 30 * np.sin(2 * np.pi * 31.0 * np.arange(5_001) / 16_000).astype(np.float32)
    np.testing.assert_allclose(front_end(x, 16_000, spec), reference(x, spec), atol=2e-4)


@SPECS
def test_powers_of_two_change_no_bit(spec: FrontEndSpec) -> None:
    x = _voice()
    want = front_end(x, 16_000, spec)
    for exponent in (-100, -20, 30, 90):
        np.testing.assert_array_equal(front_end(x * np.float32(2.0**exponent), 16_000, spec), want)
    double = x.astype(np.float64)
    np.testing.assert_array_equal(front_end(double * 2.0**-900, 16_000, spec), want)
    np.testing.assert_array_equal(front_end(double * 2.0**900, 16_000, spec), want)


@SPECS
def test_level(spec: FrontEndSpec) -> None:
    x = _voice()
    want = front_end(x, 16_000, spec)
    for gain in (1e-30, 1e-3, 0.7, 333.0, 1e30):
        np.testing.assert_allclose(front_end(x * np.float32(gain), 16_000, spec), want, atol=3e-4)


@SPECS
def test_pieces_are_the_whole(spec: FrontEndSpec) -> None:
    x = _voice(1.7)
    want = front_end(x, 16_000, spec)
    stream = FrontEndStream(spec)
    frames, at, pieces = want.shape[1], 0, []
    for count in (1, 2, 5, 16, 17, 1, 40, frames):
        count = min(count, frames - at)
        low = max(0, at * spec.hop + stream.start)
        high = (at + count - 1) * spec.hop + stream.stop
        pieces.append(stream.run(x[None, low:high], low, at, count)[0])
        at += count
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), want)


def test_rows_are_each_alone() -> None:
    rows = np.stack([_voice(seed=s) * 10**s for s in range(3)])
    together = front_end(rows, 16_000, ACCURATE)
    for row, features in zip(rows, together, strict=True):
        np.testing.assert_array_equal(front_end(row, 16_000, ACCURATE), features)


@SPECS
def test_silence_is_the_floor(spec: FrontEndSpec) -> None:
    floor = (np.log(spec.floor) + spec.offset) * spec.scale
    features = front_end(np.zeros(2_000, np.float32), 16_000, spec)
    np.testing.assert_allclose(features, floor, atol=1e-6)
    assert front_end(np.zeros(0, np.float32), 16_000, spec).shape == (spec.features, 0, spec.bins)


def test_harmonics_of_a_candidate_meet_in_its_column() -> None:
    # A tone with the partials 1 to 10: at its own bin all whole multiples stand out, the halves do not.
    t = np.arange(16_000) / 16_000
    candidate = 64
    f0 = ACCURATE.frequencies()[candidate]
    x = sum(np.sin(2 * np.pi * f0 * k * t + k) for k in range(1, 11))
    column = front_end(np.asarray(x), 16_000, ACCURATE)[:12, 25, candidate]
    whole = np.array([multiple % 1 == 0 for _, multiple in ACCURATE.channels[:12]])
    assert column[whole].min() > column[~whole].max() + 0.5


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [(np.zeros((1, 2, 3)), 16_000, "3 dimensions"), (np.zeros(100), 44_100, "16000 Hz, got 44100")],
)
def test_refusals(samples: Any, rate: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        front_end(samples, rate, ACCURATE)
