"""What audio is read from: paths, file objects and memory, opened by `luthier.io`."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import luthier.io as lio
from luthier.compat.pedalboard.io import _formats, _mpeg
from luthier.core import DecodeError, UnsupportedFormat

__all__ = ["Opened", "has_methods", "open_source"]

_NEEDED = (
    "Expected either a filename, a file-like object (with read, seek, seekable, and tell methods) or a "
    "memory view, but received: "
)


class Opened:
    """An open file: its reader, whether its header says how long it is, and what to call before reads."""

    def __init__(self, reader: lio.Reader, length_in_header: bool, touch: Callable[[], object]) -> None:
        self.reader = reader
        self.length_in_header = length_in_header
        self.touch = touch


def has_methods(thing: object, *names: str) -> bool:
    """Whether it is a file object of that kind."""
    return all(hasattr(thing, name) for name in names)


def open_source(source: Any) -> Opened:
    """Open what `ReadableAudioFile` is given.

    Raises
    ------
    ValueError
        When it is no audio, or of none of the formats that can be read.
    TypeError
        When it is nothing to read from.
    """
    if isinstance(source, str | bytes | os.PathLike):
        return _open_path(os.fsdecode(source))
    if isinstance(source, memoryview):
        return _open_object(source, f"Failed to open audio file-like object: {source!r}", "")
    if not has_methods(source, "read", "seek", "tell", "seekable"):
        raise TypeError(f"{_NEEDED}{source!r}")
    return _open_file(source)


def _open_path(path: str) -> Opened:
    if not os.path.isfile(path):
        raise ValueError(f"Failed to open audio file: file does not exist: {path}")
    return _open_object(path, f'Failed to open audio file: file "{path}"', "")


def _open_file(file: Any) -> Opened:
    failed = f"Failed to open audio file-like object: {file!r}"
    if not file.seekable():
        raise ValueError(f"{failed} is not seekable: only file-like objects that are can be read.")
    start = file.tell()
    where = ""
    if start:
        where = (
            f" has its stream position set to {start:,} bytes. Reading from this position did not produce "
            "audio data in a known or supported format. Try seeking this file-like object back to its start "
            "before passing it to AudioFile."
        )
    return _open_object(_plain_or_checked(file, failed, start), failed, where)


def _plain_or_checked(file: Any, failed: str, start: int) -> Any:
    """The file, or what checks each of its reads where they cannot go past Python."""
    checked = _Checked(file)
    checked.read(0)
    file.seek(0, os.SEEK_END)
    end = file.tell()
    file.seek(start)
    if end == 0:
        raise ValueError(f"{failed} is empty.")
    if start >= end:
        raise ValueError(
            f"{failed} has its stream position set to the end of the stream ({end:,} bytes). Try seeking "
            "this file-like object back to its start before passing it to AudioFile."
        )
    plain = type(file) in (io.BytesIO, io.BufferedReader, io.BufferedRandom, io.FileIO)
    return file if plain and "read" not in getattr(file, "__dict__", ()) else checked


class _Checked:
    """A file object whose reads give bytes, or the error that says what they give."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def touch(self) -> None:
        """Let a file that fails say so, although the bytes that are wanted may be here already."""
        self._file.read(0)

    def read(self, size: int) -> Any:
        data = self._file.read(size)
        if isinstance(data, bytes | bytearray | memoryview):
            return data
        raise TypeError(
            "File-like object passed to AudioFile was expected to return bytes from its read(...) method, "
            f"but returned {type(data).__name__}."
        )


def _open_object(source: Any, failed: str, where: str) -> Opened:
    position = source.tell() if hasattr(source, "tell") else 0
    try:
        reader = lio.open(source)
    except (DecodeError, UnsupportedFormat) as error:
        reason = where or " does not seem to contain audio data in a known or supported format."
        raise ValueError(f"{failed}{reason} ({error})") from error
    except PermissionError as error:
        raise ValueError(f"{failed} cannot be read: {error}") from error
    info = reader.info
    if not _formats.is_readable(info.format, info.subtype):
        reader.close()
        raise ValueError(
            f"{failed} is {info.format} of {info.subtype}, which is none of the formats that are supported "
            f"here: {', '.join(_formats.get_supported_read_formats())}. luthier.io.open reads it."
        )
    known = info.format != "MP3" or _tells_its_length(source, position)
    return Opened(reader, known, source.touch if isinstance(source, _Checked) else _nothing)


def _nothing() -> None:
    pass


def _tells_its_length(source: Any, start: int) -> bool:
    if isinstance(source, memoryview):
        return _mpeg.tells_its_length(lambda offset, size: bytes(source[offset : offset + size]))
    if isinstance(source, str):
        with open(source, "rb") as file:
            return _tells_its_length(file, 0)

    def read(offset: int, size: int) -> bytes:
        source.seek(start + offset)
        return bytes(source.read(size))

    known = _mpeg.tells_its_length(read)
    source.seek(start)
    return known
