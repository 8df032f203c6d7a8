"""Where files are written to: file objects, URLs, and what is left of them when something fails."""

from __future__ import annotations

import errno
import io
import os
import sys

import numpy as np
import pytest

import luthier.io as lio
from luthier.core import EncodeError, MissingDependencyError, ParameterError, UnsupportedFormat
from luthier.io import targets

FORMATS = [(f.name, f.subtypes[0], min(f.max_channels, 2)) for f in lio.available_formats()]
TONE = 0.5 * np.sin(np.arange(2 * 48_000) / 9).reshape(2, -1)


@pytest.mark.parametrize(("form", "subtype", "channels"), FORMATS)
def test_a_file_object_gets_the_bytes_of_the_file(tmp_path, form, subtype, channels):
    file = io.BytesIO(b"before")
    file.seek(0, 2)
    lio.write(file, TONE[:channels], 48_000, format=form, subtype=subtype)
    lio.write(tmp_path / "a", TONE[:channels], 48_000, format=form, subtype=subtype)
    data = file.getvalue()
    assert data[:6] == b"before"
    written = (tmp_path / "a").read_bytes()
    if form == "OGG":  # each stream has a number of its own
        assert len(data) - 6 == len(written)
        assert np.array_equal(lio.read(data[6:]).samples, lio.read(written).samples)
    else:
        assert data[6:] == written
    assert not file.closed


def test_the_name_of_a_file_object_names_the_format(tmp_path):
    for buffering in (0, -1):
        with open(tmp_path / "a.flac", "wb", buffering=buffering) as file:
            lio.write(file, TONE, 48_000)
        assert lio.info(tmp_path / "a.flac").format == "FLAC"
    with pytest.raises(UnsupportedFormat, match=r"<BytesIO>: .* or give format="):
        lio.write(io.BytesIO(), TONE, 48_000)
    with open(tmp_path / "a.flac", "wb") as file:
        lio.write(file, TONE, 48_000, format="au")
    assert lio.info(tmp_path / "a.flac").format == "AU"


class Grudging(io.RawIOBase):
    """Takes few bytes at a time, as raw files may; fails after `most` of them; cannot go back."""

    def __init__(self, most=None):
        self.data = bytearray()
        self.most = most

    def writable(self):
        return True

    def write(self, data):
        if self.most is not None and len(self.data) >= self.most:
            raise OSError(errno.ENOSPC, "full")
        self.data += bytes(data[:10_000])
        return min(len(data), 10_000)


def test_objects_that_take_few_bytes_at_a_time():
    grudging = Grudging()
    lio.write(grudging, TONE, 48_000, format="WAV")
    assert np.array_equal(lio.read(bytes(grudging.data)).samples, np.rint(TONE * 2**15).astype("f4") / 2**15)


