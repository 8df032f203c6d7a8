"""A whole file at once: `read`, `write` and `info`."""

from __future__ import annotations

import os
from typing import Any

import numpy.typing as npt

from luthier.core import Audio, LayoutError
from luthier.core.arrays import Layout
from luthier.io import formats
from luthier.io.reader import Info, OnError, Readable, label, open  # noqa: A004
from luthier.io.writer import Writer, borrow_planar, check_path

__all__ = ["info", "read", "write"]


def read(
    source: Readable,
    *,
    start: int = 0,
    frames: int | None = None,
    layout: Layout = "channels_first",
    dtype: npt.DTypeLike = "float32",
    on_error: OnError = "raise",
) -> Audio:
    """Read an audio file, or a part of it.

    Parameters
    ----------
    source
        A path; an open binary file, read from its present position on; or the file's bytes (``bytes``,
        ``bytearray``, ``memoryview``). A file object other than a plain file on disk is read into memory
        whole.
    start
        The first frame, from 0 to the file's length.
    frames
        How many frames; fewer are returned at the end of the file. All that are left by default.
    layout
        ``"channels_first"`` gives samples of shape ``(channels, frames)``, ``"frames_first"``
        ``(frames, channels)``.
    dtype
        ``"float32"`` or ``"float64"``. Integer codes of b bits become code / 2^(b-1), which is exact in
        float32 up to 24 bits.
    on_error
        What to do where audio is damaged or missing. ``"raise"``: a `DecodeError` that holds a report and the
        good frames before it. ``"partial"``: return these frames, with a `DamagedAudioWarning`. ``"pad"``:
        return as many frames as the file promises, with silence for what is lost, and warn.

    Returns
    -------
    Audio
        ``samples`` and ``sample_rate``. A mono file has the shape ``(1, frames)``.

    Raises
    ------
    FileNotFoundError, PermissionError, IsADirectoryError
        As the built-in `open`.
    UnsupportedFormat
        When it is not audio of a known format.
    DecodeError
        When it is empty, damaged, or holds fewer frames than it promises.
    ParameterError
        When `start` or `frames` is negative, or `start` beyond the end.
    MissingDependencyError
        When the format needs libsndfile, and it is not installed.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> lio.write("tone.wav", np.sin(np.arange(44_100) / 10), 44_100)
    >>> samples, sample_rate = lio.read("tone.wav", start=100, frames=1_000)
    >>> samples.shape, samples.dtype, sample_rate
    ((1, 1000), dtype('float32'), 44100)
    """
    with open(source, on_error=on_error) as reader:
        reader._seek(start, "start")
        reader._stacklevel += 1
        return Audio(reader.read(frames, layout=layout, dtype=dtype), reader.sample_rate)


def write(
    path: str | os.PathLike[str],
    samples: Any,
    sample_rate: float,
    *,
    subtype: str | None = None,
    layout: Layout = "channels_first",
) -> None:
    """Write samples to an audio file.

    The file appears under its name when it is whole and on the disk: on an error (a full disk, an
    infinite sample, Ctrl-C) nothing is left behind and a file that was there before is unchanged.

    Parameters
    ----------
    path
        Where to write, a ``str`` or ``os.PathLike``; the ending chooses the format (see
        `available_formats`). What stands there already must be a regular file, or a link to one.
    samples
        float32 or float64, ``(channels, frames)`` or ``(frames,)``: a NumPy array, a torch tensor or any
        array in main memory that speaks DLPack. Full scale is 1: integer subtypes and lossy formats clip
        beyond it, ``FLOAT`` and ``DOUBLE`` keep it. Integer codes of b bits are samples * 2^(b-1), rounded
        half to even, so that what was read from an integer file is written back unchanged.

        More than 64 channels must have at least as many frames: fewer are taken for swapped axes. A
        `Writer`, which is told its channels, takes them.
    sample_rate
        Frames a second, a whole number.
    subtype
        ``"PCM_16"``, ``"PCM_24"``, ``"FLOAT"``, ``"OPUS"``, ...; by default the first of the format's.
    layout
        ``"frames_first"`` for samples of shape ``(frames, channels)``.

    Raises
    ------
    UnsupportedFormat
        When the file name's ending is unknown.
    EncodeError
        When a sample is infinite or not a number, the format cannot hold such a signal, or the path is
        a pipe or a device.
    LayoutError
        When the samples have another dtype or shape.
    ParameterError
        When `path` is no path: ``bytes`` and file objects are not taken.
    OSError
        As the built-in `open`, and when the disk is full.

    Warns
    -----
    ClippingWarning
        When samples beyond full scale were clipped by an integer subtype.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> stereo = np.zeros((2, 48_000), np.float32)
    >>> lio.write("silence.flac", stereo, 48_000, subtype="PCM_24")
    >>> lio.info("silence.flac").subtype
    'PCM_24'
    """
    name = label(check_path(path))
    planar = borrow_planar(samples, layout)
    channels, frames = planar.shape
    if channels == 0:
        raise LayoutError(f"samples must have at least one channel, got shape {tuple(samples.shape)}")
    if channels > frames and not os.path.isdir(path):
        form, _ = formats.choose(name, subtype)
        formats.check_not_swapped(name, form, channels, frames, layout)
    with Writer(path, sample_rate, channels=channels, subtype=subtype, frames=frames) as writer:
        writer.write(planar)
        writer._complete()


def info(source: Readable) -> Info:
    """Return what a file's header says, without decoding it.

    Parameters
    ----------
    source
        As for `read`.

    Raises
    ------
    FileNotFoundError, UnsupportedFormat, DecodeError, MissingDependencyError
        As for `read`.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> lio.write("tone.wav", np.sin(np.arange(22_050) / 10), 44_100)
    >>> lio.info("tone.wav")
    Info(format='WAV', subtype='PCM_16', sample_rate=44100, channels=1, frames=22050)
    >>> lio.info("tone.wav").duration
    0.5
    """
    with open(source) as reader:
        return reader.info
