"""Arrays in, the same kind of array out: layout, dtype and array library are handled here and nowhere else.

Layout is never guessed: ``(frames,)`` is mono, ``(channels, frames)``, ``(batch, channels, frames)``;
frames come last unless the caller says ``layout="frames_first"``, which swaps the last two axes.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from luthier.core.errors import LayoutError, ParameterError

__all__ = [
    "MOST_CHANNELS",
    "Borrowed",
    "Layout",
    "Samples",
    "borrow",
    "borrow_out",
    "check_channels",
    "check_sample_rate",
]

Layout = Literal["channels_first", "frames_first"]
Samples = npt.NDArray[np.floating[Any]]

#: Frames a second that every function accepts.
SAMPLE_RATES = (1.0, 10_000_000.0)

#: More channels than any recording has: such an array has its axes the other way round.
MOST_CHANNELS = 4096

_LAYOUTS = ("channels_first", "frames_first")
_INTEGER_PCM = {"int8": 2**7, "int16": 2**15, "int32": 2**31}


def check_sample_rate(sample_rate: object, name: str = "sample_rate") -> float:
    """Return `sample_rate` as a float, or raise `ParameterError` saying what is allowed."""
    low, high = SAMPLE_RATES
    value: Any = sample_rate
    is_number = not isinstance(value, bool) and isinstance(value, numbers.Real)
    # The comparison comes before float(), which an integer of 400 digits would overflow.
    if is_number and low <= value <= high:
        return float(value)
    raise ParameterError(
        f"{name} must be a number of frames a second between {low:g} and {high:g}, got {sample_rate!r}"
    )


@dataclass(frozen=True)
class Borrowed:
    """The caller's samples as NumPy sees them, and the way back to the caller's kind of array.

    Attributes
    ----------
    array
        ``(batch, channels, frames)``, float32 or float64, native byte order, frames contiguous.
        A view of the caller's memory where that is possible: do not write to it.
    ndim
        Dimensions of the caller's array: 1, 2 or 3.
    """

    array: Samples
    ndim: int
    layout: Layout
    _namespace: str

    @property
    def batch(self) -> int | None:
        """Items of the batch, or None when the caller's array has no batch axis."""
        return self.array.shape[0] if self.ndim == 3 else None

    def give(self, result: Samples) -> Any:
        """Turn ``(batch, channels, frames)`` into the caller's dimensions, layout and array library."""
        if self.ndim == 1:
            shaped = result[0, 0] if result.shape[1] == 1 else result[0]
        else:
            shaped = result if self.ndim == 3 else result[0]
        if self.layout == "frames_first" and shaped.ndim > 1:
            shaped = np.ascontiguousarray(np.swapaxes(shaped, -1, -2))
        if self._namespace == "numpy":
            return shaped
        if self._namespace == "torch":
            import torch  # type: ignore[import-not-found,unused-ignore]

            return torch.from_numpy(shaped)
        if self._namespace == "jax":
            import jax.numpy  # type: ignore[import-not-found,unused-ignore]

            return jax.numpy.asarray(shaped)
        return _dlpack_owner(self._namespace)(shaped)


def borrow(samples: Any, *, layout: Layout = "channels_first", name: str = "samples") -> Borrowed:
    """View `samples` as ``(batch, channels, frames)`` floats without copying where that is possible.

    Parameters
    ----------
    samples
        float32 or float64, 1 to 3 dimensions: a NumPy array, or any array on the CPU that speaks
        DLPack (torch, JAX, ...).
    layout
        ``"channels_first"``: ``(channels, frames)``; ``"frames_first"``: ``(frames, channels)``.
    name
        What messages call the argument.

    Raises
    ------
    LayoutError
        For another dtype, rank, layout, device or kind of object. The message says what to do.
    """
    if layout not in _LAYOUTS:
        raise LayoutError(f"layout must be 'channels_first' or 'frames_first', got {layout!r}")
    array, namespace = _to_numpy(samples, name)
    if array.dtype.newbyteorder("=") not in (np.float32, np.float64):
        raise LayoutError(f"{name} must be float32 or float64, got {array.dtype}. {_cure(array.dtype, name)}")
    if not 1 <= array.ndim <= 3:
        raise LayoutError(
            f"{name} must have shape (frames,), (channels, frames) or (batch, channels, frames), "
            f"got {array.ndim} dimensions: {array.shape}"
        )
    ndim = array.ndim
    planar = np.swapaxes(array, -1, -2) if layout == "frames_first" and ndim > 1 else array
    planar = planar.reshape((1,) * (3 - ndim) + planar.shape)
    native = planar.astype(planar.dtype.newbyteorder("="), copy=False)
    return Borrowed(np.ascontiguousarray(native), ndim, layout, namespace)


