"""Read, write and stream audio files, exactly."""

from luthier.io.files import info, read, write
from luthier.io.formats import Format, available_formats
from luthier.io.reader import Info, Reader, open  # noqa: A004
from luthier.io.writer import Writer

__version__ = "0.1.0"

__all__ = [
    "Format",
    "Info",
    "Reader",
    "Writer",
    "available_formats",
    "info",
    "open",
    "read",
    "write",
]
