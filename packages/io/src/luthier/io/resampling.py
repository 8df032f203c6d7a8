"""Changing the sample rate: at once, in a stream, or at any times."""

from __future__ import annotations

import bisect
import math
import numbers
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np

from luthier.core.arrays import Layout, borrow, borrow_out
from luthier.core.errors import LayoutError, ParameterError, StreamError
from luthier.io import _native

__all__ = ["Resampler", "resample", "resample_to_times"]

Quality = Literal["fast", "medium", "high", "best"]
Phase = Literal["linear", "intermediate", "minimum"]

QUALITIES = ("fast", "medium", "high", "best")
_PHASES = {"linear": 0.0, "intermediate": 0.5, "minimum": 1.0}

# The native code's integers: a ratio of larger ones is replaced by the nearest of such.
_MOST = 2**60
_MOST_RATIO = 10**9


def resample(
    samples: Any,
    from_rate: float | Fraction,
    to_rate: float | Fraction,
    *,
    quality: Quality = "high",
    phase: Phase = "linear",
    out: Any = None,
    layout: Layout = "channels_first",
) -> Any:
    """Change the sample rate of `samples` from `from_rate` to `to_rate`.

    ``n`` frames become ``round(n * to_rate / from_rate)``, halves up, counted in exact integers; output
    frame ``m`` stands at the time ``m / to_rate``, without drift over any length. With ``phase="linear"``
    there is no delay.

    Parameters
    ----------
    samples
        float32 or float64, any shape with the frames last: ``(frames,)``, ``(channels, frames)``,
        ``(..., frames)``. Every row is resampled by itself; many are spread over the threads of
        `luthier.core.threads`.
    from_rate, to_rate
        Frames a second, or any two positive numbers of that ratio: integers, floats (taken for exactly the
        binary fraction that they are) or `fractions.Fraction`. A ratio whose lowest terms exceed 2**60 is
        replaced by the nearest below that, which is off by less than one frame in 2**60. The two may
        differ by a factor of 1e9 at most.
    quality
        Shares of the lower of the two Nyquist frequencies up to which all is kept, and by how much is kept
        down what lies above it (aliases and images begin at the Nyquist frequency itself):

        ========== ============ ============ =========================
        quality    kept, up to  kept down    computed in
        ========== ============ ============ =========================
        ``fast``   0.80         90 dB        float32 (float64 for float64)
        ``medium`` 0.87         110 dB       float32 (float64 for float64)
        ``high``   0.91         130 dB       float32 (float64 for float64)
        ``best``   0.95         150 dB       float64
        ========== ============ ============ =========================
    phase
        ``"minimum"``: nothing sounds before its time, but low frequencies leave sooner than high ones;
        ``"intermediate"``: half of that phase; ``"linear"``: all frequencies in time, with as much ringing
        before a click as after it.
    out
        Array for the result, of its shape and the dtype of `samples`. It may not overlap `samples`.
    layout
        ``"frames_first"``: the frames are the last axis but one, ``(..., frames, channels)``, in and out.

    Returns
    -------
    array
        The kind of array and the dtype of `samples`.

    Raises
    ------
    ParameterError
        A rate is not a positive finite number, the ratio is beyond 1e9, or a name is unknown.
    LayoutError
        `samples` or `out` is not as described.

    Notes
    -----
    Equal rates copy the samples. Otherwise a sample that is not finite makes the outputs within the filter's
    reach of it not-a-number, and no others. The method is in ``luthier/resample.h``: overlap-save in the
    frequency domain, and a short Kaiser-Bessel kernel on the signal oversampled at least twice.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> second = np.zeros((2, 44_100), np.float32)
    >>> lio.resample(second, 44_100, 16_000).shape
    (2, 16000)
    """
    shape: tuple[int, ...] = tuple(getattr(samples, "shape", ()))
    many = len(shape) > 3
    tail = 2 if layout == "frames_first" else 1
    if many:
        samples = samples.reshape((-1, *shape[-tail:]))
    given = borrow(samples, layout=layout)
    array = given.array
    batch, channels, frames = array.shape
    if channels > 4096 and frames < 64:
        raise LayoutError(
            f"samples has {channels} channels of {frames} frames; for (frames, channels) pass "
            "layout='frames_first'"
        )
    plan = _plan(from_rate, to_rate, quality, phase, array.dtype == np.float64)
    wanted = plan.length(frames)
    if out is None:
        result = np.empty((batch, channels, wanted), array.dtype)
        target = result
    else:
        if many:
            out = _flat(out, tail)
        result = borrow_out(out, given, (batch, channels, wanted))
        if np.may_share_memory(array, result) and np.shares_memory(array, result):
            raise LayoutError("out overlaps samples, which are read while out is written: pass another array")
        target = result if _is_rows(result) else np.empty(result.shape, result.dtype)
    rows = batch * channels
    if rows and wanted:
        _native.resample(plan, array.reshape(rows, frames), target.reshape(rows, wanted))
    if out is None:
        new = given.give(result)
        if not many:
            return new
        middle = shape[:-tail]
        return new.reshape((*middle, wanted, channels) if tail == 2 else (*middle, wanted))
    if target is not result:
        result[...] = target
    return out.reshape((*shape[:-tail], *out.shape[1:])) if many else out


