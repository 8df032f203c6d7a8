"""A folder to work in, and the command line called in it."""

import os
import shutil
from pathlib import Path

import pytest

import luthier.io as lio
from luthier.cli import main

from .helpers import Run, signal_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with a stereo tone.wav (16-bit) in it."""
    monkeypatch.chdir(tmp_path)
    lio.write("tone.wav", signal_of(), 16_000)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call main() and return exit code, output and errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out, told.err

    return call


@pytest.fixture
def many(folder: Path) -> Path:
    for name in ("a", "b", "c"):
        shutil.copy("tone.wav", f"{name}.wav")
    os.mkdir("deep")
    shutil.copy("tone.wav", "deep/d.wav")
    return folder
