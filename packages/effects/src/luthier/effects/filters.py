"""Filters."""

from __future__ import annotations

from typing import Any

from luthier.effects.effect import Effect
from luthier.effects.option import choice
from luthier.effects.parameter import param

__all__ = [
    "AllpassFilter",
    "BandpassFilter",
    "HighShelfFilter",
    "HighpassFilter",
    "LowShelfFilter",
    "LowpassFilter",
    "NotchFilter",
    "PeakFilter",
]


def _cutoff_hz(default: float, what: str) -> Any:
    doc = f"{what}; above 0.49 of the sample rate it counts as that."
    return param(default, unit="Hz", minimum=1, maximum=100_000, taper="log", doc=doc)


_Q = param(2**-0.5, minimum=0.05, maximum=100, taper="log", doc="Resonance: centre frequency by bandwidth.")


class _Butterworth(Effect):
    linear = True

    cutoff_hz: float = _cutoff_hz(50, "Where the gain is -3.01 dB")
    order: int = choice(1, options=range(1, 9), doc="6 dB an octave for each.")


class LowpassFilter(_Butterworth):
    """Low-pass: 6 dB an octave for each order, -3.01 dB at the cutoff.

    The analogue Butterworth low-pass (at order 1 an RC circuit) through the bilinear transform, so that the
    gain at the cutoff is exact and there is none at Nyquist.

    Source: S. Butterworth, "On the theory of filter amplifiers", 1930; run as state variable filters
    (A. Simper, 2013), so that the cutoff may move.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> steady = np.ones(44_100)
    >>> y = fx.LowpassFilter(cutoff_hz=1000, order=4)(steady, 44_100)
    >>> bool(abs(y[-1] - 1) < 1e-12)
    True
    """


class HighpassFilter(_Butterworth):
    """High-pass: 6 dB an octave for each order, -3.01 dB at the cutoff.

    The analogue Butterworth high-pass (at order 1 an RC circuit) through the bilinear transform, so that the
    gain at the cutoff is exact.

    Source: S. Butterworth, "On the theory of filter amplifiers", 1930; run as state variable filters
    (A. Simper, 2013), so that the cutoff may move.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> steady = np.ones(44_100)
    >>> y = fx.HighpassFilter(cutoff_hz=80, order=2)(steady, 44_100)
    >>> bool(abs(y[-1]) < 1e-12)
    True
    """


class _Band(Effect):
    linear = True

    cutoff_hz: float = _cutoff_hz(440, "The centre")
    q: float = _Q


class BandpassFilter(_Band):
    """Second-order band-pass: gain 1 at the cutoff, 6 dB an octave on both sides.

    The band between the points of -3.01 dB is ``cutoff_hz / q`` wide.

    Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients" (the band-pass of
    0 dB peak gain); run as a state variable filter (A. Simper, 2013), so that its parameters may move.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> t = np.arange(44_100) / 44_100
    >>> y = fx.BandpassFilter(cutoff_hz=1000, q=2)(np.sin(2 * np.pi * 1000 * t), 44_100)
    >>> round(float(np.abs(y[-4410:]).max()), 3)
    1.0
    """


class NotchFilter(_Band):
    """Second-order notch: nothing at the cutoff, everything far from it.

    The band between the points of -3.01 dB is ``cutoff_hz / q`` wide.

    Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients"; run as a state
    variable filter (A. Simper, 2013), so that its parameters may move.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> hum = np.sin(2 * np.pi * 50 * np.arange(44_100) / 44_100)
    >>> y = fx.NotchFilter(cutoff_hz=50, q=5)(hum, 44_100)
    >>> bool(np.abs(y[-4410:]).max() < 1e-9)
    True
    """


class AllpassFilter(_Band):
    """Second-order all-pass: gain 1 everywhere, the phase turned by 180 degrees at the cutoff.

    Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients"; run as a state
    variable filter (A. Simper, 2013), so that its parameters may move.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(44_100) / 44_100)
    >>> y = fx.AllpassFilter(cutoff_hz=1000)(tone, 44_100)
    >>> bool(np.abs(y[-4410:] + tone[-4410:]).max() < 1e-9)
    True
    """


class _SecondOrder(Effect):
    linear = True

    cutoff_hz: float = _cutoff_hz(440, "Centre or corner")
    gain_db: float = param(0.0, unit="dB", minimum=-48, maximum=48, doc="The boost, or the cut.")
    q: float = _Q


class PeakFilter(_SecondOrder):
    """Second-order bell: `gain_db` at the centre, none far from it.

    Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients"; run as a state
    variable filter (A. Simper, 2013), so that its parameters may move.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> t = np.arange(44_100) / 44_100
    >>> y = fx.PeakFilter(cutoff_hz=1000, gain_db=6, q=2)(np.sin(2 * np.pi * 1000 * t), 44_100)
    >>> round(20 * np.log10(np.abs(y[-4410:]).max()), 2)
    np.float64(6.0)
    """


class LowShelfFilter(_SecondOrder):
    """Second-order low shelf: `gain_db` far below the cutoff, half of it at the cutoff, none far above.

    Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients"; run as a state
    variable filter (A. Simper, 2013), so that its parameters may move.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> y = fx.LowShelfFilter(cutoff_hz=1000, gain_db=-6)(np.ones(44_100), 44_100)
    >>> round(20 * np.log10(y[-1]), 3)
    np.float64(-6.0)
    """


class HighShelfFilter(_SecondOrder):
    """Second-order high shelf: `gain_db` far above the cutoff, half of it at the cutoff, none far below.

    Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients"; run as a state
    variable filter (A. Simper, 2013), so that its parameters may move.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> y = fx.HighShelfFilter(cutoff_hz=1000, gain_db=-6)(np.ones(44_100), 44_100)
    >>> round(20 * np.log10(y[-1]), 3)
    np.float64(0.0)
    """
