"""Ogg Vorbis and Opus by real encoders: lengths, alignment, exact seeks, chains, streams side by side."""

from __future__ import annotations

import io
import struct
import subprocess

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DecodeError

relaxed = settings(
    max_examples=max(10, settings().max_examples // 4),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def run(*command):
    subprocess.run([str(each) for each in command], check=True)


@pytest.fixture(scope="module")
def make(encoder, tmp_path_factory, synthesise):
    """make(program, rate, channels, frames, *options): the encoded bytes and what was encoded."""
    made = {}

    def get(program, rate, channels, frames, *options):
        key = (program, rate, channels, frames, options)
        if key in made:
            return made[key]
        folder = tmp_path_factory.mktemp("ogg")
        samples = synthesise(frames, rate, channels)
        soundfile.write(folder / "a.wav", samples.T, rate, subtype="PCM_24")
        if program == "oggenc":
            run(encoder("oggenc"), "-Q", *options, folder / "a.wav", "-o", folder / "a.ogg")
        elif program == "opusenc":
            run(encoder("opusenc"), "--quiet", *options, folder / "a.wav", folder / "a.ogg")
        else:
            run(encoder("ffmpeg"), "-v", "error", "-i", folder / "a.wav", *options, folder / "a.ogg")
        made[key] = (folder / "a.ogg").read_bytes(), samples
        return made[key]

    return get


def soundfile_reads(data):
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        return file.read(dtype="float32", always_2d=True).T, file.samplerate


def level(error, signal):
    return 10 * np.log10(np.mean(np.square(error)) / np.mean(np.square(signal)) + 1e-30)


VORBIS = [
    ("oggenc", 8_000, 1, 20_011, "-q", "0"),
    ("oggenc", 11_025, 2, 9_999, "-q", "3"),
    ("oggenc", 22_050, 1, 44_100, "-q", "5"),
    ("oggenc", 44_100, 2, 100_001, "-q", "-1"),
    ("oggenc", 44_100, 2, 100_001, "-q", "10"),
    ("oggenc", 48_000, 6, 60_000, "-q", "4"),
    ("oggenc", 96_000, 2, 96_000, "-q", "5"),
    ("oggenc", 192_000, 1, 96_000, "-q", "5"),
    ("oggenc", 44_100, 1, 1, "-q", "5"),
    ("oggenc", 44_100, 2, 700, "-q", "5"),
    ("ffmpeg", 44_100, 2, 100_001, "-c:a", "libvorbis", "-q:a", "4"),
    ("ffmpeg", 44_100, 2, 50_000, "-c:a", "vorbis", "-strict", "-2", "-b:a", "128k"),
]
OPUS = [
    ("opusenc", 8_000, 1, 30_001, "--bitrate", "8"),
    ("opusenc", 12_000, 1, 30_001, "--bitrate", "12"),
    ("opusenc", 16_000, 1, 50_001, "--bitrate", "16", "--speech"),
    ("opusenc", 16_000, 2, 50_001, "--bitrate", "20", "--framesize", "60"),
    ("opusenc", 24_000, 1, 50_001, "--bitrate", "24"),
    ("opusenc", 48_000, 2, 100_001, "--bitrate", "96"),
    ("opusenc", 48_000, 2, 100_001, "--bitrate", "256", "--framesize", "2.5"),
    ("opusenc", 48_000, 1, 70_000, "--bitrate", "32", "--framesize", "10", "--music"),
    ("opusenc", 48_000, 6, 60_000, "--bitrate", "256"),
    ("opusenc", 48_000, 1, 1, "--bitrate", "64"),
    ("ffmpeg", 48_000, 2, 100_001, "-c:a", "libopus", "-b:a", "64k"),
    ("ffmpeg", 48_000, 1, 70_001, "-c:a", "libopus", "-b:a", "12k", "-application", "voip"),
]


@pytest.mark.parametrize("recipe", VORBIS + OPUS, ids=lambda r: "-".join(map(str, r)))
def test_the_length_is_the_sources_and_the_samples_are_soundfiles(make, recipe):
    data, source = make(*recipe)
    audio = lio.read(data)
    info = lio.info(data)
    assert info.format == "OGG"
    assert audio.samples.shape == (info.channels, info.frames)
    assert info.frames == source.shape[1] or recipe[0] == "ffmpeg"
    assert abs(info.frames - source.shape[1]) <= 64  # FFmpeg's Vorbis encoder does not trim its end
    expected, rate = soundfile_reads(data)
    assert audio.sample_rate == rate == recipe[1]
    n = min(expected.shape[1], info.frames)
    assert np.array_equal(audio.samples[:, :n], expected[:, :n])
    assert np.array_equal(lio.read(data, dtype="float64").samples, audio.samples)


@pytest.mark.parametrize("recipe", [VORBIS[4], OPUS[6]], ids=["vorbis", "opus"])
def test_nothing_is_shifted(make, recipe):
    data, source = make(*recipe)
    got = lio.read(data).samples
    shifts = range(-3, 4)
    errors = [level(np.roll(got, s, 1)[:, 8:-8] - source[:, 8:-8], source) for s in shifts]
    assert list(shifts)[int(np.argmin(errors))] == 0
    assert min(errors) < -12


@pytest.mark.parametrize("recipe", [VORBIS[3], VORBIS[5]], ids=["stereo", "six"])
def test_oggdec_agrees(make, recipe, encoder, tmp_path):
    data, _ = make(*recipe)
    (tmp_path / "a.ogg").write_bytes(data)
    run(encoder("oggdec"), "-Q", "-R", "-o", tmp_path / "a.raw", tmp_path / "a.ogg")
    codes = np.fromfile(tmp_path / "a.raw", "<i2").reshape(-1, recipe[2]).T
    got = lio.read(data).samples
    assert codes.shape == got.shape
    if recipe[2] == 2:  # oggdec orders six channels its own way
        assert np.abs(np.clip(got, -1, 32_767 / 32_768) - codes / 32_768).max() < 1.01 / 32_768


def test_opusdec_agrees(make, encoder, tmp_path):
    data, _ = make(*OPUS[5])
    (tmp_path / "a.opus").write_bytes(data)
    run(encoder("opusdec"), "--quiet", "--float", tmp_path / "a.opus", tmp_path / "a.wav")
    theirs = lio.read(tmp_path / "a.wav").samples
    got = lio.read(data).samples
    assert theirs.shape == got.shape
    assert level(theirs - got, got) < -90


SOUGHT = [VORBIS[1], VORBIS[3], VORBIS[9], VORBIS[11], OPUS[2], OPUS[3], OPUS[5], OPUS[6]]


def moves():
    near = st.tuples(st.just("by"), st.integers(-6_000, 6_000))
    far = st.tuples(st.just("to"), st.integers(0, 10**6))
    return st.lists(st.tuples(st.one_of(near, far), st.integers(0, 5_000)), min_size=1, max_size=10)


@pytest.mark.parametrize("recipe", SOUGHT, ids=lambda r: "-".join(map(str, r)))
@pytest.mark.parametrize("indexed", [False, True], ids=["plain", "indexed"])
@relaxed
@given(steps=moves())
def test_seeks_in_any_order_give_the_whole_files_samples(make, tmp_path_factory, recipe, indexed, steps):
    data, _ = make(*recipe)
    full = lio.read(data).samples
    end = full.shape[1]
    path = tmp_path_factory.getbasetemp() / f"seek-{abs(hash(recipe))}.ogg"
    if not path.exists():
        path.write_bytes(data)
    index = lio.build_index(path) if indexed else None
    with lio.open(path, index=index) as reader:
        for (kind, value), frames in steps:
            at = min(end, max(0, reader.tell() + value)) if kind == "by" else value % (end + 1)
            reader.seek(at)
            assert np.array_equal(reader.read(frames), full[:, at : at + frames]), (at, frames)


def test_an_opus_index_holds_only_what_was_seen_to_be_right(make):
    # Steady tones and silence: a decoder that begins anew never reaches the same state.
    rate = 48_000
    t = np.arange(20 * rate) / rate
    tone = 0.3 * np.sin(2 * np.pi * 220 * t) * ((t % 6) < 4)
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", rate, 1, format="OGG", subtype="OPUS") as file:
        file.write(tone)
    data = out.getvalue()
    full = lio.read(data).samples
    index = lio.build_index(data)
    random = np.random.default_rng(0)
    with lio.open(data, index=index) as reader:
        for at in random.integers(0, full.shape[1], 30):
            reader.seek(int(at))
            frames = int(random.integers(0, 3 * rate))
            assert np.array_equal(reader.read(frames), full[:, at : at + frames]), at


def test_an_index_is_small_and_of_one_file(make):
    data, _ = make(*VORBIS[3])
    other, _ = make(*VORBIS[4])
    for each in (data, make(*OPUS[5])[0]):
        index = lio.build_index(each)
        assert 20 < len(index.payload) < 4_000
    full = lio.read(other).samples
    wrong = lio.SeekIndex(len(other), None, b"", lio.build_index(data).payload)
    try:
        assert np.array_equal(
            lio.read(other, start=70_000, frames=99, index=wrong).samples, full[:, 70_000:70_099]
        )
    except ValueError as error:
        assert "another file" in str(error)  # noqa: PT017


def crc(page):
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value >> 31 else value << 1) & 0xFFFFFFFF
    return value


def pages_of(data):
    """(offset, end, flags, granule, serial, sequence, bytes) of each page."""
    at, pages = 0, []
    while at < len(data):
        count = data[at + 26]
        end = at + 27 + count + sum(data[at + 27 : at + 27 + count])
        granule, serial, sequence = struct.unpack_from("<qII", data, at + 6)
        pages.append((at, end, data[at + 5], granule, serial, sequence, data[at:end]))
        at = end
    return pages


def with_fields(page, granule=None, serial=None, sequence=None, flags=None):
    page = bytearray(page)
    if granule is not None:
        struct.pack_into("<q", page, 6, granule)
    if serial is not None:
        struct.pack_into("<I", page, 14, serial)
    if sequence is not None:
        struct.pack_into("<I", page, 18, sequence)
    if flags is not None:
        page[5] = flags
    page[22:26] = b"\0\0\0\0"
    struct.pack_into("<I", page, 22, crc(page))
    return bytes(page)


@pytest.mark.parametrize("recipe", [VORBIS[3], OPUS[2]], ids=["vorbis", "opus"])
def test_chains_are_one_long_file(make, recipe):
    first, _ = make(*recipe)
    second, _ = make(*recipe[:3], recipe[3] // 2, *recipe[4:])
    renumbered = b"".join(with_fields(p[-1], serial=77) for p in pages_of(second))
    for links in ([first, renumbered], [first, second, first], [first, first], [second] * 4):
        alone = np.concatenate([lio.read(link).samples for link in links], axis=1)
        chain = b"".join(links)
        assert lio.info(chain).frames == alone.shape[1]
        assert np.array_equal(lio.read(chain).samples, alone)
        random = np.random.default_rng(1)
        with lio.open(chain) as reader:
            for at in random.integers(0, alone.shape[1], 12):
                reader.seek(int(at))
                assert np.array_equal(reader.read(7_000), alone[:, at : at + 7_000])


def test_a_chain_that_changes_its_channels_is_read_up_to_there(make):
    first, _ = make(*VORBIS[3])
    mono, _ = make("oggenc", 44_100, 1, 30_000, "-q", "2")
    full = lio.read(first).samples
    with pytest.raises(DecodeError, match="goes on with 1 channels at 44100 Hz") as caught:
        lio.read(first + mono)
    assert np.array_equal(caught.value.audio.samples, full)
    assert np.array_equal(lio.read(first + mono, frames=50_000).samples, full[:, :50_000])


@pytest.mark.parametrize("recipe", [VORBIS[3], OPUS[5]], ids=["vorbis", "opus"])
def test_other_streams_beside_it_are_passed_over(make, recipe):
    data, _ = make(*recipe)
    full = lio.read(data).samples
    head = with_fields(pages_of(data)[0][-1], serial=99)
    strange = bytearray(head)
    strange[28:36] = b"fishead\0"
    strange = with_fields(strange)
    mixed = b""
    for number, page in enumerate(pages_of(data)):
        other = with_fields(
            strange, serial=99, sequence=number, flags=2 if number == 0 else 0, granule=number
        )
        mixed += other + page[-1] if number == 0 else page[-1] + other
    assert lio.info(mixed).frames == full.shape[1]
    assert np.array_equal(lio.read(mixed).samples, full)
    assert np.array_equal(lio.read(mixed, start=40_000, frames=999).samples, full[:, 40_000:40_999])


@pytest.mark.parametrize("recipe", [VORBIS[3], OPUS[5]], ids=["vorbis", "opus"])
def test_a_recording_that_began_late(make, recipe):
    # Headers, then pages from the middle of a broadcast, numbered and timed as they were.
    data, _ = make(*recipe)
    pages = pages_of(data)
    headers = next(i for i, p in enumerate(pages) if p[3] > 0)
    shift = 10_000_000
    late = b"".join(p[-1] for p in pages[:headers]) + b"".join(
        with_fields(p[-1], granule=p[3] + shift if p[3] >= 0 else -1, sequence=p[5] + 500)
        for p in pages[headers:]
    )
    full = lio.read(data).samples
    got = lio.read(late).samples
    assert np.array_equal(got, full)
    assert np.array_equal(lio.read(late, start=50_000, frames=500).samples, full[:, 50_000:50_500])


def test_no_frames_at_all(make):
    for recipe in (VORBIS[3], OPUS[5]):
        data, _ = make(*recipe)
        pages = pages_of(data)
        headers = next(i for i, p in enumerate(pages) if p[3] > 0)
        empty = b"".join(p[-1] for p in pages[: headers - 1])
        last = pages[headers - 1]
        closed = empty + with_fields(last[-1], flags=last[2] | 4)
        assert lio.read(closed).samples.shape == (2, 0)
        with pytest.raises(DecodeError, match="without an end-of-stream page"):
            lio.read(empty + last[-1])
