"""Where audio can be read from, and the arguments of `read`, `open` and `info`."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import numpy as np
import pytest

import luthier.io as lio
from luthier.core import Audio, DecodeError, LayoutError, ParameterError, StreamError

NAMES = ["pcm16.wav", "pcm16.flac", "stereo.ogg"]


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_source(name, encoded, tmp_path):
    data = encoded(name)
    path = tmp_path / "take"  # the content decides, not the name
    path.write_bytes(data)
    (tmp_path / "take.gz").write_bytes(gzip.compress(data, 1))
    full = lio.read(path)
    assert isinstance(full, Audio)
    sources = [str(path), data, bytearray(data), memoryview(data), memoryview(data)[:], io.BytesIO(data)]
    for source in sources:
        assert np.array_equal(lio.read(source).samples, full.samples)
    with path.open("rb") as file, path.open("rb", buffering=0) as raw, path.open("r+b") as both:
        for each in (file, raw, both):
            assert np.array_equal(lio.read(each).samples, full.samples)
        file.seek(0)
        assert lio.info(file) == lio.info(path)
    # A GzipFile has a file descriptor of other bytes than it gives.
    with gzip.open(tmp_path / "take.gz") as file:
        assert np.array_equal(lio.read(file).samples, full.samples)
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.seek(0)
        assert np.array_equal(lio.read(file).samples, full.samples)


@pytest.mark.parametrize("name", NAMES)
def test_file_objects_are_read_from_where_they_are(name, encoded, tmp_path):
    data = encoded(name)
    path = tmp_path / "take"
    path.write_bytes(b"12345" + data)
    full = lio.read(data).samples
    with path.open("rb") as file:
        file.seek(5)
        assert np.array_equal(lio.read(file).samples, full)
    memory = io.BytesIO(b"12345" + data)
    memory.seek(5)
    for _ in range(2):
        assert np.array_equal(lio.read(memory).samples, full)
    memory.seek(0, io.SEEK_END)
    with pytest.raises(DecodeError, match=r"is empty; seek\(0\)"):
        lio.read(memory)


def test_a_pipe_is_read_to_its_end(encoded, tmp_path):
    script = (
        "import sys, luthier.io as lio; print(lio.read(sys.argv[1] if sys.argv[1:] else sys.stdin.buffer))"
    )
    for argument in ([], ["/dev/stdin"]) if sys.platform == "linux" else ([],):
        done = subprocess.run(
            [sys.executable, "-c", script, *argument],
            input=encoded("pcm16.flac"),
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert b"Audio(2 channels, 132317 frames" in done.stdout, done.stderr


def test_unwritten_data_of_an_open_file_is_seen(encoded, tmp_path):
    with (tmp_path / "take").open("w+b") as file:
        file.write(encoded("pcm16.wav"))
        file.seek(0)
        assert lio.read(file).frames == lio.read(encoded("pcm16.wav")).frames


def test_a_reader_holds_its_buffer_and_lets_it_go(encoded):
    data = bytearray(encoded("pcm16.wav"))
    reader = lio.open(data)
    with pytest.raises(BufferError):
        data.append(0)
    reader.close()
    data.append(0)


def test_what_is_not_a_source(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    with (tmp_path / "a.txt").open() as file, pytest.raises(ParameterError, match="'rb'"):
        lio.read(file)
    for mode, buffering in (("wb", -1), ("wb", 0), ("w", -1)):
        with (
            (tmp_path / "a.txt").open(mode, buffering) as file,
            pytest.raises(ParameterError, match=r"a\.txt: the file is not open for reading; .*'rb'"),
        ):
            lio.read(file)
    for source, name in ((None, "None"), (5, "int"), (np.zeros(4), "ndarray")):
        for use in (lio.read, lio.open, lio.info):
            with pytest.raises(ParameterError, match=f"source must be a path .*bytes.*'rb', got {name}"):
                use(source)


def test_arguments_of_read(encoded):
    data = encoded("pcm16.wav")
    frames = lio.info(data).frames
    for more, error, message in [
        ({"start": -1}, ParameterError, "start must be from 0 .*, got -1"),
        ({"start": frames + 1}, ParameterError, "start must be from 0"),
        ({"start": 1.5}, ParameterError, "whole number"),
        ({"frames": -1}, ParameterError, "not be negative, got -1; None means all"),
        ({"frames": "all"}, ParameterError, "whole number"),
        ({"dtype": "int8"}, LayoutError, "'float32', .* or 'int32', got 'int8'"),
        ({"dtype": "nonsense"}, LayoutError, "float32"),
        ({"layout": "interleaved"}, LayoutError, "channels_first"),
    ]:
        with pytest.raises(error, match=message):
            lio.read(data, **more)
    assert lio.read(data, start=frames).samples.shape == (2, 0)
    assert lio.read(data, frames=0).samples.shape == (2, 0)
    assert lio.read(data, start=np.int64(3), frames=10**9).samples.shape == (2, frames - 3)


def test_the_reader(encoded):
    with lio.open(encoded("pcm16.flac")) as reader:
        assert (reader.channels, reader.sample_rate, reader.frames) == (2, 44_100, 3 * 44_100 + 17)
        assert reader.info.duration == reader.frames / 44_100
        assert "FLAC" in repr(reader)
        assert reader.read(0).shape == (2, 0)
        reader.seek(reader.frames)
        assert reader.read(10).shape == (2, 0)
        assert reader.read().shape == (2, 0)
        for bad in (-1, reader.frames + 1, 0.5):
            with pytest.raises(ParameterError):
                reader.seek(bad)
        for bad in (0, -1):
            with pytest.raises(ParameterError, match=f"^frames of a block must be at least 1, got {bad}$"):
                next(reader.blocks(bad))
    assert reader.closed
    for use in (reader.tell, reader.read, lambda: reader.seek(0)):
        with pytest.raises(StreamError, match="closed"):
            use()


def test_readers_in_many_threads(encoded):
    names = ["pcm16.wav", "pcm16.flac", "stereo.mp3", "stereo.ogg", "mono.opus"]
    expected = {n: lio.read(encoded(n)).samples for n in names}
    wrong = []

    def work(shift):
        for i in range(2 * len(names)):
            name = names[(i + shift) % len(names)]
            if not np.array_equal(lio.read(encoded(name)).samples, expected[name]):
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_one_reader_used_by_many_threads_gives_whole_blocks(encoded):
    data = encoded("pcm16.flac")
    full = lio.read(data).samples
    got = []
    with lio.open(data) as reader:

        def work():
            while (block := reader.read(1_000)).shape[1]:
                got.append(block)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(b.shape[1] for b in got) == full.shape[1]
    starts = {full[:, i : i + 1_000].tobytes() for i in range(0, full.shape[1], 1_000)}
    assert {b.tobytes() for b in got} == starts


def test_decoding_lets_other_threads_run(encode, synthesise):
    data = encode(synthesise(20 * 48_000, 48_000, 2), 48_000, "OGG", "OPUS")
    before = sys.getswitchinterval()
    sys.setswitchinterval(100)  # only a thread that gives the lock away lets this one go on
    try:
        thread = threading.Thread(target=lio.read, args=(data,))
        thread.start()
        time.sleep(0.01)
        assert thread.is_alive()
    finally:
        sys.setswitchinterval(before)
        thread.join()


@pytest.mark.parametrize("isa", ["baseline", "v3", "v4"])
def test_every_instruction_set_gives_the_same_bits(isa, tmp_path, encoded):
    script = """
        import sys, hashlib, numpy as np, luthier.io as lio
        digest = hashlib.sha256()
        random = np.random.default_rng(0)
        for channels in (1, 2, 3):
            for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"):
                for dtype in ("float32", "float64"):
                    samples = random.uniform(-1.2, 1.2, (channels, 1_003)).astype(dtype)
                    lio.write("a.wav", samples, 44_100, subtype=subtype)
                    digest.update(open("a.wav", "rb").read())
                    digest.update(lio.read("a.wav", dtype=dtype).samples.tobytes())
        print(digest.hexdigest())
    """
    results = set()
    for each in {"baseline", isa}:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=tmp_path,
            env={**os.environ, "LUTHIER_ISA": each},
            capture_output=True,
            text=True,
            check=False,
        )
        if "more than this CPU" in done.stderr:
            pytest.skip(f"this CPU cannot run {each}")
        assert done.returncode == 0, done.stderr
        results.add(done.stdout)
    assert len(results) == 1
