"""Hypothesis strategies from the parameter declarations. For tests; needs hypothesis installed."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from luthier.effects.effect import Effect
from luthier.effects.option import Option
from luthier.effects.parameter import Parameter

__all__ = ["effect_values", "effects_of", "parameter_values"]


def parameter_values(parameter: Parameter | Option) -> st.SearchStrategy[float]:
    """All allowed values of one parameter, spread over its taper's scale, ends and default included."""
    low, high = parameter.minimum, parameter.maximum
    if parameter.taper == "log":
        spread = st.floats(math.log(low), math.log(high)).map(lambda u: min(max(math.exp(u), low), high))
    else:
        spread = st.floats(low, high)
    return st.one_of(st.sampled_from([parameter.default, low, high]), spread)


def option_values(option: Option) -> st.SearchStrategy[Any]:
    """Allowed values of one option; arrays and signals stay at their defaults."""
    if option.kind == "choice":
        return st.sampled_from(option.choices)
    if option.kind == "flag":
        return st.booleans()
    if option.kind == "setting":
        return parameter_values(option)
    return st.just(option.default)


def effect_values(cls: type[Effect]) -> st.SearchStrategy[dict[str, Any]]:
    """Constructor arguments of `cls`."""
    return st.fixed_dictionaries(
        {
            field.name: parameter_values(field) if isinstance(field, Parameter) else option_values(field)
            for field in cls._fields
        }
    )


def effects_of(cls: type[Effect]) -> st.SearchStrategy[Effect]:
    """Instances of `cls`."""
    return effect_values(cls).map(lambda values: cls(**values))
