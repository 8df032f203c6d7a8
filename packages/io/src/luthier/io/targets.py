"""Where a finished file goes: under a name, which it takes when it is whole, or into a file object."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
import stat
import tempfile
from typing import Any, BinaryIO, Protocol

from luthier.core import EncodeError, ParameterError
from luthier.io import remote
from luthier.io.sources import label

__all__ = ["Target", "Writable", "target_of"]

#: What can be written to: a path, an fsspec URL, or a binary file object that is open for writing.
Writable = str | os.PathLike[str] | BinaryIO

_COPIED = 1 << 20


class Target(Protocol):
    """The life of a target: `create`, then `commit` or `discard`."""

    #: What messages call it, and whose ending may name the format.
    name: str

    def create(self) -> int:
        """A descriptor to write the file to, which the caller owns. Nobody sees it yet."""

    def commit(self) -> None:
        """Make the file known, whole, as the descriptor was closed."""

    def discard(self) -> None:
        """Take everything back, as if there had been nothing."""


def target_of(target: object) -> Target:
    """Where to write, or the error that says what is allowed."""
    if isinstance(target, str) and remote.is_url(target):
        return _UrlTarget(target)
    if isinstance(target, str | os.PathLike):
        return _PathTarget(os.fsdecode(target))
    allowed = "target must be a path (str or os.PathLike) or a file object open for writing in binary mode"
    if isinstance(target, bytes | bytearray | memoryview):
        raise ParameterError(
            f"{allowed}, got {type(target).__name__}, which stands for a file's contents in luthier.io.read; "
            "pass os.fsdecode(path)"
        )
    if not hasattr(target, "write"):
        raise ParameterError(f"{allowed}, got {target if target is None else type(target).__name__}")
    if isinstance(target, io.TextIOBase):
        raise ParameterError(f"{allowed}, got a text file; open it with mode 'wb'")
    if hasattr(target, "writable") and not target.writable():
        raise ParameterError(f"{allowed}, got one that is not open for writing; open it with mode 'wb'")
    return _ObjectTarget(target)


class _PathTarget:
    """A file beside the target, which takes its name.

    On Linux it has no name before, where the file system can do that: not even a process that is killed
    leaves anything behind.
    """

    def __init__(self, path: str) -> None:
        self.name = label(path)
        self._path = path
        self._mode = _mode_of(path, self.name)
        # A symbolic link keeps pointing where it does: its target is what is replaced.
        self._target = os.path.realpath(path)
        self._folder, base = os.path.split(self._target)
        self._base = base[:40]  # of at most four bytes each
        self._temporary: str | None = None
        self._unnamed: int | None = None

    def create(self) -> int:
        descriptor = self._create_unnamed()
        if descriptor is None:
            descriptor = self._create_named()
        if self._mode is not None and hasattr(os, "fchmod"):
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, self._mode)
        return descriptor

    def commit(self) -> None:
        if self._unnamed is not None:
            # With a src_dir_fd, which the absolute path does not need, it is linkat() that follows links.
            known, fd = f"/proc/self/fd/{self._unnamed}", self._unnamed
            try:
                self._temporary = self._free_name(lambda path: os.link(known, path, src_dir_fd=fd))
            except OSError:
                # Some rule of this system forbids it: the bytes are still there.
                self._copy(fd)
        assert self._temporary is not None
        os.replace(self._temporary, self._target)
        self._temporary = None
        self._forget()

    def _copy(self, unnamed: int) -> None:
        descriptor = self._create_named()
        with os.fdopen(os.dup(unnamed), "rb") as old, os.fdopen(descriptor, "wb") as new:
            old.seek(0)
            if self._mode is not None:
                os.fchmod(descriptor, self._mode)
            shutil.copyfileobj(old, new, _COPIED)

    def discard(self) -> None:
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = None
        self._forget()

    def _forget(self) -> None:
        if self._unnamed is not None:
            os.close(self._unnamed)
            self._unnamed = None

    def _create_unnamed(self) -> int | None:
        kind = getattr(os, "O_TMPFILE", None)
        if kind is None or not os.path.isdir("/proc/self/fd"):
            return None
        try:
            descriptor = os.open(self._folder, kind | os.O_RDWR | os.O_CLOEXEC, 0o666)
        except OSError:
            # Where it is more than that this file system cannot do it, the other way says what it is.
            return None
        self._unnamed = os.dup(descriptor)
        return descriptor

    def _create_named(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        opened = []
        self._temporary = self._free_name(lambda path: opened.append(os.open(path, flags, 0o666)))
        return opened[0]

    def _free_name(self, make: Any) -> str:
        for _ in range(100):
            path = os.path.join(self._folder, f".{self._base}.{secrets.token_hex(6)}.part")
            try:
                make(path)
            except FileExistsError:
                continue
            except OSError as error:
                error.filename, error.filename2 = self._path, None
                raise
            return path
        raise FileExistsError(17, "no free temporary name beside it", self._path)


class _ObjectTarget:
    """A temporary file, whose bytes are copied when it is whole."""

    def __init__(self, file: Any, name: str | None = None) -> None:
        own = getattr(file, "name", None)
        self.name = name or (label(own) if isinstance(own, str) else f"<{type(file).__name__}>")
        self._object = file
        self._file: Any = None

    def create(self) -> int:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        return os.dup(self._file.fileno())

    def commit(self) -> None:
        self._file.seek(0)
        try:
            start = self._object.tell() if self._object.seekable() else None
        except (AttributeError, OSError):
            start = None
        try:
            while chunk := self._file.read(_COPIED):
                view = memoryview(chunk)
                while view:
                    # Raw files may take less than they are given.
                    taken = self._object.write(view)
                    view = view[taken if isinstance(taken, int) else len(view) :]
        except BaseException:
            if start is not None:
                with contextlib.suppress(Exception):
                    self._object.seek(start)
                    self._object.truncate()
            raise
        finally:
            self.discard()

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _UrlTarget(_ObjectTarget):
    """What fsspec writes: opened when the file is whole."""

    def __init__(self, url: str) -> None:
        super().__init__(None, label(url))
        # Nothing is opened yet, but what is missing for it is known.
        self._opener = remote.opener(url, "wb")

    def commit(self) -> None:
        with self._opener as self._object:
            super().commit()


def _mode_of(path: str, name: str) -> int | None:
    """The permissions of what the new file will replace, None for nothing, or why it must not be replaced."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "is a directory; name a file in it", path)
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
        raise EncodeError(
            f"{name}: is {kinds.get(stat.S_IFMT(mode), 'a device')}, not a regular file. The finished file "
            "would replace it; pass it opened with mode 'wb', and format="
        )
    if not os.access(path, os.W_OK):
        raise PermissionError(13, "is read-only", path)
    return stat.S_IMODE(mode) & 0o777
