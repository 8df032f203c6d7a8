"""Sony Wave64: against the encoders' own decoders, and headers made by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import DecodeError, UnsupportedFormat

CODECS = {
    "pcm_u8": "PCM_U8",
    "pcm_s16le": "PCM_16",
    "pcm_s24le": "PCM_24",
    "pcm_s32le": "PCM_32",
    "pcm_f32le": "FLOAT",
    "pcm_f64le": "DOUBLE",
    "pcm_alaw": "ALAW",
    "pcm_mulaw": "ULAW",
}
FILE = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
CODES = np.array([0, 1, -1, 32_767, -32_768, 12_345], np.int64)
RAW = CODES.astype("<i2").tobytes()


def chunk(name, body, size=None):
    size = 24 + len(body) if size is None else size
    return name + TAIL + struct.pack("<Q", size) + body + b"\0" * (-len(body) % 8)


def fmt(channels=1, rate=8_000, bits=16, tag=1):
    align = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits))


def w64(*chunks):
    body = b"wave" + TAIL + b"".join(chunks)
    return FILE + struct.pack("<Q", 24 + len(body)) + body


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_files_by_ffmpeg(codec, channels, noise, ffmpeg, decode_with_ffmpeg, tmp_path):
    path = tmp_path / "a.w64"
    ffmpeg("-i", noise(channels), "-c:a", codec, path)
    # ffmpeg counts the padding behind the audio as audio. soundfile takes floats for integers here.
    expected = decode_with_ffmpeg(path, channels)
    assert 2_003 <= expected.shape[1] < 2_011
    assert lio.info(path) == lio.Info("W64", CODECS[codec], 8_000, channels, expected.shape[1])
    assert np.array_equal(lio.read(path, dtype="float64").samples, expected)


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"]
)
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_files_by_soundfile(subtype, channels, tmp_path):
    path = tmp_path / "a.w64"
    samples = np.random.default_rng(3).uniform(-0.9, 0.9, (1_001, channels))
    soundfile.write(path, samples, 96_000, subtype)
    expected, _ = soundfile.read(path, always_2d=True)
    assert np.array_equal(lio.read(path, dtype="float64").samples, expected.T)


def test_other_chunks_and_an_unknown_length(noise, ffmpeg):
    expected, _ = soundfile.read(noise(2), always_2d=True)
    piped = ffmpeg("-i", noise(2), "-c:a", "pcm_s24le", "-f", "w64", "-")
    assert np.array_equal(lio.read(piped, dtype="float64").samples[:, :2_003], expected.T)
    for data in (
        w64(
            chunk(b"JUNK", b"odd"), fmt(), chunk(b"JUNK", b"x" * 9), chunk(b"data", RAW), chunk(b"JUNK", b"1")
        ),
        w64(fmt()) + b"data" + TAIL + struct.pack("<Q", 0) + RAW,
        w64(fmt()) + b"data" + TAIL + struct.pack("<Q", 24) + RAW,
        w64(fmt()) + b"data" + TAIL + struct.pack("<Q", 2**64 - 1) + RAW,
    ):
        assert np.array_equal(lio.read(data).samples[0], CODES / 2**15)
    assert lio.read(w64(fmt(), chunk(b"data", b""))).samples.shape == (1, 0)


@pytest.mark.parametrize("size", [38, 2**40, 2**63 - 2])
def test_sizes_that_lie_allocate_nothing(size):
    with pytest.raises(DecodeError, match="those from 6 on") as caught:
        lio.read(w64(fmt()) + b"data" + TAIL + struct.pack("<Q", size) + RAW)
    assert caught.value.report.frames_promised == (size - 24) // 2
    assert caught.value.report.byte_offset == 40 + 40 + 24 + 12


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (w64(), "before its audio format"),
        (w64(fmt()), "before its audio"),
        (w64(chunk(b"data", RAW)), "before its format"),
        (w64(chunk(b"JUNK", b"", 23), fmt(), chunk(b"data", RAW)), "before its audio"),
        (w64(chunk(b"JUNK", b"", 2**63 + 5), fmt(), chunk(b"data", RAW)), "before its audio"),
        (w64(fmt(), chunk(b"data", RAW, 5)), "size of 5"),
        (w64(fmt(channels=0), chunk(b"data", RAW)), "W64 header is damaged: it declares no channels"),
    ],
)
def test_damaged_headers_say_what_is_wrong(data, message):
    with pytest.raises(DecodeError, match=message):
        lio.read(data)


def test_another_riff_of_64_bits_is_not_taken_for_one():
    with pytest.raises(UnsupportedFormat, match="not a W64 file"):
        lio.read(w64(fmt(), chunk(b"data", RAW)).replace(b"wave" + TAIL, b"wavf" + TAIL))
