"""pedalboard's `utils`: containers and `time_stretch`."""

from luthier.compat.pedalboard._containers import Chain, Mix
from luthier.compat.pedalboard._stretch import time_stretch

__all__ = ["Chain", "Mix", "time_stretch"]
