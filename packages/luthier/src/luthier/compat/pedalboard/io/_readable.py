"""`ReadableAudioFile`."""

from __future__ import annotations

import os
import sys
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from luthier.compat.pedalboard._quality import Quality
from luthier.compat.pedalboard.io import _formats
from luthier.compat.pedalboard.io._arguments import CLOSED, Busy, frame_count, incompatible, place, whole
from luthier.compat.pedalboard.io._audio_file import AudioFile
from luthier.compat.pedalboard.io._sources import open_source
from luthier.core import DamagedAudioWarning, DamageReport, DecodeError

if TYPE_CHECKING:
    from luthier.compat.pedalboard.io._resampled import ResampledReadableAudioFile

__all__ = ["ReadableAudioFile"]

_Array = npt.NDArray[Any]

_NEW = (
    "(cls: object, filename: str) -> pedalboard.io.ReadableAudioFile\n"
    "    2. (cls: object, file_like: object) -> pedalboard.io.ReadableAudioFile"
)
_READ = (
    "(self: pedalboard.io.ReadableAudioFile, num_frames: Union[float, int] = 0) -> "
    "numpy.ndarray[numpy.float32]"
)
_SEEK = "(self: pedalboard.io.ReadableAudioFile, position: int) -> None"

#: What the largest positive code is in a file of each type: it is read as 1.
_LARGEST = {
    "int8": np.float32(127 / 128),
    "int16": np.float32(32_767 / 32_768),
    "int24": np.float32(8_388_607 / 8_388_608),
}
#: The type of `read_raw`, what is read for it, and by how many bits that is too long.
_RAW: dict[str, tuple[str, int]] = {
    "int8": ("int16", 8),
    "int16": ("int16", 0),
    "int24": ("int32", 0),
    "int32": ("int32", 0),
    "float32": ("float32", 0),
    "float64": ("float64", 0),
}
_PACKAGE = os.path.dirname(__file__)


