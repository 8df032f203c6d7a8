"""Windowed sincs as tables: their right halves, finely sampled.

A filter is a tuple: the table, its points a sample, and its cutoff as a share of the Nyquist frequency. The
parameters of the two named ones are those of resampy's data files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["clear_cache", "get_filter", "sinc_window"]

Filter = tuple[npt.NDArray[np.floating[Any]], int, float]

#: Filters by name that have been used.
FILTER_CACHE: dict[str, Filter] = {}

#: Names that stand for the functions of this module, not for a finished filter.
FILTER_FUNCTIONS = ["sinc_window"]

# name: zero crossings, points between them as a power of two, Kaiser's beta, cutoff
_NAMED = {
    "kaiser_best": (50, 13, 12.98458524704, 0.9173473712608761),
    "kaiser_fast": (24, 9, 9.90322441645527, 0.8682120388377784),
}


def sinc_window(
    num_zeros: int = 64,
    precision: int = 9,
    window: Callable[[int], Any] | None = None,
    rolloff: float = 0.945,
) -> Filter:
    """Make a filter: a sinc cut off by a window.

    Parameters
    ----------
    num_zeros
        Zero crossings on each side, 1 or more.
    precision
        There are ``2**precision`` points between two crossings; 0 or more.
    window
        Called with an odd number of points, returns a symmetric window. By default Hann's.
    rolloff
        The cutoff as a share of the Nyquist frequency, above 0 and up to 1.

    Returns
    -------
    (table, points, rolloff)
        The right half, ``num_zeros * 2**precision + 1`` points; points from crossing to crossing; `rolloff`.

    Raises
    ------
    TypeError
        `window` cannot be called.
    ValueError
        A number is out of its range.

    Examples
    --------
    >>> from luthier.compat import resampy
    >>> table, points, _ = resampy.filters.sinc_window(num_zeros=3, precision=2)
    >>> table.shape, points
    ((13,), 4)
    """
    if window is not None and not callable(window):
        raise TypeError(f"window must be callable, not type(window)={type(window)}")
    if not 0.0 < rolloff <= 1.0:
        raise ValueError(f"Invalid roll-off: rolloff={rolloff}")
    if num_zeros < 1:
        raise ValueError(f"Invalid num_zeros: num_zeros={num_zeros}")
    if precision < 0:
        raise ValueError(f"Invalid precision: precision={precision}")
    points = 2**precision
    count = points * num_zeros
    taper = (np.hanning if window is None else window)(2 * count + 1)[count:]
    table = rolloff * np.sinc(rolloff * np.linspace(0, num_zeros, count + 1))
    return np.asarray(table * taper), points, rolloff


def get_filter(name_or_function: Any, **kwargs: Any) -> Filter:
    """Return a filter by its name, or what a function makes of the keywords.

    Parameters
    ----------
    name_or_function
        ``"kaiser_best"``, ``"kaiser_fast"`` (which read no keywords), ``"sinc_window"``, or a function that
        returns (table, points, rolloff).
    **kwargs
        For the function.

    Raises
    ------
    NotImplementedError
        The name is unknown.

    Examples
    --------
    >>> from luthier.compat import resampy
    >>> resampy.filters.get_filter("kaiser_fast")[1]
    512
    """
    if callable(name_or_function):
        made: Filter = name_or_function(**kwargs)
        return made
    if name_or_function in FILTER_FUNCTIONS:
        return sinc_window(**kwargs)
    if name_or_function not in FILTER_CACHE:
        FILTER_CACHE[name_or_function] = load_filter(name_or_function)
    return FILTER_CACHE[name_or_function]


def load_filter(filter_name: str) -> Filter:
    """Compute one of the named filters.

    Raises
    ------
    NotImplementedError
        The name is unknown.
    """
    if filter_name not in _NAMED:
        raise NotImplementedError(f"Cannot load filter definition for {filter_name}")
    num_zeros, precision, beta, rolloff = _NAMED[filter_name]
    return sinc_window(num_zeros, precision, lambda count: np.kaiser(count, beta), rolloff)


def clear_cache() -> None:
    """Forget the filters that have been used."""
    FILTER_CACHE.clear()
