"""`sample_rate=`: any part of the converted file, in any order, has the bits of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DamagedAudioWarning, DecodeError, ParameterError

relaxed = settings(
    max_examples=max(10, settings().max_examples // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

FILES = ["pcm16.wav", "pcm24.flac", "stereo.mp3", "stereo.ogg"]
RATES = [1, 300, 8_000, 16_000, 22_050, 44_099, 48_000, 88_200, 192_000]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("rate", RATES)
def test_the_whole_is_what_resample_gives(name, rate, encoded):
    native = lio.read(encoded(name))
    whole = lio.read(encoded(name), sample_rate=rate)
    assert whole.sample_rate == rate
    expected = native.samples
    if rate != native.sample_rate:
        expected = lio.resample(expected, native.sample_rate, rate)
    assert np.array_equal(whole.samples, expected)
    blocks = list(lio.blocks(encoded(name), 5_001, sample_rate=rate))
    assert np.array_equal(np.concatenate(blocks, axis=1), whole.samples)


@pytest.mark.parametrize("quality", ["fast", "medium", "high", "best"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quality_and_type(quality, dtype, encoded):
    data = encoded("pcm16.wav")
    native = lio.read(data, dtype=dtype)
    expected = lio.resample(native.samples, native.sample_rate, 16_000, quality=quality)
    got = lio.read(data, sample_rate=16_000, dtype=dtype, quality=quality).samples
    assert got.dtype == dtype
    assert np.array_equal(got, expected)
    part = lio.read(data, start=20_000, frames=999, sample_rate=16_000, dtype=dtype, quality=quality).samples
    assert np.array_equal(part, expected[:, 20_000:20_999])


def test_integers_are_rounded_from_the_floats(encoded):
    floats = lio.read(encoded("pcm16.wav"), sample_rate=16_000).samples
    codes = lio.read(encoded("pcm16.wav"), sample_rate=16_000, dtype="int16").samples
    assert np.array_equal(codes, np.clip(np.rint(floats * 2.0**15), -(2**15), 2**15 - 1))


def test_channels_come_first(encoded):
    native = lio.read(encoded("extensible.wav"), channels="mono")
    got = lio.read(encoded("extensible.wav"), channels="mono", sample_rate=16_000)
    assert np.array_equal(got.samples, lio.resample(native.samples, native.sample_rate, 16_000))


def test_the_same_rate_changes_nothing(encoded):
    data = encoded("pcm16.wav")
    assert np.array_equal(lio.read(data, sample_rate=44_100.0).samples, lio.read(data).samples)


@relaxed
@given(
    name=st.sampled_from(FILES),
    rate=st.sampled_from(RATES[1:]),
    moves=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3_000)), min_size=1, max_size=8),
)
def test_any_order_of_seeks(name, rate, moves, encoded):
    full = lio.read(encoded(name), sample_rate=rate).samples
    end = full.shape[1]
    with lio.open(encoded(name), sample_rate=rate) as reader:
        assert (reader.frames, reader.sample_rate) == (end, rate)
        for place, frames in moves:
            at = round(place * end)
            reader.seek(at)
            assert np.array_equal(reader.read(frames), full[:, at : at + frames]), (at, frames)
            assert reader.tell() == min(end, at + frames)
        at = round(moves[0][0] * end)
        part = lio.read(encoded(name), start=at, frames=100, sample_rate=rate).samples
        assert np.array_equal(part, full[:, at : at + 100])


@pytest.mark.parametrize("name", ["pcm16.wav", "pcm24.flac"])
def test_damage_is_treated_before_the_rate(name, encoded):
    data = encoded(name)
    cut = data[: int(len(data) * 0.6)]
    rate = lio.info(data).sample_rate
    with pytest.raises(DecodeError) as caught:
        lio.read(cut)
    good = lio.resample(caught.value.audio.samples, rate, 16_000)
    with pytest.raises(DecodeError) as caught:
        lio.read(cut, sample_rate=16_000)
    assert np.array_equal(caught.value.audio.samples, good)
    assert caught.value.audio.sample_rate == 16_000
    assert caught.value.report.frames_decoded == good.shape[1]
    for on_error in ("partial", "pad"):
        with pytest.warns(DamagedAudioWarning):
            native = lio.read(cut, on_error=on_error).samples
        with pytest.warns(DamagedAudioWarning):
            got = lio.read(cut, on_error=on_error, sample_rate=16_000).samples
        assert np.array_equal(got, lio.resample(native, rate, 16_000))
    with lio.open(cut, sample_rate=16_000) as reader:
        reader.seek(good.shape[1] - 50)
        assert np.array_equal(reader.read(50), good[:, -50:])
        with pytest.raises(DecodeError):
            reader.read(1)
        assert reader.tell() == good.shape[1]
        reader.seek(3)
        assert np.array_equal(reader.read(50), good[:, 3:53])


def test_arguments(encoded):
    data = encoded("pcm16.wav")
    for bad in (0, -1, 0.5, 44_100.5, float("nan"), "16k", True, 10**8):
        with pytest.raises(ParameterError, match="sample_rate must be a whole number"):
            lio.read(data, sample_rate=bad)
    with pytest.raises(ParameterError, match="quality must be one of 'fast'"):
        lio.read(data, sample_rate=8_000, quality="good")
    end = lio.read(data, sample_rate=8_000).frames
    with pytest.raises(ParameterError, match="start must be from 0"):
        lio.read(data, sample_rate=8_000, start=end + 1)
    assert lio.read(data, sample_rate=8_000, start=end).frames == 0
