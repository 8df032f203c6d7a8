"""How loud a whole signal is, and bringing it to a given loudness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import ParameterError
from luthier.core.arrays import Borrowed, Layout, borrow, borrow_out, check_channels, check_sample_rate
from luthier.effects import _native
from luthier.effects._checks import finite_number, warn_non_finite
from luthier.effects.parameter import shown

__all__ = ["Loudness", "loudness", "normalize_loudness"]

#: By the number of channels, in the order of WAVE files: L R C LFE, then back and side channels. Surrounds
#: between 60 and 120 degrees count 1.5 dB more, the subwoofer nothing (BS.1770-5, tables 3 and 4).
_WEIGHTS: dict[int, tuple[float, ...]] = {
    1: (1,),
    2: (1, 1),
    3: (1, 1, 1),
    4: (1, 1, 1.41, 1.41),
    5: (1, 1, 1, 1.41, 1.41),
    6: (1, 1, 1, 0, 1.41, 1.41),
    7: (1, 1, 1, 0, 1, 1.41, 1.41),
    8: (1, 1, 1, 0, 1, 1, 1.41, 1.41),
}

#: Steps of the native energies a second.
_STEPS = 100

_Energies = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Loudness:
    """What `loudness` measured of one signal.

    Levels of what is too short for their windows, or silent, are ``-inf``.

    Attributes
    ----------
    integrated_lufs : float
        The loudness of the whole: the mean energy of all blocks of 400 ms that pass the gates at -70 LUFS and
        at 10 LU below the mean of those.
    momentary_max_lufs, short_term_max_lufs : float
        The loudest 400 ms and the loudest 3 s, found in steps of 10 ms.
    range_lu : float
        The loudness range (LRA): between the 10th and the 95th percentile of the short-term loudness, above
        gates at -70 LUFS and at 20 LU below the mean. 0 when nothing passes.
    true_peak_dbtp : float
        The largest magnitude between the samples too, at 4 times the rate.
    sample_peak_dbfs : float
        The largest magnitude of a sample.
    """

    integrated_lufs: float
    momentary_max_lufs: float
    short_term_max_lufs: float
    range_lu: float
    true_peak_dbtp: float
    sample_peak_dbfs: float


def loudness(
    samples: Any,
    sample_rate: float,
    *,
    channel_weights: Sequence[float] | None = None,
    layout: Layout = "channels_first",
) -> Any:
    """Measure the loudness of a whole signal, or of each item of a batch.

    Parameters
    ----------
    samples
        ``(frames,)``, ``(channels, frames)`` or ``(batch, channels, frames)``, float32 or float64: a NumPy
        array, or any CPU array that speaks DLPack. Full scale is 1.
    sample_rate
        Frames a second, 8000 or more.
    channel_weights
        Each channel's share of the energy. By default, for up to 8 channels in the order of WAVE files
        (``L R C LFE``, back, side): 1; 1.41 for surrounds; 0 for the subwoofer. 4 channels are
        ``L R Ls Rs``, 5 are ``L R C Ls Rs``, 6 are 5.1, 8 are 7.1 with ``Lb Rb`` before ``Ls Rs``.
    layout
        ``"frames_first"`` when `samples` is ``(frames, channels)``.

    Returns
    -------
    Loudness, or a list of them
        For a batch a list with one for each item, measured on all cores.

    Raises
    ------
    ParameterError
        For more than 8 channels without `channel_weights`.

    Warns
    -----
    NonFiniteWarning
        When `samples` held infinities or not-a-numbers; they are read as silence.

    Notes
    -----
    Rec. ITU-R BS.1770-5 (2023); EBU R 128, Tech 3341 and Tech 3342 (2023). The K-weighting is designed for
    any rate from the analogue prototype of the recommendation's coefficients, which it gives at 48 kHz; at
    others it is within 0.03 dB of that, below 16 kHz within 0.25 dB. The blocks of 400 ms overlap by three
    quarters; one that is not whole does not count.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 / 48_000 * np.arange(96_000))
    >>> round(fx.loudness(np.stack([tone, tone]), 48_000).integrated_lufs, 1)
    -23.0
    """
    rate = _check_rate(sample_rate)
    borrowed = borrow(samples, layout=layout)
    measured, unclean = _measure(borrowed, rate, channel_weights)
    if unclean:
        warn_non_finite()
    return measured if borrowed.ndim == 3 else measured[0]


def normalize_loudness(
    samples: Any,
    sample_rate: float,
    target_lufs: float = -23.0,
    *,
    peak_ceiling_dbtp: float | None = None,
    channel_weights: Sequence[float] | None = None,
    out: Any = None,
    layout: Layout = "channels_first",
) -> Any:
    """Bring a whole signal to a loudness by one gain; items of a batch each by their own.

    Parameters
    ----------
    samples, sample_rate, channel_weights, layout
        As for `loudness`.
    target_lufs
        The integrated loudness of the result, -70 to 0 LUFS.
    peak_ceiling_dbtp
        The true peak that the result does not exceed: where it would, the gain is less and the result
        quieter than `target_lufs`; nothing is limited. None leaves peaks alone.
    out
        Where to write the result; it may be `samples` itself.

    Returns
    -------
    array
        The same kind, dtype and shape as `samples`. What has no loudness, silence or less than 400 ms, is
        returned as it is.

    Warns
    -----
    NonFiniteWarning
        When `samples` held infinities or not-a-numbers; they are read as silence.

    Examples
    --------
    >>> import numpy as np
    >>> import luthier.effects as fx
    >>> tone = np.sin(2 * np.pi * 1000 / 48_000 * np.arange(96_000))
    >>> quiet = fx.normalize_loudness(tone, 48_000, -30)
    >>> round(fx.loudness(quiet, 48_000).integrated_lufs, 6)
    -30.0
    """
    rate = _check_rate(sample_rate)
    target = finite_number(target_lufs, "target_lufs", -70, 0, "LUFS")
    ceiling = math.inf
    if peak_ceiling_dbtp is not None:
        ceiling = finite_number(peak_ceiling_dbtp, "peak_ceiling_dbtp", -120, 60, "dBTP")
    borrowed = borrow(samples, layout=layout)
    x = borrowed.array
    y = np.empty_like(x) if out is None else borrow_out(out, borrowed, x.shape)
    measured, unclean = _measure(borrowed, rate, channel_weights)
    gains = np.array(
        [
            10 ** (min(target - item.integrated_lufs, ceiling - item.true_peak_dbtp) / 20)
            if math.isfinite(item.integrated_lufs)
            else 1.0
            for item in measured
        ],
        x.dtype,
    )
    np.multiply(x, gains[:, None, None], out=y)
    if unclean:
        np.nan_to_num(y, copy=False, nan=0, posinf=0, neginf=0)
        warn_non_finite()
    return borrowed.give(y) if out is None else out


def _check_rate(sample_rate: object) -> float:
    rate = check_sample_rate(sample_rate)
    if rate < 8000:
        raise ParameterError(
            f"loudness needs a sample_rate of 8000 or more, got {shown(sample_rate)}: the weighting acts "
            "round 2 kHz. Resample with luthier.io.resample"
        )
    return rate


def _measure(
    borrowed: Borrowed, rate: float, channel_weights: Sequence[float] | None
) -> tuple[list[Loudness], bool]:
    check_channels(borrowed)
    x = borrowed.array
    items, channels, frames = x.shape
    weights = _weights(channel_weights, channels)
    # A step begins at every round(i rate / 100); the last is seldom whole.
    energies = np.zeros((items, int(frames * _STEPS / rate) + 2))
    peaks = np.zeros((items, 2))
    unclean = _native.loudness(x, rate, weights, energies, peaks)
    borders = np.floor(np.arange(energies.shape[1] + 1) * rate / _STEPS + 0.5)
    borders = borders[borders <= frames]
    return [_levels(e[: len(borders) - 1], borders, p) for e, p in zip(energies, peaks, strict=True)], unclean


def _weights(given: Sequence[float] | None, channels: int) -> _Energies:
    if given is None:
        if channels in _WEIGHTS or channels == 0:
            return np.array(_WEIGHTS.get(channels, ()), np.float64)
        raise ParameterError(
            f"{channels} channels have no usual order: pass channel_weights, "
            "each channel's share of the energy"
        )
    try:
        weights = np.array(given, np.float64)
    except (TypeError, ValueError):
        weights = np.array(math.nan)
    if weights.shape != (channels,) or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ParameterError(
            f"channel_weights must be {channels} numbers from 0 up, one for each channel, got {shown(given)}"
        )
    return weights


def _levels(energies: _Energies, borders: _Energies, peaks: _Energies) -> Loudness:
    sums = np.concatenate([[0.0], np.cumsum(energies)])

    def windows(steps: int, every: int) -> _Energies:
        """Mean energies of all windows of so many steps."""
        first = np.arange(0, len(sums) - steps, every)
        means = (sums[first + steps] - sums[first]) / (borders[first + steps] - borders[first])
        # Behind a loud passage the difference keeps a rest of about 1e-16 of it, of either sign.
        return np.where(means > 1e-15 * sums[-1], means, 0.0)

    momentary, short_term = windows(40, 1), windows(300, 1)
    return Loudness(
        integrated_lufs=_lufs(_gated(momentary[::10], -10).mean()),
        momentary_max_lufs=_lufs(momentary.max(initial=0)),
        short_term_max_lufs=_lufs(short_term.max(initial=0)),
        range_lu=_range(short_term[::10]),
        true_peak_dbtp=_decibels(peaks[1]),
        sample_peak_dbfs=_decibels(peaks[0]),
    )


def _gated(energies: _Energies, relative_lu: float) -> _Energies:
    """Those above -70 LUFS and above a threshold relative to the mean of these; a zero where none are."""
    above = energies[energies > _energy(-70)]
    if len(above) == 0:
        return np.zeros(1)
    kept: _Energies = above[above > above.mean() * 10 ** (relative_lu / 10)]
    return kept


def _range(energies: _Energies) -> float:
    """Tech 3342: percentiles are those of the nearest rank."""
    levels = np.sort(_gated(energies, -20))
    low, high = (levels[int((len(levels) - 1) * part + 0.5)] for part in (0.10, 0.95))
    return float(10 * np.log10(high / low)) if low > 0 else 0.0


def _energy(lufs: float) -> float:
    return 10 ** ((lufs + 0.691) / 10)


def _lufs(energy: float) -> float:
    return -0.691 + 10 * math.log10(energy) if energy > 0 else -math.inf


def _decibels(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf
