"""The demo runs, does what it says, and what it reads may be given to others."""

import hashlib
import importlib.util
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import luthier.io as lio

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "docs/demo"


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("luthier_demo", DEMO / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_demo_does_the_main_job(tmp_path: Path, demo: ModuleType) -> None:
    told = subprocess.run(
        [sys.executable, DEMO / "demo.py", "--out", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stderr == ""
    assert re.search(r"^process .*highpass\(cutoff_hz=80\) \| compressor", told.stdout, re.MULTILINE)
    before, after = lio.read(demo.RECORDING), lio.read(tmp_path / "out/processed.flac")
    wanted = demo.BOARD(before.samples, before.sample_rate)
    assert np.abs(wanted).max() < 1.0
    np.testing.assert_allclose(after.samples, wanted, atol=0.51 / 2**23)
    for name in ("before", "after"):
        rows = (tmp_path / f"out/f0-{name}.csv").read_text().splitlines()
        assert rows[0] == "time_s,f0_hz,voiced,confidence"
        voiced = [float(row.split(",")[1]) for row in rows[1:] if row.split(",")[2] == "1"]
        assert 110 < float(np.median(voiced)) < 140  # a man's voice
    assert (tmp_path / "out/demo.png").read_bytes().startswith(b"\x89PNG")


def test_the_recording_is_what_its_page_says(demo: ModuleType) -> None:
    page = (DEMO / "RECORDING.md").read_text(encoding="utf-8")
    data = demo.RECORDING.read_bytes()
    assert hashlib.sha256(data).hexdigest() in page
    assert f"{len(data):,} bytes" in page
    assert len(data) < 2**20
    terms = (DEMO / "arctic_a0007.COPYING").read_text()
    assert "Permission to use, copy, modify" in terms


def test_the_picture_in_the_documentation_is_small() -> None:
    assert (ROOT / "docs/_static/demo.png").stat().st_size < 500_000


def test_no_distribution_holds_the_recording() -> None:
    sdists = sorted((ROOT / "dist").glob("*.tar.gz"))
    if not sdists:
        pytest.skip("dist/ holds nothing: nox builds it")
    for sdist in sdists:
        with tarfile.open(sdist) as archive:
            assert not [name for name in archive.getnames() if name.endswith((".wav", ".flac"))], sdist.name
