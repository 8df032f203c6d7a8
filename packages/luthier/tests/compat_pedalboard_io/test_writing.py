"""Writing files as pedalboard does, and their qualities."""

from __future__ import annotations

import contextlib
import gc
import io
import pathlib
import struct
import wave
from typing import Any

import numpy as np
import pytest

import luthier.compat.pedalboard.io as pio
import luthier.io as lio
from luthier.core import ClippingWarning, NonFiniteWarning

from .helpers import DEPTHS, all_of, encoded, noise, opened, tone

LOSSLESS = ["wav", "aiff", "flac"]
WRITTEN = [".aiff", ".flac", ".ogg", ".wav", ".mp3"]


@pytest.mark.parametrize(("form", "depth"), DEPTHS)
def test_what_was_read_is_written_again_to_the_bit(form: str, depth: int) -> None:
    codes = np.random.default_rng(1).integers(-(2**31), 2**31, 20_000, np.int32)
    first = encoded(codes, form, bit_depth=depth)
    with pio.AudioFile(io.BytesIO(first)) as file:
        samples = all_of(file)
    again = encoded(samples, form, bit_depth=depth)
    with pio.AudioFile(io.BytesIO(first)) as one, pio.AudioFile(io.BytesIO(again)) as other:
        assert np.array_equal(one.read_raw(20_000), other.read_raw(20_000))


@pytest.mark.parametrize(("form", "depth"), [d for d in DEPTHS if d[1] != 24])
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.float32, np.float64])
def test_what_is_written_is_what_the_peer_writes_but_for_rounding(
    form: str, depth: int, dtype: Any, peer: Any
) -> None:
    values = np.linspace(-1.2, 1.2, 10_001) if np.dtype(dtype).kind == "f" else np.linspace(-1, 1, 10_001)
    samples = (
        values.astype(dtype) if np.dtype(dtype).kind == "f" else (values * np.iinfo(dtype).max).astype(dtype)
    )
    clipped = values[0] < -1 and depth < 32
    with pytest.warns(ClippingWarning) if clipped else contextlib.nullcontext():
        ours = encoded(samples, form, bit_depth=depth)
    theirs = peer.AudioFile.encode(samples, 44_100, form, 1, bit_depth=depth)
    a, b = (pio.AudioFile(io.BytesIO(data)).read_raw(20_000) for data in (ours, theirs))
    off = np.abs(a.astype(np.float64) - b).max()
    # Integers are cut to the file's bits by both. Floats are rounded here, and 1.0 is the largest code, as
    # in reading; the peer cuts them, and -1.0 is the smallest.
    assert off == 0 if np.dtype(dtype).kind == "i" or depth == 32 else off <= 2


def test_integers_keep_their_upper_bits() -> None:
    codes = np.array([1, 2, 3, -1, -2, -3, 32_767, -32_768], np.int32)
    data = encoded((codes << 16) + 0x7FFF, "wav")
    with wave.open(io.BytesIO(data)) as file:
        assert file.getsampwidth() == 2
        assert np.array_equal(np.frombuffer(file.readframes(8), np.int16), codes)
    assert np.array_equal(pio.AudioFile(io.BytesIO(data)).read_raw(8)[0], codes)
    assert pio.AudioFile(io.BytesIO(encoded(codes.astype(np.int16), "wav", bit_depth=24))).read_raw(8)[
        0
    ].tolist() == ((codes << 16).tolist())


