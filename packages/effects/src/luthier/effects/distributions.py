"""Random values as data: distributions in place of a parameter's number, and effects that are drawn."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from luthier.core import ParameterError
from luthier.effects.automation import Moving, PerItem, _floats
from luthier.effects.effect import Effect, Plan
from luthier.effects.group import _Group
from luthier.effects.option import to_data as array_to_data

if TYPE_CHECKING:
    from luthier.effects.option import Field

__all__ = ["Choice", "LogUniform", "Maybe", "Normal", "Random", "Sample", "Uniform"]

_STANDARD = NormalDist()
_UNDRAWN = "{!r} is random: draw it with effect.sample(seed, index).effect, and use what that gives"
_HALF_STEP = 2.0**-54


class Distribution(Moving):
    """Base of what is drawn by `Effect.sample`, each time anew."""

    __slots__ = ()

    def _native(self, _inputs: tuple[str, ...], /) -> tuple[Any, ...]:
        raise ParameterError(_UNDRAWN.format(self))

    @abstractmethod
    def _draw(self, draws: Draws, slot: str, field: Field | None, /) -> Any:
        """Return a value for the field at `slot`."""

    def __eq__(self, other: object) -> bool:
        # As they are written: an array among the values has no single answer to ==.
        if type(self) is not type(other) or not isinstance(other, Distribution):
            return NotImplemented
        return bool(self._data() == other._data())

    __hash__ = None  # type: ignore[assignment]  # as an effect's


class Draws:
    """Random numbers that depend on the seed, the index and the slot alone, and are the same everywhere.

    The first 53 bits of BLAKE2b over the three, so that no order of drawing and no neighbour matters.
    """

    def __init__(self, seed: int, index: int) -> None:
        self._prefix = f"luthier {seed} {index} ".encode()
        self.values: dict[str, Any] = {}

    def uniform(self, slot: str) -> float:
        """Return a number of [0, 1)."""
        digest = hashlib.blake2b(self._prefix + slot.encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "little") >> 11) * 2.0**-53

    def value(self, value: Any, slot: str, field: Field | None) -> Any:
        """Return `value` with all that is random in it drawn."""
        if isinstance(value, PerItem):
            return PerItem([self.value(v, f"{slot}[{i}]", field) for i, v in enumerate(value.values)])
        if not isinstance(value, Distribution):
            return value
        drawn = value._draw(self, slot, field)
        self.values[slot] = drawn
        return drawn


@dataclass(frozen=True)
class Uniform(Distribution):
    """A value drawn evenly between two.

    Stands in place of a number: ``Gain(gain_db=Uniform(-12, 6))``.

    Parameters
    ----------
    low, high : float
        The ends, in the parameter's unit and range.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _ends(self)

    def _draw(self, draws: Draws, slot: str, _field: Field | None, /) -> float:
        return min(self.low + (self.high - self.low) * draws.uniform(slot), self.high)

    def _extent(self) -> tuple[float, float]:
        return self.low, self.high

    def _outcomes(self, _default: Any, /) -> Sequence[Any]:
        return self.low, self.high

    def _data(self) -> dict[str, Any]:
        return {"uniform": {"low": self.low, "high": self.high}}


