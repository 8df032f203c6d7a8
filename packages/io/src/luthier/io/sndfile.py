"""Finding the libsndfile that decodes and encodes what is not ours: it comes with `soundfile`'s wheel.

The file is found without importing `soundfile` (whose import loads cffi and opens the library itself)
and opened by our own C++. Nothing else of `soundfile` is used.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import platform
import sys
from pathlib import Path

from luthier.core import MissingDependencyError
from luthier.io import _native

__all__ = ["find", "load"]

_INSTALL = (
    "this format needs libsndfile, which was not found. Install it with: pip install soundfile "
    "(or, where its wheel carries no library, your system's package libsndfile1)"
)


def find() -> str | None:
    """Where libsndfile is: the file inside soundfile's wheel, else the system's library, else None."""
    spec = importlib.util.find_spec("_soundfile_data")
    if spec is not None:
        for folder in spec.submodule_search_locations or ():
            for name in _wheel_names():
                path = Path(folder) / name
                if path.is_file():
                    return str(path)
    return ctypes.util.find_library("sndfile")


def load() -> str:
    """Open the library, once for the process, and return its version string.

    Raises
    ------
    MissingDependencyError
        When there is none, or when what was found does not work. The message says what to install.
    """
    path = find()
    if path is None:
        raise MissingDependencyError(_INSTALL)
    return _native.load_sndfile(path)


def _wheel_names() -> tuple[str, ...]:
    machine = platform.machine().lower()
    if sys.platform == "win32":
        arch = {"amd64": "x64", "x86_64": "x64", "arm64": "arm64"}.get(machine, "x86")
        return (f"libsndfile_{arch}.dll",)
    arch = {"aarch64": "arm64", "arm64": "arm64"}.get(machine, machine)
    suffix = "dylib" if sys.platform == "darwin" else "so"
    return (f"libsndfile_{arch}.{suffix}", f"libsndfile.{suffix}")
