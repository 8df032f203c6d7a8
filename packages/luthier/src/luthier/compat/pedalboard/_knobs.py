"""The settings of a plugin: what pedalboard takes for them, keeps of them and says of wrong ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

import luthier.effects as fx

if TYPE_CHECKING:
    from luthier.compat.pedalboard._plugin import Plugin

__all__ = ["Choice", "Knob", "Switch", "incompatible", "made", "number", "within"]


def incompatible(name: str, arguments: str, given: str) -> TypeError:
    """What pedalboard says of arguments of wrong types."""
    what = "constructor" if name == "__init__" else "function"
    return TypeError(
        f"{name}(): incompatible {what} arguments. The following argument types are supported:\n"
        f"    1. {arguments}\n\nInvoked with: {given}"
    )


def number(value: Any) -> float:
    """Return what converts to a float by itself, text not included."""
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError("text is no number")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise TypeError(str(error)) from error


class Knob:
    """A number, kept as a float32.

    Parameters
    ----------
    default
    check : callable, optional
        Returns whether a value is allowed.
    message : str
        Of the `ValueError` when it is not.
    single : bool
        Whether it loses what a float32 does not hold.
    """

    kind = "float"

    def __init__(
        self,
        default: Any,
        check: Callable[[float], bool] | None = None,
        message: str = "",
        *,
        single: bool = True,
        shown: bool = True,
    ) -> None:
        self.default, self.check, self.message = default, check, message
        self.single, self.shown = single, shown

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Plugin | None, owner: type) -> Any:
        return self if instance is None else instance._values[self.name]

    def __set__(self, instance: Plugin, value: object) -> None:
        try:
            converted = self.convert(value)
        except TypeError:
            owner = f"pedalboard_native.{type(instance).__name__}"
            accepted = f"(arg0: {owner}, arg1: {self.kind}) -> None"
            raise incompatible("", accepted, f"{instance!r}, {value!r}") from None
        instance._set(self.name, converted)

    def convert(self, value: object) -> Any:
        """Return `value` as pedalboard keeps it."""
        given = number(value)
        if self.single:
            with np.errstate(over="ignore"):
                given = float(np.float32(given))
        if self.check is not None and not self.check(given):
            raise ValueError(self.message)
        return given

    def text(self, value: Any) -> str:
        """Return a value as a repr shows it."""
        return f"{value:g}"

    def signature(self) -> str:
        """Return the knob as pedalboard names it among arguments."""
        default = repr(self.default if isinstance(self.default, int) else float(f"{self.default:g}"))
        return f"{self.name}: {self.kind} = {default}"


class Switch(Knob):
    """True or False."""

    kind = "bool"

    def convert(self, value: object) -> Any:
        """Return `value`, which has to be one of the two or convert to them like a number."""
        if value is not None and not hasattr(value, "__bool__"):
            raise TypeError("no truth value")
        return bool(value)

    def text(self, value: Any) -> str:
        """Return a value as a repr shows it."""
        return str(value)

    def signature(self) -> str:
        """Return the switch as pedalboard names it among arguments."""
        return f"{self.name}: {self.kind} = {self.default}"


class Choice(Knob):
    """A member of an enumeration."""

    def __init__(self, default: Enum, kind: str, *, prefix: str = "", shown: bool = True) -> None:
        super().__init__(default, shown=shown)
        self.members, self.kind, self.prefix = type(default), kind, prefix

    def convert(self, value: object) -> Any:
        """Return `value`, which has to be a member."""
        if not isinstance(value, self.members):
            raise TypeError("no member")
        return value

    def text(self, value: Any) -> str:
        """Return a member as a repr shows it."""
        return f"{self.prefix}{value.name}"

    def signature(self) -> str:
        """Return the choice as pedalboard names it among arguments."""
        return (
            f"{self.name}: {self.kind} = <{self.members.__name__}.{self.default.name}: {int(self.default)}>"
        )


def within(value: float, low: float, high: float, otherwise: float) -> float:
    """Bring what pedalboard takes unseen into a range; `otherwise` stands for not-a-number."""
    return otherwise if math.isnan(value) else min(max(value, low), high)


def made(effect: Any, **values: Any) -> fx.Effect:
    """An effect of settings that pedalboard takes unseen, brought into the ranges of its parameters."""
    for name, value in values.items():
        field = getattr(effect, name)
        if isinstance(field, fx.Parameter):
            values[name] = within(value, field.minimum, field.maximum, field.default)
    made: fx.Effect = effect(**values)
    return made
