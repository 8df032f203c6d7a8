"""Values that move by themselves: curves and oscillators in place of a parameter's number."""

from __future__ import annotations

import itertools
import numbers
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from luthier.core import ParameterError

__all__ = ["LFO", "Curve"]

_GREATEST = sys.float_info.max
_CURVE_SHAPES = ("linear", "hold")
_LFO_SHAPES = ("sine", "triangle", "square", "sawtooth")


@dataclass(frozen=True, init=False)
class Curve:
    """A parameter's way through points in time.

    Stands in place of a number: ``Gain(gain_db=Curve([0, 2], [-40, 0]))`` fades in over two seconds. Before
    the first point it has the first value, after the last point the last.

    Parameters
    ----------
    times_s : sequence of float
        Seconds from the stream's first frame, increasing.
    values : sequence of float
        The parameter's values at these times, in its unit and range.
    shape : {"linear", "hold"}
        Straight lines from point to point on the parameter's own scale (decibels as they are, hertz and
        milliseconds logarithmically), or each value held until the next, with steps that take 20 ms.

    Raises
    ------
    ParameterError
        When the lists differ in length, are empty, or the times do not increase.
    """

    times_s: tuple[float, ...]
    values: tuple[float, ...]
    shape: Literal["linear", "hold"]

    def __init__(
        self, times_s: Sequence[float], values: Sequence[float], shape: Literal["linear", "hold"] = "linear"
    ) -> None:
        times, points = _floats(times_s, "times_s"), _floats(values, "values")
        if not times or len(times) != len(points):
            raise ParameterError(
                "a Curve needs as many times_s as values, and at least one: "
                f"got {len(times)} and {len(points)}"
            )
        if times[0] < 0 or any(b <= a for a, b in itertools.pairwise(times)):
            raise ParameterError(f"a Curve's times_s must increase from 0 or later, got {list(times)}")
        if shape not in _CURVE_SHAPES:
            raise ParameterError(f"a Curve's shape must be one of {_CURVE_SHAPES}, got {shape!r}")
        object.__setattr__(self, "times_s", times)
        object.__setattr__(self, "values", points)
        object.__setattr__(self, "shape", shape)

    def _native(self) -> tuple[Any, ...]:
        return "curve", self.times_s, self.values, self.shape

    def _extent(self) -> tuple[float, float]:
        return min(self.values), max(self.values)

    def _data(self) -> dict[str, Any]:
        return {"curve": {"times_s": list(self.times_s), "values": list(self.values), "shape": self.shape}}


@dataclass(frozen=True)
class LFO:
    """A parameter that swings: a low-frequency oscillator.

    Stands in place of a number: ``PeakFilter(cutoff_hz=LFO(0.5, 300, 3000), gain_db=12, q=4)``.

    Parameters
    ----------
    rate_hz : float
        Swings a second, 0.0001 to 100.
    minimum, maximum : float
        The ends of the swing, in the parameter's unit and range. It swings on the parameter's own scale:
        hertz and milliseconds logarithmically.
    shape : {"sine", "triangle", "square", "sawtooth"}
        The edges of a square or sawtooth take 20 ms, or a quarter of the swing when that is shorter.
    phase : float
        Where the swing is at the stream's first frame, in turns. At 0 a sine is in the middle and rises,
        a triangle and a sawtooth are at the minimum, a square leaves it.
    """

    rate_hz: float
    minimum: float
    maximum: float
    shape: Literal["sine", "triangle", "square", "sawtooth"] = "sine"
    phase: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rate_hz", "minimum", "maximum", "phase"):
            (value,) = _floats([getattr(self, name)], name)
            object.__setattr__(self, name, value)
        if not 1e-4 <= self.rate_hz <= 100:
            raise ParameterError(f"an LFO's rate_hz must be from 0.0001 to 100, got {self.rate_hz!r}")
        if self.minimum > self.maximum:
            raise ParameterError(
                f"an LFO's minimum must not be above its maximum, got {self.minimum!r} and {self.maximum!r}; "
                "half a turn of phase turns the swing round"
            )
        if self.shape not in _LFO_SHAPES:
            raise ParameterError(f"an LFO's shape must be one of {_LFO_SHAPES}, got {self.shape!r}")
        if abs(self.phase) > 1e6:
            raise ParameterError(f"an LFO's phase is in turns, at most 1e6; got {self.phase!r}")

    def _native(self) -> tuple[Any, ...]:
        return "lfo", self.rate_hz, self.minimum, self.maximum, self.shape, self.phase

    def _extent(self) -> tuple[float, float]:
        return self.minimum, self.maximum

    def _data(self) -> dict[str, Any]:
        return {"lfo": asdict(self)}


def from_data(value: Any) -> Any:
    """Turn what `Curve._data` and `LFO._data` wrote back into them; numbers pass."""
    if not isinstance(value, Mapping):
        return value
    for kind, cls in (("curve", Curve), ("lfo", LFO)):
        if value.keys() == {kind}:
            try:
                return cls(**value[kind])
            except TypeError as error:
                raise ParameterError(f"a {kind!r} cannot be made of {value[kind]!r}: {error}") from error
    raise ParameterError(f"a value must be a number, a 'curve' or an 'lfo', got {dict(value)!r}")


def _floats(values: Any, name: str) -> tuple[float, ...]:
    try:
        numbers_ = tuple(values)
    except TypeError as error:
        raise ParameterError(f"{name} must be a list of numbers, got {values!r}") from error
    for value in numbers_:
        real = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not real or not -_GREATEST <= value <= _GREATEST:
            raise ParameterError(f"{name} must hold finite numbers, got a {type(value).__name__}")
    return tuple(float(value) for value in numbers_)
