"""Effects one after the other."""

from __future__ import annotations

from collections.abc import Iterable

from luthier.effects.effect import Effect
from luthier.effects.group import _Group

__all__ = ["Chain"]


class Chain(_Group):
    """Effects in series.

    Parameters
    ----------
    effects : iterable of Effect, optional
        In the order in which sound passes them; none passes it unchanged. Chains and mixes may be nested.

    Examples
    --------
    >>> import luthier.effects as fx
    >>> board = fx.Chain([fx.HighpassFilter(cutoff_hz=80), fx.Compressor(threshold_db=-18, ratio=3)])
    >>> board.append(fx.Gain(gain_db=3))
    >>> board[0].cutoff_hz = 100
    >>> len(board)
    3
    """

    _kind = "chain"

    def __init__(self, effects: Iterable[Effect] = ()) -> None:
        super().__init__(effects)
