"""Whether an MP3 file says how long it is: its first frame holds a header of Xing's, LAME's or Fraunhofer's.

The layout of frames is that of ISO/IEC 11172-3 and 13818-3, of tags that of ID3v2.4 (id3.org).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["tells_its_length"]

_SEARCHED = 1 << 16


def tells_its_length(data: Callable[[int, int], bytes]) -> bool:
    """Whether the first frame of the file says how many there are.

    Parameters
    ----------
    data
        Returns the bytes at an offset, so many.
    """
    offset = 0
    while (tag := data(offset, 10))[:3] == b"ID3" and len(tag) == 10:
        size = tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]
        offset += 10 + size + (10 if tag[5] & 0x10 else 0)
    block = data(offset, _SEARCHED)
    at = block.find(b"\xff")
    while 0 <= at < len(block) - 4:
        second, third = block[at + 1], block[at + 2]
        layer_iii = second & 0xE6 == 0xE2 and second & 0x18 != 0x08
        if layer_iii and third & 0xF0 not in (0x00, 0xF0) and third & 0x0C != 0x0C:
            head = block[at : at + 48]
            return any(word in head for word in (b"Xing", b"Info", b"VBRI"))
        at = block.find(b"\xff", at + 1)
    return False
