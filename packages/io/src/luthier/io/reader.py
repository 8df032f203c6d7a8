"""`open`, `Reader` and `blocks`: an audio file piece by piece, and `Info`: what its header says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt

from luthier.core import DamageReport, DecodeError, ParameterError, StreamError
from luthier.core.arrays import Layout, Samples
from luthier.io import _native
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
from luthier.io.damage import Damage, OnError, check_on_error, damaged, report_of, warn
from luthier.io.index import IndexSource, Lookup, look_up
from luthier.io.resampling import Quality
from luthier.io.sources import Readable, source_of

__all__ = ["Info", "Reader", "blocks", "open"]


@dataclass(frozen=True)
class Info:
    """What a file says of itself.

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
        Frames that the file promises; a file that was cut short holds fewer.
    report
        What is wrong with the file, where that shows without decoding it (it is shorter than it says, or
        its end is missing), else None. Damage in the middle shows when it is read.
    """

    format: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int
    report: DamageReport | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.sample_rate

    def __repr__(self) -> str:
        shown = ("format", "subtype", "sample_rate", "channels", "frames")
        fields = [f"{name}={getattr(self, name)!r}" for name in shown]
        if self.report is not None:
            fields.append(f"report={self.report!r}")
        return f"Info({', '.join(fields)})"


class Reader:
    """An audio file, read piece by piece in constant memory. Made by `open`.

    A reader keeps a position. Reading after `seek` gives the very samples that reading the whole file
    gives at that place, in any order of seeks and for every format:
    ``reader.seek(a); reader.read(n)`` equals ``luthier.io.read(source).samples[:, a : a + n]``.

    A reader holds its file open and cannot be pickled: open the file where it is read. Calls from several
    threads wait for each other.
    """

    def __init__(
        self,
        source: Readable,
        *,
        sample_rate: float | None = None,
        channels: Channels = None,
        on_error: OnError = "raise",
        index: IndexSource | None = None,
        quality: Quality = "high",
    ) -> None:
        self._on_error = check_on_error(on_error)
        request, rate = check_channels(channels), check_rate(sample_rate, quality)
        where, self._name = source_of(source)
        lookup = None
        if index is not None:
            where, lookup = look_up(index, where, self._name)
        self._report: DamageReport | None = None
        self._warned = False
        self._stream: _native.Stream | None = _native.Stream(where, self._name, request, rate)
        stream = self._stream
        if lookup is not None:
            _use_index(stream, lookup, self._name)
        self._info = Info(
            stream.format,
            stream.subtype,
            stream.file_rate,
            stream.file_channels,
            stream.file_frames,
            self.report,
        )
        self._sample_rate = stream.sample_rate
        self._channels = stream.channels
        self._frames = stream.frames

    @property
    def info(self) -> Info:
        """What the file says of itself."""
        return self._info

    @property
    def sample_rate(self) -> int:
        """Frames a second of what is read."""
        return self._sample_rate

    @property
    def channels(self) -> int:
        """Samples in a frame of what is read."""
        return self._channels

    @property
    def frames(self) -> int:
        """Frames from the beginning to the end of what is read."""
        return self._frames

    @property
    def report(self) -> DamageReport | None:
        """The first that is wrong with the file, as far as that is known by now; None where nothing is."""
        damage = None if self._stream is None else self._stream.damage
        if damage is not None:
            self._note(report_of(damage))
        return self._report

    def _note(self, report: DamageReport) -> None:
        """Keep the earliest damage."""
        if self._report is None or report.frame < self._report.frame:
            self._report = report

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._stream is None

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
        wanted = check_frame("frame", frame, self._name)
        if wanted > self._frames:
            raise ParameterError(
                f"{self._name}: frame must be from 0 to the {self._frames:,} frames there are, got {wanted:,}"
            )
        self._open().seek(wanted)

    def read(
        self,
        frames: int | None = None,
        *,
        layout: Layout = "channels_first",
        dtype: npt.DTypeLike | None = None,
        out: Any = None,
    ) -> Samples:
        """Read `frames` frames from here, or all that are left.

        Parameters
        ----------
        frames
            How many; fewer are returned at the end of the file, and none after it. With `out`, at most as
            many as it has room for.
        layout
            ``"channels_first"`` gives ``(channels, frames)``, ``"frames_first"`` ``(frames, channels)``.
        dtype
            ``"float32"``, ``"float64"``, ``"int16"`` or ``"int32"``, as for `luthier.io.read`; float32 by
            default, or the type of `out`.
        out
            An array to fill from its beginning, in `layout`. A view of the part that was filled is
            returned.

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
        kind = check_out(out, layout, dtype) if out is not None else check_dtype(dtype or "float32")
        interleaved = check_layout(layout)
        count = -1 if frames is None else check_count("frames", frames)
        on_error = self._on_error
        samples, damage = self._open().read(
            count, False, kind, interleaved, on_error == "pad", out, on_error == "raise"
        )
        if out is not None:
            samples = out[:samples] if interleaved else out[:, :samples]
        if damage is not None:
            self._settle(damage, samples, interleaved)
        return samples  # type: ignore[no-any-return]

    def blocks(
        self,
        frames: int = 65_536,
        *,
        overlap: int = 0,
        layout: Layout = "channels_first",
        dtype: npt.DTypeLike | None = None,
    ) -> Iterator[Samples]:
        """Iterate from here to the end in arrays of `frames` frames, the last one shorter.

        Parameters
        ----------
        frames
            Frames of a block.
        overlap
            How many frames of a block are the last ones of the block before; fewer than `frames`.
        layout, dtype
            As for `read`.

        Raises
        ------
        DecodeError
            Behind the last good frame of a damaged file, after that frame was given, where the reader was
            opened with ``on_error="raise"``.

        Examples
        --------
        >>> import numpy as np, luthier.io as lio
        >>> lio.write("noise.wav", np.random.default_rng(0).uniform(-1, 1, (2, 100_000)), 44_100)
        >>> with lio.open("noise.wav") as reader:
        ...     [block.shape for block in reader.blocks(40_000)]
        [(2, 40000), (2, 40000), (2, 20000)]
        """
        size, shared = check_block(frames, overlap)
        return self._blocks(size, shared, check_dtype(dtype or "float32"), check_layout(layout))

    def _blocks(self, size: int, overlap: int, kind: int, interleaved: bool) -> Iterator[Samples]:
        axis = 0 if interleaved else 1
        before: Samples | None = None
        while True:
            wanted = size if before is None else size - overlap
            samples, damage = self._open().read(
                wanted, True, kind, interleaved, self._on_error == "pad", None, False
            )
            there = samples.shape[axis]
            error = None
            if damage is not None:
                try:
                    self._settle(damage, samples, interleaved)
                except DecodeError as raised:
                    error = raised
            if there > 0:
                block = samples if before is None else np.concatenate((before, samples), axis)
                if overlap > 0:
                    kept = max(0, block.shape[axis] - overlap)
                    before = block[kept:].copy() if interleaved else block[:, kept:].copy()
                yield block
            if error is not None:
                raise error
            if there < wanted:
                return

    def _settle(self, damage: Damage, samples: Samples, interleaved: bool) -> None:
        """Raise or warn of damage, as `on_error` says."""
        found = damaged(
            self._name, damage, self._on_error, samples.T if interleaved else samples, self._sample_rate
        )
        self._note(report_of(damage))
        if isinstance(found, DecodeError):
            raise found
        if not self._warned:
            self._warned = True
            warn(found)

    def close(self) -> None:
        """Let go of the file. Reading afterwards is an error; closing twice is not."""
        self._stream = None

    def _open(self) -> _native.Stream:
        if self._stream is None:
            raise StreamError(f"{self._name}: the reader is closed")
        return self._stream

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self._name}: a Reader cannot be pickled; open the file in the other process")

    def __repr__(self) -> str:
        i = self._info
        state = "closed" if self.closed else f"at frame {self.tell()}"
        return (
            f"<Reader of {self._name}: {i.format} {i.subtype}, {self._channels} channels, "
            f"{self._frames} frames, {self._sample_rate} Hz, {state}>"
        )


