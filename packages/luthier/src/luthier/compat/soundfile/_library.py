"""libsndfile through ctypes: the very library that `luthier.io` finds.

Written from the description of its interface (libsndfile.github.io/libsndfile/api.html). ctypes lets go
of the GIL around every call.
"""

from __future__ import annotations

import ctypes
import functools

from luthier.core import MissingDependencyError
from luthier.io import sndfile

__all__ = ["Command", "FormatInfo", "Info", "VirtualIo", "error_text", "library", "version"]


class Info(ctypes.Structure):
    """SF_INFO: what the header of a file says."""

    frames: int
    samplerate: int
    channels: int
    format: int
    sections: int
    seekable: int

    _fields_ = (
        ("frames", ctypes.c_int64),
        ("samplerate", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("format", ctypes.c_int),
        ("sections", ctypes.c_int),
        ("seekable", ctypes.c_int),
    )


class FormatInfo(ctypes.Structure):
    """SF_FORMAT_INFO: a format or a subtype in words."""

    format: int
    name: bytes | None

    _fields_ = (("format", ctypes.c_int), ("name", ctypes.c_char_p), ("extension", ctypes.c_char_p))

    @property
    def text(self) -> str:
        """The words."""
        return (self.name or b"").decode("utf-8", "replace")


FILE_LENGTH = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
SEEK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int, ctypes.c_void_p)
READ = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
WRITE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
TELL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)


class VirtualIo(ctypes.Structure):
    """SF_VIRTUAL_IO: the five callbacks that stand for a file."""

    _fields_ = (("length", FILE_LENGTH), ("seek", SEEK), ("read", READ), ("write", WRITE), ("tell", TELL))


class Command:
    """Numbers of `sf_command`."""

    LOG = 0x1001
    FORMAT_INFO = 0x1028
    MAJOR_COUNT = 0x1030
    MAJOR = 0x1031
    SUBTYPE_COUNT = 0x1032
    SUBTYPE = 0x1033
    TRUNCATE = 0x1080
    CLIPPING = 0x10C0
    COMPRESSION_LEVEL = 0x1301
    BITRATE_MODE = 0x1305


_COUNT, _INT, _HANDLE, _TEXT = ctypes.c_int64, ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
# name -> (result, arguments)
_FUNCTIONS = {
    "sf_open": (_HANDLE, (_TEXT, _INT, ctypes.POINTER(Info))),
    "sf_open_fd": (_HANDLE, (_INT, _INT, ctypes.POINTER(Info), _INT)),
    "sf_open_virtual": (
        _HANDLE,
        (ctypes.POINTER(VirtualIo), _INT, ctypes.POINTER(Info), ctypes.c_void_p),
    ),
    "sf_close": (_INT, (_HANDLE,)),
    "sf_error": (_INT, (_HANDLE,)),
    "sf_error_number": (_TEXT, (_INT,)),
    "sf_strerror": (_TEXT, (_HANDLE,)),
    "sf_command": (_INT, (_HANDLE, _INT, ctypes.c_void_p, _INT)),
    "sf_format_check": (_INT, (ctypes.POINTER(Info),)),
    "sf_seek": (_COUNT, (_HANDLE, _COUNT, _INT)),
    "sf_write_sync": (None, (_HANDLE,)),
    "sf_set_string": (_INT, (_HANDLE, _INT, _TEXT)),
    "sf_get_string": (_TEXT, (_HANDLE, _INT)),
    "sf_version_string": (_TEXT, ()),
    **{
        f"sf_{action}f_{kind}": (_COUNT, (_HANDLE, ctypes.c_void_p, _COUNT))
        for action in ("read", "write")
        for kind in ("short", "int", "float", "double")
    },
}


@functools.cache
def library() -> ctypes.CDLL:
    """The library with its functions typed.

    Raises
    ------
    MissingDependencyError
        When it is not found, or is not what it should be. The message says what to install.
    """
    # Loads it in luthier.io, too, whose self-test holds its structures against the documented ones.
    sndfile.load()
    path = sndfile.find()
    if path is None:
        raise MissingDependencyError("libsndfile was not found; install it with: pip install soundfile")
    lib = ctypes.CDLL(path)
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(lib, name)
        function.restype = result
        function.argtypes = arguments
    if hasattr(lib, "sf_wchar_open"):
        lib.sf_wchar_open.restype = _HANDLE
        lib.sf_wchar_open.argtypes = (ctypes.c_wchar_p, _INT, ctypes.POINTER(Info))
    return lib


def error_text(code: int) -> str:
    """The words of libsndfile for an error number."""
    return (library().sf_error_number(code) or b"").decode("utf-8", "replace")


def version() -> str:
    """The version of libsndfile alone: ``"1.2.2"``."""
    text: str = library().sf_version_string().decode("utf-8", "replace")
    return text.removeprefix("libsndfile-")
