"""WAV, WAVEX, RF64, W64, AIFF, AIFF-C, CAF and AU against their specifications and other readers."""

from __future__ import annotations

import io
import struct
import subprocess

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import EncodeError

PLAIN = [f for f in lio.available_formats() if "PCM_24" in f.subtypes and f.name != "FLAC"]
CASES = [(f.name, s) for f in PLAIN for s in f.subtypes]
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
RATE = 44_100
FRAMES = 1_001  # odd: chunks are padded


def signal(channels, frames=FRAMES, seed=0):
    random = np.random.default_rng(seed)
    samples = random.uniform(-1, 1, (channels, frames))
    samples[:, :4] = np.array([-1, 1 - 2**-20, 0, -(2.0**-31)])[: min(frames, 4)]
    return samples


def stored(samples, subtype):
    """What the samples are in the file, by the rule."""
    if subtype in ("FLOAT", "DOUBLE"):
        return samples.astype("f4" if subtype == "FLOAT" else "f8").astype("f8")
    scale = 2.0 ** (BITS[subtype] - 1)
    return np.clip(np.rint(samples * scale), -scale, scale - 1) / scale


def write(form, subtype, channels, frames=FRAMES, rate=RATE):
    file = io.BytesIO()
    lio.write(file, signal(channels, frames), rate, format=form, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(("form", "subtype"), CASES)
def test_soundfile_reads_every_code(form, subtype):
    for channels in (1, 2, 3, 6, 17):
        for frames in (0, 1, FRAMES):
            data = write(form, subtype, channels, frames)
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                extensible = form in ("WAV", "WAVEX") and (channels > 2 or form == "WAVEX")
                assert file.format == ("WAVEX" if extensible else form)
                assert (file.subtype, file.samplerate, file.channels) == (subtype, RATE, channels)
                assert file.frames == frames
                theirs = file.read(dtype="float64", always_2d=True).T
            ours = lio.read(data, dtype="float64")
            assert np.array_equal(ours.samples, theirs)
            assert ours.sample_rate == RATE
            if subtype not in ("ULAW", "ALAW"):
                assert np.array_equal(theirs, stored(signal(channels, frames), subtype))


def test_ffmpeg_reads_the_same(tmp_path, encoder):
    command = [encoder("ffmpeg"), "-v", "error", "-nostdin"]
    outputs = []
    for number, (form, subtype) in enumerate(CASES):
        for channels in (1, 2, 6):
            name = f"{number}-{channels}"
            (tmp_path / name).write_bytes(write(form, subtype, channels))
            outputs += ["-map", f"{len(outputs) // 6}:a", "-f", "f64le", "-y", f"{name}.raw"]
            command += ["-i", name]
    done = subprocess.run(
        command + outputs, cwd=tmp_path, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    assert done.stderr == b""
    for number, (form, subtype) in enumerate(CASES):
        for channels in (1, 2, 6):
            raw = np.fromfile(tmp_path / f"{number}-{channels}.raw", "<f8").reshape(-1, channels).T
            expected = lio.read(tmp_path / f"{number}-{channels}", dtype="float64").samples
            assert np.array_equal(raw, expected), (form, subtype, channels)


# sox reads no companded AIFF-C files.
SOX = [
    (form, subtype)
    for form in ("WAV", "WAVEX", "W64", "AIFF", "CAF", "AU")
    for subtype in ("PCM_16", "PCM_24", "PCM_32", "ULAW", "ALAW")
    if form != "AIFF" or subtype.startswith("PCM")
]


@pytest.mark.parametrize(("form", "subtype"), SOX)
def test_sox_reads_the_same(tmp_path, encoder, form, subtype):
    (tmp_path / "a").write_bytes(write(form, subtype, 2))
    kind = {"WAVEX": "wav"}.get(form, form.lower())
    done = subprocess.run(
        [encoder("sox"), "-t", kind, "a", "-t", "s32", "-"], cwd=tmp_path, check=True, capture_output=True
    )
    raw = np.frombuffer(done.stdout, "<i4").reshape(-1, 2).T
    ours = lio.read(tmp_path / "a", dtype="float64").samples * 2.0**31
    assert done.stderr == b""
    assert np.array_equal(raw, ours)


def chunks(data, start, names, size):
    """The chunks of a file of them: name -> body. `names` and `size` say how they are written."""
    found = {}
    while start < len(data):
        name = data[start : start + names]
        first = start + names + struct.calcsize(size)
        (length,) = struct.unpack(size, data[start + names : first])
        assert name not in found
        found[name] = data[first : first + length]
        assert len(found[name]) == length
        start = first + length + length % 2
    assert start == len(data)
    return found


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_the_chunks_of_wav(subtype, channels):
    data = write("WAV", subtype, channels)
    assert data[:4] + data[8:12] == b"RIFFWAVE"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    found = chunks(data, 12, 4, "<I")
    size = lio.read(data).frames * channels * {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}.get(subtype, 1)
    assert len(found[b"data"]) == size
    tag, ch, rate, per_second, align, bits = struct.unpack("<HHIIHH", found[b"fmt "][:16])
    expected = {"FLOAT": 3, "ULAW": 7}.get(subtype, 1)
    assert (ch, rate, per_second, align) == (channels, RATE, RATE * align, size // FRAMES)
    assert bits == align // channels * 8
    if channels > 2:
        assert tag == 0xFFFE
        extra, valid, mask = struct.unpack("<HHI", found[b"fmt "][16:24])
        assert (extra, valid, mask, len(found[b"fmt "])) == (22, bits, 0, 40)
        assert found[b"fmt "][24:] == struct.pack("<H", expected) + bytes.fromhex(
            "0000 0000 1000 8000 00AA 0038 9B71"
        )
    else:
        assert tag == expected
        assert len(found[b"fmt "]) == (16 if tag == 1 else 18)
    if expected != 1:
        assert struct.unpack("<I", found[b"fact"]) == (FRAMES,)


def test_the_chunks_of_aiff_and_caf():
    data = write("AIFF", "PCM_24", 3)
    assert data[:4] + data[8:12] == b"FORMAIFF"
    assert struct.unpack(">I", data[4:8])[0] == len(data) - 8
    found = chunks(data, 12, 4, ">I")
    assert found[b"COMM"] == struct.pack(">hIh", 3, FRAMES, 24) + bytes.fromhex("400EAC44000000000000")
    assert len(found[b"SSND"]) == 8 + FRAMES * 9
    data = write("AIFF", "FLOAT", 1)
    assert data[8:12] == b"AIFC"
    assert chunks(data, 12, 4, ">I")[b"COMM"][18:] == b"fl32\0\0"
    data = write("CAF", "PCM_16", 3)
    assert data[:8] == b"caff\0\1\0\0"
    found = chunks(data, 8, 4, ">q")
    assert found[b"desc"] == struct.pack(">d4sIIIII", RATE, b"lpcm", 2, 6, 1, 3, 16)
    assert found[b"chan"] == struct.pack(">III", 147 << 16 | 3, 0, 0)
    assert len(found[b"data"]) == 4 + FRAMES * 6


def test_the_chunks_of_w64_lie_on_multiples_of_8():
    data = write("W64", "PCM_24", 1)
    assert struct.unpack("<q", data[16:24]) == (len(data),)
    at, names = 40, []
    while at < len(data):
        assert at % 8 == 0
        names.append(data[at : at + 4])
        (size,) = struct.unpack("<q", data[at + 16 : at + 24])
        at += (size + 7) // 8 * 8
    assert names == [b"fmt ", b"data"]
    assert size == 24 + 3 * FRAMES


def test_an_aifc_file_is_an_aifc(tmp_path):
    lio.write(tmp_path / "a.aifc", signal(2) / 2, RATE)
    data = (tmp_path / "a.aifc").read_bytes()
    assert data[8:12] == b"AIFC"
    common = chunks(data, 12, 4, ">I")[b"COMM"]
    assert common[18:] == b"NONE\x0enot compressed\0"
    theirs, _ = soundfile.read(tmp_path / "a.aifc")
    assert np.array_equal(theirs.T, stored(signal(2) / 2, "PCM_16"))


@pytest.mark.parametrize("form", [f.name for f in PLAIN])
@pytest.mark.parametrize("rate", [1, 7, 8_000, 11_025, 192_000, 768_000, 10_000_000])
def test_sample_rates(form, rate):
    data = write(form, "PCM_16", 1, rate=rate)
    assert lio.info(data).sample_rate == rate
    assert soundfile.info(io.BytesIO(data)).samplerate == rate


def test_a_file_written_in_pieces_is_the_file_written_at_once(tmp_path):
    for form, subtype in CASES:
        samples = signal(3, 5_000) * 0.9
        whole, pieces = io.BytesIO(), io.BytesIO()
        lio.write(whole, samples, RATE, format=form, subtype=subtype)
        with lio.Writer(pieces, RATE, 3, format=form, subtype=subtype, frames=5_000) as writer:
            for start, end in [(0, 1), (1, 1), (1, 8), (8, 4_001), (4_001, 5_000)]:
                writer.write(samples[:, start:end])
        assert whole.getvalue() == pieces.getvalue(), (form, subtype)


def test_a_wav_of_unknown_length_can_become_rf64():
    file = io.BytesIO()
    with lio.Writer(file, RATE, 1, format="WAV") as writer:
        writer.write(np.zeros(10))
    found = chunks(file.getvalue(), 12, 4, "<I")
    assert found[b"JUNK"] == bytes(28)
    rf64 = write("RF64", "PCM_16", 2)
    assert rf64[:12] == b"RF64\xff\xff\xff\xffWAVE"
    size, data, frames = struct.unpack("<QQQ", rf64[20:44])
    assert (size, data, frames) == (len(rf64) - 8, 4 * FRAMES, FRAMES)


def test_what_is_too_long_for_a_format_is_said_before_it_is_written(tmp_path):
    with pytest.raises(EncodeError, match=r"AIFF holds at most 4 GiB.*write CAF, W64 or RF64"):
        lio.Writer(tmp_path / "a.aiff", RATE, 2, frames=2**30)
    assert list(tmp_path.iterdir()) == []
