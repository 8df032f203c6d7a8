"""Dynamic range."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.parameter import param

__all__ = ["Compressor"]


class Compressor(Effect):
    """Turn down what is louder than a threshold.

    A peak detector follows the loudest channel and all channels get the same gain, so that the stereo image
    does not move. Above the threshold, `ratio` decibels of input give one of output. `attack_ms` and
    `release_ms` are time constants: after that time the detector has come 63 % of the way.

    Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital dynamic range compressor design", *J. Audio
    Eng. Soc.* 60 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> steady = np.ones(48_000)
    >>> y = fx.Compressor(threshold_db=-20, ratio=4)(steady, 48_000)
    >>> round(20 * np.log10(y[-1]), 2)
    np.float64(-15.0)
    """

    threshold_db: float = param(
        -20.0, unit="dB", minimum=-100, maximum=20, doc="The level above which it acts."
    )
    ratio: float = param(
        4.0,
        minimum=1,
        maximum=1000,
        taper="log",
        doc="Decibels of input for one of output, above the threshold.",
    )
    attack_ms: float = param(
        1.0, unit="ms", minimum=0.001, maximum=5000, taper="log", doc="Time constant of a rising level."
    )
    release_ms: float = param(
        100.0, unit="ms", minimum=0.001, maximum=10000, taper="log", doc="Time constant of a falling level."
    )
    knee_db: float = param(
        0.0, unit="dB", minimum=0, maximum=48, doc="Width of the bend round the threshold; 0 is a corner."
    )
    makeup_db: float = param(0.0, unit="dB", minimum=-48, maximum=48, doc="Gain after the compression.")
