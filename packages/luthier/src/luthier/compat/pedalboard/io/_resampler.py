"""`StreamResampler`, and what it and resampled files resample with."""

from __future__ import annotations

import math
import numbers
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import luthier.io as lio
from luthier.compat.pedalboard._quality import Quality
from luthier.compat.pedalboard.io._arguments import incompatible, rate_as_shown, whole
from luthier.compat.pedalboard.io._interpolation import KERNELS, Interpolator

__all__ = ["RateChange", "StreamResampler", "rate_change"]

_Array = npt.NDArray[Any]

#: luthier's qualities for those that the peer names after the zero crossings of their filters.
_SINC: dict[Quality, Any] = {
    Quality.WindowedSinc: "high",
    Quality.WindowedSinc256: "best",
    Quality.WindowedSinc128: "best",
    Quality.WindowedSinc64: "high",
    Quality.WindowedSinc32: "high",
    Quality.WindowedSinc16: "medium",
    Quality.WindowedSinc8: "fast",
}

_INIT = (
    "pedalboard.io.StreamResampler(source_sample_rate: float, target_sample_rate: float, num_channels: int, "
    "quality: Resample.Quality = <Quality.WindowedSinc32: 8>)"
)
_PROCESS = (
    "(self: pedalboard.io.StreamResampler, input: Optional[numpy.ndarray[numpy.float32]] = None) "
    "-> numpy.ndarray[numpy.float32]"
)


class RateChange(Protocol):
    """What changes the rate of a stream, as `luthier.io.Resampler` does it."""

    @property
    def input_latency(self) -> int: ...

    def length(self, frames: int) -> int: ...

    def process(self, samples: Any) -> Any: ...

    def flush(self) -> _Array: ...

    def reset(self) -> None: ...

    def start_at(self, frame: int) -> tuple[int, int]: ...


def rate_change(from_rate: float, to_rate: float, channels: int, quality: Quality) -> RateChange:
    """A stream that changes the rate by that quality's algorithm."""
    for name, rate in (("source_sample_rate", from_rate), ("target_sample_rate", to_rate)):
        if not 0 < rate < math.inf:
            raise ValueError(f"{name} must be a positive number of frames a second, got {rate!r}")
    if quality in _SINC:
        return lio.Resampler(from_rate, to_rate, channels, quality=_SINC[quality])
    return Interpolator(from_rate, to_rate, channels, KERNELS[quality.name])


class StreamResampler:
    """Changes the sample rate of audio that comes block by block.

    What comes out does not depend on how the input is cut into blocks. ``n`` frames give
    ``round(n * target_sample_rate / source_sample_rate)``, without delay.

    Parameters
    ----------
    source_sample_rate, target_sample_rate
        Frames a second, whole or not.
    num_channels
        Channels of every block.
    quality
        A `Resample.Quality`.

    Examples
    --------
    >>> import numpy as np
    >>> from luthier.compat.pedalboard.io import StreamResampler
    >>> resampler = StreamResampler(48_000, 44_100, 2)
    >>> parts = [resampler.process(np.zeros((2, 4_800), np.float32)) for _ in range(10)]
    >>> np.concatenate([*parts, resampler.process(None)], axis=1).shape
    (2, 44100)
    """

    def __init__(
        self,
        source_sample_rate: float,
        target_sample_rate: float,
        num_channels: int,
        quality: Quality = Quality.WindowedSinc32,
    ) -> None:
        rates = (source_sample_rate, target_sample_rate)
        if (
            not all(isinstance(rate, numbers.Real) for rate in rates)
            or not whole(num_channels)
            or not isinstance(quality, Quality)
        ):
            raise incompatible("__init__", _INIT, *rates, num_channels, quality)
        if not 1 <= num_channels <= 4096:
            raise ValueError(f"num_channels must be from 1 to 4096, got {num_channels}")
        self._source, self._target = map(float, rates)
        self._channels = int(num_channels)
        self._quality = quality
        self._change = rate_change(self._source, self._target, self._channels, quality)

    @property
    def num_channels(self) -> int:
        """The number of channels of every block."""
        return self._channels

    @property
    def source_sample_rate(self) -> float:
        """The sample rate of what `process` takes."""
        return self._source

    @property
    def target_sample_rate(self) -> float:
        """The sample rate of what `process` returns."""
        return self._target

    @property
    def quality(self) -> Quality:
        """How the rate is changed."""
        return self._quality

    @property
    def input_latency(self) -> float:
        """So many input frames are taken before the first output frame comes."""
        return float(self._change.input_latency)

    def process(self, input: Any = None) -> _Array:  # noqa: A002
        """Take a block, and return the frames that are ready; without one, all that are still to come.

        Parameters
        ----------
        input
            float32, ``(num_channels, frames)``, or ``(frames,)`` for one channel. None ends the stream; what
            comes next begins a new one.

        Returns
        -------
        numpy.ndarray
            ``(num_channels, frames)``, float32.

        Raises
        ------
        ValueError
            When the block has another number of channels.
        TypeError
            When it is no array of a type that float32 can hold.
        """
        if input is None:
            rest = self._change.flush()
            self._change.reset()
            return rest
        return self._change.process(self._block(input))  # type: ignore[no-any-return]

    def reset(self) -> None:
        """Begin anew, with silence behind."""
        self._change.reset()

    def _block(self, given: Any) -> _Array:
        try:
            block = np.asarray(given)
            wide = isinstance(given, np.ndarray) and not np.can_cast(block.dtype, np.float32)
        except (TypeError, ValueError):
            wide = True
        if wide or block.dtype.kind not in "fiub":
            raise incompatible("process", _PROCESS, self, given)
        if block.ndim not in (1, 2):
            raise RuntimeError(f"Number of input dimensions must be 1 or 2 (got {block.ndim}).")
        block = np.atleast_2d(block)
        if block.shape[0] != self._channels and self._channels == 1 and block.shape[1] == 1:
            block = block.T
        if block.shape[0] != self._channels:
            raise ValueError(
                f"Expected {self._channels}-channel input, but was provided a buffer with {block.shape[0]} "
                f"channels and {block.shape[1]} samples."
            )
        return np.ascontiguousarray(block, np.float32)

    def __repr__(self) -> str:
        return (
            f"<pedalboard.io.StreamResampler source_sample_rate={rate_as_shown(self._source)} "
            f"target_sample_rate={rate_as_shown(self._target)} num_channels={self._channels} "
            f"quality={self._quality.name} at {id(self):#x}>"
        )
