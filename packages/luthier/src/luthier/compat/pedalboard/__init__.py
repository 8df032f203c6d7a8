"""pedalboard's face on luthier: its plugins, containers, audio files and resampling.

>>> import numpy as np
>>> from luthier.compat.pedalboard import Chorus, Pedalboard, Reverb
>>> from luthier.compat.pedalboard.io import AudioFile
>>> board = Pedalboard([Chorus(), Reverb(room_size=0.25)])
>>> board(np.zeros((2, 44_100), np.float32), 44_100).shape
(2, 44100)

For programs that import ``pedalboard`` themselves, before anything does::

    import sys
    import luthier.compat.pedalboard

    for name in ("", ".io", ".utils", ".version"):
        sys.modules["pedalboard" + name] = sys.modules["luthier.compat.pedalboard" + name]

and for those that reach into its native module, as its own tests do::

    for name in ("", ".io", ".utils", "._internal"):
        sys.modules["pedalboard_native" + name] = sys.modules["luthier.compat.pedalboard" + name]
"""

import sys

from luthier.compat.pedalboard import _internal, io, utils, version  # noqa: F401
from luthier.compat.pedalboard._containers import Chain, Mix, Pedalboard, PluginContainer, process
from luthier.compat.pedalboard._convolution import Convolution
from luthier.compat.pedalboard._effects import (
    Bitcrush,
    BrickwallLimiter,
    Chorus,
    Clipping,
    Compressor,
    Delay,
    Distortion,
    Gain,
    HighpassFilter,
    HighShelfFilter,
    IIRFilter,
    Invert,
    LadderFilter,
    Limiter,
    LowpassFilter,
    LowShelfFilter,
    NoiseGate,
    PeakFilter,
    Phaser,
    PitchShift,
    Reverb,
)
from luthier.compat.pedalboard._external import (
    _AVAILABLE_PLUGIN_CLASSES as _AVAILABLE_PLUGIN_CLASSES,
)
from luthier.compat.pedalboard._external import (
    AudioProcessorParameter,
    ExternalPlugin,
    ExternalPluginReloadType,
    VST3Plugin,
    load_plugin,
)
from luthier.compat.pedalboard._plugin import Plugin
from luthier.compat.pedalboard._resample import GSMFullRateCompressor, MP3Compressor, Resample
from luthier.compat.pedalboard._stretch import time_stretch
from luthier.compat.pedalboard.version import __version__ as __version__

Unknown = ExternalPluginReloadType.Unknown
ClearsAudioOnReset = ExternalPluginReloadType.ClearsAudioOnReset
PersistsAudioOnReset = ExternalPluginReloadType.PersistsAudioOnReset

__all__ = [
    "AudioProcessorParameter",
    "Bitcrush",
    "BrickwallLimiter",
    "Chain",
    "Chorus",
    "ClearsAudioOnReset",
    "Clipping",
    "Compressor",
    "Convolution",
    "Delay",
    "Distortion",
    "ExternalPlugin",
    "ExternalPluginReloadType",
    "GSMFullRateCompressor",
    "Gain",
    "HighShelfFilter",
    "HighpassFilter",
    "IIRFilter",
    "Invert",
    "LadderFilter",
    "Limiter",
    "LowShelfFilter",
    "LowpassFilter",
    "MP3Compressor",
    "Mix",
    "NoiseGate",
    "PeakFilter",
    "Pedalboard",
    "PersistsAudioOnReset",
    "Phaser",
    "PitchShift",
    "Plugin",
    "PluginContainer",
    "Resample",
    "Reverb",
    "Unknown",
    "VST3Plugin",
    "io",
    "load_plugin",
    "process",
    "time_stretch",
    "utils",
    "version",
]

if sys.platform == "darwin":
    from luthier.compat.pedalboard._external import AudioUnitPlugin as AudioUnitPlugin

    __all__ += ["AudioUnitPlugin"]
