"""`channels=`: selection, downmix and copies, for every way of reading."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import ParameterError

SIX = "extensible.wav"  # of six channels


def everywhere(data, channels, **more):
    """One result from each way of reading, which must agree."""
    got = lio.read(data, channels=channels, **more).samples
    with lio.open(data, channels=channels) as reader:
        assert reader.channels == got.shape[0]
        assert np.array_equal(reader.read(**more), got)
    assert np.array_equal(np.concatenate(list(lio.blocks(data, 9_000, channels=channels, **more)), 1), got)
    assert np.array_equal(lio.read_many([data], channels=channels, **more)[0].samples, got)
    across = lio.read(data, channels=channels, layout="frames_first", **more).samples
    assert np.array_equal(across.T, got)
    return got


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [SIX, "pcm16.flac", "stereo.mp3"])
def test_mono_is_the_mean(name, dtype, encoded):
    full = lio.read(encoded(name), dtype=dtype).samples
    for channels in ("mono", 1):
        assert np.array_equal(everywhere(encoded(name), channels, dtype=dtype)[0], full.mean(axis=0))


@pytest.mark.parametrize("dtype", ["float32", "int16", "int32"])
@pytest.mark.parametrize(
    "channels",
    [[0], [5, 0], (2, 2, 2), [-1], np.array([3, 1]), slice(2), slice(None, None, -2), slice(-2, None)],
)
def test_selection(channels, dtype, encoded):
    full = lio.read(encoded(SIX), dtype=dtype).samples
    picked = full[list(channels)] if not isinstance(channels, slice) else full[channels]
    assert np.array_equal(everywhere(encoded(SIX), channels, dtype=dtype), picked)


bounds = st.none() | st.integers(-9, 9)


@given(bounds, bounds, st.none() | st.integers(-7, 7).filter(bool))
def test_slices_are_those_of_python(encoded, start, stop, step):
    full = lio.read(encoded(SIX), frames=10).samples
    chosen = slice(start, stop, step)
    if full[chosen].shape[0] == 0:
        with pytest.raises(ParameterError, match="selects none"):
            lio.read(encoded(SIX), frames=10, channels=chosen)
    else:
        assert np.array_equal(lio.read(encoded(SIX), frames=10, channels=chosen).samples, full[chosen])


def test_a_number_of_channels(encoded):
    mono = lio.read(encoded("pcm8.wav")).samples
    assert np.array_equal(everywhere(encoded("pcm8.wav"), 3), np.repeat(mono, 3, axis=0))
    full = lio.read(encoded(SIX)).samples
    assert np.array_equal(everywhere(encoded(SIX), 6), full)
    with pytest.raises(
        ParameterError, match=r"has 6 channels, and channels=2 .* channels='mono' .*=\[0, 1\]"
    ):
        lio.read(encoded(SIX), channels=2)


def test_mono_of_mono_is_itself(encoded):
    mono = lio.read(encoded("pcm8.wav")).samples
    assert np.array_equal(everywhere(encoded("pcm8.wav"), "mono"), mono)


@pytest.mark.parametrize(
    "bad", [0, -1, "left", [], [0.5], True, [True, False], 1.0, slice(0, 1, 0), {"a": 1}, 10**30, [10**30]]
)
def test_what_is_no_choice_of_channels(bad, encoded):
    with pytest.raises(ParameterError, match="channels must be 'mono'"):
        lio.read(encoded(SIX), channels=bad)


@pytest.mark.parametrize("bad", [[6], [-7], [0, 9]])
def test_channels_that_are_not_there(bad, encoded):
    with pytest.raises(ParameterError, match="has 6 channels, which count from 0"):
        lio.read(encoded(SIX), channels=bad)
