"""A seek table for a FLAC file, which its encoder has not put there.

The layout is that of RFC 9639, "Free Lossless Audio Codec (FLAC)": sections 8 (metadata), 8.5 (seek table)
and 9.1 (frame headers).
"""

from __future__ import annotations

import struct
from typing import BinaryIO

__all__ = ["copy_with_seek_table"]

_BLOCK = 1 << 20
_HEADER = 16  # the longest frame header
_SEEK_TABLE = 3


def copy_with_seek_table(source: BinaryIO, target: BinaryIO, seconds: float = 1.0) -> None:
    """Copy a FLAC file of fixed block size with a seek point about every `seconds`.

    A file that has no frames, or is not as luthier writes it, is copied as it is.
    """
    source.seek(0)
    blocks, audio = _metadata(source)
    table = b""
    if blocks and not any(kind == _SEEK_TABLE for kind, _ in blocks):
        table = _table(source, audio, blocks[0][1], seconds)
    source.seek(0)
    if not table:
        _copy(source, target)
        return
    written = [blocks[0], (_SEEK_TABLE, table), *blocks[1:]]
    written[-1] = written[-1][0] | 0x80, written[-1][1]
    target.write(b"fLaC" + b"".join(_block(kind, data) for kind, data in written))
    source.seek(audio)
    _copy(source, target)


def _block(kind: int, data: bytes) -> bytes:
    return bytes([kind]) + len(data).to_bytes(3, "big") + data


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    while block := source.read(_BLOCK):
        target.write(block)


def _metadata(source: BinaryIO) -> tuple[list[tuple[int, bytes]], int]:
    """The metadata blocks, and where the frames begin."""
    blocks: list[tuple[int, bytes]] = []
    if source.read(4) != b"fLaC":
        return [], 0
    last = False
    while not last:
        head = source.read(4)
        if len(head) < 4:
            return [], 0
        last = bool(head[0] & 0x80)
        blocks.append((head[0] & 0x7F, source.read(int.from_bytes(head[1:], "big"))))
    return (blocks if blocks[0][0] == 0 else []), source.tell()


def _table(source: BinaryIO, audio: int, info: bytes, seconds: float) -> bytes:
    smallest, block = struct.unpack_from(">HH", info)
    rate = int.from_bytes(info[10:13], "big") >> 4
    frames = int.from_bytes(info[13:18], "big") & 0xFFFFFFFFF
    if smallest != block or block == 0 or frames == 0:
        return b""
    every = max(1, round(seconds * rate / block))
    points = []
    for number, offset in enumerate(_frames(source, audio)):
        if number % every == 0:
            first = number * block
            points.append(struct.pack(">QQH", first, offset - audio, min(block, frames - first)))
    return b"".join(points)


def _frames(source: BinaryIO, audio: int) -> list[int]:
    """Where the frames begin: at headers that count up and whose check is right."""
    source.seek(audio)
    places: list[int] = []
    kept, start = b"", audio
    while True:
        block = source.read(_BLOCK)
        data = kept + block
        end = len(data) if not block else len(data) - _HEADER
        at = data.find(b"\xff\xf8")
        while 0 <= at < end:
            if _is_frame(data[at : at + _HEADER], len(places)):
                places.append(start + at)
            at = data.find(b"\xff\xf8", at + 2)
        if not block:
            return places
        start += max(0, end)
        kept = data[max(0, end) :]


def _is_frame(head: bytes, number: int) -> bool:
    coded = _as_utf8(number)
    if head[4 : 4 + len(coded)] != coded:
        return False
    size, rate = head[2] >> 4, head[2] & 15
    length = 4 + len(coded) + {6: 1, 7: 2}.get(size, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    return length < len(head) and _crc8(head[:length]) == head[length]


def _as_utf8(number: int) -> bytes:
    """The number as frames count: UTF-8, whose surrogates count, too."""
    if number < 0x80:
        return bytes([number])
    tail: list[int] = []
    while number >= 1 << (6 - len(tail)):
        tail.append(0x80 | number & 0x3F)
        number >>= 6
    lead = 0xFF << (7 - len(tail) - 1) & 0xFF
    return bytes([lead | number, *reversed(tail)])


def _crc8(data: bytes) -> int:
    """Of the polynomial x^8 + x^2 + x + 1."""
    check = 0
    for byte in data:
        check ^= byte
        for _ in range(8):
            check = (check << 1 ^ 0x07) & 0xFF if check & 0x80 else check << 1
    return check
