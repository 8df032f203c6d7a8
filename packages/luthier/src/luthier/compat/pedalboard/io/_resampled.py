"""`ResampledReadableAudioFile`."""

from __future__ import annotations

import numbers
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from luthier.compat.pedalboard._quality import Quality
from luthier.compat.pedalboard.io._arguments import (
    CLOSED,
    frame_count,
    incompatible,
    place,
    rate_as_shown,
    whole,
)
from luthier.compat.pedalboard.io._audio_file import AudioFile
from luthier.compat.pedalboard.io._readable import ReadableAudioFile
from luthier.compat.pedalboard.io._resampler import rate_change

__all__ = ["ResampledReadableAudioFile"]

_NEW = (
    "(cls: object, audio_file: pedalboard.io.ReadableAudioFile, target_sample_rate: float, "
    "resampling_quality: Resample.Quality = <Quality.WindowedSinc32: 8>) -> "
    "pedalboard.io.ResampledReadableAudioFile"
)
_READ = (
    "(self: pedalboard.io.ResampledReadableAudioFile, num_frames: Union[float, int] = 0) -> "
    "numpy.ndarray[numpy.float32]"
)
_SEEK = "(self: pedalboard.io.ResampledReadableAudioFile, position: int) -> None"

#: Input frames that are read at once.
_LEAST, _MOST = 1 << 10, 1 << 16


class ResampledReadableAudioFile(AudioFile):
    """A file at another sample rate, resampled while it is read. Made by `ReadableAudioFile.resampled_to`.

    What is read at a place is what a `StreamResampler` gives there for the whole file, after any seeks.
    It has a position of its own, and leaves that of `audio_file` alone.

    Parameters
    ----------
    audio_file
        What to read from.
    target_sample_rate
        Frames a second, whole or not.
    resampling_quality
        A `Resample.Quality`.
    """

    def __new__(
        cls,
        audio_file: ReadableAudioFile,
        target_sample_rate: float,
        resampling_quality: Quality = Quality.WindowedSinc32,
    ) -> Self:
        if (
            not isinstance(audio_file, ReadableAudioFile)
            or not isinstance(target_sample_rate, numbers.Real)
            or not isinstance(resampling_quality, Quality)
        ):
            raise incompatible("__new__", _NEW, cls, audio_file, target_sample_rate, resampling_quality)
        self = object.__new__(cls)
        self._begin(audio_file, float(target_sample_rate), resampling_quality)
        return self

    def _begin(self, file: ReadableAudioFile, rate: float, quality: Quality) -> None:
        self._file = file
        self._rate = rate
        self._quality = quality
        self._change = rate_change(file.samplerate, rate, file.num_channels, quality)
        self._closed = False
        self._position = 0
        self._restart(0)

    def _restart(self, frame: int) -> None:
        """Begin again so that output `frame` comes next, or soon."""
        self._change.reset()
        self._fed, self._held_from = self._change.start_at(frame) if frame else (0, 0)
        self._held = np.empty((self._file.num_channels, 0), np.float32)
        self._flushed = False

    @property
    def name(self) -> str:
        """The path of the file; empty for file objects."""
        return self._file.name

    @property
    def samplerate(self) -> int | float:
        """Frames a second of what is read."""
        return rate_as_shown(self._rate)

    @property
    def num_channels(self) -> int:
        """Samples in a frame."""
        return self._file.num_channels

    @property
    def frames(self) -> int:
        """Frames at this sample rate."""
        return self._change.length(self._file.frames)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self._rate

    @property
    def exact_duration_known(self) -> bool:
        """As of the file that is read."""
        return self._file.exact_duration_known

    @property
    def file_dtype(self) -> str:
        """How samples are stored in the file."""
        return self._file.file_dtype

    @property
    def resampling_quality(self) -> Quality:
        """How the rate is changed."""
        return self._quality

    @property
    def closed(self) -> bool:
        """Whether this file or the one behind it is closed."""
        return self._closed or self._file.closed

    def seekable(self) -> bool:
        """Whether `seek` will work: until the file is closed."""
        return not self.closed

    def tell(self) -> int:
        """The frame that is read next."""
        return self._position

    def seek(self, position: int) -> None:
        """Go to a frame, at this sample rate. Takes no time.

        Parameters
        ----------
        position
            From 0 to `frames`.
        """
        if not whole(position):
            raise incompatible("seek", _SEEK, self, position)
        with self._file._busy:
            self._check_open()
            self._position = place(position, self.frames)

    def read(self, num_frames: float = 0) -> npt.NDArray[np.float32]:
        """Read frames from here.

        Parameters
        ----------
        num_frames
            How many, a whole number above 0. Fewer are returned at the end of the file.

        Returns
        -------
        numpy.ndarray
            float32, ``(num_channels, frames)``.

        Warns
        -----
        luthier.core.DamagedAudioWarning
            As for `ReadableAudioFile.read`.
        """
        count = frame_count(num_frames, "ResampledReadableAudioFile", _READ, self)
        with self._file._busy:
            self._check_open()
            return self._take(count)

    def close(self) -> None:
        """Let go of the file; the one behind it stays open. Closing twice is allowed."""
        with self._file._busy:
            self._closed = True

    def _take(self, count: int) -> npt.NDArray[np.float32]:
        start = self._position
        self._approach(start)
        parts: list[npt.NDArray[Any]] = []
        # Where the source is damaged, `frames` shrinks on the way.
        while (left := min(start + count, self.frames) - self._position) > 0:
            at = self._position - self._held_from
            part = self._held[:, at : at + left]
            if part.shape[1]:
                parts.append(part)
                self._position += part.shape[1]
            elif self._flushed:
                break
            else:
                self._feed(left)
        if self._position >= self.frames:
            # The interpolators need not have looked at the very last samples.
            self._file._length_known = True
        if not parts:
            return np.empty((self.num_channels, 0), np.float32)
        return parts[0].copy() if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _approach(self, frame: int) -> None:
        """Be before `frame`, and not far."""
        end = self._held_from + self._held.shape[1]
        ratio = self._file.samplerate / self._rate
        far = (frame - end) * ratio > 4 * self._change.input_latency + _MOST
        if frame < self._held_from or far:
            self._restart(frame)
        while frame > self._held_from + self._held.shape[1] and not self._flushed:
            self._feed(frame - self._held_from)

    def _feed(self, wanted: int) -> None:
        """Replace what is held by what comes next."""
        self._held_from += self._held.shape[1]
        ahead = int(wanted * self._file.samplerate / self._rate) + self._change.input_latency
        count = min(max(ahead, _LEAST), _MOST)
        block = self._file._take_from(self._fed, count)
        if block.shape[1]:
            self._fed += block.shape[1]
            self._held = self._change.process(block)
        else:
            self._held = self._change.flush()
            self._flushed = True

    def _check_open(self) -> None:
        if self.closed:
            raise RuntimeError(CLOSED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        source = self._file._shown_source()
        if self.closed:
            return f"<pedalboard.io.ResampledReadableAudioFile{source} closed at {id(self):#x}>"
        return (
            f"<pedalboard.io.ResampledReadableAudioFile{source} samplerate={self.samplerate} "
            f"num_channels={self.num_channels} frames={self.frames} file_dtype={self.file_dtype} "
            f"at {id(self):#x}>"
        )