def resample_to_times(
    samples: Any,
    sample_rate: float,
    times: Any,
    *,
    quality: Quality = "high",
    cutoff_hz: float | None = None,
    out: Any = None,
    layout: Layout = "channels_first",
) -> Any:
    """Evaluate band-limited `samples` at any times: a varying speed, a drifting clock, jittered frames.

    Parameters
    ----------
    samples
        float32 or float64: ``(frames,)``, ``(channels, frames)`` or ``(batch, channels, frames)``, frame
        ``n`` at ``n / sample_rate`` seconds.
    sample_rate
        Frames a second.
    times
        ``(count,)``, seconds, in any order. Before the beginning and behind the end there is silence, into
        which the signal rings; at times that are not finite the result is not-a-number.
    quality
        As for `resample`.
    cutoff_hz
        What lies above is removed before. Where the times are further apart than the frames of `samples`,
        half the lowest rate of the times is right, or what is above it folds back. By default half the
        sample rate.
    out
        Array for the result. It may not overlap `samples`.
    layout
        ``"frames_first"``: ``(frames, channels)``, in and out.

    Returns
    -------
    array
        As `samples`, with ``count`` frames.

    Raises
    ------
    ParameterError
        The rate or the cutoff is out of range, or the quality is unknown.
    LayoutError
        An array is not as described.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> samples = np.ones(8_000, np.float32)
    >>> wow = np.linspace(0.1, 0.9, 5) + 0.01 * np.sin(np.arange(5))
    >>> lio.resample_to_times(samples, 8_000, wow).round(4)
    array([1., 1., 1., 1., 1.], dtype=float32)
    """
    rate = _rate(sample_rate, "sample_rate")
    nyquist = float(rate) / 2
    limit = nyquist if cutoff_hz is None else cutoff_hz
    if not isinstance(limit, numbers.Real) or not nyquist * 2**-12 <= limit <= nyquist:
        raise ParameterError(
            f"cutoff_hz must be between {nyquist * 2**-12:g} and half the sample rate, {nyquist:g}, "
            f"got {cutoff_hz!r}"
        )
    given = borrow(samples, layout=layout)
    dtype = given.array.dtype
    batch, channels, frames = given.array.shape
    seconds = np.asarray(times, dtype=np.float64)
    if seconds.ndim != 1:
        raise LayoutError(f"times must have shape (count,), got {seconds.shape}")
    # "best" is computed in float64, and the intermediate signal is kept in what is computed with.
    wide = dtype == np.float64 or quality == "best"
    plan = _native.resample_plan(
        1, 1, _quality(quality), wide, 0.0, intermediate=True, cutoff=float(limit) / nyquist
    )
    rows = given.array.reshape(batch * channels, frames)
    work = rows.astype(np.float64) if wide and dtype != np.float64 else rows
    shape = (batch, channels, len(seconds))
    result = np.empty(shape, dtype) if out is None else borrow_out(out, given, shape)
    if out is not None and np.may_share_memory(given.array, result) and np.shares_memory(given.array, result):
        raise LayoutError("out overlaps samples, which are read while out is written: pass another array")
    fits = work.dtype == dtype and _is_rows(result)
    target = result if fits else np.empty(shape, work.dtype)
    if rows.shape[0] and len(seconds):
        positions = np.ascontiguousarray(seconds * float(rate))
        _native.resample_times(plan, work, positions, target.reshape(rows.shape[0], len(seconds)))
    if target is not result:
        result[...] = target
    return given.give(result) if out is None else out


