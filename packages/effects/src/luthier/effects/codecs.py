"""What lossy codecs leave of a signal: it is encoded and decoded again."""

from __future__ import annotations

import io
import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from luthier.core import MissingDependencyError
from luthier.effects.effect import Effect
from luthier.effects.option import choice, setting
from luthier.effects.rendering import Spec, Values

if TYPE_CHECKING:
    import types

__all__ = ["GsmFullRate", "Mp3", "Opus", "Vorbis"]

#: Kilobits a second of MPEG layer III by the lowest sample rate that has them.
_MP3_KBPS = {
    32_000: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    16_000: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    8_000: (8, 16, 24, 32, 40, 48, 56, 64),
}


class _Codec(Effect, ABC):
    """A round trip through a codec, in overlapping pieces.

    Each block is encoded with what came before it and what follows, so that neither the codec's start nor its
    end is heard in it, and fades over from the block before.
    """

    # One channel of a pair may share bits with the other.
    _channels_alike: ClassVar[bool] = False
    # Whether channels go in pairs, or one by one.
    _paired: ClassVar[bool] = True
    # Whether its silence is not quite silent until a whole piece is.
    _murmurs: ClassVar[bool] = False

    # Of the codec's frames: what a piece has before and behind its block, and over how many it fades.
    _before: ClassVar[int] = 7_680
    _behind: ClassVar[int] = 3_840
    _fade: ClassVar[int] = 480
    _block_s: ClassVar[float] = 0.75
    # What a file that is longer than the signal has in front of it.
    _late: ClassVar[int] = 0

    @abstractmethod
    def _rate(self, sample_rate: float) -> int:
        """Return the codec's rate for a signal of this one."""

    @abstractmethod
    def _format(self, rate: int, channels: int) -> dict[str, Any]:
        """Return what `luthier.io.write` is told."""

    def _span(self, frames: int, spec: Spec) -> int:
        """Return frames of the codec's as frames of the signal's, rounded up."""
        return math.ceil(frames * spec.sample_rate / self._rate(spec.sample_rate))

    def block_frames(self, spec: Spec) -> int:
        return max(16, round(self._block_s * spec.sample_rate / 16) * 16)

    def latency(self, spec: Spec) -> int:
        return self._span(self._behind, spec)

    def tail(self, spec: Spec) -> int:
        if self._murmurs:
            return self._span(self._before + self._fade, spec) + self.block_frames(spec)
        return self._span(self._behind, spec)

    def start(self, spec: Spec) -> _Past:
        _luthier_io(type(self).__name__)
        before, behind = self._span(self._before, spec), self._span(self._behind, spec)
        fade = self._span(self._fade, spec)
        return _Past(spec, before, np.zeros((spec.channels, before + behind), spec.dtype), fade)

    def render(self, block: Any, values: Values, past: _Past) -> Any:  # noqa: ARG002
        joined = np.concatenate([past.input, block], axis=1)
        frames, fade = block.shape[1], min(past.fade, block.shape[1])
        past.input = joined[:, frames:]
        through = self._through(joined, past.spec)
        made = through[:, past.before : past.before + frames].copy()
        if past.ahead is not None:
            weight = (np.arange(fade) + 0.5) / fade
            made[:, :fade] = past.ahead + weight * (made[:, :fade] - past.ahead)
        past.ahead = through[:, past.before + frames : past.before + frames + fade]
        return made

    def _through(self, samples: Any, spec: Spec) -> Any:
        """Encode and decode."""
        lio = _luthier_io(type(self).__name__)
        if not samples.any():
            return np.zeros_like(samples)
        rate, frames = self._rate(spec.sample_rate), samples.shape[1]
        moved = samples.astype(np.float32)
        if rate != spec.sample_rate:
            moved = lio.resample(moved, spec.sample_rate, rate)
        np.clip(moved, -1, 1, out=moved)
        made = np.empty_like(moved)
        step = 2 if self._paired else 1
        for first in range(0, spec.channels, step):
            part = moved[first : first + step]
            if not part.any():
                made[first : first + step] = 0
                continue
            file = io.BytesIO()
            lio.write(file, part, rate, **self._format(rate, part.shape[0]))
            read = lio.read(file.getvalue()).samples
            if read.shape[1] > made.shape[1]:
                read = read[:, self._late :]
            count = min(read.shape[1], made.shape[1])
            made[first : first + step, :count] = read[:, :count]
            made[first : first + step, count:] = 0
        if rate != spec.sample_rate:
            made = lio.resample(made, rate, spec.sample_rate)
        return np.pad(made, ((0, 0), (0, max(0, frames - made.shape[1])))).astype(spec.dtype)


class _Past:
    """What a codec's next block needs of those before it."""

    def __init__(self, spec: Spec, before: int, silence: npt.NDArray[Any], fade: int) -> None:
        self.spec, self.before, self.fade = spec, before, fade
        self.input = silence
        self.ahead: npt.NDArray[Any] | None = None  # how the last piece went on


