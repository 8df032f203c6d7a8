"""AU: against the encoders' own decoders, and headers made by hand."""

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
    "pcm_s24be": "PCM_24",
    "pcm_s32be": "PCM_32",
    "pcm_f32be": "FLOAT",
    "pcm_f64be": "DOUBLE",
    "pcm_alaw": "ALAW",
    "pcm_mulaw": "ULAW",
}
CODES = np.array([0, 1, -1, 32_767, -32_768, 12_345], np.int64)


def au(data, encoding=3, rate=8_000, channels=1, offset=28, size=None, little=False, magic=None):
    order = "<" if little else ">"
    numbers = (offset, len(data) if size is None else size, encoding, rate, channels)
    magic = magic or (b"dns." if little else b".snd")
    return magic + struct.pack(f"{order}5I", *numbers) + b"\0" * (offset - 24) + data


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_files_by_ffmpeg(codec, channels, noise, ffmpeg, decode_with_ffmpeg, tmp_path):
    path = tmp_path / "a.au"
    ffmpeg("-i", noise(channels), "-c:a", codec, path)
    expected = decode_with_ffmpeg(path, channels)
    assert lio.info(path) == lio.Info("AU", CODECS[codec], 8_000, channels, 2_003)
    assert np.array_equal(lio.read(path, dtype="float64").samples, expected)
    assert np.array_equal(soundfile.read(path, always_2d=True)[0].T, expected)


@pytest.mark.parametrize("coding", ["signed 8", "signed 16", "signed 24", "signed 32", "u-law 8", "a-law 8"])
@pytest.mark.parametrize("endian", ["-L", "-B"])
def test_files_by_sox_in_both_endians(coding, endian, noise, sox, decode_with_sox, tmp_path):
    path = tmp_path / "a.au"
    encoding, bits = coding.split()
    sox(noise(2, 44_100), endian, "-e", encoding, "-b", bits, path)
    ours = lio.read(path, dtype="float64")
    assert ours.sample_rate == 44_100
    assert np.array_equal(ours.samples, decode_with_sox(path, 2))


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "DOUBLE"])
def test_files_by_soundfile_in_little_endian(subtype, noise, tmp_path):
    path = tmp_path / "a.au"
    samples, _ = soundfile.read(noise(2))
    soundfile.write(path, samples, 192_000, subtype, "LITTLE")
    assert path.read_bytes()[:4] == b"dns."
    expected, _ = soundfile.read(path)
    assert np.array_equal(lio.read(path, dtype="float64").samples, expected.T)


@pytest.mark.parametrize("tool", ["sox", "ffmpeg"])
def test_what_programs_write_into_a_pipe_goes_to_the_end(tool, noise, sox, ffmpeg):
    expected, _ = soundfile.read(noise(2), always_2d=True)
    if tool == "sox":
        piped = sox(noise(2), "-t", "au", "-")
    else:
        piped = ffmpeg("-i", noise(2), "-c:a", "pcm_s24be", "-f", "au", "-")
    assert (piped[8:12] == b"\xff" * 4) is (tool == "ffmpeg")
    assert np.array_equal(lio.read(piped, dtype="float64").samples, expected.T)


def test_the_two_byte_orders_and_the_comment():
    for little in (False, True):
        raw = CODES.astype("<i2" if little else ">i2").tobytes()
        for offset in (24, 28, 151):
            assert np.array_equal(lio.read(au(raw, offset=offset, little=little)).samples[0], CODES / 2**15)


@pytest.mark.parametrize("size", [13, 2**31, 2**32 - 2])
def test_sizes_that_lie_allocate_nothing(size):
    with pytest.raises(DecodeError, match="those from 6 on") as caught:
        lio.read(au(CODES.astype(">i2").tobytes(), size=max(size, 14)))
    report = caught.value.report
    assert (report.frames_promised, report.byte_offset) == (max(size, 14) // 2, 40)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b".snd", "before its audio"),
        (b".snd" + b"\0" * 19, "before its audio"),
        (au(b"1234")[:26], "before its audio"),
        (au(b"1234", rate=0), "sample rate of 0"),
        (au(b"1234", rate=2**31), "sample rate of 2,147,483,648"),
        (au(b"1234", channels=0), "no channels"),
        (au(b"1234", channels=2**20), "1,048,576 channels"),
        (b".snd" + struct.pack(">5I", 20, 4, 3, 8_000, 1), "byte 20"),
    ],
)
def test_damaged_headers_say_what_is_wrong(data, message):
    with pytest.raises(DecodeError, match=message):
        lio.read(data)
