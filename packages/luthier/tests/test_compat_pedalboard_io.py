"""`luthier.compat.pedalboard.io`: its rules, and beside pedalboard itself where that is installed."""

from __future__ import annotations

import contextlib
import doctest
import gc
import importlib
import io
import math
import pathlib
import pickle
import struct
import sys
import threading
import time
import wave
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.compat.pedalboard as pb
import luthier.compat.pedalboard.io as pio
import luthier.io as lio
from luthier.compat.pedalboard._quality import Quality
from luthier.core import ClippingWarning, DamagedAudioWarning, NonFiniteWarning

DEPTHS = [
    ("wav", 8),
    ("wav", 16),
    ("wav", 24),
    ("wav", 32),
    ("aiff", 8),
    ("aiff", 16),
    ("aiff", 24),
    ("flac", 16),
    ("flac", 24),
]
SINC = [q for q in Quality if q.name.startswith("Windowed")]
INTERPOLATED = [q for q in Quality if q not in SINC]
LOSSLESS = ["wav", "aiff", "flac"]
WRITTEN = [".aiff", ".flac", ".ogg", ".wav", ".mp3"]


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def tone(rate: float, frames: int) -> np.ndarray:
    t = np.arange(frames) / rate
    return (0.5 * np.sin(2 * np.pi * 440 * t) * np.minimum(1, 20 * np.minimum(t, t[-1] - t))).astype(
        np.float32
    )


def encoded(samples: np.ndarray, form: str = "wav", rate: int = 44_100, **options: Any) -> bytes:
    channels = 1 if samples.ndim == 1 else samples.shape[0]
    return pio.AudioFile.encode(samples, rate, form, channels, **options)


def opened(
    samples: np.ndarray, form: str = "wav", rate: int = 44_100, **options: Any
) -> pio.ReadableAudioFile:
    return pio.AudioFile(io.BytesIO(encoded(samples, form, rate, **options)))


def all_of(file: Any) -> np.ndarray:
    return file.read(max(1, file.frames))


def in_parts(file: Any) -> np.ndarray:
    parts = []
    while file.tell() < file.frames:
        parts.append(file.read(3_000))
    return np.concatenate(parts, axis=1)


@pytest.fixture
def peer() -> Any:
    """pedalboard.io: run, and never read."""
    return pytest.importorskip("pedalboard").io


# --- the face ------------------------------------------------------------------------------------------


def test_it_stands_in_for_the_peer_in_sys_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pedalboard", pb)
    monkeypatch.setitem(sys.modules, "pedalboard.io", pio)
    scope: dict[str, Any] = {}
    exec("import pedalboard\nfrom pedalboard.io import AudioFile\nimport pedalboard.io as i", scope)
    assert scope["AudioFile"] is pio.AudioFile is scope["pedalboard"].io.AudioFile is scope["i"].AudioFile


def test_every_public_name_of_the_peer_is_there(peer: Any) -> None:
    names = [name for name in dir(peer) if not name.startswith("_") and isinstance(getattr(peer, name), type)]
    assert {"AudioFile", "StreamResampler", "WriteableAudioFileFlag"} <= set(names)
    for name in names:
        if name != "AudioStream":
            ours, theirs = getattr(pio, name), getattr(peer, name)
            known = {*dir(ours), "name", "value"} if name.endswith("Flag") else set(dir(ours))
            missing = {n for n in dir(theirs) if not n.startswith("_")} - known
            assert not missing, (name, missing)
    assert pio.get_supported_write_formats() == peer.get_supported_write_formats()
    if sys.platform == "linux":
        assert pio.get_supported_read_formats() == peer.get_supported_read_formats()


def test_the_qualities_are_those_of_the_peer() -> None:
    theirs = pytest.importorskip("pedalboard").Resample.Quality
    assert {q.name: int(q) for q in Quality} == {name: int(q) for name, q in theirs.__members__.items()}
    for name, member in theirs.__members__.items():
        assert repr(member) == repr(Quality[name])
        assert str(member) == str(Quality[name])
    assert list(getattr(theirs, "__entries")) == list(getattr(Quality, "__entries"))


def test_enumerations_are_as_pybind11s() -> None:
    entries = getattr(Quality, "__entries")
    assert [entry[0] for entry in entries.values()] == list(Quality)
    assert Quality(8) is Quality.WindowedSinc32
    assert [0, 1, 2][Quality.Linear] == 1
    assert pickle.loads(pickle.dumps(Quality.Lagrange)) is Quality.Lagrange
    assert repr(pio.WriteableAudioFileFlag(0)) == "<WriteableAudioFileFlag.Mp3EnableBitReservoir: 0>"


