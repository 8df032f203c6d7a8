"""Time without pitch, and both."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, ParameterError
from luthier.core.arrays import Layout, borrow, check_channels, check_sample_rate
from luthier.effects import _native
from luthier.effects._checks import finite_number, warn_non_finite
from luthier.effects.automation import Curve
from luthier.effects.parameter import shown

__all__ = ["time_stretch"]

#: Frames from one reading of a moving value to the next.
_GROUP = 16

_FACTORS = (1 / 16, 16.0)
_SEMITONES = (-36.0, 36.0)

_Values = npt.NDArray[np.float64]


def time_stretch(
    samples: Any,
    sample_rate: float,
    factor: float | Curve | npt.ArrayLike = 1.0,
    semitones: float | Curve | npt.ArrayLike = 0.0,
    *,
    formants: Literal["shift", "preserve"] = "shift",
    layout: Layout = "channels_first",
) -> Any:
    """Change the speed of a signal, and its pitch, each by itself.

    Parameters
    ----------
    samples
        ``(frames,)``, ``(channels, frames)`` or ``(batch, channels, frames)``, float32 or float64: a NumPy
        array, or any CPU array that speaks DLPack.
    sample_rate
        Frames a second.
    factor : float, Curve or array
        The speed, 1/16 to 16: 2 takes half the time. A `Curve` has the speeds at times of the input, and is
        straight on their logarithm; an array of shape ``(frames,)`` has one for each frame of the input. Both
        move in steps of 16 frames, which have the mean.
    semitones : float, Curve or array
        How far the pitch moves up, in twelfths of an octave, -36 to 36; likewise, with straight curves.
    formants : {"shift", "preserve"}
        Whether a voice's timbre moves with its pitch, or stays where it is.
    layout
        ``"frames_first"`` when `samples` is ``(frames, channels)``.

    Returns
    -------
    array
        The same kind and dtype as `samples`. It has ``frames / factor`` frames, rounded, halves up; where the
        speed moves, the sum of 1 / `factor` over the input's frames, rounded. What the input holds at a time
        stands in the output where that sum is at that time. Items of a batch are independent and run on all
        cores.

    Raises
    ------
    ParameterError
        For values out of range.
    LayoutError
        For arrays of another length than `samples`.

    Warns
    -----
    NonFiniteWarning
        When `samples` held infinities or not-a-numbers; they are read as silence.

    Notes
    -----
    The phase vocoder of `PitchShift`: Z. Průša and N. Holighaus, "Phase vocoder done right", *EUSIPCO*
    (2017); M. Puckette, "Phase-locked vocoder", *IEEE WASPAA* (1995). The result does not depend on the
    number of cores, and channels keep what lies between them. At a speed of 1 and 0 semitones samples pass
    unchanged but for rounding.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> take = 0.1 * np.random.default_rng(0).standard_normal((2, 44_100))
    >>> fx.time_stretch(take, 44_100, 1.25).shape
    (2, 35280)
    >>> slowing_down = fx.time_stretch(take, 44_100, fx.Curve([0, 1], [1, 0.5]))
    """
    rate = check_sample_rate(sample_rate)
    if formants not in ("shift", "preserve"):
        raise ParameterError(f"formants must be 'shift' or 'preserve', got {shown(formants)}")
    borrowed = borrow(samples, layout=layout)
    check_channels(borrowed)
    x = borrowed.array
    frames = x.shape[2]
    slowness = 1 / _values(factor, "factor", _FACTORS, frames, rate, logarithmic=True)
    shift = _values(semitones, "semitones", _SEMITONES, frames, rate, logarithmic=False)
    clock = _sum(slowness, frames)
    ratio = np.exp2(shift / 12)
    # A value a group and one a frame meet at the frames.
    if ratio.ndim and slowness.ndim and len(ratio) != len(slowness):
        ratio, slowness = (np.repeat(v, _GROUP)[:frames] if len(v) < frames else v for v in (ratio, slowness))
    places = clock if np.all(shift == 0) else _sum(ratio * slowness, frames)
    if slowness.ndim == 0:
        length = math.floor(frames * float(slowness) + 0.5)
    else:
        length = math.floor(float(np.interp(frames / _GROUP, np.arange(len(clock)), clock)) + 0.5)
    y = np.empty((*x.shape[:2], length), x.dtype)
    if y.size and _native.stretch(x, y, rate, clock, places, formants == "preserve"):
        warn_non_finite()
    return borrowed.give(y)


def _sum(steps: _Values, frames: int) -> _Values:
    """The integral of `steps` at the starts of the input's groups and at the last one's end.

    They are one for all, one a group, or one a frame.
    """
    groups = max(-(-frames // _GROUP), 1)
    if steps.ndim == 0:
        return np.arange(groups + 1) * (_GROUP * steps)
    if len(steps) == frames and frames != groups:
        steps = np.add.reduceat(steps, np.arange(0, frames, _GROUP))
        steps[-1] *= _GROUP / (frames - (groups - 1) * _GROUP)  # it goes on as it was
    else:
        steps = steps * _GROUP
    ends = np.zeros(groups + 1)
    np.cumsum(steps, out=ends[1:])
    return ends


def _values(
    given: Any, name: str, limits: tuple[float, float], frames: int, rate: float, *, logarithmic: bool
) -> _Values:
    """The value, or an array of those of the groups or of the frames; checked."""
    low, high = limits
    if isinstance(given, Curve):
        for value in given.values:
            finite_number(value, name, low, high)
        middles = (np.arange(0, max(frames, 1), _GROUP) + (_GROUP - 1) / 2) / rate
        points = np.log2(given.values) if logarithmic else np.asarray(given.values)
        if given.shape == "hold":
            last = np.searchsorted(given.times_s, middles, side="right") - 1
            path = points[np.maximum(last, 0)]
        else:
            path = np.interp(middles, given.times_s, points)
        return np.exp2(path) if logarithmic else path
    if np.ndim(given) == 0 and not hasattr(given, "shape"):
        return np.array(finite_number(given, name, low, high))
    try:
        array = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} must be a number, a Curve or an array of numbers: {error}") from error
    if array.ndim == 0:
        return np.array(finite_number(float(array), name, low, high))
    if array.shape != (frames,):
        raise LayoutError(f"{name} needs an array of shape ({frames},), got {array.shape}")
    good = (array >= low) & (array <= high)
    if not good.all():
        finite_number(float(array[~good][0]), name, low, high)
    return array if frames else np.array(1.0 if logarithmic else 0.0)
