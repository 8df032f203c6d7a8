"""Dither, and what the codecs are told: compression, bit rate and quality."""

from __future__ import annotations

import io
import itertools
import subprocess

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import EncodeError, ParameterError

KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def written(samples, rate=48_000, **options):
    file = io.BytesIO()
    lio.write(file, samples, rate, **options)
    return file.getvalue()


def codes(data, bits=16):
    return np.rint(lio.read(data, dtype="float64").samples * 2.0 ** (bits - 1)).astype(np.int64)


def noise(seconds, rate, channels):
    random = np.random.default_rng(0)
    t = np.arange(int(seconds * rate)) / rate
    return 0.3 * np.sin(2 * np.pi * 440 * t) + 0.1 * random.standard_normal((channels, len(t)))


# Dither


@pytest.mark.parametrize(("form", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_24"), ("AIFF", "PCM_S8")])
def test_the_error_of_dither_is_what_theory_says(form, subtype):
    # Non-subtractive triangular dither: error of mean 0 and variance (1/12 + 1/6) step^2 = step^2 / 4,
    # whatever the signal is: here constants and ramps between two codes, where plain rounding fails.
    bits = {"PCM_S8": 8}.get(subtype) or int(subtype[4:])
    step = 2.0 ** (1 - bits)
    frames = 400_000
    for value in (0.0, 0.25, 0.5, -0.37):
        error = codes(
            written(np.full(frames, value * step), format=form, subtype=subtype, dither="tpdf"), bits
        )
        error = error[0] - value
        assert abs(error.mean()) < 5 * 0.5 / frames**0.5
        assert abs(np.mean(error**2) - 0.25) < 5 * 0.5 / frames**0.5
        assert np.abs(error).max() <= 1.5
        spectrum = np.abs(np.fft.rfft(error.reshape(100, -1) - error.mean(), axis=1)) ** 2
        flat = spectrum.mean(axis=0)[1:-1] / (frames / 100 * 0.25)
        assert abs(flat.mean() - 1) < 0.01
        assert flat.max() < 1 + 7 / 10
        assert flat.min() > 1 - 5 / 10


def test_dither_saves_a_tone_below_the_last_code():
    t = np.arange(480_000) / 48_000
    tone = 0.4 / 32_768 * np.sin(2 * np.pi * 1_000 * t)
    assert not codes(written(tone, format="WAV")).any()
    kept = codes(written(tone, format="WAV", dither="tpdf"))[0]
    amplitude = 2 * np.mean(kept * np.sin(2 * np.pi * 1_000 * t))
    assert abs(amplitude - 0.4) < 0.005


def test_channels_and_seeds_have_their_own_noise():
    silence = np.zeros((3, 100_000))
    a = codes(written(silence, format="WAV", dither="tpdf", seed=1))
    b = codes(written(silence, format="WAV", dither="tpdf", seed=2))
    rows = np.concatenate([a, b])
    correlation = np.corrcoef(rows)
    assert np.abs(correlation - np.eye(6)).max() < 5 / 100_000**0.5
    again = written(silence, format="WAV", dither="tpdf", seed=1)
    assert np.array_equal(codes(again), a)
    assert written(silence, format="WAV", dither="tpdf", seed=2**64 - 1) != again


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("form", "subtype"), [("WAV", "PCM_24"), ("FLAC", "PCM_16")])
def test_dither_does_not_depend_on_the_calls(dtype, form, subtype):
    samples = noise(1, 48_000, 2).astype(dtype)
    whole = written(samples, format=form, subtype=subtype, dither="tpdf", seed=5)
    file = io.BytesIO()
    random = np.random.default_rng(0)
    cuts = [0, *sorted(random.integers(0, 48_000, 40)), 48_000]
    with lio.Writer(file, 48_000, 2, format=form, subtype=subtype, dither="tpdf", seed=5) as writer:
        for start, end in itertools.pairwise(cuts):
            writer.write(samples[:, start:end])
    assert np.array_equal(codes(file.getvalue(), 24), codes(whole, 24))


def test_dither_of_32_bits_is_of_the_last_code():
    error = codes(written(np.zeros(10_000), format="WAV", subtype="PCM_32", dither="tpdf"), 32)
    assert set(error[0]) == {-1, 0, 1}


def test_without_dither_nothing_is_added():
    assert not codes(written(np.zeros(10_000), format="WAV")).any()


# What codecs are told


def test_flac_levels(tmp_path, encoder):
    samples = noise(3, 48_000, 2)
    sizes = [len(written(samples, format="FLAC", compression=level)) for level in range(9)]
    assert sizes[0] > sizes[3] > sizes[5] >= sizes[8]
    assert written(samples, format="FLAC") == written(samples, format="FLAC", compression=5)
    for level in (0, 5, 8):
        data = written(samples, format="FLAC", compression=level, subtype="PCM_24")
        (tmp_path / "a.flac").write_bytes(data)
        # Its own decoder checks the MD5.
        subprocess.run([encoder("flac"), "-t", "-s", "-w", "a.flac"], cwd=tmp_path, check=True)
        assert np.array_equal(codes(data, 24), np.rint(samples * 2**23))


def mpeg_bitrates(data):
    """The bit rates of all frames in kbit/s."""
    at = 0
    if data[:3] == b"ID3":
        at = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9])
    found = []
    rates = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
    while at + 4 <= len(data):
        assert data[at] == 0xFF
        assert data[at + 1] & 0xE6 == 0xE2  # layer III
        version = data[at + 1] >> 3 & 3
        kbits = (KBITS_1 if version == 3 else KBITS_2)[data[at + 2] >> 4]
        rate = rates[version][data[at + 2] >> 2 & 3]
        found.append(kbits)
        at += (144 if version == 3 else 72) * 1_000 * kbits // rate + (data[at + 2] >> 1 & 1)
    return found


