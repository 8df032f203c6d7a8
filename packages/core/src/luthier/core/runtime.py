"""What this process runs on: the instruction set that was chosen, and the threads that are used.

The native module is imported inside the functions, so that ``python -m luthier.core.doctor`` can
still report when it does not load.
"""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import NamedTuple

from luthier.core.errors import ParameterError

__all__ = ["MAX_THREADS", "Cpu", "cpu", "get_cmake_dir", "get_include", "set_threads", "threads"]

MAX_THREADS = 1024


class Cpu(NamedTuple):
    """The instruction sets of `cpu`.

    Attributes
    ----------
    detected
        The newest of ``"baseline"``, ``"v3"`` (AVX2 and FMA) and ``"v4"`` (AVX-512) that the CPU and the
        operating system support. On arm64 the baseline, which includes NEON, is all there is.
    chosen
        The one whose kernels run.
    forced_by
        ``"LUTHIER_ISA=..."`` when the environment decided, else None.
    """

    detected: str
    chosen: str
    forced_by: str | None


# The native module read the environment when it was loaded: what is there later decides nothing.
_FORCED = os.environ.get("LUTHIER_ISA")


def cpu() -> Cpu:
    """Say which instruction set this CPU offers and which one luthier's kernels use.

    The environment variable ``LUTHIER_ISA=baseline|v3|v4``, set before the first import, forces one.

    Examples
    --------
    >>> import luthier.core
    >>> luthier.core.cpu().chosen in ("baseline", "v3", "v4")
    True
    """
    from luthier.core import _native

    return Cpu(_native.cpu_isa, _native.isa, f"LUTHIER_ISA={_FORCED}" if _FORCED else None)


def threads() -> int:
    """Return how many threads native work may use, the calling one included."""
    from luthier.core import _native

    return _native.threads()


def set_threads(count: int | None) -> None:
    """Set how many threads native work may use in this process, the calling one included.

    Batches and files are spread over these threads; the result never depends on their number.

    Parameters
    ----------
    count
        1 to 1024; 1 keeps all work on the calling thread. None returns to the default: the CPUs that
        this process may run on, and no more than its control group's quota grants.

    Raises
    ------
    ParameterError
        For anything else.

    Examples
    --------
    >>> import luthier.core
    >>> luthier.core.set_threads(1)
    >>> luthier.core.threads()
    1
    >>> luthier.core.set_threads(None)
    """
    from luthier.core import _native

    if count is None:
        _native.set_threads(0)
        return
    try:
        value = -1 if isinstance(count, bool) else operator.index(count)
    except TypeError:
        value = -1
    if not 1 <= value <= MAX_THREADS:
        raise ParameterError(
            f"count must be an integer from 1 to {MAX_THREADS}, or None for the default, got {count!r}"
        )
    _native.set_threads(value)


def get_include() -> Path:
    """Return the directory of the C++ headers, for ``target_include_directories``."""
    return Path(__file__).parent / "include"


def get_cmake_dir() -> Path:
    """Return the directory of ``LuthierModule.cmake``, for ``CMAKE_MODULE_PATH``."""
    return Path(__file__).parent / "cmake"
