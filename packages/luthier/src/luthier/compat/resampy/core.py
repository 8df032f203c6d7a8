"""Resampling by a windowed sinc, at a fixed ratio and at any times."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from luthier.compat.resampy.filters import get_filter
from luthier.io import _native

__all__ = ["resample", "resample_nu"]

# Rows whose outputs share their weights; more would only take more memory.
_ROWS = 32


def resample(
    x: Any,
    sr_orig: float,
    sr_new: float,
    axis: int = -1,
    filter: Any = "kaiser_best",  # noqa: A002
    parallel: bool = False,
    **kwargs: Any,
) -> Any:
    """Resample along one axis from `sr_orig` to `sr_new`.

    Parameters
    ----------
    x
        A NumPy array: floats and complex numbers keep their type, integers give float32 (unscaled).
    sr_orig, sr_new
        Sample rates. Where they are equal, a copy of `x` is returned.
    axis
        The axis of `x` that is time.
    filter
        ``"kaiser_best"``, ``"kaiser_fast"``, ``"sinc_window"`` or a function: see `filters.get_filter`.
    parallel
        Use luthier's threads.
    **kwargs
        For the filter's function.

    Returns
    -------
    array
        ``n * sr_new // sr_orig`` frames for ``n``, in the memory order of `x`.

    Raises
    ------
    ValueError
        A rate is not positive, or `x` is too short for a single frame.
    TypeError
        Another type of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from luthier.compat import resampy
    >>> resampy.resample(np.ones((2, 441)), 44_100, 16_000).shape
    (2, 160)
    """
    if sr_orig <= 0:
        raise ValueError(f"Invalid sample rate: sr_orig={sr_orig}")
    if sr_new <= 0:
        raise ValueError(f"Invalid sample rate: sr_new={sr_new}")
    if sr_orig == sr_new:
        return x.copy()
    # NumPy's integers would overflow.
    rate_in, rate_out = (int(r) if isinstance(r, numbers.Integral) else float(r) for r in (sr_orig, sr_new))
    frames = int(x.shape[axis] * rate_out // rate_in)
    if frames < 1:
        raise ValueError(
            f"Input signal length={x.shape[axis]} is too small to resample from {sr_orig}->{sr_new}"
        )
    ratio = rate_out / rate_in
    table, points, _ = get_filter(filter, **kwargs)
    return _interpolate(x, np.arange(frames) / ratio, axis, table, points, min(1.0, ratio), parallel)


def resample_nu(
    x: Any,
    sr_orig: float,
    t_out: Any,
    axis: int = -1,
    filter: Any = "kaiser_best",  # noqa: A002
    parallel: bool = False,
    **kwargs: Any,
) -> Any:
    """Evaluate `x` at the times `t_out`, seconds, along one axis.

    The filter's cutoff is not lowered where the times are further apart than the frames of `x`:
    `luthier.io.resample_to_times` has a cutoff for that.

    Parameters
    ----------
    x, axis, filter, parallel, **kwargs
        As for `resample`.
    sr_orig
        Frames a second.
    t_out
        One dimension, each from 0 to the time of the last frame.

    Returns
    -------
    array
        As `x`, with ``len(t_out)`` frames.

    Raises
    ------
    ValueError
        The rate is not positive, or `t_out` is empty, of another shape or outside `x`.
    TypeError
        Another type of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from luthier.compat import resampy
    >>> resampy.resample_nu(np.ones(400), 100, np.array([1.0, 1.5, 2.25])).round(4)
    array([1., 1., 1.])
    """
    if sr_orig <= 0:
        raise ValueError(f"Invalid sample rate: sr_orig={sr_orig}")
    times = np.asarray(t_out)
    if times.ndim != 1:
        raise ValueError(f"Invalid t_out shape ({times.shape}), 1D array expected")
    if len(times) == 0:
        raise ValueError("Invalid t_out shape ((0,)), at least one time expected")
    end = (x.shape[axis] - 1) / sr_orig
    if np.min(times) < 0 or np.max(times) > end:
        raise ValueError(
            f"Output domain [{np.min(times)}, {np.max(times)}] exceeds the data domain [0, {end}]"
        )
    table, points, _ = get_filter(filter, **kwargs)
    return _interpolate(x, times * float(sr_orig), axis, table, points, 1.0, parallel)


def _interpolate(
    x: Any, positions: Any, axis: int, table: Any, points: Any, scale: float, parallel: bool
) -> Any:
    """`x` at `positions`, in frames, by the table stretched by 1 / `scale`."""
    if x.dtype.kind not in "iufc" or x.dtype.itemsize > (16 if x.dtype.kind == "c" else 8):
        raise TypeError(
            f"x has the unsupported data type {x.dtype}: pass floats, complex numbers or integers"
        )
    dtype = np.dtype(np.float32) if x.dtype.kind in "iu" else x.dtype
    shape = list(x.shape)
    shape[axis] = len(positions)
    y = np.zeros_like(x, dtype=dtype, shape=shape)
    along = np.moveaxis(x, axis, -1)
    rows = along.reshape(-1, along.shape[-1])
    out = np.empty((rows.shape[0], len(positions)), np.complex128 if dtype.kind == "c" else np.float64)
    # The stretched table is read at whole points: resampy's step, without its fraction.
    points = int(points)
    step = max(1, int(scale * points))
    table = np.ascontiguousarray(table, np.float64)
    positions = np.ascontiguousarray(positions, np.float64)

    def work(part: Any) -> Any:
        made = np.empty((part.shape[0], len(positions)))
        _native.interpolate_sinc(
            np.ascontiguousarray(part, np.float64),
            positions,
            table,
            points,
            step,
            scale,
            made,
            bool(parallel),
        )
        return made

    for start in range(0, rows.shape[0], _ROWS):
        part = rows[start : start + _ROWS]
        if dtype.kind == "c":
            out[start : start + _ROWS] = work(part.real) + 1j * work(part.imag)
        else:
            out[start : start + _ROWS] = work(part)
    np.moveaxis(y, axis, -1)[...] = out.reshape(*along.shape[:-1], len(positions))
    return y
