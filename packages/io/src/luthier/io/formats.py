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
    """

    name: str
    extensions: tuple[str, ...]
    subtypes: tuple[str, ...]
    max_channels: int
    sample_rates: tuple[int, ...] = ()
    rate_range: tuple[int, int] = (1, 2**31 - 1)
    lossy: bool = False


_WAV_SUBTYPES = ("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE")
_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)

# An extension may lead to one entry only; a subtype may lead to another entry of the same name.
_FORMATS = (
    Format("WAV", (".wav", ".wave"), _WAV_SUBTYPES, 1024),
    Format("FLAC", (".flac",), ("PCM_16", "PCM_24", "PCM_S8"), 8, rate_range=(1, 655_350)),
    Format(
        "AIFF",
        (".aiff", ".aif", ".aifc"),
        ("PCM_16", "PCM_24", "PCM_32", "PCM_S8", "FLOAT", "DOUBLE"),
        1024,
    ),
    Format("MP3", (".mp3",), ("MPEG_LAYER_III",), 2, sample_rates=_MP3_RATES, lossy=True),
    Format("OGG", (".ogg", ".oga"), ("VORBIS",), 255, rate_range=(1_000, 200_000), lossy=True),
    Format("OGG", (".opus",), ("OPUS",), 255, sample_rates=_OPUS_RATES, lossy=True),
)


def available_formats() -> tuple[Format, ...]:
    """Every kind of file that `write` makes.

    Reading takes these and whatever else the installed libsndfile knows (AU, CAF, W64, ...).

    Examples
    --------
    >>> import luthier.io as lio
    >>> [f.name for f in lio.available_formats() if ".flac" in f.extensions]
    ['FLAC']
    """
    return _FORMATS


def choose(path: str, subtype: str | None) -> tuple[Format, str]:
    """The format that the file name asks for, and the subtype, or the error that says what is allowed."""
    extension = PurePath(path).suffix.lower()
    found = next((f for f in _FORMATS if extension in f.extensions), None)
    if found is None:
        known = " ".join(e for f in _FORMATS for e in f.extensions)
        raise UnsupportedFormat(
            f"{path}: the file name's ending {extension or '(none)'!r} names no format; use one of {known}"
        )
    if subtype is None:
        return found, found.subtypes[0]
    wanted = subtype.upper() if isinstance(subtype, str) else subtype
    for each in _FORMATS:
        if each.name == found.name and wanted in each.subtypes:
            return each, wanted
    allowed = [s for f in _FORMATS if f.name == found.name for s in f.subtypes]
    raise EncodeError(
        f"{path}: {found.name} files have no subtype {subtype!r}; use one of {', '.join(allowed)}"
    )


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
