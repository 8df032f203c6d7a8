"""What can be read and written, how deep, and what the qualities of the codecs are called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from luthier.compat.pedalboard._quality import WithEntries, with_entries
from luthier.compat.pedalboard.io._arguments import rate_as_shown

__all__ = [
    "Codec",
    "WriteableAudioFileFlag",
    "codec_named",
    "file_dtype",
    "get_supported_read_formats",
    "get_supported_write_formats",
    "is_readable",
]

#: The formats that pedalboard reads and writes on Linux. `luthier.io` reads and writes more.
_READ = (".aif", ".aiff", ".bwf", ".flac", ".mp3", ".ogg", ".wav")
_WRITTEN = (".aiff", ".flac", ".ogg", ".wav", ".mp3")

_BY_SUBTYPE = {
    "PCM_U8": "int8",
    "PCM_S8": "int8",
    "PCM_16": "int16",
    "PCM_24": "int24",
    "PCM_32": "int32",
    "DOUBLE": "float64",
}
_AIFF = frozenset({"PCM_S8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"})


def get_supported_read_formats() -> list[str]:
    """The endings of the names of files that can be read."""
    return list(_READ)


def get_supported_write_formats() -> list[str]:
    """The endings of the names of files that can be written."""
    return list(_WRITTEN)


def is_readable(form: str, subtype: str) -> bool:
    """Whether a file of that format is one of those that `get_supported_read_formats` names."""
    if form in ("WAV", "WAVEX", "RF64", "FLAC"):
        return True
    if form == "AIFF":
        return subtype in _AIFF
    return (form, subtype) in (("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"))


def file_dtype(subtype: str) -> str:
    """What `ReadableAudioFile.file_dtype` says of samples stored like that."""
    return _BY_SUBTYPE.get(subtype, "float32")


@with_entries
class WriteableAudioFileFlag(WithEntries):
    """Options of single codecs, keys of ``codec_options``."""

    Mp3EnableBitReservoir = 0


_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_FLAC_RATES = (
    *(8_000, 11_025, 12_000, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000),
    *(352_800, 384_000),
)
_OGG_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
#: The constant bit rates that MPEG layer III has at its lower sample rates.
_KBPS_LOW = (
    (16_000, (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)),
    (0, (8, 16, 24, 32, 40, 48, 56, 64)),
)
_VORBIS_KBPS = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500)
_VARIABLE = ("V0 (best)", "V1", "V2", "V3", "V4 (normal)", "V5", "V6", "V7", "V8", "V9 (smallest)")


@dataclass(frozen=True)
class Codec:
    """One of the formats that can be written."""

    format: str
    name: str
    plural: str
    depths: tuple[int, ...]
    #: From the fastest to the slowest, but for MP3's, which are bit rates behind variable rates.
    qualities: tuple[str, ...] = ()
    default: str | None = None
    worst: str | None = None
    best: str | None = None
    most_channels: int = 1024
    lossy: bool = False

    def subtype(self, depth: int) -> str | None:
        """How `luthier.io` stores samples of so many bits."""
        if self.lossy:
            return None
        if depth == 8:
            return "PCM_S8" if self.format == "AIFF" else "PCM_U8"
        return "FLOAT" if depth == 32 else f"PCM_{depth}"

    def check(self, rate: int, channels: int, depth: int, quality: object) -> None:
        """Raise `ValueError` for what the format cannot hold."""
        rates = self._rates(rate)
        if rates is not None:
            raise ValueError(
                f"{self.name} audio files do not support the provided sample rate of {rate:.2f}Hz. "
                f"Supported sample rates: {', '.join(map(str, rates))}"
            )
        if not self.lossy and depth not in self.depths:
            raise ValueError(
                f"{self.name} audio files do not support the provided bit depth of {depth} bits. "
                f"Supported bit depths: {', '.join(map(str, self.depths))}"
            )
        if not 1 <= channels <= self.most_channels:
            raise ValueError(
                f"Unable to create {self.name} writer with samplerate={rate:f}, num_channels={channels}, "
                f"bit_depth={depth}, and quality={quality}: it holds 1 to {self.most_channels} channels"
            )

    def _rates(self, rate: int) -> tuple[int, ...] | None:
        """The usual rates, where this one will not do."""
        if self.format == "MP3":
            return None if rate in _MP3_RATES else _MP3_RATES
        if self.format == "FLAC":
            # What a frame's header can tell.
            known = rate <= 65_535 or (rate % 10 == 0 and rate <= 655_350)
            return None if known else _FLAC_RATES
        return None if self.format != "OGG" or rate <= 200_000 else _OGG_RATES

    def quality(self, given: object) -> str | None:
        """The full name of the quality that a number, a name or a part of one means."""
        text = "" if given is None else _text(given).strip()
        if not text:
            return self.default
        lower = text.lower()
        if lower in ("worst", "fastest"):
            return self.worst
        if lower in ("best", "slowest"):
            return self.best
        names = [name.lower() for name in self.qualities]
        found = [n for n, name in enumerate(names) if name == lower or name.startswith(lower + " ")]
        if not found and not text[0].isdigit() and text[0] not in "+-.":
            found = [n for n, name in enumerate(names) if lower in name]
        if found:
            return self.qualities[found[0]]
        allowed = (
            f"Valid values for {self.plural} are: {', '.join(self.qualities)}"
            if self.qualities
            else f"{self.plural} do not accept quality settings."
        )
        raise ValueError(f"Unable to parse provided quality value ({text}). {allowed}")

    def options(self, quality: str | None, rate: int) -> dict[str, Any]:
        """The quality in `luthier.io.Writer`'s keywords."""
        if quality is None:
            return {}
        place = self.qualities.index(quality)
        if self.format == "FLAC":
            return {"compression": place}
        if self.format == "OGG":
            return {"quality": place}
        if quality in _VARIABLE:
            return {"quality": place}
        rates = next((r for lowest, r in ((32_000, _KBPS), *_KBPS_LOW) if rate >= lowest), _KBPS)
        wanted = int(quality.split()[0])
        return {"bitrate": min(rates, key=lambda each: abs(each - wanted))}


