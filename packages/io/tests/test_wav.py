"""WAV files: every subtype against closed forms, the standard library and soundfile; hostile headers."""

from __future__ import annotations

import contextlib
import io
import struct
import wave

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DecodeError, LuthierError

BITS = {"PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


def codes_of(samples, bits):
    """The rule in one line: scale by 2^(bits-1), round half to even, clip."""
    scale = 2.0 ** (bits - 1)
    return np.clip(np.rint(np.asarray(samples, np.float64) * scale), -scale, scale - 1).astype(np.int64)


def stored_codes(path, bits):
    data = path.read_bytes()
    at = data.index(b"data") + 8
    size = int.from_bytes(data[at - 4 : at], "little")
    raw = np.frombuffer(data, np.uint8, size, at).reshape(-1, bits // 8)
    if bits == 8:
        return raw[:, 0].astype(np.int64) - 128
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 4 - bits // 8 :] = raw
    return wide.view("<i4")[:, 0].astype(np.int64) >> (32 - bits)


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def fmt(channels=1, rate=8_000, bits=16, tag=1, align=None):
    align = channels * ((bits + 7) // 8) if align is None else align
    return struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)


def riff(*chunks, size=None):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


PCM = np.array([0, 1, -1, 32_767, -32_768, 12_345], "<i2")


@pytest.mark.filterwarnings("ignore::luthier.core.ClippingWarning")
@pytest.mark.parametrize("subtype", BITS)
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_codes_follow_the_rule(tmp_path, subtype, channels, dtype):
    random = np.random.default_rng(channels)
    samples = random.uniform(-1.1, 1.1, (channels, 1_237)).astype(dtype)
    samples[:, :4] = [1, -1, 0.5, 0]
    samples[0, 4:40] = (np.arange(36) - 18 + 0.5) / 2 ** (BITS[subtype] - 1)  # ties
    path = tmp_path / "a.wav"
    lio.write(path, samples, 22_050, subtype=subtype)
    expected = codes_of(samples, BITS[subtype]).T.ravel()
    assert np.array_equal(stored_codes(path, BITS[subtype]), expected)
    back = lio.read(path, dtype="float64")
    assert np.array_equal(back.samples.T.ravel(), expected / 2.0 ** (BITS[subtype] - 1))
    assert lio.info(path) == lio.Info("WAV", subtype, 22_050, channels, 1_237)


@pytest.mark.parametrize(("bits", "subtype"), [(16, "PCM_16"), (24, "PCM_24")])
@pytest.mark.parametrize("extension", ["wav", "flac", "aiff"])
def test_every_code_survives_float32(tmp_path, bits, subtype, extension):
    if bits == 16:
        codes = np.arange(-32_768, 32_768)
    else:
        codes = np.unique(
            np.concatenate(
                [
                    np.random.default_rng(0).integers(-(2**23), 2**23, 200_000),
                    np.arange(-(2**23), -(2**23) + 500),
                    np.arange(2**23 - 500, 2**23),
                    np.arange(-500, 500),
                ]
            )
        )
    samples = (codes / 2 ** (bits - 1)).astype(np.float32)
    path = tmp_path / f"a.{extension}"
    lio.write(path, samples, 44_100, subtype=subtype)
    back = lio.read(path).samples[0]
    assert np.array_equal(back, samples)
    assert np.array_equal(codes_of(back, bits), codes)
    dtype = "int32"
    theirs, _ = soundfile.read(path, dtype=dtype)
    assert np.array_equal(theirs >> (32 - bits), codes)


@pytest.mark.parametrize("subtype", [*BITS, "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", ["channels_first", "frames_first"])
def test_reads_as_soundfile_does(tmp_path, subtype, channels, dtype, layout):
    samples = np.random.default_rng(1).uniform(-1, 1, (2_001, channels))
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 48_000, subtype=subtype)
    expected, _ = soundfile.read(path, dtype=dtype, always_2d=True)
    ours = lio.read(path, dtype=dtype, layout=layout)
    assert ours.samples.dtype == dtype
    assert ours.samples.flags.c_contiguous
    assert ours.sample_rate == 48_000
    assert np.array_equal(ours.samples if layout == "frames_first" else ours.samples.T, expected)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floats_come_back_as_they_were_and_are_not_clipped(tmp_path, subtype):
    dtype = np.float32 if subtype == "FLOAT" else np.float64
    samples = np.array([[0.1, -3.5, 1e-30, 1e30, -0.0]], dtype)
    lio.write(tmp_path / "a.wav", samples, 44_100, subtype=subtype)
    back = lio.read(tmp_path / "a.wav", dtype=dtype).samples
    assert back.tobytes() == samples.tobytes()
    theirs, _ = soundfile.read(tmp_path / "a.wav", dtype=np.dtype(dtype).name)
    assert np.array_equal(theirs, samples[0])


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_small_and_odd_files_are_well_formed(tmp_path, frames):
    samples = np.full((1, frames), 0.25, np.float32)
    path = tmp_path / "a.wav"
    lio.write(path, samples, 8_000, subtype="PCM_U8")
    data = path.read_bytes()
    assert len(data) % 2 == 0
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    assert lio.read(path).samples.shape == (1, frames)
    with wave.open(str(path)) as file:
        assert file.getnframes() == frames


def test_unknown_chunks_odd_sizes_and_junk_are_passed_over():
    data = riff(
        chunk(b"LIST", b"odd"),
        chunk(b"fmt ", fmt()),
        chunk(b"JUNK", b"x" * 77),
        chunk(b"data", PCM.tobytes()),
    )
    for end in (b"", chunk(b"id3 ", b"tail"), b"tail without a header"):
        assert np.array_equal(lio.read(data + end).samples[0] * 32_768, PCM)


def test_fmt_of_14_bytes_and_long_fmt():
    short = riff(chunk(b"fmt ", fmt()[:14]), chunk(b"data", PCM.tobytes()))
    long = riff(chunk(b"fmt ", fmt() + b"\0" * 30), chunk(b"data", PCM.tobytes()))
    for data in (short, long):
        assert np.array_equal(lio.read(data).samples[0] * 32_768, PCM)


def test_twelve_bits_and_24_in_four_bytes_are_left_justified():
    twelve = riff(chunk(b"fmt ", fmt(bits=12)), chunk(b"data", PCM.tobytes()))
    assert np.array_equal(lio.read(twelve).samples[0] * 32_768, PCM)
    wide = np.array([0, 1 << 30, -(1 << 31)], "<i4")
    data = riff(chunk(b"fmt ", fmt(bits=24, align=4)), chunk(b"data", wide.tobytes()))
    assert lio.read(data).samples.tolist() == [[0.0, 0.5, -1.0]]


def test_a_stream_of_unknown_length_goes_to_the_end():
    head = riff(chunk(b"fmt ", fmt()), size=0xFFFFFFFF) + b"data"
    for size in (0xFFFFFFFF, 0):
        data = head + struct.pack("<I", size) + PCM.tobytes()
        assert np.array_equal(lio.read(data).samples[0] * 32_768, PCM)


def test_an_empty_data_chunk_before_another_chunk_is_empty():
    data = riff(chunk(b"fmt ", fmt()), chunk(b"data", b""), chunk(b"LIST", b"INFO"))
    assert lio.read(data).samples.shape == (1, 0)


def test_rf64_sizes():
    ds64 = struct.pack("<QQQI", 0, PCM.nbytes, len(PCM), 0)
    body = b"WAVE" + chunk(b"ds64", ds64) + chunk(b"fmt ", fmt()) + b"data\xff\xff\xff\xff" + PCM.tobytes()
    for magic in (b"RF64", b"BW64"):
        data = magic + b"\xff\xff\xff\xff" + body + b"more"
        assert lio.info(data).format == "RF64"
        assert np.array_equal(lio.read(data).samples[0] * 32_768, PCM)


def test_truncation_is_told_with_both_numbers():
    data = riff(chunk(b"fmt ", fmt()), chunk(b"data", PCM.tobytes()))[:-5]
    assert lio.info(data).frames == 6
    with pytest.raises(DecodeError, match=r"of 6 frames, those from 3 on"):
        lio.read(data)
    assert np.array_equal(lio.read(data, frames=3).samples[0] * 32_768, PCM[:3])
    with lio.open(data) as reader:
        reader.seek(2)
        with pytest.raises(DecodeError, match="those from 3 on"):
            reader.read(2)


def test_sizes_that_lie_allocate_nothing():
    for size in (0x7FFFFFFF, 0xFFFFFFFE):
        data = (
            riff(chunk(b"fmt ", fmt(channels=2)), size=size) + b"data" + struct.pack("<I", size) + b"\0" * 16
        )
        with pytest.raises(DecodeError, match="those from 4 on"):
            lio.read(data)
    ds64 = struct.pack("<QQQI", 2**63, 2**63, 2**63, 0)
    data = (
        b"RF64\xff\xff\xff\xffWAVE" + chunk(b"ds64", ds64) + chunk(b"fmt ", fmt()) + b"data\xff\xff\xff\xff"
    )
    with pytest.raises(DecodeError, match="those from 0 on"):
        lio.read(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (riff(chunk(b"data", b"1234")), "before its format"),
        (riff(chunk(b"fmt ", fmt())), "before its audio"),
        (riff(), "before its audio"),
        (riff(chunk(b"fmt ", fmt()[:8])), "at least 14"),
        (riff(chunk(b"fmt ", fmt(channels=0)), chunk(b"data", b"1234")), "no channels"),
        (riff(chunk(b"fmt ", fmt(rate=0)), chunk(b"data", b"1234")), "sample rate of 0"),
        (riff(chunk(b"fmt ", fmt(bits=48, align=2)), chunk(b"data", b"1234")), "48 bits"),
        (riff(chunk(b"fmt ", fmt(bits=16, tag=3)), chunk(b"data", b"1234")), "16 bits"),
        (riff(chunk(b"fmt ", fmt(tag=0xFFFE)), chunk(b"data", b"1234")), "extensible"),
    ],
)
def test_damaged_headers_say_what_is_wrong(data, message):
    with pytest.raises(DecodeError, match=message):
        lio.read(data)


def made(subtype, channels):
    file = io.BytesIO()
    soundfile.write(
        file, np.linspace(-1, 1, 40 * channels).reshape(40, channels), 8_000, subtype, format="WAV"
    )
    return file.getvalue()


@settings(max_examples=8 * settings().max_examples, deadline=None)
@given(
    st.sampled_from(["PCM_16", "PCM_24", "PCM_U8", "FLOAT", "DOUBLE"]),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 400),
)
def test_mutated_files_never_crash(subtype, channels, changes, cut):
    data = bytearray(made(subtype, channels))
    for at, value in changes:
        if at < len(data):
            data[at] = value
    if cut < 200:
        del data[len(data) - min(cut, len(data)) :]
    try:
        audio = lio.read(bytes(data))
    except LuthierError:
        return
    assert audio.samples.ndim == 2
    assert audio.samples.size <= 8 * len(data) + 64


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_after_the_magic_never_crash(tail):
    for head in (b"RIFF\x20\0\0\0WAVE", b"RF64\xff\xff\xff\xffWAVE", b"RIFF\x20\0\0\0WAVEfmt \x10\0\0\0"):
        with contextlib.suppress(LuthierError):
            lio.read(head + tail)


