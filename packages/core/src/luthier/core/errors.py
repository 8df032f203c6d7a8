"""The one hierarchy of errors. Each also is the builtin that callers expect to catch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "ClippingWarning",
    "DamageReport",
    "DamagedAudioWarning",
    "DecodeError",
    "EncodeError",
    "LayoutError",
    "LuthierError",
    "MissingDependencyError",
    "NonFiniteWarning",
    "ParameterError",
    "StreamError",
    "UnsupportedFormat",
]


class LuthierError(Exception):
    """Base of every error that luthier raises on purpose."""


class LayoutError(LuthierError, ValueError):
    """An array's shape, type or device is not one that the function takes."""


class ParameterError(LuthierError, ValueError):
    """A parameter is outside its range, not finite, or unknown."""


class StreamError(LuthierError, RuntimeError):
    """A stream was used after its end, or in a way that its settings exclude."""


@dataclass(frozen=True)
class DamageReport:
    """What is wrong with a file, and how much of what was asked for could be read.

    Attributes
    ----------
    reason
        What is wrong, in words: ``"its audio is cut short"``.
    frame
        The first frame of the file that is missing or cannot be decoded.
    byte_offset
        The byte of the file where that shows, or None where it is not known.
    frames_promised
        How many frames the file says that it holds, or None where it does not say.
    frames_decoded
        How many frames of what was asked for were decoded.
    """

    reason: str
    frame: int
    byte_offset: int | None
    frames_promised: int | None
    frames_decoded: int


class DecodeError(LuthierError, OSError, ValueError):
    """A file holds less or other than it says.

    Attributes
    ----------
    report
        A `DamageReport` where audio is damaged or missing, None where not even the header can be read.
    audio
        The good frames before the damage, as an `Audio`, or None.
    """

    report: DamageReport | None = None
    audio: Any = None


class EncodeError(LuthierError, OSError, ValueError):
    """Samples could not be written as asked."""


class UnsupportedFormat(LuthierError, OSError, ValueError):  # noqa: N818
    """The file's format is unknown, or this installation cannot read or write it."""


class MissingDependencyError(LuthierError, ImportError):
    """An optional package is needed; the message names what to install."""


class NonFiniteWarning(UserWarning):
    """The input held infinities or not-a-numbers, which were read as silence."""


class DamagedAudioWarning(UserWarning):
    """Audio was damaged or missing, and what could be read of it was returned, as was asked for.

    Attributes
    ----------
    report
        The `DamageReport`.
    """

    def __init__(self, message: str, report: DamageReport | None = None) -> None:
        super().__init__(message, report)
        self.report = report

    def __str__(self) -> str:
        return str(self.args[0])


class ClippingWarning(UserWarning):
    """Samples beyond full scale were clipped, because what they were written to cannot hold them."""