class ReadableAudioFile(AudioFile):
    """An audio file, open for reading. Made by ``AudioFile(path)``.

    Seeks are exact, and MP3 files begin and end where their encoders' input did.

    Parameters
    ----------
    filename, file_like
        A path, a binary file object that can be sought in, or a `memoryview` of a file's bytes.

    Raises
    ------
    ValueError
        When there is no such file, or it is none of `get_supported_read_formats`.
    TypeError
        When it is nothing to read from.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        names = {"filename", "file_like"}
        if len(args) + len(kwargs) != 1 or not kwargs.keys() <= names:
            raise incompatible("__new__", _NEW, cls, *args, *kwargs.items())
        self = object.__new__(cls)
        self._open(*args, *kwargs.values())
        return self

    def _open(self, source: Any) -> None:
        opened = open_source(source)
        self._reader, self._touch = opened.reader, opened.touch
        self._source = source
        self._busy = Busy("reading from", "readers")
        self._warned = self._closed = False
        info, report = opened.reader.info, opened.reader.report
        self._rate, self._channels = info.sample_rate, info.channels
        # What is behind the good part of a file that is known to be cut is not read.
        self._frames = info.frames if report is None else min(info.frames, report.frame)
        self._damage = report if report is not None and report.frame < info.frames else None
        self._dtype = _formats.file_dtype(info.subtype)
        self._length_known = opened.length_in_header
        self._position = self._reader_at = 0

    @property
    def name(self) -> str:
        """The path that was given; empty for file objects."""
        source = self._source
        return os.fsdecode(source) if isinstance(source, str | bytes | os.PathLike) else ""

    @property
    def samplerate(self) -> int:
        """Frames a second."""
        return self._rate

    @property
    def num_channels(self) -> int:
        """Samples in a frame."""
        return self._channels

    @property
    def frames(self) -> int:
        """Frames in the file."""
        return self._frames

    @property
    def duration(self) -> float:
        """Seconds."""
        return self._frames / self._rate

    @property
    def exact_duration_known(self) -> bool:
        """False for an MP3 file whose header does not say how long it is, until it was read to its end.

        `frames` is right before that as well: it is counted, and never estimated.
        """
        return self._length_known

    @property
    def file_dtype(self) -> str:
        """How samples are stored: ``"int8"``, ..., ``"int32"``, ``"float32"`` or ``"float64"``.

        Compressed audio is ``"float32"``, but for FLAC.
        """
        return self._dtype

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def seekable(self) -> bool:
        """Whether `seek` will work: until the file is closed."""
        return not self._closed

    def tell(self) -> int:
        """The frame that is read next."""
        return self._position

    def seek(self, position: int) -> None:
        """Go to a frame.

        Parameters
        ----------
        position
            From 0 to `frames`.
        """
        if not whole(position):
            raise incompatible("seek", _SEEK, self, position)
        with self._busy:
            self._check_open()
            self._position = place(position, self._frames)

    def read(self, num_frames: float = 0) -> npt.NDArray[np.float32]:
        """Read frames from here.

        Parameters
        ----------
        num_frames
            How many, a whole number above 0. Fewer are returned at the end of the file.

        Returns
        -------
        numpy.ndarray
            float32, ``(num_channels, frames)``. The largest positive code of an integer file is 1.0, and
            the smallest is so much below -1.0.

        Warns
        -----
        luthier.core.DamagedAudioWarning
            Once, where audio is damaged or missing. What is good before that is returned, and the file
            ends there.
        """
        count = frame_count(num_frames, "ReadableAudioFile", _READ, self)
        with self._busy:
            self._check_open()
            return self._take(count)

    def read_raw(self, num_frames: float = 0) -> _Array:
        """Read frames from here as they are stored.

        Parameters
        ----------
        num_frames
            As for `read`.

        Returns
        -------
        numpy.ndarray
            Of the type `file_dtype`, ``(num_channels, frames)``; 24-bit codes as int32 at full scale.
        """
        count = frame_count(num_frames, "ReadableAudioFile", _READ, self)
        with self._busy:
            self._check_open()
            kind, shift = _RAW[self._dtype]
            samples = self._samples(count, kind)
            return (samples >> shift).astype(np.int8) if shift else samples

    def resampled_to(
        self, target_sample_rate: float, quality: Quality = Quality.WindowedSinc32
    ) -> ReadableAudioFile | ResampledReadableAudioFile:
        """The file at another sample rate; the file itself, where that is its own.

        Parameters
        ----------
        target_sample_rate
            Frames a second, whole or not.
        quality
            A `Resample.Quality`.
        """
        from luthier.compat.pedalboard.io._resampled import ResampledReadableAudioFile

        if target_sample_rate == self._rate and isinstance(quality, Quality):
            return self
        return ResampledReadableAudioFile(self, target_sample_rate, quality)

    def close(self) -> None:
        """Let go of the file. Closing twice is allowed."""
        with self._busy:
            self._closed = True
            self._reader.close()

    def _take(self, count: int) -> npt.NDArray[np.float32]:
        samples = self._samples(count, "float32")
        largest = _LARGEST.get(self._dtype)
        if largest is not None:
            # Both are fractions of powers of two, so that the result is the code's by the largest one's,
            # rounded once.
            samples /= largest
        return samples

    def _take_from(self, position: int, count: int) -> npt.NDArray[np.float32]:
        """Read from a place, and be where one was before."""
        before, self._position = self._position, min(position, self._frames)
        try:
            return self._take(count)
        finally:
            self._position = min(before, self._frames)

    def _samples(self, count: int, kind: str) -> _Array:
        reader = self._reader
        self._touch()
        start = self._position
        wanted = min(count, self._frames - start)
        if self._reader_at != start:
            reader.seek(start)
        self._reader_at = -1
        samples: _Array
        report = self._damage
        try:
            samples = reader.read(wanted, dtype=kind)
        except DecodeError as error:
            if error.report is None or error.audio is None:
                raise
            report = error.report
            samples = np.array(error.audio.samples, kind, order="C")
        else:
            self._reader_at = start + wanted
        self._position = start + samples.shape[1]
        if samples.shape[1] < wanted:
            self._frames = self._position
        if self._position >= self._frames:
            self._length_known = True
            if report is not None:
                self._warn(report)
        return samples

    def _warn(self, report: DamageReport) -> None:
        if self._warned:
            return
        self._warned = True
        message = (
            f"{self.name or self._source!r}: {report.reason}: frames from {report.frame:,} on are missing or "
            "damaged, and were left out"
        )
        warnings.warn(DamagedAudioWarning(message, report), stacklevel=_levels_to_user())

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(CLOSED)

    def _shown_source(self) -> str:
        name = self.name
        if name:
            return f' filename="{name}"'
        return "" if self._closed else f" file_like={self._source!r}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<pedalboard.io.ReadableAudioFile{self._shown_source()} samplerate={self._rate} "
            f"num_channels={self._channels} frames={self._frames} file_dtype={self._dtype}"
            f"{' closed' if self._closed else ''} at {id(self):#x}>"
        )


def _levels_to_user() -> int:
    """The stacklevel of the first caller outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