def test_the_room_that_a_writer_leaves_holds_the_sizes_of_rf64(tmp_path):
    # 4 GiB of real samples are too much for a test: the header is changed by hand, the file is sparse.
    path = tmp_path / "a.wav"
    with lio.Writer(path, 48_000, 2, subtype="FLOAT") as writer:
        writer.write(np.full((2, 10), 0.5, np.float32))
    data = bytearray(path.read_bytes())
    assert data[12:16] == b"JUNK"
    frames = 2**29 + 5
    data[:4] = b"RF64"
    data[4:8] = b"\xff\xff\xff\xff"
    data[12:16] = b"ds64"
    data[20:48] = struct.pack("<QQQI", 0, frames * 8, frames, 0)
    at = data.index(b"data")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(at + 8 + frames * 8)
    assert lio.info(path).frames == frames
    assert lio.read(path, start=frames - 3).samples.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert lio.read(path, frames=10).samples.tolist() == [[0.5] * 10] * 2


def decode_ulaw(code):
    """ITU-T G.711, from its definition: sign, segment, step; the middle of each interval."""
    code = ~code & 0xFF
    magnitude = ((code & 15) * 2 + 33 << (code >> 4 & 7)) - 33
    return (-1 if code & 128 else 1) * magnitude * 4 / 32_768


