"""`Writer`: an audio file written piece by piece, which appears only when it is whole."""

from __future__ import annotations

import operator
import warnings
from types import TracebackType
from typing import Any, Self

import numpy as np

from luthier.core import ClippingWarning, LayoutError, ParameterError, StreamError
from luthier.core.arrays import Layout, borrow, check_sample_rate
from luthier.io import _native, formats, options, sndfile
from luthier.io.targets import Target, Writable, target_of

__all__ = ["Writer"]

_NATIVE = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU"})


class Writer:
    """An audio file written piece by piece in constant memory.

    The samples go to a temporary file beside the target, which takes the target's name on `close`. When
    the ``with`` block is left by an error, Ctrl-C included, the temporary file is removed and what was
    under the target's name before is still there. A file object gets the bytes on `close`, all at once.

    Parameters
    ----------
    target
        Where to write: a path (``str`` or ``os.PathLike``), an fsspec URL, or a binary file object that is
        open for writing, which gets the bytes from its present position on. What stands under a path
        already must be a regular file, or a link to one.
    sample_rate
        Frames a second, a whole number.
    channels
        Samples in a frame.
    format
        ``"WAV"``, ``"FLAC"``, ... (see `available_formats`); by default what the ending of the name says.
    subtype
        How samples are stored, ``"PCM_16"``, ``"PCM_24"``, ``"FLOAT"``, ...; by default the first of the
        format's subtypes.
    frames
        How many frames will come, where that is known: another number of them is an error. A WAV file of
        unknown length keeps 36 bytes in its header free, so that it can become RF64 beyond 4 GiB.
    dither, seed, compression, bitrate, quality, durable
        As for `write`. Dither does not depend on how the samples are split into calls.

    Raises
    ------
    UnsupportedFormat
        When `format`, or without it the name's ending, is unknown.
    EncodeError
        When the format cannot hold such a signal or does not take an option, or the path is a pipe or a
        device.
    ParameterError
        When `target` is nothing to write to, or an option is out of range.
    MissingDependencyError
        When the format needs libsndfile, or the URL fsspec, and it is not installed.
    OSError
        As the built-in `open`, and when the disk is full.

    Warns
    -----
    ClippingWarning
        Once, on `close`, when samples beyond full scale were clipped by an integer subtype.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> with lio.Writer("copy.flac", 48_000, channels=2) as writer:
    ...     for _ in range(10):
    ...         writer.write(np.zeros((2, 4_800), np.float32))
    >>> lio.info("copy.flac").frames
    48000
    """

    def __init__(
        self,
        target: Writable,
        sample_rate: float,
        channels: int,
        *,
        format: str | None = None,  # noqa: A002
        subtype: str | None = None,
        frames: int | None = None,
        dither: str | None = None,
        seed: int = 0,
        compression: int | None = None,
        bitrate: float | None = None,
        quality: float | None = None,
        durable: bool = False,
    ) -> None:
        self._encoder: _native.Encoder | None = None
        self._target: Target | None = None
        self._above = 0
        self._durable = bool(durable)
        where = target_of(target)
        self._name = where.name
        self._rate = whole_rate(sample_rate)
        if not isinstance(channels, int | np.integer) or isinstance(channels, bool):
            raise ParameterError(f"channels must be a whole number, got {channels!r}")
        self._channels = int(channels)
        form, kind = formats.choose(self._name, format, subtype)
        self._unclipped = 'subtype="FLOAT"' if "FLOAT" in form.subtypes else 'WAV with subtype="FLOAT"'
        formats.check(self._name, form, self._rate, self._channels)
        settings = options.settle(
            self._name,
            form,
            kind,
            self._rate,
            self._channels,
            dither=dither,
            seed=seed,
            compression=compression,
            bitrate=bitrate,
            quality=quality,
        )
        announced = -1 if frames is None else _check_frames(frames)
        native = form.name in _NATIVE and kind != "GSM610"
        if not native and not _native.sndfile_loaded():
            sndfile.load()
        self._target = where
        try:
            self._encoder = _native.open_encoder(
                where.create(),
                self._name,
                formats.container(form, self._name, format),
                kind,
                self._rate,
                self._channels,
                announced,
                settings.dither,
                settings.compression,
                settings.bitrate_mode,
            )
        except BaseException:
            self.abort()
            raise

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return self._open().position

    @property
    def closed(self) -> bool:
        """Whether the file was completed or given up."""
        return self._encoder is None

    def write(self, samples: Any, *, layout: Layout = "channels_first") -> None:
        """Append samples.

        Parameters
        ----------
        samples
            float32 or float64, ``(channels, frames)``, or ``(frames,)`` for one channel. Full scale is
            1: integer subtypes and lossy formats clip beyond it, ``FLOAT`` and ``DOUBLE`` keep it.
        layout
            ``"frames_first"`` for ``(frames, channels)``.

        Raises
        ------
        EncodeError
            For a sample that is infinite or not a number, or more samples than `frames` announced: none of
            these is in the file then, and the writer can go on. Any other failure gives the file up.
        LayoutError
            For another shape or dtype.
        """
        encoder = self._open()
        planar = borrow_planar(samples, layout)
        if planar.shape[0] != self._channels:
            swapped = formats.swapped(layout) if planar.shape[1] == self._channels else ""
            raise LayoutError(
                f"{self._name}: samples must have {self._channels} channels as the writer has, "
                f"got {planar.shape[0]}{swapped}"
            )
        if planar.shape[1] == 0:
            return
        try:
            self._above += encoder.write(planar)
        except BaseException:
            if encoder.broken:
                self.abort()
            raise

    def close(self) -> None:
        """Complete the file and give it its name. Closing twice is allowed.

        Raises
        ------
        EncodeError
            When `frames` announced another number of frames than were written.
        OSError
            When the disk is full.

        Warns
        -----
        ClippingWarning
            When samples beyond full scale were clipped by an integer subtype.
        """
        self._complete()

    def _complete(self) -> None:
        # Called by what the user calls, and by nothing else: the warning names the user's line.
        if self._encoder is None or self._target is None:
            return
        try:
            self._encoder.finish(self._durable)
            self._encoder = None
            self._target.commit()
            self._target = None
        except BaseException:
            self.abort()
            raise
        if self._above > 0:
            warnings.warn(self._clipped(), ClippingWarning, stacklevel=3)

    def _clipped(self) -> str:
        many = self._above != 1
        return (
            f"{self._name}: {self._above:,} sample{'s' if many else ''} beyond full scale (1.0) "
            f"{'were' if many else 'was'} clipped; lower the level, or write {self._unclipped}"
        )

    def abort(self) -> None:
        """Give the file up: nothing is left of it, and what was under its name before stays."""
        if self._encoder is not None:
            self._encoder.abandon()
            self._encoder = None
        if self._target is not None:
            self._target.discard()
            self._target = None

    def _open(self) -> _native.Encoder:
        if self._encoder is None:
            raise StreamError(f"{self._name}: the writer is closed")
        return self._encoder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._complete()
        else:
            self.abort()

    def __del__(self) -> None:
        if getattr(self, "_target", None) is not None:
            warnings.warn(
                f"a Writer of {self._name} was never closed: the file was not written",
                ResourceWarning,
                stacklevel=2,
            )
            self.abort()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self.frames} frames so far"
        return f"<Writer of {self._name}: {self._channels} channels, {self._rate} Hz, {state}>"


def whole_rate(sample_rate: object) -> int:
    """The sample rate as the whole number that files hold."""
    rate = check_sample_rate(sample_rate)
    if rate != int(rate):
        raise ParameterError(f"sample_rate of a file must be a whole number, got {sample_rate!r}")
    return int(rate)


def borrow_planar(samples: Any, layout: Layout) -> Any:
    """`samples` as a contiguous ``(channels, frames)``."""
    borrowed = borrow(samples, layout=layout)
    if borrowed.ndim == 3:
        raise LayoutError(f"samples must be (frames,) or (channels, frames), got a batch of {borrowed.batch}")
    return borrowed.array[0]


def _check_frames(value: object) -> int:
    try:
        frames = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        frames = -1
    if frames < 0:
        raise ParameterError(
            f"frames must be a whole number of frames, or None where not known, got {value!r}"
        )
    return frames
