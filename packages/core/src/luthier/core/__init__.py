"""What all luthier libraries share: audio and arrays, errors, threads, and the report on this machine."""

from luthier.core.audio import Audio
from luthier.core.errors import (
    ClippingWarning,
    DamagedAudioWarning,
    DamageReport,
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
from luthier.core.report import doctor
from luthier.core.runtime import Cpu, cpu, get_cmake_dir, get_include, set_threads, threads

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "ClippingWarning",
    "Cpu",
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
    "cpu",
    "doctor",
    "get_cmake_dir",
    "get_include",
    "set_threads",
    "threads",
]