def decode_alaw(code):
    code ^= 0x55
    segment, step = code >> 4 & 7, code & 15
    magnitude = 2 * step + 1 if segment == 0 else (2 * step + 33) << (segment - 1)
    return (1 if code & 128 else -1) * magnitude * 8 / 32_768


@pytest.mark.parametrize(("tag", "subtype", "law"), [(7, "ULAW", decode_ulaw), (6, "ALAW", decode_alaw)])
@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_code_of_g711(tag, subtype, law, channels, dtype):
    codes = bytes(range(256))
    data = riff(chunk(b"fmt ", fmt(channels=channels, bits=8, tag=tag)), chunk(b"data", codes))
    audio = lio.read(data, dtype=dtype)
    assert lio.info(data).subtype == subtype
    assert audio.samples.T.ravel().tolist() == [law(code) for code in codes]
    theirs, _ = soundfile.read(io.BytesIO(data), dtype=dtype)
    assert np.array_equal(audio.samples.T.ravel(), theirs.ravel())


@pytest.mark.parametrize(
    "codec",
    ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw"],
)
@pytest.mark.parametrize(
    ("channels", "more"),
    [
        (1, ()),
        (2, ()),
        (6, ()),
        (2, ("-write_bext", "1", "-metadata", "title=x")),
        (1, ("-rf64", "always")),
    ],
)
def test_files_by_ffmpeg(codec, channels, more, noise, ffmpeg, decode_with_ffmpeg, tmp_path):
    path = tmp_path / "a.wav"
    ffmpeg("-i", noise(channels), "-c:a", codec, *more, path)
    assert (b"bext" in path.read_bytes()) is ("-write_bext" in more)
    info = lio.info(path)
    assert info.format == ("RF64" if "-rf64" in more else "WAV")
    # ffmpeg counts the padding behind the audio of an RF64 file as audio.
    expected = decode_with_ffmpeg(path, channels)
    assert info.frames == expected.shape[1]
    assert np.array_equal(lio.read(path, dtype="float64").samples, expected)