def test_layouts_of_arrays() -> None:
    def read(*blocks: np.ndarray, channels: int = 2) -> list[list[float]]:
        file = io.BytesIO()
        with pio.AudioFile(file, "w", 44_100, channels, 32, format="wav") as writer:
            for block in blocks:
                writer.write(block)
            assert writer.tell() == writer.frames
        file.seek(0)
        result: list[list[float]] = all_of(pio.AudioFile(file)).tolist()
        return result

    square = np.array([[1.0, 2.0], [3.0, 4.0]])
    rows = np.arange(6.0).reshape(2, 3)
    assert read(rows) == read(rows.T) == read(rows.T.copy()) == read(np.asfortranarray(rows)) == rows.tolist()
    assert read(np.zeros((2, 0)), square) == square.tolist()
    assert read(np.zeros((0, 2)), square) == square.T.tolist()
    assert read(np.zeros((2, 1)), square) == [[0.0, 1.0, 2.0], [0.0, 3.0, 4.0]]
    assert read(np.zeros((1, 2)), square) == [[0.0, 1.0, 3.0], [0.0, 2.0, 4.0]]
    for one in (np.arange(3.0), np.arange(3.0)[None], np.arange(3.0)[:, None], np.arange(6.0)[::2] / 2):
        assert read(one, channels=1) == [[0.0, 1.0, 2.0]]
    assert read(np.ones((1, 1)), np.ones(3, ">f4"), channels=1) == [[1.0] * 4]
    assert read(np.zeros((3, 5)), np.eye(3), channels=3)[1][5:] == [0.0, 1.0, 0.0]


def test_samples_that_are_no_numbers_are_told() -> None:
    with pytest.warns(NonFiniteWarning) as caught:
        data = encoded(np.array([np.nan, np.inf, -np.inf, 0.5], np.float32), "wav")
    assert len(caught) == 1
    assert pio.AudioFile(io.BytesIO(data)).read_raw(4)[0].tolist() == [0, 32_767, -32_767, 16_384]


@pytest.mark.parametrize("ending", WRITTEN)
@pytest.mark.parametrize("channels", [1, 2])
def test_empty_files_are_files(ending: str, channels: int) -> None:
    file = io.BytesIO()
    with pio.AudioFile(file, "w", 44_100, channels, format=ending):
        pass
    file.seek(0)
    with pio.AudioFile(file) as audio:
        assert (audio.samplerate, audio.num_channels) == (44_100, channels)
        assert audio.frames == (1 if ending == ".mp3" else 0)
        assert not audio.read(1).any()


@pytest.mark.parametrize("rate", [1, 123, 999, 48_001, 200_000])
@pytest.mark.parametrize("form", [*LOSSLESS, "ogg"])
def test_uncommon_rates(form: str, rate: int) -> None:
    with opened(np.zeros(50), form, rate) as file:
        assert file.samplerate == rate
        assert isinstance(file.samplerate, int)
        assert file.frames == 50


QUALITIES = [
    *[("ogg", given, "64 kbps") for given in (64, 64.0, "64", " 64 ", "64 kbps", "worst", "fastest")],
    *[("ogg", given, "500 kbps") for given in (500, "", None, "best", "slowest", "500 KBPS")],
    *[("flac", given, "8 (Highest quality)") for given in (8, "8", "high", "best", None)],
    *[("flac", given, "5 (Default)") for given in (5, "default", "5 (Default)")],
    *[("mp3", given, "V0 (best)") for given in ("V0", "v0", "best", "slowest", "V")],
    *[("mp3", given, "320 kbps") for given in (320, "320", None)],
    *[("mp3", given, "32 kbps") for given in (32, "32", "kbps")],
    *[("mp3", "smallest", "V9 (smallest)"), ("mp3", "V2 ", "V2"), ("wav", "best", None), ("aiff", "", None)],
]


@pytest.mark.parametrize(("form", "quality", "name"), QUALITIES)
def test_qualities_by_number_name_and_part(
    form: str, quality: Any, name: str | None, request: pytest.FixtureRequest
) -> None:
    def named(p: Any) -> Any:
        with p.AudioFile(io.BytesIO(), "w", 44_100, 1, format=form, quality=quality) as file:
            return file.quality

    assert named(pio) == name
    assert named(request.getfixturevalue("peer")) == name


@pytest.mark.parametrize(
    ("form", "quality"), [("ogg", 63), ("ogg", -500), ("flac", 11), ("mp3", "1"), ("mp3", 8)]
)
def test_qualities_that_there_are_not(form: str, quality: Any) -> None:
    with pytest.raises(ValueError, match=r"Unable to parse provided quality value .*Valid values"):
        encoded(np.zeros(9), form, quality=quality)


