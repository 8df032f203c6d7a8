"""A parameter, declared once: its range, unit and doc are read from here by everything else."""

from __future__ import annotations

import difflib
import math
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from luthier.core import ParameterError
from luthier.effects.automation import Moving

if TYPE_CHECKING:
    from luthier.effects.effect import Effect

__all__ = ["Parameter", "param"]

Taper = Literal["linear", "log"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of an effect. Also the descriptor that holds its value on an instance.

    Attributes
    ----------
    name : str
        The attribute's name, its unit as a suffix (``cutoff_hz``).
    unit : str
        ``"Hz"``, ``"dB"``, ``"ms"``, or ``""`` for a plain number.
    minimum, maximum : float
        The allowed range, both ends included.
    default : float
    taper : {"linear", "log"}
        The scale on which it moves and on which a control should show it: decibels and plain numbers
        are linear, frequencies and times logarithmic.
    doc : str
        One sentence.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    default: float
    taper: Taper
    doc: str

    def validate(self, value: object, owner: str) -> float | Moving:
        """Return `value` as a float (a `Curve` and the like as it is), or raise `ParameterError` naming
        effect, parameter, value and range.
        """
        if isinstance(value, Moving):
            low, high = value._extent()
            if self.minimum <= low and high <= self.maximum:
                return value
        if (isinstance(value, numbers.Real) and not isinstance(value, bool)) or _is_scalar_array(value):
            try:
                number = float(value) + 0.0  # type: ignore[arg-type]  # and -0.0 becomes 0.0
            except OverflowError:
                number = math.inf
            if math.isfinite(number) and self.minimum <= number <= self.maximum:
                return number
        raise ParameterError(
            f"{owner}.{self.name} must be a number from {self.minimum:g} to {self.maximum:g}"
            f"{' ' + self.unit if self.unit else ''}, got {shown(value)}"
        )

    def __get__(self, instance: Effect | None, owner: type[Effect]) -> Any:
        if instance is None:
            return self
        try:
            return instance.__dict__[self.name]
        except KeyError:
            raise AttributeError(
                f"{type(instance).__name__}.{self.name} moves while sound passes: read values.{self.name} in "
                "render, which has its value at every frame of the block"
            ) from None

    def __set__(self, instance: Effect, value: object) -> None:
        number = self.validate(value, type(instance).__name__)
        before = instance.__dict__.get(self.name)
        instance.__dict__[self.name] = number
        try:
            instance._moved(self, number)
        except BaseException:
            instance.__dict__[self.name] = before
            raise


@dataclass(frozen=True)
class _Declaration:
    """What `param()` leaves in the class body until the class knows the attribute's name."""

    default: float
    unit: str
    minimum: float
    maximum: float
    taper: Taper
    doc: str

    def named(self, name: str) -> Parameter:
        parameter = Parameter(name, self.unit, self.minimum, self.maximum, self.default, self.taper, self.doc)
        if not self.minimum <= self.default <= self.maximum or (self.taper == "log" and self.minimum <= 0):
            raise TypeError(f"the declaration of {name} contradicts itself: {parameter}")
        return parameter


def param(
    default: float,
    *,
    unit: str = "",
    minimum: float,
    maximum: float,
    taper: Taper = "linear",
    doc: str,
) -> Any:
    """Declare a parameter in the body of an `Effect` class.

    ``threshold_db: float = param(-20.0, unit="dB", minimum=-80, maximum=0, doc="Where it starts to act.")``
    gives the class a constructor argument, validation on construction and assignment, and its places in
    ``repr``, ``==``, ``copy``, pickle, JSON, the documentation, the command line and the streams.
    """
    return _Declaration(float(default), unit, float(minimum), float(maximum), taper, doc)


def unknown_name(given: str, known: tuple[str, ...]) -> str:
    """What to say of a name that is not among `known`."""
    close = difflib.get_close_matches(given, known, n=1)
    return (
        f"{given!r}; did you mean {close[0]!r}?"
        if close
        else f"{given!r}; there are: {', '.join(known) or 'none'}"
    )


def shown(value: object) -> str:
    """Return what a message says of a value that was given: its repr, cut."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python prints
        text = f"a {type(value).__name__} too long to print"
    return text if len(text) <= 200 else text[:200] + "..."


def _is_scalar_array(value: object) -> bool:
    return getattr(value, "shape", None) == () and getattr(getattr(value, "dtype", None), "kind", "") in "fiu"
