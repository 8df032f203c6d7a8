"""`luthier.compat.soundfile` beside python-soundfile: its names, its arguments, its documentation."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pathlib
import sys
from typing import Any

import pytest
import soundfile as peer

import luthier.compat.soundfile as sf


def test_it_stands_in_for_the_peer_in_sys_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", sf)
    assert importlib.import_module("soundfile") is sf


def test_every_public_name_of_the_peer_is_there() -> None:
    typing_only = {"AudioData", "AudioData_2d", "FileDescriptorOrPath", "dtype_str"}
    for name in dir(peer):
        thing = getattr(peer, name)
        if name.startswith("_") or name in typing_only or inspect.ismodule(thing):
            continue
        if getattr(thing, "__module__", "soundfile") == "soundfile":
            assert hasattr(sf, name), name
    assert {n for n in dir(peer.SoundFile) if not n.startswith("_")} <= set(dir(sf.SoundFile))
    assert sf.__libsndfile_version__ == peer.__libsndfile_version__


METHODS = (
    "__init__ read write seek tell buffer_read buffer_read_into buffer_write blocks truncate flush close "
    "copy_metadata seekable"
)
FUNCTIONS = "read write blocks info check_format default_subtype available_subtypes"
NAMES = [*FUNCTIONS.split(), *(f"SoundFile.{each}" for each in METHODS.split())]


@pytest.mark.parametrize("name", NAMES)
def test_arguments_have_the_peers_names_order_and_defaults(name: str) -> None:
    def arguments(module: Any) -> list[tuple[str, Any]]:
        thing = module
        for part in name.split("."):
            thing = getattr(thing, part)
        return [(p.name, p.default) for p in inspect.signature(thing).parameters.values()]

    assert arguments(sf) == arguments(peer)


def test_the_tables_are_the_peers() -> None:
    assert sf.available_formats() == peer.available_formats()
    assert sf.available_subtypes() == peer.available_subtypes()
    for form in peer.available_formats():
        assert sf.default_subtype(form) == peer.default_subtype(form)
        assert sf.available_subtypes(form) == peer.available_subtypes(form)
        for endian in (None, "FILE", "LITTLE", "BIG", "CPU"):
            assert sf.check_format(form, None, endian) == peer.check_format(form, None, endian)
    for name in ("_formats", "_subtypes", "_endians", "_default_subtypes", "_str_types"):
        assert getattr(sf, name) == getattr(peer, name)


def test_the_examples_run(folder: pathlib.Path) -> None:
    run = 0
    for name in ("", "._names", "._file", "._functions"):
        result = doctest.testmod(importlib.import_module(sf.__name__ + name))
        assert result.failed == 0
        run += result.attempted
    assert run > 15


def test_errors_have_the_peers_bases_and_attributes() -> None:
    assert [c.__name__ for c in sf.LibsndfileError.__mro__] == [
        c.__name__ for c in peer.LibsndfileError.__mro__
    ]
    for code in (1, 2, 3, 22, 39, 158):
        ours, theirs = sf.LibsndfileError(code, "p: "), peer.LibsndfileError(code, "p: ")
        assert (ours.code, ours.prefix, ours.error_string) == (code, "p: ", theirs.error_string)
        assert str(ours) == str(theirs)
