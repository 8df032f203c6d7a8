"""`read_many`: rows in order, errors as rows, batches, and Ctrl-C."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from contextlib import suppress

import numpy as np
import pytest

import luthier.core
import luthier.io as lio
from luthier.core import Audio, DamagedAudioWarning, DecodeError, LayoutError, ParameterError

NAMES = ["pcm16.wav", "pcm16.flac", "stereo.mp3", "stereo.ogg"]


@pytest.fixture
def files(encoded, tmp_path):
    paths = []
    for name in NAMES:
        (tmp_path / name).write_bytes(encoded(name))
        paths.append(tmp_path / name)
    return paths


@pytest.mark.parametrize("threads", [None, 1, 2, 1_000])
def test_many_are_as_one_by_one(files, threads):
    items = [*files, *[(path, 5_000, 300) for path in files], *[lio.Crop(path, 9_999) for path in files]]
    rows = lio.read_many(items, threads=threads)
    singles = [
        lio.read(item)
        if not isinstance(item, tuple)
        else lio.read(item[0], **dict(zip(("start", "frames"), item[1:], strict=False)))
        for item in items
    ]
    assert len(rows) == len(singles)
    for row, single in zip(rows, singles, strict=True):
        assert isinstance(row, Audio)
        assert np.array_equal(row.samples, single.samples)
        assert row.sample_rate == single.sample_rate


def test_options_are_those_of_read(files):
    options = {"sample_rate": 16_000, "channels": "mono", "dtype": "int16", "layout": "frames_first"}
    rows = lio.read_many([(path, 100, 2_000) for path in files], **options)
    for path, row in zip(files, rows, strict=True):
        assert np.array_equal(row.samples, lio.read(path, start=100, frames=2_000, **options).samples)


def test_every_kind_of_source_and_every_error_is_a_row(files, encoded, tmp_path):
    data = encoded("pcm16.flac")
    full = lio.read(data).samples

    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def seekable(self):
            return True

        at = 0

        def tell(self):
            return self.at

        def seek(self, offset, whence=0):
            self.at = 1_000 if whence else offset
            return self.at

        def read(self, size=-1):
            raise RuntimeError("the network is down")

    (tmp_path / "notes.txt").write_text("hello, world")
    with files[1].open("rb") as file:
        rows = lio.read_many(
            [
                str(files[1]), data, memoryview(data), io.BytesIO(data), file, (io.BytesIO(data), 7, 5),
                tmp_path / "missing.wav", tmp_path, tmp_path / "notes.txt", Broken(), None, 5, (files[0], -1),
                (files[0], 0, "all"), (files[0], 10**9), (files[0], 0, 1, 2), data[:1_000],
            ]
        )  # fmt: skip
    for row in rows[:5]:
        assert np.array_equal(row.samples, full)
    assert np.array_equal(rows[5].samples, full[:, 7:12])
    kinds = [type(row).__name__ for row in rows[6:]]
    assert kinds == [
        "FileNotFoundError", "IsADirectoryError", "UnsupportedFormat", "RuntimeError", "ParameterError",
        "ParameterError", "ParameterError", "ParameterError", "ParameterError", "ParameterError",
        "DecodeError",
    ]  # fmt: skip
    assert rows[6].filename == str(tmp_path / "missing.wav")


def test_damage_is_a_row_or_a_warning(encoded):
    data = encoded("pcm16.wav")
    full = lio.read(data).samples
    cut = data[: len(data) // 2]
    rows = lio.read_many([data, cut, data])
    there = rows[1].report.frames_decoded
    assert isinstance(rows[1], DecodeError)
    assert np.array_equal(rows[1].audio.samples, full[:, :there])
    for on_error, frames in (("partial", there), ("pad", full.shape[1])):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            rows = lio.read_many([cut, data, cut], on_error=on_error)
        assert [w.category for w in caught] == [DamagedAudioWarning] * 2
        assert {w.filename for w in caught} == {__file__}
        assert [row.frames for row in rows] == [frames, full.shape[1], frames]
        assert np.array_equal(rows[0].samples[:, :there], full[:, :there])


@pytest.mark.parametrize("layout", ["channels_first", "frames_first"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int32"])
def test_a_batch(files, layout, dtype):
    across = layout == "frames_first"
    out = np.full((5, 700, 2) if across else (5, 2, 700), 99, dtype)
    items = [(files[0], 0, 500), files[1], (files[2], 1_000), "missing.wav", (files[0], 0, 701)]
    rows = lio.read_many(items, out=out, layout=layout)
    planar = out.swapaxes(1, 2) if across else out
    assert np.array_equal(planar[0, :, :500], lio.read(files[0], frames=500, dtype=dtype).samples)
    assert not planar[0, :, 500:].any()
    assert np.array_equal(planar[1], lio.read(files[1], frames=700, dtype=dtype).samples)
    assert np.array_equal(planar[2], lio.read(files[2], start=1_000, frames=700, dtype=dtype).samples)
    assert [row.samples.shape[0 if across else 1] for row in rows[:3]] == [500, 700, 700]
    assert all(np.shares_memory(row.samples, out) for row in rows[:3])
    assert isinstance(rows[3], FileNotFoundError)
    assert isinstance(rows[4], LayoutError)
    assert not planar[3:].any()


def test_arguments_that_are_wrong_for_all(files):
    for more, error, message in [
        ({"threads": 0}, ParameterError, "threads must be a number from 1 on"),
        ({"threads": 1.5}, ParameterError, "threads must be"),
        ({"channels": "left"}, ParameterError, "channels must be 'mono'"),
        ({"sample_rate": 0}, ParameterError, "sample_rate must be a whole number"),
        ({"dtype": "int8"}, LayoutError, "dtype must be"),
        ({"layout": "planar"}, LayoutError, "channels_first"),
        ({"on_error": "ignore"}, ParameterError, "'raise', 'partial' or 'pad'"),
        ({"out": np.zeros((2, 100), np.float32)}, LayoutError, r"\(items, channels, frames\) with 4 items"),
        ({"out": np.zeros((3, 2, 100), np.float32)}, LayoutError, "with 4 items"),
        ({"out": np.zeros((4, 2, 100), np.int64)}, LayoutError, "got int64"),
        ({"index": 5}, ParameterError, "index must be"),
        ({"index": [None]}, ParameterError, "one entry for each of the 4 items, got 1"),
    ]:
        with pytest.raises(error, match=message):
            lio.read_many(files, **more)
    for one in (str(files[0]), files[0], files[0].read_bytes(), lio.Crop(files[0]), io.BytesIO()):
        with pytest.raises(ParameterError, match="items must be several sources"):
            lio.read_many(one)
    assert lio.read_many([]) == []
    assert lio.read_many(iter(files[:1]))[0].frames == lio.info(files[0]).frames


def test_an_index_that_cannot_be_kept_is_a_row(files, tmp_path):
    folder = tmp_path / "a file"
    folder.touch()
    rows = lio.read_many([(file, 100, 100) for file in files], index=folder)
    assert isinstance(rows[0], Audio)  # needs no index
    assert isinstance(rows[2], OSError)


def test_nothing_is_left_open(files):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("counts descriptors in /proc")
    rows = lio.read_many(files)
    names = {str(path) for path in files}
    held = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the one of the listing itself
            held.add(os.readlink(f"/proc/self/fd/{number}"))
    assert not held & names
    assert len(rows) == len(files)


def test_more_than_one_thread_works(encoded):
    if luthier.core.threads() < 2:
        pytest.skip("one CPU")
    seen = set()

    class Watched(io.BytesIO):
        def read(self, size=-1):
            import threading

            seen.add(threading.get_ident())
            return super().read(size)

    data = encoded("stereo.opus")
    for _ in range(20):
        lio.read_many([Watched(data) for _ in range(8)], threads=2)
        if len(seen) == 2:
            break
    assert len(seen) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
@pytest.mark.parametrize("threads", [1, 2])
def test_control_c_stops_all(tmp_path, threads):
    script = f"""
        import os, signal, threading, time, numpy as np, luthier.io as lio
        lio.write("a.flac", np.random.default_rng(0).uniform(-1, 1, (2, 400_000)), 44_100)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        try:
            lio.read_many(["a.flac"] * 20_000, threads={threads}, dtype="int16", channels=[0])
        except KeyboardInterrupt:
            print("stopped", time.monotonic() - start < 8)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "stopped True\n", done.stderr
    assert done.returncode in (0, -signal.SIGINT)
