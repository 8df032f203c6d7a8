"""Tracking the pitch of a file piece by piece, with the frames that tracking it whole would give."""

from __future__ import annotations

import math
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
    reader: Reader,
    channel: int | None,
    *,
    hop_s: float,
    fmin: float,
    advance: Callable[[float], None],
    **settings: Any,
) -> Tracked:
    """Track the file from its start to its end in constant memory.

    The pieces begin at whole seconds that are whole frames of the result too, and each is tracked with
    the sound on either side that its frames see. Where `hop_s` has no such seconds below `PIECE_S`, the
    file is tracked whole.
    """
    rate, length = reader.sample_rate, reader.frames
    unit = _common_seconds(hop_s) if fmin > 0 else None
    piece = length if unit is None else rate * unit * math.ceil(PIECE_S / unit)
    # A frame sees up to 3 / fmin seconds; twice that leaves room for filters.
    context = 0 if unit is None else rate * unit * math.ceil(max(0.5, 6 / fmin) / unit)
    envelope = Envelope(length)
    results = []
    held, held_from = np.zeros(0, np.float32), 0

    for start in range(0, max(1, length), max(1, piece)):
        last = start + piece >= length
        wanted = length if last else min(length, start + piece + context)
        fresh = _mono(reader, wanted - held_from - held.size, channel)
        envelope.add(fresh)
        begin = max(0, start - context)
        held, held_from = np.concatenate([held[begin - held_from :], fresh]), begin
        part = lp.track(held, rate, hop_s=hop_s, fmin=fmin, **settings)
        skip = round((start - begin) / rate / hop_s)
        count = None if last else round(piece / rate / hop_s)
        results.append([array[skip:][:count] for array in (part.f0, part.voiced, part.confidence)])
        advance((min(length, start + piece) - start) / rate)

    f0, voiced, confidence = (np.concatenate(arrays) for arrays in zip(*results, strict=True))
    times = np.asarray(np.arange(f0.size) * hop_s, np.float64)
    return Tracked(length / rate, envelope, lp.Pitch(times, f0, voiced, confidence))


def _common_seconds(hop_s: float) -> int | None:
    """The fewest whole seconds that are a whole number of hops, or None."""
    for seconds in range(1, PIECE_S + 1):
        hops = seconds / hop_s if hop_s > 0 else math.inf
        if math.isfinite(hops) and hops >= 1 and abs(hops - round(hops)) < 1e-9 * hops:
            return seconds
    return None


def _mono(reader: Reader, frames: int, channel: int | None) -> Samples:
    """The next frames as one channel: the given one, or the mean of all."""
    begin = reader.tell()
    block = reader.read(frames)
    mono: Samples = block.mean(axis=0) if channel is None else block[channel]
    if not np.isfinite(mono).all():
        at = begin + int(np.argmin(np.isfinite(mono)))
        raise DecodeError(f"holds an infinity or a not-a-number at frame {at}, which has no pitch")
    return mono