def test_better_qualities_take_more_bytes() -> None:
    sound = tone(32_000, 64_000) + 0.01 * noise(64_000)
    for form, order in {
        "mp3": [f"V{9 - n}" for n in range(10)],
        "ogg": [64, 96, 128, 192, 256, 320, 500],
        "flac": ["best", "fastest"],
    }.items():
        sizes = [len(encoded(sound, form, 32_000, quality=quality)) for quality in order]
        assert sizes == sorted(sizes), form
        assert len(set(sizes)) > len(sizes) // 2, form
    rates = [len(encoded(sound, "mp3", 32_000, quality=kbps)) / 2 * 8 / 1_000 for kbps in (64, 128, 320)]
    assert np.allclose(rates, (64, 128, 320), rtol=0.06)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050])
def test_bit_rates_that_a_sample_rate_has_not_become_the_nearest(rate: int) -> None:
    with opened(tone(rate, rate), "mp3", rate, quality=320) as file:
        assert file.frames == rate
    size = {kbps: len(encoded(tone(rate, rate), "mp3", rate, quality=kbps)) for kbps in (64, 320)}
    assert size[320] >= size[64]


def test_the_bit_reservoir_is_always_there() -> None:
    flag = pio.WriteableAudioFileFlag.Mp3EnableBitReservoir
    assert encoded(tone(44_100, 9_000), "mp3", codec_options={flag: True}) == encoded(
        tone(44_100, 9_000), "mp3"
    )
    with pytest.warns(UserWarning, match="not heeded"):
        encoded(tone(44_100, 9_000), "mp3", codec_options={flag: False})


def test_flac_has_a_seek_table(tmp_path: pathlib.Path) -> None:
    sound = noise(2, 300_000)
    path = tmp_path / "a.flac"
    with pio.AudioFile(str(path), "w", 44_100, 2) as file:
        for start in range(0, 300_000, 7_001):
            file.write(sound[:, start : start + 7_001])
        assert not path.exists()
    data = path.read_bytes()
    assert data == encoded(sound, "flac")
    points, audio = _seek_points(data)
    assert [first for first, _, _ in points] == [n * points[1][0] for n in range(len(points))]
    assert 40_000 < points[1][0] < 50_000
    assert points[-1][0] > 250_000
    for first, offset, frames in points:
        head = data[audio + offset :]
        # The frame counts frames as UTF-8 counts characters.
        number = ord(head[4:8].decode("utf-8", "ignore")[0])
        assert head[:2] == b"\xff\xf8"
        assert number * points[0][2] == first
        assert 0 < frames <= points[0][2]
    with pio.AudioFile(str(path)) as file:
        assert np.abs(all_of(file) - sound).max() < 1 / 32_767
    assert lio.verify(str(path))


def _seek_points(data: bytes) -> tuple[list[tuple[int, int, int]], int]:
    at, last, table = 4, False, b""
    while not last:
        last, kind, size = (
            bool(data[at] & 0x80),
            data[at] & 0x7F,
            int.from_bytes(data[at + 1 : at + 4], "big"),
        )
        if kind == 3:
            table = data[at + 4 : at + 4 + size]
        at += 4 + size
    return [struct.unpack_from(">QQH", table, n) for n in range(0, len(table), 18)], at


def test_files_are_whole_or_not_there(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.wav"
    file = pio.AudioFile(str(path), "w", 44_100)
    file.write(np.zeros(100))
    assert not path.exists()
    with pytest.raises(TypeError), file:
        file.write(None)
    assert file.closed
    assert pio.AudioFile(str(path)).frames == 100
    forgotten = pio.AudioFile(str(tmp_path / "b.wav"), "w", 44_100)
    forgotten.write(np.zeros(7))
    forgotten.flush()
    del forgotten
    gc.collect()
    assert pio.AudioFile(str(tmp_path / "b.wav")).frames == 7


def test_long_blocks_are_written_in_parts() -> None:
    sound = noise(2, 1_200_000)
    file = io.BytesIO()
    with pio.AudioFile(file, "w", 44_100, 2, 32, format="wav") as writer:
        writer.write(sound.T)
    file.seek(0)
    assert np.array_equal(all_of(pio.AudioFile(file)), sound)
