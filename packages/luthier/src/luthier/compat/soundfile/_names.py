"""What libsndfile calls formats, subtypes, byte orders and tags, under the names of python-soundfile.

The numbers are those of libsndfile's interface (libsndfile.github.io/libsndfile/api.html).
"""

from __future__ import annotations

import ctypes
import os

from luthier.compat.soundfile import _library
from luthier.compat.soundfile._library import Command, FormatInfo

__all__ = [
    "available_formats",
    "available_subtypes",
    "check_format",
    "default_subtype",
]

FORMATS = {
    "WAV": 0x010000,
    "AIFF": 0x020000,
    "AU": 0x030000,
    "RAW": 0x040000,
    "PAF": 0x050000,
    "SVX": 0x060000,
    "NIST": 0x070000,
    "VOC": 0x080000,
    "IRCAM": 0x0A0000,
    "W64": 0x0B0000,
    "MAT4": 0x0C0000,
    "MAT5": 0x0D0000,
    "PVF": 0x0E0000,
    "XI": 0x0F0000,
    "HTK": 0x100000,
    "SDS": 0x110000,
    "AVR": 0x120000,
    "WAVEX": 0x130000,
    "SD2": 0x160000,
    "FLAC": 0x170000,
    "CAF": 0x180000,
    "WVE": 0x190000,
    "OGG": 0x200000,
    "MPC2K": 0x210000,
    "RF64": 0x220000,
    "MP3": 0x230000,
}

SUBTYPES = {
    "PCM_S8": 0x0001,
    "PCM_16": 0x0002,
    "PCM_24": 0x0003,
    "PCM_32": 0x0004,
    "PCM_U8": 0x0005,
    "FLOAT": 0x0006,
    "DOUBLE": 0x0007,
    "ULAW": 0x0010,
    "ALAW": 0x0011,
    "IMA_ADPCM": 0x0012,
    "MS_ADPCM": 0x0013,
    "GSM610": 0x0020,
    "VOX_ADPCM": 0x0021,
    "NMS_ADPCM_16": 0x0022,
    "NMS_ADPCM_24": 0x0023,
    "NMS_ADPCM_32": 0x0024,
    "G721_32": 0x0030,
    "G723_24": 0x0031,
    "G723_40": 0x0032,
    "DWVW_12": 0x0040,
    "DWVW_16": 0x0041,
    "DWVW_24": 0x0042,
    "DWVW_N": 0x0043,
    "DPCM_8": 0x0050,
    "DPCM_16": 0x0051,
    "VORBIS": 0x0060,
    "OPUS": 0x0064,
    "ALAC_16": 0x0070,
    "ALAC_20": 0x0071,
    "ALAC_24": 0x0072,
    "ALAC_32": 0x0073,
    "MPEG_LAYER_I": 0x0080,
    "MPEG_LAYER_II": 0x0081,
    "MPEG_LAYER_III": 0x0082,
}

ENDIANS = {"FILE": 0x00000000, "LITTLE": 0x10000000, "BIG": 0x20000000, "CPU": 0x30000000}

DEFAULT_SUBTYPES = {name: "PCM_16" for name in FORMATS if name != "RAW"} | {
    "MAT4": "DOUBLE",
    "MAT5": "DOUBLE",
    "XI": "DPCM_16",
    "WVE": "ALAW",
    "OGG": "VORBIS",
    "MP3": "MPEG_LAYER_III",
}

TAGS = {
    "title": 0x01,
    "copyright": 0x02,
    "software": 0x03,
    "artist": 0x04,
    "comment": 0x05,
    "date": 0x06,
    "album": 0x07,
    "license": 0x08,
    "tracknumber": 0x09,
    "genre": 0x10,
}

_TYPE_MASK, _SUBTYPE_MASK, _ENDIAN_MASK = 0x0FFF0000, 0x0000FFFF, 0x30000000


def name_of(code: int, names: dict[str, int]) -> str:
    """The name of a number, or ``"n/a"``."""
    return next((name for name, each in names.items() if each == code), "n/a")


def parts(code: int) -> tuple[str, str, str]:
    """Format, subtype and byte order of libsndfile's one number for all three."""
    return (
        name_of(code & _TYPE_MASK, FORMATS),
        name_of(code & _SUBTYPE_MASK, SUBTYPES),
        name_of(code & _ENDIAN_MASK, ENDIANS),
    )


