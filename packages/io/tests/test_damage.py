"""Damaged, truncated, empty and foreign files: an error that says so, never silence and never a crash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DamagedAudioWarning, DecodeError, LuthierError, UnsupportedFormat


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.98])
def test_a_truncated_file_is_an_error(name, encoded, kept):
    data = encoded(name)
    with pytest.raises(LuthierError):
        lio.read(data[: int(len(data) * kept)])


def test_the_message_of_a_truncated_file_helps(name, encoded):
    data = encoded(name)
    with pytest.raises(DecodeError, match=r"cut short|damaged|is cut|no end-of-stream"):
        lio.read(data[: int(len(data) * 0.6)])


@pytest.mark.parametrize("name", ["pcm16.wav", "float.wav", "pcm16.flac", "pcm16.aiff", "stereo.ogg"])
def test_the_good_beginning_of_a_truncated_file_can_be_read(name, encoded):
    data = encoded(name)
    full = lio.read(data).samples
    part = lio.read(data[: int(len(data) * 0.6)], frames=30_000).samples
    assert np.array_equal(part, full[:, :30_000])


def with_total(flac, frames):
    """The FLAC file with another number of frames in its STREAMINFO."""
    changed = bytearray(flac)
    packed = int.from_bytes(changed[18:26], "big")
    changed[18:26] = ((packed >> 36 << 36) | frames).to_bytes(8, "big")
    return bytes(changed)


def test_a_flac_of_unknown_length_is_counted(encoded):
    data = encoded("pcm16.flac")
    full = lio.read(data).samples
    unknown = with_total(data, 0)
    assert lio.info(unknown).frames == full.shape[1]
    assert np.array_equal(lio.read(unknown, start=1_000).samples, full[:, 1_000:])


@pytest.mark.parametrize("frames", [2**36 - 1, 2**31, 140_000])
def test_a_flac_that_promises_too_much_allocates_little(encoded, frames):
    with pytest.raises(DecodeError, match="those from 132,317 on"):
        lio.read(with_total(encoded("pcm16.flac"), frames))


def frame_bytes(head):
    """Bytes of an MPEG-1 or MPEG-2 layer III frame, by the formula of the standard."""
    first = head[1] & 8
    kbits = (
        (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
        if first
        else (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    )
    rate = (44_100, 48_000, 32_000)[head[2] >> 2 & 3] // (1 if first else 2)
    return (144 if first else 72) * 1_000 * kbits[head[2] >> 4] // rate + (head[2] >> 1 & 1)


@pytest.mark.parametrize("name", ["stereo.mp3", "mono.mp3"])
def test_an_mp3_without_a_count_of_its_frames(name, encoded):
    data = encoded(name)
    bare = data[frame_bytes(data) :]  # the first frame of a file by LAME holds the count and nothing else
    last = at = 0
    while at < len(bare):
        last, at = at, at + frame_bytes(bare[at : at + 4])
    assert at == len(bare)
    tag = b"TAG" + b" " * 125
    full = lio.read(bare).samples
    # The delay of encoder and decoder, 576 + 529 frames, is cut off only where the count stands.
    counted = lio.read(data).samples
    assert np.abs(full[:, 1_105 : 1_105 + counted.shape[1]] - counted).max() < 1e-6
    part = lio.read(bare, start=100_003 % full.shape[1], frames=500).samples
    assert np.array_equal(part, full[:, 100_003 % full.shape[1] :][:, :500])
    id3 = b"ID3\x03\0\0\0\0\x01\x05" + b"\0" * 133
    for whole in (bare + tag, id3 + bare, id3 + bare + tag, bare[:last]):
        assert lio.read(whole).samples.shape[1] >= full.shape[1] - 1_152
    for cut in (bare[:-1], bare[: last + 5], bare[: last + 2], bare[: len(bare) // 2 + 3]):
        with pytest.raises(DecodeError, match="last frame is cut"):
            lio.read(cut)
    with pytest.raises(DecodeError, match="no frame lie between"):
        lio.read(bare[:last] + b"junk" * 50 + bare)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_chain_of_ogg_streams_is_read_to_its_end(encode, synthesise, subtype):
    links = [encode(synthesise(48_000, 48_000, 1, seed), 48_000, "OGG", subtype) for seed in (1, 2)]
    alone = [lio.read(link).samples for link in links]
    assert np.array_equal(lio.read(b"".join(links)).samples, np.concatenate(alone, axis=1))


@pytest.mark.parametrize("name", ["stereo.ogg", "stereo.opus"])
def test_a_cut_ogg_gives_all_its_frames_to_who_asks_for_them(encoded, name):
    data = encoded(name)
    cut = data[: int(len(data) * 0.6)]
    there = lio.info(cut).frames
    with pytest.raises(DecodeError, match=f"after the first {there:,} are missing") as caught:
        lio.read(cut)
    whole = lio.read(data, frames=there).samples
    assert np.array_equal(caught.value.audio.samples, whole)
    assert np.array_equal(lio.read(cut, frames=there).samples, whole)
    assert caught.value.report.frames_promised is None


@pytest.mark.parametrize("name", ["pcm16.wav", "pcm16.aiff", "pcm24.flac"])
@pytest.mark.parametrize("layout", ["channels_first", "frames_first"])
def test_the_three_ways_to_treat_a_cut(encoded, name, layout):
    data = encoded(name)
    full = lio.read(data).samples
    cut = data[: int(len(data) * 0.6)]
    with pytest.raises(DecodeError) as caught:
        lio.read(cut, layout=layout)
    report, good = caught.value.report, caught.value.audio.samples
    there = good.shape[1]
    assert 0 < there < full.shape[1]
    assert np.array_equal(good, full[:, :there])
    assert (report.frame, report.frames_promised, report.frames_decoded) == (there, full.shape[1], there)
    with pytest.warns(DamagedAudioWarning, match="left out") as warned:
        partial = lio.read(cut, layout=layout, on_error="partial").samples
    assert warned[0].message.report == report
    assert warned[0].filename == __file__
    with pytest.warns(DamagedAudioWarning, match="filled with silence"):
        padded = lio.read(cut, layout=layout, on_error="pad").samples
    if layout == "frames_first":
        partial, padded = partial.T, padded.T
    assert np.array_equal(partial, good)
    assert np.array_equal(padded[:, :there], good)
    assert padded.shape == full.shape
    assert not padded[:, there:].any()


def test_a_reader_of_damaged_audio_reports_it(encoded):
    cut = encoded("pcm16.wav")[:100_000]
    with lio.open(cut, on_error="partial") as reader:
        there = reader.report.frame
        assert reader.report.reason == "its audio is cut short"
        reader.seek(there - 10)
        assert reader.read(10).shape == (2, 10)
        with pytest.warns(DamagedAudioWarning):
            assert reader.read(10).shape == (2, 0)
    with lio.open(cut) as reader:
        reader.seek(there - 10)
        with pytest.raises(DecodeError):
            reader.read(11)
        assert reader.tell() == there - 10
        assert reader.read(10).shape == (2, 10)


def test_empty_files(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    for source in (tmp_path / "empty.wav", b""):
        with pytest.raises(DecodeError, match="is empty"):
            lio.read(source)


@pytest.mark.parametrize("content", [b"x", b"hello, world\n" * 100, b"\0" * 5_000, b"%PDF-1.7 " * 99])
def test_files_that_are_not_audio(tmp_path, content):
    path = tmp_path / "notes.wav"
    path.write_bytes(content)
    with pytest.raises(UnsupportedFormat, match=r"notes\.wav: is not audio"):
        lio.read(path)


def test_missing_files_raise_what_open_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.wav"):
        lio.read(tmp_path / "missing.wav")
    with pytest.raises(IsADirectoryError):
        lio.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        lio.info(str(tmp_path / "missing.wav"))


def test_a_file_that_shrinks_under_an_open_reader(tmp_path):
    path = tmp_path / "a.wav"
    lio.write(path, np.zeros((1, 200_000), np.float32), 44_100)
    with lio.open(path) as reader:
        reader.read(10)
        with path.open("r+b") as file:
            file.truncate(1_000)
        with pytest.raises(DecodeError, match="became shorter"):
            reader.read()


@settings(
    max_examples=max(10, settings().max_examples // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
    head=st.booleans(),
)
def test_flipped_bytes_never_crash(name, encoded, changes, head):
    data = bytearray(encoded(name))
    for place, value in changes:
        data[int(place * (min(200, len(data)) if head else len(data) - 1))] = value
    try:
        audio = lio.read(bytes(data))
    except LuthierError:
        return
    assert audio.samples.ndim == 2


@pytest.mark.parametrize("name", ["pcm16.wav", "pcm24.flac", "stereo.ogg"])
def test_blocks_give_all_good_frames_and_then_the_error(name, encoded):
    data = encoded(name)
    full = lio.read(data).samples
    cut = data[: int(len(data) * 0.6)]
    with pytest.raises(DecodeError) as caught:
        lio.read(cut)
    there = caught.value.audio.frames
    for size in (1_000, there, 10**6):
        got = []
        with pytest.raises(DecodeError):
            got.extend(lio.blocks(cut, size))
        assert np.array_equal(np.concatenate(got, axis=1), full[:, :there])
    with pytest.warns(DamagedAudioWarning) as warned:
        got = list(lio.blocks(cut, 1_000, on_error="partial"))
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert np.array_equal(np.concatenate(got, axis=1), full[:, :there])
    with pytest.warns(DamagedAudioWarning):
        got = list(lio.blocks(cut, 1_000, on_error="pad"))
    assert sum(b.shape[1] for b in got) == lio.info(cut).frames


def test_info_tells_of_damage(encoded):
    data = encoded("pcm16.wav")
    assert lio.info(data).report is None
    assert "report" not in repr(lio.info(data))
    info = lio.info(data[:100_000])
    assert info.frames == lio.info(data).frames
    assert info.report.reason == "its audio is cut short"
    assert info.report.frame == info.report.frames_decoded == (100_000 - 44) // 4
    assert "report=DamageReport(" in repr(info)


def test_verify(encoded):
    data = encoded("pcm16.wav")
    assert lio.verify(data) == ""
    cut = data[:-1_000]
    with pytest.raises(DecodeError, match="its audio is cut short") as caught:
        lio.verify(cut)
    assert caught.value.report.frame == lio.info(data).frames - 250
    assert lio.read(cut, frames=10).frames == 10
    with pytest.raises(DecodeError):
        lio.read(cut, frames=10, verify=True)
    with pytest.warns(DamagedAudioWarning):
        assert lio.read(cut, frames=10, verify=True, on_error="partial").frames == 10
    assert lio.read(data, frames=10, verify=True).frames == 10


@pytest.mark.parametrize("frames", [2**32 - 1, 400_000_000])
def test_silence_is_not_made_for_a_length_that_cannot_be(encoded, frames):
    data = bytearray(encoded("stereo.mp3"))
    count = max(data.find(b"Info"), data.find(b"Xing")) + 8
    data[count : count + 4] = frames.to_bytes(4, "big")
    with pytest.raises(DecodeError, match="too many to be believed"):
        lio.read(bytes(data), on_error="pad")
    with pytest.warns(DamagedAudioWarning):
        good = lio.read(bytes(data), on_error="partial")
    full = lio.read(encoded("stereo.mp3")).samples
    assert np.array_equal(good.samples[:, : full.shape[1]], full)
