"""`open` and `Reader`: an audio file piece by piece, and `Info`: what its header says."""

from __future__ import annotations

import builtins
import io
import operator
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

import numpy as np
import numpy.typing as npt

from luthier.core import (
    Audio,
    DamagedAudioWarning,
    DamageReport,
    DecodeError,
    LayoutError,
    MissingDependencyError,
    ParameterError,
    StreamError,
)
from luthier.core.arrays import Layout, Samples
from luthier.io import _native, sndfile

__all__ = ["Info", "OnError", "Readable", "Reader", "open"]

#: What can be read from: a path, an open binary file, or the file's bytes.
Readable = str | os.PathLike[str] | BinaryIO | bytes | bytearray | memoryview

#: What reading does about damage: an error, the good frames before it, or silence in its place.
OnError = Literal["raise", "partial", "pad"]

# Headers are not believed: more than this many bytes of samples are allocated at once only for a file
# that is large itself.
_ALLOCATION = 64 << 20
_ALLOCATION_PER_BYTE = 64


@dataclass(frozen=True)
class Info:
    """What a file's header says.

    Attributes
    ----------
    format
        ``"WAV"``, ``"RF64"``, ``"FLAC"``, ``"MP3"``, ``"OGG"``, ``"AIFF"``, ...
    subtype
        How samples are stored: ``"PCM_16"``, ``"FLOAT"``, ``"VORBIS"``, ``"OPUS"``, ``"MPEG_LAYER_III"``, ...
    sample_rate
        Frames a second.
    channels
        Samples in a frame.
    frames
        Frames that the file promises; a file that was cut short holds fewer, which reading them tells.
    """

    format: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.sample_rate