def check_channels(borrowed: Borrowed, name: str = "samples") -> None:
    """Raise `LayoutError` for more than 4096 channels: frames that were taken for channels.

    Each of them would be worked on by itself, with a result that looks right and means nothing.
    """
    _, channels, frames = borrowed.array.shape
    if channels <= MOST_CHANNELS:
        return
    meant, cure = "(frames, channels)", "frames_first"
    if borrowed.layout == "frames_first":
        meant, cure = "(channels, frames)", "channels_first"
    raise LayoutError(
        f"{name} has {channels} channels of {frames} frames, and at most {MOST_CHANNELS} channels are "
        f"allowed; {meant} data needs layout={cure!r}"
    )


def borrow_out(out: Any, like: Borrowed, shape: tuple[int, int, int]) -> Samples:
    """Check the caller's `out` array for a result of `shape` and return it as ``(batch, channels, frames)``.

    Writing to what is returned writes to the caller's memory.
    """
    array, _ = _to_numpy(out, "out")
    wanted = shape[3 - like.ndim :]
    if like.layout == "frames_first" and like.ndim > 1:
        wanted = (*wanted[:-2], wanted[-1], wanted[-2])
    dtype = like.array.dtype
    if array.shape != wanted or array.dtype != dtype:
        raise LayoutError(
            f"out must have shape {wanted} and dtype {dtype}, got {array.shape} and {array.dtype}"
        )
    if not array.flags.writeable:
        raise LayoutError("out is read-only: pass an array that may be written to")
    planar = np.swapaxes(array, -1, -2) if like.layout == "frames_first" and like.ndim > 1 else array
    return planar[(None,) * (3 - like.ndim)]


def _to_numpy(samples: Any, name: str) -> tuple[npt.NDArray[Any], str]:
    if isinstance(samples, np.ndarray):
        return np.asarray(samples), "numpy"
    namespace = type(samples).__module__.partition(".")[0]
    namespace = "jax" if namespace == "jaxlib" else namespace
    if getattr(samples, "requires_grad", False):
        raise LayoutError(f"{name} carries a gradient, which native code would drop: pass {name}.detach()")
    if hasattr(samples, "__dlpack_device__"):
        kind, _ = samples.__dlpack_device__()
        if int(kind) != 1:
            raise LayoutError(f"{name} is not in main memory: pass {name}.cpu()")
        try:
            return np.from_dlpack(samples), namespace
        except (BufferError, TypeError, RuntimeError) as error:
            raise LayoutError(f"{name} could not be read through DLPack: {error}") from error
    raise LayoutError(
        f"{name} must be an array, got {type(samples).__name__}; "
        f"convert it with numpy.asarray({name}, dtype=numpy.float32)"
    )


def _dlpack_owner(namespace: str) -> Any:
    import importlib

    # A class of a library without from_dlpack gets a NumPy array back.
    return getattr(importlib.import_module(namespace), "from_dlpack", np.asarray)


def _cure(dtype: np.dtype[Any], name: str) -> str:
    scale = _INTEGER_PCM.get(dtype.name)
    if dtype == np.uint8:
        return f"For 8-bit PCM pass ({name}.astype(numpy.float32) - 128) / 128"
    if scale is not None:
        exact = "float64" if scale > 2**24 else "float32"
        return f"For integer PCM pass {name}.astype(numpy.{exact}) / {scale}"
    if dtype.kind in "iu":
        return f"Pass {name}.astype(numpy.float32) / full_scale, so that the samples lie in -1 to 1"
    if dtype.kind == "c":
        return f"Pass {name}.real and {name}.imag one after the other"
    return f"Pass {name}.astype(numpy.float32)"
