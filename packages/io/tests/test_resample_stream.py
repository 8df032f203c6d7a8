"""Resampler: a stream is the whole, however it is cut."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import LayoutError, ParameterError, StreamError

RATIOS = [
    (44_100, 48_000), (48_000, 44_100), (44_100, 16_000), (48_000, 16_000), (44_100, 22_050), (1, 1),
    (44_100, 44_099), (44_100.5, 48_000), (1, 2), (2, 3), (96_000, 8_000), (100, 1), (8_000, 96_001),
]  # fmt: skip


def noise(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(dtype)


@settings(deadline=None, max_examples=60)
@given(
    ratio=st.sampled_from(RATIOS),
    quality=st.sampled_from(["fast", "medium", "high", "best"]),
    phase=st.sampled_from(["linear", "minimum", "intermediate"]),
    dtype=st.sampled_from(["float32", "float64"]),
    channels=st.integers(1, 3),
    frames=st.integers(0, 20_000),
    cuts=st.lists(st.integers(0, 20_000), max_size=12),
    bad=st.lists(st.integers(0, 19_999), max_size=3),
)
def test_any_cut_gives_the_same_bits(ratio, quality, phase, dtype, channels, frames, cuts, bad):
    x = noise(channels, frames, dtype=dtype, seed=frames)
    for i in bad:
        x[i % channels, i : i + 1] = np.nan
    wanted = lio.resample(x, *ratio, quality=quality, phase=phase)
    stream = lio.Resampler(*ratio, channels, quality=quality, phase=phase, dtype=dtype)
    edges = [0, *sorted(min(c, frames) for c in cuts), frames]
    for _ in range(2):
        parts, given_out = [], 0
        for start, stop in itertools.pairwise(edges):
            part = stream.process(x[:, start:stop])
            assert part.shape[0] == channels
            assert part.dtype == x.dtype
            parts.append(part)
            given_out += part.shape[1]
            due = stop * Fraction(ratio[1]) / Fraction(ratio[0])
            assert due - given_out + 1 >= 0
            assert due - given_out <= stream.latency
        parts.append(stream.flush())
        assert np.array_equal(np.concatenate(parts, axis=1), wanted, equal_nan=True)
        stream.reset()


def test_single_frames():
    x = noise(700)
    stream = lio.Resampler(44_100, 16_000)
    parts = [stream.process(x[i : i + 1]) for i in range(700)]
    assert all(part.ndim == 1 for part in parts)
    joined = np.concatenate([*parts, stream.flush()[0]])
    assert np.array_equal(joined, lio.resample(x, 44_100, 16_000))


@pytest.mark.parametrize("ratio", [*RATIOS, (48_000, 123.45)])
@pytest.mark.parametrize("quality", ["fast", "best"])
def test_a_signal_is_taken_up_in_its_middle(ratio, quality):
    x = noise(2, 40_000)
    whole = lio.resample(x, *ratio, quality=quality)
    stream = lio.Resampler(*ratio, 2, quality=quality)
    assert stream.length(40_000) == whole.shape[1]
    for frame in (0, 1, whole.shape[1] // 3, whole.shape[1] - 1, whole.shape[1]):
        fed, given_out = stream.start_at(frame)
        assert 0 <= fed <= 40_000
        assert 0 <= given_out <= max(frame, 0)
        part = np.concatenate([stream.process(x[:, fed:]), stream.flush()], axis=1)
        assert np.array_equal(part[:, frame - given_out :], whole[:, frame:])
    for frame in (-1, 0.5, True, None):
        with pytest.raises(ParameterError, match="frame must be a whole number"):
            stream.start_at(frame)


@pytest.mark.parametrize("ratio", RATIOS)
def test_nothing_comes_before_the_input_latency(ratio):
    stream = lio.Resampler(*ratio)
    assert stream.process(noise(stream.input_latency)).size == 0
    assert stream.process(noise(1)).size > 0


def test_less_quality_does_not_wait_longer():
    latency = {
        q: lio.Resampler(44_100, 48_000, quality=q).latency for q in ("fast", "medium", "high", "best")
    }
    assert max(latency["fast"], latency["medium"]) < latency["high"] < latency["best"]


def test_blocks_that_do_not_fit_are_refused():
    stream = lio.Resampler(44_100, 48_000, 2)
    for block in (noise(10), noise(3, 10), noise(1, 2, 10), noise(2, 10, dtype=np.float64)):
        with pytest.raises(LayoutError, match=r"the stream takes \(2, frames\) of float32"):
            stream.process(block)


def test_settings_are_checked():
    with pytest.raises(ParameterError, match="channels must be"):
        lio.Resampler(1, 2, 0)
    with pytest.raises(ParameterError, match="dtype must be"):
        lio.Resampler(1, 2, dtype="int16")
    with pytest.raises(ParameterError, match="to_rate must be"):
        lio.Resampler(1, 0)


def test_the_end_is_the_end():
    stream = lio.Resampler(1, 2)
    stream.process(noise(10))
    assert stream.flush().shape == (1, 20)
    with pytest.raises(StreamError, match="reset"):
        stream.process(noise(10))
    with pytest.raises(StreamError, match="reset"):
        stream.flush()
    stream.reset()
    assert stream.flush().shape == (1, 0)
