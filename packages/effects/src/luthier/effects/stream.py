"""A stream: sound in blocks through effects, with state kept between them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, NonFiniteWarning, ParameterError, StreamError
from luthier.core.arrays import (
    MOST_CHANNELS,
    Borrowed,
    Layout,
    Samples,
    borrow,
    borrow_out,
    check_sample_rate,
)
from luthier.effects import _native
from luthier.effects.effect import MAXIMUM_DEPTH, Effect, Link, Plan, _depth, _leaves, _walk, check_items
from luthier.effects.parameter import shown

__all__ = ["Stream"]

#: Leaf, parameter, and (batch or 1, frames) values of each automated parameter.
Lanes = Sequence[tuple[int, int, npt.NDArray[np.float64]]]

#: A bound on what a typing error may allocate: channels times the items of a batch.
_MAXIMUM_SIGNALS = 1 << 20

#: Frames of silence that a tail is computed in at once.
_TAIL_BLOCK = 1 << 16


class Stream:
    """The running state of an effect. Made by `Effect.stream`.

    Cutting the input differently never changes the output: any blocks give the samples of one call, bit
    for bit. A stream belongs to one thread at a time.

    `effect` is the stream's own copy of the effect. Assigning to its parameters moves the running sound
    there in 20 ms, from the next 16-frame boundary on; the effect that the stream was made from stays apart.

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

    __slots__ = (
        "_batch", "_channels", "_dtype", "_effect", "_ended", "_inputs", "_items", "_layout", "_native",
        "_ndim", "_plain", "_sample_rate", "_unclean", "_warned",
    )  # fmt: skip

    def __init__(
        self,
        effect: Effect | Sequence[Effect],
        sample_rate: float,
        channels: int,
        *,
        batch: int | None,
        dtype: Any,
        layout: Layout = "channels_first",
        inputs: Mapping[str, int] | None = None,
        _offline: bool = False,
    ) -> None:
        self._sample_rate = check_sample_rate(sample_rate)
        self._channels = _count(channels, "channels", 0, MOST_CHANNELS)
        self._batch = None if batch is None else _count(batch, "batch", 0, _MAXIMUM_SIGNALS)
        self._items = 1 if self._batch is None else self._batch
        if self._items * self._channels > _MAXIMUM_SIGNALS:
            raise ParameterError(
                f"batch times channels must be at most {_MAXIMUM_SIGNALS}, "
                f"got {self._items} x {self._channels}"
            )
        try:
            self._dtype = np.dtype("O" if dtype is None else dtype)
        except TypeError as error:
            raise LayoutError(f"dtype must be 'float32' or 'float64', got {dtype!r}") from error
        if self._dtype not in (np.float32, np.float64):
            raise LayoutError(f"dtype must be 'float32' or 'float64', got {self._dtype}")
        if layout not in ("channels_first", "frames_first"):
            raise LayoutError(f"layout must be 'channels_first' or 'frames_first', got {layout!r}")
        self._layout: Layout = layout
        self._ndim = 2 if self._batch is None else 3
        self._ended = self._unclean = self._warned = False
        self._plain = layout == "channels_first"
        native = _native.Stream32 if self._dtype == np.float32 else _native.Stream64
        # One for all items of a batch, or one for each of them.
        effects = (effect,) if isinstance(effect, Effect) else tuple(effect)
        self._inputs = self._check_inputs(effects, inputs)
        for one in effects:
            _check_items(one, self._batch if isinstance(effect, Effect) else None)
            for leaf in _leaves(one):
                leaf._fit(self._channels)
        copies = tuple(one.copy() for one in effects)
        self._effect: Any = copies[0] if isinstance(effect, Effect) else copies
        names = tuple(self._inputs)
        self._native = native(
            tuple(one._plan(names) for one in copies) or (_NOTHING,),
            self._sample_rate,
            self._channels,
            self._items,
            list(self._inputs.values()),
            _offline,
        )
        if isinstance(effect, Effect):
            copies[0]._attach(Link(self._native, names, 0, self._batch))

    def _check_inputs(self, effects: Sequence[Effect], given: Mapping[str, int] | None) -> dict[str, int]:
        """Return the channels of each signal that the effects listen to, in the order of their numbers."""
        needed = listened(effects)
        given = {} if given is None else given
        if not isinstance(given, Mapping):
            raise ParameterError(
                f"inputs must be a mapping of names to channels, {{'key': 1}}, got {shown(given)}"
            )
        for name in given:
            if name not in needed:
                raise ParameterError(f"no effect listens to {name!r}; they listen to {needed or 'nothing'}")
        return {
            name: _count(given.get(name, self._channels), f"channels of {name!r}", 0, MOST_CHANNELS)
            for name in needed
        }

    @property
    def effect(self) -> Any:
        """The stream's own copy of the effect; assign to its parameters."""
        return self._effect

    @property
    def sample_rate(self) -> float:
        """Frames a second."""
        return self._sample_rate

    @property
    def channels(self) -> int:
        """Channels of every block."""
        return self._channels

    @property
    def batch(self) -> int | None:
        """Items of every block, or None when blocks have no batch axis."""
        return self._batch

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of every block."""
        return self._dtype

    @property
    def layout(self) -> Layout:
        """Whether channels or frames come first in a block."""
        return self._layout

    def __reduce__(self) -> Any:
        raise StreamError("a running stream cannot be copied or pickled; copy or pickle its effect")

    def __repr__(self) -> str:
        batch = "" if self.batch is None else f", batch={self.batch}"
        return (
            f"<Stream of {self.effect!r}, sample_rate={self.sample_rate:g}, channels={self.channels}"
            f"{batch}, dtype={self.dtype}>"
        )

    @property
    def inputs(self) -> dict[str, int]:
        """The other signals that the effects listen to, and their channels."""
        return dict(self._inputs)

    @property
    def latency(self) -> int:
        """Frames by which the output lags behind the input; the most where each item has its own effect."""
        apart = self._items if isinstance(self._effect, tuple) else 1
        return max(self._native.latency(item) for item in range(max(apart, 1)))

    @property
    def gain_reduction_db(self) -> Any:
        """Decibels by which the dynamics effects turn the last frame down, all together: a float, or an array
        ``(batch,)``.
        """
        reductions = np.array([sum(self._native.reductions_db(item)) for item in range(self._items)])
        return float(reductions[0]) if self._batch is None else reductions

    @property
    def tail(self) -> float:
        """Frames until a full-scale impulse has fallen below -120 dBFS, at most 60 s; an `int`, or
        `math.inf` for an effect that never ends.
        """
        tail = self._native.tail
        return math.inf if math.isinf(tail) else min(math.ceil(tail), math.ceil(60 * self.sample_rate))

    def process(
        self,
        block: Any,
        *,
        out: Any = None,
        automation: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> Any:
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
        inputs
            The same frames of the other signals that the effects listen to: ``{"key": array}``.

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
        if type(block) is np.ndarray and automation is None and inputs is None and self._plain:
            # The common case without the ceremony, which would cost more than the sound of a small block.
            target = np.empty(block.shape, block.dtype) if out is None else out
            unclean = self._native.process_plain(block, target, self._ndim)
            if unclean >= 0:
                if unclean:
                    self._unclean = True
                    self._warn()
                return target
        self._running()
        borrowed = borrow(block, layout=self._layout, name="block")
        self._check(borrowed, block)
        x = borrowed.array
        target = None if out is None else borrow_out(out, borrowed, x.shape)
        keys = self._keys(inputs, borrowed)
        y = self._process(x, target, self._lanes(automation, x.shape[2]), keys)
        self._ndim = borrowed.ndim
        self._warn()
        return borrowed.give(y) if out is None else out

    def flush(self) -> Any:
        """End the stream and return the frames that are still in it: `latency` + `tail` of them.

        An endless effect (`tail` is infinite) gives `latency` frames.

        Returns
        -------
        numpy.ndarray
            In the dimensions and the layout of the blocks: ``(channels, frames)``, ``(frames,)`` when the
            last block of a stream with one channel was that, or ``(batch, channels, frames)``.
        """
        self._running()
        rest = self._silence(self.latency + (0 if math.isinf(self.tail) else int(self.tail)))
        self._ended = True
        self._plain = False
        self._warn()
        return Borrowed(rest, self._ndim, self._layout, "numpy").give(rest)

    def reset(self) -> None:
        """Start anew: silence behind, parameters at their present values, no ramp."""
        self._native.reset()
        self._ended = self._unclean = self._warned = False
        self._plain = self._layout == "channels_first"

    def _running(self) -> None:
        if self._ended:
            raise StreamError("the stream has ended with flush(); call reset() to start anew")

    def _check(self, borrowed: Borrowed, block: Any) -> None:
        x = borrowed.array
        fits = x.shape[:2] == (self._items, self.channels) and (borrowed.ndim == 3) == (
            self.batch is not None
        )
        if not fits or x.dtype != self.dtype:
            shape = (
                f"frames, {self.channels}" if self._layout == "frames_first" else f"{self.channels}, frames"
            )
            batch = "" if self.batch is None else f"{self.batch}, "
            mono = " or (frames,)" if self.channels == 1 and self.batch is None else ""
            raise LayoutError(
                f"this stream takes {self.dtype} blocks of shape ({batch}{shape}){mono}, "
                f"got {x.dtype} {tuple(block.shape)}"
            )

    def _keys(self, given: Mapping[str, Any] | None, block: Borrowed) -> tuple[Samples, ...]:
        """Check the blocks of the other signals, and bring them into the order of their numbers."""
        keys = borrow_inputs(tuple(self._inputs), given, block, self._layout)
        for name, key in keys.items():
            if key.shape[1] != self._inputs[name]:
                raise LayoutError(
                    f"this stream's input {name!r} has {self._inputs[name]} channels, got {key.shape[1]}; "
                    f"start it with inputs={{{name!r}: {key.shape[1]}}}"
                )
        return tuple(keys.values())

    def _process(
        self, x: Samples, out: Samples | None, lanes: Lanes = (), keys: Sequence[Samples] = ()
    ) -> Samples:
        if out is None:
            out = np.empty_like(x)
        target = out
        clash = _overlaps(x, out) or any(np.may_share_memory(key, out) for key in keys)
        if clash or (x.shape[2] > 1 and out.strides[2] != out.itemsize):
            target = np.empty(x.shape, x.dtype)
        if not keys and self._inputs:
            keys = [np.zeros((self._items, n, x.shape[2]), self._dtype) for n in self._inputs.values()]
        unclean = self._native.process(x, target, lanes, keys)  # type: ignore[arg-type]  # dtype checked
        if target is not out:
            out[...] = target
        self._unclean |= unclean
        return out

    def _warn(self) -> None:
        """Warn the caller of the calling method, once, of what was not finite."""
        if self._unclean and not self._warned:
            self._warned = True
            warnings.warn(
                "the signal held infinities or not-a-numbers, or overflowed in an effect; they were read as "
                "silence. Check the input with numpy.isfinite.",
                NonFiniteWarning,
                stacklevel=3,
            )

    def _lanes(self, automation: Mapping[str, Any] | None, frames: int) -> Lanes:
        """Check the arrays that move parameters, and number their leaves and parameters."""
        if automation is not None and not isinstance(automation, Mapping):
            raise ParameterError(
                f"automation must be a mapping such as {{'0.gain_db': array}}, got {shown(automation)}"
            )
        lanes = []
        for path, values in (automation or {}).items():
            leaf, parameter = self.effect._find(path)
            try:
                # A copy, for `out` may be the caller's very array.
                array = np.atleast_2d(np.array(values, dtype=np.float64, order="C"))
            except (TypeError, ValueError) as error:
                raise LayoutError(f"automation of {path!r} needs an array of numbers: {error}") from error
            if array.ndim != 2 or array.shape[0] not in (1, self._items) or array.shape[1] != frames:
                batch = "" if self._items == 1 else f" or ({self._items}, {frames})"
                raise LayoutError(
                    f"automation of {path!r} needs an array of shape ({frames},){batch}, "
                    f"got {np.shape(values)}"
                )
            effect = list(_leaves(self.effect))[leaf]
            declared = effect.parameters[parameter]
            good = (array >= declared.minimum) & (array <= declared.maximum)
            if not good.all():
                try:
                    declared.validate(float(array[~good][0]), type(effect).__name__)
                except ParameterError as error:
                    raise ParameterError(f"automation of {path!r}: {error}") from None
            lanes.append((leaf, parameter, array))
        return lanes

    def _silence(self, frames: int) -> Samples:
        """Feed `frames` of silence and return what comes out."""
        rest = np.zeros((self._items, self.channels, frames), self.dtype)
        for start in range(0, frames, _TAIL_BLOCK):
            block = rest[:, :, start : start + _TAIL_BLOCK]
            self._process(block, block)
        return rest

    def _run(
        self, x: Samples, out: Samples | None, lanes: Lanes, keys: Sequence[Samples], *, tail: bool
    ) -> Samples:
        """A whole signal, latency compensated: as many frames as `x`, and the tail when asked for."""
        latency, frames = self.latency, x.shape[2]
        if latency == 0 and not tail:
            return self._process(x, out, lanes, keys)

        def feed(start: int, stop: int, to: Samples | None) -> None:
            cut = [(leaf, parameter, values[:, start:stop]) for leaf, parameter, values in lanes]
            self._process(x[:, :, start:stop], to, cut, [key[:, :, start:stop] for key in keys])

        # What comes out first is of before the signal, and nobody hears it.
        lead = min(latency, frames)
        feed(0, lead, None)
        if out is None:
            out = np.empty((*x.shape[:2], frames), x.dtype)
        feed(lead, frames, out[:, :, : frames - lead])
        if latency > lead:
            self._silence(latency - lead)
        # The tail of where the parameters are now.
        ring = int(self.tail) if tail and not math.isinf(self.tail) else 0
        rest = self._silence(lead + ring)
        out[:, :, frames - lead :] = rest[:, :, :lead]
        return np.concatenate([out, rest[:, :, lead:]], axis=2) if tail else out

    def _run_each(self, x: Samples, out: Samples | None, keys: Sequence[Samples]) -> Samples:
        """A whole batch through effects of different latencies, each compensated."""
        latencies = [self._native.latency(item) for item in range(self._items)]
        if len(set(latencies)) <= 1:
            return self._run(x, out, (), keys, tail=False)
        y = self._process(x, None, (), keys)
        rest = self._silence(self.latency)
        if out is None:
            out = np.empty_like(y)
        frames = x.shape[2]
        for item, latency in enumerate(latencies):
            whole = np.concatenate([y[item], rest[item]], axis=1)
            out[item] = whole[:, latency : latency + frames]
        return out


#: The plan of an effect that changes nothing.
_NOTHING = Plan("chain")


def listened(effects: Sequence[Effect]) -> tuple[str, ...]:
    """The names of the other signals that the effects listen to, in the order of their numbers."""
    names: dict[str, None] = {}
    for effect in effects:
        if _depth(effect) > MAXIMUM_DEPTH:
            raise ParameterError(f"effects are nested more than {MAXIMUM_DEPTH} deep, or one holds itself")
        names.update(dict.fromkeys(name for one in _walk(effect) for name in one._signals()))
    return tuple(names)


def borrow_inputs(
    needed: Sequence[str], given: Mapping[str, Any] | None, main: Borrowed, layout: Layout
) -> dict[str, Samples]:
    """Check the other signals against the samples that they come with; in the order of their numbers."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise ParameterError(f"inputs must be a mapping such as {{'key': array}}, got {shown(given)}")
    if set(given) != set(needed):
        missing = [name for name in needed if name not in given]
        extra = [name for name in given if name not in needed]
        raise ParameterError(
            f"the effects listen to {', '.join(map(repr, needed)) or 'no other signals'}"
            + (f"; inputs lacks {', '.join(map(repr, missing))}" if missing else "")
            + (f"; inputs has {', '.join(map(repr, extra))}" if extra else "")
        )
    keys = {}
    for name in needed:
        key = borrow(given[name], layout=layout, name=f"inputs[{name!r}]").array
        x = main.array
        if (key.shape[0], key.shape[2]) != (x.shape[0], x.shape[2]) or key.dtype != x.dtype:
            raise LayoutError(
                f"inputs[{name!r}] must have the batch, the frames and the dtype of the samples: "
                f"{x.shape[0]} x {x.shape[2]} of {x.dtype}, "
                f"got {key.shape[0]} x {key.shape[2]} of {key.dtype}"
            )
        keys[name] = key
    return keys


def _check_items(effect: Effect, batch: int | None) -> None:
    for one in _walk(effect):
        for parameter in one.parameters:
            check_items(type(one), parameter, getattr(one, parameter.name), batch)


def _count(value: object, name: str, minimum: int, maximum: int) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and minimum <= value <= maximum:
        return int(value)
    raise ParameterError(f"{name} must be a whole number from {minimum} to {maximum}, got {value!r}")


def _overlaps(x: Samples, out: Samples) -> bool:
    """Whether writing `out` would overwrite frames of `x` that are still to be read."""
    if not np.may_share_memory(x, out):
        return False
    # The stride of an axis of length 1 means nothing.
    strides = [(a, b) for a, b, n in zip(x.strides, out.strides, x.shape, strict=True) if n > 1]
    if any(a != b for a, b in strides):
        return True
    # Frames are read before the same or earlier ones are written. Rows must not reach into one another.
    ahead = x.ctypes.data - out.ctypes.data
    row = x.shape[2] * x.itemsize + ahead
    apart = all(n == 1 or a >= row for a, n in zip(x.strides[:2], x.shape[:2], strict=True))
    return ahead < 0 or (ahead > 0 and not apart)
