"""Effects at another sample rate: `Resample` and `GSMFullRateCompressor`; and `MP3Compressor`."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

import luthier.effects as fx
from luthier.compat.pedalboard._fifo import Fifo
from luthier.compat.pedalboard._knobs import Choice, Knob, made
from luthier.compat.pedalboard._plugin import OwnStream, Plugin
from luthier.compat.pedalboard._quality import Quality
from luthier.compat.pedalboard.io._resampler import RateChange, rate_change
from luthier.core import NonFiniteWarning

if TYPE_CHECKING:
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = ["Elsewhere", "GSMFullRateCompressor", "MP3Compressor", "Resample"]

_QUALITY = "pedalboard_native.Resample.Quality"


class Elsewhere(OwnStream):
    """A stream that goes to another rate, and back with what happened to it there."""

    def __init__(self, sample_rate: float, other_rate: float, channels: int, quality: Quality) -> None:
        self._ratio = sample_rate / other_rate
        self._there: RateChange = rate_change(sample_rate, other_rate, channels, quality)
        self._back: RateChange = rate_change(other_rate, sample_rate, channels, quality)
        self._ready = Fifo(channels)
        self._stream: fx.Stream | None = None
        self._lead = 0

    def through(self, effect: fx.Effect, rate: float, channels: int) -> None:
        """Let an effect work there."""
        self._stream = effect.stream(rate, channels)
        self._lead = self._stream.latency

    def push(self) -> int:
        """So many frames of silence bring out all that came before."""
        there = self._back.input_latency + 2 + (self._stream.latency if self._stream is not None else 0)
        return math.ceil(self._there.input_latency + (there + 2) * self._ratio) + 2

    def reset(self) -> None:
        """Forget all."""
        self._there.reset()
        self._back.reset()
        self._ready.clear()
        if self._stream is not None:
            self._stream.reset()
            self._lead = self._stream.latency

    def process(self, samples: Samples, *, out: Samples | None = None) -> Samples:
        """Take frames, and give what is ready, at most as many."""
        del out
        finite = np.isfinite(samples)
        if not finite.all():
            warnings.warn("Samples that are no numbers are read as silence.", NonFiniteWarning, stacklevel=2)
            samples = np.where(finite, samples, np.float32(0))
        there = np.asarray(self._there.process(samples), np.float32)
        if self._stream is not None and there.shape[1]:
            there = self._stream.process(there)
            held = min(self._lead, there.shape[1])
            self._lead -= held
            there = np.ascontiguousarray(there[:, held:])
        if there.shape[1]:
            self._ready.put(np.asarray(self._back.process(there), np.float32))
        return self._ready.take(min(samples.shape[1], self._ready.frames))


class Resample(Plugin):
    """Down to another sample rate, and up again; or the other way about."""

    Quality = Quality

    ZeroOrderHold = Quality.ZeroOrderHold
    Linear = Quality.Linear
    CatmullRom = Quality.CatmullRom
    Lagrange = Quality.Lagrange
    WindowedSinc = Quality.WindowedSinc
    WindowedSinc256 = Quality.WindowedSinc256
    WindowedSinc128 = Quality.WindowedSinc128
    WindowedSinc64 = Quality.WindowedSinc64
    WindowedSinc32 = Quality.WindowedSinc32
    WindowedSinc16 = Quality.WindowedSinc16
    WindowedSinc8 = Quality.WindowedSinc8

    target_sample_rate = Knob(
        8000.0, lambda v: 0 < v < math.inf, "Target sample rate must be greater than 0Hz."
    )
    quality = Choice(Quality.WindowedSinc32, _QUALITY)

    def _open(self, sample_rate: float, channels: int) -> None:
        self._stream = Elsewhere(sample_rate, self.target_sample_rate, channels, self.quality)


class GSMFullRateCompressor(Plugin):
    """A mobile telephone of the nineties: the mean of all channels through GSM 06.10, at 8 kHz."""

    quality = Choice(Quality.WindowedSinc8, _QUALITY, shown=False)

    def _open(self, sample_rate: float, channels: int) -> None:
        del channels
        elsewhere = Elsewhere(sample_rate, 8000.0, 1, self.quality)
        elsewhere.through(made(fx.GsmFullRate), 8000.0, 1)
        self._stream = elsewhere

    def _feed(self, block: Samples) -> Samples:
        assert self._stream is not None
        mono = self._stream.process(block.mean(axis=0, keepdims=True, dtype=np.float32))
        return np.repeat(mono, block.shape[0], axis=0)


_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


class MP3Compressor(Plugin):
    """What MP3 of variable bit rate leaves."""

    vbr_quality = Knob(
        2.0,
        lambda v: 0 <= v <= 10,
        "VBR quality must be greater than 0 and less than 10. (Higher numbers are lower quality.)",
    )

    def _effect(self, sample_rate: float) -> fx.Effect:  # noqa: ARG002
        return made(fx.Mp3, mode="variable", quality=min(self.vbr_quality, 9.9))

    def _open(self, sample_rate: float, channels: int) -> None:
        if sample_rate not in _MP3_RATES:
            raise ValueError(
                "MP3 only supports 32kHz, 44.1kHz, and 48kHz audio. (Was passed "
                f"{sample_rate / 1000:.1f}kHz audio.)"
            )
        if channels > 2:
            raise ValueError(
                f"MP3Compressor only supports mono or stereo audio. (Was passed {channels}-channel audio.)"
            )
        super()._open(sample_rate, channels)
