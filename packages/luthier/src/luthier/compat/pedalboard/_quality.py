"""`Quality`: which resampling algorithm, as files, streams and effects are told it."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

__all__ = ["Quality", "WithEntries", "with_entries"]


class WithEntries(Enum):
    """An enumeration that converts to an integer."""

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return int(self.value)


_Kind = TypeVar("_Kind", bound=type[Enum])


def with_entries(kind: _Kind) -> _Kind:
    """Give an enumeration the table of its members that pybind11's have, and that programs look up."""
    # Spelt out, as inside of a class Python would change such a name.
    entries = {name: (member, kind.__doc__) for name, member in kind.__members__.items()}
    type.__setattr__(kind, "__entries", entries)
    return kind


@with_entries
class Quality(WithEntries):
    """How to change a sample rate.

    Frames stand at their exact times, without delay. The numbered ones and `WindowedSinc` are
    `luthier.io.resample` of several qualities, which let no aliases through; the others interpolate
    between the samples that are there, so that what lies above the lower Nyquist frequency folds back.
    """

    ZeroOrderHold = 0
    Linear = 1
    CatmullRom = 2
    Lagrange = 3
    WindowedSinc = 4
    WindowedSinc256 = 5
    WindowedSinc128 = 6
    WindowedSinc64 = 7
    WindowedSinc32 = 8
    WindowedSinc16 = 9
    WindowedSinc8 = 10