class Resampler:
    """A stream that changes its sample rate.

    The concatenated output is that of `resample`, bit for bit, however the input is cut.

    Parameters
    ----------
    from_rate, to_rate, quality, phase
        As for `resample`.
    channels
        Channels of every block.
    dtype
        ``"float32"`` or ``"float64"``, of the blocks and of the output.

    Attributes
    ----------
    latency : int
        So many output frames at most are still to come for the input that has been given.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> stream = lio.Resampler(48_000, 16_000, channels=1)
    >>> parts = [stream.process(block) for block in np.zeros((10, 1, 4_800), np.float32)]
    >>> parts.append(stream.flush())
    >>> np.concatenate(parts, axis=-1).shape
    (1, 16000)
    """

    def __init__(
        self,
        from_rate: float | Fraction,
        to_rate: float | Fraction,
        channels: int = 1,
        *,
        quality: Quality = "high",
        phase: Phase = "linear",
        dtype: Any = "float32",
    ) -> None:
        self._dtype = np.dtype(dtype)
        if self._dtype not in (np.float32, np.float64):
            raise ParameterError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
        count: Any = channels
        if isinstance(count, bool) or not isinstance(count, numbers.Integral) or not 1 <= int(count) <= 4096:
            raise ParameterError(f"channels must be an integer between 1 and 4096, got {channels!r}")
        wide = self._dtype == np.float64
        self._plan = plan = _plan(from_rate, to_rate, quality, phase, wide)
        self._channels = int(channels)
        # Any: the two classes' methods take arrays of their own dtype.
        self._kind: Any = _native.ResampleStreamDouble if wide else _native.ResampleStreamFloat
        self._stream = self._kind(plan, self._channels)
        self._over = False
        ratio = _rate(to_rate, "to_rate") / _rate(from_rate, "from_rate")
        self.latency = math.ceil(plan.latency * ratio) + 1

    @property
    def channels(self) -> int:
        """Channels of every block."""
        return self._channels

    @cached_property
    def input_latency(self) -> int:
        """So many input frames are taken before the first output frame comes."""
        fresh = self._kind(self._plan, 1)
        return bisect.bisect_left(range(self._plan.latency + 1), 1, key=fresh.ready) - 1

    def length(self, frames: int) -> int:
        """How many frames come out of `frames` in all: ``round(frames * to_rate / from_rate)``, halves up."""
        return self._plan.length(frames)

    def process(self, samples: Any) -> Any:
        """Take a block, and return the frames that are ready: none, for a while, is no error.

        Parameters
        ----------
        samples
            ``(channels, frames)``, or ``(frames,)`` for one channel; the stream's dtype.

        Returns
        -------
        array
            As many dimensions as `samples`, and the same kind of array.

        Raises
        ------
        LayoutError
            The block does not fit the stream.
        StreamError
            After `flush`.
        """
        if self._over:
            raise StreamError("the stream has been flushed: call reset() before process()")
        given = borrow(samples)
        _, channels, frames = given.array.shape
        if given.ndim == 3 or channels != self._channels or given.array.dtype != self._dtype:
            raise LayoutError(
                f"the stream takes ({self._channels}, frames) of {self._dtype}, "
                f"got {tuple(samples.shape)} of {given.array.dtype}"
            )
        out = np.empty((1, channels, self._stream.ready(frames)), self._dtype)
        self._stream.process(given.array[0], out[0])
        return given.give(out)

    def flush(self) -> np.ndarray[Any, Any]:
        """Return what is still to come, ``(channels, frames)``, and end the stream."""
        if self._over:
            raise StreamError("the stream has been flushed already: call reset() before using it again")
        out = np.empty((self._channels, self._stream.rest()), self._dtype)
        self._stream.flush(out)
        self._over = True
        return out

    def reset(self) -> None:
        """Begin anew, with silence behind."""
        self._stream.reset()
        self._over = False

    def start_at(self, frame: int) -> tuple[int, int]:
        """Take up a signal in its middle, so that output `frame` has the bits that it has in the whole.

        Parameters
        ----------
        frame
            An output frame, counted from 0.

        Returns
        -------
        tuple of int
            The input frame that the next `process` must begin with, and the output frame that leaves next:
            `frame` or one before it, whose values are then to be dropped.

        Examples
        --------
        >>> import numpy as np, luthier.io as lio
        >>> signal = np.random.default_rng(0).uniform(-1, 1, (1, 96_000)).astype(np.float32)
        >>> stream = lio.Resampler(48_000, 44_100)
        >>> fed, given = stream.start_at(60_000)
        >>> part = np.concatenate([stream.process(signal[:, fed:]), stream.flush()], axis=-1)
        >>> np.array_equal(part[:, 60_000 - given :], lio.resample(signal, 48_000, 44_100)[:, 60_000:])
        True
        """
        if isinstance(frame, bool) or not isinstance(frame, numbers.Integral) or not 0 <= frame < 2**62:
            raise ParameterError(f"frame must be a whole number of frames, not negative, got {frame!r}")
        self._over = False
        return self._stream.start_at(int(frame))


