"""What can be written, and under which file name: one table, read by `write`, `Writer` and the messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from luthier.core import EncodeError, UnsupportedFormat

__all__ = ["Format", "available_formats"]


@dataclass(frozen=True)
class Format:
    """A kind of file that can be written.

    Attributes
    ----------
    name
        ``"WAV"``, ``"FLAC"``, ...: what `Info.format` says of such a file.
    extensions
        File name endings that choose it, lower case.
    subtypes
        How samples can be stored; the first is the default.
    max_channels
        Most channels that the format holds.
    sample_rates
        The only rates that the format holds; empty where any rate in `rate_range` will do.
    rate_range
        Lowest and highest rate in Hz.
    lossy
        Whether samples come back changed, apart from rounding to the subtype's codes.
    options
        The keywords of `write` and `Writer` beyond `subtype` that it takes.
    """

    name: str
    extensions: tuple[str, ...]
    subtypes: tuple[str, ...]
    max_channels: int = 1024
    sample_rates: tuple[int, ...] = ()
    rate_range: tuple[int, int] = (1, 2**31 - 1)
    lossy: bool = False
    options: tuple[str, ...] = ("dither",)


_PCM = ("PCM_16", "PCM_24", "PCM_32")
_WAV = (*_PCM, "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW")
_SIGNED = (*_PCM, "PCM_S8", "FLOAT", "DOUBLE", "ULAW", "ALAW")
_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)

# An extension may lead to one entry only; a subtype may lead to another entry of the same name.
_FORMATS = (
    Format("WAV", (".wav", ".wave"), _WAV),
    Format("WAV", (), ("GSM610",), 1, lossy=True, options=()),
    Format("WAVEX", (), _WAV),
    Format("RF64", (".rf64",), _WAV),
    Format("W64", (".w64",), _WAV),
    Format("AIFF", (".aiff", ".aif", ".aifc"), (*_SIGNED, "PCM_U8")),
    Format("CAF", (".caf",), _SIGNED),
    Format("AU", (".au", ".snd"), _SIGNED),
    Format(
        "FLAC",
        (".flac",),
        ("PCM_16", "PCM_24", "PCM_S8"),
        8,
        rate_range=(1, 655_350),
        options=("dither", "compression"),
    ),
    Format(
        "MP3",
        (".mp3",),
        ("MPEG_LAYER_III",),
        2,
        sample_rates=_MP3_RATES,
        lossy=True,
        options=("bitrate", "quality"),
    ),
    Format(
        "OGG",
        (".ogg", ".oga"),
        ("VORBIS",),
        255,
        rate_range=(1, 200_000),
        lossy=True,
        options=("quality",),
    ),
    Format("OGG", (".opus",), ("OPUS",), 255, sample_rates=_OPUS_RATES, lossy=True, options=("bitrate",)),
)


def available_formats() -> tuple[Format, ...]:
    """Every kind of file that `write` makes.

    Reading takes these and more.

    Examples
    --------
    >>> import luthier.io as lio
    >>> [f.name for f in lio.available_formats() if ".flac" in f.extensions]
    ['FLAC']
    """
    return _FORMATS


def choose(name: str, wanted: str | None, subtype: str | None) -> tuple[Format, str]:
    """The format that `wanted` or the name asks for, and the subtype, or the error that names them."""
    if wanted is not None:
        found = _by_format(wanted)
        if found is None:
            known = ", ".join(dict.fromkeys(f.name for f in _FORMATS))
            raise UnsupportedFormat(f"{name}: there is no format {wanted!r}; use one of {known}")
    else:
        extension = ending(name)
        found = next((f for f in _FORMATS if extension in f.extensions), None)
        if found is None:
            known = " ".join(e for f in _FORMATS for e in f.extensions)
            raise UnsupportedFormat(
                f"{name}: the name's ending {extension or '(none)'!r} names no format; use one of {known}, "
                "or give format="
            )
    if subtype is None:
        return found, found.subtypes[0]
    kind = subtype.upper() if isinstance(subtype, str) else subtype
    for each in _FORMATS:
        if each.name == found.name and kind in each.subtypes:
            return each, kind
    allowed = [s for f in _FORMATS if f.name == found.name for s in f.subtypes]
    raise EncodeError(
        f"{name}: {found.name} files have no subtype {subtype!r}; use one of {', '.join(allowed)}"
    )


def _by_format(wanted: object) -> Format | None:
    if not isinstance(wanted, str):
        return None
    upper, extension = wanted.upper(), "." + wanted.lower()
    named = (f for f in _FORMATS if f.name == upper or extension in f.extensions)
    return next(named, None)


def ending(name: str) -> str:
    """The ending of a name, with its dot, in lower case."""
    return PurePath(name).suffix.lower()


def container(form: Format, name: str, wanted: str | None) -> str:
    """What the encoders call the format: an AIFF file whose ending asks for it is an AIFF-C."""
    asked = ending(name) if wanted is None else "." + wanted.lower()
    return "AIFC" if form.name == "AIFF" and asked == ".aifc" else form.name


#: More channels than this in one call of `write` must have at least as many frames.
TRUSTED_CHANNELS = 64


def swapped(layout: str) -> str:
    """What a message about too many channels adds where these look like frames."""
    axes, other = ("(frames, channels)", "frames_first")
    if layout == other:
        axes, other = ("(channels, frames)", "channels_first")
    return f"; {axes} data needs layout={other!r}"


def check_not_swapped(path: str, form: Format, channels: int, frames: int, layout: str) -> None:
    """Raise `EncodeError` when the channels are too many to be channels, and so are probably frames."""
    if not 0 < frames < channels:
        return
    if channels > form.max_channels:
        raise EncodeError(f"{path}: {_channel_limit(form, channels)}{swapped(layout)}")
    if channels > TRUSTED_CHANNELS:
        raise EncodeError(
            f"{path}: {channels:,} channels of {frames:,} frames look like swapped axes{swapped(layout)}. "
            "For so many channels use luthier.io.Writer"
        )


def _channel_limit(form: Format, channels: int) -> str:
    return f"{form.name} holds 1 to {form.max_channels} channels, got {channels}"


def check(path: str, form: Format, sample_rate: int, channels: int) -> None:
    """Raise `EncodeError` when the format cannot hold such a signal."""
    if not 1 <= channels <= form.max_channels:
        raise EncodeError(f"{path}: {_channel_limit(form, channels)}")
    kind = form.subtypes[0] if form.name == "OGG" else form.name
    if form.sample_rates and sample_rate not in form.sample_rates:
        rates = ", ".join(map(str, form.sample_rates))
        raise EncodeError(f"{path}: {kind} holds sample rates {rates} Hz, got {sample_rate}; resample first")
    low, high = form.rate_range
    if not low <= sample_rate <= high:
        raise EncodeError(f"{path}: {kind} holds sample rates from {low} to {high} Hz, got {sample_rate}")