@dataclass(frozen=True)
class LogUniform(Distribution):
    """A value whose logarithm is drawn evenly: for frequencies and times.

    Stands in place of a number: ``LowpassFilter(cutoff_hz=LogUniform(500, 8000))``.

    Parameters
    ----------
    low, high : float
        The ends, above 0, in the parameter's unit and range.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _ends(self)
        if self.low <= 0:
            raise ParameterError(f"a LogUniform's low must be above 0, got {self.low!r}")

    def _draw(self, draws: Draws, slot: str, _field: Field | None, /) -> float:
        log = math.log(self.low) + math.log(self.high / self.low) * draws.uniform(slot)
        return min(max(math.exp(log), self.low), self.high)

    def _extent(self) -> tuple[float, float]:
        return self.low, self.high

    def _outcomes(self, _default: Any, /) -> Sequence[Any]:
        return self.low, self.high

    def _data(self) -> dict[str, Any]:
        return {"log_uniform": {"low": self.low, "high": self.high}}


@dataclass(frozen=True)
class Normal(Distribution):
    """A value drawn from a bell curve, and brought into the parameter's range.

    Parameters
    ----------
    mean : float
        In the parameter's unit and range.
    deviation : float
        The standard deviation, at least 0.
    """

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        for name in ("mean", "deviation"):
            object.__setattr__(self, name, _floats([getattr(self, name)], name)[0])
        if self.deviation < 0:
            raise ParameterError(f"a Normal's deviation must not be below 0, got {self.deviation!r}")

    def _draw(self, draws: Draws, slot: str, field: Field | None, /) -> float:
        # Half a step off the ends, where the bell has no number.
        value = self.mean + self.deviation * _STANDARD.inv_cdf(draws.uniform(slot) + _HALF_STEP)
        return value if field is None else min(max(value, field.minimum), field.maximum)

    def _extent(self) -> tuple[float, float]:
        return self.mean, self.mean

    def _outcomes(self, _default: Any, /) -> Sequence[Any]:
        return (self.mean,)

    def _data(self) -> dict[str, Any]:
        return {"normal": {"mean": self.mean, "deviation": self.deviation}}


class _Either(Distribution):
    """What may stand for an effect, too."""

    def sample(self, seed: int, index: int = 0) -> Sample:
        """Draw one of the effects, and all that is random in it. See `Effect.sample`.

        Raises
        ------
        ParameterError
            When it stands for other values than effects.
        """
        return Random(self).sample(seed, index)


@dataclass(frozen=True, init=False, eq=False)
class Choice(_Either):
    """One of several values, or of several effects.

    Stands in place of a parameter's number, of an option's value, and of an effect in a chain or a mix:
    ``Chain([Choice([Distortion(), Bitcrush()])])``.

    Parameters
    ----------
    values : sequence
        Numbers, curves and other distributions for a parameter, what is allowed for an option, or effects.
    weights : sequence of float, optional
        How likely each of them is, in any scale; all alike when not given.
    """

    values: tuple[Any, ...]
    weights: tuple[float, ...] | None

    def __init__(self, values: Sequence[Any], weights: Sequence[float] | None = None) -> None:
        try:
            given = tuple(values)
        except TypeError as error:
            raise ParameterError(f"a Choice takes a list of values, got {values!r}") from error
        if not given:
            raise ParameterError("a Choice takes at least one value")
        shares = None if weights is None else _floats(weights, "weights")
        if shares is not None and (len(shares) != len(given) or min(shares) < 0 or not sum(shares) > 0):
            raise ParameterError(
                f"a Choice's weights must be as many as its {len(given)} values, none below 0 and not all 0, "
                f"got {list(shares)}"
            )
        object.__setattr__(self, "values", given)
        object.__setattr__(self, "weights", shares)

    def _draw(self, draws: Draws, slot: str, field: Field | None, /) -> Any:
        return draws.value(self.values[self._number(draws, slot)], f"{slot}*", field)

    def _number(self, draws: Draws, slot: str) -> int:
        shares = self.weights or (1.0,) * len(self.values)
        left = draws.uniform(slot) * sum(shares)
        for number, share in enumerate(shares):
            left -= share
            if left < 0:
                return number
        return max(number for number, share in enumerate(shares) if share > 0)

    def _extent(self) -> tuple[float, float]:
        return _extent(self.values)

    def _outcomes(self, _default: Any, /) -> Sequence[Any]:
        return self.values

    def _data(self) -> dict[str, Any]:
        weights = None if self.weights is None else list(self.weights)
        return {"choice": {"values": [_plain(v) for v in self.values], "weights": weights}}


@dataclass(frozen=True, eq=False)
class Maybe(_Either):
    """A value, or an effect, that is taken or not.

    Stands in place of a parameter's number, of an option's value, and of an effect in a chain or a mix:
    ``Chain([Maybe(Reverb(room_size=Uniform(0.2, 0.9)), 0.5)])``. An effect that is not taken lets the sound
    through.

    Parameters
    ----------
    value
        A number, a curve, another distribution, what is allowed for an option, or an effect.
    probability : float
        Of taking it, 0 to 1.
    otherwise
        What stands there when it is not taken; the parameter's default when not given.
    """

    value: Any
    probability: float = 0.5
    otherwise: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "probability", _floats([self.probability], "probability")[0])
        if not 0 <= self.probability <= 1:
            raise ParameterError(f"a Maybe's probability must be from 0 to 1, got {self.probability!r}")

    def _draw(self, draws: Draws, slot: str, field: Field | None, /) -> Any:
        if draws.uniform(slot) < self.probability:
            return draws.value(self.value, f"{slot}*", field)
        otherwise = field.default if self.otherwise is None and field is not None else self.otherwise
        return draws.value(otherwise, f"{slot}-", field)

    def _extent(self) -> tuple[float, float]:
        return _extent([v for v in (self.value, self.otherwise) if v is not None])

    def _outcomes(self, default: Any, /) -> Sequence[Any]:
        return self.value, default if self.otherwise is None else self.otherwise

    def _data(self) -> dict[str, Any]:
        return {
            "maybe": {
                "value": _plain(self.value),
                "probability": self.probability,
                "otherwise": _plain(self.otherwise),
            }
        }


class Random(_Group):
    """An effect that is drawn: what a `Maybe` or a `Choice` of effects becomes in a chain or a mix.

    Parameters
    ----------
    draw : Maybe or Choice
        Over effects.
    """

    _kind = "random"

    def __init__(self, draw: _Either) -> None:
        found = _effects(draw)
        if found is None:
            raise ParameterError(
                f"Random takes a Maybe or a Choice of effects and of nothing else, got {draw!r}"
            )
        super().__init__(found)
        object.__setattr__(self, "_weights", getattr(draw, "weights", None))
        object.__setattr__(self, "_probability", getattr(draw, "probability", None))

    @property
    def draw(self) -> Maybe | Choice:
        """What is drawn from."""
        if self._probability is None:
            return Choice(self._effects, self._weights)
        return Maybe(self._effects[0], self._probability, *self._effects[1:])

    _weights: tuple[float, ...] | None
    _probability: float | None

    def __repr__(self) -> str:
        return repr(self.draw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Random) and self.draw == other.draw

    def _edit(self) -> list[Effect]:
        raise ParameterError("what is drawn from cannot be changed: make another Maybe or Choice")

    def copy(self) -> Self:
        """Return an equal one that shares nothing with this one."""
        return self._like(effect.copy() for effect in self._effects)

    def _like(self, effects: Iterable[Effect]) -> Self:
        other = super()._like(effects)
        other.__dict__.update(_weights=self._weights, _probability=self._probability)
        return other

    def _state(self) -> dict[str, Any]:
        state = super()._state()
        if self._probability is not None:
            state["probability"] = self._probability
        if self._weights is not None:
            state["weights"] = list(self._weights)
        return state

    @classmethod
    def _from_state(cls, state: Mapping[str, Any]) -> Any:
        effects = list(state.get("effects", ()))
        if "probability" in state:
            if not 1 <= len(effects) <= 2:
                raise ParameterError(f"a Maybe holds one effect or two, got {len(effects)}")
            return cls(Maybe(effects[0], state["probability"], *effects[1:]))
        return cls(Choice(effects, state.get("weights")))

    def _plan(self, _inputs: tuple[str, ...] = ()) -> Plan:
        raise ParameterError(_UNDRAWN.format(self))


class Sample(NamedTuple):
    """What `Effect.sample` drew.

    Attributes
    ----------
    effect : Effect
        With a number everywhere.
    values : dict
        What was drawn, by its place: ``{"0.gain_db": -3.2}``. For a `Maybe` of an effect, whether it was
        taken; for a `Choice` of effects, the number of the one taken.
    """

    effect: Any
    values: dict[str, Any]


def sample(effect: Effect, seed: int, index: int) -> Sample:
    """Draw all that is random in `effect`. See `Effect.sample`."""
    for name, value in (("seed", seed), ("index", index)):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise ParameterError(f"{name} must be a whole number, got {value!r}")
    draws = Draws(seed.__index__(), index.__index__())
    return Sample(_drawn(effect, draws, ""), draws.values)


def _drawn(effect: Effect, draws: Draws, place: str) -> Effect:
    from luthier.effects.chain import Chain

    if isinstance(effect, Random):
        slot = place or "effect"
        draw = effect.draw
        if isinstance(draw, Choice):
            number = draw._number(draws, slot)
            draws.values[slot] = number
            return _drawn(draw.values[number], draws, f"{slot}.{number}")
        taken = draws.uniform(slot) < draw.probability
        draws.values[slot] = taken
        chosen = draw.value if taken else draw.otherwise
        return Chain([]) if chosen is None else _drawn(chosen, draws, f"{slot}.{0 if taken else 1}")
    dot = f"{place}." if place else ""
    if isinstance(effect, _Group):
        return effect._like(_drawn(e, draws, f"{dot}{i}") for i, e in enumerate(effect))
    values = {
        field.name: draws.value(getattr(effect, field.name), f"{dot}{field.name}", field)
        for field in effect._fields
    }
    return type(effect)._from_state(values)


def _effects(value: Any) -> list[Effect] | None:
    """The effects of a `Maybe` or a `Choice`, or None when it has others."""
    if isinstance(value, Choice):
        parts: Sequence[Any] = value.values
    elif isinstance(value, Maybe):
        parts = [value.value] if value.otherwise is None else [value.value, value.otherwise]
    else:
        return None
    wrapped = [Random(part) if _effects(part) is not None else part for part in parts]
    return wrapped if all(isinstance(part, Effect) for part in wrapped) else None


def as_effect(value: Any) -> Any:
    """Return a `Random` for a `Maybe` or a `Choice` of effects, and anything else as it is."""
    return value if _effects(value) is None else Random(value)


def _ends(value: Any) -> None:
    for name in ("low", "high"):
        object.__setattr__(value, name, _floats([getattr(value, name)], name)[0])
    if value.low > value.high:
        raise ParameterError(
            f"a {type(value).__name__}'s low must not be above its high, got {value.low!r} and {value.high!r}"
        )


def _extent(values: Sequence[Any]) -> tuple[float, float]:
    try:
        ends = [v._extent() if isinstance(v, Moving) else (float(v), float(v)) for v in values]
    except (TypeError, ValueError) as error:
        raise ParameterError(f"a parameter takes numbers, got {list(values)!r}") from error
    return min(low for low, _ in ends), max(high for _, high in ends)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return array_to_data(value)
    return value._data() if isinstance(value, Moving) else value


_KINDS: dict[str, type[Distribution]] = {
    "uniform": Uniform,
    "log_uniform": LogUniform,
    "normal": Normal,
    "choice": Choice,
    "maybe": Maybe,
}


def from_plain(value: Mapping[str, Any], read: Callable[[Any], Any]) -> Distribution | None:
    """Read what the `_data` of a distribution wrote; None for anything else."""
    if len(value) != 1:
        return None
    ((kind, data),) = value.items()
    cls = _KINDS.get(kind)
    if cls is None:
        return None
    try:
        given = dict(data)
        if cls is Choice:
            given["values"] = [read(one) for one in given["values"]]
        if cls is Maybe:
            given["value"], given["otherwise"] = read(given["value"]), read(given.get("otherwise"))
        made: Distribution = cls(**given)
        return made
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        raise ParameterError(f"a {kind!r} cannot be made of {data!r}: {error}") from error
