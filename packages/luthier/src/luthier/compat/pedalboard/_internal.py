"""Plugins that pedalboard's own tests are made with: sound passes them unchanged, but for how it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.compat.pedalboard._fifo import Fifo
from luthier.compat.pedalboard._knobs import Knob
from luthier.compat.pedalboard._plugin import OwnStream, Plugin
from luthier.compat.pedalboard._resample import Elsewhere, Resample

if TYPE_CHECKING:
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = [
    "AddLatency",
    "FixedSizeBlockTestPlugin",
    "ForceMonoTestPlugin",
    "PrimeWithSilenceTestPlugin",
    "ResampleWithLatency",
]


class _Count(Knob):
    """A whole number, not negative."""

    kind = "int"

    def convert(self, value: object) -> Any:
        if not hasattr(value, "__index__"):
            raise TypeError("no whole number")
        return max(int(value.__index__()), 0)

    def signature(self) -> str:
        return f"{self.name}: {self.kind} = {self.default}"


class _Later(OwnStream):
    """Holds so many frames back, and gives the others in whole blocks."""

    def __init__(self, channels: int, held: int, block: int = 1, before: OwnStream | None = None) -> None:
        self._held, self._block, self._before = held, block, before
        self._waiting = Fifo(channels)

    def process(self, samples: Samples, *, out: Samples | None = None) -> Samples:
        del out
        self._waiting.put(samples if self._before is None else self._before.process(samples))
        ready = max(0, self._waiting.frames - self._held)
        return self._waiting.take(ready - ready % self._block)

    def reset(self) -> None:
        self._waiting.clear()
        if self._before is not None:
            self._before.reset()

    def push(self) -> int:
        before = 0 if self._before is None else self._before.push()
        return self._held + self._block - 1 + before


class AddLatency(Plugin):
    """Give the sound `samples` frames later."""

    samples = _Count(44_100, shown=False)

    def _open(self, sample_rate: float, channels: int) -> None:
        del sample_rate
        self._stream = _Later(channels, self.samples)


class PrimeWithSilenceTestPlugin(Plugin):
    """Hold so many frames back, as what has silence before its sound does."""

    expected_silent_samples = _Count(160)

    def _open(self, sample_rate: float, channels: int) -> None:
        del sample_rate
        self._stream = _Later(channels, self.expected_silent_samples)


class FixedSizeBlockTestPlugin(Plugin):
    """Give whole blocks of one size."""

    expected_block_size = _Count(160)

    def _open(self, sample_rate: float, channels: int) -> None:
        del sample_rate
        self._stream = _Later(channels, 0, max(1, self.expected_block_size))


class ForceMonoTestPlugin(Plugin):
    """The mean of all channels in each of them."""

    def _open(self, sample_rate: float, channels: int) -> None:
        """Nothing."""

    def _feed(self, block: Samples) -> Samples:
        block[...] = block.mean(axis=0, dtype=np.float32)
        return block


class ResampleWithLatency(Plugin):
    """`Resample`, later."""

    target_sample_rate = Resample.target_sample_rate
    internal_latency = _Count(1024)
    quality = Resample.quality

    def _open(self, sample_rate: float, channels: int) -> None:
        elsewhere = Elsewhere(sample_rate, self.target_sample_rate, channels, self.quality)
        self._stream = _Later(channels, self.internal_latency, before=elsewhere)
