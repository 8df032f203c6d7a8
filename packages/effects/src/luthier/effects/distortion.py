"""Effects that bend the samples: what comes out depends on each sample's value alone."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.parameter import param

__all__ = ["Bitcrush", "Clipping", "Distortion"]


class Distortion(Effect):
    """Drive a soft limit: ``tanh(samples * 10 ** (drive_db / 20))``.

    In float32 the hyperbolic tangent is a quotient of polynomials, within 1e-6 of the true one.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> fx.Distortion(drive_db=20)(np.array([0.01, -0.5]), 44_100).round(4)
    array([ 0.0997, -0.9999])
    """

    drive_db: float = param(
        25.0, unit="dB", minimum=-60, maximum=100, doc="The gain in front of the hyperbolic tangent."
    )


class Clipping(Effect):
    """Set samples beyond ``+-10 ** (threshold_db / 20)`` to that level.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> fx.Clipping(threshold_db=-20)(np.array([0.05, 0.3, -0.7]), 44_100)
    array([ 0.05,  0.1 , -0.1 ])
    """

    threshold_db: float = param(
        -6.0, unit="dB", minimum=-120, maximum=60, doc="The level that no sample exceeds."
    )


class Bitcrush(Effect):
    """Round samples to the steps of a coarse converter.

    ``round(samples * 2 ** bit_depth) / 2 ** bit_depth``, halves to the even number: a signal from -1 to 1 has
    ``2 ** (bit_depth + 1) + 1`` steps. `bit_depth` need not be whole.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> fx.Bitcrush(bit_depth=2)(np.array([0.1, 0.3, -0.7]), 44_100)
    array([ 0.  ,  0.25, -0.75])
    """

    bit_depth: float = param(8.0, minimum=0, maximum=32, doc="Bits behind the point, not counting the sign.")
