"""MP3 and MP2 by real encoders: gapless, at every rate, with every tag, from any place."""

from __future__ import annotations

import dataclasses
import io
import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DecodeError, ParameterError

RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
relaxed = settings(
    max_examples=max(10, settings().max_examples // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

Lame = Callable[..., bytes]


@pytest.fixture(scope="session")
def lame(encoder, synthesise, tmp_path_factory) -> Lame:
    """MP3 of synthesised sound by LAME, with these options; each made once."""
    folder = tmp_path_factory.mktemp("lame")
    made: dict[tuple[object, ...], bytes] = {}

    def encode(*options: str, rate: int = 44_100, channels: int = 2, seconds: float = 1.0) -> bytes:
        key = (*options, rate, channels, seconds)
        if key not in made:
            wav, mp3 = folder / "source.wav", folder / "made.mp3"
            samples = synthesise(round(seconds * rate) + 17, rate, channels)
            lio.write(wav, samples, rate)
            command = [
                encoder("lame"),
                "--quiet",
                "--resample",
                str(rate / 1_000),
                *options,
                str(wav),
                str(mp3),
            ]
            subprocess.run(command, check=True)
            made[key] = mp3.read_bytes()
        return made[key]

    return encode


def by_soundfile(data: bytes) -> np.ndarray:
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        return file.read(dtype="float32", always_2d=True).T


def frames_of(data: bytes) -> list[tuple[int, int]]:
    """(offset, bytes) of the frames of a layer III stream that begins at 0 and ends with the data."""
    found = []
    at = 0
    while at + 4 <= len(data):
        first = data[at + 1] >> 3 & 3 == 3
        kbits = (
            (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
            if first
            else (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
        )[data[at + 2] >> 4]
        rate = (44_100, 48_000, 32_000)[data[at + 2] >> 2 & 3] >> {3: 0, 2: 1, 0: 2}[data[at + 1] >> 3 & 3]
        size = (144 if first else 72) * 1_000 * kbits // rate + (data[at + 2] >> 1 & 1)
        found.append((at, size))
        at += size
    return found


@pytest.mark.parametrize("options", [("-b", "64"), ("-V4",), ("--abr", "48"), ("-V6", "-p")])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
def test_every_rate_is_gapless_and_what_soundfile_decodes(lame, synthesise, rate, channels, options):
    if options == ("-b", "64") and rate < 16_000:
        options = ("-b", "32")  # a smaller frame has no room for the count
    data = lame(*options, rate=rate, channels=channels)
    audio = lio.read(data)
    source = synthesise(rate + 17, rate, channels)
    assert (audio.sample_rate, audio.samples.shape) == (rate, source.shape)
    assert np.array_equal(audio.samples, by_soundfile(data))
    # The best alignment of what was decoded with what was encoded is none.
    size = 1 << (2 * source.shape[1]).bit_length()
    spectrum = np.fft.rfft(source[0], size).conj() * np.fft.rfft(audio.samples[0], size)
    assert np.argmax(np.fft.irfft(spectrum)) == 0


def test_agrees_with_the_decoder_of_lame(lame, encoder, tmp_path):
    data = lame("-V2")
    (tmp_path / "a.mp3").write_bytes(data)
    command = [encoder("lame"), "--quiet", "--decode", str(tmp_path / "a.mp3"), str(tmp_path / "a.wav")]
    subprocess.run(command, check=True)
    theirs = lio.read(tmp_path / "a.wav").samples
    ours = lio.read(data).samples
    assert ours.shape == theirs.shape
    # Theirs is rounded to 16 bits, by arithmetic of its own.
    assert np.abs(ours - theirs).max() < 2 / 32_768
    assert np.sqrt(np.mean((ours - theirs) ** 2)) < 0.5 / 32_768


@pytest.mark.parametrize("mode", ["j", "s", "d", "m", "f"])
@pytest.mark.parametrize("rate", ["32", "128", "320"])
def test_every_mode(lame, mode, rate):
    data = lame("-m", mode, "-b", rate)
    assert np.array_equal(lio.read(data).samples, by_soundfile(data))


def test_free_format(lame):
    data = lame("--freeformat", "-b", "144")
    audio = lio.read(data)
    assert audio.samples.shape[1] == 44_117
    assert np.array_equal(audio.samples, by_soundfile(data))
    part = lio.read(data, start=20_000, frames=1_000).samples
    assert np.array_equal(part, audio.samples[:, 20_000:21_000])


@pytest.mark.parametrize("rate", [16_000, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_layer_2(ffmpeg, synthesise, rate, channels, tmp_path):
    lio.write(tmp_path / "a.wav", synthesise(rate, rate, channels), rate)
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "mp2", "-b:a", "64k", tmp_path / "a.mp2")
    data = (tmp_path / "a.mp2").read_bytes()
    full = lio.read(data).samples
    assert lio.info(data).subtype == "MPEG_LAYER_II"
    # soundfile estimates the length of a stream that does not tell it.
    theirs = by_soundfile(data)
    there = min(theirs.shape[1], full.shape[1])
    assert full.shape[1] % 1_152 == 0
    assert full.shape[1] >= rate
    assert np.array_equal(full[:, :there], theirs[:, :there])
    for start in (1, 1_151, 1_152, 9_000, rate - 700):
        assert np.array_equal(lio.read(data, start=start, frames=700).samples, full[:, start : start + 700])


def test_layer_3_by_ffmpeg(ffmpeg, synthesise, tmp_path):
    source = synthesise(50_000, 44_100, 2)
    lio.write(tmp_path / "a.wav", source, 44_100)
    ffmpeg("-i", tmp_path / "a.wav", "-c:a", "libmp3lame", "-q:a", "3", tmp_path / "a.mp3")
    data = (tmp_path / "a.mp3").read_bytes()
    full = lio.read(data).samples
    assert full.shape == source.shape
    assert np.array_equal(full, by_soundfile(data))


def test_a_stream_without_a_count_keeps_every_frame(lame):
    data = lame("-V2", "-t")
    frames = frames_of(data)
    full = lio.read(data).samples
    assert full.shape[1] == 1_152 * len(frames)
    counted = lio.read(lame("-V2")).samples
    # The delay of encoder and decoder, 576 + 529 frames, is cut off only where the count stands.
    assert np.abs(full[:, 1_105 : 1_105 + counted.shape[1]] - counted).max() < 1e-6


FILES = {
    "joint": (("-b", "128"), 44_100, 2),
    "vbr mono": (("-V5",), 48_000, 1),
    "half rate": (("-V5",), 22_050, 2),
    "quarter rate mono": (("-b", "16"), 8_000, 1),
    "guarded": (("-p", "--abr", "80"), 32_000, 2),
    "no count": (("-t", "-V7"), 44_100, 1),
    "no reservoir": (("--nores", "-b", "96"), 44_100, 2),
}
moves = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.just("by"), st.integers(-6_000, 6_000)),
            st.tuples(st.just("to"), st.integers(0, 10**6)),
        ),
        st.integers(0, 4_000),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("kind", FILES)
@relaxed
@given(steps=moves, indexed=st.booleans())
def test_seeks_in_any_order_give_the_straight_decode_bit_for_bit(lame, kind, steps, indexed):
    options, rate, channels = FILES[kind]
    data = lame(*options, rate=rate, channels=channels, seconds=2)
    full = lio.read(data).samples.view(np.uint32)
    end = full.shape[1]
    with lio.open(data, index=lio.build_index(data) if indexed else None) as reader:
        for (way, value), frames in steps:
            at = min(end, max(0, reader.tell() + value)) if way == "by" else value % (end + 1)
            reader.seek(at)
            assert np.array_equal(reader.read(frames).view(np.uint32), full[:, at : at + frames])


TAGS = {
    "ID3v1": b"TAG" + b"x" * 125,
    "ID3v1 and its extension": b"TAG+" + b"x" * 223 + b"TAG" + b"x" * 125,
    "Lyrics3": b"LYRICSBEGIN" + b"la la" * 50 + b"LYRICSEND" + b"TAG" + b"x" * 125,
    "Lyrics3v2": b"LYRICSBEGIN" + b"IND00002" + b"\xff\xfb" * 40 + b"000099LYRICS200" + b"TAG" + b"x" * 125,
    "appended ID3v2": b"ID3\4\0\x10\0\0\0\x20" + b"\xff\xfb" * 16 + b"3DI\4\0\x10\0\0\0\x20",
    "zeros": bytes(5_000),
    # Ten items of 4 bytes and the footer; the second form has a header too.
    "APEv1": b"k" * 40 + b"APETAGEX" + struct.pack("<IIII8x", 1_000, 72, 1, 0),
    "APEv2": b"APETAGEX"
    + struct.pack("<IIII8x", 2_000, 72, 1, 0xA0000000)
    + b"\xff\xfb\x90\0" * 10
    + b"APETAGEX"
    + struct.pack("<IIII8x", 2_000, 72, 1, 0x80000000),
    "nothing": b"",
}


@pytest.mark.parametrize("behind", TAGS)
@pytest.mark.parametrize("options", [("-V4",), ("-V4", "-t")])
def test_tags_are_no_damage_and_no_sound(lame, options, behind):
    data = lame(*options)
    full = lio.read(data).samples
    id3 = b"ID3\3\0\0\0\0\1\5" + b"\xff\xfb\x90\0" * 33 + b"\0"
    footed = b"ID3\4\0\x10\0\0\0\x20" + b"f" * 32 + b"3DI\4\0\x10\0\0\0\x20"
    for ahead in (b"", id3, id3 + footed):
        with lio.open(ahead + data + TAGS[behind]) as reader:
            assert np.array_equal(reader.read(), full)
            assert reader.report is None


def test_tags_between_joined_streams_are_no_damage(lame):
    data = lame("-b", "128", "-t", "--nores")
    full = lio.read(data).samples
    with lio.open(data + TAGS["ID3v1"] + b"ID3\3\0\0\0\0\0\5hello" + data) as reader:
        both = reader.read()
        assert reader.report is None
    assert both.shape[1] == 2 * full.shape[1]
    assert np.array_equal(both[:, : full.shape[1]], full)


def test_joined_files_are_read_to_the_end(lame):
    data = lame("-b", "128")
    one, both = lio.read(data).samples, lio.read(data + data).samples
    assert np.array_equal(both[:, : one.shape[1]], one)
    assert both.shape[1] > 2 * one.shape[1]


def test_a_stream_that_was_cut_at_its_head_begins_in_silence(lame):
    data = lame("-b", "64", "-t")
    full = lio.read(data).samples
    frames = frames_of(data)
    for first in (5, 20):
        with lio.open(data[frames[first][0] :]) as reader:
            cut = reader.read()
            assert reader.report is None
        assert cut.shape[1] == full.shape[1] - 1_152 * first
        # The bit reservoir reaches back a few frames.
        assert np.abs(cut[:, 5 * 1_152 :] - full[:, (first + 5) * 1_152 :]).max() < 1e-6
        with lio.open(data[frames[first][0] + 7 :]) as reader:
            assert reader.frames == cut.shape[1] - 1_152
            assert np.abs(reader.read()[:, 5 * 1_152 :] - cut[:, 6 * 1_152 :]).max() < 1e-6


def test_an_index_is_small_and_finds_the_same(lame):
    data = lame("-V4", seconds=20)
    index = lio.build_index(data)
    assert len(index.to_bytes()) < 700
    full = lio.read(data).samples
    for start in (0, 5_000, 441_000, full.shape[1] - 100):
        part = lio.read(data, start=start, frames=3_000, index=index).samples
        assert np.array_equal(part, full[:, start : start + 3_000])


@relaxed
@given(place=st.integers(0, 10**6), value=st.integers(1, 255))
def test_a_changed_index_is_refused(lame, place, value):
    data = lame("-V4", "-t", seconds=2)
    index = bytearray(lio.build_index(data).to_bytes())
    index[place % len(index)] ^= value
    with pytest.raises(ParameterError, match="index"):
        lio.read(data, start=40_000, frames=2_000, index=bytes(index))
    # The decoder itself does not trust what the check above should have stopped.
    made = lio.build_index(data)
    payload = bytearray(made.payload)
    payload[place % len(payload)] ^= value
    with pytest.raises(ParameterError, match="another file"):
        lio.read(data, start=9, frames=9, index=dataclasses.replace(made, payload=bytes(payload)))


@pytest.mark.filterwarnings("ignore::luthier.core.DamagedAudioWarning")
def test_an_index_of_another_file_changes_nothing(lame):
    one = lame("-V4", seconds=2)
    other = bytearray(one)
    frames = frames_of(one)
    # Two frames of different sizes change places: the size and the beginning stay.
    at = next(i for i in range(20, len(frames)) if frames[i][1] != frames[i + 1][1])
    (a, m), (b, n) = frames[at], frames[at + 1]
    other[a : a + m + n] = other[b : b + n] + other[a : a + m]
    changed = bytes(other)
    index = dataclasses.replace(lio.build_index(changed), payload=lio.build_index(one).payload)
    for start in ((at - 1) * 1_152, (at + 3) * 1_152, 60_000):
        expected = lio.read(changed, start=start, frames=2_000, on_error="pad").samples
        got = lio.read(changed, start=start, frames=2_000, on_error="pad", index=index).samples
        assert np.array_equal(got, expected)


def test_a_file_named_like_a_resource_fork_in_the_folder_changes_nothing(lame, tmp_path, monkeypatch):
    # libsndfile takes "._" in the working directory for a part of a file that it opens by its path.
    monkeypatch.chdir(tmp_path)
    Path("._").write_bytes(os.urandom(500))
    Path("a.mp3").write_bytes(lame("-V4"))
    assert lio.read("a.mp3").samples.shape == (2, 44_117)


def test_what_only_looks_like_it_is_refused():
    random = np.random.default_rng(0)
    for size in (2, 3, 4, 100, 5_000):
        noise = b"\xff\xfb\x90\x00"[:size] + random.integers(0, 255, max(0, size - 4), np.uint8).tobytes()
        with pytest.raises((DecodeError, ValueError)):
            lio.read(noise)
