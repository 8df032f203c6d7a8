"""AIFF and AIFF-C: against the encoders' own decoders, and headers made by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import DecodeError


def extended(value):
    """An IEEE 754 number of 80 bits, for a positive integer or a dyadic fraction."""
    exponent = 0
    while value < 1 << 63:
        value *= 2
        exponent -= 1
    return struct.pack(">HQ", 16_383 + 63 + exponent, int(value))


def chunk(name, body):
    return name + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)


def common(frames, channels=1, bits=16, rate=8_000, codec=None):
    body = struct.pack(">hIh", channels, frames, bits) + extended(rate)
    return chunk(b"COMM", body if codec is None else body + codec + b"\0\0")


def sound(data, offset=0, size=None):
    body = struct.pack(">II", offset, 0) + b"x" * offset + data
    return b"SSND" + struct.pack(">I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def form(*chunks, kind=b"AIFF"):
    body = kind + b"".join(chunks)
    return b"FORM" + struct.pack(">I", len(body)) + body


CODES = np.array([0, 1, -1, 32_767, -32_768, 12_345], np.int64)
BIG = CODES.astype(">i2").tobytes()

CODECS = {
    "pcm_s8": "PCM_S8",
    "pcm_s16be": "PCM_16",
    "pcm_s24be": "PCM_24",
    "pcm_s32be": "PCM_32",
    "pcm_s16le": "PCM_16",
    "pcm_f32be": "FLOAT",
    "pcm_f64be": "DOUBLE",
    "pcm_alaw": "ALAW",
    "pcm_mulaw": "ULAW",
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_files_by_ffmpeg(codec, channels, noise, ffmpeg, decode_with_ffmpeg, tmp_path):
    path = tmp_path / "a.aiff"
    ffmpeg("-i", noise(channels), "-c:a", codec, path)
    expected = decode_with_ffmpeg(path, channels)
    assert lio.info(path) == lio.Info("AIFF", CODECS[codec], 8_000, channels, expected.shape[1])
    assert np.array_equal(lio.read(path, dtype="float64").samples, expected)
    assert np.array_equal(lio.read(path).samples, expected.astype(np.float32))
    assert np.array_equal(soundfile.read(path, always_2d=True)[0].T, expected)


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000, 192_000])
def test_files_by_sox(bits, rate, noise, sox, decode_with_sox, tmp_path):
    path = tmp_path / "a.aiff"
    sox(noise(2, rate), "-b", bits, path)
    expected = decode_with_sox(path, 2)
    assert expected.shape == (2, 2_003)
    audio = lio.read(path, dtype="float64")
    assert audio.sample_rate == rate
    assert np.array_equal(audio.samples, expected)


def test_what_programs_write_into_a_pipe_goes_to_the_end(noise, sox, ffmpeg):
    expected, _ = soundfile.read(noise(2), always_2d=True, dtype="int32")
    expected = (expected >> 16).T
    ours = lio.read(sox(noise(2), "-b", "24", "-t", "aiff", "-"), dtype="int32").samples
    assert np.array_equal(ours >> 16, expected)
    # Where SoX rounds, ffmpeg cuts off.
    piped = lio.read(ffmpeg("-i", noise(2), "-f", "aiff", "-c:a", "pcm_s24be", "-"), dtype="int32").samples
    assert np.array_equal(piped, ours)


@pytest.mark.parametrize(
    ("codec", "bits", "data", "subtype", "expected"),
    [
        (b"NONE", 16, BIG, "PCM_16", CODES / 2**15),
        (b"twos", 16, BIG, "PCM_16", CODES / 2**15),
        (b"sowt", 16, CODES.astype("<i2").tobytes(), "PCM_16", CODES / 2**15),
        (b"NONE", 12, BIG, "PCM_16", CODES / 2**15),
        (b"NONE", 8, b"\x00\x01\x7f\x80\xff\x55", "PCM_S8", np.array([0, 1, 127, -128, -1, 85]) / 128),
        (b"raw ", 8, b"\x80\x81\xff\x00\x7f\xd5", "PCM_U8", np.array([0, 1, 127, -128, -1, 85]) / 128),
        (b"NONE", 24, b"\x12\x34\x56\x80\x00\x00", "PCM_24", np.array([0x123456, -(2**23)]) / 2**23),
        (b"in24", 16, b"\x12\x34\x56\x80\x00\x00", "PCM_24", np.array([0x123456, -(2**23)]) / 2**23),
        (b"42ni", 24, b"\x56\x34\x12\x00\x00\x80", "PCM_24", np.array([0x123456, -(2**23)]) / 2**23),
        (b"in32", 16, struct.pack(">2i", 2**30, -(2**31)), "PCM_32", np.array([0.5, -1])),
        (b"23ni", 32, struct.pack("<2i", 2**30, -(2**31)), "PCM_32", np.array([0.5, -1])),
        (b"fl32", 32, struct.pack(">2f", 0.1, -3.5), "FLOAT", np.array([0.1, -3.5], np.float32)),
        (b"FL64", 64, struct.pack(">2d", 0.1, -3.5), "DOUBLE", np.array([0.1, -3.5])),
    ],
)
def test_every_codec_by_hand(codec, bits, data, subtype, expected):
    file = form(common(len(expected), bits=bits, codec=codec), sound(data), kind=b"AIFC")
    assert lio.info(file).subtype == subtype
    assert np.array_equal(lio.read(file, dtype="float64").samples[0], expected)


@pytest.mark.parametrize(
    ("rate", "read"),
    [(1, 1), (8_000, 8_000), (44_100, 44_100), (22_254.5454, 22_255), (2**31 - 1, 2**31 - 1)],
)
def test_sample_rates(rate, read):
    assert lio.info(form(common(6, rate=rate), sound(BIG))).sample_rate == read


def test_chunks_may_come_in_any_order_and_data_behind_an_offset():
    expected = CODES / 2**15
    junk = chunk(b"ANNO", b"odd")
    for data in (
        form(junk, common(6), junk, sound(BIG), junk),
        form(sound(BIG), junk, common(6)),
        form(common(6), sound(BIG, offset=511)),
        form(sound(BIG, offset=1), common(6)),
    ):
        assert np.array_equal(lio.read(data).samples[0], expected)
    assert lio.read(form(common(0))).samples.shape == (1, 0)


def test_the_common_chunk_counts_the_frames():
    assert np.array_equal(lio.read(form(common(4), sound(BIG))).samples[0], CODES[:4] / 2**15)
    with pytest.raises(DecodeError, match="of 9 frames, those from 6 on") as caught:
        lio.read(form(common(9), sound(BIG)))
    assert caught.value.audio.samples.shape == (1, 6)


def test_sizes_that_lie_allocate_nothing():
    for frames in (2**32 - 1, 2**31, 7):
        with pytest.raises(DecodeError, match="those from 6 on") as caught:
            lio.read(form(common(frames), sound(BIG, size=0xFFFFFFF0)))
        report = caught.value.report
        assert (report.frame, report.byte_offset, report.frames_promised) == (6, 66, frames)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (form(), "before its audio format"),
        (form(common(6)), "before its audio"),
        (form(chunk(b"COMM", b"\0" * 17), sound(BIG)), "at least 18"),
        (form(common(6), sound(BIG), kind=b"AIFC"), "at least 22"),
        (form(common(6, channels=0), sound(BIG)), "no channels"),
        (form(common(6, bits=0), sound(BIG)), "0 bits"),
        (form(common(6, bits=33), sound(BIG)), "33 bits"),
        (form(common(6, rate=2**32), sound(BIG)), "sample rate of 4,294,967,296"),
        (form(chunk(b"COMM", struct.pack(">hIh", 1, 6, 16) + b"\0" * 10), sound(BIG)), "sample rate of 0"),
        (form(chunk(b"COMM", struct.pack(">hIh", 1, 6, 16) + b"\x7f" * 10), sound(BIG)), "sample rate"),
        (form(common(6), sound(BIG, offset=50, size=20)), "behind the end of its chunk"),
    ],
)
def test_damaged_headers_say_what_is_wrong(data, message):
    with pytest.raises(DecodeError, match=message):
        lio.read(data)
