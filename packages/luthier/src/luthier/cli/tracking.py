"""Tracking the pitch of a file piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import luthier.pitch as lp
from luthier.core import DecodeError
from luthier.core.arrays import Samples
from luthier.io import Reader

__all__ = ["Envelope", "Tracked", "track"]

#: Seconds of sound that are tracked at a time.
PIECE_S = 20
#: Columns of the waveform that is kept for a picture.
COLUMNS = 2_000


class Envelope:
    """The lowest and highest sample of up to `COLUMNS` equal parts of a signal that comes in pieces."""

    def __init__(self, frames: int) -> None:
        self._frames = max(1, frames)
        self._seen = 0
        self.low = np.zeros(min(COLUMNS, self._frames))
        self.high = np.zeros_like(self.low)

    def add(self, samples: Samples) -> None:
        """Take the next samples, ``(frames,)``."""
        if samples.size == 0:
            return
        count = self.low.size
        first, last = (i * count // self._frames for i in (self._seen, self._seen + samples.size - 1))
        columns = np.arange(first, last + 1)
        # The first sample of each column; the first column may have begun before these samples.
        starts = np.maximum(-(-columns * self._frames // count) - self._seen, 0)
        self.low[columns] = np.minimum(self.low[columns], np.minimum.reduceat(samples, starts))
        self.high[columns] = np.maximum(self.high[columns], np.maximum.reduceat(samples, starts))
        self._seen += samples.size


class Tracked(NamedTuple):
    """A file's pitch, and its waveform as far as a picture shows it."""

    duration: float
    envelope: Envelope
    pitch: lp.Pitch


def track(
    reader: Reader, channel: int | None, *, advance: Callable[[float], None], **settings: Any
) -> Tracked:
    """Track the file from its start to its end in constant memory."""
    rate, length = reader.sample_rate, reader.frames
    envelope = Envelope(length)
    tracker = lp.Tracker(rate, **settings)
    pieces = []
    for start in range(0, length, PIECE_S * rate):
        block = _mono(reader, min(length - start, PIECE_S * rate), channel)
        envelope.add(block)
        pieces.append(tracker.push(block))
        advance(block.size / rate)
    pieces.append(tracker.flush())
    return Tracked(length / rate, envelope, lp.Pitch.concatenate(pieces))


def _mono(reader: Reader, frames: int, channel: int | None) -> Samples:
    """The next frames as one channel: the given one, or the mean of all."""
    begin = reader.tell()
    block = reader.read(frames)
    mono: Samples = block.mean(axis=0) if channel is None else block[channel]
    if not np.isfinite(mono).all():
        at = begin + int(np.argmin(np.isfinite(mono)))
        raise DecodeError(f"holds an infinity or a not-a-number at frame {at}, which has no pitch")
    return mono