class Reader:
    """An audio file, read piece by piece in constant memory. Made by `open`.

    A reader keeps a position. Reading after `seek` gives the very samples that reading the whole file
    gives at that place, in any order of seeks and for every format:
    ``reader.seek(a); reader.read(n)`` equals ``luthier.io.read(source).samples[:, a : a + n]``.

    One reader serves one thread at a time; calls from several wait for each other.
    """

    def __init__(self, source: Readable, *, on_error: OnError = "raise") -> None:
        self._name = _name_of(source)
        self._on_error = check_on_error(on_error)
        self._report: DamageReport | None = None
        self._warned = False
        self._stacklevel = 4  # from _settle to the line of the user
        self._lock = threading.Lock()
        opened = _source(source, self._name)
        self._bytes = opened.size
        self._decoder: _native.Decoder | None = _open_decoder(opened)
        self._info = Info(
            self._decoder.format,
            self._decoder.subtype,
            self._decoder.sample_rate,
            self._decoder.channels,
            self._decoder.frames,
        )

    @property
    def info(self) -> Info:
        """What the header says."""
        return self._info

    @property
    def sample_rate(self) -> int:
        """Frames a second."""
        return self._info.sample_rate

    @property
    def channels(self) -> int:
        """Samples in a frame."""
        return self._info.channels

    @property
    def frames(self) -> int:
        """Frames in the file."""
        return self._info.frames

    @property
    def report(self) -> DamageReport | None:
        """What is wrong with the file, as far as that is known by now; None where nothing is."""
        if self._report is None and self._decoder is not None and self._decoder.damage is not None:
            self._report = self._report_of(self._decoder.damage, self._decoder.damage[1])
        return self._report

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._decoder is None

    def tell(self) -> int:
        """The frame that the next `read` starts with."""
        return self._open().position

    def seek(self, frame: int) -> None:
        """Let the next `read` start with `frame`, counted from 0.

        Raises
        ------
        ParameterError
            When `frame` is negative or beyond the end. The end itself is allowed.
        """
        self._seek(frame, "frame")

    def _seek(self, frame: int, argument: str) -> None:
        wanted = _check_frame(argument, frame, self._info.frames, self._name)
        with self._lock:
            self._open().seek(wanted)

    def read(
        self,
        frames: int | None = None,
        *,
        layout: Layout = "channels_first",
        dtype: npt.DTypeLike = "float32",
    ) -> Samples:
        """Read `frames` frames from here, or all that are left.

        Parameters
        ----------
        frames
            How many; fewer are returned at the end of the file, and none after it.
        layout
            ``"channels_first"`` gives ``(channels, frames)``, ``"frames_first"`` ``(frames, channels)``.
        dtype
            ``"float32"`` or ``"float64"``.

        Raises
        ------
        DecodeError
            When the file is damaged or holds fewer frames than it promises, this read reaches there, and
            the reader was opened with ``on_error="raise"``. The position stays.

        Warns
        -----
        DamagedAudioWarning
            Once, where the reader was opened with another `on_error`.
        """
        kind = check_dtype(dtype)
        interleaved = check_layout(layout)
        with self._lock:
            return self._read(frames, kind, interleaved)

    def _read(self, frames: int | None, kind: np.dtype[Any], interleaved: bool) -> Samples:
        decoder = self._open()
        start = decoder.position
        left = self._info.frames - start
        wanted = left if frames is None else _check_count("frames", frames)
        if wanted < 0:
            raise ParameterError(f"frames must not be negative, got {wanted}; None means all that are left")
        count = min(wanted, left)
        samples, decoded = self._decode(decoder, count, kind, interleaved)
        damage = decoder.fault if decoded < count else None
        if damage is None and (frames is None or wanted > left):
            # A file without a promised length that shows that its end is missing.
            damage = decoder.damage
            if damage is not None and damage[1] < self._info.frames:
                damage = None
        if damage is not None:
            self._settle(decoder, start, damage, samples, decoded, interleaved)
        return samples

    def _decode(
        self, decoder: _native.Decoder, count: int, kind: np.dtype[Any], interleaved: bool
    ) -> tuple[Samples, int]:
        """Up to `count` frames from here, and how many of them are not silence in place of damage."""
        channels = self._info.channels
        pad = self._on_error == "pad"
        start = decoder.position
        budget = max(_ALLOCATION, _ALLOCATION_PER_BYTE * self._bytes)
        at_once = max(4096, budget // (channels * kind.itemsize))
        there = count
        if decoder.damage is not None and decoder.damage[1] >= start:
            there = min(count, decoder.damage[1] - start)
            if pad and count > max(at_once, there):
                raise DecodeError(
                    f"{self._name}: promises {self._info.frames:,} frames, which is too many to be believed "
                    f"of {self._bytes:,} bytes and to be filled up with silence; use on_error='partial'"
                )
        pieces = []
        done = decoded = 0
        ask = count if pad else there
        while True:
            # A header that promises more than such a small file can be believed to hold: take what comes.
            size = min(ask - done, at_once)
            out = np.empty((size, channels) if interleaved else (channels, size), kind)
            got = decoder.read_into(out, interleaved, pad) if size else 0
            decoded += got
            kept = size if pad else got
            done += kept
            pieces.append(out if kept == size else out[:kept] if interleaved else out[:, :kept])
            if kept < size or done == ask:
                break
        if done == there < count:
            # Lets the decoder say why nothing follows.
            out = np.empty((1, channels) if interleaved else (channels, 1), kind)
            decoder.read_into(out, interleaved, False)
        samples = pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=0 if interleaved else 1)
        return np.ascontiguousarray(samples), decoded

    def _settle(
        self,
        decoder: _native.Decoder,
        start: int,
        damage: tuple[str, int, int],
        samples: Samples,
        decoded: int,
        interleaved: bool,
    ) -> None:
        """Raise or warn of damage, as `on_error` says."""
        report = self._report_of(damage, decoded)
        self._report = self._report or report
        message = self._describe(report)
        if self._on_error == "raise":
            decoder.seek(start)
            error = DecodeError(
                f"{message}. Read what is there with frames={decoded}, or with on_error='partial' or 'pad'"
            )
            error.report = report
            error.audio = Audio(samples.T if interleaved else samples, self._info.sample_rate)
            raise error
        if not self._warned:
            self._warned = True
            done = "filled with silence" if self._on_error == "pad" else "left out"
            warnings.warn(
                DamagedAudioWarning(f"{message}; what is missing was {done}", report),
                stacklevel=self._stacklevel,
            )

    def _report_of(self, damage: tuple[str, int, int], decoded: int) -> DamageReport:
        reason, frame, offset = damage
        promised = self._info.frames if self._decoder is not None and self._decoder.promised else None
        return DamageReport(reason, frame, None if offset < 0 else offset, promised, decoded)

    def _describe(self, report: DamageReport) -> str:
        where = f"{self._name}: {report.reason}: "
        if report.frames_promised is None:
            return f"{where}frames after the first {report.frame:,} are missing"
        first, promised = report.frame, report.frames_promised
        return f"{where}of {promised:,} frames, those from {first:,} on are missing or damaged"

    def blocks(
        self, frames: int = 65_536, *, layout: Layout = "channels_first", dtype: npt.DTypeLike = "float32"
    ) -> Iterator[Samples]:
        """Iterate from here to the end in arrays of `frames` frames, the last one shorter.

        Examples
        --------
        >>> import numpy as np, luthier.io as lio
        >>> lio.write("noise.wav", np.random.default_rng(0).uniform(-1, 1, (2, 100_000)), 44_100)
        >>> with lio.open("noise.wav") as reader:
        ...     [block.shape for block in reader.blocks(40_000)]
        [(2, 40000), (2, 40000), (2, 20000)]
        """
        size = _check_count("frames", frames)
        if size < 1:
            raise ParameterError(f"frames of a block must be at least 1, got {size}")
        while self.tell() < self._info.frames:
            yield self.read(size, layout=layout, dtype=dtype)

    def close(self) -> None:
        """Let go of the file. Reading afterwards is an error; closing twice is not."""
        self._decoder = None

    def _open(self) -> _native.Decoder:
        if self._decoder is None:
            raise StreamError(f"{self._name}: the reader is closed")
        return self._decoder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        i = self._info
        state = "closed" if self.closed else f"at frame {self.tell()}"
        return (
            f"<Reader of {self._name}: {i.format} {i.subtype}, {i.channels} channels, {i.frames} frames, "
            f"{i.sample_rate} Hz, {state}>"
        )


