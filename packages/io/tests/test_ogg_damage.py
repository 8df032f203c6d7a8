"""Damaged Ogg files: whatever is cut, flipped, lost or inserted, no wrong sample passes for a right one."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DamagedAudioWarning, DecodeError

relaxed = settings(
    max_examples=max(20, settings().max_examples),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NAMES = ["stereo.ogg", "mono.ogg", "stereo.opus", "mono.opus"]
VORBIS = NAMES[:2]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def offsets(data):
    """Where the pages begin, and the end."""
    at, found = 0, []
    while at < len(data):
        found.append(at)
        count = data[at + 26]
        at += 27 + count + sum(data[at + 27 : at + 27 + count])
    return [*found, at]


def granule(data, at):
    return struct.unpack_from("<q", data, at + 6)[0]


def check(data, full, name):
    """Reads give a prefix that is right and say why no more; padding keeps what follows in its place."""
    try:
        audio = lio.read(data)
    except DecodeError as error:
        if error.audio is None:
            return None
        good = error.audio.samples
        there = good.shape[1]
        assert error.report.frame == there  # noqa: PT017
        assert error.report.reason  # noqa: PT017
        assert np.array_equal(good, full[:, :there])
        with pytest.warns(DamagedAudioWarning):
            padded = lio.read(data, on_error="pad").samples
        assert padded.shape[1] == lio.info(data).frames <= full.shape[1]
        rest = full[:, : padded.shape[1]]
        silent = ~padded.any(axis=0)
        if name in VORBIS:
            assert np.array_equal(padded[:, ~silent], rest[:, ~silent])
        else:  # a decoder of Opus comes back to the same state by and by
            assert np.abs(padded - rest)[:, ~silent].max(initial=0) < 0.01
        return error.report
    assert np.array_equal(audio.samples, full)
    return None


@relaxed
@given(place=st.floats(0, 1))
def test_a_cut_file_gives_an_exact_prefix_and_says_so(name, encoded, place):
    data = encoded(name)
    full = lio.read(data).samples
    kept = min(int(place * len(data)), len(data) - 1)
    try:
        lio.read(data[:kept])
    except (DecodeError, ValueError):
        check(data[:kept], full, name) if kept > 4 and data[:kept].startswith(b"OggS") else None
        return
    raise AssertionError(f"{kept} of {len(data)} bytes pass for the whole")


@relaxed
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7)), min_size=1, max_size=3))
def test_flipped_bits_never_give_wrong_samples(name, encoded, flips):
    data = bytearray(encoded(name))
    full = lio.read(encoded(name)).samples
    for place, bit in flips:
        data[min(4 + int(place * len(data)), len(data) - 1)] ^= 1 << bit
    check(bytes(data), full, name)


def test_a_lost_page_is_a_hole(name, encoded):
    data = encoded(name)
    full = lio.read(data).samples
    pages = offsets(data)
    first = next(i for i, at in enumerate(pages[:-1]) if granule(data, at) > 0)
    for lost in range(first, len(pages) - 2):
        report = check(data[: pages[lost]] + data[pages[lost + 1] :], full, name)
        assert report.reason == "pages of its Ogg stream are missing"
        assert report.byte_offset == pages[lost]
        assert report.frames_promised == full.shape[1]


def test_seeks_behind_a_hole_give_what_reading_on_gives(name, encoded):
    data = encoded(name)
    full = lio.read(data).samples
    pages = offsets(data)
    first = next(i for i, at in enumerate(pages[:-1]) if granule(data, at) > 0)
    lost = first + 1 if first + 3 < len(pages) else first
    broken = bytearray(data)
    broken[pages[lost] + 60] ^= 4
    broken = bytes(broken)
    with pytest.warns(DamagedAudioWarning):
        padded = lio.read(broken, on_error="pad").samples
    hole = np.flatnonzero(~padded.any(axis=0) & full.any(axis=0))
    behind = int(hole[-1]) + 1 if len(hole) else full.shape[1]
    random = np.random.default_rng(2)
    with lio.open(broken) as reader:
        for at in random.integers(behind, full.shape[1], 8) if behind < full.shape[1] else []:
            reader.seek(int(at))
            assert np.array_equal(reader.read(3_000), padded[:, at : at + 3_000])
        if len(hole) and hole[0] >= 5:
            reader.seek(int(hole[0]) - 5)
            assert np.array_equal(reader.read(5), full[:, hole[0] - 5 : hole[0]])
            with pytest.raises(DecodeError, match="wrong checksum"):
                reader.read(1)


def test_bytes_between_pages_lose_nothing(name, encoded):
    # The numbers and positions of the pages prove it.
    data = encoded(name)
    full = lio.read(data).samples
    pages = offsets(data)
    for place in (len(pages) // 2, len(pages) - 2):
        at = pages[place]
        for junk in (b"x", b"OggS", b"junk" * 5_000, data[pages[place - 1] : at], data[at : at + 100]):
            assert check(data[:at] + junk + data[at:], full, name) is None
    for tail in (b"TAG" + bytes(125), b"OggS" + bytes(30), bytes(100_000)):
        assert np.array_equal(lio.read(data + tail).samples, full)


@pytest.mark.parametrize("name", ["stereo.ogg", "stereo.opus"])
def test_what_no_page_can_be(name, encoded):
    data = encoded(name)
    for broken in (
        b"OggS",
        b"OggS" + bytes(24),
        data[:27],
        data[:60],
        b"OggS" * 10_000,
        data[:30] + bytes(9_000),
    ):
        with pytest.raises(DecodeError):
            lio.read(broken)


@relaxed
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=0, max_size=4))
def test_a_damaged_index_changes_no_sample(name, encoded, changes):
    data = encoded(name)
    full = lio.read(data).samples
    index = lio.build_index(data)
    payload = bytearray(index.payload)
    for place, value in changes:
        payload[int(place * (len(payload) - 1))] = value
    given_index = lio.SeekIndex(index.size, index.mtime_ns, index.digest, bytes(payload))
    try:
        part = lio.read(data, start=60_000 % full.shape[1], frames=500, index=given_index).samples
    except ValueError:
        assert bytes(payload) != index.payload
        return
    assert np.array_equal(part, full[:, 60_000 % full.shape[1] :][:, :500])


def test_nothing_is_said_on_the_standard_streams(name, encoded, capfd):
    data = bytearray(encoded(name))
    data[len(data) // 2] ^= 1
    with pytest.raises(DecodeError):
        lio.read(bytes(data))
    assert capfd.readouterr() == ("", "")
