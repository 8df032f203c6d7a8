"""`dtype=` and `out=`: integer codes, and arrays of the caller."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import LayoutError

INTEGERS = ["pcm16.wav", "pcm24.wav", "pcm8.wav", "pcm32.wav", "extensible.wav", "rf64.wav", "pcm16.flac",
            "pcm24.flac", "pcm16.aiff", "pcm24.caf"]  # fmt: skip


@pytest.mark.parametrize("name", INTEGERS)
def test_int32_holds_the_codes_left_justified(name, encoded):
    theirs, _ = soundfile.read(io.BytesIO(encoded(name)), dtype="int32", always_2d=True)
    assert np.array_equal(lio.read(encoded(name), dtype="int32").samples, theirs.T)
    assert np.array_equal(lio.read(encoded(name), dtype="int32", layout="frames_first").samples, theirs)


@pytest.mark.parametrize("name", ["pcm16.wav", "pcm8.wav", "pcm16.flac", "pcm16.aiff"])
def test_int16_holds_the_codes(name, encoded):
    theirs, _ = soundfile.read(io.BytesIO(encoded(name)), dtype="int16", always_2d=True)
    assert np.array_equal(lio.read(encoded(name), dtype=np.int16).samples, theirs.T)


@pytest.mark.parametrize("name", ["pcm24.wav", "pcm32.wav", "float.wav", "double.wav", "stereo.mp3"])
def test_int16_is_rounded_half_to_even_and_clipped(name, encoded):
    exact = lio.read(encoded(name), dtype="float64").samples
    codes = np.clip(np.rint(exact * 2.0**15), -(2**15), 2**15 - 1)
    if name == "stereo.mp3":
        codes = np.clip(np.rint(lio.read(encoded(name)).samples * 2.0**15), -(2**15), 2**15 - 1)
    assert np.array_equal(lio.read(encoded(name), dtype="int16").samples, codes)


def test_ties_and_full_scale(tmp_path):
    ties = np.array([[0.5, 1.5, 2.5, -0.5, -1.5, 32_767.5, 32_768, 1e9, -32_768, -32_769, -1e9]])
    lio.write(tmp_path / "a.wav", ties / 2.0**15, 8_000, subtype="DOUBLE")
    got = lio.read(tmp_path / "a.wav", dtype="int16").samples[0].tolist()
    assert got == [0, 2, 2, 0, -2, 32_767, 32_767, 32_767, -32_768, -32_768, -32_768]


@pytest.mark.parametrize("name", ["pcm16.wav", "pcm24.flac", "stereo.ogg", "extensible.wav"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32"])
@pytest.mark.parametrize("layout", ["channels_first", "frames_first"])
def test_out(name, dtype, layout, encoded):
    data = encoded(name)
    full = lio.read(data, dtype=dtype, layout=layout).samples
    axis = 0 if layout == "frames_first" else 1
    channels, frames = full.shape[1 - axis], full.shape[axis]
    room = frames + 10
    out = np.full((room, channels) if axis == 0 else (channels, room), 77, dtype)
    audio = lio.read(data, out=out, layout=layout)
    assert audio.samples.base is out
    assert np.array_equal(audio.samples, full)
    assert (out[frames:] == 77).all() if axis == 0 else (out[:, frames:] == 77).all()
    part = lio.read(data, out=out, layout=layout, start=1_000, frames=50).samples
    assert np.array_equal(part, full[1_000:1_050] if axis == 0 else full[:, 1_000:1_050])
    with lio.open(data) as reader:
        small = out[:500] if axis == 0 else np.ascontiguousarray(out[:, :500])
        seen = [reader.read(out=small, layout=layout).copy() for _ in range(3)]
    assert np.array_equal(np.concatenate(seen, axis), full[:1_500] if axis == 0 else full[:, :1_500])


def test_out_may_be_a_part_of_an_array(encoded):
    full = lio.read(encoded("pcm16.wav")).samples
    whole = np.zeros((4, 2, 3_000), np.float32)
    lio.read(encoded("pcm16.wav"), out=whole[2][:, 500:1_500], frames=800)
    assert np.array_equal(whole[2][:, 500:1_300], full[:, :800])
    assert np.count_nonzero(whole) == np.count_nonzero(full[:, :800])


def test_out_that_does_not_fit(encoded):
    data = encoded("pcm16.wav")
    read_only = np.zeros((2, 10), np.float32)
    read_only.flags.writeable = False
    for out, more, message in [
        (np.zeros((3, 10), np.float32), {}, "out must have 2 channels, got 3"),
        (np.zeros((2, 10), np.float32), {"frames": 11}, "room for 10 frames, and 11 are to be read"),
        (np.zeros((2, 10), np.uint8), {}, "out must be float32, float64, int16 or int32, got uint8"),
        (np.zeros((2, 10), ">f4"), {}, "got >f4"),
        (np.zeros((2, 10), np.float32), {"dtype": "float64"}, "out is float32, and dtype asks for float64"),
        (np.zeros(10, np.float32), {}, r"shape \(channels, frames\), got \(10,\)"),
        (read_only, {}, "read-only"),
        (np.zeros((2, 20), np.float32)[:, ::2], {}, "frames that follow|rows without gaps"),
        (np.zeros((10, 2), np.float32).T, {}, "strides"),
        (np.lib.stride_tricks.as_strided(np.zeros(20, np.float32), (2, 10), (4, 4)), {}, "do not overlap"),
        ([[0.0] * 10] * 2, {}, "out must be an array, got list"),
    ]:
        with pytest.raises(LayoutError, match=message):
            lio.read(data, out=out, **more)