_CODECS = (
    Codec("WAV", "WAV file", "WAV files", (8, 16, 24, 32)),
    Codec("AIFF", "AIFF file", "AIFF files", (8, 16, 24)),
    Codec(
        "FLAC",
        "FLAC file",
        "FLAC files",
        (16, 24),
        ("0 (Fastest)", "1", "2", "3", "4", "5 (Default)", "6", "7", "8 (Highest quality)"),
        "8 (Highest quality)",
        "0 (Fastest)",
        "8 (Highest quality)",
        most_channels=8,
    ),
    Codec(
        "OGG",
        "Ogg-Vorbis file",
        "Ogg-Vorbis files",
        (16, 24, 32),
        tuple(f"{kbps} kbps" for kbps in _VORBIS_KBPS),
        "500 kbps",
        "64 kbps",
        "500 kbps",
        most_channels=255,
        lossy=True,
    ),
    Codec(
        "MP3",
        "MP3",
        "MP3s",
        (16,),
        (*_VARIABLE, *(f"{kbps} kbps" for kbps in _KBPS)),
        "320 kbps",
        "V9 (smallest)",
        "V0 (best)",
        most_channels=2,
        lossy=True,
    ),
)
_BY_ENDING = {
    ".wav": "WAV",
    ".bwf": "WAV",
    ".aif": "AIFF",
    ".aiff": "AIFF",
    ".flac": "FLAC",
    ".ogg": "OGG",
    ".mp3": "MP3",
}


def codec_named(ending: str) -> Codec | None:
    """The codec of files whose names end like that, with the dot or without."""
    form = _BY_ENDING.get("." + ending.lower().removeprefix("."))
    return next((codec for codec in _CODECS if codec.format == form), None)


def ending_of(name: str) -> str:
    """The ending of a file's name, with its dot."""
    return os.path.splitext(os.path.basename(name))[1]


def _text(given: object) -> str:
    if isinstance(given, str):
        return given
    number = float(given)  # type: ignore[arg-type]
    return f"{rate_as_shown(number)}" if number.is_integer() else f"{number:g}"
