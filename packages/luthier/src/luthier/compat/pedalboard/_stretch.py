"""`time_stretch`: another speed, another pitch, or both."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Union

import numpy as np

import luthier.effects as fx
from luthier.compat.pedalboard._knobs import incompatible, number

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["time_stretch"]

_ARGUMENTS = (
    "(input_audio: numpy.ndarray[numpy.float32], samplerate: float, stretch_factor: Union[float, "
    "numpy.ndarray[numpy.float64]] = 1.0, pitch_shift_in_semitones: Union[float, "
    "numpy.ndarray[numpy.float64]] = 0.0, high_quality: bool = True, transient_mode: str = 'crisp', "
    "transient_detector: str = 'compound', "
    "retain_phase_continuity: bool = True, use_long_fft_window: Optional[bool] = None, "
    "use_time_domain_smoothing: bool = False, preserve_formants: bool = True) -> numpy.ndarray[numpy.float32]"
)
# What one pass of luthier.effects.time_stretch does.
_FASTEST, _HIGHEST = 16.0, 36.0

_Path = Union[float, "npt.NDArray[np.float64]"]


def time_stretch(
    input_audio: Any,
    samplerate: float,
    stretch_factor: float | npt.NDArray[Any] = 1.0,
    pitch_shift_in_semitones: float | npt.NDArray[Any] = 0.0,
    high_quality: bool = True,
    transient_mode: str = "crisp",
    transient_detector: str = "compound",
    retain_phase_continuity: bool = True,
    use_long_fft_window: bool | None = None,
    use_time_domain_smoothing: bool = False,
    preserve_formants: bool = True,
) -> npt.NDArray[np.float32]:
    """Change the speed of a signal without its pitch, the pitch without the speed, or both.

    Parameters
    ----------
    input_audio
        float32, ``(frames,)``, ``(channels, frames)`` or ``(frames, channels)``, the longer axis being time.
    samplerate
        Frames a second.
    stretch_factor
        The speed: 2 takes half the time. One for all, or one for each frame.
    pitch_shift_in_semitones
        -72 to 72; likewise.
    preserve_formants
        Whether a voice's timbre stays where it is when its pitch moves.
    high_quality, transient_mode, transient_detector, retain_phase_continuity, use_long_fft_window, \
use_time_domain_smoothing
        Checked, and without effect: there is one algorithm, that of `luthier.effects.time_stretch`.

    Returns
    -------
    numpy.ndarray
        float32, ``(channels, frames / stretch_factor)``, or the layout of a two-dimensional input.
    """
    del high_quality, retain_phase_continuity, use_long_fft_window, use_time_domain_smoothing
    given = f"{input_audio!r:.200}, {samplerate!r}, {stretch_factor!r:.200}"
    wrong = incompatible("time_stretch", _ARGUMENTS, given)
    if not isinstance(input_audio, np.ndarray) or not np.can_cast(input_audio.dtype, np.float32):
        raise wrong
    if not isinstance(transient_mode, str) or not isinstance(transient_detector, str):
        raise wrong
    try:
        rate = number(samplerate)
        factor, semitones = _path(stretch_factor), _path(pitch_shift_in_semitones)
    except TypeError:
        raise wrong from None
    if transient_mode not in ("crisp", "mixed", "smooth"):
        raise ValueError(
            'time_stretch got an unknown value for transient_mode; expected one of "crisp", "mixed", or '
            f'"smooth", but was passed: "{transient_mode}"'
        )
    if transient_detector not in ("compound", "percussive", "soft"):
        raise ValueError(
            'time_stretch got an unknown value for transient_mode; expected one of "compound", '
            f'"percussive", or "soft", but was passed: "{transient_detector}"'
        )
    if input_audio.ndim not in (1, 2):
        raise RuntimeError(f"Number of input dimensions must be 1 or 2 (got {input_audio.ndim}).")
    channels_last = input_audio.ndim == 2 and input_audio.shape[0] > input_audio.shape[1]
    x = np.atleast_2d(input_audio.T if channels_last else input_audio).astype(np.float32)
    frames = x.shape[1]
    _check(factor, "stretch_factor", frames, "greater than 0.0x", "x", lambda v: (v > 0) & (v < math.inf))
    between = "between -72 and +72 semitones"
    _check(semitones, "pitch_shift_in_semitones", frames, between, " semitones", lambda v: np.abs(v) <= 72)
    if not 0 < rate < math.inf:
        raise ValueError(f"samplerate must be a finite number above 0, but was {samplerate!r}.")
    y = _stretched(x, rate, factor, semitones, preserve_formants) if frames else x
    return np.ascontiguousarray(y.T) if channels_last else y


def _stretched(
    x: npt.NDArray[np.float32], rate: float, factor: _Path, semitones: _Path, preserve: bool
) -> npt.NDArray[np.float32]:
    """In as many passes as it takes, of equal shares."""
    formants: Any = "preserve" if preserve else "shift"
    far = max(
        float(np.max(np.abs(np.log2(factor)))) / math.log2(_FASTEST),
        float(np.max(np.abs(semitones))) / _HIGHEST,
    )
    passes = max(1, math.ceil(far))
    frames = x.shape[1]
    slowness = 1 / np.asarray(factor)
    # pedalboard cuts lengths, luthier rounds them.
    length = math.floor(float(slowness.mean()) * frames + 1e-6)
    speeds, shifts = np.asarray(factor) ** (1 / passes), np.asarray(semitones) / passes
    places = np.arange(frames, dtype=np.float64)  # of x's frames in the input
    for left in range(passes, 0, -1):
        speed, shift = (_at(places, path) for path in (speeds, shifts))
        if np.ndim(speed) == 0 and left == 1 and passes > 1:
            speed = x.shape[1] / max(length, 1)
        clock = np.cumsum(1 / np.broadcast_to(speed, places.shape))
        x = fx.time_stretch(x, rate, speed, shift, formants=formants)
        places = np.interp(np.arange(1, x.shape[1] + 1), clock, places)
    return np.ascontiguousarray(x[:, :length]) if x.shape[1] > length else x


def _at(places: npt.NDArray[np.float64], path: npt.NDArray[np.float64]) -> _Path:
    """A path's values at places of the input."""
    if path.ndim == 0:
        return float(path)
    return np.asarray(np.interp(places, np.arange(len(path)), path))


def _path(given: Any) -> _Path:
    if isinstance(given, np.ndarray) and given.ndim:
        if given.dtype.kind not in "fiub":
            raise TypeError("no numbers")
        return given.astype(np.float64)
    return number(given)


def _check(path: _Path, name: str, frames: int, allowed: str, unit: str, good: Any) -> None:
    if np.ndim(path) == 0:
        if not good(path):
            raise ValueError(f"{name} must be {allowed}, but was passed {path:f}{unit}.")
        return
    if np.ndim(path) != 1:
        raise ValueError(
            f"{name} must be a one-dimensional array of double-precision floating point numbers, but a "
            f"{np.ndim(path)}-dimensional array was provided."
        )
    values = np.asarray(path)
    if len(values) != frames:
        raise ValueError(
            f"{name} must be the same length as the input audio buffer, but was passed an array of length "
            f"{len(values)} instead of {frames} samples."
        )
    bad = np.flatnonzero(~good(values))
    if len(bad):
        raise ValueError(
            f"{name} must be {allowed}, but element at index {bad[0]} was {values[bad[0]]:f}{unit}."
        )
