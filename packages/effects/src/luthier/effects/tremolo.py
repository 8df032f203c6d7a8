"""Swinging level."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.parameter import param

__all__ = ["Tremolo"]


class Tremolo(Effect):
    """Let the level swing as a sine, the same in all channels.

    The gain is ``1 - depth * (1 - cos(2 pi rate_hz t)) / 2``: it starts at 1 and comes down to ``1 - depth``.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> y = fx.Tremolo(rate_hz=5, depth=1)(np.ones(44_100), 44_100)
    >>> bool(y.max() == 1 and y.min() < 1e-6)
    True
    """

    rate_hz: float = param(5.0, unit="Hz", minimum=0.01, maximum=100, taper="log", doc="Swings a second.")
    depth: float = param(0.5, minimum=0, maximum=1, doc="How far the level comes down: 1 is to silence.")
