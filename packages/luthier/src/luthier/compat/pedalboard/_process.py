"""Arrays through plugins: pedalboard's layouts, types and errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.compat.pedalboard._knobs import incompatible, number

if TYPE_CHECKING:
    from luthier.compat.pedalboard._plugin import Plugin

    Samples = npt.NDArray[np.float32]

__all__ = ["process_samples"]

#: Frames that go through all plugins of a container at once, in cache.
_BLOCK = 8192

_ARGUMENTS = (
    "(self: pedalboard_native.Plugin, input_array: numpy.ndarray, sample_rate: float, "
    "buffer_size: int = 8192, reset: bool = True) -> numpy.ndarray[numpy.float32]"
)
_HINT = (
    "Provide a non-square array first to allow Pedalboard to determine which dimension corresponds with the "
    "number of channels and which dimension corresponds with the number of samples."
)


def process_samples(
    plugin: Plugin, function: str, samples: Any, sample_rate: Any, buffer_size: Any, reset: Any
) -> Samples:
    """Run a plugin over an array."""
    try:
        rate = number(sample_rate)
        size = buffer_size.__index__()
    except (TypeError, AttributeError):
        rate, size = math.nan, -1
    wrong = not isinstance(samples, np.ndarray) or not (reset is None or hasattr(reset, "__bool__"))
    if wrong or size < 0:
        given = f"{plugin!r}, {samples!r:.200}, {sample_rate!r}, {buffer_size!r}, {reset!r}"
        raise incompatible(function, _ARGUMENTS, given)
    if samples.dtype.kind != "f" or samples.dtype.itemsize not in (4, 8):
        raise TypeError("Pedalboard only supports 32-bit and 64-bit floating point audio for processing.")
    if not 0 < rate < math.inf:
        raise ValueError(f"Sample rate must be a finite number above 0, but was {sample_rate!r}.")
    if size == 0:
        raise ValueError(f"Buffer size must be at least 1 frame, but was {buffer_size!r}.")
    with plugin._locked():
        channels_last = _channels_last(plugin, samples)
        planar = samples[np.newaxis] if samples.ndim == 1 else samples.T if channels_last else samples
        wet = _run(plugin, planar, rate, reset)
        if samples.ndim == 1:
            mono: Samples = wet[0]
            return mono
        return np.ascontiguousarray(wet.T) if channels_last else wet


def _run(plugin: Plugin, x: npt.NDArray[Any], rate: float, reset: bool) -> Samples:
    channels, frames = x.shape
    out: Samples = np.empty((channels, frames), np.float32)
    if x.size == 0:
        return out
    if reset:
        plugin._forget()
    plugin._start(rate, channels)
    at = 0
    for start in range(0, frames, _BLOCK):
        block = out[:, start : start + _BLOCK]
        block[...] = x[:, start : start + _BLOCK]
        wet = plugin._feed(block)
        if wet is not block or at != start:
            out[:, at : at + wet.shape[1]] = wet
        at += wet.shape[1]
    if not reset:
        return out[:, :at]
    # What is held back is pushed out by silence.
    left = plugin._latency() if at < frames else 0
    while at < frames and left > 0:
        wet = plugin._feed(np.zeros((channels, min(left, _BLOCK)), np.float32))[:, : frames - at]
        out[:, at : at + wet.shape[1]] = wet
        at += wet.shape[1]
        left -= _BLOCK
    out[:, at:] = 0
    return out


def _channels_last(plugin: Plugin, samples: npt.NDArray[Any]) -> bool:
    """Whether an array is ``(frames, channels)``: pedalboard guesses, unless the call before tells."""
    if samples.ndim == 1:
        return False
    if samples.ndim != 2:
        raise RuntimeError(f"Number of input dimensions must be 1 or 2 (got {samples.ndim}). {_HINT}")
    first, second = samples.shape
    last, channels = plugin._layout if plugin._layout is not None else (None, None)
    if first == second:
        if last is None and first != 1:
            raise RuntimeError(f"Unable to determine channel layout from shape: ({first}, {second}). {_HINT}")
        return bool(last)
    if last is None or channels != (second if last else first):
        last = first > second
    if samples.size:
        plugin._layout = (last, second if last else first)
    return last
