"""libsndfile: found without importing soundfile, and named when it is missing."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile

import luthier.io as lio
from luthier.io import sndfile


def run(script, cwd, silent=False):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not silent or not done.stderr
    return done.stdout


def test_it_is_found_where_soundfile_has_it():
    assert sndfile.find() is not None
    assert soundfile.__libsndfile_version__ in sndfile.load()


def test_soundfile_is_not_imported(tmp_path):
    out = run(
        """
        import sys, numpy as np, luthier.io as lio
        lio.write("a.flac", np.zeros((1, 100), np.float32), 44_100)
        assert lio.read("a.flac").samples.shape == (1, 100)
        print([m for m in ("soundfile", "cffi", "_soundfile") if m in sys.modules])
        """,
        tmp_path,
    )
    assert out.strip() == "[]"


def test_wav_works_without_it_and_the_rest_names_what_to_install(tmp_path, encoded):
    (tmp_path / "a.mp3").write_bytes(encoded("stereo.mp3"))
    out = run(
        """
        import os, numpy as np, luthier.io as lio
        from luthier.core import MissingDependencyError
        from luthier.io import sndfile
        sndfile.find = lambda: None
        lio.write("a.wav", np.zeros((1, 100), np.float32), 44_100)
        assert lio.read("a.wav").samples.shape == (1, 100)
        one = np.zeros((1, 9), np.float32)
        for use in (lambda: lio.read("a.mp3"), lambda: lio.write("a.flac", one, 8_000)):
            try:
                use()
            except MissingDependencyError as error:
                print("pip install soundfile" in str(error))
        print(sorted(os.listdir()))
        """,
        tmp_path,
    )
    assert out.split("\n")[:3] == ["True", "True", "['a.mp3', 'a.wav']"]


@pytest.mark.parametrize("kind", ["text", "library"])
def test_a_file_that_is_not_libsndfile(tmp_path, kind):
    path = tmp_path / "libsndfile.so"
    if kind == "text":
        path.write_text("not a library")
    out = run(
        f"""
        import glob, os, numpy, luthier.io as lio
        from luthier.core import MissingDependencyError
        from luthier.io import _native, sndfile
        path = {str(path)!r}
        if {kind == "library"}:
            path = _native.__file__
        try:
            _native.load_sndfile(path)
        except MissingDependencyError as error:
            print(error)
        """,
        tmp_path,
    )
    assert "soundfile" in out


#: Formats of libsndfile that nothing else here reads.
OTHERS = (
    "SVX",
    "NIST",
    "VOC",
    "IRCAM",
    "PAF",
    "MAT4",
    "MAT5",
    "PVF",
    "XI",
    "HTK",
    "SDS",
    "AVR",
    "WVE",
    "MPC2K",
)


@pytest.mark.parametrize("form", OTHERS)
def test_what_only_libsndfile_reads(form):
    subtype = {"XI": "DPCM_16", "WVE": "ALAW"}.get(form, "PCM_16")
    made = 0
    rate = 8_000 if form == "WVE" else 44_100
    samples = np.random.default_rng(0).integers(-9_000, 9_000, 500, dtype=np.int16)
    for endian in ("LITTLE", "BIG", "FILE"):
        file = io.BytesIO()
        try:
            soundfile.write(file, samples, rate, subtype, endian, form)
        except (ValueError, soundfile.LibsndfileError):
            continue
        made += 1
        expected, _ = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")
        assert np.array_equal(lio.read(file.getvalue()).samples[0], expected)
    assert made > 0


@pytest.mark.parametrize("fork", [0, 300])
def test_what_nothing_reads_is_not_given_to_libsndfile(tmp_path, fork):
    # It opens this file for bytes that it does not know.
    (tmp_path / "._").write_bytes(random.Random(1).randbytes(fork))
    heads = [
        b"",
        b"%PDF-1.4\n",
        b"\x89PNG\r\n\x1a\n",
        b"PK\3\4",
        b"\xff\xf1\x50\x80",
        b"\1\4",
        b"\xf0\x7e\0\1",
    ]
    heads += [
        b"ID3\4\0\0\0\0\0\x04abcd",
        b"RIFX\0\1\0\0WAVE",
        b"\0\0\0\x96\0\0\0\xe2\0\2\0\0",
        b"2BIT",
        b"NIST",
    ]
    out = run(
        f"""
        import random, luthier.io as lio
        from luthier.core import DecodeError, UnsupportedFormat
        chance = random.Random(2)
        tails = [b"", *(chance.randbytes(3_000) for _ in range(20)), b"some text " * 99, bytes(3_000)]
        heads = {heads!r}
        for head in heads:
            for tail in tails:
                for data in (head + tail, head + tail[:chance.randrange(40)]):
                    try:
                        lio.read(data)
                    except UnsupportedFormat:
                        pass
                    except DecodeError:
                        assert not data or data[:4] in (b"RIFX", b"ID3\\4") or data[0] == 255, data[:9]
        """,
        tmp_path,
        silent=True,
    )
    assert out == ""
