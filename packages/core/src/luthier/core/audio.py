"""`Audio`: samples and their rate, and how a notebook shows them."""

from __future__ import annotations

import base64
import math
import numbers
import reprlib
import struct
from html import escape
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from luthier.core.arrays import SAMPLE_RATES, Samples

__all__ = ["Audio"]

#: What the notebook player embeds at most; a page with minutes of base64 in it becomes slow to save.
PLAYER_SECONDS = 30.0
PLAYER_CHANNELS = 2
PLAYER_BYTES = 2_000_000

_WAVE_WIDTH = 800
_WAVE_HEIGHT = 60


class Audio(NamedTuple):
    """Samples and the rate that they were taken at.

    A named tuple: ``samples, sample_rate = lio.read("take.wav")`` works. Two of them compare as tuples
    do, so compare the fields instead of the objects.

    Parameters
    ----------
    samples
        float32 or float64, ``(channels, frames)``; one channel is ``(1, frames)``.
    sample_rate
        Frames a second.

    Examples
    --------
    >>> import numpy as np
    >>> from luthier.core import Audio
    >>> audio = Audio(np.zeros((2, 66_150), np.float32), 44_100)
    >>> audio
    Audio(2 channels, 66150 frames, float32, 44100 Hz, 1.5 s)
    >>> audio.duration
    1.5
    """

    samples: Samples
    sample_rate: float

    @property
    def frames(self) -> int:
        """Samples in each channel."""
        return int(self.samples.shape[-1])

    @property
    def channels(self) -> int:
        """Channels; 1 for samples of shape ``(frames,)``."""
        return 1 if self.samples.ndim == 1 else int(self.samples.shape[-2])

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.sample_rate

    def _planar(self) -> npt.NDArray[np.floating]:
        """The samples, frames last."""
        return np.asarray(self.samples)

    def _is_audio(self) -> bool:
        """Whether the fields are what they should be: a tuple takes anything, and must still show itself."""
        rate = self.sample_rate
        return (
            hasattr(self.samples, "dtype")
            and getattr(self.samples, "ndim", 0) in (1, 2, 3)
            and isinstance(rate, numbers.Real)
            and SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]
        )

    def __repr__(self) -> str:
        if not self._is_audio():
            return (
                f"Audio(samples={reprlib.repr(self.samples)}, sample_rate={reprlib.repr(self.sample_rate)})"
            )
        batch = f"{self.samples.shape[0]} items of " if self.samples.ndim == 3 else ""
        channels = "1 channel" if self.channels == 1 else f"{self.channels} channels"
        return (
            f"Audio({batch}{channels}, {self.frames} frames, {self.samples.dtype}, "
            f"{self.sample_rate:.10g} Hz, {self.duration:.4g} s)"
        )

    def _repr_html_(self) -> str:
        """A player, the waveform of each channel, and one line of facts, for a notebook."""
        caption = escape(repr(self))
        samples = self._planar() if self._is_audio() else np.zeros(0)
        if samples.ndim == 3 or samples.size == 0 or samples.dtype.kind != "f":
            return f"<code>{caption}</code>"
        samples = samples[None, :] if samples.ndim == 1 else samples
        fit = PLAYER_BYTES // (2 * min(PLAYER_CHANNELS, samples.shape[0]))
        shown = min(math.ceil(PLAYER_SECONDS * self.sample_rate), fit)
        notes = []
        if samples.shape[1] > shown:
            notes.append(f"the player holds the first {shown / self.sample_rate:.3g} s")
        if samples.shape[0] > PLAYER_CHANNELS:
            notes.append(f"the player holds channels 1 to {PLAYER_CHANNELS} of {samples.shape[0]}")
        wav = _wav_bytes(samples[:PLAYER_CHANNELS, :shown], self.sample_rate)
        source = "data:audio/wav;base64," + base64.b64encode(wav).decode("ascii")
        note = f" <i>({'; '.join(notes)})</i>" if notes else ""
        return (
            f'<figure style="margin:0;max-width:{_WAVE_WIDTH}px">{_waveform_svg(samples)}'
            f'<audio controls preload="none" style="width:100%" src="{source}"></audio>'
            f"<figcaption><code>{caption}</code>{note}</figcaption></figure>"
        )


class FramesFirstAudio(Audio):
    """`Audio` whose samples are ``(frames, channels)``: what ``layout="frames_first"`` reads."""

    __slots__ = ()

    @property
    def frames(self) -> int:
        """Samples in each channel."""
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        """Channels."""
        return int(self.samples.shape[1])

    def _planar(self) -> npt.NDArray[np.floating]:
        return np.asarray(self.samples).T


def _wav_bytes(samples: npt.NDArray[np.floating], sample_rate: float) -> bytes:
    """`samples` as 16-bit WAV, clipped at full scale. For players only: files are luthier.io's work."""
    channels, _ = samples.shape
    finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    pcm: bytes = np.rint(np.clip(finite, -1.0, 1.0) * 32767.0).astype("<i2").T.tobytes()
    rate = max(1, round(sample_rate))
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + len(pcm), b"WAVE",
        b"fmt ", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16,
        b"data", len(pcm),
    )  # fmt: skip
    return header + pcm


def _waveform_svg(samples: npt.NDArray[np.floating]) -> str:
    """The range of each of up to `_WAVE_WIDTH` slices of every channel, as one filled path a channel."""
    channels, frames = samples.shape
    columns = min(_WAVE_WIDTH, frames)
    edges = np.linspace(0, frames, columns + 1).astype(np.intp)[:-1]
    high, low = np.zeros((2, channels, columns))
    # Slice by slice, which is several times faster than reduceat over long signals.
    for column, (start, stop) in enumerate(zip(edges, [*edges[1:], frames], strict=True)):
        part = samples[:, start:stop]
        high[:, column], low[:, column] = part.max(axis=1), part.min(axis=1)
        if np.isnan(high[:, column]).any():
            part = np.nan_to_num(part, nan=0.0)
            high[:, column], low[:, column] = part.max(axis=1), part.min(axis=1)
    high, low = np.clip(high, -1.0, 1.0), np.clip(low, -1.0, 1.0)
    half = _WAVE_HEIGHT / 2
    x = np.linspace(0.0, _WAVE_WIDTH, columns)
    paths = []
    for channel in range(channels):
        middle = channel * _WAVE_HEIGHT + half
        # Half a pixel either side keeps silence visible as a line.
        top = middle - high[channel] * (half - 1) - 0.5
        bottom = middle - low[channel] * (half - 1) + 0.5
        points = [f"{a:.1f},{b:.1f}" for a, b in zip(x, top, strict=True)]
        points += [f"{a:.1f},{b:.1f}" for a, b in zip(x[::-1], bottom[::-1], strict=True)]
        paths.append(f'<path d="M{"L".join(points)}Z"/>')
    return (
        f'<svg viewBox="0 0 {_WAVE_WIDTH} {channels * _WAVE_HEIGHT}" role="img" aria-label="Waveform" '
        f'style="width:100%;display:block" fill="#3b6ea5">{"".join(paths)}</svg>'
    )
