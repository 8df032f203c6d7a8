"""Files that python-soundfile wrote, and a folder for others."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable

import pytest

from .helpers import READ, encode


@pytest.fixture(scope="session")
def made() -> Callable[[str], bytes]:
    """The bytes of a file of READ, encoded once."""
    return functools.cache(encode)


@pytest.fixture(params=READ)
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path
