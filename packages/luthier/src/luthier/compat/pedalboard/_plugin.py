"""`Plugin`: a value that holds its own running sound, as pedalboard's plugins do.

Each plugin has a stream of its own, which lasts until a call with ``reset=True``, a `reset`, or another
sample rate or number of channels. A container runs its plugins' streams one after the other, so that a plugin
keeps its sound whatever is put beside it.

What a latent plugin has not given yet comes with later calls: blocks shrink by the latency once, at their
start.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
import numpy.typing as npt

import luthier.effects as fx
from luthier.compat.pedalboard._knobs import Knob, incompatible
from luthier.compat.pedalboard._process import process_samples
from luthier.core import StreamError

if TYPE_CHECKING:
    Samples = npt.NDArray[np.float32]

__all__ = ["OwnStream", "Plugin"]


class OwnStream:
    """Base of streams that are not those of `luthier.effects`: what they give is in time, and may be less."""

    latency = 0

    def process(self, samples: Samples, *, out: Samples | None = None) -> Samples:
        """Take frames, which may be overwritten, and give what is ready, at most as many."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget all."""
        raise NotImplementedError

    def push(self) -> int:
        """So many frames of silence bring out all that came before."""
        raise NotImplementedError


class Plugin:
    """Base of all plugins; not for use by itself.

    A subclass declares its knobs and says in `_effect` which effect of `luthier.effects` they make, or it has
    other sound and does what is below "what subclasses replace".
    """

    _knobs: ClassVar[dict[str, Knob]] = {}
    #: The name in the repr, where that is not the class's.
    _shown: ClassVar[str | None] = None
    #: Whether a class has no sound of its own; only what a class itself says counts.
    _abstract: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Knob)}
        cls._knobs = {**{name: knob for name, knob in cls._knobs.items() if name not in own}, **own}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        ours = self._ours()
        if vars(ours).get("_abstract", False):
            raise TypeError(
                f"{ours.__name__} is an abstract base class - don't instantiate this directly, "
                "use its subclasses instead."
            )
        self.__dict__.update(
            _lock=threading.RLock(),
            _layout=None,  # of the call before: whether channels come last, and how many
            _format=None,  # of the stream that runs: its sample rate, and its channels
            _stream=None,
            _lead=0,  # frames that the stream still owes, at its start
            _values=self._read(args, kwargs),
        )

    if TYPE_CHECKING:
        _lock: threading.RLock
        _layout: tuple[bool, int] | None
        _format: tuple[float, int] | None
        _stream: fx.Stream | OwnStream | None
        _lead: int
        _values: dict[str, Any]

    def _ours(self) -> type[Plugin]:
        """Return the class of this package that it is."""
        return next(cls for cls in type(self).__mro__ if cls.__module__.startswith(__package__))

    def _read(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the settings that a constructor's arguments make."""
        knobs = self._knobs
        given = dict(zip(knobs, args, strict=False))
        wrong = (
            len(args) > len(knobs) or not kwargs.keys() <= knobs.keys() or bool(given.keys() & kwargs.keys())
        )
        given.update(kwargs)
        if not wrong:
            with contextlib.suppress(TypeError):
                return {name: knob.convert(given.get(name, knob.default)) for name, knob in knobs.items()}
        arguments = ", ".join(knob.signature() for knob in knobs.values())
        raise self._wrong_arguments(f"({arguments})", args, kwargs)

    def _wrong_arguments(self, accepted: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
        shown = ", ".join(map(repr, args))
        if kwargs:
            named = ", ".join(f"{name}={value!r}" for name, value in kwargs.items())
            shown += f"{'; ' if shown else ''}kwargs: {named}"
        return incompatible("__init__", f"pedalboard_native.{self._ours().__name__}{accepted}", shown)

    # ---- the public face ----

    def __call__(
        self, input_array: Any, sample_rate: float, buffer_size: int = 8192, reset: bool = True
    ) -> Samples:
        """See `process`."""
        return process_samples(self, "__call__", input_array, sample_rate, buffer_size, reset)

    def process(
        self, input_array: Any, sample_rate: float, buffer_size: int = 8192, reset: bool = True
    ) -> Samples:
        """Process a signal, or the next part of one.

        Parameters
        ----------
        input_array
            ``(frames,)``, ``(channels, frames)`` or ``(frames, channels)``, float32 or float64. The longer
            axis is taken for time, unless the other layout goes on with the channels of the call before.
        sample_rate
            Frames a second.
        buffer_size
            Accepted, and without effect: the result never depends on it.
        reset
            Forget what came before, and give as many frames as came. Without it the sound goes on; a plugin
            with latency then gives fewer frames at first.

        Returns
        -------
        numpy.ndarray
            float32, in the layout of `input_array`.
        """
        return process_samples(self, "process", input_array, sample_rate, buffer_size, reset)

    def reset(self) -> None:
        """Forget the sound so far."""
        with self._locked():
            self._forget()

    @property
    def is_effect(self) -> bool:
        """True: it takes sound in."""
        return True

    @property
    def is_instrument(self) -> bool:
        """False: it does not take notes in."""
        return False

    def __setattr__(self, name: str, value: object) -> None:
        known = name in self.__dict__ or hasattr(type(self), name)
        if not known and type(self).__module__.startswith(__package__):
            owner = f"pedalboard_native.{type(self).__name__}"
            raise AttributeError(f"{owner!r} object has no attribute {name!r}")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<pedalboard.{self._shown or type(self).__name__}{self._settings()} at {hex(id(self))}>"

    def _settings(self) -> str:
        shown = ((name, knob) for name, knob in self._knobs.items() if knob.shown)
        return "".join(f" {name}={knob.text(self._values[name])}" for name, knob in shown)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"cannot pickle 'pedalboard_native.{type(self).__name__}' object")

    # ---- what containers use ----

    def _parts(self) -> Iterator[Plugin]:
        """Yield this plugin and all in it."""
        yield self

    def _locked(self) -> contextlib.AbstractContextManager[Any]:
        """Hold this plugin and all in it for this thread."""
        return self._lock

    def _start(self, sample_rate: float, channels: int) -> None:
        """Make sure that there is a stream for this format, with the present settings."""
        if self._format != (sample_rate, channels):
            self._open(sample_rate, channels)
            self._format = (sample_rate, channels)

    # ---- what subclasses replace ----

    def _effect(self, sample_rate: float) -> fx.Effect:
        """Return the effect that the present settings make."""
        raise NotImplementedError

    def _open(self, sample_rate: float, channels: int) -> None:
        """Start a stream."""
        self._stream = self._effect(sample_rate).stream(sample_rate, channels)
        self._lead = self._stream.latency

    def _forget(self) -> None:
        """Silence behind, and the latency ahead."""
        if self._stream is not None:
            self._stream.reset()
            self._lead = self._stream.latency

    def _latency(self) -> int:
        """So many frames of silence bring out all that the present stream holds back."""
        if isinstance(self._stream, OwnStream):
            return self._stream.push()
        return 0 if self._stream is None else self._stream.latency

    def _feed(self, block: Samples) -> Samples:
        """Process ``(channels, frames)``, which may be overwritten; gives at most as many frames."""
        assert self._stream is not None
        wet: Samples = self._stream.process(block, out=block)
        if not self._lead:
            return wet
        held = min(self._lead, wet.shape[1])
        self._lead -= held
        return wet[:, held:]

    def _set(self, name: str, value: Any) -> None:
        """Take a setting, into the running stream if that can be."""
        with self._lock:
            before = self._values[name]
            self._values[name] = value
            if self._format is not None and before != value:
                self._changed(*self._format)

    def _changed(self, sample_rate: float, channels: int) -> None:
        del channels
        if isinstance(self._stream, fx.Stream):
            try:
                _assign(self._stream.effect, self._effect(sample_rate))
            except StreamError:
                pass
            else:
                return
        # A change that no running stream can make: the next block starts another.
        self._format = self._stream = None


def _assign(running: fx.Effect, wanted: fx.Effect) -> None:
    """Bring a running effect to what another one of the same structure is."""
    mine, theirs = running._children(), wanted._children()
    if type(running) is not type(wanted) or len(mine) != len(theirs):
        raise StreamError("another structure")
    for a, b in zip(mine, theirs, strict=True):
        _assign(a, b)
    for field in running._fields:
        value = getattr(wanted, field.name)
        if not np.array_equal(getattr(running, field.name), value):
            setattr(running, field.name, value)
