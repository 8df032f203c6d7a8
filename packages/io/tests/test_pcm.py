"""What holds of every container of PCM: cuts, seeks, damaged headers."""

from __future__ import annotations

import functools
import io
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import LuthierError

FRAMES = 200
CHANNELS = 2
#: format, subtype: bytes of a frame
FILES = {
    ("WAV", "PCM_U8"): 2,
    ("WAV", "PCM_24"): 6,
    ("WAV", "ULAW"): 2,
    ("WAVEX", "FLOAT"): 8,
    ("RF64", "PCM_16"): 4,
    ("W64", "PCM_24"): 6,
    ("W64", "ALAW"): 2,
    ("AIFF", "PCM_16"): 4,
    ("AIFF", "PCM_S8"): 2,
    ("AIFF", "DOUBLE"): 16,
    ("AIFF", "ULAW"): 2,
    ("CAF", "PCM_32"): 8,
    ("CAF", "FLOAT"): 8,
    ("AU", "PCM_24"): 6,
    ("AU", "ALAW"): 2,
}
files = st.sampled_from(sorted(FILES))


@functools.cache
def made(form, subtype):
    file = io.BytesIO()
    samples = np.random.default_rng(5).uniform(-0.9, 0.9, (FRAMES, CHANNELS))
    soundfile.write(file, samples, 22_050, subtype, format=form)
    return file.getvalue()


@functools.cache
def full(form, subtype):
    return lio.read(made(form, subtype), dtype="float64").samples


@pytest.mark.parametrize("file", sorted(FILES), ids="-".join)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_reads_as_soundfile_does(file, dtype):
    expected, _ = soundfile.read(io.BytesIO(made(*file)), dtype=dtype)
    assert np.array_equal(lio.read(made(*file), dtype=dtype).samples, expected.T)
    across = lio.read(made(*file), dtype=dtype, layout="frames_first").samples
    assert np.array_equal(across, expected)


@settings(max_examples=6 * settings().max_examples, deadline=None)
@given(files, st.data())
def test_a_cut_at_any_byte_leaves_an_exact_prefix(file, draw):
    data = made(*file)
    frame_bytes = FILES[file]
    start = len(data) - FRAMES * frame_bytes  # the audio comes last
    kept = draw.draw(st.integers(0, len(data) - 1))
    with pytest.raises(LuthierError) as caught:
        lio.read(data[:kept], dtype="float64")
    error = caught.value
    if kept >= start:
        frames = (kept - start) // frame_bytes
        report = error.report
        assert (report.frame, report.frames_decoded, report.frames_promised) == (frames, frames, FRAMES)
        assert report.byte_offset == start + frames * frame_bytes
        assert np.array_equal(error.audio.samples, full(*file)[:, :frames])


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(files, st.lists(st.tuples(st.integers(0, FRAMES), st.integers(0, 90)), min_size=1, max_size=8))
def test_any_order_of_seeks(file, moves):
    with lio.open(made(*file)) as reader:
        for at, frames in moves:
            reader.seek(at)
            got = reader.read(frames, dtype="float64")
            assert np.array_equal(got, full(*file)[:, at : at + frames])


@settings(max_examples=8 * settings().max_examples, deadline=None)
@given(
    files,
    st.lists(st.tuples(st.integers(0, 140), st.integers(0, 255)), min_size=1, max_size=6),
    st.sampled_from(["raise", "partial", "pad"]),
)
def test_changed_headers_never_crash(file, changes, on_error):
    data = bytearray(made(*file))
    for at, value in changes:
        data[at % len(data)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            audio = lio.read(bytes(data), on_error=on_error)
        except LuthierError:
            return
    assert audio.samples.ndim == 2
    if on_error != "pad":
        assert audio.samples.size <= 8 * len(data)
