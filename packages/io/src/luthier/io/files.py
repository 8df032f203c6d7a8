"""A whole file at once: `read`, `write` and `info`."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from luthier.core import Audio, DecodeError, LayoutError
from luthier.core.arrays import Layout
from luthier.core.audio import FramesFirstAudio
from luthier.io import _native, formats
from luthier.io.arguments import (
    Channels,
    check_channels,
    check_count,
    check_dtype,
    check_frame,
    check_layout,
    check_out,
    check_rate,
)
from luthier.io.damage import Damage, OnError, check_on_error, damaged, describe, report_of, warn
from luthier.io.index import IndexSource, Lookup, look_up
from luthier.io.reader import Info, Reader
from luthier.io.resampling import Quality
from luthier.io.sources import Readable, source_of
from luthier.io.targets import Writable, target_of
from luthier.io.writer import Writer, borrow_planar

__all__ = ["info", "read", "verify", "write"]

_NONE = Lookup()


def read(
    source: Readable,
    *,
    start: int = 0,
    frames: int | None = None,
    sample_rate: float | None = None,
    channels: Channels = None,
    layout: Layout = "channels_first",
    dtype: npt.DTypeLike | None = None,
    out: Any = None,
    on_error: OnError = "raise",
    index: IndexSource | None = None,
    quality: Quality = "high",
    verify: bool = False,
) -> Audio:
    """Read an audio file, or a part of it.

    Parameters
    ----------
    source
        A path; a URL such as ``"s3://bucket/take.flac"`` or ``"memory://take.wav"``, which fsspec opens
        (``pip install luthier-io[fsspec]``); an open binary file, read from its present position on; or the
        file's bytes (``bytes``, ``bytearray``, ``memoryview``), which are not copied. Of a file object that
        can seek and of a URL only the parts are read that are needed, and the object is left at any
        position.
    start
        The first frame, from 0 to the length. With `sample_rate`, frames are those of that rate.
    frames
        How many frames; fewer are returned at the end of the file. All that are left by default, or as
        many as `out` has room for.
    sample_rate
        The rate to convert to, a whole number; the file's own by default. The result is what
        ``resample(whole, ...)[:, start : start + frames]`` gives for the whole file, bit for bit, of which
        only the part is decoded that is needed. A file of n frames has ``round(n * to / from)``.
    channels
        Which channels: ``"mono"`` for the mean of all, ``(c0 + c1 + ...) / n``; a list of indices, which
        may repeat and count from the end when negative, such as ``[0]`` or ``[1, 0]``; a slice; or a number
        of channels, which must be 1 (the mean), the file's own, or any for a mono file, whose channel is
        copied. All by default.
    layout
        ``"channels_first"`` gives samples of shape ``(channels, frames)``, ``"frames_first"``
        ``(frames, channels)``.
    dtype
        ``"float32"`` (the default), ``"float64"``, ``"int16"`` or ``"int32"``. Stored integers of b bits
        are code / 2^(b-1) as floats, which is exact in float32 up to 24 bits. ``"int16"`` and ``"int32"``
        are these samples times 2^15 or 2^31, rounded half to even and clipped: the stored codes,
        left-justified, wherever they fit.
    out
        An array to fill from its beginning instead of a fresh one, with the file's channels in `layout`. Its
        type is that of the samples. The result holds a view of the part that was filled.
    on_error
        What to do where audio is damaged or missing. ``"raise"``: a `DecodeError` that holds a report and the
        good frames before it. ``"partial"``: return these frames, with a `DamagedAudioWarning`. ``"pad"``:
        return as many frames as the file promises, with silence for what is lost, and warn.
    index
        What makes a part of a compressed file cheap to reach: a `SeekIndex` of `build_index` or its bytes;
        or ``"cache"``, or a folder, to find it there or to build it on the first use and keep it there. A
        read of the whole file does without.
    quality
        Of the conversion to `sample_rate`: ``"fast"``, ``"medium"``, ``"high"`` or ``"best"``, as for
        `luthier.io.resample`.
    verify
        Check the whole file first, as `luthier.io.verify` does; what is wrong is treated as damage is.

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
        When `start` or `frames` is negative, `start` beyond the end, or `channels` not in the file.
    LayoutError
        When `dtype`, `layout` or `out` do not fit.
    MissingDependencyError
        When the format or the URL needs a package that is not installed; the message says which.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> lio.write("tone.wav", np.sin(np.arange(44_100) / 10), 44_100)
    >>> samples, sample_rate = lio.read("tone.wav", start=100, frames=1_000)
    >>> samples.shape, samples.dtype, sample_rate
    ((1, 1000), dtype('float32'), 44100)

    A piece of a file at another rate, in the frames of that rate, as one channel:

    >>> lio.read("tone.wav", start=8_000, frames=4_000, sample_rate=16_000, channels="mono")
    Audio(1 channel, 4000 frames, float32, 16000 Hz, 0.25 s)

    Into an array that is there already, as codes:

    >>> codes = np.empty((1, 16_000), np.int16)
    >>> lio.read("tone.wav", out=codes).frames
    16000
    """
    kind = check_dtype(dtype or "float32") if out is None else check_out(out, layout, dtype)
    interleaved = check_layout(layout)
    check_on_error(on_error)
    rate = check_rate(sample_rate, quality)
    where, name = source_of(source)
    first = check_frame("start", start, name)
    count = -1 if frames is None else check_count("frames", frames)
    lookup = _NONE
    if index is not None and (first > 0 or count >= 0):
        where, lookup = look_up(index, where, name)
    samples, given_rate, damage, built = _native.read(
        (
            where,
            name,
            first,
            count,
            check_channels(channels),
            kind,
            interleaved,
            on_error == "pad",
            out,
            lookup.payload,
            lookup.given,
            lookup.wanted,
            rate,
            bool(verify),
        )
    )
    if built is not None and lookup.store is not None:
        lookup.store(built)
    if out is not None:
        samples = out[:samples] if interleaved else out[:, :samples]
    if damage is not None:
        _settle(name, damage, on_error, samples.T if interleaved else samples, given_rate)
    return (FramesFirstAudio if interleaved else Audio)(samples, given_rate)


def _settle(name: str, damage: Damage, on_error: OnError, planar: Any, sample_rate: float) -> None:
    found = damaged(name, damage, on_error, planar, sample_rate)
    if isinstance(found, DecodeError):
        raise found
    warn(found)


def write(
    target: Writable,
    samples: Any,
    sample_rate: float,
    *,
    format: str | None = None,  # noqa: A002
    subtype: str | None = None,
    layout: Layout = "channels_first",
    dither: str | None = None,
    seed: int = 0,
    compression: int | None = None,
    bitrate: float | None = None,
    quality: float | None = None,
    durable: bool = False,
) -> None:
    """Write samples to an audio file.

    The file appears under its name when it is whole: on an error (a full disk, an infinite sample,
    Ctrl-C) nothing is left behind and a file that was there before is unchanged.

    Parameters
    ----------
    target
        Where to write: a path (``str`` or ``os.PathLike``), an fsspec URL, or a binary file object that is
        open for writing, which gets the bytes from its present position on. What stands under a path
        already must be a regular file, or a link to one.
    samples
        float32 or float64, ``(channels, frames)`` or ``(frames,)``: a NumPy array, a torch tensor or any
        array in main memory that speaks DLPack. Full scale is 1: integer subtypes and lossy formats clip
        beyond it, ``FLOAT`` and ``DOUBLE`` keep it. Integer codes of b bits are samples * 2^(b-1), rounded
        half to even, so that what was read from an integer file is written back unchanged.

        More than 64 channels must have at least as many frames: fewer are taken for swapped axes. A
        `Writer`, which is told its channels, takes them.
    sample_rate
        Frames a second, a whole number.
    format
        ``"WAV"``, ``"FLAC"``, ... (see `available_formats`); by default what the ending of the name says.
    subtype
        ``"PCM_16"``, ``"PCM_24"``, ``"FLOAT"``, ``"OPUS"``, ...; by default the first of the format's.
    layout
        ``"frames_first"`` for samples of shape ``(frames, channels)``.
    dither
        ``"tpdf"`` adds triangular noise of one code to each side before samples are rounded to the integer
        codes of a ``PCM_`` subtype, of its own for each channel, in silence as well: the error then is noise
        that does not depend on the signal. What was read from an integer file changes by a code at most.
    seed
        Of the dither, from 0 to 2^64 - 1: the same seed gives the same file.
    compression
        FLAC: from 0 (fast) to 8 (small), 5 by default.
    bitrate
        In kbit/s. MP3: constant, one of 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 at
        32 kHz and above. Opus: the mean, from 6 to 256 a channel; chosen by the codec by default.
    quality
        MP3: variable bit rate, from 0 (best) to 9.9 as ``lame -V``, 4 by default. Vorbis: from 0 to 10
        (best) as ``oggenc -q``, 4 by default.
    durable
        Whether to wait until the file is on the disk before it takes its name, so that a power cut, too,
        leaves the old file or the new one. That takes the time the disk takes.

    Raises
    ------
    UnsupportedFormat
        When `format`, or without it the name's ending, is unknown.
    EncodeError
        When a sample is infinite or not a number, the format cannot hold such a signal or does not take
        an option, or the path is a pipe or a device.
    LayoutError
        When the samples have another dtype or shape.
    ParameterError
        When `target` is nothing to write to, or an option is out of range.
    MissingDependencyError
        When the format needs libsndfile, or the URL fsspec, and it is not installed.
    OSError
        As the built-in `open`, and when the disk is full.

    Warns
    -----
    ClippingWarning
        When samples beyond full scale were clipped by an integer subtype.

    Examples
    --------
    >>> import io
    >>> import numpy as np, luthier.io as lio
    >>> stereo = np.zeros((2, 48_000), np.float32)
    >>> lio.write("silence.flac", stereo, 48_000, subtype="PCM_24")
    >>> lio.info("silence.flac").subtype
    'PCM_24'
    >>> memory = io.BytesIO()
    >>> lio.write(memory, stereo, 48_000, format="MP3", bitrate=128)
    """
    planar = borrow_planar(samples, layout)
    channels, frames = planar.shape
    if channels == 0:
        raise LayoutError(f"samples must have at least one channel, got shape {tuple(samples.shape)}")
    if channels > frames:
        where = target_of(target)
        form, _ = formats.choose(where.name, format, subtype)
        formats.check_not_swapped(where.name, form, channels, frames, layout)
    with Writer(
        target,
        sample_rate,
        channels,
        format=format,
        subtype=subtype,
        frames=frames,
        dither=dither,
        seed=seed,
        compression=compression,
        bitrate=bitrate,
        quality=quality,
        durable=durable,
    ) as writer:
        writer.write(planar)
        writer._complete()


def info(source: Readable) -> Info:
    """Return what a file says of itself, without decoding it.

    Damage is no error here: what shows without decoding is in the result's ``report``.

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
    with Reader(source) as reader:
        return reader.info


def verify(source: Readable) -> str:
    """Decode a whole file and check every checksum that it has.

    Parameters
    ----------
    source
        As for `read`.

    Returns
    -------
    str
        Which checksums of the format were checked, in words; empty where it has none, and the file holds as
        much as it says.

    Raises
    ------
    DecodeError
        When something is wrong; its ``report`` says what and where.
    FileNotFoundError, UnsupportedFormat, MissingDependencyError
        As for `read`.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> lio.write("tone.wav", np.sin(np.arange(44_100) / 10), 44_100)
    >>> lio.verify("tone.wav")
    ''
    """
    where, name = source_of(source)
    stream = _native.Stream(where, name, None, None)
    wrong = stream.verify()
    if wrong is None:
        return stream.checks()
    report = report_of(wrong)
    error = DecodeError(describe(name, report))
    error.report = report
    raise error