def test_opening_makes_the_class_that_the_mode_asks_for(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "a.wav")
    for target in (path, io.BytesIO()):
        options = {} if target is path else {"format": "wav"}
        with pio.AudioFile(target, "w", 44_100, 2, **options) as file:
            assert type(file) is pio.WriteableAudioFile
            assert isinstance(file, pio.AudioFile)
    with pio.WriteableAudioFile(filename=path, samplerate=44_100.0, bit_depth=24, num_channels=1) as file:
        assert (file.samplerate, file.num_channels, file.file_dtype, file.quality) == (
            44_100,
            1,
            "int24",
            None,
        )
        assert f'filename="{path}" samplerate=44100 num_channels=1 file_dtype=int24' in repr(file)
    for read in (pio.AudioFile(path), pio.AudioFile(filename=path, mode="r"), pio.ReadableAudioFile(path)):
        with read as file:
            assert type(file) is pio.ReadableAudioFile
            assert isinstance(file, pio.AudioFile)
            assert file.name == path
        assert file.closed


BAD_CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "no file": lambda p, d: p.AudioFile(str(d / "none.wav")),
    "a folder": lambda p, d: p.AudioFile(str(d)),
    "a number": lambda p, d: p.AudioFile(3),
    "nothing": lambda p, d: p.AudioFile(),
    "two names": lambda p, d: p.AudioFile("a", filename="b"),
    "another mode": lambda p, d: p.AudioFile(str(d / "a.wav"), "rb"),
    "a mode for reading only": lambda p, d: p.ReadableAudioFile(str(d / "a.wav"), "r"),
    "a mode for writing only": lambda p, d: p.WriteableAudioFile(str(d / "b.wav"), "w", 44_100, 1),
    "a rate for a mode": lambda p, d: p.AudioFile(str(d / "b.wav"), 44_100, 1),
    "no rate": lambda p, d: p.AudioFile(str(d / "b.wav"), "w"),
    "rate 0": lambda p, d: p.AudioFile(str(d / "b.wav"), "w", 0),
    "half a frame a second": lambda p, d: p.AudioFile(str(d / "b.wav"), "w", 44_100.5),
    "a rate in words": lambda p, d: p.AudioFile(str(d / "b.wav"), "w", "44100"),
    "no channels": lambda p, d: p.AudioFile(str(d / "b.wav"), "w", 44_100, 0),
    "half a channel": lambda p, d: p.AudioFile(str(d / "b.wav"), "w", 44_100, 1.5),
    "an odd depth": lambda p, d: p.AudioFile(str(d / "b.wav"), "w", 44_100, 1, 12),
    "a depth that FLAC has not": lambda p, d: p.AudioFile(str(d / "b.flac"), "w", 44_100, 1, 32),
    "a rate that FLAC has not": lambda p, d: p.AudioFile(str(d / "b.flac"), "w", 123_456),
    "a rate that MP3 has not": lambda p, d: p.AudioFile(str(d / "b.mp3"), "w", 96_000),
    "channels that MP3 has not": lambda p, d: p.AudioFile(str(d / "b.mp3"), "w", 44_100, 3),
    "swapped arguments": lambda p, d: p.AudioFile(str(d / "b.flac"), "w", 1, 44_100),
    "no ending": lambda p, d: p.AudioFile(str(d / "b"), "w", 44_100),
    "another ending": lambda p, d: p.AudioFile(str(d / "b.txt"), "w", 44_100),
    "no folder": lambda p, d: p.AudioFile(str(d / "none" / "b.wav"), "w", 44_100),
    "a format for a path": lambda p, d: p.AudioFile(str(d / "b.wav"), "w", 44_100, format="flac"),
    "no format for a file object": lambda p, d: p.AudioFile(io.BytesIO(), "w", 44_100),
    "another format": lambda p, d: p.AudioFile(io.BytesIO(), "w", 44_100, format="txt"),
    "nothing to write to": lambda p, d: p.AudioFile(object(), "w", 44_100, format="wav"),
    "text to write to": lambda p, d: p.AudioFile(io.StringIO(), "w", 44_100, format="wav"),
    "text to read": lambda p, d: p.AudioFile(io.StringIO("x")),
    "an empty file object": lambda p, d: p.AudioFile(io.BytesIO()),
    "no audio": lambda p, d: p.AudioFile(io.BytesIO(b"garbage" * 99)),
    "a closed file object": lambda p, d: p.AudioFile(_closed()),
    "quality for WAV": lambda p, d: p.AudioFile(str(d / "b.wav"), "w", 44_100, quality=128),
    "an unknown quality": lambda p, d: p.AudioFile(str(d / "b.mp3"), "w", 44_100, quality="V10"),
    "no quality": lambda p, d: p.AudioFile(str(d / "b.mp3"), "w", 44_100, quality=[3]),
    "an option for WAV": lambda p, d: p.AudioFile(
        str(d / "b.wav"), "w", 44_100, codec_options={p.WriteableAudioFileFlag.Mp3EnableBitReservoir: True}
    ),
    "an option in words": lambda p, d: p.AudioFile(
        str(d / "b.mp3"), "w", 44_100, codec_options={p.WriteableAudioFileFlag.Mp3EnableBitReservoir: "no"}
    ),
    "no option": lambda p, d: p.AudioFile(str(d / "b.mp3"), "w", 44_100, codec_options={"a": True}),
    "read all": lambda p, d: p.AudioFile(str(d / "a.wav")).read(),
    "read half a frame": lambda p, d: p.AudioFile(str(d / "a.wav")).read(1.5),
    "read less than nothing": lambda p, d: p.AudioFile(str(d / "a.wav")).read(-1),
    "read a word": lambda p, d: p.AudioFile(str(d / "a.wav")).read("x"),
    "read raw all": lambda p, d: p.AudioFile(str(d / "a.wav")).read_raw(),
    "seek before the beginning": lambda p, d: p.AudioFile(str(d / "a.wav")).seek(-1),
    "seek behind the end": lambda p, d: p.AudioFile(str(d / "a.wav")).seek(101),
    "seek to a float": lambda p, d: p.AudioFile(str(d / "a.wav")).seek(1.0),
    "seek behind the resampled end": lambda p, d: (
        p.AudioFile(str(d / "a.wav")).resampled_to(1_000).seek(10_000)
    ),
    "resample a path": lambda p, d: p.ResampledReadableAudioFile(str(d / "a.wav"), 1_000),
    "resample to a word": lambda p, d: p.AudioFile(str(d / "a.wav")).resampled_to("x"),
    "read resampled all": lambda p, d: p.AudioFile(str(d / "a.wav")).resampled_to(1_000).read(),
    "read resampled half a frame": lambda p, d: p.AudioFile(str(d / "a.wav")).resampled_to(1_000).read(0.5),
    "read a closed file": lambda p, d: _after_close(p, d).read(1),
    "seek in a closed file": lambda p, d: _after_close(p, d).seek(0),
    "set what is read": lambda p, d: setattr(p.AudioFile(str(d / "a.wav")), "frames", 3),
    "write unsigned": lambda p, d: _writer(p).write(np.zeros(3, np.uint8)),
    "write a list": lambda p, d: _writer(p).write([0.0, 0.0]),
    "write a scalar": lambda p, d: _writer(p).write(np.float32(0)),
    "write a square first": lambda p, d: _writer(p, 2).write(np.zeros((2, 2))),
    "write three channels as two": lambda p, d: _writer(p, 2).write(np.zeros((3, 5))),
    "write one channel as two": lambda p, d: _writer(p, 2).write(np.zeros(5)),
    "write three dimensions": lambda p, d: _writer(p, 2).write(np.zeros((1, 2, 3))),
    "write when closed": lambda p, d: _written(p).write(np.zeros(3)),
    "close twice": lambda p, d: _written(p).close(),
    "rate when closed": lambda p, d: _written(p).samplerate,
    "encode a list": lambda p, d: p.AudioFile.encode([0.0], 44_100, "wav"),
    "encode with no thread": lambda p, d: p.AudioFile.encode(np.zeros(9), 44_100, "wav", num_threads=0),
    "encode other channels": lambda p, d: p.AudioFile.encode(np.zeros((2, 9)), 44_100, "wav"),
    "a stream of no quality": lambda p, d: p.StreamResampler(2, 1, 1, 4),
    "a stream of two arguments": lambda p, d: p.StreamResampler(2, 1),
    "other channels for a stream": lambda p, d: p.StreamResampler(2, 1, 2).process(
        np.zeros((3, 9), np.float32)
    ),
    "float64 for a stream": lambda p, d: p.StreamResampler(2, 1, 2).process(np.zeros((2, 9))),
    "three dimensions for a stream": lambda p, d: p.StreamResampler(2, 1, 1).process(
        np.zeros((1, 1, 9), "f4")
    ),
    "a word for a stream": lambda p, d: p.StreamResampler(2, 1, 1).process("x"),
    "no devices": lambda p, d: p.AudioStream(),
}


