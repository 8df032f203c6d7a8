"""A batch of signals, each through effects of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from luthier.core import LayoutError, ParameterError
from luthier.core.arrays import Layout, borrow, borrow_out, check_channels, check_sample_rate
from luthier.effects.effect import Effect
from luthier.effects.stream import Stream, borrow_inputs, listened

__all__ = ["process_batch"]


def process_batch(
    effects: Sequence[Effect],
    samples: Any,
    sample_rate: float,
    *,
    out: Any = None,
    layout: Layout = "channels_first",
    inputs: Mapping[str, Any] | None = None,
) -> Any:
    """Process each item of a batch with an effect of its own, on all cores.

    Parameters
    ----------
    effects : sequence of Effect
        As many as `samples` has items, of any classes and structures.
    samples
        ``(batch, channels, frames)``, float32 or float64: a NumPy array, or any CPU array that speaks DLPack.
    sample_rate
        Frames a second.
    out
        Where to write the result; it may be `samples` itself.
    layout
        ``"frames_first"`` when `samples` is ``(batch, frames, channels)``.
    inputs
        The other signals that effects listen to, each ``(batch, channels, frames)``; see `Effect.__call__`.

    Returns
    -------
    array
        The same kind, dtype and shape as `samples`. Item *i* is, bit for bit,
        ``effects[i](samples[i], sample_rate)``.

    Raises
    ------
    LayoutError
        When `samples` has no batch axis, or not as many items as there are effects.

    Examples
    --------
    Augmentation, drawn anew for each item:

    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> board = fx.Chain([fx.Gain(gain_db=fx.Uniform(-12, 0)), fx.LowpassFilter(fx.LogUniform(500, 8000))])
    >>> clips = np.random.default_rng(0).standard_normal((4, 1, 16_000)).astype(np.float32)
    >>> wet = fx.process_batch([board.sample(seed=1, index=i).effect for i in range(4)], clips, 16_000)
    """
    rate = check_sample_rate(sample_rate)
    borrowed = borrow(samples, layout=layout)
    check_channels(borrowed)
    x = borrowed.array
    given = list(effects)
    for effect in given:
        if not isinstance(effect, Effect):
            raise ParameterError(f"process_batch takes a list of effects, got {effect!r} in it")
    if borrowed.ndim != 3 or len(given) != x.shape[0]:
        raise LayoutError(
            f"process_batch takes samples of shape (batch, channels, frames) and an effect for each item, "
            f"got {len(given)} effects and shape {tuple(np.shape(samples))}"
        )
    target = None if out is None else borrow_out(out, borrowed, x.shape)
    keys = borrow_inputs(listened(given), inputs, borrowed, layout)
    stream = Stream(
        given,
        rate,
        x.shape[1],
        batch=x.shape[0],
        dtype=x.dtype,
        inputs={name: key.shape[1] for name, key in keys.items()},
        _offline=True,
    )
    y = stream._run_each(x, target, tuple(keys.values()))
    stream._warn()
    return borrowed.give(y) if out is None else out
