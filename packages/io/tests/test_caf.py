"""Core Audio Format: against the encoders' own decoders, and headers made by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import DecodeError

CODECS = {
    "pcm_s8": "PCM_S8",
    "pcm_s16be": "PCM_16",
    "pcm_s16le": "PCM_16",
    "pcm_s24be": "PCM_24",
    "pcm_s24le": "PCM_24",
    "pcm_s32be": "PCM_32",
    "pcm_s32le": "PCM_32",
    "pcm_f32be": "FLOAT",
    "pcm_f32le": "FLOAT",
    "pcm_f64be": "DOUBLE",
    "pcm_f64le": "DOUBLE",
    "pcm_alaw": "ALAW",
    "pcm_mulaw": "ULAW",
}
CODES = np.array([0, 1, -1, 32_767, -32_768, 12_345], np.int64)
BIG = CODES.astype(">i2").tobytes()


def chunk(name, body, size=None):
    return name + struct.pack(">q", len(body) if size is None else size) + body


def describe(channels=1, bits=16, rate=8_000.0, codec=b"lpcm", flags=0, packet=None, frames=1):
    packet = channels * ((bits + 7) // 8) if packet is None else packet
    return chunk(b"desc", struct.pack(">d4sIIIII", rate, codec, flags, packet, frames, channels, bits))


def caf(*chunks):
    return b"caff\0\1\0\0" + b"".join(chunks)


def audio(data, size=None):
    return chunk(b"data", b"\0\0\0\7" + data, size)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_files_by_ffmpeg(codec, channels, noise, ffmpeg, decode_with_ffmpeg, tmp_path):
    path = tmp_path / "a.caf"
    ffmpeg("-i", noise(channels), "-c:a", codec, path)
    expected = decode_with_ffmpeg(path, channels)
    assert lio.info(path) == lio.Info("CAF", CODECS[codec], 8_000, channels, 2_003)
    assert np.array_equal(lio.read(path, dtype="float64").samples, expected)
    assert np.array_equal(soundfile.read(path, always_2d=True)[0].T, expected)


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
def test_files_by_soundfile(rate, subtype, endian, noise, tmp_path):
    path = tmp_path / "a.caf"
    samples, _ = soundfile.read(noise(2))
    soundfile.write(path, samples, rate, subtype, endian)
    expected, _ = soundfile.read(path)
    ours = lio.read(path, dtype="float64")
    assert ours.sample_rate == rate
    assert np.array_equal(ours.samples, expected.T)


def test_a_size_of_minus_one_goes_to_the_end(noise, ffmpeg):
    expected, _ = soundfile.read(noise(2), always_2d=True)
    piped = ffmpeg("-i", noise(2), "-c:a", "pcm_s24be", "-f", "caf", "-")
    assert b"data" + b"\xff" * 8 in piped
    assert np.array_equal(lio.read(piped, dtype="float64").samples, expected.T)
    by_hand = caf(describe(), audio(BIG, -1))
    assert np.array_equal(lio.read(by_hand).samples[0], CODES / 2**15)


def test_apple_lossless_stays_with_libsndfile(noise, tmp_path):
    path = tmp_path / "a.caf"
    samples, _ = soundfile.read(noise(2))
    soundfile.write(path, samples, 44_100, "ALAC_16", format="CAF")
    assert lio.info(path).subtype == "ALAC_16"
    assert np.abs(lio.read(path, dtype="float64").samples - samples.T).max() <= 1 / 2**15


def test_samples_lie_left_justified_in_their_bytes():
    twelve = caf(describe(bits=12), audio(BIG))
    assert np.array_equal(lio.read(twelve).samples[0], CODES / 2**15)
    wide = caf(describe(bits=24, packet=4, flags=2), audio(struct.pack("<2i", 2**30, -(2**31))))
    assert lio.read(wide).samples.tolist() == [[0.5, -1.0]]


def test_other_chunks_and_a_broken_rate():
    data = caf(describe(rate=44_099.6), chunk(b"free", b"x" * 77), audio(BIG), chunk(b"info", b"\0" * 5))
    got = lio.read(data)
    assert got.sample_rate == 44_100
    assert np.array_equal(got.samples[0], CODES / 2**15)


@pytest.mark.parametrize("size", [17, 2**40, 2**63 - 1])
def test_sizes_that_lie_allocate_nothing(size):
    with pytest.raises(DecodeError, match="those from 6 on") as caught:
        lio.read(caf(describe(), audio(BIG, max(size, 18))))
    assert caught.value.report.frames_promised == (max(size, 18) - 4) // 2
    assert caught.value.report.byte_offset == 8 + 44 + 16 + 12


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (caf(), "before its audio format"),
        (caf(describe()), "before its audio"),
        (caf(audio(BIG)), "before its format"),
        (caf(chunk(b"desc", b"\0" * 31), audio(BIG)), "fewer than 32"),
        (caf(describe(channels=0, packet=2), audio(BIG)), "no channels"),
        (caf(describe(channels=70_000), audio(BIG)), "70,000 channels"),
        (caf(describe(rate=0.0), audio(BIG)), "sample rate of 0"),
        (caf(describe(rate=float("nan")), audio(BIG)), "sample rate of"),
        (caf(describe(rate=1e300), audio(BIG)), "sample rate of"),
        (caf(describe(bits=40), audio(BIG)), "40 bits"),
        (caf(describe(bits=16, packet=0), audio(BIG)), "packets of 0 bytes"),
        (caf(describe(frames=2), audio(BIG)), "2 frames"),
        (caf(describe(bits=16, flags=1), audio(BIG)), "16 bits"),
        (caf(describe(), audio(BIG, 3)), "size of 3"),
        (caf(describe(), audio(BIG, -2)), "size of -2"),
        (caf(describe(), chunk(b"free", b"", -5), audio(BIG)), "size of -5"),
        (caf(describe(), chunk(b"free", b"", 2**62), audio(BIG)), "before its audio"),
    ],
)
def test_damaged_headers_say_what_is_wrong(data, message):
    with pytest.raises(DecodeError, match=message):
        lio.read(data)