def _closed() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


def _after_close(p: Any, folder: pathlib.Path) -> Any:
    file = p.AudioFile(str(folder / "a.wav"))
    file.close()
    return file


def _writer(p: Any, channels: int = 1) -> Any:
    return p.AudioFile(io.BytesIO(), "w", 44_100, channels, format="wav")


def _written(p: Any) -> Any:
    writer = _writer(p)
    writer.close()
    return writer


@pytest.mark.parametrize("call", BAD_CALLS)
def test_what_makes_no_sense_is_an_error_of_the_peers_type(
    call: str, tmp_path: pathlib.Path, request: pytest.FixtureRequest
) -> None:
    lio.write(str(tmp_path / "a.wav"), np.zeros((1, 100), np.float32), 8_000)
    with pytest.raises((ValueError, TypeError, RuntimeError, AttributeError)) as ours:
        BAD_CALLS[call](pio, tmp_path)
    assert str(ours.value)
    with pytest.raises(Exception) as theirs:
        BAD_CALLS[call](request.getfixturevalue("peer"), tmp_path)
    assert isinstance(ours.value, theirs.type), (ours.value, theirs.value)
    assert not (tmp_path / "b.wav").exists()


def test_devices_are_an_error_that_says_what_is_missing() -> None:
    assert pio.AudioStream.input_device_names == pio.AudioStream.output_device_names == []
    assert pio.AudioStream.default_input_device_name is None is pio.AudioStream.default_output_device_name
    for call in (
        lambda: pio.AudioStream("a", "b"),
        lambda: pio.AudioStream.play(np.zeros(3, np.float32), 44_100),
    ):
        with pytest.raises(RuntimeError, match=r"devices of this computer.*sounddevice"):
            call()


