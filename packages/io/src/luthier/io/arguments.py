"""The arguments that all ways of reading share, checked, and as the native code takes them."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, ParameterError
from luthier.core.arrays import SAMPLE_RATES, Layout
from luthier.io.resampling import QUALITIES, Quality

__all__ = [
    "Channels",
    "ChannelsRequest",
    "check_channels",
    "check_count",
    "check_dtype",
    "check_frame",
    "check_layout",
    "check_out",
    "check_rate",
]

#: Which channels: all (None), their mean, a number of them, indices, or a slice.
Channels = Literal["mono"] | int | Sequence[int] | slice | None

#: The kind (see native/channels.h) and its numbers.
ChannelsRequest = tuple[int, list[int]] | None

_MEAN, _COUNT, _LIST, _SLICE = 1, 2, 3, 4
_NONE = -(2**63)  # in place of a slice's missing bound
_LARGEST = 2**63 - 1

_DTYPES = ("float32", "float64", "int16", "int32")
_CODES = {name: code for code, name in enumerate(_DTYPES)}


def check_dtype(dtype: npt.DTypeLike) -> int:
    """The native code's number for the type of samples, or the error that names the types."""
    if isinstance(dtype, str) and dtype in _CODES:
        return _CODES[dtype]
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind is None or kind.name not in _CODES or not kind.isnative:
        raise LayoutError(f"dtype must be 'float32', 'float64', 'int16' or 'int32', got {dtype!r}")
    return _CODES[kind.name]


def check_layout(layout: str) -> bool:
    """Whether `layout` is interleaved."""
    if layout not in ("channels_first", "frames_first"):
        raise LayoutError(f"layout must be 'channels_first' or 'frames_first', got {layout!r}")
    return layout == "frames_first"


def check_out(out: Any, layout: Layout, dtype: npt.DTypeLike | None) -> int:
    """Check the caller's array, except for the file's channels, and return its type of samples."""
    interleaved = check_layout(layout)
    shape = "(frames, channels)" if interleaved else "(channels, frames)"
    array = out if isinstance(out, np.ndarray) else _as_numpy(out)
    code = _CODES.get(array.dtype.name, -1) if array.dtype.isnative else -1
    if code < 0:
        raise LayoutError(f"out must be float32, float64, int16 or int32, got {array.dtype}")
    if dtype is not None and check_dtype(dtype) != code:
        raise LayoutError(f"out is {array.dtype}, and dtype asks for {dtype}; leave dtype out")
    if array.ndim != 2:
        raise LayoutError(f"out must have shape {shape}, got {array.shape}")
    if not array.flags.writeable:
        raise LayoutError("out is read-only: pass an array that may be written to")
    size = array.itemsize
    steps = array.strides
    if not interleaved and array.shape[0] > 1 and abs(steps[0]) < size * array.shape[1]:
        raise LayoutError(f"out must have rows that do not overlap, got strides {steps} for {array.shape}")
    rows = steps[1] == size or array.shape[1] <= 1
    whole = not interleaved or steps[0] == size * array.shape[1] or array.shape[0] <= 1
    if array.size and not (rows and whole and steps[0] % size == 0):
        what = "frames that follow one another" if interleaved else "rows without gaps"
        raise LayoutError(f"out must have {what} in memory, got strides {steps} for shape {array.shape}")
    return code


def _as_numpy(out: Any) -> npt.NDArray[Any]:
    if not hasattr(out, "__dlpack__"):
        raise LayoutError(f"out must be an array, got {type(out).__name__}")
    if int(out.__dlpack_device__()[0]) != 1:
        raise LayoutError("out is not in main memory: pass an array on the CPU")
    try:
        return np.from_dlpack(out)
    except (BufferError, TypeError, RuntimeError) as error:
        raise LayoutError(f"out could not be used through DLPack: {error}") from error


def check_channels(channels: Channels) -> ChannelsRequest:
    """What the native code takes for `channels`, or the error that says what is allowed."""
    if channels is None:
        return None
    if isinstance(channels, np.ndarray):
        channels = channels.tolist()
    if isinstance(channels, str):
        if channels == "mono":
            return _MEAN, []
    elif isinstance(channels, slice):
        bounds = (channels.start, channels.stop, channels.step)
        try:
            numbers = [_NONE if b is None else operator.index(b) for b in bounds]
        except TypeError:
            numbers = [0, 0, 0]
        if numbers[2] != 0 and all(abs(n) <= _LARGEST or n == _NONE for n in numbers):
            return _SLICE, numbers
    elif not isinstance(channels, bool):
        try:
            if hasattr(channels, "__index__"):
                count = operator.index(channels)
                if 1 <= count <= 4096:
                    return _COUNT, [count]
            else:
                indices = [operator.index(c) for c in channels]
                mask = any(isinstance(c, bool | np.bool_) for c in channels)  # [True, False] is not [1, 0]
                low, high = min(indices, default=0), max(indices, default=0)
                if not mask and 0 < len(indices) <= 4096 and low >= -65_536 and high < 65_536:
                    return _LIST, indices
        except TypeError:
            pass
    raise ParameterError(
        "channels must be 'mono' (the mean of all), a number of channels from 1 on, a list of the file's "
        f"channels that count from 0, such as [0, 1], a slice, or None for all; got {channels!r}"
    )


def check_rate(sample_rate: float | None, quality: Quality) -> tuple[int, int] | None:
    """What the native code takes for the rate that is wanted, or the error that says what is allowed."""
    if quality not in QUALITIES:
        raise ParameterError(f"quality must be one of {', '.join(map(repr, QUALITIES))}, got {quality!r}")
    if sample_rate is None:
        return None
    low, high = SAMPLE_RATES
    number = not isinstance(sample_rate, bool) and isinstance(sample_rate, numbers.Real)
    if number and low <= sample_rate <= high and sample_rate == int(sample_rate):
        return int(sample_rate), QUALITIES.index(quality)
    raise ParameterError(
        f"sample_rate must be a whole number of frames a second from {low:g} to {high:g}, or None for the "
        f"file's own; got {sample_rate!r}"
    )


def check_count(name: str, value: object) -> int:
    """A number of frames, not negative, or the error that says so."""
    try:
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ParameterError(f"{name} must be a whole number of frames, got {value!r}") from None
    if count < 0:
        raise ParameterError(f"{name} must not be negative, got {count}; None means all that are left")
    return min(count, _LARGEST)


def check_frame(name: str, value: object, source: str) -> int:
    """A place in the file, of which the native code sees whether it is beyond the end."""
    try:
        frame = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ParameterError(f"{name} must be a whole number of frames, got {value!r}") from None
    if frame < 0:
        raise ParameterError(
            f"{source}: {name} must be from 0 to the number of frames in the file, got {frame:,}"
        )
    return min(frame, _LARGEST)
