"""A stream: sound in blocks through effects, with state kept between them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, NonFiniteWarning, ParameterError, StreamError
from luthier.core.arrays import Borrowed, Samples, borrow, borrow_out, check_sample_rate
from luthier.effects import _native
from luthier.effects.effect import Effect, _leaves

__all__ = ["Stream"]

#: Leaf, parameter, and (batch or 1, frames) values of each automated parameter.
Lanes = Sequence[tuple[int, int, npt.NDArray[np.float64]]]

#: Channels and batch items that a stream takes: a bound on what a typing error may allocate.
_MAXIMUM_CHANNELS = 4096
_MAXIMUM_BATCH = 1_000_000

#: Frames of silence that a tail is computed in at once.
_TAIL_BLOCK = 1 << 16


class Stream:
    """The running state of an effect. Made by `Effect.stream`.

    Cutting the input differently never changes the output: any blocks give the samples of one call, bit
    for bit. A stream belongs to one thread at a time.

    Attributes
    ----------
    effect : Effect
        The stream's own copy of the effect. Assigning to its parameters moves the running sound there in
        20 ms, from the next 16-frame boundary on; the effect that the stream was made from stays apart.
    sample_rate, channels, batch, dtype
        As given to `Effect.stream`; every block must match.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> stream = fx.Chain([fx.Gain(gain_db=-6)]).stream(48_000, channels=2)
    >>> block = np.ones((2, 480), dtype=np.float32)
    >>> stream.process(block).shape
    (2, 480)
    >>> stream.effect[0].gain_db = 0
    >>> stream.flush().shape
    (2, 0)
    """

    def __init__(
        self, effect: Effect, sample_rate: float, channels: int, *, batch: int | None, dtype: Any
    ) -> None:
        self.sample_rate = check_sample_rate(sample_rate)
        self.channels = _count(channels, "channels", 0, _MAXIMUM_CHANNELS)
        self.batch = None if batch is None else _count(batch, "batch", 0, _MAXIMUM_BATCH)
        try:
            self.dtype = np.dtype(dtype)
        except TypeError as error:
            raise LayoutError(f"dtype must be 'float32' or 'float64', got {dtype!r}") from error
        if self.dtype not in (np.float32, np.float64):
            raise LayoutError(f"dtype must be 'float32' or 'float64', got {self.dtype}")
        native = _native.Stream32 if self.dtype == np.float32 else _native.Stream64
        items = 1 if self.batch is None else self.batch
        self._native = native(effect._plan(), self.sample_rate, self.channels, items)
        self._items = items
        self._ended = False
        self._warned = False
        self.effect = effect.copy()
        self.effect._attach(self._native, 0)

    def __repr__(self) -> str:
        batch = "" if self.batch is None else f", batch={self.batch}"
        return (
            f"<Stream of {self.effect!r}, sample_rate={self.sample_rate:g}, channels={self.channels}"
            f"{batch}, dtype={self.dtype}>"
        )

    @property
    def latency(self) -> int:
        """Frames by which the output lags behind the input."""
        return self._native.latency

    @property
    def tail(self) -> float:
        """Frames until a full-scale impulse has fallen below -120 dBFS, at most 60 s; an `int`, or
        `math.inf` for an effect that never ends.
        """
        tail = self._native.tail
        return math.inf if math.isinf(tail) else min(math.ceil(tail), math.ceil(60 * self.sample_rate))

    def process(self, block: Any, *, out: Any = None, automation: Mapping[str, Any] | None = None) -> Any:
        """Process the next frames.

        Parameters
        ----------
        block
            ``(channels, frames)``, ``(frames,)`` when the stream has one channel, or
            ``(batch, channels, frames)`` when it has a batch; of the stream's dtype. Any number of frames.
        out
            Where to write the result; it may be `block` itself.
        automation
            As in `Effect.__call__`: ``{"0.cutoff_hz": array}``, a value for each frame of the block. A
            parameter that a later block brings no array for stays where the last one left it, until it is
            assigned.

        Returns
        -------
        array
            As many frames as `block`, delayed by `latency`.

        Raises
        ------
        StreamError
            After `flush`.
        LayoutError
            When the block's shape or dtype is not the stream's.
        """
        self._running()
        borrowed = borrow(block, name="block")
        self._check(borrowed, block)
        x = borrowed.array
        target = None if out is None else borrow_out(out, borrowed, x.shape)
        y = self._process(x, target, self._lanes(automation, x.shape[2]))
        return borrowed.give(y) if out is None else out

    def flush(self) -> Any:
        """End the stream and return the frames that are still in it: `latency` + `tail` of them.

        An endless effect (`tail` is infinite) gives `latency` frames.

        Returns
        -------
        numpy.ndarray
            ``(channels, frames)``, or ``(batch, channels, frames)`` for a stream with a batch.
        """
        self._running()
        rest = self._silence(self.latency + (0 if math.isinf(self.tail) else int(self.tail)))
        self._ended = True
        return rest[0] if self.batch is None else rest

    def reset(self) -> None:
        """Start anew: silence behind, parameters at their present values, no ramp."""
        self._native.reset()
        self._ended = False

    def _running(self) -> None:
        if self._ended:
            raise StreamError("the stream has ended with flush(); call reset() to start anew")

    def _check(self, borrowed: Borrowed, block: Any) -> None:
        x = borrowed.array
        fits = x.shape[:2] == (self._items, self.channels) and (borrowed.ndim == 3) == (
            self.batch is not None
        )
        if not fits or x.dtype != self.dtype:
            batch = "" if self.batch is None else f"{self.batch}, "
            mono = " or (frames,)" if self.channels == 1 and self.batch is None else ""
            raise LayoutError(
                f"this stream takes {self.dtype} blocks of shape ({batch}{self.channels}, frames){mono}, "
                f"got {x.dtype} {tuple(block.shape)}"
            )

    def _process(self, x: Samples, out: Samples | None, lanes: Lanes = ()) -> Samples:
        if out is None:
            out = np.empty_like(x)
        target = out
        if (x.shape[2] > 1 and out.strides[2] != out.itemsize) or _overlaps(x, out):
            target = np.empty_like(x)
        unclean = self._native.process(x, target, lanes)  # type: ignore[arg-type]  # dtype checked
        if target is not out:
            out[...] = target
        if unclean and not self._warned:
            self._warned = True
            warnings.warn(
                "the signal held infinities or not-a-numbers, or overflowed in an effect; they were read as "
                "silence. Check the input with numpy.isfinite.",
                NonFiniteWarning,
                stacklevel=3,
            )
        return out

    def _lanes(self, automation: Mapping[str, Any] | None, frames: int) -> Lanes:
        """Check the arrays that move parameters, and number their leaves and parameters."""
        lanes = []
        for path, values in (automation or {}).items():
            leaf, parameter = self.effect._find(path)
            array = np.atleast_2d(np.ascontiguousarray(values, dtype=np.float64))
            if array.ndim != 2 or array.shape[0] not in (1, self._items) or array.shape[1] != frames:
                batch = "" if self._items == 1 else f" or ({self._items}, {frames})"
                raise LayoutError(
                    f"automation of {path!r} needs an array of shape ({frames},){batch}, "
                    f"got {np.shape(values)}"
                )
            declared = list(_leaves(self.effect))[leaf].parameters[parameter]
            good = (array >= declared.minimum) & (array <= declared.maximum)
            if not good.all():
                declared.validate(float(array[~good][0]), f"automation of {path!r}:")
            lanes.append((leaf, parameter, array))
        return lanes

    def _silence(self, frames: int) -> Samples:
        """Feed `frames` of silence and return what comes out."""
        rest = np.zeros((self._items, self.channels, frames), self.dtype)
        for start in range(0, frames, _TAIL_BLOCK):
            block = rest[:, :, start : start + _TAIL_BLOCK]
            self._process(block, block)
        return rest

    def _run(self, x: Samples, out: Samples | None, lanes: Lanes, *, tail: bool) -> Samples:
        """A whole signal, latency compensated: as many frames as `x`, and the tail when asked for."""
        latency, frames = self.latency, x.shape[2]
        ring = 0 if not tail or math.isinf(self.tail) else int(self.tail)
        if latency == 0 and ring == 0:
            return self._process(x, out, lanes)
        whole = np.concatenate([self._process(x, None, lanes), self._silence(latency + ring)], axis=2)[
            :, :, latency:
        ]
        if out is None:
            return np.ascontiguousarray(whole[:, :, : frames + ring])
        out[...] = whole[:, :, :frames]
        return out


def _count(value: object, name: str, minimum: int, maximum: int) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and minimum <= value <= maximum:
        return int(value)
    raise ParameterError(f"{name} must be a whole number from {minimum} to {maximum}, got {value!r}")


def _overlaps(x: Samples, out: Samples) -> bool:
    """Whether writing `out` would overwrite frames of `x` that are still to be read."""
    if not np.may_share_memory(x, out):
        return False
    same = x.ctypes.data == out.ctypes.data and x.strides == out.strides
    return not same