# --- reading -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "depth"), DEPTHS)
def test_samples_and_codes_are_those_of_the_peer(form: str, depth: int, peer: Any) -> None:
    data = encoded(
        np.stack([noise(5_000), np.linspace(-1, 1, 5_000, dtype=np.float32)]), form, bit_depth=depth
    )
    with pio.AudioFile(io.BytesIO(data)) as ours, peer.AudioFile(io.BytesIO(data)) as theirs:
        for name in ("samplerate", "num_channels", "frames", "duration", "file_dtype", "name"):
            assert getattr(ours, name) == getattr(theirs, name), name
        # Divided here, and multiplied by the rounded inverse there.
        np.testing.assert_allclose(all_of(ours), theirs.read(6_000), rtol=1.3e-7)
        ours.seek(17)
        theirs.seek(17)
        if depth != 24:  # which the peer refuses to give
            raw = ours.read_raw(100)
            assert raw.dtype == ours.file_dtype
            assert np.array_equal(raw, theirs.read_raw(100))
        assert (
            repr(ours).partition("samplerate")[2].partition(" at ")[0]
            == (repr(theirs).partition("samplerate")[2].partition(" at ")[0])
        )


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_the_largest_code_is_one(bits: int) -> None:
    codes = np.array([[0, 1, -1, 2 ** (bits - 1) - 1, 1 - 2 ** (bits - 1), -(2 ** (bits - 1))]])
    file = io.BytesIO()
    lio.write(
        file,
        codes / 2.0 ** (bits - 1),
        8_000,
        format="AIFF",
        subtype="PCM_S8" if bits == 8 else f"PCM_{bits}",
    )
    file.seek(0)
    with pio.AudioFile(file) as audio:
        assert np.array_equal(audio.read(9), (codes / (2 ** (bits - 1) - 1)).astype(np.float32))
        audio.seek(0)
        raw = audio.read_raw(9)
        assert np.array_equal(raw if bits < 24 else raw >> 8, codes)


def test_float64_is_given_raw() -> None:
    file = io.BytesIO()
    lio.write(file, np.array([[0.1, -3.0, 1e-30]]), 8_000, format="WAV", subtype="DOUBLE")
    file.seek(0)
    with pio.AudioFile(file) as audio:
        assert audio.file_dtype == "float64"
        assert audio.read_raw(9).tolist() == [[0.1, -3.0, 1e-30]]


def test_mp3_begins_and_ends_where_it_should_and_vorbis_is_the_peers(peer: Any) -> None:
    sound = tone(44_100, 50_000)
    with opened(sound, "mp3", quality=320) as file:
        assert file.frames == 50_000
        assert file.exact_duration_known
        assert np.abs(all_of(file)[0] - sound).max() < 0.02
    data = encoded(sound, "ogg")
    with pio.AudioFile(io.BytesIO(data)) as ours, peer.AudioFile(io.BytesIO(data)) as theirs:
        assert ours.frames == theirs.frames
        np.testing.assert_allclose(all_of(ours), theirs.read(60_000), atol=2e-5)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_seeks_give_the_samples_of_the_whole(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["wav", "flac", "ogg", "mp3"]))
    whole = _WHOLE.setdefault(form, encoded(noise(2, 20_000) / 2, form))
    file = pio.AudioFile(io.BytesIO(whole))
    expected = all_of(pio.AudioFile(io.BytesIO(whole)))
    for _ in range(6):
        at = data.draw(st.integers(0, file.frames))
        count = data.draw(st.integers(1, 3_000))
        file.seek(at)
        assert np.array_equal(file.read(count), expected[:, at : at + count])
        assert file.tell() == min(file.frames, at + count)


