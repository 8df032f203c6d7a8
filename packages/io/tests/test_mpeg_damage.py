"""Damaged MP3: what is right is read exactly, what is not is reported, and nobody writes to stderr."""

from __future__ import annotations

import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DecodeError

relaxed = settings(
    max_examples=max(20, settings().max_examples // 2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
KINDS = {
    "counted": ("-b", "128"),
    "vbr": ("-V4",),
    "not counted": ("-b", "96", "-t"),
    "guarded": ("-V5", "-p"),
}


@pytest.fixture(scope="module")
def files(encoder, synthesise, tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("lame")
    lio.write(folder / "source.wav", synthesise(44_100, 44_100, 2), 44_100)
    made = {}
    for kind, options in KINDS.items():
        options = ("--quiet", "--resample", "44.1", *options)
        command = [encoder("lame"), *options, str(folder / "source.wav"), str(folder / "made.mp3")]
        subprocess.run(command, check=True)
        made[kind] = (folder / "made.mp3").read_bytes()
    return made


def frame_starts(data: bytes) -> list[int]:
    """Offsets of the frames of a 44.1 kHz layer III stream, and its end."""
    kbits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    at, starts = 0, [0]
    while at < len(data):
        at += 144_000 * kbits[data[at + 2] >> 4] // 44_100 + (data[at + 2] >> 1 & 1)
        starts.append(at)
    assert at == len(data)
    return starts


def padded(data: bytes):
    """All frames with silence for damage, and the report."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with lio.open(data, on_error="pad") as reader:
            return reader.read(), reader.report


@pytest.mark.parametrize("kind", KINDS)
@relaxed
@given(place=st.integers(0, 10**6))
def test_truncation_gives_an_exact_prefix_and_a_report(files, kind, place):
    data = files[kind]
    starts = frame_starts(data)
    kept = starts[3] + place % (len(data) - starts[3])
    full = lio.read(data).samples
    if kind == "not counted" and kept in starts:
        assert np.array_equal(lio.read(data[:kept]).samples, full[:, : 1_152 * starts.index(kept)])
        return
    with pytest.raises(DecodeError, match=r"cut|ends after") as caught:
        lio.read(data[:kept])
    good, report = caught.value.audio.samples, caught.value.report
    assert np.array_equal(good, full[:, : good.shape[1]])
    assert report.frames_decoded == good.shape[1] == report.frame
    whole = sum(start <= kept for start in starts) - 1  # frames, the tag's included
    if kind == "not counted":
        assert good.shape[1] == 1_152 * whole
    else:
        assert report.frames_promised == full.shape[1]
        assert good.shape[1] == min(max(0, 1_152 * (whole - 1) - 1_105), full.shape[1])
    samples, again = padded(data[:kept])
    assert again.reason == report.reason
    assert np.array_equal(samples[:, : good.shape[1]], good)
    assert not samples[:, good.shape[1] :].any()


@pytest.mark.parametrize("kind", ["counted", "not counted"])
@pytest.mark.parametrize("size", [30, 200, 417, 1_000, 5_000])
def test_bytes_between_frames_cost_what_they_must(files, kind, size):
    data = files[kind]
    full = lio.read(data).samples
    start = frame_starts(data)[20]
    junk = bytes(random.Random(size).randrange(255) for _ in range(size))
    samples, report = padded(data[:start] + junk + data[start:])
    assert "no frame lie between" in report.reason
    skip = 1_152 + 1_105 if kind == "counted" else 0
    assert report.frame == 20 * 1_152 - skip
    assert start <= report.byte_offset <= start + size
    assert np.array_equal(samples[:, : report.frame], full[:, : report.frame])
    # All sound is back a few frames behind, as late as there were bytes.
    late = round(size / ((len(data) - 417) / 38)) * 1_152
    back = report.frame + late + 6 * 1_152
    end = min(samples.shape[1], full.shape[1] + late)
    assert np.abs(samples[:, back:end] - full[:, back - late : end - late]).max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_frame_is_silent_and_the_others_are_not_moved(files, kind):
    data = bytearray(files[kind])
    full = lio.read(bytes(data)).samples
    start = frame_starts(bytes(data))[20]
    data[start + 1] ^= 0x10  # another version: no frame of this stream
    samples, report = padded(bytes(data))
    assert samples.shape == full.shape
    assert np.array_equal(samples[:, : report.frame], full[:, : report.frame])
    assert not samples[:, report.frame : report.frame + 1_152].any()
    back = report.frame + 6 * 1_152
    assert np.array_equal(samples[:, back:], full[:, back:])
    # Whoever begins behind the damage never meets it.
    with lio.open(bytes(data)) as reader:
        reader.seek(back)
        assert np.array_equal(reader.read(3_000), full[:, back : back + 3_000])
    with pytest.raises(DecodeError) as caught:
        lio.read(bytes(data))
    assert np.array_equal(caught.value.audio.samples, full[:, : report.frame])


def test_a_frame_with_a_wrong_crc_is_damage(files):
    data = bytearray(files["guarded"])
    start = frame_starts(bytes(data))[15]
    data[start + 4] ^= 1
    _, report = padded(bytes(data))
    assert report.reason == "a frame fails its CRC"
    # An encoder that computes it in another way is no damage.
    for each in frame_starts(bytes(data))[:-1]:
        data[each + 4] ^= 0x55
    assert padded(bytes(data))[1] is None


def test_a_reservoir_that_is_not_there_is_damage_where_frames_are_counted(files):
    data = files["counted"]
    starts = frame_starts(data)
    reaches = (at for at in starts[5:] if data[at + 4] << 1 | data[at + 5] >> 7)  # main_data_begin
    cut = data[: starts[1]] + data[next(reaches) :]
    with pytest.raises(DecodeError, match="needs bytes of one that is missing") as caught:
        lio.read(cut)
    assert caught.value.report.frame == 0
    assert padded(cut)[0].shape == lio.read(data).samples.shape


@pytest.mark.parametrize("kind", KINDS)
@relaxed
@given(seed=st.integers(0, 2**32), count=st.sampled_from([1, 3, 30]))
def test_a_seek_in_damaged_sound_gives_what_straight_reading_gives(files, kind, seed, count):
    data = bytearray(files[kind])
    chance = random.Random(seed)
    for _ in range(count):
        data[chance.randrange(500, len(data))] ^= 1 << chance.randrange(8)
    samples, report = padded(bytes(data))
    assert np.isfinite(samples).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with lio.open(bytes(data), on_error="pad") as reader:
            for _ in range(4):
                at = chance.randrange(samples.shape[1])
                reader.seek(at)
                assert np.array_equal(reader.read(3_000), samples[:, at : at + 3_000])
    if report is not None:
        with pytest.raises(DecodeError) as caught:
            lio.read(bytes(data))
        good = caught.value.audio.samples
        assert np.array_equal(good, samples[:, : good.shape[1]])


def test_a_reader_reports_the_earliest_damage_that_it_met(files):
    data = bytearray(files["counted"][:-2_000])
    data[frame_starts(files["counted"])[20] + 1] ^= 0x10
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with lio.open(bytes(data), on_error="pad") as reader:
            known = reader.report
            assert known is not None
            reader.read()
            report = reader.report
        assert reader.report == report
    assert report.frame == 20 * 1_152 - 1_152 - 1_105 <= known.frame
    # One that was known first stays until another is met ahead of it.
    with lio.open(bytes(files["counted"][:-2_000])) as reader:
        known = reader.report
        assert "ends after" in known.reason or "cut" in known.reason
        reader.read(1_000)
        assert reader.report == known


def test_most_flipped_bits_in_the_sound_are_noticed(files):
    data = files["vbr"]
    starts = frame_starts(data)
    noticed = 0
    for seed in range(200):
        chance = random.Random(seed)
        changed = bytearray(data)
        changed[chance.randrange(starts[2], len(data))] ^= 1 << chance.randrange(8)
        noticed += padded(bytes(changed))[1] is not None
    # A flip in a sign, in linbits, in a gain or in unused bits leaves every length as it was, and the
    # codes of small values soon fall into step again.
    assert noticed > 20


CHILD = """
import random, sys, warnings
import luthier.io as lio
from luthier.core import LuthierError
warnings.simplefilter("ignore")
data = open(sys.argv[1], "rb").read()
for seed in range(int(sys.argv[2])):
    chance, changed = random.Random(seed), bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5, 20, 100])):
        at, size = chance.randrange(len(changed)), chance.randrange(1, 900)
        kind = chance.randrange(8)
        if kind < 3:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind < 4:
            changed[at] = chance.randrange(256)
        elif kind < 5:
            del changed[at : at + size]
        elif kind < 6:
            changed[at:at] = chance.randbytes(size)
        elif kind < 7:
            changed[at : at + size] = bytes(size)
        else:
            changed[at:at] = changed[at : at + size]
    try:
        with lio.open(bytes(changed), on_error="pad") as reader:
            reader.read()
            reader.seek(reader.frames // 2)
            reader.read(5000)
    except LuthierError:
        pass  # nothing to be read is left
print("done")
"""


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_reaches_stderr_whatever_is_broken(files, kind, tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(files[kind])
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), "60"], capture_output=True, text=True, cwd=Path(tmp_path)
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")


@pytest.fixture(scope="module")
def layer2(ffmpeg, synthesise, tmp_path_factory) -> dict[str, bytes]:
    """Layer II of each of its tables, by sample rate, channels and kbit/s."""
    folder = tmp_path_factory.mktemp("layer2")
    made = {}
    for rate, channels, kbits in [
        (48_000, 2, 192), (44_100, 2, 256), (44_100, 1, 48), (32_000, 1, 32), (22_050, 2, 64),
    ]:  # fmt: skip
        lio.write(folder / "a.wav", synthesise(rate, rate, channels), rate)
        name = f"{rate}-{channels}-{kbits}"
        ffmpeg("-y", "-i", folder / "a.wav", "-c:a", "mp2", "-b:a", f"{kbits}k", folder / f"{name}.mp2")
        made[name] = (folder / f"{name}.mp2").read_bytes()
    return made


def test_sound_layer_ii_of_every_table_is_no_damage(layer2, decode_with_ffmpeg, tmp_path):
    for name, data in layer2.items():
        (tmp_path / "a.mp2").write_bytes(data)
        got = lio.read(data).samples
        expected = decode_with_ffmpeg(tmp_path / "a.mp2", got.shape[0])
        assert np.abs(got - expected).max() < 1e-4, name


def test_layer_ii_that_claims_too_many_bits_is_damage(layer2):
    for name, data in layer2.items():
        rate, _, kbits = map(int, name.split("-"))
        full = lio.read(data).samples
        start = 5 * (144_000 * kbits // rate)
        start = data.index(data[:2], start - 1)
        changed = bytearray(data)
        changed[start + 4 : start + 14] = b"\xff" * 10  # the finest quantiser of many subbands
        samples, report = padded(bytes(changed))
        assert report.reason in (
            "a frame claims more bits than there are",
            "a frame has a code that stands for no samples",
        )
        assert report.frame == 5 * 1_152
        assert np.array_equal(samples[:, : report.frame], full[:, : report.frame])
        back = report.frame + 3 * 1_152
        assert np.array_equal(samples[:, back:], full[:, back:])


def write_layer_i(frames: int, sizes: list[int]) -> bytes:
    """Noise in mono layer I at 44.1 kHz and 192 kbit/s; `sizes` are codes of 4 bits for 32 subbands."""
    chance, out = random.Random(0), b""
    for _ in range(frames):
        bits = "".join(f"{size:04b}" for size in sizes)
        bits += "".join(f"{20:06b}" for size in sizes if size)
        for _ in range(12):
            bits += "".join(f"{chance.randrange(2 ** (size + 1) - 1):0{size + 1}b}" for size in sizes if size)
        body = int(bits.ljust(204 * 8, "0"), 2).to_bytes(204, "big")
        out += b"\xff\xff\x60\xc0" + body
    return out


def test_layer_i_that_claims_too_many_bits_is_damage(decode_with_ffmpeg, tmp_path):
    sizes = [6, 5, 4, 3] + [1] * 20 + [0] * 8
    data = write_layer_i(30, sizes)
    full = lio.read(data).samples
    assert lio.info(data).subtype == "MPEG_LAYER_I"
    (tmp_path / "a.mp1").write_bytes(data)
    assert np.abs(full - decode_with_ffmpeg(tmp_path / "a.mp1", 1)).max() < 1e-4
    assert np.abs(full).max() > 0.01
    for code, reason in [(b"\xee" * 10, "more bits than there are"), (b"\x6f", "a reserved size of samples")]:
        changed = bytearray(data)
        changed[10 * 208 + 4 : 10 * 208 + 4 + len(code)] = code
        samples, report = padded(bytes(changed))
        assert reason in report.reason
        assert report.frame == 10 * 384
        assert np.array_equal(samples[:, : report.frame], full[:, : report.frame])
        back = report.frame + 4 * 384
        assert np.array_equal(samples[:, back:], full[:, back:])


def test_nothing_reaches_stderr_from_layers_i_and_ii(layer2, tmp_path):
    sizes = [6, 5, 4, 3] + [1] * 20 + [0] * 8
    for name, data in [*layer2.items(), ("layer 1", write_layer_i(60, sizes))]:
        path = tmp_path / "a.mp2"
        path.write_bytes(data)
        ran = subprocess.run(
            [sys.executable, "-c", CHILD, str(path), "40"], capture_output=True, text=True, cwd=tmp_path
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", ""), name


@relaxed
@given(seed=st.integers(0, 2**32), count=st.sampled_from([1, 3, 30]))
def test_a_seek_in_damaged_layer_ii_gives_what_straight_reading_gives(layer2, seed, count):
    chance = random.Random(seed)
    data = bytearray(chance.choice([*layer2.values()]))
    for _ in range(count):
        data[chance.randrange(100, len(data))] ^= 1 << chance.randrange(8)
    samples, _ = padded(bytes(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with lio.open(bytes(data), on_error="pad") as reader:
            for _ in range(4):
                at = chance.randrange(samples.shape[1])
                reader.seek(at)
                assert np.array_equal(reader.read(3_000), samples[:, at : at + 3_000])
