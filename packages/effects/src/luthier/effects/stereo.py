"""Left and right."""

from __future__ import annotations

from typing import ClassVar

from luthier.effects.effect import Effect
from luthier.effects.option import choice
from luthier.effects.parameter import param

__all__ = ["Pan", "StereoWidth"]


class Pan(Effect):
    """Move the sound to the left or to the right by the gains of the two sides.

    In the middle nothing changes; on the way to one side it becomes louder there and falls silent on the
    other. By how much louder the `law` says: how far the middle lies below the ends. ``"-3dB"`` keeps the
    power (gains on a circle, ``sqrt(2) * cos`` and ``sin``), ``"-6dB"`` keeps the sum (gains ``1 - pan`` and
    ``1 + pan``), ``"-4.5dB"`` is their geometric mean, and ``"balance"`` makes nothing louder.

    Left and right are those of `StereoWidth`; a mono signal passes as it is.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> fx.Pan(pan=0.5, law="-6dB")(np.ones((2, 1)), 44_100)
    array([[0.5],
           [1.5]])
    """

    _channels_alike: ClassVar[bool] = False

    pan: float = param(0.0, minimum=-1, maximum=1, doc="-1 is left, 1 is right.")
    law: str = choice(
        "-3dB",
        options=("-3dB", "-4.5dB", "-6dB", "balance"),
        doc="How far the middle lies below the ends.",
    )


class StereoWidth(Effect):
    """Scale what differs between left and right.

    ``middle + width * side`` and ``middle - width * side``, with ``middle = (left + right) / 2`` and
    ``side = (left - right) / 2``: 0 is mono, 1 changes nothing, 2 doubles the difference.

    Channels 0 and 1 are left and right. Of more than two, in the order of WAVE files, the surrounds are
    another pair (3 and 4 of five, 4 and 5 of six, 5 and 6 of seven, 4 and 5, 6 and 7 of eight; four channels
    are two pairs); centre and subwoofer pass as they are, and so does a mono signal. More than eight are
    taken for pairs.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> fx.StereoWidth(width=0)(np.array([[1.0], [0.5]]), 44_100)
    array([[0.75],
           [0.75]])
    """

    _channels_alike: ClassVar[bool] = False

    width: float = param(1.0, minimum=0, maximum=2, doc="0 is mono, 1 as it was, 2 twice as wide.")
