"""`read(start, frames)` and any order of seeks on one handle give what the whole file has there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.io as lio

relaxed = settings(
    max_examples=max(10, settings().max_examples // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def test_the_whole_file_is_what_soundfile_reads(name, encoded, encodings, decode, tmp_path):
    data = encoded(name)
    path = tmp_path / name
    path.write_bytes(data)
    for dtype in ("float32", "float64"):
        expected = decode(data, dtype)
        if name == "ms.wav":
            # soundfile goes on to the end of the last block, whatever the file says of its length.
            expected = expected[:, : 3 * encodings[name][2] + 17]
        for source in (path, data):
            audio = lio.read(source, dtype=dtype)
            assert np.array_equal(audio.samples, expected)
            assert audio.sample_rate == encodings[name][2]
    across = lio.read(data, layout="frames_first").samples
    assert np.array_equal(across.T, lio.read(data).samples)


@relaxed
@given(start=st.integers(0, 30_000), frames=st.integers(0, 9_000))
def test_a_part_is_a_slice(name, encoded, start, frames):
    full = lio.read(encoded(name)).samples
    start = min(start, full.shape[1])
    part = lio.read(encoded(name), start=start, frames=frames).samples
    assert np.array_equal(part, full[:, start : start + frames])


def steps():
    """Near steps either way, where codecs fail, and far ones."""
    near = st.tuples(st.just("by"), st.integers(-6_000, 6_000))
    far = st.tuples(st.just("to"), st.integers(0, 10**6))
    return st.lists(st.tuples(st.one_of(near, far), st.integers(0, 4_000)), min_size=1, max_size=12)


@relaxed
@given(moves=steps())
def test_any_order_of_seeks_on_one_reader(name, encoded, moves):
    full = lio.read(encoded(name)).samples
    end = full.shape[1]
    with lio.open(encoded(name)) as reader:
        for (kind, value), frames in moves:
            at = min(end, max(0, reader.tell() + value)) if kind == "by" else value % (end + 1)
            reader.seek(at)
            got = reader.read(frames)
            assert np.array_equal(got, full[:, at : at + frames]), (at, frames)
            assert reader.tell() == min(end, at + frames)


@pytest.mark.parametrize("size", [1_000, 65_536])
def test_blocks_join_to_the_whole(name, encoded, size):
    full = lio.read(encoded(name)).samples
    with lio.open(encoded(name)) as reader:
        blocks = list(reader.blocks(size))
    assert all(b.shape[1] == size for b in blocks[:-1])
    assert np.array_equal(np.concatenate(blocks, axis=1), full)


@pytest.mark.parametrize("content", ["music", "silence"])
def test_vorbis_seeks_into_and_around_the_last_page(content, encode):
    # Silence makes pages of hundreds of tiny packets, seconds long.
    rate = 44_100
    random = np.random.default_rng(4)
    samples = random.standard_normal((2, 12 * rate + 321)).astype(np.float32) * 0.1
    if content == "silence":
        samples[:, rate:] = 0
    data = encode(samples, rate, "OGG", "VORBIS")
    full = lio.read(data).samples
    end = full.shape[1]
    starts = [*range(end - 12_000, end, 397), *random.integers(0, end, 60).tolist(), end - 1]
    for start in starts:
        part = lio.read(data, start=start, frames=800).samples
        assert np.array_equal(part, full[:, start : start + 800]), start


@pytest.mark.parametrize("dtype", ["int16", "int32"])
@pytest.mark.parametrize("name", ["pcm16.wav", "pcm32.wav", "pcm16.aiff", "pcm16.flac"])
def test_codes_of_a_part_are_those_of_the_whole(name, dtype, encoded):
    # Codes that are stored as they are asked for are copied, past what makes floats.
    data = encoded(name)
    whole = lio.read(data, dtype=dtype, layout="frames_first").samples
    with lio.open(data) as reader:
        for start, frames in ((1_000, 10), (1_010, 5_000), (3, 7), (reader.frames - 4, None)):
            reader.seek(start)
            part = reader.read(frames, dtype=dtype, layout="frames_first")
            assert np.array_equal(part, whole[start:][:frames])
            assert reader.tell() == start + len(part)
    rate = lio.info(data).sample_rate // 2
    at_half = lio.read(data, dtype=dtype, layout="frames_first", sample_rate=rate).samples
    assert np.array_equal(at_half, lio.read(data, dtype=dtype, sample_rate=rate).samples.T)
