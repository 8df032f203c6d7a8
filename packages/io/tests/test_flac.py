"""FLAC and Ogg FLAC by real encoders, bit for bit what `flac -d` decodes; and what is done about damage."""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DamagedAudioWarning, DecodeError, LuthierError

relaxed = settings(
    max_examples=max(10, settings().max_examples // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def codes_of(samples, bits):
    """Integers, (channels, frames)."""
    top = 2 ** (bits - 1)
    return np.clip(np.rint(samples.astype(np.float64) * top), -top, top - 1).astype(np.int64)


def raw(codes, bits):
    """Interleaved little-endian bytes, as `flac --force-raw-format` takes and gives them."""
    width = (bits + 7) // 8
    shifted = np.ascontiguousarray(codes.T).astype("<i4")
    return shifted.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()


def flac(encoder, *arguments, given=b""):
    done = subprocess.run([encoder("flac"), "-s", *arguments, "-"], input=given, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def encoded_by_flac(encoder, codes, bits, rate, *arguments):
    described = [f"--bps={bits}", f"--channels={len(codes)}", f"--sample-rate={rate}"]
    flags = ["--force-raw-format", "--endian=little", "--sign=signed", *described]
    with tempfile.TemporaryDirectory() as folder:
        # Not to a pipe, where neither length nor MD5 can be filled in.
        path = Path(folder, "a.flac")
        flac(encoder, *flags, *arguments, "-o", str(path), given=raw(codes, bits))
        return path.read_bytes()


def check(data, codes, bits):
    audio = lio.read(data, dtype="float64")
    assert np.array_equal(audio.samples * 2.0 ** (bits - 1), codes)
    assert np.array_equal(lio.read(data).samples, audio.samples.astype(np.float32))
    assert lio.verify(data).startswith("frame CRC-16")


@pytest.fixture(scope="module", name="long")
def _long(encoder, synthesise):
    """(the file, its codes): too long to be walked through, without a seek table."""
    codes = codes_of(synthesise(1_000_003, 44_100, 2), 16)
    return encoded_by_flac(encoder, codes, 16, 44_100, "-5", "--no-seektable"), codes


@pytest.mark.parametrize("level", range(9))
@pytest.mark.parametrize("bits", [8, 16, 24])
def test_every_level(encoder, synthesise, level, bits):
    codes = codes_of(synthesise(30_000, 44_100, 2), bits)
    data = encoded_by_flac(encoder, codes, bits, 44_100, f"-{level}")
    check(data, codes, bits)
    assert flac(
        encoder, "-d", "--force-raw-format", "--endian=little", "--sign=signed", "-c", given=data
    ) == raw(codes, bits)


@pytest.mark.parametrize("channels", range(1, 9))
def test_every_count_of_channels(encoder, synthesise, channels):
    codes = codes_of(synthesise(9_001, 48_000, channels), 16)
    check(encoded_by_flac(encoder, codes, 16, 48_000), codes, 16)


@pytest.mark.parametrize("block", [16, 192, 1_000, 1_152, 4_608, 16_384, 65_535])
def test_block_sizes(encoder, synthesise, block):
    codes = codes_of(synthesise(70_001, 44_100, 2), 16)
    check(encoded_by_flac(encoder, codes, 16, 44_100, f"--blocksize={block}", "--lax"), codes, 16)


@pytest.mark.parametrize("order", [0, 1, 5, 13, 20, 32])
@pytest.mark.parametrize("bits", [16, 24])
def test_orders_precisions_and_partitions(encoder, synthesise, order, bits):
    codes = codes_of(synthesise(20_000, 96_000, 2), bits)
    flags = [f"--max-lpc-order={order}", "--lax", "--qlp-coeff-precision=15", "--rice-partition-order=8"]
    check(encoded_by_flac(encoder, codes, bits, 96_000, *flags), codes, bits)


def test_wasted_bits_and_silence(encoder, synthesise):
    codes = codes_of(synthesise(20_000, 44_100, 2), 16) >> 5 << 5
    codes[:, 9_000:] = 0
    check(encoded_by_flac(encoder, codes, 16, 44_100), codes, 16)


@pytest.mark.parametrize("form", ["flac", "ogg"])
@pytest.mark.parametrize("bits", [16, 24])
def test_files_by_ffmpeg(encoder, synthesise, tmp_path, form, bits):
    codes = codes_of(synthesise(100_000, 48_000, 2), bits)
    pcm = (codes << (32 - bits)).T.astype("<i4").tobytes()
    path = tmp_path / f"a.{form}"
    source = ["-f", "s32le", "-ar", "48000", "-ac", "2", "-i", "-"]
    depth = ["-sample_fmt", "s16" if bits == 16 else "s32", "-bits_per_raw_sample", str(bits)]
    command = [encoder("ffmpeg"), "-v", "error", *source, "-c:a", "flac", *depth, str(path)]
    subprocess.run(command, input=pcm, check=True)
    check(path, codes, bits)
    info = lio.info(path)
    assert (info.format, info.subtype) == (form.upper(), f"PCM_{bits}")


def test_ogg_by_flac_with_any_order_of_seeks(encoder, synthesise):
    codes = codes_of(synthesise(400_000, 44_100, 2), 16)
    data = encoded_by_flac(encoder, codes, 16, 44_100, "--ogg")
    check(data, codes, 16)
    random = np.random.default_rng(1)
    with lio.open(data) as reader:
        for start in random.integers(0, 399_000, 60):
            reader.seek(int(start))
            assert np.array_equal(reader.read(700) * 32_768, codes[:, start : start + 700])
    for kept in (0.3, 0.71, 0.99):
        cut = data[: int(len(data) * kept)]
        with pytest.raises(DecodeError) as caught:
            lio.read(cut)
        good = caught.value.audio.samples
        assert 0 < good.shape[1] < 400_000
        assert np.array_equal(good * 32_768, codes[:, : good.shape[1]])
    last = data.rindex(b"OggS")
    assert data[last + 5] & 4
    with pytest.raises(DecodeError, match=r"Ogg|cut short"):
        lio.read(data[:last])


@relaxed
@given(st.lists(st.tuples(st.integers(0, 1_000_003), st.integers(0, 9_000)), min_size=1, max_size=8))
@pytest.mark.parametrize("indexed", [False, True])
def test_any_order_of_seeks(long, indexed, moves):
    data, codes = long
    index = lio.build_index(data) if indexed else None
    with lio.open(data, index=index) as reader:
        for start, frames in moves:
            reader.seek(start)
            assert np.array_equal(reader.read(frames) * 32_768, codes[:, start : start + frames])


def test_an_index_is_small_and_not_trusted(long):
    data, codes = long
    index = lio.build_index(data)
    assert 20 < len(index.payload) < 2_000
    random = np.random.default_rng(0)
    for _ in range(100):
        payload = bytearray(index.payload)
        payload[random.integers(16, len(payload))] ^= 1 << random.integers(8)
        wrong = lio.SeekIndex(index.size, index.mtime_ns, index.digest, bytes(payload))
        start = int(random.integers(0, 1_000_000))
        try:
            part = lio.read(data, start=start, frames=100, index=wrong).samples
        except LuthierError:
            continue
        assert np.array_equal(part * 32_768, codes[:, start : start + 100])


def test_a_seek_table_that_lies_changes_nothing(long):
    data, codes = long
    random = np.random.default_rng(0)
    points = [(i * 25_000, int(random.integers(0, 2**40)) % len(data), 4_096) for i in range(40)]
    table = b"".join(struct.pack(">QQH", *point) for point in points)
    data = data[:42] + b"\x03" + len(table).to_bytes(3, "big") + table + data[42:]
    for start in random.integers(0, 999_000, 50):
        part = lio.read(data, start=int(start), frames=300).samples
        assert np.array_equal(part * 32_768, codes[:, start : start + 300])


@pytest.mark.parametrize("kept", np.linspace(0.01, 0.999, 23).tolist())
def test_a_cut_gives_the_exact_beginning(long, kept):
    data, codes = long
    cut = data[: int(len(data) * kept)]
    with pytest.raises(DecodeError, match=r"is cut|cut short|header") as caught:
        lio.read(cut)
    if caught.value.report is None:
        assert kept < 0.05
        return
    report, good = caught.value.report, caught.value.audio.samples
    assert report.frame == good.shape[1] >= codes.shape[1] * kept * 0.8 - 10_000
    assert (report.frames_promised, report.frames_decoded) == (codes.shape[1], report.frame)
    assert np.array_equal(good * 32_768, codes[:, : report.frame])


@relaxed
@given(st.floats(0.02, 0.999), st.integers(1, 255))
def test_a_changed_byte_costs_one_frame_and_no_more(long, place, change):
    data, codes = long
    damaged = bytearray(data)
    at = int(place * len(data))
    damaged[at] ^= change
    with pytest.raises(DecodeError, match="damaged") as caught:
        lio.read(bytes(damaged))
    report = caught.value.report
    assert np.array_equal(caught.value.audio.samples * 32_768, codes[:, : report.frame])
    assert 0 <= at - report.byte_offset < 20_000
    with pytest.warns(DamagedAudioWarning):
        padded = lio.read(bytes(damaged), on_error="pad").samples * 32_768
    lost = slice(report.frame, report.frame + 4_096)
    assert not padded[:, lost].any()
    assert np.array_equal(np.delete(padded, lost, axis=1), np.delete(codes, lost, axis=1))
    start = min(report.frame + 4_096, codes.shape[1] - 1)
    assert np.array_equal(lio.read(bytes(damaged), start=start).samples * 32_768, codes[:, start:])


def frames_of(data, encoder, tmp_path):
    """The offsets of the frames, and the end, as `flac -a` tells them."""
    (tmp_path / "x.flac").write_bytes(data)
    subprocess.run([encoder("flac"), "-s", "-a", "-f", str(tmp_path / "x.flac")], check=True)
    lines = (tmp_path / "x.ana").read_text().splitlines()
    return [int(line.split("offset=")[1].split()[0]) for line in lines if line.startswith("frame=")] + [
        len(data)
    ]


@pytest.mark.parametrize("size", ["short", "long"])
def test_missing_frames_and_bytes_between_frames(encoder, synthesise, long, tmp_path, size):
    data, codes = long
    if size == "short":
        codes = codes[:, :40_000]
        data = encoded_by_flac(encoder, codes, 16, 44_100, "--no-seektable")
    offsets = frames_of(data, encoder, tmp_path)
    missing = data[: offsets[3]] + data[offsets[5] :]
    with pytest.raises(DecodeError, match="frames are missing") as caught:
        lio.read(missing)
    assert caught.value.report.frame == 3 * 4_096
    with pytest.warns(DamagedAudioWarning):
        padded = lio.read(missing, on_error="pad").samples * 32_768
    expected = codes.copy()
    expected[:, 3 * 4_096 : 5 * 4_096] = 0
    assert np.array_equal(padded, expected)
    junk = data[: offsets[4]] + b"\xff\xf8 no frame " * 50 + data[offsets[4] :]
    with pytest.raises(DecodeError, match="belong to no frame") as caught:
        lio.read(junk)
    assert np.array_equal(caught.value.audio.samples * 32_768, codes)
    with pytest.warns(DamagedAudioWarning):
        assert np.array_equal(lio.read(junk, on_error="pad").samples * 32_768, codes)
    twice = data[: offsets[3]] + data[offsets[2] :]
    with pytest.warns(DamagedAudioWarning):
        assert np.array_equal(lio.read(twice, on_error="partial").samples * 32_768, codes)


def with_total(data, frames):
    packed = int.from_bytes(data[18:26], "big")
    return data[:18] + ((packed >> 36 << 36) | frames).to_bytes(8, "big") + data[26:]


def test_more_and_fewer_frames_than_promised(long):
    data, codes = long
    more = with_total(data, 999_000)
    with pytest.raises(DecodeError, match="more frames than it promises") as caught:
        lio.read(more)
    assert np.array_equal(caught.value.audio.samples * 32_768, codes[:, :999_000])
    with pytest.raises(DecodeError, match="cut short") as caught:
        lio.read(with_total(data, 1_000_004))
    assert np.array_equal(caught.value.audio.samples * 32_768, codes)
    unknown = with_total(data, 0)
    assert lio.info(unknown).frames == codes.shape[1]
    assert np.array_equal(lio.read(unknown).samples * 32_768, codes)
    cut = unknown[: len(data) // 2]
    with pytest.raises(DecodeError, match="last frame is cut") as caught:
        lio.read(cut)
    assert caught.value.report.frames_promised is None
    assert lio.info(cut).frames == caught.value.report.frame


def test_tags_around_the_file_are_no_damage(long):
    data, codes = long
    id3 = b"ID3\x04\0\0\0\0\x01\x05" + b"\0" * 133
    footer = b"APETAGEX" + struct.pack("<IIIIQ", 2_000, 40, 0, 0, 0)[:24]
    ape = b"\0" * 8 + footer
    for tagged in (id3 + data, data + b"TAG" + b" " * 125, id3 + id3 + data + ape + b"TAG" + b" " * 125):
        assert np.array_equal(lio.read(tagged).samples * 32_768, codes)
        lio.verify(tagged)
        unknown = tagged.replace(data[:64], with_total(data, 0)[:64])
        assert lio.info(unknown).frames == codes.shape[1]


def test_verify_knows_the_md5(long):
    data, _ = long
    assert lio.verify(data) == "frame CRC-16, MD5 of the samples"
    wrong = data[:26] + bytes(16 * [7]) + data[42:]
    assert lio.read(wrong).samples.shape == (2, 1_000_003)
    with pytest.raises(DecodeError, match="does not match its MD5"):
        lio.verify(wrong)
    with pytest.raises(DecodeError, match="does not match its MD5"):
        lio.read(wrong, verify=True)
    assert lio.verify(data[:26] + bytes(16) + data[42:]) == "frame CRC-16"
    with pytest.raises(DecodeError, match="is cut"):
        lio.verify(data[:-100])