@pytest.mark.parametrize("rate", [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
def test_mp3_has_the_bit_rate_that_was_asked_for(rate):
    allowed = KBITS_1[1:] if rate >= 32_000 else KBITS_2[1 : 15 if rate >= 16_000 else 9]
    samples = noise(0.5, rate, 2)
    for kbits in allowed:
        found = mpeg_bitrates(written(samples, rate, format="MP3", bitrate=kbits))
        assert set(found) == {kbits}
        assert len(found) > 10 * rate / 48_000
    for kbits in (7, 33, 1.5, 128_000, 320 if rate < 32_000 else 8, True, "128"):
        with pytest.raises(ParameterError, match=rf"bitrate of MP3 at {rate} Hz must be one of .* kbit/s"):
            written(samples, rate, format="MP3", bitrate=kbits)


def test_mp3_qualities():
    samples = noise(3, 44_100, 2)
    sizes = [len(written(samples, 44_100, format="MP3", quality=q)) for q in (0, 2, 4, 6, 9, 9.9)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)
    default = written(samples, 44_100, format="MP3")
    assert default == written(samples, 44_100, format="MP3", quality=4)
    assert len(set(mpeg_bitrates(default))) > 2
    theirs = io.BytesIO()
    soundfile.write(theirs, samples.T, 44_100, format="MP3")
    assert len(theirs.getvalue()) == len(default)


def ogg_payload(data):
    """Bytes of the packets behind the two pages of headers."""
    at = page = total = 0
    while at < len(data):
        assert data[at : at + 4] == b"OggS"
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        total += sum(lacing) if page >= 2 else 0
        at += 27 + len(lacing) + sum(lacing)
        page += 1
    return total


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (48_000, 2), (24_000, 2), (16_000, 1)])
def test_opus_has_the_bit_rate_that_was_asked_for(rate, channels):
    # 32 kbit/s a channel and more: below, the codec spends what such noise needs, which is less.
    samples = noise(5, rate, channels)
    for kbits in (32 * channels, 64 * channels, 100, 256 * channels):
        data = written(samples, rate, format="OGG", subtype="OPUS", bitrate=kbits)
        assert abs(8 * ogg_payload(data) / 5 / 1_000 / kbits - 1) < (0.2 if kbits == 32 * channels else 0.03)
    low = written(samples, rate, format="opus", bitrate=6 * channels)
    assert 8 * ogg_payload(low) / 5 / 1_000 < 8 * channels
    for kbits in (5 * channels, 256 * channels + 1, 64_000, "64"):
        with pytest.raises(
            ParameterError, match=r"bitrate must be a number from \d+ to \d+ kbit/s for \d channels"
        ):
            written(samples, rate, format="opus", bitrate=kbits)


