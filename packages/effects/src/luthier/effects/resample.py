"""Another sample rate, and back."""

from __future__ import annotations

from typing import Literal

from luthier.effects.effect import Effect
from luthier.effects.option import choice, setting

__all__ = ["Resample"]


class Resample(Effect):
    """Take the sound down to another sample rate and back up again.

    What lies above half of `target_sample_rate` is gone. The qualities are those of `luthier.io.resample`:
    ``"fast"`` keeps 80 % of that band, ``"medium"`` 87 %, ``"high"`` 91.3 % and ``"best"`` 95 %. With
    ``"hold"`` nothing is filtered: a frame stands until the next one that the target rate falls on, and what
    lies above comes back as aliases.

    A target rate that is not below the signal's changes nothing. The filters are of linear phase; they have
    latency, which calls compensate.

    Source: `luthier.io.resample`, after R. Crochiere and L. Rabiner, *Multirate Digital Signal Processing*
    (1983).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> x = np.random.default_rng(0).standard_normal((1, 44_100)).astype(np.float32)
    >>> telephone = fx.Resample(target_sample_rate=8000)(x, 44_100)
    """

    target_sample_rate: float = setting(
        8000.0,
        unit="Hz",
        minimum=100,
        maximum=384_000,
        taper="log",
        doc="The rate to which it goes down, in frames a second.",
    )
    quality: Literal["hold", "fast", "medium", "high", "best"] = choice(
        "high",
        options=("hold", "fast", "medium", "high", "best"),
        doc="How much of the band below half the target rate stays, or no filter at all.",
    )
