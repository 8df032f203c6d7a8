# ruff: noqa: D102
"""What the networks see of a signal: the kernel that training and inference share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from luthier.core import _native as core_native
from luthier.pitch import _native

__all__ = ["FrontEndLike", "FrontEndStream", "front_end"]

Floats = npt.NDArray[np.float32]


class AnalysisLike(Protocol):
    """A windowed spectrum of a frame, see `FrontEndLike`."""

    @property
    def size(self) -> int: ...
    @property
    def centre(self) -> int: ...
    @property
    def rise(self) -> int: ...
    @property
    def fall(self) -> int: ...


class FrontEndLike(Protocol):
    """The specification of a front end; packages/pitch/training/spec.py says what each part means."""

    @property
    def sample_rate(self) -> int: ...
    @property
    def hop(self) -> int: ...
    @property
    def bins(self) -> int: ...
    @property
    def lowest_hz(self) -> float: ...
    @property
    def bins_per_octave(self) -> float: ...
    @property
    def analyses(self) -> Sequence[AnalysisLike]: ...
    @property
    def channels(self) -> Sequence[tuple[int, float]]: ...
    @property
    def floor(self) -> float: ...
    @property
    def offset(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def decay_db_s(self) -> float: ...


def front_end(samples: npt.ArrayLike, sample_rate: float, spec: FrontEndLike) -> Floats:
    """Features of whole signals, as the networks see them.

    Parameters
    ----------
    samples : array, (frames,) or (rows, frames)
        Finite, any level. What lies before and after counts as zero.
    sample_rate : float
        In hertz; has to be ``spec.sample_rate``.
    spec
        The front end's specification.

    Returns
    -------
    array of float32, (channels, frames, bins) or (rows, channels, frames, bins)
        Network frame ``j`` stands for the times ``j * spec.hop`` and ``(j + 1/2) * spec.hop`` samples; there
        are as many as it takes to have every ``k * spec.hop / 2`` within the signal.

    Raises
    ------
    ValueError
        When the rate is not the specification's, or the samples are not one- or two-dimensional.

    Notes
    -----
    A constant times the samples gives the same features, to rounding; a power of two gives the same bits.
    """
    rows = np.asarray(samples)
    if rows.ndim not in (1, 2):
        raise ValueError(f"samples must be (frames,) or (rows, frames), got {rows.ndim} dimensions")
    if sample_rate != spec.sample_rate:
        raise ValueError(
            f"sample_rate must be the front end's, {spec.sample_rate} Hz, got {sample_rate!r}; resample first"
        )
    length = rows.shape[-1]
    frames = length // spec.hop + 1 if length else 0
    stream = FrontEndStream(spec, len(rows) if rows.ndim == 2 else 1)
    features = stream.run(rows if rows.ndim == 2 else rows[None], 0, 0, frames)
    return features if rows.ndim == 2 else features[0]


class FrontEndStream:
    """A front end that goes on from frame to frame, for `rows` signals at a time.

    Attributes
    ----------
    start, stop
        Frame j sees the samples from ``j * spec.hop + start`` up to ``j * spec.hop + stop``.
    """

    def __init__(self, spec: FrontEndLike, rows: int = 1) -> None:
        self._native = _made(*_key(spec))
        self._features = len(spec.channels) + 1
        self._bins = spec.bins
        self._loudest = np.zeros(rows)
        self.start: int = self._native.start
        self.stop: int = self._native.stop

    def run(self, samples: npt.NDArray[Any], origin: int, first: int, frames: int) -> Floats:
        """Features of the frames ``first ... first + frames``, to be called in order and without gaps.

        `samples`, (rows, any), are those from `origin` on; what a frame sees outside them counts as zero.
        """
        rows = np.ascontiguousarray(_single(samples))
        out = np.empty((len(rows), self._features, frames, self._bins), np.float32)
        self._native.run(rows, origin, first, self._loudest, out, core_native.pool())
        return out

    def reset(self) -> None:
        """Start anew."""
        self._loudest[:] = 0.0


def _single(samples: npt.NDArray[Any]) -> Floats:
    if samples.dtype == np.float64 and samples.size:
        # What a float32 cannot hold is brought into its range; level means nothing here.
        peak = float(np.abs(samples).max())
        if peak > 1e30 or 0 < peak < 1e-30:
            samples = samples * 2.0 ** -np.frexp(peak)[1]
    return samples.astype(np.float32, copy=False)


def _key(spec: FrontEndLike) -> tuple[Any, ...]:
    return (
        float(spec.sample_rate),
        spec.hop,
        spec.bins,
        spec.lowest_hz,
        float(spec.bins_per_octave),
        tuple((a.size, a.centre, a.rise, a.fall) for a in spec.analyses),
        tuple((int(source), float(multiple)) for source, multiple in spec.channels),
        spec.floor,
        spec.offset,
        spec.scale,
        spec.decay_db_s,
    )


@lru_cache(maxsize=8)
def _made(*key: Any) -> _native.FrontEnd:
    rate, hop, bins, lowest, per_octave, analyses, channels, *rest = key
    return _native.FrontEnd(rate, hop, bins, lowest, per_octave, list(analyses), list(channels), *rest)
