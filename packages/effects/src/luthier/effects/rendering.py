"""Effects that are written in Python: what a class has to bring, and how the engine calls it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, ParameterError, StreamError
from luthier.effects.parameter import Parameter, shown

if TYPE_CHECKING:
    from luthier.effects.effect import Effect

__all__ = ["Spec", "Values"]

#: The engine's grid, and a bound on what a typing error may allocate.
_GROUP, _MOST_FRAMES = 16, 1 << 20

#: Frames of a block where a class does not say.
_FRAMES = 1024


@dataclass(frozen=True)
class Spec:
    """What an effect written in Python gets to know before its first block.

    Attributes
    ----------
    sample_rate : float
        Frames a second.
    channels : int
        Rows of every block.
    dtype : numpy.dtype
        float32 or float64, of every block.
    offline : bool
        Whether this is a call on a whole signal, not a stream.
    """

    sample_rate: float
    channels: int
    dtype: np.dtype[Any]
    offline: bool = False


class Values:
    """What moves along with a block, by the names that the effect declared.

    A parameter is an array ``(frames,)`` of float64, one value for each frame of the block: a plain number of
    the user's stands there `frames` times, a curve or an assignment on its way as it goes. A `signal` is the
    block that came from it, ``(channels, frames)``; where the user named none, the effect's own input.
    """

    def __init__(self, **arrays: npt.NDArray[Any]) -> None:
        self.__dict__.update(arrays)

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        known = ", ".join(self.__dict__) or "none"
        raise AttributeError(f"no values of {name!r} came with the block; there are: {known}")

    def __repr__(self) -> str:
        return f"Values({', '.join(self.__dict__)})"


class Renderer:
    """An effect of an item of a stream; the engine fills `input`, `key` and `values`, and reads `output`."""

    def __init__(
        self, effect: Effect, sample_rate: float, channels: int, dtype: str, key_channels: int, offline: bool
    ) -> None:
        self._name = type(effect).__name__
        self._spec = Spec(sample_rate, channels, np.dtype(dtype), offline)
        self._parameters = tuple(p.name for p in effect.parameters)
        self._signal = next((o.name for o in effect.options if o.kind == "signal"), None)
        self._whole = effect
        # Its parameters move: who reads them here is told where they are (Parameter.__get__).
        self._effect = effect.copy()
        for name in self._parameters:
            del self._effect.__dict__[name]
        self.causal = bool(getattr(effect, "causal", False))
        self.frames = self._block_frames()
        own = self._whole_number("latency", self._hook(self._effect, "latency", 0), _MOST_FRAMES)
        self.latency = own if self.causal else own + self.frames
        self.input = np.zeros((channels, self.frames), dtype)
        self.output = np.zeros_like(self.input)
        self.key = np.zeros((0 if self._signal is None else key_channels, self.frames), dtype)
        self.values = np.zeros((len(self._parameters), self.frames))
        self._before = self._after = self._start()

    def _block_frames(self) -> int:
        frames = self._hook(self._effect, "block_frames", _FRAMES)
        count = self._whole_number("block_frames", frames, _MOST_FRAMES)
        if count < _GROUP or count % _GROUP:
            raise ParameterError(
                f"{self._name}.block_frames must be a multiple of {_GROUP} from {_GROUP} to {_MOST_FRAMES}, "
                f"got {shown(frames)}"
            )
        return count

    def _hook(self, effect: Effect, name: str, default: Any) -> Any:
        """What the class says: a number, or a method of the spec."""
        said = getattr(effect, name, default)
        return said(self._spec) if callable(said) else said

    def _whole_number(self, name: str, value: Any, most: int) -> int:
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= value <= most:
            return int(value)
        raise ParameterError(f"{self._name}.{name} must be a whole number of frames, got {shown(value)}")

    def _start(self) -> Any:
        start = getattr(self._effect, "start", None)
        return None if start is None else start(self._spec)

    def render(self, given: int, first: bool, restart: bool) -> None:
        """Fill `output`. Of a causal effect's block, `given` frames are out already."""
        if restart:
            self._before = self._after = self._start()
        if self.causal and first:
            self._before = self._after
        state = copy.deepcopy(self._before) if self.causal else self._before
        moving = dict(zip(self._parameters, self.values.copy(), strict=True))
        if self._signal is not None:
            moving[self._signal] = self.key.copy()
        # Copies all, which the effect may change, keep and give back.
        made = self._effect.render(self.input.copy(), Values(**moving), state)  # type: ignore[attr-defined]
        samples = self._check(made)
        if self.causal:
            self._after = state
            if not np.array_equal(samples[:, :given], self.output[:, :given]):
                raise StreamError(
                    f"{self._name} declares causal = True, but samples that it had given changed when later "
                    "ones came; without it blocks are rendered when they are complete"
                )
        self.output[...] = samples

    def _check(self, made: Any) -> npt.NDArray[Any]:
        what = f"of shape {self.input.shape} and of float32 or float64"
        if not isinstance(made, np.ndarray):
            raise LayoutError(
                f"{self._name}.render must return an array {what}, got {type(made).__name__}"
                + ("; end it with `return block`" if made is None else "")
            )
        if made.shape != self.input.shape or made.dtype not in (np.float32, np.float64):
            raise LayoutError(
                f"{self._name}.render must return an array {what}, got {made.shape} of {made.dtype}"
            )
        return made.astype(self._spec.dtype)

    def tail(self, values: Sequence[float]) -> float:
        """Frames that ring on, with these parameters."""
        return self._estimate("tail", values, 0)

    def gain(self, values: Sequence[float]) -> float:
        """The most that it amplifies, with these parameters."""
        return self._estimate("gain", values, 1)

    def _estimate(self, name: str, values: Sequence[float], default: float) -> float:
        effect = self._whole.copy()
        effect.__dict__.update(zip(self._parameters, values, strict=True))
        said = self._hook(effect, name, default)
        if isinstance(said, (int, float, np.number)) and not isinstance(said, bool) and said >= 0:
            return float(said)
        raise ParameterError(f"{self._name}.{name} must be a number, 0 or more, got {shown(said)}")


def check_class(cls: type[Effect]) -> None:
    """Refuse a class that could not be rendered, where it is defined."""
    render = getattr(cls, "render", None)
    try:
        inspect.signature(render).bind(None, None, None, None)  # type: ignore[arg-type]
    except TypeError as error:
        raise TypeError(f"{cls.__name__}.render must take (self, block, values, state): {error}") from None
    for name in ("start", "render"):
        hook = getattr(cls, name, None)
        if hook is not None and not callable(hook):
            raise TypeError(f"{cls.__name__}.{name} must be a method")
    for name in ("start", "render", "block_frames", "causal", "latency", "tail", "gain"):
        if isinstance(getattr(cls, name, None), Parameter):
            raise TypeError(f"{cls.__name__}.{name} cannot be a parameter: it is what the engine asks for")
