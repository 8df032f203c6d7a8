"""python-soundfile's face on luthier: the same names, arguments and results, with exact seeks.

>>> import luthier.compat.soundfile as sf
>>> sf.check_format("WAV", "FLOAT")
True

For programs that import ``soundfile`` themselves::

    import sys
    import luthier.compat.soundfile

    sys.modules["soundfile"] = luthier.compat.soundfile
"""

from os import SEEK_CUR, SEEK_END, SEEK_SET
from typing import Any

from luthier.compat.soundfile import _names
from luthier.compat.soundfile._errors import LibsndfileError, SoundFileError, SoundFileRuntimeError
from luthier.compat.soundfile._file import SoundFile
from luthier.compat.soundfile._functions import _SoundFileInfo as _SoundFileInfo
from luthier.compat.soundfile._functions import blocks, info, read, write
from luthier.compat.soundfile._names import (
    available_formats,
    available_subtypes,
    check_format,
    default_subtype,
)

#: The version of python-soundfile whose behaviour this is; programs compare it.
__version__ = "0.14.0"

__all__ = [
    "SEEK_CUR",
    "SEEK_END",
    "SEEK_SET",
    "LibsndfileError",
    "SoundFile",
    "SoundFileError",
    "SoundFileRuntimeError",
    "available_formats",
    "available_subtypes",
    "blocks",
    "check_format",
    "default_subtype",
    "info",
    "read",
    "write",
]

# Some programs look these up.
_formats = _names.FORMATS
_subtypes = _names.SUBTYPES
_endians = _names.ENDIANS
_default_subtypes = _names.DEFAULT_SUBTYPES
_str_types = _names.TAGS
_ffi_types = {"float64": "double", "float32": "float", "int32": "int", "int16": "short"}


def __getattr__(name: str) -> Any:
    # Found when it is asked for: reading WAV needs no libsndfile.
    if name == "__libsndfile_version__":
        from luthier.compat.soundfile import _library

        return _library.version()
    if name in ("_libname", "_full_path"):
        from luthier.io import sndfile

        return sndfile.find()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
