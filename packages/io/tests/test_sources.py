"""Where audio can be read from, and the arguments of `read`, `open` and `info`."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import numpy as np
import pytest

import luthier.io as lio
from luthier.core import Audio, DecodeError, LayoutError, ParameterError, StreamError, UnsupportedFormat

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
    (tmp_path / "a.txt").write_bytes(b"RIFF\xff\xc4")  # no UTF-8
    with (tmp_path / "a.txt").open() as file, pytest.raises(ParameterError, match=r"a\.txt: is open as text"):
        lio.read(file)
    with pytest.raises(ParameterError, match="gaps"):
        lio.read(memoryview(bytes(100))[::2])
    for use in (lio.read, lio.open, lio.info, lio.build_index):
        with pytest.raises(ParameterError, match="null character"):
            use(str(tmp_path / "a.txt") + "\0.wav")
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


class Lazy(io.RawIOBase):
    """A seekable file object that counts what is read from it."""

    def __init__(self, data, most=1 << 30):
        self.data, self.at, self.taken, self.most = data, 0, 0, most

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.at

    def seek(self, offset, whence=io.SEEK_SET):
        self.at = offset + (0, self.at, len(self.data))[whence]
        return self.at

    def read(self, size=-1):
        size = len(self.data) if size < 0 else size
        piece = self.data[self.at : self.at + min(size, self.most)]
        self.at += len(piece)
        self.taken += len(piece)
        return piece


@pytest.mark.parametrize("most", [1 << 30, 1_000])
@pytest.mark.parametrize("name", NAMES)
def test_a_seekable_file_object_is_read_where_it_is_needed(name, most, encode, synthesise):
    form, subtype = {"pcm16.wav": ("WAV", "PCM_16"), "pcm16.flac": ("FLAC", "PCM_16")}.get(
        name, ("OGG", "VORBIS")
    )
    data = encode(synthesise(60 * 44_100, 44_100, 2), 44_100, form, subtype)
    full = lio.read(data)
    file = Lazy(b"before" + data, most)
    file.seek(6)
    assert np.array_equal(lio.read(file).samples, full.samples)
    file = Lazy(data, most)
    part = lio.read(file, start=1_000_000, frames=1_000).samples
    assert np.array_equal(part, full.samples[:, 1_000_000:1_001_000])
    if name == "pcm16.wav":
        assert file.taken < 300_000 < len(data)


def test_an_error_of_a_file_object_is_passed_on(encoded):
    class Failing(Lazy):
        def read(self, size=-1):
            if self.taken > len(self.data) // 2:
                raise ConnectionError("gone")
            return super().read(size)

    for name in NAMES:
        with pytest.raises(ConnectionError, match="gone"):
            lio.read(Failing(encoded(name), 1_000))


def test_urls(encoded):
    fsspec = pytest.importorskip("fsspec")
    for name in NAMES:
        url = f"memory://luthier/{name}"
        with fsspec.open(url, "wb") as file:
            file.write(encoded(name))
        assert np.array_equal(lio.read(url).samples, lio.read(encoded(name)).samples)
        assert lio.info(url) == lio.info(encoded(name))
        rows = lio.read_many([url, (url, 5, 6), "memory://luthier/nothing"])
        assert np.array_equal(rows[1].samples, rows[0].samples[:, 5:11])
        assert isinstance(rows[2], FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        lio.read("memory://luthier/nothing")
    with pytest.raises(ParameterError, match="nosuch://"):
        lio.read("nosuch://a/b.wav")


def test_the_message_without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ImportError, match=r"pip install 'luthier-io\[fsspec\]'"):
        lio.read("s3://bucket/take.wav")


def test_blocks_overlap(encoded):
    data = encoded("pcm16.wav")
    full = lio.read(data, frames=10_000).samples
    short = io.BytesIO()
    import soundfile

    soundfile.write(short, full.T, 44_100, format="WAV", subtype="PCM_16")
    for size, overlap in ((4_000, 0), (4_000, 1_000), (4_000, 3_999), (10_000, 5_000), (20_000, 7)):
        for layout in ("channels_first", "frames_first"):
            if overlap == 3_999 and layout == "frames_first":
                continue
            short.seek(0)
            got = list(lio.blocks(short, size, overlap=overlap, layout=layout))
            starts = range(0, max(1, 10_000 - overlap), size - overlap)
            assert len(got) == len(starts)
            for start, block in zip(starts, got, strict=True):
                planar = block.T if layout == "frames_first" else block
                assert np.array_equal(planar, full[:, start : start + size])
    for bad in (-1, 4_000, 5_000):
        with pytest.raises(ParameterError, match="overlap must be from 0 to 3999"):
            lio.blocks(data, 4_000, overlap=bad)


def test_a_reader_cannot_be_pickled_and_audio_can(encoded):
    import pickle

    with lio.open(encoded("pcm16.wav")) as reader, pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(reader)
    audio = lio.read(encoded("pcm16.wav"))
    again = pickle.loads(pickle.dumps(audio))
    assert np.array_equal(again.samples, audio.samples)
    assert again.sample_rate == audio.sample_rate
    assert again.samples.flags.writeable


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_reading_goes_on_in_a_forked_child(encoded, tmp_path):
    (tmp_path / "a.flac").write_bytes(encoded("pcm16.flac"))
    script = """
        import os, numpy as np, luthier.io as lio, warnings
        warnings.simplefilter("ignore")
        full = lio.read_many(["a.flac"] * 4)[0].samples
        reader = lio.open("a.flac")
        child = os.fork()
        rows = lio.read_many(["a.flac"] * 4)
        reader.seek(1_000)
        good = all(np.array_equal(r.samples, full) for r in rows)
        good = good and np.array_equal(reader.read(500), full[:, 1_000:1_500])
        if child == 0:
            os._exit(0 if good else 1)
        print(good, os.waitpid(child, 0)[1])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "True 0\n", done.stderr