def open(  # noqa: A001
    source: Readable,
    *,
    sample_rate: float | None = None,
    channels: Channels = None,
    on_error: OnError = "raise",
    index: IndexSource | None = None,
    quality: Quality = "high",
) -> Reader:
    """Open an audio file for reading piece by piece.

    Parameters
    ----------
    source
        As for `luthier.io.read`.
    sample_rate, quality
        As for `luthier.io.read`: the reader's ``sample_rate``, ``frames``, ``seek``, ``tell``, ``read`` and
        ``blocks`` are all in this rate. `Reader.info` stays what the file says of itself.
    channels
        As for `luthier.io.read`.
    on_error
        What reads do where audio is damaged or missing. ``"raise"``: a `DecodeError` that holds a report and
        the good frames before it. ``"partial"``: they return these frames, with a `DamagedAudioWarning`.
        ``"pad"``: they return as many frames as were asked for, with silence for what is lost, and warn.
    index
        As for `luthier.io.read`.

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
        When the format needs a library that is not installed; the message says which.

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
    return Reader(
        source,
        sample_rate=sample_rate,
        channels=channels,
        on_error=on_error,
        index=index,
        quality=quality,
    )


def blocks(
    source: Readable,
    frames: int = 65_536,
    *,
    overlap: int = 0,
    start: int = 0,
    sample_rate: float | None = None,
    channels: Channels = None,
    layout: Layout = "channels_first",
    dtype: npt.DTypeLike | None = None,
    on_error: OnError = "raise",
    quality: Quality = "high",
) -> Iterator[Samples]:
    """Iterate over an audio file in arrays of `frames` frames, the last one shorter, in constant memory.

    Parameters
    ----------
    source
        As for `luthier.io.read`.
    frames
        Frames of a block.
    overlap
        How many frames of a block are the last ones of the block before; fewer than `frames`.
    start
        The first frame.
    sample_rate, channels, layout, dtype, on_error, quality
        As for `luthier.io.read`.

    Raises
    ------
    DecodeError
        Behind the last good frame of a damaged file, after that frame was given, with
        ``on_error="raise"``. And what `open` raises.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> lio.write("noise.wav", np.random.default_rng(0).uniform(-1, 1, (2, 1_000)), 44_100)
    >>> [block.shape for block in lio.blocks("noise.wav", 400, overlap=100)]
    [(2, 400), (2, 400), (2, 400)]
    >>> max(np.abs(block).max() for block in lio.blocks("noise.wav")) <= 1.0
    np.True_
    """
    size, shared = check_block(frames, overlap)
    kind, interleaved = check_dtype(dtype or "float32"), check_layout(layout)
    reader = Reader(source, sample_rate=sample_rate, channels=channels, on_error=on_error, quality=quality)
    reader.seek(start)

    def each() -> Iterator[Samples]:
        with reader:
            yield from reader._blocks(size, shared, kind, interleaved)

    return each()


def _use_index(stream: _native.Stream, lookup: Lookup, name: str) -> None:
    if lookup.payload is not None and stream.use_index(lookup.payload):
        return
    if lookup.given:
        raise ParameterError(f"{name}: the index is of another file; build one with luthier.io.build_index")
    if lookup.wanted and (built := stream.index()) and lookup.store is not None:
        lookup.store(built)


def check_block(frames: object, overlap: object) -> tuple[int, int]:
    """Frames of a block and of its overlap, or the error that says what is allowed."""
    size = check_count("frames", frames) if not isinstance(frames, int) else frames
    if size < 1:
        raise ParameterError(f"frames of a block must be at least 1, got {size}")
    shared = check_count("overlap", overlap) if not isinstance(overlap, int) else overlap
    if not 0 <= shared < size:
        raise ParameterError(f"overlap must be from 0 to {size - 1}, fewer than frames, got {shared}")
    return size, shared
