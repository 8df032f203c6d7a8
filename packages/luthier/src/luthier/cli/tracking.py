"""Tracking the pitch of a file piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import luthier.pitch as lp
from luthier.core import DecodeError
from luthier.core.arrays import Samples
from luthier.io import Reader

__all__ = ["Envelope", "Spectrogram", "Tracked", "track"]

#: Seconds of sound that are tracked at a time.
PIECE_S = 20
#: Columns of the waveform that is kept for a picture.
COLUMNS = 2_000
#: Columns and rows of its spectrogram.
SPECTRA, ROWS = 1_000, 240


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


class Spectrogram:
    """Spectra at up to `SPECTRA` equally spaced times of a signal that comes in pieces, in decibels.

    `levels` is ``(rows, times)``, its rows at the frequencies `hertz`, which are equally spaced in octaves.
    """

    def __init__(self, frames: int, sample_rate: int) -> None:
        self._size = 1 << max(4, round(np.log2(0.064 * sample_rate)))
        self._window = np.hanning(self._size)
        self._frames = max(1, frames)
        columns = int(np.clip(self._frames / (0.005 * sample_rate), 1, SPECTRA))
        self.hertz = np.geomspace(min(40.0, sample_rate / 8), min(8_000.0, sample_rate / 2), ROWS)
        self.levels = np.full((ROWS, columns), -200.0, np.float32)
        self._bins = np.fft.rfftfreq(self._size, 1 / sample_rate)
        self._centres = ((np.arange(columns) + 0.5) * self._frames / columns).astype(int)
        # What the next spectra may see, with zeros before the signal.
        self._held, self._first, self._done = np.zeros(self._size // 2), -(self._size // 2), 0

    def add(self, samples: Samples) -> None:
        """Take the next samples, ``(frames,)``; after the last ones, as many zeros as a spectrum sees."""
        self._held = np.concatenate([self._held, samples])
        last = self._first + self._held.size - self._size // 2
        while self._done < self._centres.size and self._centres[self._done] <= last:
            start = self._centres[self._done] - self._size // 2 - self._first
            spectrum = np.abs(np.fft.rfft(self._held[start : start + self._size] * self._window))
            found = np.interp(self.hertz, self._bins, spectrum)
            self.levels[:, self._done] = 20 * np.log10(found + 1e-10)
            self._done += 1
        spare = max(0, self._held.size - self._size)
        self._held, self._first = self._held[spare:], self._first + spare

    def end(self) -> None:
        """Take the signal's end."""
        self.add(np.zeros(self._size // 2 + 1))


class Tracked(NamedTuple):
    """A file's pitch, and its waveform and spectrogram as far as a picture shows them."""

    duration: float
    envelope: Envelope
    spectrogram: Spectrogram | None
    pitch: lp.Pitch


def track(
    reader: Reader,
    channel: int | None,
    *,
    advance: Callable[[float], None],
    spectrogram: bool = False,
    **settings: Any,
) -> Tracked:
    """Track the file from its start to its end in constant memory."""
    rate, length = reader.sample_rate, reader.frames
    envelope = Envelope(length)
    spectra = Spectrogram(length, rate) if spectrogram else None
    tracker = lp.Tracker(rate, **settings)
    pieces = []
    for start in range(0, length, PIECE_S * rate):
        block = _mono(reader, min(length - start, PIECE_S * rate), channel)
        envelope.add(block)
        if spectra is not None:
            spectra.add(block)
        pieces.append(tracker.push(block))
        advance(block.size / rate)
    pieces.append(tracker.flush())
    if spectra is not None:
        spectra.end()
    return Tracked(length / rate, envelope, spectra, lp.Pitch.concatenate(pieces))


def _mono(reader: Reader, frames: int, channel: int | None) -> Samples:
    """The next frames as one channel: the given one, or the mean of all."""
    begin = reader.tell()
    block = reader.read(frames)
    mono: Samples = block.mean(axis=0) if channel is None else block[channel]
    if not np.isfinite(mono).all():
        at = begin + int(np.argmin(np.isfinite(mono)))
        raise DecodeError(f"holds an infinity or a not-a-number at frame {at}, which has no pitch")
    return mono