_WHOLE: dict[str, bytes] = {}


def test_positions_and_ends() -> None:
    with opened(noise(100)) as file:
        assert file.read(60.0).shape == (1, 60)
        assert file.tell() == 60
        assert file.read(10**12).shape == (1, 40)
        assert file.read(1).shape == (1, 0)
        file.seek(100)
        assert file.read(5).dtype == np.float32
        assert file.seekable()
    assert not file.seekable()
    assert file.closed
    assert "closed" in repr(file)
    # As of the peer: what was known of the file still is.
    assert (file.frames, file.num_channels, file.samplerate, file.tell()) == (100, 1, 44_100, 100)
    file.close()


@pytest.mark.parametrize("form", ["CAF", "AU", "W64", "OPUS", "MP2"])
def test_only_the_peers_formats_are_read(form: str) -> None:
    file = io.BytesIO()
    if form == "MP2":
        file.write(_layer_ii_frames())
    else:
        lio.write(file, tone(48_000, 4_800)[None], 48_000, format=form)
    file.seek(0)
    with pytest.raises(ValueError, match="supported"):
        pio.AudioFile(file)


def _layer_ii_frames() -> bytes:
    frame = b"\xff\xfd\x44\xc0" + bytes(188)  # 64 kbit/s, 48 kHz, mono, 192 bytes; silence
    return frame * 20


def test_mp3_without_a_header_tells_so() -> None:
    data = encoded(noise(2, 60_000) / 2, "mp3", quality=320)
    first = data.index(b"Info") - 36
    frame = data.index(b"\xff\xfb", first + 100)
    with pio.AudioFile(io.BytesIO(data[frame:] + b"no audio" * 1_000)) as file:
        assert not file.exact_duration_known
        frames, got = file.frames, 0
        while file.tell() < file.frames:
            got += file.read(10_000).shape[1]
        assert file.exact_duration_known
        assert got == frames == file.frames
        file.seek(0)
        assert file.exact_duration_known
    tagged = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256) + data
    with pio.AudioFile(io.BytesIO(tagged)) as file:
        assert file.exact_duration_known
        assert file.frames == 60_000
    with pio.AudioFile(io.BytesIO(data[frame:])).resampled_to(11_025, Quality.Linear) as file:
        while file.tell() < file.frames or not file.exact_duration_known:
            file.read(4_096)
        assert file.tell() == file.frames


