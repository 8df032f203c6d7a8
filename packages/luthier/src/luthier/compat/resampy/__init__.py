"""Drop-in face of resampy 0.4.3: the same names, arguments, lengths, dtypes and errors, on luthier's kernels.

To put it under the peer's name for code that imports ``resampy`` itself::

    import sys
    from luthier.compat import resampy

    for name in ("", ".core", ".filters", ".version"):
        sys.modules["resampy" + name] = sys.modules["luthier.compat.resampy" + name]

The results agree with resampy's to about 1e-9 in float64 (1e-7 in float32). New code is better served by
`luthier.io.resample`, which is exact in length (this rounds down), flat further up and free of aliases.
"""

from luthier.compat.resampy import core, filters, version
from luthier.compat.resampy.core import resample, resample_nu
from luthier.compat.resampy.version import version as __version__

__all__ = ["__version__", "core", "filters", "resample", "resample_nu", "version"]
