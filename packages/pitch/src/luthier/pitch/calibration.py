"""What makes the confidence of each method a probability.

``training/calibrate.py DATA --write`` makes the table; `native/voicing.h` says what the weights are of. The
networks' numbers are in their packs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["WEIGHTS"]

#: Weights of the log-odds of voicing: a constant; the method's evidence; how little of the power around a
#: frame is at its centre; that a path is voiced.
WEIGHTS: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        "yin": (5.868, -8.444, -1.205, 0.0),
        "mpm": (6.349, -9.999, -1.407, 0.0),
        "pyin": (4.845, -9.082, -2.586, 0.0),
        "autocorrelation": (3.588, -6.642, -1.202, 2.253),
        "swipe": (11.339, 6.156, -1.316, 0.0),
        "swipe, whitened": (14.968, 8.038, -1.406, 0.0),
    }
)