def test_a_file_that_was_cut_ends_where_it_ends() -> None:
    whole = encoded(noise(2, 50_000), "flac")
    cut = whole[: len(whole) // 2]
    file = pio.AudioFile(io.BytesIO(cut))
    with pytest.warns(DamagedAudioWarning, match="missing or damaged") as caught:
        good = in_parts(file)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert 0 < good.shape[1] == file.frames < 50_000
    assert np.array_equal(good, all_of(pio.AudioFile(io.BytesIO(whole)))[:, : good.shape[1]])


# --- file objects --------------------------------------------------------------------------------------


class Counted:
    """A file object of its own class, which can begin to fail."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        self.fails = False

    def read(self, size: int = -1) -> bytes:
        if self.fails:
            raise OSError("the line is dead")
        return self.file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def seekable(self) -> bool:
        return True


@pytest.mark.parametrize("form", ["wav", "flac", "ogg", "mp3"])
def test_all_sources_give_the_same(form: str, tmp_path: pathlib.Path) -> None:
    data = encoded(tone(44_100, 30_000), form)
    path = tmp_path / "no_ending"
    path.write_bytes(data)
    shifted = io.BytesIO(b"junk" + data)
    shifted.seek(4)
    with path.open("rb") as plain:
        sources = [str(path), path, plain, io.BytesIO(data), shifted, Counted(data), memoryview(data)]
        results = [all_of(pio.AudioFile(source)) for source in sources]
    assert all(np.array_equal(result, results[0]) for result in results)
    assert results[0].shape == (1, 30_000)
    again = Counted(data)
    audio = pio.AudioFile(again)
    assert audio.name == ""
    assert repr(again) in repr(audio)


def test_what_a_file_object_raises_is_raised(tmp_path: pathlib.Path) -> None:
    file = Counted(encoded(noise(1_000)))
    audio = pio.AudioFile(file)
    audio.read(1)
    file.fails = True
    with pytest.raises(OSError, match="the line is dead"):
        audio.read(1)
    file.fails = False
    assert audio.read(10_000).shape == (1, 999)
    path = tmp_path / "a.wav"
    path.write_bytes(encoded(noise(1_000)))
    with path.open("rb") as patched:

        def fail(size: int = -1) -> bytes:
            raise KeyError("mine")

        audio = pio.AudioFile(patched)
        patched.read = fail  # too late for a file that is read past Python
        assert audio.read(5).shape == (1, 5)
        with pytest.raises(KeyError, match="mine"):
            pio.AudioFile(patched)


def test_places_where_no_audio_begins_are_told() -> None:
    file = io.BytesIO(encoded(noise(100)))
    file.seek(5)
    with pytest.raises(ValueError, match=r"position set to 5 bytes.*Try seeking"):
        pio.AudioFile(file)
    file.seek(0, 2)
    with pytest.raises(ValueError, match=r"end of the stream.*Try seeking"):
        pio.AudioFile(file)
    file.seekable = lambda: False
    with pytest.raises(ValueError, match="not seekable"):
        pio.AudioFile(file)


def test_a_file_object_gets_the_file_from_its_position_on() -> None:
    file = io.BytesIO(b"xxxx")
    file.seek(2)
    with pio.AudioFile(file, "w", 44_100, format=".WAV") as writer:
        writer.write(np.zeros(10))
    assert file.getvalue().startswith(b"xxRIFF")
    assert file.tell() == len(file.getvalue())

    class Lies(io.BytesIO):
        name = "a.wav"

        def seek(self, *args: int) -> int:
            raise NotImplementedError("what is that?")

    with pytest.raises(NotImplementedError, match="what is that"):
        pio.AudioFile(Lies(), "w", 44_100, 2)


# --- writing -------------------------------------------------------------------------------------------


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


# --- threads -------------------------------------------------------------------------------------------


def test_a_second_thread_is_refused() -> None:
    inside, leave = threading.Event(), threading.Event()

    class Waits(Counted):
        waits = False

        def read(self, size: int = -1) -> bytes:
            if self.waits:
                inside.set()
                leave.wait(20)
            return super().read(size)

    file = Waits(encoded(noise(200_000)))
    audio = pio.AudioFile(file)
    resampled = audio.resampled_to(8_000)
    file.waits = True
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(audio.read(150_000).shape[1]))
    thread.start()
    assert inside.wait(20)
    for call in (
        lambda: audio.read(1),
        lambda: audio.seek(0),
        lambda: audio.close(),
        lambda: resampled.read(1),
    ):
        with pytest.raises(RuntimeError, match="Another thread is currently reading"):
            call()
    assert (audio.frames, audio.tell()) == (200_000, 0)
    leave.set()
    thread.join()
    assert got == [150_000]


# --- resampling ----------------------------------------------------------------------------------------

RATES = [
    (44_100, 48_000),
    (48_000, 44_100),
    (8_000, 12_345.67),
    (44_100, 8_000),
    (3, 1),
    (1, 2),
    (123.45, 8_000),
]


def definition(x: np.ndarray, from_rate: float, to_rate: float, quality: Quality) -> np.ndarray:
    """One output after another, in float64, at exact times."""
    step = Fraction(from_rate) / Fraction(to_rate)
    frames = math.floor(len(x) / step + Fraction(1, 2))
    out = np.zeros(frames)
    for m in range(frames):
        place = m * step
        n = math.floor(place)
        t = float(place - n)
        p = [float(x[i]) if 0 <= i < len(x) else 0.0 for i in range(n - 2, n + 3)]
        if quality is Quality.ZeroOrderHold:
            out[m] = p[2]
        elif quality is Quality.Linear:
            out[m] = p[2] + t * (p[3] - p[2])
        elif quality is Quality.CatmullRom:
            slopes = (p[3] - p[1]) / 2, (p[4] - p[2]) / 2
            out[m] = (
                (2 * t**3 - 3 * t**2 + 1) * p[2]
                + (t**3 - 2 * t**2 + t) * slopes[0]
                + (3 * t**2 - 2 * t**3) * p[3]
                + (t**3 - t**2) * slopes[1]
            )
        else:
            for i in range(5):
                others = [j for j in range(5) if j != i]
                out[m] += p[i] * math.prod((t + 2 - j) / (i - j) for j in others)
    return out


@pytest.mark.parametrize("quality", INTERPOLATED, ids=lambda q: q.name)
@pytest.mark.parametrize("rates", RATES)
def test_interpolation_is_its_definition(rates: tuple[float, float], quality: Quality) -> None:
    x = noise(300)
    stream = pio.StreamResampler(*rates, 1, quality)
    got = np.concatenate([stream.process(x), stream.process(None)], axis=1)[0]
    expected = definition(x, *rates, quality)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=3e-7)


@pytest.mark.parametrize("quality", [Quality.CatmullRom, Quality.Lagrange], ids=lambda q: q.name)
@pytest.mark.parametrize("rates", [(2, 1), (1, 2)])
def test_interpolation_is_the_peers_where_that_is_in_time(
    rates: tuple[float, float], quality: Quality, peer: Any
) -> None:
    theirs = pytest.importorskip("pedalboard").Resample.Quality.__members__[quality.name]
    a, b = pio.StreamResampler(*rates, 2, quality), peer.StreamResampler(*rates, 2, theirs)
    x = noise(2, 400)
    ours, expected = (np.concatenate([s.process(x), s.process(None)], axis=1) for s in (a, b))
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours[:, 8:-8], expected[:, 8:-8], atol=1e-6)


@pytest.mark.parametrize("rates", [(44_100, 32_000), (2, 1), (3, 1), (1, 2)])
def test_holding_is_the_peers(rates: tuple[float, float], peer: Any) -> None:
    theirs = pytest.importorskip("pedalboard").Resample.Quality.ZeroOrderHold
    x = noise(400)
    a = pio.StreamResampler(*rates, 1, Quality.ZeroOrderHold)
    b = peer.StreamResampler(*rates, 1, theirs)
    assert np.array_equal(*(np.concatenate([s.process(x), s.process(None)], axis=1) for s in (a, b)))


@pytest.mark.parametrize("quality", SINC, ids=lambda q: q.name)
def test_the_sincs_are_luthiers_own_in_time_and_without_aliases(quality: Quality) -> None:
    stream = pio.StreamResampler(44_100, 16_000, 1, quality)
    sound = tone(44_100, 44_100)
    got = np.concatenate([stream.process(sound), stream.process(None)], axis=1)[0]
    assert np.abs(got - tone(16_000, 16_000)).max() < 1e-3
    above = (0.5 * np.sin(2 * np.pi * 12_000 * np.arange(44_100) / 44_100)).astype(np.float32)
    assert (
        np.abs(np.concatenate([stream.process(above), stream.process(None)], axis=1)[0, 2_000:-2_000]).max()
        < 2e-5
    )


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_blocks_change_nothing(data: st.DataObject) -> None:
    quality = data.draw(st.sampled_from(list(Quality)))
    rates = data.draw(st.sampled_from([*RATES, (44_100, 44_100)]))
    x = noise(2, data.draw(st.integers(0, 6_000)))
    stream = pio.StreamResampler(*rates, 2, quality)
    whole = np.concatenate([stream.process(x), stream.process(None)], axis=1)
    assert stream.process().shape == (2, 0)
    parts, at = [], 0
    while at < x.shape[1]:
        count = data.draw(st.sampled_from([1, 2, 17, 512, 4_000]))
        parts.append(stream.process(x[:, at : at + count]))
        at += count
    parts.append(stream.process(None))
    assert np.array_equal(np.concatenate(parts, axis=1), whole)
    assert whole.shape[1] == math.floor(x.shape[1] * Fraction(rates[1]) / Fraction(rates[0]) + Fraction(1, 2))


@pytest.mark.parametrize("quality", list(Quality), ids=lambda q: q.name)
@pytest.mark.parametrize("rates", RATES)
def test_nothing_comes_before_the_latency(rates: tuple[float, float], quality: Quality) -> None:
    stream = pio.StreamResampler(*rates, 1, quality)
    latency = stream.input_latency
    assert isinstance(latency, float)
    assert latency == int(latency) >= 0
    assert stream.process(noise(int(latency))).shape == (1, 0)
    assert stream.process(noise(1 + math.ceil(rates[0] / rates[1]))).shape[1] > 0


def test_streams_are_as_the_peers(peer: Any) -> None:
    ours = pio.StreamResampler(44_100, 22_050.5, 2)
    theirs = peer.StreamResampler(44_100, 22_050.5, 2)
    for name in ("num_channels", "source_sample_rate", "target_sample_rate"):
        assert getattr(ours, name) == getattr(theirs, name)
        assert type(getattr(ours, name)) is type(getattr(theirs, name))
    assert ours.quality.name == theirs.quality.name
    assert repr(ours).startswith(repr(theirs).partition(" quality")[0])
    for block in (np.zeros((2, 10), np.int16), np.zeros((2, 0), np.float32), [[0.0, 0.0], [0.0, 0.0]]):
        assert ours.process(block).shape == theirs.process(block).shape == (2, 0)
    assert pio.StreamResampler(2, 1, 1).process(np.zeros((10, 1), np.float32)).shape[0] == 1


@pytest.mark.parametrize("rates", [(0, 1), (1, 0), (-1, 1), (math.nan, 1), (1, math.inf)])
def test_rates_that_are_none(rates: tuple[float, float]) -> None:
    for quality in (Quality.Linear, Quality.WindowedSinc32):
        with pytest.raises(ValueError, match="must be a positive number of frames a second"):
            pio.StreamResampler(*rates, 1, quality)
    for channels in (0, -1):
        with pytest.raises(ValueError, match="num_channels"):
            pio.StreamResampler(2, 1, channels)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_resampled_files_are_streams_after_any_seeks(data: st.DataObject) -> None:
    quality = data.draw(st.sampled_from(list(Quality)))
    target = data.draw(st.sampled_from([8_000, 12_345.67, 48_000, 96_000, 123.45]))
    form = data.draw(st.sampled_from(["wav", "flac"]))
    sound = noise(2, 30_000)
    file = opened(sound, form)
    stream = pio.StreamResampler(44_100, target, 2, quality)
    expected = np.concatenate([stream.process(all_of(file)), stream.process(None)], axis=1)
    file.seek(123)
    resampled = file.resampled_to(target, quality)
    assert resampled.frames == expected.shape[1]
    for _ in range(6):
        at = data.draw(st.integers(0, resampled.frames))
        count = data.draw(st.sampled_from([1, 5, 1_000, 100_000]))
        resampled.seek(at)
        assert np.array_equal(resampled.read(count), expected[:, at : at + count])
        assert resampled.tell() == min(at + count, expected.shape[1])
    assert file.tell() == 123


def test_a_resampled_file_tells_of_itself() -> None:
    file = opened(noise(2, 1_000), "flac")
    assert file.resampled_to(44_100) is file
    assert file.resampled_to(44_100.0) is file
    resampled = file.resampled_to(22_050, quality=Quality.Linear)
    assert isinstance(resampled, pio.ResampledReadableAudioFile)
    assert isinstance(resampled, pio.AudioFile)
    assert (resampled.frames, resampled.samplerate, resampled.num_channels) == (500, 22_050, 2)
    assert isinstance(resampled.samplerate, int)
    assert file.resampled_to(0.5).samplerate == 0.5
    assert (resampled.file_dtype, resampled.resampling_quality) == ("int16", Quality.Linear)
    assert resampled.duration == pytest.approx(500 / 22_050)
    assert resampled.exact_duration_known
    assert "ResampledReadableAudioFile file_like=" in repr(resampled)
    assert "samplerate=22050" in repr(resampled)
    assert not hasattr(resampled, "read_raw")
    assert not hasattr(resampled, "resampled_to")
    with resampled:
        pass
    assert resampled.closed
    assert not file.closed
    assert not resampled.seekable()
    with pytest.raises(RuntimeError, match="closed"):
        resampled.read(1)
    other = pio.ResampledReadableAudioFile(file, 1_000)
    file.close()
    assert other.closed
    with pytest.raises(ValueError, match="positive"):
        opened(noise(9)).resampled_to(0)


@pytest.mark.parametrize("quality", [Quality.Linear, Quality.WindowedSinc32], ids=lambda q: q.name)
def test_seeking_far_does_not_read_what_is_before(quality: Quality) -> None:
    file = opened(noise(44_100 * 60)).resampled_to(48_000, quality)
    asked: list[int] = []
    take = file._file._take_from

    def counted(position: int, count: int) -> Any:
        asked.append(count)
        return take(position, count)

    file._file._take_from = counted  # type: ignore[method-assign]
    for second in (50, 10, 58):
        began = time.perf_counter()
        file.seek(second * 48_000)
        assert time.perf_counter() - began < 1
        assert file.read(100).shape == (1, 100)
    assert sum(asked) < 60_000


def test_a_damaged_file_resampled_ends_where_it_ends() -> None:
    whole = encoded(noise(50_000), "flac")
    file = pio.AudioFile(io.BytesIO(whole[: len(whole) // 2])).resampled_to(22_050)
    with pytest.warns(DamagedAudioWarning):
        got = in_parts(file).shape[1]
    assert 0 < got == file.frames < 25_000


# --- the documentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", ".io._audio_file", ".io._resampler"])
def test_the_examples_run(name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module("luthier.compat.pedalboard" + name))
    assert result.attempted > 0
    assert result.failed == 0
