"""The tracking methods: what each is called, what it takes, and the native function that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import _native as core_native
from luthier.pitch import _native

__all__ = ["METHODS", "Grid", "Method"]

Floats = npt.NDArray[np.floating[Any]]
Result = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """What every method needs to know about a call."""

    sample_rate: float
    hop_s: float
    fmin: float
    fmax: float


@dataclass(frozen=True)
class Method:
    """One way to track pitch.

    Attributes
    ----------
    threshold
        What `threshold` means when the caller does not give one.
    run
        ``run(samples, grid, threshold, f0, confidence)`` fills the last two, ``(rows, frames)``, from the
        samples, ``(rows, samples)``.
    """

    threshold: float
    run: Callable[[Floats, Grid, float, Result, Result], None]


#: The aperiodicity at which YIN's confidence is 1/2.
_YIN_VOICING = 0.45


def _yin(samples: Floats, grid: Grid, threshold: float, f0: Result, confidence: Result) -> None:
    _native.yin(
        samples,
        grid.sample_rate,
        grid.hop_s * grid.sample_rate,
        grid.fmin,
        grid.fmax,
        max(2.0 / grid.fmin, 0.025),
        threshold,
        _YIN_VOICING,
        f0,
        confidence,
        core_native.pool(),
    )


METHODS: Mapping[str, Method] = MappingProxyType({"yin": Method(threshold=0.1, run=_yin)})
