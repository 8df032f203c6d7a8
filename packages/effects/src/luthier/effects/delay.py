"""Echoes."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.option import flag
from luthier.effects.parameter import param

__all__ = ["Delay"]


class Delay(Effect):
    """Repeat the sound after `delay_s`, each echo `feedback` times the one before.

    The delay need not be a whole number of frames: between them the echo is read by third-order Lagrange
    interpolation (of second order below two frames), exact for whole ones. A loop is at least one frame long.

    When `delay_s` moves by less than half a second a second and gently, as with an `LFO` of small swing, it
    is a tape whose head moves, and the pitch bends. What moves faster fades from the old place to the new one
    in 10 ms, as soon as that is known. Memory is taken for the longest delay that came up.

    With `ping_pong` the echoes go round: the mean of all channels comes back from the first channel after one
    delay, from the second after two, and from the last again to the first.

    Source: T. Laakso, V. Välimäki, M. Karjalainen and U. Laine, "Splitting the unit delay", *IEEE Signal
    Processing Magazine* 13 (1996).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> click = np.zeros(5)
    >>> click[0] = 1
    >>> fx.Delay(delay_s=0.002, feedback=0.5, mix=0.5)(click, 1000).tolist()
    [0.5, 0.0, 0.5, 0.0, 0.25]
    """

    linear = True

    delay_s: float = param(0.5, unit="s", minimum=0, maximum=30, doc="The time from one echo to the next.")
    feedback: float = param(
        0.0, minimum=0, maximum=1, doc="How much of an echo comes again: 0 is one echo, 1 is for ever."
    )
    mix: float = param(0.5, minimum=0, maximum=1, doc="0 is the input alone, 1 the echoes alone.")
    ping_pong: bool = flag(False, doc="Let the echoes go round the channels.")