def test_a_file_that_is_replaced_under_a_reader(encoded, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(encoded("pcm16.flac"))
    full = lio.read(path).samples
    with lio.open(path) as reader:
        (tmp_path / "b").write_bytes(encoded("mono.mp3"))
        os.replace(tmp_path / "b", path)
        assert np.array_equal(reader.read(), full)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypisom" + bytes(12), "MP4"),
        (b"\0\0\0\x08wide", "MP4"),
        (bytes.fromhex("1a45dfa3"), "Matroska"),
        (bytes.fromhex("3026b2758e66cf11"), "Windows Media"),
        (b"wvpk", "WavPack"),
    ],
    ids=["MP4", "QuickTime", "Matroska", "ASF", "WavPack"],
)
def test_mpeg_frames_in_another_container_are_not_read_as_an_mp3_file(head, kind, encoded, monkeypatch):
    monkeypatch.setitem(sys.modules, "luthier.io.av_reader", None)
    monkeypatch.delattr(lio, "av_reader", raising=False)
    with pytest.raises(UnsupportedFormat, match=f"{kind} files are read through PyAV"):
        lio.read(head + encoded("stereo.mp3"))


def test_aac_is_not_taken_for_damaged_mpeg_audio(monkeypatch):
    monkeypatch.setitem(sys.modules, "luthier.io.av_reader", None)
    monkeypatch.delattr(lio, "av_reader", raising=False)
    with pytest.raises(UnsupportedFormat, match="AAC files are read through PyAV"):
        lio.read(bytes.fromhex("fff15080") + bytes(500))


def test_a_path_as_bytes_is_told_apart():
    with pytest.raises(UnsupportedFormat, match="never its path"):
        lio.read(b"take.wav")


def test_audio_of_either_layout_knows_its_frames_and_channels(encoded):
    planar = lio.read(encoded("pcm16.wav"))
    for audio in (
        lio.read(encoded("pcm16.wav"), layout="frames_first"),
        lio.read_many([encoded("pcm16.wav")], layout="frames_first")[0],
    ):
        assert (audio.frames, audio.channels, audio.duration) == (planar.frames, 2, planar.duration)
        assert repr(audio) == repr(planar)
        assert audio._repr_html_() == planar._repr_html_()
        again = pickle.loads(pickle.dumps(audio))
        assert (again.frames, again.channels) == (planar.frames, 2)
