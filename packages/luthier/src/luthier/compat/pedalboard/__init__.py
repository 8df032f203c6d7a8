"""pedalboard's face on luthier: so far its `io`, audio files and resampling.

>>> import luthier.compat.pedalboard as pedalboard
>>> ".flac" in pedalboard.io.get_supported_read_formats()
True

For programs that import ``pedalboard`` themselves::

    import sys
    import luthier.compat.pedalboard

    sys.modules["pedalboard"] = luthier.compat.pedalboard
    sys.modules["pedalboard.io"] = luthier.compat.pedalboard.io
"""

from luthier.compat.pedalboard import io

#: The version of pedalboard whose behaviour this is.
__version__ = "0.9.26"

__all__ = ["io"]
