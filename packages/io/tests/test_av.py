"""What FFmpeg decodes through PyAV: lengths, seeks, damage, and the message without it."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import DecodeError, UnsupportedFormat

RATE = 44_100
FRAMES = 3 * RATE + 17

#: name -> (ffmpeg's arguments, Info.format, Info.subtype)
KINDS = {
    "aac.m4a": (("-c:a", "aac"), "MP4", "AAC"),
    "fast.m4a": (("-c:a", "aac", "-movflags", "faststart"), "MP4", "AAC"),
    "alac.m4a": (("-c:a", "alac"), "MP4", "ALAC"),
    "alac24.m4a": (("-c:a", "alac", "-sample_fmt", "s32p"), "MP4", "ALAC_32"),
    "a.aac": (("-c:a", "aac"), "ADTS", "AAC"),
    "a.wma": (("-c:a", "wmav2"), "ASF", "WMAV2"),
    "opus.webm": (("-c:a", "libopus"), "MATROSKA", "OPUS"),
    "flac.mka": (("-c:a", "flac"), "MATROSKA", "FLAC"),
    "a.wv": (("-c:a", "wavpack"), "WAVPACK", "WAVPACK"),
}
LOSSLESS = ("alac.m4a", "alac24.m4a", "flac.mka", "a.wv")


@pytest.fixture(scope="module")
def media(encoder, synthesise, tmp_path_factory):
    """The bytes of one of KINDS, encoded by ffmpeg from 16-bit samples, and these samples."""
    pytest.importorskip("av")
    ffmpeg = encoder("ffmpeg")
    folder = tmp_path_factory.mktemp("av")
    samples = np.rint(synthesise(FRAMES, RATE, 2) * 32_768) / 32_768
    soundfile.write(folder / "in.wav", samples.T, RATE, subtype="PCM_16")
    made = {}

    def get(name):
        if name not in made:
            arguments = [ffmpeg, "-v", "error", "-y", "-i", folder / "in.wav", *KINDS[name][0], folder / name]
            subprocess.run(arguments, check=True)
            made[name] = (folder / name).read_bytes()
        return made[name]

    get.samples = samples.astype(np.float32)
    return get


@pytest.mark.parametrize("name", KINDS)
def test_what_is_read(name, media, tmp_path):
    data = media(name)
    (tmp_path / name).write_bytes(data)
    info = lio.info(tmp_path / name)
    _, form, subtype = KINDS[name]
    assert (info.format, info.subtype, info.channels) == (form, subtype, 2)
    assert info.report is None
    audio = lio.read(tmp_path / name)
    assert audio.frames == info.frames
    assert np.array_equal(audio.samples, lio.read(data).samples)
    if name in LOSSLESS:
        assert np.array_equal(audio.samples, media.samples)
    elif form == "MP4":
        # No delay and no padding: the length and the time of the source.
        assert audio.frames == FRAMES
        lag = np.correlate(audio.samples[0, 2_000:12_000], media.samples[0, 1_900:12_100], "valid").argmax()
        assert abs(int(lag) - 100) <= 1


@pytest.mark.parametrize("kept", [64 << 20, 0])
@pytest.mark.parametrize("name", KINDS)
def test_any_order_of_seeks(name, kept, media, monkeypatch):
    from luthier.io import av_reader

    full = lio.read(media(name)).samples
    monkeypatch.setattr(av_reader, "_KEPT", kept)  # 0: nothing stays in memory
    assert np.array_equal(lio.read(media(name)).samples, full)
    random = np.random.default_rng(0)
    with lio.open(media(name)) as reader:
        for start in random.integers(0, full.shape[1], 12).tolist():
            reader.seek(start)
            assert np.array_equal(reader.read(3_000), full[:, start : start + 3_000]), start
    rows = lio.read_many([(media(name), 50_000, 100)] * 3)
    assert all(np.array_equal(row.samples, full[:, 50_000:50_100]) for row in rows)


@pytest.mark.parametrize("name", ["fast.m4a", "opus.webm", "a.wma"])
def test_a_cut_file(name, media):
    full = lio.read(media(name)).samples
    cut = media(name)[: len(media(name)) * 6 // 10]
    with pytest.raises(DecodeError, match="missing") as caught:
        lio.read(cut)
    good = caught.value.audio.samples
    assert 0.4 * full.shape[1] < good.shape[1] < 0.7 * full.shape[1]
    assert np.array_equal(good, full[:, : good.shape[1]])


def test_a_file_without_its_end(media):
    with pytest.raises(DecodeError, match="is MP4, and damaged or cut short"):
        lio.read(media("alac.m4a")[:10_000])


def test_no_message_of_ffmpeg_reaches_the_user(media, tmp_path, capfd):
    with pytest.raises(DecodeError):
        lio.read(media("fast.m4a")[:20_000])
    assert capfd.readouterr() == ("", "")


def test_the_message_without_pyav(tmp_path):
    script = """
        import sys
        sys.modules["av"] = None
        import luthier.io as lio
        for head in (b"\\0\\0\\0\\x20ftypM4A " + b"\\0" * 64, bytes.fromhex("1a45dfa3") + b"\\0" * 64):
            try:
                lio.read(head)
            except lio.files.DecodeError.__mro__[1] as error:
                print(type(error).__name__, error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    for line, kind in zip(lines, ("MP4", "WebM or Matroska"), strict=True):
        assert line == (
            f"UnsupportedFormat <bytes>: {kind} files are read through PyAV. "
            "Install it with: pip install 'luthier-io[av]'"
        )


def test_what_nobody_knows_is_not_tried(monkeypatch):
    monkeypatch.setitem(sys.modules, "luthier.io.av_reader", None)
    with pytest.raises(UnsupportedFormat, match="is not audio of a known format"):
        lio.read(io.BytesIO(b"hello, world\n" * 100))
