"""Room."""

from __future__ import annotations

from typing import ClassVar

from luthier.effects.effect import Effect
from luthier.effects.parameter import param

__all__ = ["Reverb"]


class Reverb(Effect):
    """Freeverb, for any number of channels.

    Eight damped combs and four all-passes per channel. The input is the sum of all channels; channel *k*
    has delay lines that are 23 *k* frames (at 44.1 kHz) longer, from channel 64 on beginning anew.

    Source: Jezar at Dreampoint, *Freeverb* (2000, public domain), after M. R. Schroeder, "Natural sounding
    artificial reverberation", *J. Audio Eng. Soc.* 10 (1962).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> click = np.zeros((2, 44_100), dtype=np.float32)
    >>> click[:, 0] = 1
    >>> wet = fx.Reverb(room_size=0.8, dry_level=0)(click, 44_100)
    """

    linear = True

    _channels_alike: ClassVar[bool] = False

    room_size: float = param(
        0.5, minimum=0, maximum=1, doc="Decay: the combs' feedback is 0.28 room_size + 0.7."
    )
    damping: float = param(0.5, minimum=0, maximum=1, doc="How much sooner high frequencies decay.")
    wet_level: float = param(0.33, minimum=0, maximum=1, doc="Level of the reverberation, times 3.")
    dry_level: float = param(0.4, minimum=0, maximum=1, doc="Level of the input, times 2.")
    width: float = param(
        1.0, minimum=0, maximum=1, doc="1 keeps the channels' reverberations apart, 0 gives all the same."
    )
    freeze: float = param(
        0.0, minimum=0, maximum=1, doc="1 holds what is in the room for ever and lets nothing in."
    )
