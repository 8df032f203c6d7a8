"""Values in place of a parameter's number: curves, oscillators, levels, and one for each item of a batch."""

from __future__ import annotations

import itertools
import numbers
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from luthier.core import ParameterError

__all__ = ["LFO", "Curve", "Follower", "PerItem"]

_GREATEST = sys.float_info.max
_CURVE_SHAPES = ("linear", "hold")
_LFO_SHAPES = ("sine", "triangle", "square", "sawtooth")


class Moving(ABC):
    """Base of what may stand in place of a parameter's number."""

    __slots__ = ()

    @abstractmethod
    def _native(self, inputs: tuple[str, ...], /) -> tuple[Any, ...]:
        """Return what the native engine reads."""

    @abstractmethod
    def _extent(self) -> tuple[float, float]:
        """Return the least and the greatest value."""

    def _outcomes(self, _default: Any, /) -> Sequence[Any]:
        """Return what an option may become by it; the default stands where nothing is said."""
        raise ParameterError(f"an option does not move: {self!r} can only stand for a parameter")

    @abstractmethod
    def _data(self) -> dict[str, Any]:
        """Return plain data for `from_data`."""


@dataclass(frozen=True, init=False)
class Curve(Moving):
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

    def _native(self, _inputs: tuple[str, ...], /) -> tuple[Any, ...]:
        return "curve", self.times_s, self.values, self.shape

    def _extent(self) -> tuple[float, float]:
        return min(self.values), max(self.values)

    def _data(self) -> dict[str, Any]:
        return {"curve": {"times_s": list(self.times_s), "values": list(self.values), "shape": self.shape}}


@dataclass(frozen=True)
class LFO(Moving):
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

    def _native(self, _inputs: tuple[str, ...], /) -> tuple[Any, ...]:
        return "lfo", self.rate_hz, self.minimum, self.maximum, self.shape, self.phase

    def _extent(self) -> tuple[float, float]:
        return self.minimum, self.maximum

    def _data(self) -> dict[str, Any]:
        return {"lfo": asdict(self)}


@dataclass(frozen=True)
class Follower(Moving):
    """A parameter that follows the level of another signal.

    Stands in place of a number: ``LowpassFilter(cutoff_hz=Follower("voice", 200, 8000))`` opens with the
    signal that comes as ``inputs={"voice": array}``.

    Parameters
    ----------
    input : str
        The name of the signal. Its loudest channel counts.
    minimum, maximum : float
        The parameter's values, in its unit and range, at `floor_db` and below and at `ceiling_db` and above;
        between them it moves on its own scale with the level in dB. `minimum` may be the greater.
    attack_ms, release_ms : float
        Time constants of a rising and of a falling level, 0.001 to 10000.
    floor_db, ceiling_db : float
        Levels, -120 to 24 dB of full scale, the first below the second.

    Notes
    -----
    The level is heard 16 to 32 frames late: a stream gives its first frames before the next ones have come.
    """

    input: str
    minimum: float
    maximum: float
    attack_ms: float = 5.0
    release_ms: float = 100.0
    floor_db: float = -60.0
    ceiling_db: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.input, str) or not self.input:
            raise ParameterError(f"a Follower's input must be the name of a signal, got {self.input!r}")
        for name in ("minimum", "maximum", "attack_ms", "release_ms", "floor_db", "ceiling_db"):
            (value,) = _floats([getattr(self, name)], name)
            object.__setattr__(self, name, value)
        for name in ("attack_ms", "release_ms"):
            if not 0.001 <= getattr(self, name) <= 10_000:
                raise ParameterError(
                    f"a Follower's {name} must be from 0.001 to 10000, got {getattr(self, name)!r}"
                )
        if not -120 <= self.floor_db < self.ceiling_db <= 24:
            raise ParameterError(
                "a Follower's floor_db must be below its ceiling_db, both from -120 to 24, "
                f"got {self.floor_db!r} and {self.ceiling_db!r}"
            )

    def _native(self, inputs: tuple[str, ...], /) -> tuple[Any, ...]:
        times = self.attack_ms, self.release_ms
        return (
            "follower", inputs.index(self.input), self.minimum, self.maximum, *times,
            self.floor_db, self.ceiling_db,
        )  # fmt: skip

    def _extent(self) -> tuple[float, float]:
        return min(self.minimum, self.maximum), max(self.minimum, self.maximum)

    def _data(self) -> dict[str, Any]:
        return {"follower": asdict(self)}


@dataclass(frozen=True, init=False)
class PerItem(Moving):
    """A value of its own for each item of a batch.

    Stands in place of a number: ``Gain(gain_db=PerItem([0, -6, -12]))`` for a batch of three. A value may be
    a `Curve`, an `LFO` or a `Follower`.

    Parameters
    ----------
    values : sequence
        As many as the batch has items.
    """

    values: tuple[float | Moving, ...]

    def __init__(self, values: Sequence[float | Moving]) -> None:
        try:
            given = tuple(values)
        except TypeError as error:
            raise ParameterError(f"PerItem takes a list of values, got {values!r}") from error
        if not given or any(isinstance(value, PerItem) for value in given):
            raise ParameterError("PerItem takes at least one value, and no PerItem among them")
        kept = tuple(
            value if isinstance(value, Moving) else _floats([value], "PerItem's values")[0] for value in given
        )
        object.__setattr__(self, "values", kept)

    def _native(self, inputs: tuple[str, ...], /) -> tuple[Any, ...]:
        items = (value._native(inputs) if isinstance(value, Moving) else value for value in self.values)
        return "items", tuple(items)

    def _extent(self) -> tuple[float, float]:
        ends = [v._extent() if isinstance(v, Moving) else (v, v) for v in self.values]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def _data(self) -> dict[str, Any]:
        return {"items": [v._data() if isinstance(v, Moving) else v for v in self.values]}


def from_data(value: Any) -> Any:
    """Turn what the `_data` of a moving value wrote back into it; numbers, texts and None pass."""
    if not isinstance(value, Mapping):
        return value
    kinds: dict[str, type[Moving]] = {"curve": Curve, "lfo": LFO, "follower": Follower}
    if value.keys() == {"items"} and isinstance(value["items"], (list, tuple)):
        return PerItem([from_data(one) for one in value["items"]])
    for kind, cls in kinds.items():
        if value.keys() == {kind}:
            try:
                return cls(**value[kind])
            except TypeError as error:
                raise ParameterError(f"a {kind!r} cannot be made of {value[kind]!r}: {error}") from error
    names = ", ".join(repr(kind) for kind in [*kinds, "items"])
    raise ParameterError(f"a value must be a number or one of {names}, got {dict(value)!r}")


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