def open(source: Readable, *, on_error: OnError = "raise") -> Reader:  # noqa: A001
    """Open an audio file for reading piece by piece.

    Parameters
    ----------
    source
        A path; an open binary file, read from its present position on; or the file's bytes. A file
        object other than a plain file on disk is read into memory whole.
    on_error
        What reads do where audio is damaged or missing. ``"raise"``: a `DecodeError` that holds a report and
        the good frames before it. ``"partial"``: they return these frames, with a `DamagedAudioWarning`.
        ``"pad"``: they return as many frames as were asked for, with silence for what is lost, and warn.

    Returns
    -------
    Reader
        A context manager.

    Raises
    ------
    FileNotFoundError, PermissionError, IsADirectoryError
        As the built-in `open`.
    UnsupportedFormat
        When it is not audio of a known format.
    DecodeError
        When it is empty, or its header is damaged.
    MissingDependencyError
        When the format needs libsndfile, and it is not installed.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> lio.write("tone.wav", np.sin(np.arange(44_100) / 10), 44_100)
    >>> with lio.open("tone.wav") as reader:
    ...     reader.seek(1_000)
    ...     block = reader.read(256)
    >>> block.shape
    (1, 256)
    """
    return Reader(source, on_error=on_error)


def check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """float32 or float64 as a dtype, or the error that says so."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind != np.float32 and kind != np.float64:
        raise LayoutError(
            f"dtype must be 'float32' or 'float64', got {dtype!r}; integer codes are "
            "numpy.rint(samples * 32768).astype(numpy.int16) for 16 bits"
        )
    return np.dtype(kind)


def check_layout(layout: str) -> bool:
    """Whether `layout` is interleaved."""
    if layout not in ("channels_first", "frames_first"):
        raise LayoutError(f"layout must be 'channels_first' or 'frames_first', got {layout!r}")
    return layout == "frames_first"


def check_on_error(value: object) -> OnError:
    """One of the three ways to treat damage, or the error that names them."""
    if value not in ("raise", "partial", "pad"):
        raise ParameterError(f"on_error must be 'raise', 'partial' or 'pad', got {value!r}")
    return value


def _check_count(name: str, value: object) -> int:
    try:
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ParameterError(f"{name} must be a whole number of frames, got {value!r}") from None
    return count


def _check_frame(name: str, value: object, frames: int, source: str) -> int:
    try:
        frame = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ParameterError(f"{name} must be a whole number of frames, got {value!r}") from None
    if not 0 <= frame <= frames:
        raise ParameterError(
            f"{source}: {name} must be from 0 to the file's {frames:,} frames, got {frame:,}"
        )
    return frame


def label(path: str | os.PathLike[str]) -> str:
    """What messages call the file: its path as text that every encoding of text can hold.

    A name of bytes that are not UTF-8 is a string with lone surrogates, which nanobind refuses, too.
    """
    return os.fsdecode(path).encode("utf-8", "backslashreplace").decode("utf-8")


def _name_of(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return label(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    name = getattr(source, "name", None)
    return label(name) if isinstance(name, str) else f"<{type(source).__name__}>"


def _source(source: Readable, name: str) -> _native.Source:
    made: _native.Source
    if isinstance(source, str | os.PathLike):
        with builtins.open(source, "rb", buffering=0) as file:
            made = _file_source(file, name)
    elif isinstance(source, bytes | bytearray | memoryview):
        made = _native.buffer_source(source, name)
    elif hasattr(source, "read"):
        made = _file_source(source, name)
    else:
        raise ParameterError(
            "source must be a path (str or os.PathLike), a file's bytes or a file opened with mode 'rb', "
            f"got {source if source is None else type(source).__name__}"
        )
    if made.size == 0:
        raise DecodeError(f"{name}: is empty" + ("" if name != "<BytesIO>" else "; seek(0) first?"))
    return made


def _file_source(file: Any, name: str) -> _native.Source:
    if hasattr(file, "readable") and not file.readable():
        raise ParameterError(f"{name}: the file is not open for reading; open it with mode 'rb'")
    # Only the plain file classes: a GzipFile has a fileno() too, of other bytes than it reads as.
    if type(file) in (io.FileIO, io.BufferedReader, io.BufferedRandom) and _is_plain(file):
        if type(file) is io.BufferedRandom:
            file.flush()
        return _native.file_source(os.dup(file.fileno()), file.tell(), name)
    data = file.read()
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ParameterError(f"{name}: gave {type(data).__name__}, not bytes; open the file with mode 'rb'")
    return _native.buffer_source(data, name)


def _is_plain(file: Any) -> bool:
    try:
        return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, io.UnsupportedOperation):
        return False


def _open_decoder(source: _native.Source) -> _native.Decoder:
    try:
        return _native.open_decoder(source)
    except MissingDependencyError:
        if _native.sndfile_loaded():
            raise
    sndfile.load()
    return _native.open_decoder(source)
