"""What a linear effect does to each frequency."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import ParameterError
from luthier.core.arrays import check_sample_rate
from luthier.effects import _native
from luthier.effects.chain import Chain
from luthier.effects.effect import MAXIMUM_DEPTH, Effect, _depth
from luthier.effects.equalizer import Equalizer
from luthier.effects.mix import Mix

__all__ = ["Response", "response"]

#: Frames of an impulse response that are transformed at once.
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class Response:
    """The answer of a linear effect to sinusoids. Made by `response`.

    Attributes
    ----------
    frequencies_hz : array
    values : array
        Complex gain at each frequency.
    """

    frequencies_hz: npt.NDArray[np.float64]
    values: npt.NDArray[np.complex128]

    @property
    def magnitude_db(self) -> npt.NDArray[np.float64]:
        """Gain in decibels; minus infinity where nothing passes."""
        with np.errstate(divide="ignore"):
            return 20 * np.log10(np.abs(self.values))

    @property
    def phase(self) -> npt.NDArray[np.float64]:
        """Phase in radians, without jumps from one frequency to the next where these lie close enough."""
        return np.unwrap(np.angle(self.values))


def response(effect: Effect, frequencies_hz: Sequence[float] | npt.ArrayLike, sample_rate: float) -> Response:
    """Return what a linear effect does to sinusoids, latency compensated.

    Filters are computed exactly, from their coefficients. Every other linear effect is measured: its answer
    to an impulse in one channel, as long as its `Stream.tail`, is transformed. Chains and mixes are the
    products and the sums of what they hold.

    Parameters
    ----------
    effect : Effect
        Any effect whose `linear` is true, and chains and mixes of such.
    frequencies_hz : array_like
        From 0 to half the sample rate, in any order.
    sample_rate : float

    Returns
    -------
    Response
        The complex gain at each frequency, and its magnitude and phase.

    Raises
    ------
    ParameterError
        When an effect is not linear, a parameter moves (a `Curve`, an `LFO`), or an effect never ends.

    Examples
    --------
    >>> import luthier.effects as fx
    >>> board = fx.Chain([fx.HighpassFilter(cutoff_hz=100, order=2), fx.Gain(gain_db=6)])
    >>> fx.response(board, [100, 1000], 48_000).magnitude_db.round(2)
    array([2.99, 6.  ])
    """
    rate = check_sample_rate(sample_rate)
    try:
        frequencies = np.array(frequencies_hz, np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"frequencies_hz must be a list of numbers: {error}") from error
    if frequencies.ndim != 1 or not np.all((frequencies >= 0) & (frequencies <= rate / 2)):
        raise ParameterError(
            f"frequencies_hz must be a list of numbers from 0 to half the sample rate, {rate / 2:g}"
        )
    if not isinstance(effect, Effect):
        raise ParameterError(f"response() takes an effect, got {type(effect).__name__}")
    if _depth(effect) > MAXIMUM_DEPTH:
        raise ParameterError(f"effects are nested more than {MAXIMUM_DEPTH} deep, or one holds itself")
    frequencies.flags.writeable = False
    return Response(frequencies, _values(effect, frequencies, rate))


def _values(effect: Effect, frequencies: npt.NDArray[np.float64], rate: float) -> npt.NDArray[np.complex128]:
    if isinstance(effect, (Chain, Equalizer)):
        product = np.ones(len(frequencies), np.complex128)
        for child in effect:
            product *= _values(child, frequencies, rate)
        return product
    if isinstance(effect, Mix):
        total = np.zeros(len(frequencies), np.complex128)
        for child in effect:
            total += _values(child, frequencies, rate)
        return total
    _check(effect)
    name = next((cls.__name__ for cls in type(effect).__mro__ if cls.__name__ in _native.filters()), None)
    if name is not None:
        plan = effect._plan()
        sections = _native.sections(name, plan.values, plan.options, rate)
        return _of_sections(np.array(sections), frequencies / rate)
    return _measured(effect, frequencies, rate)


def _check(effect: Effect) -> None:
    name = type(effect).__name__
    if not effect.linear:
        raise ParameterError(
            f"{name} has no response: what it does to a frequency depends on the rest of the sound or on time"
        )
    for parameter in effect.parameters:
        value: Any = getattr(effect, parameter.name)
        if not isinstance(value, float):
            raise ParameterError(f"{name}.{parameter.name} is no number but moves, or is drawn: {value!r}")


def _of_sections(
    sections: npt.NDArray[np.float64], turns: npt.NDArray[np.float64]
) -> npt.NDArray[np.complex128]:
    """H(z) = C (z - A)^-1 B + d of each, multiplied."""
    z = np.exp(2j * np.pi * turns)
    product = np.ones(len(z), np.complex128)
    for a11, a12, a21, a22, b1, b2, c1, c2, d in sections:
        determinant = (z - a11) * (z - a22) - a12 * a21
        s1 = ((z - a22) * b1 + a12 * b2) / determinant
        s2 = ((z - a11) * b2 + a21 * b1) / determinant
        product *= c1 * s1 + c2 * s2 + d
    return product


def _measured(
    effect: Effect, frequencies: npt.NDArray[np.float64], rate: float
) -> npt.NDArray[np.complex128]:
    """The transform of the answer to an impulse."""
    if math.isinf(effect.stream(rate, 1, dtype="float64").tail):
        raise ParameterError(f"{type(effect).__name__} never ends with these parameters: {effect!r}")
    answer = effect(np.ones(1), rate, tail=True)
    blocks = np.pad(answer, (0, -len(answer) % _BLOCK)).reshape(-1, _BLOCK)
    turns = frequencies / rate
    values = np.empty(len(turns), np.complex128)
    within = np.arange(_BLOCK)
    starts = np.arange(len(blocks)) * _BLOCK
    for i, turn in enumerate(turns):
        partial = blocks @ np.exp(-2j * np.pi * ((turn * within) % 1))
        values[i] = partial @ np.exp(-2j * np.pi * ((turn * starts) % 1))
    return values
