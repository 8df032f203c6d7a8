"""Pitch without time."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.option import choice
from luthier.effects.parameter import param

__all__ = ["PitchShift"]


class PitchShift(Effect):
    """Shift the pitch and keep the time.

    A phase vocoder: spectral frames of about 93 ms, spread in time by the pitch ratio with phases that
    follow their own gradients, and read that much faster. Channels turn together, so that what lies between
    them stays. A moving pitch is followed exactly, and it belongs to the input: a curve's value at one second
    is that of the sound at one second. Where it rests at 0 from the start, samples pass unchanged but for
    rounding.

    With ``formants="preserve"`` the spectral envelope stays in its place while the harmonics under it move: a
    voice keeps its vowels. The envelope is A. Röbel's and X. Rodet's "true envelope" (*DAFx* 2005).

    The latency is a spectral frame and some more: 4320 frames at 44.1 kHz.

    Source: Z. Průša and N. Holighaus, "Phase vocoder done right", *EUSIPCO* (2017); M. Puckette,
    "Phase-locked vocoder", *IEEE WASPAA* (1995).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
    >>> fifth = fx.PitchShift(semitones=7)(tone, 44_100)
    """

    semitones: float = param(
        0.0, minimum=-36, maximum=36, doc="How far the pitch moves up, in twelfths of an octave."
    )
    formants: str = choice(
        "shift",
        options=("shift", "preserve"),
        doc="Whether a voice's timbre moves with its pitch, or stays where it is.",
    )
