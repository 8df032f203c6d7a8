"""Seek indexes: kept by hand and in folders, whatever happens to these."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import luthier.io as lio
from luthier.core import ParameterError
from luthier.io.index import cache_folder

NAMES = ["stereo.mp3", "pcm16.flac", "stereo.ogg", "stereo.opus", "pcm16.wav"]


@pytest.fixture
def file(encoded, tmp_path):
    path = tmp_path / "take"
    path.write_bytes(encoded("stereo.mp3"))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_an_index_changes_no_sample(name, encoded, tmp_path):
    (tmp_path / name).write_bytes(encoded(name))
    full = lio.read(encoded(name)).samples
    for source in (tmp_path / name, encoded(name)):
        index = lio.build_index(source)
        again = lio.SeekIndex.from_bytes(index.to_bytes())
        assert again == index
        for each in (index, index.to_bytes(), again, "cache", tmp_path / "folder"):
            for start in (0, 1, 50_000, full.shape[1] - 3):
                if isinstance(each, str):
                    continue
                got = lio.read(source, start=start, frames=2_000, index=each).samples
                assert np.array_equal(got, full[:, start : start + 2_000])
            if not isinstance(each, str):
                with lio.open(source, index=each) as reader:
                    reader.seek(70_000)
                    assert np.array_equal(reader.read(99), full[:, 70_000:70_099])


def test_mp3_has_one(encoded):
    assert 0 < len(lio.build_index(encoded("stereo.mp3")).payload) < 20_000
    assert lio.build_index(encoded("pcm16.wav")).payload == b""


def test_a_folder_is_filled_and_used(file, tmp_path):
    folder = tmp_path / "a" / "b"
    full = lio.read(file, index=folder).samples
    assert not folder.exists()  # a whole file needs none
    for _ in range(2):
        assert np.array_equal(
            lio.read(file, start=60_000, frames=9, index=folder).samples, full[:, 60_000:60_009]
        )
        (entry,) = folder.iterdir()
    made = entry.stat()
    lio.read_many([(file, 1_000, 10)] * 4, index=str(folder))
    assert list(folder.iterdir()) == [entry]
    assert (entry.stat().st_mtime_ns, entry.stat().st_ino) == (made.st_mtime_ns, made.st_ino)


@pytest.mark.parametrize("junk", [b"", b"junk", "cut", "flipped", "other"])
def test_a_spoilt_entry_is_made_again(junk, file, encoded, tmp_path):
    folder = tmp_path / "cache"
    part = lio.read(file, start=60_000, frames=500).samples
    lio.read(file, start=1, frames=1, index=folder)
    (entry,) = folder.iterdir()
    good = entry.read_bytes()
    if junk == "other":
        junk = lio.build_index(encoded("mono.mp3")).to_bytes()
    elif junk == "cut":
        junk = good[:-1]
    elif junk == "flipped":
        junk = good[:100] + bytes([good[100] ^ 1]) + good[101:]
    entry.write_bytes(junk)
    assert np.array_equal(lio.read(file, start=60_000, frames=500, index=folder).samples, part)
    assert entry.read_bytes() == good


def test_a_changed_file_gets_a_new_entry(file, encoded, tmp_path):
    folder = tmp_path / "cache"
    lio.read(file, start=1, frames=1, index=folder)
    file.write_bytes(encoded("mono.mp3"))
    full = lio.read(encoded("mono.mp3")).samples
    got = lio.read(file, start=9_000, frames=700, index=folder).samples
    assert np.array_equal(got, full[:, 9_000:9_700])
    assert len(list(folder.iterdir())) == 2


def test_an_index_of_another_file_is_refused(file, encoded):
    other = lio.build_index(encoded("mono.mp3"))
    with pytest.raises(ParameterError, match=r"take: the index is of another file.*build_index"):
        lio.read(file, start=1, index=other)
    with pytest.raises(ParameterError, match="of another file"):
        lio.open(file, index=other)
    row = lio.read_many([(file, 1)], index=[other])[0]
    assert isinstance(row, ParameterError)
    forged = lio.SeekIndex(
        *[getattr(lio.build_index(file), n) for n in ("size", "mtime_ns", "digest")], b"x" * 99
    )
    with pytest.raises(ParameterError, match="of another file"):
        lio.read(file, start=1, index=forged)


def test_bytes_that_are_no_index(file):
    good = lio.build_index(file).to_bytes()
    for bad in (b"", b"hello", good[:-1], good[1:], good + b"x", good.replace(b"index 1", b"index 2")):
        with pytest.raises(ParameterError, match="build it again"):
            lio.SeekIndex.from_bytes(bad)
        with pytest.raises(ParameterError, match="build it again"):
            lio.read(file, start=1, index=bad)
    with pytest.raises(ParameterError, match="index must be a SeekIndex"):
        lio.read(file, start=1, index=5)


def test_a_moved_file_keeps_its_index(file, tmp_path):
    index = lio.build_index(file)
    part = lio.read(file, start=30_000, frames=50).samples
    moved = file.rename(tmp_path / "moved")
    os.utime(moved)
    assert np.array_equal(lio.read(moved, start=30_000, frames=50, index=index).samples, part)


def test_the_cache_folder(file, tmp_path, monkeypatch):
    if sys.platform in ("win32", "darwin"):
        assert cache_folder().parts[-2:] == ("luthier", "index")
        return
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "luthier" / "index"
    lio.read(file, start=1, frames=1, index="cache")
    assert len(list(cache_folder().iterdir())) == 1
    # No place for the cache is no reason not to read.
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert lio.read(file, start=1, frames=1, index="cache").frames == 1
    with pytest.raises(OSError):
        lio.read(file, start=1, frames=1, index=tmp_path / "file" / "folder")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder().is_absolute()


def test_many_at_once_share_a_folder(file, tmp_path):
    folder = tmp_path / "cache"
    part = lio.read(file, start=60_000, frames=500).samples
    wrong = []

    def work():
        for _ in range(5):
            got = lio.read(file, start=60_000, frames=500, index=folder).samples
            wrong.extend([1] * (not np.array_equal(got, part)))

    script = (
        "import sys, luthier.io as lio; [lio.read(sys.argv[1], start=7, index=sys.argv[2]) for _ in range(5)]"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(file), str(folder)], cwd=tmp_path)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert child.wait() == 0
    assert wrong == []
    assert len(list(folder.iterdir())) == 1
