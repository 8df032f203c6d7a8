"""Codes: what is read is written back unchanged, in every container and on every instruction set."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.core import EncodeError

HOLDS = {
    bits: [f.name for f in lio.available_formats() if f"PCM_{bits}" in f.subtypes] for bits in (16, 24, 32)
}


def written(samples, form, subtype, **more):
    file = io.BytesIO()
    lio.write(file, samples, 48_000, format=form, subtype=subtype, **more)
    return file.getvalue()


@pytest.mark.parametrize("form", HOLDS[16])
def test_all_codes_of_16_bits(form):
    codes = np.random.default_rng(0).permutation(np.arange(-(2**15), 2**15)).reshape(2, -1).astype("i2")
    samples = (codes / 2**15).astype("f4")
    data = written(samples, form, "PCM_16")
    assert np.array_equal(lio.read(data).samples, samples)
    assert np.array_equal(soundfile.read(io.BytesIO(data), dtype="int16")[0].T, codes)


@pytest.mark.parametrize("form", HOLDS[24])
def test_codes_of_24_bits(form):
    # All 2^24 codes in one of the containers, one in 61 and both ends in the others.
    step = 1 if form == "WAV" else 61
    codes = np.arange(-(2**23), 2**23, step, np.int32)
    codes[-4:] = 2**23 - 1 - np.arange(4)
    samples = (codes.astype("f4") / np.float32(2**23))[np.newaxis]
    data = written(samples, form, "PCM_24")
    assert np.array_equal(lio.read(data).samples, samples)
    assert np.array_equal(soundfile.read(io.BytesIO(data), dtype="int32")[0] >> 8, codes)


@pytest.mark.parametrize("form", HOLDS[32])
def test_codes_of_32_bits_through_float64(form):
    random = np.random.default_rng(0)
    codes = random.integers(-(2**31), 2**31, (2, 100_000))
    codes[:, :4] = [-(2**31), 2**31 - 1, 2**31 - 2, 0]
    samples = codes / 2.0**31
    data = written(samples, form, "PCM_32")
    assert np.array_equal(lio.read(data, dtype="float64").samples, samples)
    assert np.array_equal(soundfile.read(io.BytesIO(data), dtype="int32")[0].T, codes)


@pytest.mark.parametrize("form", ["WAV", "AIFF", "CAF", "AU", "FLAC"])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_S8"])
def test_codes_of_8_bits(form, subtype):
    samples = (np.arange(-128, 128) / 128).astype("f4")[np.newaxis]
    if subtype not in next(f for f in lio.available_formats() if f.name == form).subtypes:
        with pytest.raises(EncodeError, match=f"{form} files have no subtype '{subtype}'"):
            written(samples, form, subtype)
        return
    assert np.array_equal(lio.read(written(samples, form, subtype)).samples, samples)


@pytest.mark.parametrize("form", ["WAV", "RF64", "W64", "AIFF", "CAF", "AU"])
def test_floats_keep_every_bit(form):
    random = np.random.default_rng(0)
    for kind, unsigned, subtype in [("f4", "u4", "FLOAT"), ("f8", "u8", "DOUBLE")]:
        bits = random.integers(0, np.iinfo(unsigned).max, (3, 10_000), unsigned)
        samples = bits.view(kind)
        samples[~np.isfinite(samples)] = 0
        data = written(samples, form, subtype)
        assert lio.read(data, dtype=kind).samples.tobytes() == samples.tobytes()


def ulaw_table():
    """Decision and output values of one sign: ITU-T G.711, tables 2a and 2b, in units of 1/8192."""
    decisions = [0, *[(17 + m << s + 1) - 33 for s in range(8) for m in range(16)][:-1]]
    values = [((33 + 2 * m) << s) - 33 for s in range(8) for m in range(16)]
    return np.array(decisions) / 8192, np.array(values) / 8192


def alaw_table():
    """Tables 1a and 1b, in units of 1/4096."""
    cells = [(max(s - 1, 0), m + 16 * (s > 0)) for s in range(8) for m in range(16)]
    decisions = [2 * m << s for s, m in cells]
    values = [2 * m + 1 << s for s, m in cells]
    return np.array(decisions) / 4096, np.array(values) / 4096


@pytest.mark.parametrize(("subtype", "table"), [("ULAW", ulaw_table()), ("ALAW", alaw_table())])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_companded_samples_follow_the_tables(subtype, table, dtype):
    decisions, values = table
    random = np.random.default_rng(0)
    samples = np.concatenate([random.uniform(-1, 1, 50_000), random.normal(0, 0.01, 50_000)]).astype(dtype)
    samples = np.concatenate([samples, decisions, -decisions[1:], [-1, 1]]).astype(dtype)
    got = lio.read(written(samples, "AU", subtype), dtype="float64").samples[0]
    expected = values[np.searchsorted(decisions, np.abs(samples), "right") - 1]
    assert np.array_equal(got, np.where(samples < 0, -expected, expected))
    # What is read is written back unchanged.
    both = np.concatenate([-values[::-1], values])
    again = lio.read(written(both, "WAV", subtype), dtype="float64").samples[0]
    assert np.array_equal(again, both)


def test_rounding_is_half_to_even_and_clips_at_both_ends():
    halves = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 32_766.5, 32_767.4, -32_768]) / 32_768
    got = soundfile.read(io.BytesIO(written(halves, "WAV", "PCM_16")), dtype="int16")[0]
    assert got.tolist() == [0, 2, 2, 0, -2, 32_766, 32_767, -32_768]


HASHES = """
    import hashlib, io
    import numpy as np, luthier.io as lio
    random = np.random.default_rng(0)
    digest = hashlib.sha256()
    for channels in (1, 2, 3):
        samples = random.uniform(-1, 1, (channels, 5_003))
        for form in lio.available_formats():
            if form.lossy or form.name == "FLAC":
                continue
            for subtype in form.subtypes:
                for kind in ("f4", "f8"):
                    for dither in (None, "tpdf") if subtype.startswith("PCM") else (None,):
                        file = io.BytesIO()
                        lio.write(file, samples.astype(kind), 48_000, format=form.name, subtype=subtype,
                                  dither=dither, seed=7)
                        digest.update(file.getvalue())
    print(digest.hexdigest())
"""


def test_every_instruction_set_writes_the_same_files():
    digests = {}
    for isa in ("baseline", "v3", "v4"):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(HASHES)],
            env={**os.environ, "LUTHIER_ISA": isa},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            assert isa != "baseline", done.stderr
            assert "more than this CPU can run" in done.stderr
            continue
        digests[isa] = done.stdout.split()[-1]
    assert len(set(digests.values())) == 1, digests
