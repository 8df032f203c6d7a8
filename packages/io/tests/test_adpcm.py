"""IMA and MS ADPCM in WAV and W64: SoX, ffmpeg and soundfile as oracles; blocks made by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DamagedAudioWarning, DecodeError

IMA, MS = 0x11, 2


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def wav(tag, blocks, block_bytes, channels=1, per_block=0, fact=None, size=None, bits=4):
    head = struct.pack("<HHIIHHHH", tag, channels, 8_000, 4_000, block_bytes, bits, 2, per_block)
    body = b"WAVE" + chunk(b"fmt ", head)
    if fact is not None:
        body += chunk(b"fact", struct.pack("<I", fact))
    body += b"data" + struct.pack("<I", len(blocks) if size is None else size) + blocks
    return b"RIFF" + struct.pack("<I", len(body)) + body


def codes(data, **options):
    return (lio.read(data, dtype="float64", **options).samples * 32_768).astype(int)


@pytest.mark.parametrize("coding", ["ima-adpcm", "ms-adpcm"])
@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_files_by_sox(coding, channels, rate, noise, sox, decode_with_sox, tmp_path):
    path = tmp_path / "a.wav"
    sox(noise(channels, rate), "-e", coding, path)
    # SoX and soundfile go on to the end of the last block, of which "fact" says where the audio ends.
    expected = decode_with_sox(path, channels)[:, :2_003]
    info = lio.info(path)
    assert info == lio.Info("WAV", coding.replace("-", "_").upper(), rate, channels, 2_003)
    assert np.array_equal(lio.read(path, dtype="float64").samples, expected)
    if channels <= 2:
        theirs, _ = soundfile.read(path, always_2d=True)
        assert theirs.shape[0] > 2_003
        assert np.array_equal(theirs[:2_003].T, expected)


@pytest.mark.parametrize("codec", ["adpcm_ima_wav", "adpcm_ms"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("extension", ["wav", "w64"])
def test_files_by_ffmpeg(codec, channels, extension, noise, ffmpeg, tmp_path):
    path = tmp_path / f"a.{extension}"
    ffmpeg("-i", noise(channels), "-c:a", codec, path)
    theirs, _ = soundfile.read(path, always_2d=True)
    ours = lio.read(path, dtype="float64").samples
    assert 2_003 <= ours.shape[1] <= len(theirs)
    assert np.array_equal(ours, theirs[: ours.shape[1]].T)


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM"])
@pytest.mark.parametrize("channels", [1, 2])
def test_files_by_soundfile(subtype, channels, tmp_path):
    path = tmp_path / "a.wav"
    samples = 0.5 * np.sin(np.outer(np.arange(1, channels + 1), np.arange(7_001) / 10))
    soundfile.write(path, samples.T, 22_050, subtype)
    theirs, _ = soundfile.read(path, always_2d=True)
    ours = lio.read(path, dtype="float64").samples
    assert np.array_equal(ours, theirs[: ours.shape[1]].T)
    error = ours[:, :7_001] - samples
    assert 10 * np.log10((samples**2).sum() / (error**2).sum()) > 24  # four bits without a prediction


def test_an_ima_block_by_hand():
    # From 100 with a step of 7 (index 0): +7/8 rounds to 0; 7: 7+3+1+0 = 11, index 8 with a step of 16;
    # 15: -(16+8+4+2) = -30, index 16, step 34; 0: +34/8 = 4; then zeros.
    block = struct.pack("<hBB", 100, 0, 0) + bytes([0x70, 0x0F, 0, 0])
    data = wav(IMA, block, 8)
    assert lio.info(data).frames == 9
    assert codes(data)[0, :5].tolist() == [100, 100, 111, 81, 85]


def test_an_ms_block_by_hand():
    # Predictor 1 is 2 a - b. From 10, 20 with a delta of 16: 30 + 1 * 16 = 46, delta 16 * 230 / 256 -> 16;
    # 72 - 16 = 56.
    block = struct.pack("<Bhhh", 1, 16, 20, 10) + bytes([0x1F])
    data = wav(MS, block, 8)
    assert codes(data)[0].tolist() == [10, 20, 46, 56]


@pytest.mark.parametrize("tag", [IMA, MS])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_the_last_block_may_be_shorter_and_fact_may_say_where_it_ends(tag, channels):
    header = (4 if tag == IMA else 7) * channels
    random = np.random.default_rng(tag)

    def block(size):
        body = bytearray(random.integers(0, 256, size, np.uint8).tobytes())
        for c in range(channels):
            if tag == IMA:
                body[4 * c + 2] %= 89
            else:
                body[c] %= 7
        return bytes(body)

    size = header + 24 * channels
    per_block = 49 if tag == IMA else 50
    whole = block(size) + block(size)
    part = block(header + 4 * channels)
    there = 2 * per_block + (9 if tag == IMA else 10)
    data = wav(tag, whole + part, size, channels)
    assert lio.info(data).frames == there
    full = codes(data)
    assert full.shape == (channels, there)
    for fact, frames in [
        (there - 1, there - 1),
        (there - 5, there - 5),
        (there + 1, there),
        (0, there),
        (3, there),
        (2**32 - 1, there),
    ]:
        assert np.array_equal(codes(wav(tag, whole + part, size, channels, fact=fact)), full[:, :frames])
    # A block may hold fewer frames than there is room for.
    shorter = codes(wav(tag, whole, size, channels, per_block=per_block - 3))
    assert np.array_equal(shorter[:, : per_block - 3], full[:, : per_block - 3])
    assert np.array_equal(shorter[:, per_block - 3 :], full[:, per_block : 2 * per_block - 3])
    # A cut takes frames from the end and changes no other.
    for kept in range(len(whole) + len(part)):
        cut = wav(tag, (whole + part)[:kept], size, channels, size=len(whole) + len(part))
        with pytest.raises(DecodeError, match="cut short") as caught:
            lio.read(cut)
        blocks, rest = divmod(kept, size)
        if tag == MS:
            extra = 2 + (rest - header) * 2 // channels
        else:
            groups, left = divmod(rest - header, 4 * channels)
            extra = 1 + 8 * groups + 2 * max(0, left - 4 * (channels - 1))
        frames = blocks * per_block + (extra if rest >= header else 0)
        report = caught.value.report
        assert (report.frame, report.frames_decoded, report.frames_promised) == (frames, frames, there)
        got = (caught.value.audio.samples * 32_768).astype(int)
        assert np.array_equal(got, full[:, :frames])


@pytest.mark.parametrize(("tag", "bad"), [(IMA, struct.pack("<hBB", 0, 89, 0)), (MS, b"\x07" + b"\0" * 6)])
def test_a_damaged_block_is_told_and_the_next_one_read(tag, bad):
    good = struct.pack("<hBB", 1_000, 0, 0) if tag == IMA else struct.pack("<Bhhh", 0, 16, 1_000, 1_000)
    size = len(good) + 16
    blocks = good + b"\0" * 16 + bad + b"\0" * 16 + good + b"\0" * 16
    data = wav(tag, blocks, size)
    per_block = 33 if tag == IMA else 34
    with pytest.raises(DecodeError, match="header of an ADPCM block is damaged") as caught:
        lio.read(data)
    assert caught.value.report.frame == per_block
    assert caught.value.report.byte_offset == data.index(blocks) + size
    with pytest.warns(DamagedAudioWarning):
        padded = codes(data, on_error="pad")[0]
    assert padded.tolist() == [1_000] * per_block + [0] * per_block + [1_000] * per_block
    with lio.open(data) as reader:
        reader.seek(2 * per_block + 5)
        assert np.array_equal(reader.read(20)[0] * 32_768, np.full(20, 1_000))
        reader.seek(per_block + 5)
        with pytest.raises(DecodeError):
            reader.read(1)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([IMA, MS]),
    st.integers(1, 3),
    st.integers(0, 300),
    st.binary(max_size=600),
    st.integers(0, 2**32 - 1),
)
def test_any_blocks_decode_or_are_told(tag, channels, block_bytes, blocks, size):
    data = wav(tag, blocks, block_bytes, channels, size=size)
    try:
        audio = lio.read(data)
    except DecodeError:
        return
    assert audio.samples.shape[0] == channels
    assert np.abs(audio.samples).max(initial=0) <= 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wav(IMA, b"12345678", 3), "blocks of 3 bytes for 1 channels"),
        (wav(MS, b"12345678", 6), "blocks of 6 bytes for 1 channels"),
        (wav(IMA, b"12345678", 8, channels=4), "blocks of 8 bytes for 4 channels"),
        (wav(IMA, b"12345678", 0), "blocks of 0 bytes"),
    ],
)
def test_damaged_headers_say_what_is_wrong(data, message):
    with pytest.raises(DecodeError, match=message):
        lio.read(data)
