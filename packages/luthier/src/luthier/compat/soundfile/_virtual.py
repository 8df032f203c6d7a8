"""An open Python file as libsndfile's virtual file."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any, TypeVar

from luthier.compat.soundfile import _library

__all__ = ["VirtualFile"]

_Result = TypeVar("_Result")
_PY_BUF_WRITE = 0x200
_view_of = ctypes.pythonapi.PyMemoryView_FromMemory
_view_of.restype = ctypes.py_object
_view_of.argtypes = (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)


class VirtualFile:
    """Callbacks on an object with ``seek``, ``tell`` and ``read`` or ``readinto`` or ``write``.

    An exception cannot pass through the library: the first one is kept, and `rethrow` raises it.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._error: BaseException | None = None
        self.callbacks = _library.VirtualIo(
            _library.FILE_LENGTH(lambda _: self._guard(self._length, -1)),
            _library.SEEK(lambda offset, whence, _: self._guard(lambda: self._seek(offset, whence), -1)),
            _library.READ(lambda to, count, _: self._guard(lambda: self._read(to, count), 0)),
            _library.WRITE(lambda data, count, _: self._guard(lambda: self._write(data, count), 0)),
            _library.TELL(lambda _: self._guard(lambda: int(file.tell()), -1)),
        )

    def rethrow(self) -> None:
        """Raise what the Python file raised, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def release(self) -> None:
        """Let go of the file; the callbacks must not be called any more."""
        del self.callbacks, self._file

    def _guard(self, body: Callable[[], _Result], failed: _Result) -> _Result:
        try:
            return body()
        except BaseException as error:
            self._error = self._error or error
            return failed

    def _length(self) -> int:
        here = self._file.tell()
        self._file.seek(0, os.SEEK_END)
        size = int(self._file.tell())
        self._file.seek(here, os.SEEK_SET)
        return size

    def _seek(self, offset: int, whence: int) -> int:
        self._file.seek(offset, whence)
        return int(self._file.tell())

    def _read(self, to: int, count: int) -> int:
        if count <= 0:
            return 0
        view = _view_of(to, count, _PY_BUF_WRITE)
        if hasattr(self._file, "readinto"):
            return int(self._file.readinto(view) or 0)
        data = self._file.read(count)
        view[: len(data)] = data
        return len(data)

    def _write(self, data: int, count: int) -> int:
        written = self._file.write(ctypes.string_at(data, count))
        return count if written is None else int(written)
