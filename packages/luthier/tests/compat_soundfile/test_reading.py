"""Reading as python-soundfile reads, but with exact seeks."""

from __future__ import annotations

import io
import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import soundfile as peer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.compat.soundfile as sf

from .helpers import DTYPES, READ, encode, straight, synthesise


@pytest.mark.parametrize("dtype", DTYPES)
def test_samples_are_those_of_a_straight_decode(key: str, dtype: str, made: Callable[[str], bytes]) -> None:
    data = made(key)
    samples, rate = sf.read(io.BytesIO(data), dtype=dtype, always_2d=True)
    assert samples.dtype == dtype
    assert rate == READ[key][2]
    np.testing.assert_array_equal(samples, straight(data, dtype))


def test_what_the_header_says_is_what_the_peer_says(
    key: str, made: Callable[[str], bytes], folder: pathlib.Path
) -> None:
    (folder / "file").write_bytes(made(key))
    ours, theirs = vars(sf.info("file")), vars(peer.info("file"))
    assert ours == theirs
    assert repr(sf.info("file", verbose=True)) == repr(peer.info("file", verbose=True))
    with sf.SoundFile("file") as a, peer.SoundFile("file") as b:
        assert repr(a) == repr(b)
        assert (len(a), bool(a), a.tell()) == (len(b), True, 0)
    assert repr(a) == repr(b)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0, 5.51, 61.5, 3_601.0, 3_661.25])
def test_lengths_are_printed_as_the_peer_prints_them(seconds: float) -> None:
    file = io.BytesIO()
    peer.write(file, np.zeros(int(seconds * 100), np.int16), 100, format="WAV")
    file.seek(0)
    ours = repr(sf.info(file)).splitlines()
    file.seek(0)
    assert ours[1:] == repr(peer.info(file)).splitlines()[1:]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3_000), st.sampled_from(DTYPES)), max_size=12)
)
def test_any_seek_gives_the_frames_of_the_whole(
    key: str, made: Callable[[str], bytes], moves: list[tuple[float, int, str]]
) -> None:
    data = made(key)
    whole = {dtype: straight(data, dtype) for dtype in {m[2] for m in moves}}
    with sf.SoundFile(io.BytesIO(data)) as file:
        for place, count, dtype in moves:
            start = int(place * file.frames)
            assert file.seek(start) == start == file.tell()
            block = file.read(count, dtype, always_2d=True)
            np.testing.assert_array_equal(block, whole[dtype][start : start + count])
            assert file.tell() == start + len(block)


@pytest.mark.parametrize("key", ["MP3", "OGG VORBIS"])
def test_short_seeks_back_and_forth_are_exact_where_libsndfile_fails(key: str) -> None:
    data = encode(key, 200_000)
    whole = straight(data, "float32")
    with sf.SoundFile(io.BytesIO(data)) as file:
        for start in np.random.default_rng(1).integers(0, 20_000, 60) + 100_000:
            file.seek(int(start))
            np.testing.assert_array_equal(file.read(500, "float32"), whole[start : start + 500])


def read_variants() -> Iterator[dict[str, Any]]:
    for frames in (-1, 0, 7, 5_000):
        for start in (0, 3, -3, 5_000):
            yield {"frames": frames, "start": start}
            yield {"frames": frames, "start": start, "fill_value": 0.5}
    for stop in (None, 5, -5, 9_000):
        yield {"start": 2, "stop": stop}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("arguments", list(read_variants()), ids=str)
