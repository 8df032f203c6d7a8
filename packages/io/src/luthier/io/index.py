"""Seek indexes: what makes later crops of a compressed file cheap, kept by the caller or in a folder."""

from __future__ import annotations

import hashlib
import os
import struct
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from luthier.core import ParameterError
from luthier.io import _native
from luthier.io.sources import Readable, Source, opened, source_of

__all__ = ["IndexSource", "Lookup", "SeekIndex", "build_index", "cache_folder", "check_index", "look_up"]

_MAGIC = b"luthier index 1\n"
_HEAD = struct.Struct("<qq16sq")  # size, mtime_ns or -1, digest of the ends, bytes of the payload
_CHECK = 8
_ENDS = 16 << 10, 4 << 10  # bytes of the file's beginning and end that are hashed


@dataclass(frozen=True)
class SeekIndex:
    """Where the frames of one file lie, so that a read in its middle need not search for them.

    Made by `build_index`; taken by the ``index`` of `luthier.io.read`, `luthier.io.open` and others. It
    belongs to the bytes of the file, which may be copied or renamed.

    Attributes
    ----------
    size
        Bytes of the file.
    mtime_ns
        When the file was changed last, or None where it was no path.
    digest
        Of the file's first 16 KiB and last 4 KiB.
    payload
        What the decoder knows, a few KB; empty for a format that needs no index.
    """

    size: int
    mtime_ns: int | None
    digest: bytes = field(repr=False)
    payload: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """The index as bytes, for `from_bytes`.

        Examples
        --------
        >>> import numpy as np, luthier.io as lio
        >>> lio.write("tone.mp3", np.sin(np.arange(441_000) / 10), 44_100)
        >>> index = lio.build_index("tone.mp3")
        >>> lio.SeekIndex.from_bytes(index.to_bytes()) == index
        True
        """
        mtime = -1 if self.mtime_ns is None else self.mtime_ns
        body = _MAGIC + _HEAD.pack(self.size, mtime, self.digest, len(self.payload)) + self.payload
        return body + _digest(body, _CHECK)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> SeekIndex:
        """The index that `to_bytes` gave.

        Raises
        ------
        ParameterError
            When the bytes are not of an index, of another version, or damaged.
        """
        data = bytes(data)
        start = len(_MAGIC) + _HEAD.size
        if not data.startswith(_MAGIC) or len(data) < start + _CHECK:
            raise ParameterError("these bytes are not a seek index of this version; build it again")
        size, mtime, digest, length = _HEAD.unpack_from(data, len(_MAGIC))
        body, check = data[:-_CHECK], data[-_CHECK:]
        if length != len(body) - start or _digest(body, _CHECK) != check:
            raise ParameterError("the seek index is damaged; build it again")
        return cls(size, None if mtime < 0 else mtime, digest, body[start:])


#: An index, its bytes, ``"cache"`` for the user's cache folder, or another folder that serves as one.
IndexSource = SeekIndex | bytes | str | os.PathLike[str]


@dataclass
class Lookup:
    """What the native code is told about an index.

    Attributes
    ----------
    payload
        The index, or None.
    given
        Whether it was given by hand, so that it is an error when it does not fit.
    wanted
        Whether one is to be built where there is none.
    store
        Takes the payload that was built.
    """

    payload: bytes | None = None
    given: bool = False
    wanted: bool = False
    store: Callable[[bytes], None] | None = None


def build_index(source: Readable) -> SeekIndex:
    """Search a file for what makes later reads from its middle cheap.

    Parameters
    ----------
    source
        As for `luthier.io.read`.

    Returns
    -------
    SeekIndex
        A few KB for a song. Its payload is empty for a format that needs none, such as WAV.

    Raises
    ------
    FileNotFoundError, UnsupportedFormat, DecodeError, MissingDependencyError
        As for `luthier.io.open`.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> lio.write("tone.mp3", np.sin(np.arange(441_000) / 10), 44_100)
    >>> index = lio.build_index("tone.mp3")
    >>> lio.read("tone.mp3", start=400_000, frames=1_000, index=index).frames
    1000
    """
    where, name = source_of(source)
    file = opened(where, name)
    size, mtime_ns, digest = _identify(file, where)
    return SeekIndex(size, mtime_ns, digest, _native.Stream(file, name, None, None).index())


def cache_folder() -> Path:
    """Where ``index="cache"`` keeps indexes. Its files may be deleted at any time.

    ``$XDG_CACHE_HOME/luthier/index`` (``~/.cache`` by default), ``~/Library/Caches`` on macOS and
    ``%LOCALAPPDATA%`` on Windows.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME", "")
        base = base if os.path.isabs(base) else "~/.cache"
    return Path(base).expanduser() / "luthier" / "index"


def check_index(index: object) -> None:
    """Raise `ParameterError` when it is none of an `IndexSource`."""
    if not isinstance(index, SeekIndex | bytes | bytearray | memoryview | str | os.PathLike):
        raise ParameterError(
            "index must be a SeekIndex, its bytes, 'cache', the path of a folder, or None; "
            f"got {type(index).__name__}"
        )


def look_up(index: IndexSource, where: Source, name: str) -> tuple[Source, Lookup]:
    """Find the index for a file, and return what to read the file from, which may be open now."""
    check_index(index)
    file = opened(where, name)
    size, mtime_ns, digest = _identify(file, where)
    # Not to hold a descriptor for each of many paths.
    file_again = where if isinstance(where, bytes) else file
    if not isinstance(index, str | os.PathLike):
        given = index if isinstance(index, SeekIndex) else SeekIndex.from_bytes(index)
        if (given.size, given.digest) != (size, digest):
            raise ParameterError(
                f"{name}: the index is of another file, or of this one before it changed; build one with "
                "luthier.io.build_index"
            )
        return file_again, Lookup(given.payload or None, given=bool(given.payload))
    folder = cache_folder() if index == "cache" else Path(index)
    key = _digest(_HEAD.pack(size, -1 if mtime_ns is None else mtime_ns, digest, 0), 16).hex()
    path = folder / f"{key}.idx"

    def store(payload: bytes) -> None:
        data = SeekIndex(size, mtime_ns, digest, payload).to_bytes()
        if index == "cache":
            with suppress(OSError):  # no place to keep it is no reason not to read
                _write(path, data)
        else:
            _write(path, data)

    with suppress(OSError, ParameterError):
        found = SeekIndex.from_bytes(path.read_bytes())
        if (found.size, found.mtime_ns, found.digest) == (size, mtime_ns, digest):
            return file_again, Lookup(found.payload, wanted=True, store=store)
    return file_again, Lookup(wanted=True, store=store)


def _identify(file: _native.Source, where: Source) -> tuple[int, int | None, bytes]:
    first, last = _ENDS
    ends = file.read_at(0, first) + file.read_at(max(0, file.size - last), last)
    mtime_ns = os.stat(where).st_mtime_ns if isinstance(where, bytes) else None
    return file.size, mtime_ns, _digest(ends, 16)


def _digest(data: bytes, size: int) -> bytes:
    return hashlib.blake2b(data, digest_size=size).digest()


def _write(path: Path, data: bytes) -> None:
    """Write a file that other processes see whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
