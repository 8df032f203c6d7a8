"""Checks of the functions' arguments."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

from luthier.core import NonFiniteWarning, ParameterError
from luthier.effects.parameter import shown

__all__ = ["finite_number", "warn_non_finite"]


def finite_number(value: object, name: str, minimum: float, maximum: float, unit: str = "") -> float:
    """Return `value` as a float, or raise `ParameterError` naming it and its range."""
    number: Any = value
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and minimum <= number <= maximum:
        return float(number)
    raise ParameterError(
        f"{name} must be a number from {minimum:g} to {maximum:g}{' ' + unit if unit else ''}, "
        f"got {shown(value)}"
    )


def warn_non_finite() -> None:
    """Warn the caller of the calling function of what was not finite."""
    warnings.warn(
        "the signal held infinities or not-a-numbers; they were read as silence. Check the input with "
        "numpy.isfinite.",
        NonFiniteWarning,
        stacklevel=3,
    )
