"""`luthier.compat.pedalboard.io` beside pedalboard: its names, its errors, its documentation."""

from __future__ import annotations

import doctest
import importlib
import io
import pathlib
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import luthier.compat.pedalboard as pb
import luthier.compat.pedalboard.io as pio
import luthier.io as lio
from luthier.compat.pedalboard._quality import Quality


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


@pytest.mark.parametrize("name", ["", ".io._audio_file", ".io._resampler"])
def test_the_examples_run(name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module("luthier.compat.pedalboard" + name))
    assert result.attempted > 0
    assert result.failed == 0
