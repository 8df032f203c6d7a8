"""A whole file, or a part of it, in one call."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.compat.soundfile._file import SoundFile

__all__ = ["blocks", "info", "read", "write"]


def read(
    file: Any,
    frames: int = -1,
    start: int = 0,
    stop: int | None = None,
    dtype: npt.DTypeLike = "float64",
    always_2d: bool = False,
    fill_value: float | None = None,
    out: npt.NDArray[Any] | None = None,
    samplerate: int | None = None,
    channels: int | None = None,
    format: str | None = None,  # noqa: A002
    subtype: str | None = None,
    endian: str | None = None,
    closefd: bool = True,
) -> tuple[npt.NDArray[Any], int]:
    """Read a file, or a part of it.

    Parameters
    ----------
    file
        As for `SoundFile`.
    frames
        How many frames; all from `start` on by default. Not together with `stop`.
    start, stop
        The first frame, and the one after the last, as in a slice: negative numbers count from the end.
    dtype, always_2d, fill_value, out
        As for `SoundFile.read`.
    samplerate, channels, format, subtype, endian, closefd
        As for `SoundFile`; all but `closefd` for RAW files only.

    Returns
    -------
    data
        ``(frames, channels)``, or ``(frames,)`` for mono.
    samplerate
        Frames a second.

    Examples
    --------
    >>> import numpy as np, luthier.compat.soundfile as sf
    >>> sf.write("tone.wav", np.sin(np.arange(44_100) / 10), 44_100)
    >>> data, rate = sf.read("tone.wav", start=-100, dtype="int16")
    >>> data.shape, data.dtype, rate
    ((100,), dtype('int16'), 44100)
    """
    with SoundFile(file, "r", samplerate, channels, subtype, endian, format, closefd) as opened:
        count = opened._seek_range(start, stop, frames)
        return opened.read(count, dtype, always_2d, fill_value, out), opened.samplerate


def write(
    file: Any,
    data: Any,
    samplerate: int,
    subtype: str | None = None,
    endian: str | None = None,
    format: str | None = None,  # noqa: A002
    closefd: bool = True,
    compression_level: float | None = None,
    bitrate_mode: str | None = None,
) -> None:
    """Write an array to a file; what was in the file before is gone.

    Parameters
    ----------
    file
        As for `SoundFile`.
    data
        ``(frames, channels)``, or ``(frames,)`` for mono, as for `SoundFile.write`.
    samplerate, subtype, endian, format, closefd, compression_level, bitrate_mode
        As for `SoundFile`.

    Examples
    --------
    >>> import numpy as np, luthier.compat.soundfile as sf
    >>> sf.write("noise.flac", np.random.default_rng(0).uniform(-1, 1, (1_000, 2)), 48_000, "PCM_24")
    >>> sf.info("noise.flac").frames
    1000
    """
    array = np.asarray(data)
    if array.ndim not in (1, 2):
        raise ValueError(f"Invalid shape: {array.shape} (must be (frames,) or (frames, channels))")
    channels = 1 if array.ndim == 1 else array.shape[1]
    with SoundFile(
        file, "w", samplerate, channels, subtype, endian, format, closefd, compression_level, bitrate_mode
    ) as opened:
        opened.write(array)


def blocks(
    file: Any,
    blocksize: int | None = None,
    overlap: int = 0,
    frames: int = -1,
    start: int = 0,
    stop: int | None = None,
    dtype: npt.DTypeLike = "float64",
    always_2d: bool = False,
    fill_value: float | None = None,
    out: npt.NDArray[Any] | None = None,
    samplerate: int | None = None,
    channels: int | None = None,
    format: str | None = None,  # noqa: A002
    subtype: str | None = None,
    endian: str | None = None,
    closefd: bool = True,
) -> Generator[npt.NDArray[Any], None, None]:
    """Read a file, or a part of it, block after block in constant memory.

    Parameters
    ----------
    file, samplerate, channels, format, subtype, endian, closefd
        As for `SoundFile`.
    blocksize, overlap, dtype, always_2d, fill_value, out
        As for `SoundFile.blocks`.
    frames, start, stop
        As for `read`.

    Yields
    ------
    numpy.ndarray
        ``(blocksize, channels)``, or ``(blocksize,)`` for mono.

    Examples
    --------
    >>> import numpy as np, luthier.compat.soundfile as sf
    >>> sf.write("tone.wav", np.sin(np.arange(1_000) / 10), 44_100)
    >>> [len(block) for block in sf.blocks("tone.wav", blocksize=400)]
    [400, 400, 200]
    """
    with SoundFile(file, "r", samplerate, channels, subtype, endian, format, closefd) as opened:
        count = opened._seek_range(start, stop, frames)
        yield from opened.blocks(blocksize, overlap, count, dtype, always_2d, fill_value, out)


class _SoundFileInfo:
    """What `info` says of a file."""

    def __init__(self, file: Any, verbose: bool) -> None:
        self.verbose = verbose
        with SoundFile(file) as opened:
            self.name = opened.name
            self.samplerate = opened.samplerate
            self.channels = opened.channels
            self.frames = opened.frames
            self.duration = opened.frames / opened.samplerate
            self.format = opened.format
            self.subtype = opened.subtype
            self.endian = opened.endian
            self.format_info = opened.format_info
            self.subtype_info = opened.subtype_info
            self.sections = opened.sections
            self.extra_info = opened.extra_info

    def _length(self) -> str:
        if self.duration <= 1:
            return f"{self.frames} samples"
        hours, rest = divmod(self.duration, 3_600)
        minutes, seconds = divmod(rest, 60)
        if hours:
            return f"{hours:.0f}:{minutes:02.0f}:{seconds:05.3f} h"
        return f"{minutes:02.0f}:{seconds:05.3f} min" if minutes else f"{seconds:.3f} s"

    def __repr__(self) -> str:
        lines = [
            str(self.name),
            f"samplerate: {self.samplerate} Hz",
            f"channels: {self.channels}",
            f"duration: {self._length()}",
            f"format: {self.format_info} [{self.format}]",
            f"subtype: {self.subtype_info} [{self.subtype}]",
        ]
        if self.verbose:
            notes = "\n".join(f"    {line}" for line in self.extra_info.split("\n"))
            lines += [
                f"endian: {self.endian}",
                f"sections: {self.sections}",
                f"frames: {self.frames}",
                f'extra_info: """\n{notes}"""',
            ]
        return "\n".join(lines)


def info(file: str | bytes | int | os.PathLike[str] | Any, verbose: bool = False) -> _SoundFileInfo:
    """What the header of a file says.

    Parameters
    ----------
    file
        As for `SoundFile`.
    verbose
        Whether printing the result shows all that libsndfile noted.

    Returns
    -------
    object
        With the attributes ``name``, ``samplerate``, ``channels``, ``frames``, ``duration`` (seconds),
        ``format``, ``subtype``, ``endian``, ``format_info``, ``subtype_info``, ``sections`` and
        ``extra_info``.

    Examples
    --------
    >>> import numpy as np, luthier.compat.soundfile as sf
    >>> sf.write("tone.wav", np.sin(np.arange(22_050) / 10), 44_100)
    >>> sf.info("tone.wav").duration
    0.5
    """
    return _SoundFileInfo(file, verbose)
