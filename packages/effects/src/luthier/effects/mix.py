"""Effects side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from luthier.core import ParameterError
from luthier.effects.chain import Chain
from luthier.effects.effect import Effect
from luthier.effects.gain import Gain
from luthier.effects.group import _Group
from luthier.effects.stereo import Pan

__all__ = ["Mix"]


class Mix(_Group):
    """Effects in parallel: each gets the same input, and their outputs are summed.

    Branches are aligned by their latency. ``Chain([])`` is a dry branch. A mix of nothing is silence.

    Parameters
    ----------
    effects : iterable of Effect, optional
        The branches.
    gains_db, pans : sequence, optional
        The level and the place of each branch: a `Gain` and a `Pan` are put at its end, which makes it
        a `Chain`. A value may be anything that the parameters of those take.

    Examples
    --------
    >>> import luthier.effects as fx
    >>> fx.Mix([fx.Chain([]), fx.Invert()], gains_db=[0, -6])
    Mix([Chain([Gain(gain_db=0.0)]), Chain([Invert(), Gain(gain_db=-6.0)])])
    >>> sides = fx.Mix([fx.Delay(0.011, mix=1), fx.Delay(0.017, mix=1)], pans=[-1, 1])
    """

    _kind = "mix"

    def __init__(
        self,
        effects: Iterable[Effect] = (),
        *,
        gains_db: Sequence[Any] | None = None,
        pans: Sequence[Any] | None = None,
    ) -> None:
        super().__init__(effects)
        ends: tuple[tuple[str, Sequence[Any] | None, Any], ...] = (
            ("gains_db", gains_db, Gain),
            ("pans", pans, Pan),
        )
        for name, values, end in ends:
            if values is None:
                continue
            if len(values) != len(self._effects):
                raise ParameterError(
                    f"Mix.{name} must have a value for each of the {len(self._effects)} branches, "
                    f"got {len(values)}"
                )
            self._effects[:] = [
                Chain([*(branch if type(branch) is Chain else (branch,)), end(value)])
                for branch, value in zip(self._effects, values, strict=True)
            ]
