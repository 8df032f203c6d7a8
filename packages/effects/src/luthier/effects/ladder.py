"""The ladder filter."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.option import choice
from luthier.effects.parameter import param

__all__ = ["LadderFilter"]


class LadderFilter(Effect):
    """Ladder filter: four one-pole low-passes in a loop that saturates.

    The model of the Moog ladder in discrete time, with the taps that make it a low-pass, a high-pass or a
    band-pass of 12 or 24 dB an octave. The pass-band is not at unity: at the least resonance a low-pass has a
    gain of about -2 dB for quiet sound.

    Source: A. Huovilainen, "Non-linear digital implementation of the Moog ladder filter", DAFx 2004;
    V. Valimaki and A. Huovilainen, "Oscillator and filter algorithms for virtual analog synthesis", Computer
    Music Journal 30:2, 2006.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> squelch = fx.LadderFilter(mode="LPF24", cutoff_hz=fx.LFO(2, 200, 4000), resonance=0.8, drive=2)
    >>> saw = np.linspace(-1, 1, 441, endpoint=False)
    >>> squelch(np.tile(saw, 100), 44_100).shape
    (44100,)
    """

    mode: str = choice(
        "LPF12",
        options=("LPF12", "HPF12", "BPF12", "LPF24", "HPF24", "BPF24"),
        doc="Low-pass, high-pass or band-pass, and its slope in dB an octave.",
    )
    cutoff_hz: float = param(
        200.0,
        unit="Hz",
        minimum=1,
        maximum=100_000,
        taper="log",
        doc="Where the slope begins and resonance peaks; above 0.49 of the sample rate it counts as that.",
    )
    resonance: float = param(0.0, minimum=0, maximum=1, doc="From a flat response to the edge of ringing.")
    drive: float = param(
        1.0, minimum=1, maximum=100, taper="log", doc="How far the input is driven into saturation."
    )
