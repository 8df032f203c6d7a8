"""Hypothesis strategies from the parameter declarations. For tests; needs hypothesis installed."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from luthier.effects.effect import Effect
from luthier.effects.parameter import Parameter

__all__ = ["effect_values", "effects_of", "parameter_values"]


def parameter_values(parameter: Parameter) -> st.SearchStrategy[float]:
    """All allowed values of one parameter, spread over its taper's scale, ends and default included."""
    low, high = parameter.minimum, parameter.maximum
    if parameter.taper == "log":
        spread = st.floats(math.log(low), math.log(high)).map(lambda u: min(max(math.exp(u), low), high))
    else:
        spread = st.floats(low, high)
    return st.one_of(st.sampled_from([parameter.default, low, high]), spread)


def effect_values(cls: type[Effect]) -> st.SearchStrategy[dict[str, float]]:
    """Constructor arguments of `cls`."""
    return st.fixed_dictionaries({p.name: parameter_values(p) for p in cls.parameters})


def effects_of(cls: type[Effect]) -> st.SearchStrategy[Effect]:
    """Instances of `cls`."""
    return effect_values(cls).map(lambda values: cls(**values))