def test_what_only_has_write_is_enough():
    class Least:
        data = b""

        def write(self, data):
            self.data += data

    least = Least()
    lio.write(least, TONE, 48_000, format="FLAC")
    assert lio.info(least.data).frames == 48_000


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG"])
def test_on_an_error_an_object_gets_nothing(form):
    bad = TONE.copy()
    bad[1, -1] = np.nan
    file = io.BytesIO()
    with pytest.raises(EncodeError, match="channel 1, frame 47,999"):
        lio.write(file, bad, 48_000, format=form)
    assert file.getvalue() == b""

    def interrupted():
        with lio.Writer(file, 48_000, 2, format=form) as writer:
            writer.write(TONE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert file.getvalue() == b""


def test_an_object_that_fails_is_taken_back_where_it_can_go_back():
    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() > 50_000:
                raise OSError(errno.ENOSPC, "full")
            return super().write(data[:30_000])

    file = Full(b"before")
    file.seek(6)
    with pytest.raises(OSError, match="full"):
        lio.write(file, TONE, 48_000, format="WAV")
    assert file.getvalue() == b"before"
    grudging = Grudging(most=50_000)
    with pytest.raises(OSError, match="full"):
        lio.write(grudging, TONE, 48_000, format="WAV")
    assert len(grudging.data) == 50_000


def test_a_pipe_is_written_through_its_file_object():
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as file, os.fdopen(reading, "rb") as other:
        lio.write(file, TONE[:, :1_000], 48_000, format="WAV")
        file.close()
        assert lio.info(other.read()).frames == 1_000


def test_a_promise_of_frames_is_kept(tmp_path):
    for name in ("a.wav", "a.flac", "a.ogg"):
        (tmp_path / name).write_bytes(b"before")
        with lio.Writer(tmp_path / name, 48_000, 2, frames=100) as writer:
            writer.write(TONE[:, :60])
            with pytest.raises(EncodeError, match=r"frames=100 were announced, and 101 come; none of these"):
                writer.write(TONE[:, :41])
            assert writer.frames == 60
            writer.write(TONE[:, :40])
        assert lio.info(tmp_path / name).frames == 100
        before = (tmp_path / name).read_bytes()
        writer = lio.Writer(tmp_path / name, 48_000, 2, frames=100)
        writer.write(TONE[:, :99])
        with pytest.raises(EncodeError, match=r"frames=100 were announced, and 99 came; the file was not"):
            writer.close()
        assert writer.closed
        assert (tmp_path / name).read_bytes() == before
    for frames in (-1, 1.5, "100"):
        with pytest.raises(ParameterError, match="frames must be a whole number"):
            lio.Writer(tmp_path / "a.wav", 48_000, 2, frames=frames)
    assert len(os.listdir(tmp_path)) == 3


def test_a_refused_block_leaves_no_trace_in_the_file():
    good = TONE * 0.9
    bad = np.full((2, 300_000), 0.25)
    bad[1, 299_999] = np.inf
    for form in ("WAV", "AIFF", "CAF", "W64", "AU", "FLAC"):
        file, clean = io.BytesIO(), io.BytesIO()
        with lio.Writer(file, 48_000, 2, format=form, dither="tpdf") as writer:
            writer.write(good)
            with pytest.raises(EncodeError, match="frame 347,999 is infinite"):
                writer.write(bad)
            assert writer.frames == 48_000
        with lio.Writer(clean, 48_000, 2, format=form, dither="tpdf") as writer:
            writer.write(good)
        assert file.getvalue() == clean.getvalue()


@pytest.mark.parametrize("wanted", ["FLAC", "flac", "Flac", "OGA", "opus", "aif"])
def test_formats_by_name_or_ending(wanted):
    file = io.BytesIO()
    lio.write(file, TONE, 48_000, format=wanted)
    expected = {"OGA": "OGG", "OPUS": "OGG", "AIF": "AIFF"}.get(wanted.upper(), wanted.upper())
    assert lio.info(file.getvalue()).format == expected


def test_formats_that_there_are_not(tmp_path):
    for wanted in ("XYZ", "", 5, ".wav"):
        with pytest.raises(UnsupportedFormat, match=r"there is no format .*; use one of WAV, WAVEX, RF64"):
            lio.write(tmp_path / "a.wav", TONE, 48_000, format=wanted)
    assert os.listdir(tmp_path) == []


def test_durable_files_are_the_same(tmp_path):
    lio.write(tmp_path / "a.wav", TONE, 48_000)
    lio.write(tmp_path / "b.wav", TONE, 48_000, durable=True)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    file = io.BytesIO()
    lio.write(file, TONE, 48_000, format="WAV", durable=True)
    assert file.getvalue() == (tmp_path / "a.wav").read_bytes()


def test_urls(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    lio.write("memory://folder/a.flac", TONE, 48_000, subtype="PCM_24")
    assert lio.info("memory://folder/a.flac").subtype == "PCM_24"
    url = (tmp_path / "a.wav").as_uri()
    with lio.Writer(url, 48_000, 2) as writer:
        writer.write(TONE)
        assert os.listdir(tmp_path) == []
    assert lio.info(tmp_path / "a.wav").frames == 48_000
    with pytest.raises(EncodeError):
        lio.write("memory://folder/b.wav", np.array([np.nan]), 48_000)
    assert not fsspec.filesystem("memory").exists("folder/b.wav")
    with pytest.raises(ParameterError, match="nosuch"):
        lio.write("nosuch://a.wav", TONE, 48_000)


def test_urls_without_fsspec_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'luthier-io\[fsspec\]'"):
        lio.write("memory://a.wav", TONE, 48_000)


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without a name are Linux's")
def test_files_without_a_name_and_with_a_hidden_one_are_alike(tmp_path, monkeypatch):
    lio.write(tmp_path / "a.wav", TONE, 48_000)
    monkeypatch.delattr(targets.os, "O_TMPFILE")
    lio.write(tmp_path / "b.wav", TONE, 48_000)
    a, b = tmp_path / "a.wav", tmp_path / "b.wav"
    assert a.read_bytes() == b.read_bytes()
    assert a.stat().st_mode == b.stat().st_mode
    a.chmod(0o600)
    monkeypatch.undo()
    lio.write(a, TONE, 48_000)
    assert a.stat().st_mode & 0o777 == 0o600
    assert a.stat().st_nlink == 1
    assert sorted(os.listdir(tmp_path)) == ["a.wav", "b.wav"]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without a name are Linux's")
def test_a_system_that_gives_no_name_to_such_a_file(tmp_path, monkeypatch):
    lio.write(tmp_path / "a.wav", TONE, 48_000)
    (tmp_path / "b.wav").touch(mode=0o600)

    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "forbidden")

    monkeypatch.setattr(targets.os, "link", refuse)
    lio.write(tmp_path / "b.wav", TONE, 48_000)
    assert (tmp_path / "b.wav").read_bytes() == (tmp_path / "a.wav").read_bytes()
    assert (tmp_path / "b.wav").stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["a.wav", "b.wav"]
