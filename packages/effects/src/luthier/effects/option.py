"""An option, declared once: what is chosen before the sound starts, where a parameter moves with it."""

from __future__ import annotations

import base64
import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from luthier.core import ParameterError
from luthier.effects.automation import Moving
from luthier.effects.parameter import Parameter, Taper, _is_scalar_array, shown

if TYPE_CHECKING:
    from luthier.effects.effect import Effect

__all__ = ["Option", "array", "choice", "flag", "setting", "signal"]


@dataclass(frozen=True)
class Option:
    """Something about an effect that is chosen, and does not move with the sound as a `Parameter` does.

    Also the descriptor that holds its value on an instance. Assigned to the effect of a running stream, it
    fades over in 20 ms.

    Attributes
    ----------
    name : str
    kind : {"choice", "flag", "setting", "array", "signal"}
        One of `choices`; true or false; a number from `minimum` to `maximum`; an array of numbers; or the
        name of another signal that the effect listens to.
    default
    doc : str
        One sentence.
    choices : tuple
        The values allowed for a choice.
    unit, minimum, maximum, taper
        Of a setting, as of a `Parameter`.
    """

    name: str
    kind: Literal["choice", "flag", "setting", "array", "signal"]
    default: Any
    doc: str
    choices: tuple[Any, ...] = ()
    unit: str = ""
    minimum: float = -math.inf
    maximum: float = math.inf
    taper: Taper = "linear"

    def validate(self, value: object, owner: str) -> Any:
        """Return `value` in its own type, or raise `ParameterError` naming effect, option, value and what is
        allowed. What is random stays so when all that it can become is allowed.
        """
        if isinstance(value, Moving):
            for possible in value._outcomes(self.default):
                self.validate(possible, owner)
            return value
        match self.kind:
            case "choice":
                numeric = isinstance(value, numbers.Real) and not isinstance(value, bool)
                for allowed in self.choices:
                    if numeric == (not isinstance(allowed, str)) and value == allowed:
                        return allowed
                what = f"one of {', '.join(repr(allowed) for allowed in self.choices)}"
            case "flag":
                if isinstance(value, (bool, np.bool_)):
                    return bool(value)
                what = "True or False"
            case "setting":
                if value is None and self.default is None:
                    return None
                if (isinstance(value, numbers.Real) and not isinstance(value, bool)) or _is_scalar_array(
                    value
                ):
                    number = float(value) + 0.0  # type: ignore[arg-type]
                    if math.isfinite(number) and self.minimum <= number <= self.maximum:
                        return number
                unit = f" {self.unit}" if self.unit else ""
                what = f"a number from {self.minimum:g} to {self.maximum:g}{unit}"
                what += " or None" if self.default is None else ""
            case "signal":
                if value is None or (isinstance(value, str) and value):
                    return value
                what = "the name of a signal that comes as inputs={name: array}, or None"
            case "array":
                if value is None:
                    return None
                return _numbers(value, f"{owner}.{self.name}")
        raise ParameterError(f"{owner}.{self.name} must be {what}, got {shown(value)}")

    def native(self, value: Any) -> float | None:
        """Return the number that stands for `value` in C++, or None for what goes there another way."""
        if isinstance(value, Moving):
            value._native(())  # what is random says that it has to be drawn
        if self.kind in ("array", "signal"):
            return None
        if self.kind == "choice":
            return float(self.choices.index(value) if isinstance(value, str) else value)
        return 0.0 if value is None else float(value)

    def __get__(self, instance: Effect | None, owner: type[Effect]) -> Any:
        return self if instance is None else instance.__dict__[self.name]

    def __set__(self, instance: Effect, value: object) -> None:
        given = self.validate(value, type(instance).__name__)
        before = instance.__dict__.get(self.name)
        instance.__dict__[self.name] = given
        try:
            instance._chosen(self)
        except BaseException:
            instance.__dict__[self.name] = before
            raise


@dataclass(frozen=True)
class _Declaration:
    """What these functions leave in the class body until the class knows the attribute's name."""

    values: dict[str, Any]

    def named(self, name: str) -> Option:
        option = Option(name=name, **self.values)
        option.validate(option.default, name)
        return option


def choice(default: str | int, *, options: Sequence[str | int], doc: str) -> Any:
    """Declare an option that is one of a few values: text, or whole numbers.

    In C++ a number stands for itself and a text for its place in `options`.
    """
    return _Declaration({"kind": "choice", "default": default, "choices": tuple(options), "doc": doc})


def flag(default: bool, *, doc: str) -> Any:
    """Declare an option that is true or false."""
    return _Declaration({"kind": "flag", "default": default, "doc": doc})


def setting(
    default: float | None,
    *,
    unit: str = "",
    minimum: float,
    maximum: float,
    taper: Taper = "linear",
    doc: str,
) -> Any:
    """Declare an option that is a number: as `param`, for what cannot move while sound passes.

    With the default None, None is allowed; in C++ it is 0.
    """
    return _Declaration(
        {
            "kind": "setting",
            "default": None if default is None else float(default),
            "unit": unit,
            "minimum": float(minimum),
            "maximum": float(maximum),
            "taper": taper,
            "doc": doc,
        }
    )


def array(*, doc: str) -> Any:
    """Declare an option that is an array of finite numbers of one or two dimensions, or None.

    It is copied, kept in its own type (float32 or float64), and read-only.
    """
    return _Declaration({"kind": "array", "default": None, "doc": doc})


def signal(*, doc: str) -> Any:
    """Declare the name of another signal that the effect listens to; None is its own."""
    return _Declaration({"kind": "signal", "default": None, "doc": doc})


# ---- arrays as parts of values ----


def same(a: Any, b: Any) -> bool:
    """Whether two values of a field are equal; arrays in type, shape and every number."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)


def brief(value: Any) -> str:
    """Return the repr of a field's value, an array's cut to its shape."""
    if isinstance(value, np.ndarray) and value.size > 16:
        return f"<{value.dtype} array of shape {value.shape}>"
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    return repr(value)


def to_data(value: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return an array as plain data, exactly."""
    kind = value.dtype.newbyteorder("<")
    text = base64.b64encode(np.ascontiguousarray(value, kind).tobytes()).decode("ascii")
    return {"array": {"dtype": kind.str, "shape": list(value.shape), "base64": text}}


def from_data(data: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Read what `to_data` wrote."""
    try:
        kind = {"<f4": np.float32, "<f8": np.float64}[data["dtype"]]
        raw = np.frombuffer(base64.b64decode(data["base64"], validate=True), np.dtype(data["dtype"]))
        return raw.reshape([int(n) for n in data["shape"]]).astype(kind)
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(f"an 'array' cannot be made of {shown(data)}: {error}") from error


def _numbers(value: object, name: str) -> np.ndarray[Any, Any]:
    try:
        given = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} must be an array of numbers, got {shown(value)}") from error
    if given.dtype.kind not in "fiu" or given.ndim not in (1, 2):
        raise ParameterError(
            f"{name} must be an array of numbers of one or two dimensions, got {given.dtype} "
            f"of shape {given.shape}"
        )
    kept = np.array(given, np.float32 if given.dtype == np.float32 else np.float64, order="C")
    if not np.isfinite(kept).all():
        raise ParameterError(f"{name} must hold finite numbers; check it with numpy.isfinite")
    kept.flags.writeable = False
    return kept


Field = Parameter | Option
