"""What all luthier libraries share: arrays, errors, threads and the CPU report."""

from luthier.core.errors import (
    DecodeError,
    EncodeError,
    LayoutError,
    LuthierError,
    MissingDependencyError,
    NonFiniteWarning,
    ParameterError,
    StreamError,
    UnsupportedFormat,
)

__version__ = "0.1.0"

__all__ = [
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
