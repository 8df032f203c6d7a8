"""Noise, as an effect and at an exact distance from a signal."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from luthier.core import ParameterError
from luthier.core.arrays import Layout, borrow, borrow_out, check_channels
from luthier.effects._checks import finite_number, warn_non_finite
from luthier.effects.batch import process_batch
from luthier.effects.effect import Effect
from luthier.effects.option import choice, setting
from luthier.effects.parameter import param, shown

__all__ = ["Noise", "add_noise"]

_COLOURS = ("white", "pink", "brown", "blue", "violet")
_MOST_SEED = 2**53 - 1


class Noise(Effect):
    """Add noise of a given level.

    Normally distributed, another in every channel. Its power falls by 3 dB an octave (pink) or 6 dB (brown),
    or rises by as much (blue, violet); within 0.2 dB from 20 Hz to 0.45 of the sample rate. The numbers
    depend on `seed`, the channel and the frame alone: a stream of any blocks gives the same noise, each item
    of a batch gets the same, and a new stream begins anew. The tail is infinite.

    Source: J. O. Smith and H. F. Smith, "Closed form fractional integration and differentiation via real
    exponentially spaced pole-zero pairs" (2016); J. Salmon et al., "Parallel random numbers: as easy as 1, 2,
    3" (2011).

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> hiss = fx.Noise(level_dbfs=-20)(np.zeros(44_100), 44_100)
    >>> round(float(np.sqrt(np.mean(hiss**2))), 2)
    0.1
    """

    _channels_alike: ClassVar[bool] = False

    level_dbfs: float = param(
        -40.0, unit="dBFS", minimum=-200, maximum=20, doc="The root mean square of the noise."
    )
    colour: str = choice("white", options=_COLOURS, doc="How its power is spread over the frequencies.")
    seed: float = setting(0, minimum=0, maximum=_MOST_SEED, doc="Another whole number, another noise.")


def add_noise(
    samples: Any,
    snr_db: float,
    *,
    colour: str = "white",
    seed: int = 0,
    out: Any = None,
    layout: Layout = "channels_first",
) -> Any:
    """Add noise at an exact signal-to-noise ratio.

    The energy of the signal over that of the noise, both summed over all frames and channels, is
    ``10 ** (snr_db / 10)``: for each item of a batch by itself, with a noise of its own.

    Parameters
    ----------
    samples
        ``(frames,)``, ``(channels, frames)`` or ``(batch, channels, frames)``, float32 or float64: a NumPy
        array, or any CPU array that speaks DLPack.
    snr_db
        -200 to 200 dB.
    colour
        As of `Noise`; the slopes begin at 1/2000 of the sample rate.
    seed
        Any whole number from 0 to 2**53 - 1. The same seed gives the same noise; item *i* of a batch draws
        from ``(seed, i)``, and what is no batch is item 0.
    out
        Where to write the result; it may be `samples` itself.
    layout
        ``"frames_first"`` when `samples` is ``(frames, channels)``.

    Returns
    -------
    array
        The same kind, dtype and shape as `samples`. Silence stays silence.

    Warns
    -----
    NonFiniteWarning
        When `samples` held infinities or not-a-numbers; they are read as silence.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = np.sin(np.arange(44_100) / 10)
    >>> noise = fx.add_noise(tone, 20, colour="pink", seed=3) - tone
    >>> round(float(10 * np.log10(np.sum(tone**2) / np.sum(noise**2))), 6)
    20.0
    """
    ratio_db = finite_number(snr_db, "snr_db", -200, 200, "dB")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= _MOST_SEED:
        raise ParameterError(f"seed must be a whole number from 0 to 2**53 - 1, got {shown(seed)}")
    if colour not in _COLOURS:
        raise ParameterError(f"colour must be one of {', '.join(map(repr, _COLOURS))}, got {shown(colour)}")
    borrowed = borrow(samples, layout=layout)
    check_channels(borrowed)
    x = borrowed.array
    target = None if out is None else borrow_out(out, borrowed, x.shape)
    y = np.zeros_like(x)
    effects = [Noise(0, colour, _seed(int(seed), item)) for item in range(len(x))]
    process_batch(effects, y, 44_100, out=y)
    energies = np.array([_energy(item) for item in x])
    unclean = not np.isfinite(energies).all()
    if unclean:
        x = np.nan_to_num(x, nan=0, posinf=0, neginf=0)
        energies = np.array([_energy(item) for item in x])
    noise_energies = np.array([_energy(item) for item in y])
    gains = np.sqrt(energies / np.where(noise_energies > 0, noise_energies, 1) * 10 ** (-ratio_db / 10))
    y *= gains.astype(x.dtype)[:, None, None]
    if unclean:
        warn_non_finite()
    if target is None:
        y += x
        return borrowed.give(y)
    np.add(x, y, out=target)
    return out


def _seed(seed: int, item: int) -> int:
    """An own seed for each item of a batch: 53 bits of a hash."""
    high, low = np.random.SeedSequence([seed, item]).generate_state(2)
    return (int(high) << 21) | (int(low) >> 11)


def _energy(x: np.ndarray[Any, Any]) -> float:
    """The sum of squares in double, in pieces that stay in cache."""
    flat = x.reshape(-1)
    return float(
        sum(np.square(flat[i : i + 65_536], dtype=np.float64).sum() for i in range(0, flat.size, 65_536))
    )
