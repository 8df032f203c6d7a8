"""Many filters that run as one."""

from __future__ import annotations

from collections.abc import Iterable

from luthier.effects import _native
from luthier.effects.effect import Effect
from luthier.effects.group import _Group

__all__ = ["Equalizer"]


class Equalizer(_Group):
    """Filters in series, in one pass over the sound: ten bands cost little more than two.

    A chain of the same filters gives the same samples, bit for bit, at the same price; an equalizer holds
    nothing but filters and says so.

    Parameters
    ----------
    bands : iterable of Effect, optional
        `LowpassFilter`, `HighpassFilter`, `BandpassFilter`, `NotchFilter`, `AllpassFilter`, `PeakFilter`,
        `LowShelfFilter`, `HighShelfFilter`, in any number and order; none leaves the sound unchanged. It is a
        list of them: ``eq[1].gain_db = 3``, ``automation={"1.gain_db": array}``.

    Raises
    ------
    TypeError
        When a band is another effect.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> eq = fx.Equalizer([
    ...     fx.HighpassFilter(cutoff_hz=40, order=4),
    ...     fx.LowShelfFilter(cutoff_hz=120, gain_db=2),
    ...     fx.PeakFilter(cutoff_hz=2500, gain_db=-3, q=1.4),
    ... ])
    >>> eq.append(fx.HighShelfFilter(cutoff_hz=8000, gain_db=1.5))
    >>> eq(np.zeros((2, 44_100), dtype=np.float32), 44_100).shape
    (2, 44100)
    """

    _kind = "chain"

    def __init__(self, bands: Iterable[Effect] = ()) -> None:
        super().__init__(bands)

    def _check(self, effect: object) -> Effect:
        names = _native.filters()
        if not isinstance(effect, Effect) or not any(cls.__name__ in names for cls in type(effect).__mro__):
            raise TypeError(f"an Equalizer holds filters ({', '.join(names)}), got {effect!r}")
        return effect
