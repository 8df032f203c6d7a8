"""What opening a file takes: its mode, its format, and who reads it."""

from __future__ import annotations

import contextlib
import operator
import os
import stat
from dataclasses import dataclass, field
from typing import Any

import luthier.io as lio
from luthier.compat.soundfile import _exact, _library, _names
from luthier.compat.soundfile._exact import ExactFile
from luthier.compat.soundfile._handle import READ, READ_WRITE, WRITE, LibraryFile
from luthier.core import DecodeError, LuthierError

__all__ = [
    "Details",
    "asked_for",
    "check_openable",
    "make_way",
    "mode_number",
    "open_exact",
    "position",
    "read_details",
]


@dataclass
class Details:
    """What only libsndfile knows of a file."""

    format: str
    subtype: str
    endian: str
    sections: int = 1
    log: str = ""
    tags: dict[str, str] = field(default_factory=dict)


def mode_number(mode: object) -> int:
    if not isinstance(mode, str):
        raise TypeError(f"Invalid mode: {mode!r}")
    letters = set(mode)
    if letters - set("xrwb+") or len(mode) > len(letters):
        raise ValueError(f"Invalid mode: {mode!r}")
    if len(letters & set("xrw")) != 1:
        raise ValueError(f"mode must contain exactly one of 'xrw', got {mode!r}")
    if "+" in mode:
        return READ_WRITE
    return READ if "r" in mode else WRITE


def asked_for(
    file: Any,
    mode: str,
    samplerate: object,
    channels: object,
    form: str | None,
    subtype: str | None,
    endian: str | None,
) -> _library.Info:
    """What libsndfile is told of the file: nothing where it has a header that is read."""
    given = form
    if form is None:
        form = _names.format_of_name(file)
        if "r" not in mode and form.upper() not in _names.FORMATS:
            raise TypeError(f"No format specified and unable to get format from file extension: {file!r}")
    reading = "r" in mode
    if reading and not (isinstance(form, str) and form.upper() == "RAW"):
        if any(each is not None for each in (samplerate, channels, given, subtype, endian)):
            raise TypeError(
                "Not allowed for existing files (except 'RAW'): samplerate, channels, format, subtype, endian"
            )
        return _library.Info()
    return _library.Info(
        samplerate=_whole("samplerate", samplerate),
        channels=_whole("channels", channels),
        format=_names.format_code(form, subtype, endian),
    )


def _whole(name: str, value: Any) -> int:
    if value is None:
        raise TypeError(f"{name} must be specified")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None


def check_openable(file: Any, number: int) -> None:
    if isinstance(file, str | bytes | int):
        return
    needed: list[tuple[str, ...]] = [("seek",), ("tell",)]
    if number != WRITE:
        needed.append(("read", "readinto"))
    if number != READ:
        needed.append(("write",))
    if not all(any(hasattr(file, name) for name in names) for names in needed):
        raise TypeError(f"Invalid file: {file!r}")


def position(file: Any) -> int:
    if isinstance(file, str | bytes):
        return 0
    try:
        return os.lseek(file, 0, os.SEEK_CUR) if isinstance(file, int) else int(file.tell())
    except OSError:
        return 0


def open_exact(file: Any, start: int, closefd: bool) -> tuple[ExactFile | None, DecodeError | None]:
    """The file opened by luthier, or None where libsndfile should do it, or say why it cannot.

    The error is what luthier finds wrong with a file of a format that it knows.
    """
    reader = error = None
    try:
        if isinstance(file, int):
            if stat.S_ISREG(os.fstat(file).st_mode):
                with open(file, "rb", buffering=0, closefd=False) as raw:
                    reader = lio.open(raw)
        elif isinstance(file, str | bytes):
            reader = lio.open(os.fsdecode(file))
        elif hasattr(file, "read"):
            reader = lio.open(file)
    except DecodeError as found:
        error = found
    except (LuthierError, OSError):
        pass
    if reader is not None and reader.info.format in _exact.FORMATS:
        return ExactFile(reader, file, file if isinstance(file, int) and closefd else None), None
    if not isinstance(file, str | bytes | int):
        file.seek(start)
    return None, error


def make_way(file: Any, mode: str, number: int) -> None:
    """Do for paths what libsndfile's modes do not: refuse what exists, or forget it."""
    if not isinstance(file, str | bytes):
        return
    if "x" in mode and os.path.exists(file):
        raise FileExistsError(17, f"File exists: {file!r}")
    if number == READ_WRITE and "w" in mode:
        with contextlib.suppress(FileNotFoundError):
            os.truncate(file, 0)


def read_details(file: Any, start: int) -> Details:
    before = position(file)
    if isinstance(file, int):
        os.lseek(file, start, os.SEEK_SET)
    elif not isinstance(file, str | bytes):
        file.seek(start)
    opened = LibraryFile(file, READ, _library.Info(), file, False)
    try:
        return Details(
            opened.format,
            opened.subtype,
            opened.endian,
            opened.sections,
            opened.log(),
            {name: opened.tag(name) for name in _names.TAGS},
        )
    finally:
        opened.close()
        if isinstance(file, int):
            os.lseek(file, before, os.SEEK_SET)
        elif not isinstance(file, str | bytes):
            file.seek(before)
