"""Interpolation between the samples that are there: hold, line, Catmull-Rom and Lagrange.

Output frame `m` stands at the input's time ``m * step``, exactly: `step` is a fraction, and places are
counted in integers. Each value depends on its place and on the samples round it alone, so that how the
input is cut into blocks changes nothing. Before the beginning and behind the end there is silence.

The kernels are the textbook ones: Catmull and Rom, "A class of local interpolating splines", 1974, and
Lagrange's polynomial through the five samples around the place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["KERNELS", "Interpolator", "Kernel"]

_Array = npt.NDArray[Any]

#: Frames computed at once, and the largest denominator of a step: their product stays below 2**63.
_AT_ONCE = 1 << 14
_MOST = 1 << 47


@dataclass(frozen=True)
class Kernel:
    """Which samples a value is made of, counted from the one at or before its place, and with which weights.

    `weights` gets how far behind that one the places are, from 0 up to 1, and returns one array for each.
    """

    behind: int
    ahead: int
    weights: Callable[[_Array], tuple[_Array, ...]]


def _catmull_rom(t: _Array) -> tuple[_Array, ...]:
    return (
        t * (-0.5 + t * (1.0 - 0.5 * t)),
        1.0 + t * t * (-2.5 + 1.5 * t),
        t * (0.5 + t * (2.0 - 1.5 * t)),
        t * t * (-0.5 + 0.5 * t),
    )


def _lagrange(t: _Array) -> tuple[_Array, ...]:
    a, b, c, d = t + 2, t + 1, t - 1, t - 2
    return (
        b * t * c * d / 24,
        a * t * c * d / -6,
        a * b * c * d / 4,
        a * b * t * d / -6,
        a * b * t * c / 24,
    )


KERNELS = {
    "ZeroOrderHold": Kernel(0, 0, lambda t: (np.ones_like(t),)),
    "Linear": Kernel(0, 1, lambda t: (1.0 - t, t)),
    "CatmullRom": Kernel(1, 2, _catmull_rom),
    "Lagrange": Kernel(2, 2, _lagrange),
}


class Interpolator:
    """A stream that changes its sample rate by `kernel`. It has the methods of `luthier.io.Resampler`."""

    def __init__(self, from_rate: float, to_rate: float, channels: int, kernel: Kernel) -> None:
        step = Fraction(from_rate) / Fraction(to_rate)
        if step.denominator > _MOST:
            step = step.limit_denominator(_MOST)
        self._whole, self._rest = divmod(step.numerator, step.denominator)
        self._numerator, self._denominator = step.numerator, step.denominator
        self._kernel = kernel
        self._channels = channels
        # Places repeat after as many frames as the denominator says.
        short = step.denominator <= _AT_ONCE
        self._table = self._places(0, step.denominator + _AT_ONCE) if short else None
        #: So many input frames are taken before the first output frame comes.
        self.input_latency = kernel.ahead
        self.reset()

    def length(self, frames: int) -> int:
        """How many frames come out of `frames`: the nearest whole number, halves up."""
        return (2 * frames * self._denominator + self._numerator) // (2 * self._numerator)

    def reset(self) -> None:
        """Begin anew, with silence behind."""
        self._kept = np.zeros((self._channels, self._kernel.behind), np.float32)
        self._first = -self._kernel.behind  # the input frame that _kept begins with
        self._given = 0

    def start_at(self, frame: int) -> tuple[int, int]:
        """Take up a signal in its middle: the next input frame, and the next output frame."""
        self.reset()
        first = self._place(frame) - self._kernel.behind
        if first > 0:
            self._kept = self._kept[:, :0]
            self._first = first
        self._given = frame
        return max(0, first), frame

    def process(self, samples: _Array) -> _Array:
        """Take a block, ``(channels, frames)``, and return the frames that are ready."""
        self._kept = np.concatenate((self._kept, samples), axis=1)
        taken = self._first + self._kept.shape[1]
        whole = taken - self._kernel.ahead
        ready = -(-whole * self._denominator // self._numerator) if whole > 0 else 0
        return self._take(min(ready, self.length(taken)))

    def flush(self) -> _Array:
        """Return what is still to come. Then call `reset`."""
        taken = self._first + self._kept.shape[1]
        silence = np.zeros((self._channels, self._kernel.ahead), np.float32)
        self._kept = np.concatenate((self._kept, silence), axis=1)
        return self._take(self.length(taken))

    def _place(self, frame: int) -> int:
        return frame * self._numerator // self._denominator

    def _take(self, end: int) -> _Array:
        """The outputs up to `end`, and no more of the input than those behind it need."""
        out = np.empty((self._channels, max(0, end - self._given)), np.float32)
        for at in range(0, out.shape[1], _AT_ONCE):
            part = out[:, at : at + _AT_ONCE]
            self._evaluate(self._given + at, part)
        self._given += out.shape[1]
        drop = min(self._place(self._given) - self._kernel.behind - self._first, self._kept.shape[1])
        if drop > 0:
            self._kept = self._kept[:, drop:].copy()
            self._first += drop
        return out

    def _evaluate(self, start: int, out: _Array) -> None:
        frames = out.shape[1]
        place = self._place(start) - self._first - self._kernel.behind
        if self._table is None:
            left, weights = self._places(start * self._numerator % self._denominator, frames)
        else:
            row = start % self._denominator
            left = self._table[0][row : row + frames] - self._table[0][row]
            weights = tuple(weight[row : row + frames] for weight in self._table[1])
        taps = np.empty(out.shape, np.float32)
        sums, products = np.empty(out.shape), np.empty(out.shape)
        for tap, weight in enumerate(weights):
            # Every place is inside: clipping is what makes it fast.
            np.take(self._kept, left + (place + tap), axis=1, out=taps, mode="clip")
            np.multiply(taps, weight, out=products if tap else sums)
            if tap:
                sums += products
        out[...] = sums

    def _places(self, rest: int, frames: int) -> tuple[_Array, tuple[_Array, ...]]:
        """How far the samples to the left of `frames` places are from the first one, and the weights.

        `rest` is how far the first place is behind its sample, in parts of the step's denominator.
        """
        steps = np.arange(frames, dtype=np.int64)
        carried = rest + steps * self._rest
        over = carried // self._denominator
        behind = (carried - over * self._denominator) / self._denominator
        return steps * self._whole + over, self._kernel.weights(behind)
