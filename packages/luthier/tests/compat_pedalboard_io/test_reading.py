"""Reading files and file objects as pedalboard does."""

from __future__ import annotations

import io
import pathlib
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.compat.pedalboard.io as pio
import luthier.io as lio
from luthier.compat.pedalboard._quality import Quality
from luthier.core import DamagedAudioWarning

from .helpers import DEPTHS, all_of, encoded, in_parts, noise, opened, tone


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
    assert caught[0].filename == in_parts.__code__.co_filename
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
