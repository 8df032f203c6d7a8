"""Formats that FFmpeg knows and our own code does not: recognised here, read through PyAV when installed."""

from __future__ import annotations

from luthier.core import UnsupportedFormat
from luthier.io import _native

__all__ = ["kind_of", "open_other"]

# Where a magic number stands, the number, and what messages call the format.
_MAGIC = (
    (4, b"ftyp", "MP4"),
    (4, b"moov", "MP4"),
    (4, b"mdat", "MP4"),
    (4, b"wide", "MP4"),
    (0, bytes.fromhex("3026b2758e66cf11"), "Windows Media"),
    (0, bytes.fromhex("1a45dfa3"), "WebM or Matroska"),
    (0, b"wvpk", "WavPack"),
    (0, b"TTA1", "True Audio"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"tBaK", "TAK"),
    (0, b"\x0b\x77", "AC-3"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
    (0, b"#!AMR", "AMR"),
    (0, b"FLV\x01", "Flash video"),
    (0, b"DSD ", "DSD"),
    (0, b"FRM8", "DSD"),
    (0, b".RMF", "RealMedia"),
    (0, b"\x00\x00\x01\xba", "MPEG program"),
)


def kind_of(source: _native.Source) -> str | None:
    """What the first bytes look like to someone who knows FFmpeg's formats, or None."""
    head = source.read_at(0, 400)
    if head[:3] == b"ID3" and len(head) >= 10:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        head = source.read_at(10 + size, 400)
    for at, magic, kind in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return kind
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "AAC"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "MPEG transport"
    return None


def open_other(source: _native.Source, refused: str) -> object:  # noqa: ARG001
    """Return a decoder for native/python_decoder.h, or None for what FFmpeg does not know either.

    Raises
    ------
    UnsupportedFormat
        When PyAV would be needed and is not installed.
    """
    kind = kind_of(source)
    if kind is None:
        return None
    try:
        from luthier.io import av_reader
    except ImportError:
        raise UnsupportedFormat(
            f"{source.name}: {kind} files are read through PyAV. Install it with: "
            "pip install 'luthier-io[av]'"
        ) from None
    return av_reader.AvDecoder(source, kind)
