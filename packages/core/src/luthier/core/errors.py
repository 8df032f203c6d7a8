"""The one hierarchy of errors. Each also is the builtin that callers expect to catch."""

from __future__ import annotations

__all__ = [
    "ClippingWarning",
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


class DecodeError(LuthierError, OSError, ValueError):
    """A file holds less or other than it says. What could be read is in the message."""


class EncodeError(LuthierError, OSError, ValueError):
    """Samples could not be written as asked."""


class UnsupportedFormat(LuthierError, OSError, ValueError):  # noqa: N818
    """The file's format is unknown, or this installation cannot read or write it."""


class MissingDependencyError(LuthierError, ImportError):
    """An optional package is needed; the message names what to install."""


class NonFiniteWarning(UserWarning):
    """The input held infinities or not-a-numbers, which were read as silence."""


class ClippingWarning(UserWarning):
    """Samples beyond full scale were clipped, because what they were written to cannot hold them."""