def check_named(value: object, names: dict[str, int], what: str) -> int:
    """The number of a name, or the error that says that it is none."""
    if not isinstance(value, str):
        raise TypeError(f"Invalid {what}: {value!r}")
    try:
        return names[value.upper()]
    except KeyError:
        raise ValueError(f"Unknown {what}: {value!r}") from None


def format_code(format: object, subtype: object, endian: object) -> int:  # noqa: A002
    """The one number that libsndfile has for all three, checked to be a combination that it can write."""
    code = check_named(format, FORMATS, "format")
    if subtype is None:
        subtype = default_subtype(str(format))
        if subtype is None:
            raise TypeError(f"No default subtype for major format {format!r}")
    code |= check_named(subtype, SUBTYPES, "subtype")
    code |= 0 if endian is None else check_named(endian, ENDIANS, "endian-ness")
    info = _library.Info(format=code, channels=1, samplerate=48_000)
    if not _library.library().sf_format_check(ctypes.byref(info)):
        raise ValueError(
            "Invalid combination of format, subtype and endian: "
            f"{format!r}, {subtype!r}, {'FILE' if endian is None else endian!r}"
        )
    return code


def format_of_name(file: object) -> str:
    """The ending of a file's name, which may name a format; empty where there is no name."""
    name = file if isinstance(file, str | bytes) else getattr(file, "name", None)
    if not isinstance(name, str | bytes):
        return ""
    return os.path.splitext(os.fsdecode(name))[1][1:]


def check_format(format: str, subtype: str | None = None, endian: str | None = None) -> bool:  # noqa: A002
    """Whether files of this format, subtype and byte order can be written.

    Examples
    --------
    >>> import luthier.compat.soundfile as sf
    >>> sf.check_format("FLAC", "PCM_24"), sf.check_format("FLAC", "VORBIS")
    (True, False)
    """
    try:
        return bool(format_code(format, subtype, endian))
    except (ValueError, TypeError):
        return False


def default_subtype(format: str) -> str | None:  # noqa: A002
    """The subtype that a file of this format gets where none is named; None for ``"RAW"``.

    Raises
    ------
    ValueError, TypeError
        When there is no such format.

    Examples
    --------
    >>> import luthier.compat.soundfile as sf
    >>> sf.default_subtype("OGG")
    'VORBIS'
    """
    check_named(format, FORMATS, "format")
    return DEFAULT_SUBTYPES.get(format.upper())


def available_formats() -> dict[str, str]:
    """The formats that the libsndfile at hand knows, each with its description.

    Examples
    --------
    >>> import luthier.compat.soundfile as sf
    >>> sf.available_formats()["FLAC"]
    'FLAC (Free Lossless Audio Codec)'
    """
    return dict(_listed(Command.MAJOR_COUNT, Command.MAJOR, FORMATS))


def available_subtypes(format: str | None = None) -> dict[str, str]:  # noqa: A002
    """The subtypes that the libsndfile at hand can write, all or those of one format.

    Examples
    --------
    >>> import luthier.compat.soundfile as sf
    >>> list(sf.available_subtypes("OGG"))
    ['VORBIS', 'OPUS']
    """
    listed = _listed(Command.SUBTYPE_COUNT, Command.SUBTYPE, SUBTYPES)
    return {name: text for name, text in listed if format is None or check_format(format, name)}


def _listed(count_command: int, command: int, names: dict[str, int]) -> list[tuple[str, str]]:
    lib = _library.library()
    count = ctypes.c_int()
    lib.sf_command(None, count_command, ctypes.byref(count), ctypes.sizeof(count))
    found = []
    for index in range(count.value):
        each = FormatInfo(format=index)
        lib.sf_command(None, command, ctypes.byref(each), ctypes.sizeof(each))
        found.append((name_of(each.format, names), each.text))
    return found


def describe(code: int) -> str:
    """How libsndfile describes a format or a subtype."""
    info = FormatInfo(format=code)
    _library.library().sf_command(None, Command.FORMAT_INFO, ctypes.byref(info), ctypes.sizeof(info))
    return info.text