def test_vorbis_qualities():
    samples = noise(3, 44_100, 2)
    sizes = [len(written(samples, 44_100, format="OGG", quality=q)) for q in (0, 2.5, 4, 7, 10)]
    assert sizes == sorted(sizes)
    assert sizes[4] > 3 * sizes[0]
    # The quality says about how many bits a second the codec will spend: those of two channels at 44.1 kHz.
    rate = 8 * sizes[2] / 3 / 1_000
    assert 90 < rate < 150
    assert abs(len(written(samples, 44_100, format="OGG")) - sizes[2]) < 100


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"format": "WAV", "compression": 5}, EncodeError, "WAV has no compression=; it takes dither="),
        ({"format": "AIFF", "bitrate": 5}, EncodeError, "AIFF has no bitrate=; it takes dither="),
        ({"format": "FLAC", "quality": 5}, EncodeError, "it takes dither=, compression="),
        ({"format": "MP3", "dither": "tpdf"}, EncodeError, "MP3 has no dither=; it takes bitrate=, quality="),
        ({"format": "OGG", "bitrate": 128}, EncodeError, "VORBIS has no bitrate=; it takes quality="),
        ({"format": "opus", "quality": 1}, EncodeError, "OPUS has no quality=; it takes bitrate="),
        ({"format": "MP3", "bitrate": 128, "quality": 1}, ParameterError, "exclude each other"),
        ({"format": "MP3", "quality": 10}, ParameterError, "quality must be a number from 0 to 9.9, got 10"),
        ({"format": "OGG", "quality": -1}, ParameterError, "quality must be a number from 0 to 10, got -1"),
        ({"format": "OGG", "quality": np.nan}, ParameterError, "quality must be a number from 0 to 10"),
        ({"format": "FLAC", "compression": 9}, ParameterError, "a whole number from 0 to 8, got 9"),
        ({"format": "FLAC", "compression": 2.5}, ParameterError, "a whole number from 0 to 8, got 2.5"),
        ({"format": "FLAC", "compression": True}, ParameterError, "a whole number from 0 to 8, got True"),
        ({"format": "WAV", "dither": "rpdf"}, ParameterError, "dither must be None or 'tpdf', got 'rpdf'"),
        ({"format": "WAV", "dither": "tpdf", "seed": -1}, ParameterError, r"0 to 2\*\*64 - 1, got -1"),
        ({"format": "WAV", "dither": "tpdf", "seed": 1.5}, ParameterError, "seed must be a whole number"),
        ({"format": "WAV", "dither": "tpdf", "subtype": "FLOAT"}, EncodeError, "PCM_..., FLOAT is none"),
        ({"format": "CAF", "dither": "tpdf", "subtype": "ULAW"}, EncodeError, "PCM_..., ULAW is none"),
    ],
)
def test_options_that_there_are_not(options, error, message):
    file = io.BytesIO()
    with pytest.raises(error, match=message):
        lio.write(file, np.zeros(1_000), 48_000, **options)
    assert file.getvalue() == b""


def test_numpy_numbers_are_numbers():
    written(np.zeros(1_000), format="FLAC", compression=np.int64(3))
    written(np.zeros(1_000), format="OGG", quality=np.float32(3))
    written(np.zeros(1_000), format="MP3", bitrate=np.int64(64))
    written(np.zeros(1_000), format="WAV", dither="tpdf", seed=np.uint64(3))


def test_the_formats_name_their_options():
    options = {s: f.options for f in lio.available_formats() for s in f.subtypes}
    assert options["OPUS"] == ("bitrate",)
    assert options["MPEG_LAYER_III"] == ("bitrate", "quality")
    assert options["VORBIS"] == ("quality",)
    assert {f.name: f.options for f in lio.available_formats()}["FLAC"] == ("dither", "compression")
