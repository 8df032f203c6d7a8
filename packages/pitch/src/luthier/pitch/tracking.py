"""`track`: arguments are checked and frames laid out here, whatever the method."""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, ParameterError
from luthier.core.arrays import Borrowed, Layout, borrow, check_channels, check_sample_rate
from luthier.pitch import _native
from luthier.pitch.methods import METHODS, Grid
from luthier.pitch.pitch import Pitch

__all__ = ["check_settings", "track"]

#: The lowest `fmin`, and how far `fmax` may lie above it: what a frame costs grows with both.
_LOWEST_HZ, _WIDEST = 5.0, 1000.0
_LONGEST_HOP_S = 3600.0


def track(
    samples: Any,
    sample_rate: float,
    *,
    method: str = "yin",
    fmin: float = 50.0,
    fmax: float = 2000.0,
    hop_s: float = 0.01,
    layout: Layout = "channels_first",
    threshold: float | None = None,
) -> Pitch:
    """Track the fundamental frequency of a signal with one voice at a time.

    Parameters
    ----------
    samples : array, (frames,), (channels, frames) or (batch, channels, frames)
        float32 or float64, finite; any level. Each channel is tracked by itself.
    sample_rate : float
        Frames a second. Everything inside is set in seconds: 8 kHz speech and 96 kHz music get the same
        frames.
    method : {"yin"}
        ``"yin"``: de Cheveigne and Kawahara's YIN [1]_ with windows of two periods of `fmin`, symmetric
        about the frame's centre.
    fmin, fmax : float
        The range searched, in hertz; ``5 <= fmin < fmax <= sample_rate / 2`` and ``fmax <= 1000 * fmin``.
        `fmin` also sets how much of the signal a frame sees: up to ``3 / fmin`` seconds, 60 ms for 50 Hz.
    hop_s : float
        Seconds from one frame to the next; at least one sample and at most an hour.
    layout : {"channels_first", "frames_first"}
        How `samples` is laid out. The result has its frames last in either case.
    threshold : float, optional
        How much deeper a longer period must be to be preferred, in (0, 1); the method's own by default
        (0.1 for ``"yin"``). Lower finds more octaves below, higher more above.

    Returns
    -------
    Pitch
        ``(times, f0, voiced, confidence)`` with ``floor(duration / hop_s) + 1`` frames, frame ``k`` centred
        at ``k * hop_s``; a signal of no samples has no frames. Silence is unvoiced with confidence 0 and
        ``f0 == fmin``. Frames near the ends use what the signal has there; nothing is padded.

    Raises
    ------
    LayoutError
        When `samples` has another rank or dtype, more than 4096 channels (its axes are swapped), or holds
        an infinity or a not-a-number.
    ParameterError
        When a parameter is outside its range.

    Notes
    -----
    The result does not depend on level: any constant times `samples` gives the same pitch.

    ``"yin"``: with `a` the part of the frame's power that is not periodic at the chosen period, the
    confidence is ``1 / (1 + (a / 0.45)**4)``; where the frame's centre holds less than a tenth of the power
    around it, the confidence falls in proportion. `f0` is within 0.2 cent on clean tones up to a quarter of
    `sample_rate`, and within a quarter tone up to half of it.

    References
    ----------
    .. [1] A. de Cheveigne and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music",
       J. Acoust. Soc. Am. 111(4), 2002.

    Examples
    --------
    >>> import numpy as np, luthier.pitch as lp
    >>> t = np.arange(44_100) / 44_100
    >>> times, f0, voiced, confidence = lp.track(np.sin(2 * np.pi * 440 * t), 44_100)
    >>> f0.shape, bool(voiced.all()), f"{f0[50]:.2f}"
    ((101,), True, '440.00')
    """
    check_settings(method=method, fmin=fmin, fmax=fmax, hop_s=hop_s)
    chosen = METHODS[method]
    grid = _check_grid(sample_rate, fmin, fmax, hop_s)
    limit = chosen.threshold if threshold is None else _number("threshold", threshold)
    if not 0.0 < limit < 1.0:
        raise ParameterError(f"threshold must be between 0 and 1, both excluded, got {threshold!r}")

    borrowed = borrow(samples, layout=layout)
    check_channels(borrowed)
    batch, channels, length = borrowed.array.shape
    frames = math.floor(length / (grid.hop_s * grid.sample_rate) + 1e-9) + 1 if length else 0
    rows = borrowed.array.reshape(batch * channels, length)
    if not _native.finite(rows):
        _refuse_garbage(borrowed)

    f0 = np.empty((len(rows), frames))
    confidence = np.empty_like(f0)
    if f0.size:
        chosen.run(rows, grid, limit, f0, confidence)
    return _result(borrowed, np.arange(frames) * grid.hop_s, f0, confidence)


def _result(
    borrowed: Borrowed, times: npt.NDArray[np.float64], f0: npt.NDArray[Any], confidence: npt.NDArray[Any]
) -> Pitch:
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


def check_settings(*, method: object, fmin: object, fmax: object, hop_s: object) -> None:
    """Raise `ParameterError` for settings of `track` that are wrong whatever the samples are."""
    if not isinstance(method, str) or method not in METHODS:
        allowed = ", ".join(repr(name) for name in METHODS)
        raise ParameterError(f"method must be one of {allowed}, got {method!r}")
    low, high, hop = _number("fmin", fmin), _number("fmax", fmax), _number("hop_s", hop_s)
    if not low < high:
        raise ParameterError(f"fmin must be below fmax, got fmin={fmin!r} and fmax={fmax!r}")
    if low < _LOWEST_HZ or high > _WIDEST * low:
        raise ParameterError(
            f"fmin must be at least {_LOWEST_HZ:g} Hz and fmax at most {_WIDEST:g} times fmin, "
            f"got fmin={fmin!r} and fmax={fmax!r}"
        )
    if not 0.0 < hop <= _LONGEST_HOP_S:
        raise ParameterError(f"hop_s must be above 0 and at most {_LONGEST_HOP_S:g} s, got {hop_s!r}")


def _check_grid(sample_rate: float, fmin: float, fmax: float, hop_s: float) -> Grid:
    """What is wrong for this sample rate alone; the rest has passed `check_settings`."""
    rate = check_sample_rate(sample_rate)
    low, high, hop = float(fmin), float(fmax), float(hop_s)
    if high > rate / 2:
        raise ParameterError(
            f"fmax must be at most half the sample rate, {rate / 2:g} Hz at {rate:g} Hz, got {fmax!r}"
        )
    if hop * rate < 1.0:
        raise ParameterError(
            f"hop_s must be at least one sample, {1 / rate:g} s at {rate:g} Hz, got {hop_s!r}"
        )
    return Grid(rate, hop, low, high)


def _number(name: str, value: object) -> float:
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ParameterError(f"{name} must be a finite number, got {value!r}")


def _refuse_garbage(borrowed: Borrowed) -> None:
    bad = ~np.isfinite(borrowed.array)
    item, channel, frame = (int(i) for i in np.argwhere(bad)[np.argwhere(bad)[:, 2].argmin()])
    where = f"frame {frame}"
    if borrowed.ndim > 1:
        where += f" of channel {channel}"
    if borrowed.ndim > 2:
        where += f" of item {item}"
    value = borrowed.array[item, channel, frame]
    raise LayoutError(
        f"samples must be finite, got {value} in {where}; numpy.nan_to_num(samples) reads such samples as 0"
    )
