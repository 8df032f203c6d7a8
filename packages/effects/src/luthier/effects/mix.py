"""Effects side by side."""

from __future__ import annotations

from collections.abc import Iterable

from luthier.effects.effect import Effect
from luthier.effects.group import _Group

__all__ = ["Mix"]


class Mix(_Group):
    """Effects in parallel: each gets the same input, and their outputs are summed.

    Branches are aligned by their latency. ``Chain([])`` is a dry branch; a `Gain` at the end of a branch
    sets its level. A mix of nothing is silence.

    Parameters
    ----------
    effects : iterable of Effect, optional
        The branches.

    Examples
    --------
    >>> import luthier.effects as fx
    >>> parallel = fx.Mix([fx.Chain([]), fx.Chain([fx.Compressor(ratio=8), fx.Gain(gain_db=-6)])])
    """

    _kind = "mix"

    def __init__(self, effects: Iterable[Effect] = ()) -> None:
        super().__init__(effects)
