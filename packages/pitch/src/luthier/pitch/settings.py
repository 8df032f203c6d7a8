"""What `track` and `Tracker` share: arguments are checked, and results given back, in one place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, ParameterError
from luthier.core.arrays import Borrowed, check_sample_rate
from luthier.pitch import _native
from luthier.pitch.methods import METHODS, Grid, NativeStream, check_options, finite
from luthier.pitch.pitch import Pitch

__all__ = ["Settings", "check_settings", "refuse_garbage", "result"]

#: The lowest `fmin`, and how far `fmax` may lie above it: what a frame costs grows with both.
_LOWEST_HZ, _WIDEST = 5.0, 1000.0
_LONGEST_HOP_S = 3600.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """A method with everything that it needs to know but the samples."""

    method: str
    grid: Grid
    options: Mapping[str, Any]

    @classmethod
    def check(
        cls,
        sample_rate: object,
        *,
        method: str,
        fmin: float | None,
        fmax: float | None,
        hop_s: float,
        options: Mapping[str, object],
    ) -> Settings:
        """Return the settings with all defaults filled in, or raise `ParameterError`."""
        checked = check_settings(method=method, fmin=fmin, fmax=fmax, hop_s=hop_s, **options)
        rate = check_sample_rate(sample_rate)
        low, high, hop = checked["fmin"], checked["fmax"], checked["hop_s"]
        if fmax is None:
            high = min(high, rate / 2)
        if high > rate / 2:
            raise ParameterError(
                f"fmax must be at most half the sample rate, {rate / 2:g} Hz at {rate:g} Hz, got {fmax!r}"
            )
        if not low < high:
            raise ParameterError(
                f"fmin must be below half the sample rate, {rate / 2:g} Hz at {rate:g} Hz, got {low:g}"
            )
        if hop * rate < 1.0 - 1e-9:  # by more than rounding does
            raise ParameterError(
                f"hop_s must be at least one sample, {1 / rate:g} s at {rate:g} Hz, got {hop_s!r}"
            )
        return cls(method, Grid(rate, hop, low, high), checked["options"])

    def stream(self, rows: int, dtype: npt.DTypeLike) -> NativeStream:
        """Return a new stream for that many rows of samples."""
        try:
            return METHODS[self.method].stream(rows, np.dtype(dtype) == np.float32, self.grid, self.options)
        except ValueError as error:
            raise ParameterError(str(error)) from None


def check_settings(
    *,
    method: object = "neural",
    fmin: object = None,
    fmax: object = None,
    hop_s: object = 0.01,
    **options: object,
) -> dict[str, Any]:
    """Raise `ParameterError` for settings of `track` that are wrong whatever the samples are.

    Returns
    -------
    dict
        ``fmin``, ``fmax`` and ``hop_s`` as floats, and ``options`` with a value for each of the method's.
    """
    if not isinstance(method, str) or method not in METHODS:
        allowed = ", ".join(repr(name) for name in METHODS)
        raise ParameterError(f"method must be one of {allowed}, got {method!r}")
    chosen = METHODS[method]
    low = chosen.fmin if fmin is None else finite("fmin", fmin)
    high = chosen.fmax if fmax is None else finite("fmax", fmax)
    hop = finite("hop_s", hop_s)
    if not low < high:
        raise ParameterError(f"fmin must be below fmax, got fmin={low:g} and fmax={high:g}")
    if low < _LOWEST_HZ or high > _WIDEST * low:
        raise ParameterError(
            f"fmin must be at least {_LOWEST_HZ:g} Hz and fmax at most {_WIDEST:g} times fmin, "
            f"got fmin={low:g} and fmax={high:g}"
        )
    if not 0.0 < hop <= _LONGEST_HOP_S:
        raise ParameterError(f"hop_s must be above 0 and at most {_LONGEST_HOP_S:g} s, got {hop_s!r}")
    return {"fmin": low, "fmax": high, "hop_s": hop, "options": check_options(method, options)}


def result(
    borrowed: Borrowed, times: npt.NDArray[np.float64], f0: npt.NDArray[Any], confidence: npt.NDArray[Any]
) -> Pitch:
    """Return rows of frames as a `Pitch` of the caller's shape, dtype and array library."""
    shape = (*borrowed.array.shape[:2], times.size)
    dtype = borrowed.array.dtype
    sure = confidence.reshape(shape).astype(dtype, copy=False)
    voiced: Any = sure >= 0.5
    way_back = dataclasses.replace(borrowed, layout="channels_first")
    return Pitch(
        dataclasses.replace(way_back, ndim=1).give(times[None, None]),
        way_back.give(f0.reshape(shape).astype(dtype, copy=False)),
        way_back.give(voiced),
        way_back.give(sure),
    )


def refuse_garbage(borrowed: Borrowed, before: int = 0) -> None:
    """Raise `LayoutError` for a sample that is no number; `before` frames of the signal came earlier."""
    batch, channels, length = borrowed.array.shape
    if _native.finite(borrowed.array.reshape(batch * channels, length)):
        return
    bad = ~np.isfinite(borrowed.array)
    frame = int(bad.any(axis=(0, 1)).argmax())
    item, channel = (int(i) for i in np.unravel_index(bad[:, :, frame].argmax(), (batch, channels)))
    where = f"frame {before + frame}"
    if borrowed.ndim > 1:
        where += f" of channel {channel}"
    if borrowed.ndim > 2:
        where += f" of item {item}"
    value = borrowed.array[item, channel, frame]
    raise LayoutError(
        f"samples must be finite, got {value} in {where}; numpy.nan_to_num(samples) reads such samples as 0"
    )