@pytest.mark.parametrize(
    "coding", ["unsigned 8", "signed 16", "signed 24", "signed 32", "u-law 8", "a-law 8"]
)
@pytest.mark.parametrize("rate", [8_000, 96_000, 192_000])
@pytest.mark.parametrize("endian", ["-L", "-B"])
def test_files_by_sox_in_both_endians(coding, rate, endian, noise, sox, decode_with_sox, tmp_path):
    path = tmp_path / "a.wav"
    encoding, bits = coding.split()
    sox(noise(2, rate), endian, "-e", encoding, "-b", bits, path)
    assert path.read_bytes()[:4] == (b"RIFX" if endian == "-B" else b"RIFF")
    audio = lio.read(path, dtype="float64")
    assert audio.sample_rate == rate
    assert np.array_equal(audio.samples, decode_with_sox(path, 2))


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("tool", ["sox", "ffmpeg"])
def test_what_programs_write_into_a_pipe_goes_to_the_end(bits, tool, noise, sox, ffmpeg):
    if tool == "sox":
        data = sox(noise(2), "-b", bits, "-t", "wav", "-")
    else:
        data = ffmpeg("-i", noise(2), "-c:a", f"pcm_s{bits}le", "-f", "wav", "-")
    got = lio.read(data, dtype="float64").samples
    expected = lio.read(noise(2), dtype="float64").samples
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= (1 / 2**15 if bits == 16 else 0)


def test_an_mp3_in_a_wav_stays_with_libsndfile(noise, ffmpeg, tmp_path):
    path = tmp_path / "a.wav"
    ffmpeg("-i", noise(1), "-c:a", "libmp3lame", path)
    assert lio.info(path).subtype == "MPEG_LAYER_III"
    whole = path.read_bytes()
    with pytest.raises(DecodeError):
        lio.read(whole[: len(whole) * 2 // 3])
