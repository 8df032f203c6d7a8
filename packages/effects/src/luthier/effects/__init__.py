from luthier.effects.automation import LFO, Curve
from luthier.effects.chain import Chain
from luthier.effects.compressor import Compressor
from luthier.effects.effect import Effect
from luthier.effects.filters import HighpassFilter, HighShelfFilter, LowpassFilter, LowShelfFilter, PeakFilter
from luthier.effects.gain import Gain
from luthier.effects.mix import Mix
from luthier.effects.parameter import Parameter, param
from luthier.effects.reverb import Reverb
from luthier.effects.stream import Stream

__version__ = "0.1.0"
__all__ = ["LFO", "Curve", "Chain", "Compressor", "Effect", "Gain", "HighShelfFilter", "HighpassFilter", "LowShelfFilter", "LowpassFilter", "PeakFilter", "Mix", "Parameter", "Reverb", "Stream", "param"]
