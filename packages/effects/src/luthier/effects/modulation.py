"""Copies whose delay or phase swings."""

from __future__ import annotations

from luthier.effects.effect import Effect
from luthier.effects.parameter import param

__all__ = ["Chorus", "Flanger", "Phaser", "Vibrato"]

_SWINGS = "Swings a second."
_ROUND = "The delay round which it swings."
_TWICE = "How far the delay swings: 1 is from nothing to twice the centre."

# Fields that several of them have alike.
_MIX = param(0.5, minimum=0, maximum=1, doc="0 is the input alone, 1 the copy alone.")
_INVERTED_FEEDBACK = param(
    0.0, minimum=-0.99, maximum=0.99, doc="How much of the copy goes round again, its sign turned."
)
_STEREO_PHASE = param(
    0.0, minimum=0, maximum=1, doc="How far each channel's swing is behind the one before, in turns."
)


class Chorus(Effect):
    """Add a copy whose delay swings: one voice sounds like several.

    The delay is ``max(1, centre_delay_ms - 10 depth sin(2 pi rate_hz t))`` in milliseconds, read between
    frames by third-order Lagrange interpolation. What is fed back enters with its sign turned.

    Where `centre_delay_ms` and `depth` move slowly and gently, the pitch bends on the way; what moves faster
    fades over in 10 ms.

    Source: J. Dattorro, "Effect design, part 2: delay-line modulation and chorus", *J. Audio Eng. Soc.* 45
    (1997).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> x = np.random.default_rng(0).standard_normal((2, 44_100)).astype(np.float32)
    >>> wide = fx.Chorus(rate_hz=0.8, depth=0.3, stereo_phase=0.25)(x, 44_100)
    """

    rate_hz: float = param(1.0, unit="Hz", minimum=0, maximum=100, doc=_SWINGS)
    depth: float = param(0.25, minimum=0, maximum=1, doc="How far the delay swings: 1 is 10 ms either way.")
    centre_delay_ms: float = param(7.0, unit="ms", minimum=1, maximum=100, taper="log", doc=_ROUND)
    feedback: float = _INVERTED_FEEDBACK
    mix: float = _MIX
    stereo_phase: float = _STEREO_PHASE


class Flanger(Effect):
    """Add a copy so close behind that the two comb each other, in teeth that move.

    The delay is ``centre_delay_ms (1 - depth sin(2 pi rate_hz t))``, read between frames by third-order
    Lagrange interpolation (of second order below one frame).

    Source: as `Chorus`; U. Zölzer (ed.), *DAFX: Digital Audio Effects* (2nd ed., 2011), section 2.6.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> x = np.random.default_rng(0).standard_normal((2, 44_100)).astype(np.float32)
    >>> y = fx.Flanger(rate_hz=0.2, depth=0.9, feedback=-0.7)(x, 44_100)
    """

    rate_hz: float = param(0.25, unit="Hz", minimum=0, maximum=100, doc=_SWINGS)
    depth: float = param(0.8, minimum=0, maximum=1, doc=_TWICE)
    centre_delay_ms: float = param(2.5, unit="ms", minimum=0.1, maximum=20, taper="log", doc=_ROUND)
    feedback: float = param(
        0.5, minimum=-0.99, maximum=0.99, doc="How much of the copy goes round again: it sharpens the teeth."
    )
    mix: float = _MIX
    stereo_phase: float = _STEREO_PHASE


class Phaser(Effect):
    """Add a copy whose phase is turned by six all-passes: three notches that move.

    The all-passes' common corner swings on a logarithmic scale from 20 Hz to 20 kHz (or to 0.49 times the
    sample rate): on that scale, from 0 to 1, it is ``p(centre_hz) - depth / 2 sin(2 pi rate_hz t)``, kept
    within 0 and 1. What is fed back enters a frame later, its sign turned.

    Source: V. Zavalishin, *The Art of VA Filter Design* (2.1.2, 2018), chapters 3 and 10; U. Zölzer (ed.),
    *DAFX: Digital Audio Effects* (2nd ed., 2011), section 2.4.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> x = np.random.default_rng(0).standard_normal((2, 44_100)).astype(np.float32)
    >>> y = fx.Phaser(rate_hz=0.5, depth=0.7, centre_hz=800, feedback=0.4)(x, 44_100)
    """

    rate_hz: float = param(1.0, unit="Hz", minimum=0, maximum=100, doc=_SWINGS)
    depth: float = param(
        0.5, minimum=0, maximum=1, doc="How far the corner swings: 1 is five octaves either way."
    )
    centre_hz: float = param(
        1300.0, unit="Hz", minimum=20, maximum=20_000, taper="log", doc="The corner round which it swings."
    )
    feedback: float = _INVERTED_FEEDBACK
    mix: float = param(
        0.5,
        minimum=0,
        maximum=1,
        doc="0 is the input alone, 1 the copy alone; the notches are deepest at 0.5.",
    )
    stereo_phase: float = _STEREO_PHASE


class Vibrato(Effect):
    """Let the pitch swing, by a delay that does.

    The delay is ``centre_delay_ms (1 - depth sin(2 pi rate_hz t))``, and the pitch swings by a factor of
    ``1 + 2 pi rate_hz depth centre_delay_ms / 1000`` at most: with the defaults, 67 cents. The sound comes
    `centre_delay_ms` late.

    Source: U. Zölzer (ed.), *DAFX: Digital Audio Effects* (2nd ed., 2011), section 2.6.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 / 44_100 * np.arange(44_100))
    >>> y = fx.Vibrato(rate_hz=6, depth=0.3)(tone, 44_100)
    """

    rate_hz: float = param(5.0, unit="Hz", minimum=0, maximum=100, doc=_SWINGS)
    depth: float = param(0.25, minimum=0, maximum=1, doc=_TWICE)
    centre_delay_ms: float = param(5.0, unit="ms", minimum=0.1, maximum=20, taper="log", doc=_ROUND)
    stereo_phase: float = _STEREO_PHASE
