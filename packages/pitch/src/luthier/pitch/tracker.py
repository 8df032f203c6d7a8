"""`Tracker`: the pitch of a signal that comes in pieces."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, ParameterError
from luthier.core.arrays import MOST_CHANNELS, Borrowed, Layout, borrow
from luthier.pitch.pitch import Pitch
from luthier.pitch.settings import Settings, refuse_garbage, result

__all__ = ["Tracker"]

_DTYPES = ("float32", "float64")


class Tracker:
    """Track the fundamental frequency of a signal that comes in blocks of any size.

    All pieces together are what `track` gives for the whole signal, bit for bit, however it is cut. Memory
    does not grow with the signal. A tracker belongs to one thread at a time.

    Parameters
    ----------
    sample_rate : float
        Frames a second.
    method, fmin, fmax, hop_s, **options
        As for `track`.
    channels : int, optional
        How many channels a block has, ``(channels, frames)``. None, the default, takes blocks of shape
        ``(frames,)``.
    dtype : {"float32", "float64"}
        Of the samples, and of the result.
    layout : {"channels_first", "frames_first"}
        How blocks are laid out. Results have their frames last in either case.

    Raises
    ------
    ParameterError
        When a parameter is outside its range, or an option is not the method's.

    Examples
    --------
    >>> import numpy as np, luthier.pitch as lp
    >>> x = np.sin(2 * np.pi * 220 * np.arange(16_000) / 16_000).astype(np.float32)
    >>> tracker = lp.Tracker(16_000, method="yin")
    >>> pieces = [tracker.push(x[i : i + 512]) for i in range(0, len(x), 512)]
    >>> pieces.append(tracker.flush())
    >>> lp.Pitch.concatenate(pieces)
    Pitch(101 frames to 1.00 s, 100 % voiced, median f0 220.0 Hz)
    """

    def __init__(
        self,
        sample_rate: float,
        *,
        method: str = "neural",
        channels: int | None = None,
        fmin: float | None = None,
        fmax: float | None = None,
        hop_s: float = 0.01,
        dtype: npt.DTypeLike = "float32",
        layout: Layout = "channels_first",
        **options: Any,
    ) -> None:
        self._settings = Settings.check(
            sample_rate, method=method, fmin=fmin, fmax=fmax, hop_s=hop_s, options=options
        )
        whole = isinstance(channels, int | np.integer) and not isinstance(channels, bool)
        if channels is not None and not (whole and 1 <= channels <= MOST_CHANNELS):
            raise ParameterError(
                f"channels must be a whole number between 1 and {MOST_CHANNELS}, or None for blocks of "
                f"shape (frames,), got {channels!r}"
            )
        self._channels = None if channels is None else int(channels)
        try:
            self._dtype = np.dtype(dtype)
        except TypeError:
            raise ParameterError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}") from None
        if self._dtype.name not in _DTYPES:
            raise ParameterError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
        self._layout: Layout = layout
        self._last = self._borrow_nothing()
        self._stream = self._settings.stream(self._channels or 1, self._dtype)
        self._samples = self._frames = 0

    @property
    def latency_s(self) -> float:
        """The most seconds from a frame's centre to the sample that makes its result known.

        The first frames, which the signal's start cuts, may wait longer: until as many samples have come as
        a whole frame sees.
        """
        return self._stream.latency / self._settings.grid.sample_rate

    def push(self, block: Any) -> Pitch:
        """Take the next samples and return the frames that they make known, often none.

        Parameters
        ----------
        block : array, (frames,) or (channels, frames)
            Of the tracker's dtype and number of channels; of any length, zero included.

        Returns
        -------
        Pitch
            The next frames; `times` counts from the start of the signal.

        Raises
        ------
        LayoutError
            When the block has another shape or dtype, or holds an infinity or a not-a-number. The block is
            then as good as not pushed.
        """
        borrowed = borrow(block, layout=self._layout, name="block")
        expected = "(frames,)" if self._channels is None else f"({self._channels}, frames)"
        if borrowed.ndim != (1 if self._channels is None else 2) or (
            self._channels is not None and borrowed.array.shape[1] != self._channels
        ):
            shape = borrowed.array.shape[3 - borrowed.ndim :]
            raise LayoutError(
                f"block must have shape {expected}, got {shape}; Tracker(channels=...) sets what it has"
            )
        if borrowed.array.dtype != self._dtype:
            raise LayoutError(
                f"block must be {self._dtype}, got {borrowed.array.dtype}; Tracker(dtype=...) sets what it is"
            )
        refuse_garbage(borrowed, self._samples)
        # The way back to the caller's kind of array, without the samples.
        self._last = dataclasses.replace(borrowed, array=borrowed.array[:, :, :0].copy())
        f0, confidence = self._stream.push(borrowed.array[0])
        self._samples += borrowed.array.shape[2]
        return self._give(f0, confidence)

    def flush(self) -> Pitch:
        """End the signal: return the frames that are left, and be ready for another one."""
        f0, confidence = self._stream.flush()
        pitch = self._give(f0, confidence)
        self.reset()
        return pitch

    def reset(self) -> None:
        """Forget the signal so far."""
        self._stream.reset()
        self._last = self._borrow_nothing()
        self._samples = self._frames = 0

    def __reduce__(self) -> Any:
        raise TypeError("a Tracker cannot be copied or pickled: make another from the same settings")

    def __repr__(self) -> str:
        grid = self._settings.grid
        return (
            f"Tracker({grid.sample_rate:g}, method={self._settings.method!r}, channels={self._channels}, "
            f"fmin={grid.fmin:g}, fmax={grid.fmax:g}, hop_s={grid.hop_s:g}, dtype={self._dtype.name!r})"
        )

    def _borrow_nothing(self) -> Borrowed:
        shape = (0,) if self._channels is None else (self._channels, 0)
        if self._layout == "frames_first":
            shape = shape[::-1]
        return borrow(np.zeros(shape, self._dtype), layout=self._layout)

    def _give(self, f0: npt.NDArray[np.float64], confidence: npt.NDArray[np.float64]) -> Pitch:
        frames = np.arange(self._frames, self._frames + f0.shape[1])
        self._frames += f0.shape[1]
        return result(self._last, frames * self._settings.grid.hop_s, f0, confidence)
