"""What a format lets its user choose: one set of keywords, and what they mean to the codecs."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np

from luthier.core import EncodeError, ParameterError
from luthier.io.formats import Format

__all__ = ["Settings", "settle"]

#: The constant bit rates of MPEG layer III in kbit/s (ISO/IEC 11172-3, 13818-3 and MPEG 2.5), by the lowest
#: sample rate that has them.
_MP3_BITRATES = {
    32_000: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    16_000: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    8_000: (8, 16, 24, 32, 40, 48, 56, 64),
}
_OPUS_BITRATES = (6, 256)  # a channel
_CONSTANT, _VARIABLE = 0, 2  # libsndfile's SF_BITRATE_MODE


@dataclass(frozen=True)
class Settings:
    """The choices as the encoders take them: libsndfile's level from 0 to 1 and its bit rate mode."""

    dither: int | None = None
    compression: float | None = None
    bitrate_mode: int | None = None


def settle(
    name: str,
    form: Format,
    subtype: str,
    sample_rate: int,
    channels: int,
    *,
    dither: str | None = None,
    seed: int = 0,
    compression: int | None = None,
    bitrate: float | None = None,
    quality: float | None = None,
) -> Settings:
    """What was asked for, or the error that says what there is to ask of this format."""
    kind = subtype if form.name == "OGG" else form.name
    given = {"dither": dither, "compression": compression, "bitrate": bitrate, "quality": quality}
    for option, value in given.items():
        if value is not None and option not in form.options:
            known = ", ".join(f"{o}=" for o in form.options)
            raise EncodeError(
                f"{name}: {kind} has no {option}=; "
                + (f"it takes {known}" if known else "it takes no options")
            )
    if bitrate is not None and quality is not None:
        raise ParameterError(f"{name}: bitrate= and quality= exclude each other")
    if form.name == "FLAC":
        level = 5 if compression is None else _number("compression", compression, 0, 8, whole=True)
        return Settings(_dither(name, subtype, dither, seed), compression=level / 8)
    if kind == "MP3":
        if bitrate is not None:
            return Settings(compression=_mp3_level(name, sample_rate, bitrate), bitrate_mode=_CONSTANT)
        level = 4 if quality is None else _number("quality", quality, 0, 9.9)
        return Settings(compression=level / 10, bitrate_mode=_VARIABLE)
    if kind == "VORBIS":
        level = 4 if quality is None else _number("quality", quality, 0, 10)
        return Settings(compression=1 - level / 10)
    if kind == "OPUS":
        if bitrate is None:
            return Settings()
        low, high = (b * channels for b in _OPUS_BITRATES)
        wanted = _number("bitrate", bitrate, low, high, f" kbit/s for {channels} channels of Opus")
        return Settings(compression=1 - (wanted / channels - 6) / 250)
    return Settings(_dither(name, subtype, dither, seed))


def _dither(name: str, subtype: str, dither: str | None, seed: int) -> int | None:
    if dither is None:
        return None
    if dither != "tpdf":
        raise ParameterError(f"dither must be None or 'tpdf', got {dither!r}")
    if not subtype.startswith("PCM_"):
        raise EncodeError(f"{name}: dither= is for the integer subtypes PCM_..., {subtype} is none")
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**64:
        raise ParameterError(f"seed must be a whole number from 0 to 2**64 - 1, got {seed!r}")
    return number


def _number(
    option: str, value: object, low: float, high: float, unit: str = "", *, whole: bool = False
) -> float:
    given = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    number = float(value) if given else low - 1  # type: ignore[arg-type]
    if not low <= number <= high or (whole and not number.is_integer()):
        kind = "a whole number" if whole else "a number"
        raise ParameterError(f"{option} must be {kind} from {low} to {high}{unit}, got {value!r}")
    return number


def _mp3_level(name: str, sample_rate: int, bitrate: float) -> float:
    rates = next(r for lowest, r in _MP3_BITRATES.items() if sample_rate >= lowest)
    if isinstance(bitrate, bool) or bitrate not in rates:
        raise ParameterError(
            f"{name}: bitrate of MP3 at {sample_rate} Hz must be one of {', '.join(map(str, rates))} kbit/s, "
            f"got {bitrate!r}"
        )
    # libsndfile takes the rate from a level between the largest and the smallest, and cuts the fraction off.
    return (rates[-1] - bitrate - 0.25) / (rates[-1] - rates[0]) if bitrate < rates[-1] else 0.0
