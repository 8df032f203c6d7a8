"""Read, write and stream audio files, exactly; change their sample rate."""

from luthier.io import _native, other, sndfile, sources
from luthier.io.files import info, read, verify, write
from luthier.io.formats import Format, available_formats
from luthier.io.index import SeekIndex, build_index
from luthier.io.many import Crop, read_many
from luthier.io.reader import Info, Reader, blocks, open  # noqa: A004
from luthier.io.resampling import Resampler, resample, resample_to_times
from luthier.io.writer import Writer

# What the native code asks of Python when it needs it.
_native.set_hooks(sndfile.load, other.open_other, sources.read_whole)

__version__ = "0.1.0"

__all__ = [
    "Crop",
    "Format",
    "Info",
    "Reader",
    "Resampler",
    "SeekIndex",
    "Writer",
    "available_formats",
    "blocks",
    "build_index",
    "info",
    "open",
    "read",
    "read_many",
    "resample",
    "resample_to_times",
    "verify",
    "write",
]
