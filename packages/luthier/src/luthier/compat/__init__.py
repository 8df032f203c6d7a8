"""Drop-in faces of other libraries: their names, arguments and results, on top of luthier's own.

Each is imported under its own name (``import luthier.compat.soundfile as sf``) or stands in for the
library itself: ``sys.modules["soundfile"] = luthier.compat.soundfile``.
"""
