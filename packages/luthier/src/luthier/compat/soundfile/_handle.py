"""A file that libsndfile reads or writes: every mode, every format."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.compat.soundfile import _library, _names
from luthier.compat.soundfile._errors import LibsndfileError
from luthier.compat.soundfile._library import Command
from luthier.compat.soundfile._virtual import VirtualFile

__all__ = ["READ", "READ_WRITE", "WRITE", "LibraryFile"]

READ, WRITE, READ_WRITE = 0x10, 0x20, 0x30

_KINDS = {"float64": "double", "float32": "float", "int32": "int", "int16": "short"}
_BITRATE_MODES = {"CONSTANT": 0, "AVERAGE": 1, "VARIABLE": 2}

# libvorbis puts as much on the stack as it gets in one call, and a long array ends the process.
_FRAMES_A_CALL = 1 << 16
# No more than this is allocated at once for samples that only a header promises.
_ALLOCATION = 64 << 20

# The library keeps the reason of a failed open in one place for the whole process.
_open_lock = threading.Lock()


class LibraryFile:
    """An open handle of libsndfile.

    Parameters
    ----------
    file
        A path, a file descriptor, or an object with the methods of a binary file.
    mode
        READ, WRITE or READ_WRITE.
    info
        For writing, and for RAW: rate, channels and format.
    name
        What messages call the file.
    close_descriptor
        Whether `close` closes a file descriptor that was given.
    """

    def __init__(self, file: Any, mode: int, info: _library.Info, name: object, close_descriptor: bool):
        self._lib = lib = _library.library()
        self._virtual: VirtualFile | None = None
        self._handle: int | None = None
        self._mode = mode
        self.info = info
        with _open_lock:
            if isinstance(file, str | bytes):
                handle = self._open_path(file)
            elif isinstance(file, int):
                handle = lib.sf_open_fd(file, mode, ctypes.byref(info), int(close_descriptor))
            else:
                self._virtual = VirtualFile(file)
                handle = lib.sf_open_virtual(
                    ctypes.byref(self._virtual.callbacks), mode, ctypes.byref(info), None
                )
            code = 0 if handle else lib.sf_error(None)
        if not handle:
            if self._virtual is not None:
                self._virtual.rethrow()
            # Another thread's open may have overwritten the reason.
            raise LibsndfileError(code or 1, f"Error opening {name!r}: ")
        self._handle = handle
        lib.sf_command(handle, Command.CLIPPING, None, 1)
        self.format, self.subtype, self.endian = _names.parts(info.format)

    def _open_path(self, path: str | bytes) -> int | None:
        handle: int | None
        if sys.platform == "win32":
            handle = self._lib.sf_wchar_open(os.fsdecode(path), self._mode, ctypes.byref(self.info))
        else:
            handle = self._lib.sf_open(os.fsencode(path), self._mode, ctypes.byref(self.info))
        return handle

    def close(self) -> None:
        """Complete the file and let go of it."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        code = self._lib.sf_close(handle)
        virtual, self._virtual = self._virtual, None
        if virtual is not None:
            virtual.release()
            virtual.rethrow()
        if code:
            raise LibsndfileError(code)

    @property
    def samplerate(self) -> int:
        """Frames a second."""
        return self.info.samplerate

    @property
    def channels(self) -> int:
        """Samples in a frame."""
        return self.info.channels

    @property
    def sections(self) -> int:
        """Whatever libsndfile counts."""
        return self.info.sections

    @property
    def frames(self) -> int:
        """Frames in the file by now."""
        return self.info.frames

    @property
    def seekable(self) -> bool:
        """Whether the file has positions."""
        return bool(self.info.seekable)

    def tell(self) -> int:
        """The frame that is read or written next."""
        return self.seek(0, os.SEEK_CUR)

    def seek(self, frames: int, whence: int) -> int:
        """Move there, and say where that is."""
        position: int = self._lib.sf_seek(self._handle, frames, whence)
        self._check()
        return position

    def take(self, frames: int, kind: str) -> npt.NDArray[Any]:
        """Up to `frames` frames from here, ``(frames, channels)``."""
        channels = self.info.channels
        at_once = max(4096, _ALLOCATION // (channels * np.dtype(kind).itemsize))
        pieces = []
        while True:
            # A header may promise more than there is memory: take what comes.
            piece = np.empty((min(frames, at_once), channels), kind)
            got = self.fill(piece)
            pieces.append(piece[:got])
            frames -= got
            if got < len(piece) or frames == 0:
                return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def fill(self, out: npt.NDArray[Any]) -> int:
        """Read as many frames as `out`, C-contiguous, has rows, or fewer; how many is returned."""
        return self._transfer("read", out, len(out))

    def write(self, data: npt.NDArray[Any]) -> None:
        """Write every row of `data`, C-contiguous, as a frame."""
        frames = len(data)
        size = data.strides[0] if frames else 0
        done = 0
        while done < frames:
            count = min(frames - done, _FRAMES_A_CALL)
            written = self._transfer("write", data, count, done * size)
            done += written
            if written < count:
                raise LibsndfileError(self._lib.sf_error(self._handle) or 2, "Error writing: ")
        # libsndfile does not say how long the file has become.
        end = self.tell() if self.seekable else self.info.frames + frames
        self.info.frames = max(self.info.frames, end)

    def _transfer(self, action: str, data: npt.NDArray[Any], frames: int, offset: int = 0) -> int:
        function = getattr(self._lib, f"sf_{action}f_{_KINDS[data.dtype.name]}")
        both = self._mode == READ_WRITE and self.seekable
        here = self.tell() if both else 0
        done = int(function(self._handle, data.ctypes.data + offset, frames))
        self._check()
        if both:
            # Such a handle has a position for reading and one for writing; its users know one.
            self.seek(here + done, os.SEEK_SET)
        return done

    def truncate(self, frames: int) -> None:
        """Forget what follows the first `frames` frames."""
        count = ctypes.c_int64(frames)
        if self._lib.sf_command(self._handle, Command.TRUNCATE, ctypes.byref(count), ctypes.sizeof(count)):
            code = self._lib.sf_error(self._handle)
            raise LibsndfileError(code, "Error truncating the file: ")
        self.info.frames = frames

    def flush(self) -> None:
        """Write to the disk what is not there yet."""
        self._lib.sf_write_sync(self._handle)
        self._check()

    def log(self) -> str:
        """What libsndfile has to say about the file."""
        text = ctypes.create_string_buffer(2**14)
        self._lib.sf_command(self._handle, Command.LOG, text, ctypes.sizeof(text))
        return text.value.decode("utf-8", "replace")

    def tag(self, name: str) -> str:
        """One of the texts in the file; empty where there is none."""
        text: bytes | None = self._lib.sf_get_string(self._handle, _names.TAGS[name])
        return (text or b"").decode("utf-8", "replace")

    def set_tag(self, name: str, text: str) -> None:
        """Put a text into the file."""
        code = self._lib.sf_set_string(self._handle, _names.TAGS[name], text.encode())
        if code:
            raise LibsndfileError(code)

    def set_compression(self, level: float, bitrate_mode: str | None) -> None:
        """From 0, the most bits, to 1, the fewest; MP3 also has the modes of _BITRATE_MODES."""
        if not 0 <= level <= 1:
            raise ValueError(f"Compression level must be in range [0..1], got {level!r}")
        if bitrate_mode is not None and bitrate_mode not in _BITRATE_MODES:
            raise ValueError(f"bitrate_mode must be one of {', '.join(_BITRATE_MODES)}, got {bitrate_mode!r}")
        # In this order: the mode works on the level, and is refused before it.
        prefix = f"Error setting compression level {level}: "
        self._set(Command.COMPRESSION_LEVEL, ctypes.c_double(level), prefix)
        if bitrate_mode is not None:
            mode = ctypes.c_int(_BITRATE_MODES[bitrate_mode])
            self._set(Command.BITRATE_MODE, mode, f"Error setting bitrate mode {bitrate_mode}: ")

    def _set(self, command: int, value: Any, prefix: str) -> None:
        if not self._lib.sf_command(self._handle, command, ctypes.byref(value), ctypes.sizeof(value)):
            raise LibsndfileError(self._lib.sf_error(self._handle), prefix)

    def _check(self) -> None:
        if self._virtual is not None:
            self._virtual.rethrow()
        code = self._lib.sf_error(self._handle)
        if code:
            raise LibsndfileError(code)