def test_parts_are_cut_as_the_peer_cuts_them(
    channels: int, arguments: dict[str, Any], folder: pathlib.Path
) -> None:
    peer.write("x.wav", synthesise(1_000, channels), 8_000)
    for always_2d in (False, True):
        ours = sf.read("x.wav", always_2d=always_2d, **arguments)[0]
        np.testing.assert_array_equal(
            ours, peer.read("x.wav", always_2d=always_2d, **arguments)[0], strict=True
        )


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(0, 40),
    channels=st.integers(1, 2),
    blocksize=st.integers(1, 12),
    overlap=st.integers(0, 11),
    count=st.integers(-1, 50),
    start=st.integers(-5, 45),
    fill_value=st.sampled_from([None, 0.25]),
    with_out=st.booleans(),
    always_2d=st.booleans(),
)
def test_blocks_are_the_peers(
    frames: int,
    channels: int,
    blocksize: int,
    overlap: int,
    count: int,
    start: int,
    fill_value: float | None,
    with_out: bool,
    always_2d: bool,
) -> None:
    overlap %= blocksize
    file = io.BytesIO()
    peer.write(file, synthesise(frames, channels), 8_000, "DOUBLE", format="WAV")

    def run(module: Any) -> list[np.ndarray]:
        file.seek(0)
        shape = (blocksize, channels) if channels > 1 or always_2d else (blocksize,)
        what: dict[str, Any] = {"out": np.full(shape, 9.0)} if with_out else {"blocksize": blocksize}
        made = module.blocks(
            file,
            overlap=overlap,
            frames=count,
            start=start,
            fill_value=fill_value,
            always_2d=always_2d,
            **what,
        )
        copies = []
        for block in made:
            copies.append(np.copy(block))
            block *= 2  # must not change what the next block overlaps with
        return copies

    ours, theirs = run(sf), run(peer)
    if with_out and overlap and fill_value is None and theirs:
        # The peer's last block keeps frames of the block before it.
        theirs[-1] = theirs[-1][: len(ours[-1])]
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def test_blocks_that_would_never_end_are_refused(folder: pathlib.Path) -> None:
    peer.write("x.wav", synthesise(10, 1), 8_000)
    with pytest.raises(ValueError, match="overlap must be"):
        next(sf.blocks("x.wav", blocksize=3, overlap=3))


def test_out_of_the_other_byte_order_gets_right_samples(folder: pathlib.Path) -> None:
    samples = synthesise(10, 2)
    sf.write("x.wav", samples.astype(">f8"), 8_000, "DOUBLE")
    out = np.zeros((10, 2), ">f8")
    sf.read("x.wav", out=out)
    np.testing.assert_array_equal(out, samples)


def test_every_way_to_name_a_file(folder: pathlib.Path) -> None:
    samples = synthesise(100, 2)
    peer.write("x.flac", samples, 8_000)
    expected = peer.read("x.flac")[0]
    for source in ("x.flac", b"x.flac", pathlib.Path("x.flac"), io.BytesIO((folder / "x.flac").read_bytes())):
        np.testing.assert_array_equal(sf.read(source)[0], expected)
    with open("x.flac", "rb") as file:
        np.testing.assert_array_equal(sf.read(file)[0], expected)
        assert not file.closed
    kept = os.open("x.flac", os.O_RDONLY)
    np.testing.assert_array_equal(sf.read(kept, closefd=False)[0], expected)
    os.lseek(kept, 0, os.SEEK_SET)
    assert sf.info(kept).frames == 100
    with pytest.raises(OSError, match="descriptor"):
        os.close(kept)


def test_a_file_within_a_file_is_read_from_where_the_object_is(made: Callable[[str], bytes]) -> None:
    data = made("WAV PCM_16")
    file = io.BytesIO(b"before" + data)
    file.seek(6)
    np.testing.assert_array_equal(sf.read(file, dtype="int16")[0], straight(data, "int16"))


def test_a_pipe_is_read(made: Callable[[str], bytes]) -> None:
    file = io.BytesIO()
    peer.write(file, synthesise(100, 1), 8_000, format="AU")
    reading, writing = os.pipe()
    os.write(writing, file.getvalue())
    os.close(writing)
    with sf.SoundFile(reading) as opened:
        assert len(opened.read(100, dtype="int16")) == 100


def test_text_in_files_is_read_with_exact_seeks(folder: pathlib.Path) -> None:
    with peer.SoundFile("x.flac", "w", 8_000, 1) as file:
        file.title, file.artist = "naïve", "nobody"
        file.write(synthesise(100, 1)[:, 0])
    with sf.SoundFile("x.flac") as file:
        file.seek(50)
        assert (file.title, file.artist, file.album) == ("naïve", "nobody", "")
        assert file.copy_metadata() == peer.SoundFile("x.flac").copy_metadata()
        assert len(file.read()) == 50
        with pytest.raises(sf.LibsndfileError) as caught:
            file.title = "other"
        assert caught.value.code == 54


def test_buffers(folder: pathlib.Path) -> None:
    samples = synthesise(100, 2)
    peer.write("x.wav", samples, 8_000, "DOUBLE")
    with sf.SoundFile("x.wav") as file:
        assert bytes(file.buffer_read(10, "float64")) == samples[:10].tobytes()
        held = bytearray(5 * 16)
        assert file.buffer_read_into(held, "float64") == 5
        assert bytes(held) == samples[10:15].tobytes()
        with pytest.raises(ValueError, match="multiple of frame size"):
            file.buffer_read_into(bytearray(17), "float64")
        with pytest.raises(ValueError, match="writable"):
            file.buffer_read_into(bytes(16), "float64")
