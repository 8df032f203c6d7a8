"""Writing: what is stored, what is refused, and that nothing half-written is ever seen."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import (
    ClippingWarning,
    DecodeError,
    EncodeError,
    LayoutError,
    ParameterError,
    StreamError,
    UnsupportedFormat,
)

EVERY = [(f, e, s) for f in lio.available_formats() for e in f.extensions for s in f.subtypes]


@pytest.mark.parametrize(("form", "extension", "subtype"), EVERY)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_is_read_by_soundfile(tmp_path, synthesise, form, extension, subtype, channels):
    rate = 48_000
    samples = synthesise(rate, rate, channels)
    if form.lossy:
        samples = np.tile(0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate), (channels, 1))
    path = tmp_path / f"take{extension}"
    lio.write(path, samples, rate, subtype=subtype)
    theirs = soundfile.info(str(path))
    assert (theirs.samplerate, theirs.channels, theirs.frames) == (rate, channels, rate)
    assert (theirs.format, theirs.subtype) == (form.name, subtype)
    assert lio.info(path) == lio.Info(form.name, subtype, rate, channels, rate)
    back, _ = soundfile.read(str(path), always_2d=True)
    if form.lossy:
        error = back.T - samples
        assert 10 * np.log10(np.mean(samples**2) / np.mean(error**2)) > 20
    elif subtype in ("ULAW", "ALAW"):
        assert np.abs(back.T - samples).max() <= 2**-6
    else:
        bits = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24}.get(subtype, 25)
        assert np.abs(back.T - samples).max() <= 0.5 / 2 ** (bits - 1)
    assert os.listdir(tmp_path) == [path.name]


def test_a_telephones_wav(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    path = tmp_path / "call.wav"
    lio.write(path, tone, 8000, subtype="gsm610")
    assert soundfile.info(str(path)).subtype == lio.info(path).subtype == "GSM610"
    back = soundfile.read(str(path))[0][:8000]
    np.testing.assert_allclose(lio.read(path).samples[0, :8000], back, atol=1e-6)
    assert 10 * np.log10(np.mean(tone**2) / np.mean((back - tone) ** 2)) > 10
    with pytest.raises(EncodeError, match="holds 1 to 1 channels, got 2"):
        lio.write(path, np.stack([tone, tone]), 8000, subtype="GSM610")
    with pytest.raises(EncodeError, match="has no dither"):
        lio.write(path, tone, 8000, subtype="GSM610", dither="tpdf")


def test_the_default_subtypes(tmp_path):
    defaults = {
        "a.wav": "PCM_16",
        "a.flac": "PCM_16",
        "a.ogg": "VORBIS",
        "a.opus": "OPUS",
        "a.aiff": "PCM_16",
        "a.caf": "PCM_16",
        "a.au": "PCM_16",
        "a.w64": "PCM_16",
        "a.rf64": "PCM_16",
    }
    for name, subtype in defaults.items():
        lio.write(tmp_path / name, np.zeros((1, 100), np.float32), 48_000)
        assert lio.info(tmp_path / name).subtype == subtype


def test_subtypes_in_lower_case_and_opus_in_ogg(tmp_path):
    lio.write(tmp_path / "a.wav", np.zeros(10, np.float32), 48_000, subtype="pcm_24")
    assert lio.info(tmp_path / "a.wav").subtype == "PCM_24"
    lio.write(tmp_path / "a.ogg", np.zeros(4_800, np.float32), 48_000, subtype="OPUS")
    assert lio.info(tmp_path / "a.ogg").subtype == "OPUS"


@pytest.mark.parametrize("extension", ["wav", "flac", "aiff"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_integers_clip_at_full_scale(tmp_path, extension, subtype):
    samples = np.array([1.5, -3.0, 1.0, -1.0], np.float32)
    with pytest.warns(ClippingWarning, match="2 samples beyond full scale"):
        lio.write(tmp_path / f"a.{extension}", samples, 44_100, subtype=subtype)
    top = 1 - 2.0 ** (1 - int(subtype[4:]))
    assert lio.read(tmp_path / f"a.{extension}", dtype="float64").samples.tolist() == [[top, -1, top, -1]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_clipped_samples_are_counted_once_for_a_file(tmp_path, dtype, channels, name):
    samples = np.random.default_rng(0).uniform(-1.1, 1.1, (channels, 150_001)).astype(dtype)
    samples[:, 5] = np.nextafter(np.asarray(1, dtype), 2)
    count = int(np.sum(np.abs(samples) > 1))
    cure = 'write subtype="FLOAT"' if name == "a.wav" else 'write WAV with subtype="FLOAT"'
    with pytest.warns(ClippingWarning) as told:
        lio.write(tmp_path / name, samples, 44_100)
    assert [w.filename for w in told] == [__file__]
    assert f"{name}: {count:,} samples" in str(told[0].message)
    assert cure in str(told[0].message)

    def piece_by_piece():
        with lio.Writer(tmp_path / name, 44_100, channels) as writer:
            for start in range(0, 150_001, 20_000):
                writer.write(samples[:, start : start + 20_000])

    with pytest.warns(ClippingWarning) as told:
        piece_by_piece()
    assert [w.filename for w in told] == [__file__]
    assert f"{count:,} samples" in str(told[0].message)
    writer = lio.Writer(tmp_path / name, 44_100, channels)
    writer.write(samples[:, 5:6])
    with pytest.warns(ClippingWarning, match="sample") as told:
        writer.close()
    assert [w.filename for w in told] == [__file__]
    assert lio.info(tmp_path / name).frames == 1


def test_what_does_not_clip_or_is_not_written_does_not_warn(tmp_path):
    # The suite makes errors of warnings.
    lio.write(tmp_path / "a.wav", np.array([1.0, -1.0, 1 - 2**-20]), 44_100)
    for subtype in ("FLOAT", "DOUBLE"):
        lio.write(tmp_path / "a.wav", np.array([3.0, -3.0]), 44_100, subtype=subtype)
    writer = lio.Writer(tmp_path / "a.wav", 44_100, 1)
    writer.write(np.array([3.0]))
    writer.abort()


def test_a_clipping_warning_made_an_error_comes_after_the_file(tmp_path):
    with pytest.raises(ClippingWarning):
        lio.write(tmp_path / "a.wav", np.array([3.0]), 44_100)
    assert lio.info(tmp_path / "a.wav").frames == 1
    assert os.listdir(tmp_path) == ["a.wav"]


@pytest.mark.parametrize("extension", ["ogg", "mp3", "opus"])
def test_lossy_formats_clip_at_full_scale(tmp_path, extension):
    tone = 3 * np.sin(2 * np.pi * 500 * np.arange(24_000) / 48_000)
    lio.write(tmp_path / f"a.{extension}", tone, 48_000)
    lio.write(tmp_path / f"b.{extension}", np.clip(tone, -1, 1), 48_000)
    a, b = (lio.read(tmp_path / f"{n}.{extension}").samples for n in "ab")
    assert np.array_equal(a, b)


def test_layouts_and_kinds_of_arrays(tmp_path, synthesise):
    planar = synthesise(1_000, 44_100, 2)
    for given in (planar, planar.astype(">f4"), planar[:, ::1], np.asfortranarray(planar)):
        lio.write(tmp_path / "a.wav", given, 44_100, subtype="FLOAT")
        assert np.array_equal(lio.read(tmp_path / "a.wav").samples, planar)
    lio.write(tmp_path / "a.wav", planar.T, 44_100, subtype="FLOAT", layout="frames_first")
    assert np.array_equal(lio.read(tmp_path / "a.wav").samples, planar)
    lio.write(tmp_path / "a.wav", planar[0], 44_100, subtype="FLOAT")
    assert np.array_equal(lio.read(tmp_path / "a.wav").samples, planar[:1])


@pytest.mark.parametrize("extension", ["wav", "flac", "aiff", "ogg"])
def test_no_frames_at_all(tmp_path, extension):
    lio.write(tmp_path / f"a.{extension}", np.zeros((2, 0), np.float32), 44_100)
    audio = lio.read(tmp_path / f"a.{extension}")
    assert audio.samples.shape == (2, 0)
    assert lio.info(tmp_path / f"a.{extension}").sample_rate == 44_100


@pytest.mark.parametrize("extension", ["mp3", "opus"])
def test_formats_that_cannot_be_empty_say_so(tmp_path, extension):
    with pytest.raises(EncodeError, match="cannot be empty"):
        lio.write(tmp_path / f"a.{extension}", np.zeros((2, 0), np.float32), 48_000)
    assert os.listdir(tmp_path) == []


def test_a_minute_of_vorbis_in_one_call(tmp_path):
    # As one call of libsndfile this overflows the stack of libvorbis.
    lio.write(tmp_path / "a.ogg", np.zeros((2, 60 * 44_100), np.float32), 44_100)
    assert lio.info(tmp_path / "a.ogg").frames == 60 * 44_100


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_samples_that_are_not_finite_are_refused(tmp_path, bad, name, dtype):
    samples = np.zeros((2, 100_000), dtype)
    samples[1, 70_001] = bad
    (tmp_path / name).write_bytes(b"before")
    with pytest.raises(EncodeError, match=r"channel 1, frame 70,001 is (not a number|infinite)"):
        lio.write(tmp_path / name, samples, 44_100)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"before"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.ogg"])
def test_a_writer_goes_on_after_a_block_that_was_refused(tmp_path, synthesise, name, dtype):
    samples = synthesise(60_000, 44_100, 2).astype(dtype)
    bad = samples[:, :40_000].copy()
    bad[1, 39_999] = np.inf  # behind many of the encoders' own blocks
    with lio.Writer(tmp_path / name, 44_100, 2) as writer:
        writer.write(samples[:, :20_000])
        with pytest.raises(EncodeError, match=r"channel 1, frame 59,999 is infinite; none of these"):
            writer.write(bad)
        assert writer.frames == 20_000
        writer.write(samples[:, 20_000:])
    with lio.Writer(tmp_path / f"good-{name}", 44_100, 2) as writer:
        writer.write(samples[:, :20_000])
        writer.write(samples[:, 20_000:])
    got, expected = (lio.read(tmp_path / n).samples for n in (name, f"good-{name}"))
    assert np.array_equal(got, expected)


def test_a_refused_block_that_is_not_caught_leaves_nothing(tmp_path):
    with pytest.raises(EncodeError), lio.Writer(tmp_path / "a.wav", 44_100, 1) as writer:
        writer.write(np.array([np.nan]))
    assert os.listdir(tmp_path) == []


def test_a_double_too_large_for_a_float_is_refused(tmp_path):
    with pytest.raises(EncodeError, match="too large"):
        lio.write(tmp_path / "a.wav", np.array([1e300]), 44_100, subtype="FLOAT")
    lio.write(tmp_path / "a.wav", np.array([1e300]), 44_100, subtype="DOUBLE")


def test_bad_arguments(tmp_path):
    one = np.zeros((1, 10), np.float32)
    cases = [
        ("a.xyz", one, 44_100, {}, UnsupportedFormat, r"\.wav"),
        ("a", one, 44_100, {}, UnsupportedFormat, r"\(none\)"),
        ("a.wav", one, 44_100, {"subtype": "VORBIS"}, EncodeError, "PCM_16, PCM_24"),
        ("a.flac", one, 44_100, {"subtype": "FLOAT"}, EncodeError, "PCM_24"),
        ("a.wav", one, 0, {}, ParameterError, "sample_rate"),
        ("a.wav", one, -1, {}, ParameterError, "sample_rate"),
        ("a.wav", one, np.nan, {}, ParameterError, "sample_rate"),
        ("a.wav", one, 1e9, {}, ParameterError, "sample_rate"),
        ("a.wav", one, 44_100.5, {}, ParameterError, "whole number"),
        ("a.wav", one, "44100", {}, ParameterError, "sample_rate"),
        ("a.mp3", one, 44_000, {}, EncodeError, "44100"),
        ("a.opus", one, 44_100, {}, EncodeError, "resample"),
        ("a.flac", one, 700_000, {}, EncodeError, "655350"),
        ("a.mp3", np.zeros((3, 10), np.float32), 44_100, {}, EncodeError, "1 to 2 channels"),
        ("a.flac", np.zeros((9, 10), np.float32), 44_100, {}, EncodeError, "1 to 8 channels"),
        ("a.wav", np.zeros((0, 10), np.float32), 44_100, {}, LayoutError, "channel"),
        ("a.wav", np.zeros((2, 2, 10), np.float32), 44_100, {}, LayoutError, "batch"),
        ("a.wav", np.zeros((1, 10), np.int16), 44_100, {}, LayoutError, "32768"),
        ("a.wav", [0.0, 1.0], 44_100, {}, LayoutError, "asarray"),
        ("a.wav", one, 44_100, {"layout": "planar"}, LayoutError, "channels_first"),
    ]
    for name, samples, rate, more, error, message in cases:
        with pytest.raises(error, match=message):
            lio.write(tmp_path / name, samples, rate, **more)
    assert os.listdir(tmp_path) == []


def test_targets_that_cannot_be_written(tmp_path):
    one = np.zeros((1, 10), np.float32)
    with pytest.raises(FileNotFoundError, match=r"missing.a\.wav"):
        lio.write(tmp_path / "missing" / "a.wav", one, 44_100)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        lio.write(tmp_path / "file" / "a.wav", one, 44_100)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(IsADirectoryError):
        lio.write(tmp_path / "folder.wav", one, 44_100)
    for folder in (tmp_path, str(tmp_path)):
        with pytest.raises(IsADirectoryError, match="is a directory"):
            lio.write(folder, one, 44_100)
        with pytest.raises(IsADirectoryError, match="is a directory"):
            lio.write(folder, np.zeros((2, 1)), 44_100)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.wav"]


def test_what_is_no_target(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = np.zeros((1, 10), np.float32)
    (tmp_path / "a.wav").write_bytes(b"before")
    with open("a.wav", "rb") as read_only, open("text.wav", "w") as text:
        for target, message in [
            (read_only, "not open for writing; open it with mode 'wb'"),
            (text, "got a text file; open it with mode 'wb'"),
            (io.StringIO(), "got a text file"),
            (b"x.wav", r"got bytes, which stands for a file's contents.*os\.fsdecode"),
            (None, "got None"),
            (5, "got int"),
        ]:
            with pytest.raises(ParameterError, match=message):
                lio.write(target, one, 44_100)
            with pytest.raises(ParameterError, match=message):
                lio.Writer(target, 44_100, 1)
    assert sorted(os.listdir()) == ["a.wav", "text.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"before"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_what_is_no_regular_file_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    os.mkfifo("fifo.wav")
    os.symlink("fifo.wav", "link.wav")
    os.symlink(os.devnull, "null.wav")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.wav")
        for name, kind in [("fifo", "FIFO"), ("link", "FIFO"), ("null", "device"), ("socket", "socket")]:
            with pytest.raises(EncodeError, match=f"{name}.wav: is a {kind}, not a regular file"):
                lio.write(f"{name}.wav", np.zeros(10), 44_100)
    assert sorted(os.listdir()) == ["fifo.wav", "link.wav", "null.wav", "socket.wav"]
    assert (tmp_path / "fifo.wav").is_fifo()
    os.symlink("new.wav", "dangling.wav")
    lio.write("dangling.wav", np.zeros(10), 44_100)
    assert lio.info("new.wav").frames == 10


def test_frames_taken_for_channels(tmp_path):
    pairs = np.zeros((882, 2), np.float32)
    hint = r"; \(frames, channels\) data needs layout='frames_first'"
    for name, samples, message in [
        ("a.flac", pairs, r"FLAC holds 1 to 8 channels, got 882" + hint),
        ("a.mp3", np.zeros((3, 2), np.float32), "MP3 holds 1 to 2 channels, got 3" + hint),
        ("a.wav", np.zeros((2_000, 2), np.float32), "WAV holds 1 to 1024 channels, got 2000" + hint),
        ("a.wav", pairs, "a.wav: 882 channels of 2 frames look like swapped axes" + hint),
        ("a.aiff", np.zeros((65, 64), np.float32), "swapped axes" + hint),
    ]:
        with pytest.raises(EncodeError, match=message):
            lio.write(tmp_path / name, samples, 44_100)
    with pytest.raises(EncodeError, match=r"\(channels, frames\) data needs layout='channels_first'"):
        lio.write(tmp_path / "a.wav", pairs.T, 44_100, layout="frames_first")
    assert os.listdir(tmp_path) == []
    for shape in [(64, 2), (65, 65), (100, 0)]:
        lio.write(tmp_path / "a.wav", np.zeros(shape, np.float32), 44_100)
        assert lio.info(tmp_path / "a.wav").channels == shape[0]
    with lio.Writer(tmp_path / "a.wav", 44_100, 882) as writer:
        writer.write(pairs)
    assert lio.read(tmp_path / "a.wav").samples.shape == (882, 2)
    with (
        pytest.raises(LayoutError, match="must have 2 channels as the writer has, got 882" + hint),
        lio.Writer(tmp_path / "a.wav", 44_100, 2) as writer,
    ):
        writer.write(pairs)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
@pytest.mark.parametrize("extension", ["wav", "flac"])
def test_names_that_are_not_utf8(tmp_path, monkeypatch, extension):
    monkeypatch.chdir(tmp_path)
    path = os.fsdecode(b"caf\xe9." + extension.encode())
    shown = rf"caf\\udce9\.{extension}"
    lio.write(path, np.zeros(10), 44_100)
    with lio.Writer(path, 44_100, 2) as writer:
        assert "udce9" in repr(writer)
        writer.write(np.zeros((2, 20)))
        with pytest.raises(EncodeError, match=shown):
            writer.write(np.full((2, 1), np.nan))
    assert os.listdir(b".") == [b"caf\xe9." + extension.encode()]
    assert lio.info(path).frames == 20
    assert lio.read(path).samples.shape == (2, 20)
    with lio.open(path) as reader:
        assert "udce9" in repr(reader)
        with pytest.raises(ParameterError, match=shown):
            reader.seek(21)
    with open(path, "rb") as file:
        assert lio.info(file).frames == 20
    with open(path, "r+b") as file:
        file.truncate(50)
    with pytest.raises(DecodeError, match=shown):
        lio.read(path)
    with pytest.raises(FileNotFoundError) as missing:
        lio.read("no" + path)
    assert missing.value.filename == "no" + path
    with pytest.raises(EncodeError, match=shown):
        lio.write(path, np.zeros((9, 10)), 44_100, subtype="VORBIS")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions and links")
def test_permissions_and_links_are_kept(tmp_path):
    path = tmp_path / "a.wav"
    lio.write(path, np.zeros(10, np.float32), 44_100)
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask
    path.chmod(0o640)
    link = tmp_path / "link.wav"
    link.symlink_to(path)
    lio.write(link, np.zeros(20, np.float32), 44_100)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert lio.info(path).frames == 20


@pytest.mark.skipif(os.name != "posix", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.ogg", "a.mp3", "a.opus"])
def test_a_full_disk_leaves_nothing_behind(tmp_path, name):
    # A file size limit makes write() fail in the middle as a full disk does.
    script = f"""
        import resource, numpy as np, luthier.io as lio
        noise = np.random.default_rng(0).uniform(-1, 1, (2, 480_000)).astype(np.float32)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            lio.write({name!r}, noise, 48_000)
        except OSError as error:
            print(type(error).__name__, error.errno, error.filename)
    """
    (tmp_path / name).write_bytes(b"before")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"OSError 27 {name}"
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"before"


def test_a_writer_is_atomic(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"before")

    def fail():
        with lio.Writer(path, 44_100, 1) as writer:
            writer.write(np.zeros(10, np.float32))
            assert path.read_bytes() == b"before"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert os.listdir(tmp_path) == ["a.wav"]
    assert path.read_bytes() == b"before"
    with lio.Writer(path, 44_100, 1) as writer:
        writer.write(np.zeros(10, np.float32))
        assert writer.frames == 10
    assert writer.closed
    assert lio.info(path).frames == 10
    writer.close()
    with pytest.raises(StreamError, match="closed"):
        writer.write(np.zeros(10, np.float32))


def test_a_forgotten_writer_warns_and_leaves_nothing(tmp_path):
    writer = lio.Writer(tmp_path / "a.wav", 44_100, 1)
    with pytest.warns(ResourceWarning, match="never closed"):
        del writer
    assert os.listdir(tmp_path) == []


def test_blocks_of_a_writer_join(tmp_path, synthesise):
    samples = synthesise(50_000, 44_100, 2)
    for name in ("a.wav", "a.flac"):
        with lio.Writer(tmp_path / name, 44_100, 2, subtype="PCM_24") as writer:
            for start in range(0, 50_000, 777):
                writer.write(samples[:, start : start + 777])
            writer.write(samples[:, :0])
        lio.write(tmp_path / f"one-{name}", samples, 44_100, subtype="PCM_24")
        assert np.array_equal(lio.read(tmp_path / name).samples, lio.read(tmp_path / f"one-{name}").samples)
    with lio.Writer(tmp_path / "a.wav", 44_100, 2) as writer, pytest.raises(LayoutError, match="2 channels"):
        writer.write(samples[:1])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
@pytest.mark.parametrize("work", ["read", "write"])
def test_control_c_stops_native_work(tmp_path, encode, work):
    def interrupt(*_):
        raise KeyboardInterrupt

    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 48_000 * 60)).astype(np.float32)
    data = encode(noise[:, : 48_000 * 30], 48_000, "OGG", "OPUS")

    def run():
        if work == "write":
            lio.write(tmp_path / "a.opus", noise, 48_000)
        else:
            lio.read(data)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert os.listdir(tmp_path) == []
