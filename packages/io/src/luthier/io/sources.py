"""What audio can be read from: paths, bytes, file objects and URLs, each as the native code takes it."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from luthier.core import ParameterError
from luthier.io import _native, remote

__all__ = ["Readable", "Source", "label", "opened", "read_whole", "source_of"]

#: What can be read from: a path, a URL, an open binary file, or the file's bytes.
Readable = str | os.PathLike[str] | BinaryIO | bytes | bytearray | memoryview

#: A path in the file system's encoding, which the native code opens itself, or where else bytes come from,
#: or what opens that.
Source = bytes | _native.Source | Callable[[], _native.Source]


def label(path: str | os.PathLike[str]) -> str:
    """What messages call the file: its path as text that every encoding of text can hold.

    A name of bytes that are not UTF-8 is a string with lone surrogates, which nanobind refuses, too.
    """
    return os.fsdecode(path).encode("utf-8", "backslashreplace").decode("utf-8")


def source_of(source: Readable) -> tuple[Source, str]:
    """Return what the native code reads `source` from, and what messages call it.

    A path is not opened here.
    """
    if isinstance(source, str | os.PathLike):
        if isinstance(source, str) and remote.is_url(source):
            return partial(_url_source, source), label(source)
        path = os.fsencode(source)
        if b"\0" in path:
            raise ParameterError(f"a path cannot hold a null character, got {label(source)!r}")
        return path, label(source)
    if isinstance(source, bytes | bytearray | memoryview):
        if isinstance(source, memoryview) and not source.c_contiguous:
            raise ParameterError("source is a memoryview with gaps; pass its bytes, source.tobytes()")
        return _native.buffer_source(source, "<bytes>"), "<bytes>"
    if not hasattr(source, "read"):
        raise ParameterError(
            "source must be a path (str or os.PathLike), a file's bytes or a file opened with mode 'rb', "
            f"got {source if source is None else type(source).__name__}"
        )
    name = getattr(source, "name", None)
    name = label(name) if isinstance(name, str) else f"<{type(source).__name__}>"
    return _file_source(source, name), name


def opened(where: Source, name: str) -> _native.Source:
    """Open what `source_of` gave."""
    if isinstance(where, bytes):
        return _native.path_source(where, name)
    return where if isinstance(where, _native.Source) else where()


def read_whole(path: bytes) -> bytes:
    """Read what is no regular file: a pipe or a device."""
    with open(path, "rb", buffering=0) as file:
        return file.readall()


def _file_source(file: Any, name: str) -> _native.Source:
    if hasattr(file, "readable") and not file.readable():
        raise ParameterError(f"{name}: the file is not open for reading; open it with mode 'rb'")
    if isinstance(file, io.TextIOBase):
        raise ParameterError(f"{name}: is open as text; open the file with mode 'rb'")
    # Only the plain file classes: a GzipFile has a fileno() too, of other bytes than it reads as.
    if type(file) in (io.FileIO, io.BufferedReader, io.BufferedRandom) and _is_plain(file):
        if type(file) is io.BufferedRandom:
            file.flush()
        return _native.file_source(os.dup(file.fileno()), file.tell(), name)
    if type(file) is io.BytesIO:
        # The bytes are shared with the object until one of the two changes.
        return _native.buffer_source(memoryview(file.getvalue())[file.tell() :], name)
    size = _seekable_size(file)
    if size is None:
        return _native.buffer_source(_checked(file.read(), name), name)
    start, end = size
    return _native.python_source(_Reads(file, start, name), max(0, end - start), name)


def _is_plain(file: Any) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, io.UnsupportedOperation):
        return False


def _seekable_size(file: Any) -> tuple[int, int] | None:
    """Where the file object is and where it ends, or None where it cannot say or go there and back."""
    try:
        if hasattr(file, "seekable") and not file.seekable():
            return None
        start = file.tell()
        file.seek(0, os.SEEK_END)
        end = file.tell()
        file.seek(start)
    except (AttributeError, OSError, ValueError, NotImplementedError):
        return None
    return int(start), int(end)


def _checked(data: Any, name: str) -> bytes | bytearray | memoryview:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ParameterError(f"{name}: gave {type(data).__name__}, not bytes; open the file with mode 'rb'")
    return data


class _Reads:
    """Bytes at a place of a file object. With `close`, the file is ours and is closed in the end."""

    def __init__(self, file: Any, start: int, name: str, *, close: bool = False) -> None:
        self._file = file
        self._start = start
        self._name = name
        self._close = close

    def __call__(self, offset: int, size: int) -> bytes | bytearray | memoryview:
        self._file.seek(self._start + offset)
        first = _checked(self._file.read(size), self._name)
        if len(first) == size or len(first) == 0:
            return first
        # A raw file gives what it has at hand.
        pieces = [first]
        left = size - len(first)
        while left > 0 and (piece := _checked(self._file.read(left), self._name)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def __del__(self) -> None:
        if self._close:
            self._file.close()


def _url_source(url: str) -> _native.Source:
    name = label(url)
    file = remote.opener(url, "rb").open()
    size = _seekable_size(file)
    if size is None:
        with file:
            return _native.buffer_source(_checked(file.read(), name), name)
    return _native.python_source(_Reads(file, 0, name, close=True), size[1], name)
