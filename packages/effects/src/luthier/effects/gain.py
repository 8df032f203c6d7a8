"""Level."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.parameter import param

__all__ = ["Gain", "Invert"]


class Gain(Effect):
    """Change the level: every sample times ``10 ** (gain_db / 20)``.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> fx.Gain(gain_db=20)(np.array([0.01, -0.02]), 44_100)
    array([ 0.1, -0.2])
    """

    linear = True

    gain_db: float = param(
        0.0, unit="dB", minimum=-120, maximum=60, doc="The change in level; -120 dB is silence."
    )


class Invert(Effect):
    """Turn the polarity round: every sample times -1.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> fx.Invert()(np.array([0.5, -0.25]), 44_100)
    array([-0.5 ,  0.25])
    """

    linear = True
