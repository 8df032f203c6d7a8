"""libsndfile: found without importing soundfile, and named when it is missing."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import soundfile

from luthier.io import sndfile


def run(script, cwd):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
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