def _is_rows(result: np.ndarray[Any, Any]) -> bool:
    """Whether `result` can be seen as (rows, frames), the frames contiguous, without a copy."""
    return bool(result.flags.c_contiguous)


def _flat(out: Any, tail: int) -> Any:
    """`out` with its leading axes as one, never a copy."""
    array = np.asarray(out) if isinstance(out, np.ndarray) else np.from_dlpack(out)
    if not array.flags.c_contiguous:
        raise LayoutError("an out array of more than three dimensions must be contiguous")
    return out.reshape((-1, *out.shape[-tail:]))


def _rate(value: object, name: str) -> Fraction:
    number: Any = value
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and 0 < number < math.inf:
        if isinstance(value, numbers.Rational):
            # NumPy's integers would overflow inside a Fraction.
            return Fraction(int(value.numerator), int(value.denominator))
        return Fraction(float(number))
    raise ParameterError(f"{name} must be a positive number of frames a second, got {value!r}")


def _quality(quality: object) -> int:
    if quality not in QUALITIES:
        raise ParameterError(f"quality must be one of {', '.join(map(repr, QUALITIES))}, got {quality!r}")
    return QUALITIES.index(str(quality))


def _limit(ratio: Fraction) -> Fraction:
    """The nearest ratio with terms that the native code can count with."""
    if max(ratio.numerator, ratio.denominator) <= _MOST:
        return ratio
    if ratio > 1:
        return 1 / _limit(1 / ratio)
    return ratio.limit_denominator(_MOST)


def _plan(from_rate: Any, to_rate: Any, quality: Any, phase: Any, wide: bool) -> _native.ResamplePlan:
    try:
        return _cached_plan(from_rate, to_rate, quality, phase, wide)
    except TypeError:
        # What cannot be hashed is no rate and no name either.
        return _cached_plan.__wrapped__(from_rate, to_rate, quality, phase, wide)


@lru_cache(maxsize=32)
def _cached_plan(from_rate: Any, to_rate: Any, quality: str, phase: str, wide: bool) -> _native.ResamplePlan:
    ratio = _rate(to_rate, "to_rate") / _rate(from_rate, "from_rate")
    if not Fraction(1, _MOST_RATIO) <= ratio <= _MOST_RATIO:
        raise ParameterError(
            f"from_rate and to_rate may differ by a factor of 1e9 at most, got {from_rate!r} and {to_rate!r}"
        )
    if not isinstance(phase, str) or phase not in _PHASES:
        raise ParameterError(f"phase must be one of {', '.join(map(repr, _PHASES))}, got {phase!r}")
    limited = _limit(ratio)
    return _native.resample_plan(
        limited.denominator,
        limited.numerator,
        _quality(quality),
        wide,
        _PHASES[phase],
        intermediate=False,
        cutoff=1.0,
    )
