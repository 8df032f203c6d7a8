"""Native effects from libraries outside this package."""

from __future__ import annotations

import ctypes
import os

from luthier.core import ParameterError, UnsupportedFormat
from luthier.effects import _native
from luthier.effects.effect import _native_fields

__all__ = ["load_library"]

# Libraries stay loaded: effects of theirs may run in any stream.
_loaded: list[ctypes.CDLL] = []


def load_library(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Load a library of native effects that was built with the headers of luthier-core.

    Each of them then needs an `Effect` class of its name, with its parameters and options in the order of the
    C++ ``Params`` and ``Options``. Loading a library again changes nothing.

    Parameters
    ----------
    path : str or os.PathLike
        A shared library that exports ``luthier_effects``.

    Returns
    -------
    tuple of str
        The names of its effects.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    UnsupportedFormat
        When it is no library that this process can load, exports no effects, or was built with the headers of
        another version.
    ParameterError
        When one of its effects has a name that is taken; none of them is added then.

    Examples
    --------
    In the package that brings the library:

    >>> from pathlib import Path
    >>> import luthier.effects as fx
    >>> for library in Path("my_effects").glob("_native.*"):
    ...     fx.load_library(library)
    """
    name = os.fspath(path)
    if not os.path.exists(name):
        raise FileNotFoundError(f"{name}: no such file; build the library of effects first")
    try:
        library = ctypes.CDLL(os.path.abspath(name))
    except OSError as error:
        raise UnsupportedFormat(f"{name} cannot be loaded: {error}") from error
    try:
        effects = library.luthier_effects
    except AttributeError:
        raise UnsupportedFormat(
            f"{name} exports no luthier_effects(): it is no library of effects; "
            "luthier_add_effect_library() of LuthierEffects.cmake builds one"
        ) from None
    effects.restype = ctypes.c_void_p
    effects.argtypes = ()
    try:
        names = _native.add_library(effects() or 0)
    except ValueError as error:
        taken = "already" in str(error)
        raise (ParameterError if taken else UnsupportedFormat)(f"{name}: {error}") from None
    _loaded.append(library)
    _native_fields.cache_clear()
    return tuple(names)