class Mp3(_Codec):
    """MPEG layer III, there and back.

    Samples beyond full scale are clipped, as the encoder does. Channels go in pairs, and share bits there. A
    sample rate that MP3 does not have is converted to the next higher one that it has (48 kHz at most) and
    back. The delay of the codec is made up for; a stream's `latency` is 0.83 s at 48 kHz, because pieces of
    0.75 s are encoded with what is before and behind them.

    Needs ``luthier-io`` and, for its encoder, ``soundfile``'s libsndfile with LAME.

    Source: ISO/IEC 11172-3 (1993).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 / 44_100 * np.arange(44_100, dtype=np.float32))
    >>> worn = fx.Mp3(bitrate_kbps=64)(tone, 44_100)
    >>> worn.shape
    (44100,)
    """

    mode: str = choice(
        "constant",
        options=("constant", "variable"),
        doc="Whether `bitrate_kbps` holds, or `quality` with a bit rate that varies.",
    )
    bitrate_kbps: int = choice(
        128,
        options=tuple(sorted({kbps for each in _MP3_KBPS.values() for kbps in each})),
        doc="Kilobits a second of a pair of channels; the nearest that MP3 has at the sample rate.",
    )
    quality: float = setting(4.0, minimum=0, maximum=9.9, doc="As lame -V: 0 is best; for the variable mode.")

    # At low bit rates a frame has no room for LAME's tag, which tells a decoder the delay: 576 frames of the
    # encoder's and 529 of the decoder's.
    _late: ClassVar[int] = 1_105

    def _rate(self, sample_rate: float) -> int:
        rates = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
        return next((rate for rate in rates if rate >= sample_rate), rates[-1])

    def _format(self, rate: int, channels: int) -> dict[str, Any]:  # noqa: ARG002
        if self.mode == "variable":
            return {"format": "MP3", "quality": self.quality}
        has = next(kbps for lowest, kbps in _MP3_KBPS.items() if rate >= lowest)
        nearest = min(has, key=lambda kbps: abs(kbps - self.bitrate_kbps))
        return {"format": "MP3", "bitrate": nearest}


class Vorbis(_Codec):
    """Ogg Vorbis, there and back.

    Samples beyond full scale are clipped. Channels go in pairs, and share bits there. Whole sample rates from
    8 to 192 kHz are kept, others are converted and back. The delay of the codec is made up for; a stream's
    `latency` is 0.92 s at 48 kHz, because pieces of 0.75 s are encoded with what is before and behind them.

    Needs ``luthier-io`` and, for its encoder, ``soundfile``'s libsndfile.

    Source: Xiph.Org Foundation, *Vorbis I specification*.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 / 44_100 * np.arange(44_100, dtype=np.float32))
    >>> fx.Vorbis(quality=2)(tone, 44_100).shape
    (44100,)
    """

    quality: float = setting(4.0, minimum=0, maximum=10, doc="As oggenc -q: 10 is best.")

    # Its long blocks have up to 8192 frames.
    _before: ClassVar[int] = 8_192
    _behind: ClassVar[int] = 8_192

    def _rate(self, sample_rate: float) -> int:
        return min(max(math.ceil(sample_rate), 8_000), 192_000)

    def _format(self, rate: int, channels: int) -> dict[str, Any]:  # noqa: ARG002
        return {"format": "OGG", "subtype": "VORBIS", "quality": self.quality}


class Opus(_Codec):
    """Opus, there and back.

    Samples beyond full scale are clipped. Channels go in pairs, and share bits there. A sample rate that Opus
    does not have is converted to the next higher one that it has (48 kHz at most) and back. The delay of the
    codec is made up for; a stream's `latency` is 0.83 s at 48 kHz, because pieces of 0.75 s are encoded with
    what is before and behind them.

    Needs ``luthier-io`` and, for its encoder, ``soundfile``'s libsndfile.

    Source: RFC 6716 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 / 48_000 * np.arange(48_000, dtype=np.float32))
    >>> fx.Opus(bitrate_kbps=16)(tone, 48_000).shape
    (48000,)
    """

    bitrate_kbps: float = setting(
        48.0, minimum=6, maximum=256, doc="Kilobits a second of each channel, on average."
    )

    _murmurs: ClassVar[bool] = True

    def _rate(self, sample_rate: float) -> int:
        rates = (8_000, 12_000, 16_000, 24_000, 48_000)
        return next((rate for rate in rates if rate >= sample_rate), rates[-1])

    def _format(self, rate: int, channels: int) -> dict[str, Any]:  # noqa: ARG002
        return {"format": "OGG", "subtype": "OPUS", "bitrate": self.bitrate_kbps * channels}


class GsmFullRate(_Codec):
    """GSM 06.10 at full rate, there and back: a mobile telephone of the nineties.

    The signal is converted to 8 kHz and back, so that what is above 4 kHz is gone, and each channel goes by
    itself. Samples beyond full scale are clipped. A stream's `latency` is 0.85 s, because pieces of 0.75 s
    are encoded with what is before and behind them.

    Needs ``luthier-io`` and, for its encoder, ``soundfile``'s libsndfile.

    Source: ETSI EN 300 961 (GSM 06.10), *Full rate speech; transcoding*.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 / 44_100 * np.arange(44_100, dtype=np.float32))
    >>> fx.GsmFullRate()(tone, 44_100).shape
    (44100,)
    """

    _channels_alike: ClassVar[bool] = True
    _paired: ClassVar[bool] = False
    _murmurs: ClassVar[bool] = True
    # Half a second, in which its high-pass forgets what was; and five frames of its own.
    _before: ClassVar[int] = 4_000
    _behind: ClassVar[int] = 800
    _fade: ClassVar[int] = 80

    def _rate(self, sample_rate: float) -> int:  # noqa: ARG002
        return 8_000

    def _format(self, rate: int, channels: int) -> dict[str, Any]:  # noqa: ARG002
        return {"format": "WAV", "subtype": "GSM610"}


def _luthier_io(asking: str) -> types.ModuleType:
    try:
        import luthier.io as lio
    except ImportError as error:
        raise MissingDependencyError(
            f"{asking} encodes and decodes with luthier.io; install it with: pip install luthier-io"
        ) from error
    return lio
