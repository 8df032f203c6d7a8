"""Checks of arguments, with the errors that pedalboard's users know, and what files share."""

from __future__ import annotations

import numbers
import threading

__all__ = ["Busy", "frame_count", "incompatible", "place", "rate_as_shown", "whole"]

CLOSED = "I/O operation on a closed file."


def incompatible(function: str, accepted: str, *given: object) -> TypeError:
    """The error for arguments of other types than `accepted` names."""
    shown = ", ".join(map(repr, given))
    return TypeError(
        f"{function}(): incompatible function arguments. The following argument types are supported:\n"
        f"    1. {accepted}\n\nInvoked with: {shown}"
    )


def whole(value: object) -> bool:
    """Whether it is an integer."""
    return isinstance(value, numbers.Integral)


def frame_count(value: object, owner: str, accepted: str, self: object) -> int:
    """How many frames to read: a whole number, though it may be a float."""
    if type(value) is int and value > 0:
        return value
    if not isinstance(value, numbers.Real):
        raise incompatible("read", accepted, self, value)
    number = float(value)
    if number == 0:
        raise ValueError(
            f"{owner} will not read an entire file at once, due to the possibility that a file may be larger "
            "than available memory. Please pass a number of frames to read (available from the 'frames' "
            "attribute)."
        )
    if not number.is_integer():
        raise ValueError(
            f"{owner} cannot read a fractional number of samples; was asked to read {number:f} samples. "
            "Please provide a whole (integer) number of samples to read instead."
        )
    if number < 0:
        raise ValueError(f"{owner} cannot read a negative number of frames; was asked to read {value}.")
    return int(value)  # type: ignore[call-overload,no-any-return]


def place(position: int, frames: int) -> int:
    """A frame to go to: from 0 to the end of so many."""
    if position < 0:
        raise ValueError(f"Cannot seek before start of file (to position {position:,}).")
    if position > frames:
        raise ValueError(
            f"Cannot seek to position {position:,} frames, which is beyond end of file "
            f"({frames:,} frames) by {position - frames:,} frames."
        )
    return int(position)


def rate_as_shown(rate: float) -> int | float:
    """A rate without its fraction where that is nothing."""
    return int(rate) if float(rate).is_integer() else rate


class Busy:
    """Notes who is at work on a file, and refuses a second thread, whose result could only be chance."""

    def __init__(self, doing: str, doers: str) -> None:
        self._lock = threading.Lock()
        self._message = (
            f"Another thread is currently {doing} this AudioFile. Note that using multiple concurrent "
            f"{doers} on the same AudioFile object will produce nondeterministic results."
        )

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError(self._message)

    def __exit__(self, *error: object) -> None:
        self._lock.release()
