"""The tracking methods: what each is called, what it takes, and the native stream that runs it."""

from __future__ import annotations

import contextlib
import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from luthier.core import ParameterError
from luthier.core import _native as core_native
from luthier.pitch import _native
from luthier.pitch.calibration import WEIGHTS

__all__ = ["METHODS", "Grid", "Method", "NativeStream", "Option", "check_options", "finite"]

Floats = npt.NDArray[np.floating[Any]]
Result = npt.NDArray[np.float64]
Values = Mapping[str, Any]


class NativeStream(Protocol):
    """Rows of samples in, in pieces of any size; the frames that they make known out.

    ``push(samples)`` takes ``(rows, samples)``, C-contiguous and finite, of the dtype that the stream was
    made for, and gives ``(f0, confidence)``, each float64 ``(rows, frames)``: the same number of frames in
    all rows. ``flush()`` gives the frames that are left, ``floor(samples / hop + 1e-9) + 1`` in all (none
    for no samples), and leaves the stream as new. However the samples are cut, the frames are the same.
    """

    @property
    def latency(self) -> float:
        """The most samples from a frame's centre to the one that makes its result known, after the start."""
        ...

    def push(self, samples: Any) -> tuple[Result, Result]:
        """Take the next samples."""
        ...

    def flush(self) -> tuple[Result, Result]:
        """End the signal."""
        ...

    def reset(self) -> None:
        """Forget the signal so far."""
        ...


@dataclass(frozen=True)
class Grid:
    """What every method needs to know about a call."""

    sample_rate: float
    hop_s: float
    fmin: float
    fmax: float

    @property
    def hop(self) -> float:
        """Samples from one frame's centre to the next, not necessarily whole."""
        return self.hop_s * self.sample_rate


def finite(name: str, value: object) -> float:
    """Return the number, or raise `ParameterError`."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):  # an integer beyond all floats
            if math.isfinite(value):
                return float(value)
    raise ParameterError(f"{name} must be a finite number, got {value!r}")


@dataclass(frozen=True)
class Option:
    """A number that one method takes besides those that all take.

    Attributes
    ----------
    default
        None where it follows from the range; `doc` says how.
    minimum, maximum
        The values allowed, the ends included unless `open` says otherwise.
    """

    default: float | int | bool | tuple[float, ...] | None
    minimum: float
    maximum: float
    doc: str
    open: bool = False

    def check(self, name: str, value: object) -> Any:
        """Return `value` as it is used, or raise `ParameterError`."""
        if value is None and self.default is None:
            return None
        if isinstance(self.default, tuple):
            many = isinstance(value, tuple | list | np.ndarray)
            values: list[object] = list(value) if many else []  # type: ignore[call-overload]
            if len(values) != len(self.default):
                raise ParameterError(f"{name} must be {len(self.default)} numbers, got {value!r}")
            return tuple(self._number(f"each of {name}", each) for each in values)
        return self._number(name, value)

    def _number(self, name: str, value: object) -> Any:
        if isinstance(self.default, bool):
            if isinstance(value, bool | np.bool_):
                return bool(value)
            raise ParameterError(f"{name} must be True or False, got {value!r}")
        number = finite(name, value)
        low, high = self.minimum, self.maximum
        if not (low < number < high if self.open else low <= number <= high):
            ends = ", both excluded" if self.open else ""
            raise ParameterError(f"{name} must be between {low:g} and {high:g}{ends}, got {value!r}")
        if isinstance(self.default, int):
            if not number.is_integer():
                raise ParameterError(f"{name} must be a whole number, got {value!r}")
            return int(number)
        return number


@dataclass(frozen=True)
class Method:
    """One way to track pitch.

    Attributes
    ----------
    stream
        ``stream(rows, single, grid, options)`` makes a `NativeStream` for that many rows of float32
        samples, or float64 where `single` is false; `options` holds a checked value for every option.
    options
        What may be given besides the range and the hop, by name.
    fmin, fmax
        The range in hertz where the caller gives none.
    """

    stream: Callable[[int, bool, Grid, Values], NativeStream]
    options: Mapping[str, Option]
    fmin: float = 50.0
    fmax: float = 2000.0


def check_options(method: str, given: Mapping[str, object]) -> dict[str, Any]:
    """Return a value for every option of the method, or raise `ParameterError`."""
    known = METHODS[method].options
    for name in given:
        if name not in known:
            has = "takes " + ", ".join(map(repr, known)) if known else "takes none"
            others = [other for other, m in METHODS.items() if name in m.options]
            hint = f"; {name!r} belongs to {', '.join(map(repr, others))}" if others else ""
            raise ParameterError(f"method {method!r} has no option {name!r}: it {has}{hint}")
    return {
        name: option.check(name, given[name]) if name in given else option.default
        for name, option in known.items()
    }


#: More pitch bins than any use has.
_MOST_BINS = 8_000


def _window_s(grid: Grid) -> float:
    return max(2.0 / grid.fmin, 0.025)


def _yin(rows: int, single: bool, grid: Grid, options: Values) -> NativeStream:
    stream = _native.yin(
        single, rows, grid.sample_rate, grid.hop, grid.fmin, grid.fmax, _window_s(grid),
        options["threshold"], WEIGHTS["yin"], core_native.pool(),
    )  # fmt: skip
    return cast(NativeStream, stream)


def _mpm(rows: int, single: bool, grid: Grid, options: Values) -> NativeStream:
    stream = _native.mpm(
        single, rows, grid.sample_rate, grid.hop, grid.fmin, grid.fmax, _window_s(grid),
        options["cutoff"], WEIGHTS["mpm"], core_native.pool(),
    )  # fmt: skip
    return cast(NativeStream, stream)


def _swipe(rows: int, single: bool, grid: Grid, options: Values) -> NativeStream:
    stream = _native.swipe(
        single, rows, grid.sample_rate, grid.hop, grid.fmin, grid.fmax, options["whiten"],
        WEIGHTS["swipe, whitened" if options["whiten"] else "swipe"], core_native.pool(),
    )  # fmt: skip
    return cast(NativeStream, stream)


def _lag(grid: Grid, options: Values) -> int:
    return round(float(options["lookahead_s"]) / grid.hop_s)


def _lookahead(default: float) -> Option:
    return Option(default, 0, 10, "seconds of what follows that a frame's decision waits for")


def _pyin(rows: int, single: bool, grid: Grid, options: Values) -> NativeStream:
    frame_s = options["frame_s"] or 3.2 / grid.fmin
    if frame_s * grid.fmin <= 1.0:
        raise ParameterError(
            f"frame_s must be above 1 / fmin, {1 / grid.fmin:g} s for {grid.fmin:g} Hz, got {frame_s:g}"
        )
    bins = 12 * math.ceil(1 / options["resolution"]) * math.log2(grid.fmax / grid.fmin)
    if bins > _MOST_BINS:
        raise ParameterError(
            f"resolution must leave at most {_MOST_BINS} bins from fmin to fmax, "
            f"got {options['resolution']:g}, which makes {bins:.0f}"
        )
    names = ("boltzmann_parameter", "resolution", "max_transition_rate", "switch_prob", "no_trough_prob")
    settings: list[Any] = [options["n_thresholds"], *options["beta_parameters"]]
    settings += [options[name] for name in names]
    settings += [WEIGHTS["pyin"], _lag(grid, options), core_native.pool()]
    stream = _native.pyin(
        single, rows, grid.sample_rate, grid.hop, grid.fmin, grid.fmax, frame_s,
        *settings,
    )  # fmt: skip
    return cast(NativeStream, stream)


def _autocorrelation(rows: int, single: bool, grid: Grid, options: Values) -> NativeStream:
    # The costs of a step are Boersma's for 10 ms.
    step = 0.01 / grid.hop_s
    stream = _native.autocorrelation(
        single, rows, grid.sample_rate, grid.hop, grid.fmin, grid.fmax, max(3.0 / grid.fmin, 0.025),
        options["octave_cost"], options["octave_jump_cost"] * step, options["voicing_change_cost"] * step,
        options["voicing_threshold"], WEIGHTS["autocorrelation"], _lag(grid, options), core_native.pool(),
    )  # fmt: skip
    return cast(NativeStream, stream)


def _neural(rows: int, single: bool, grid: Grid, options: Values) -> NativeStream:
    # Reading a model takes more modules than the other methods together.
    from luthier.pitch import neural

    return neural.stream(rows, single, grid, options)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "neural": Method(
            _neural,
            {"low_latency": Option(False, 0, 1, "whether results come within 50 ms, and are a little worse")},
            fmin=30.0,
            fmax=4200.0,
        ),
        "yin": Method(
            _yin,
            {
                "threshold": Option(
                    0.1, 0, 1, "how much deeper a longer period must be to be preferred", open=True
                )
            },
        ),
        "mpm": Method(
            _mpm,
            {
                "cutoff": Option(
                    0.9,
                    0,
                    1,
                    "the share of the highest key maximum that an earlier one must reach",
                    open=True,
                )
            },
        ),
        "pyin": Method(
            _pyin,
            {
                "frame_s": Option(None, 1e-3, 2, "seconds that a frame sees, 3.2 / fmin by default"),
                "n_thresholds": Option(100, 2, 1000, "thresholds that are tried"),
                "beta_parameters": Option(
                    (2.0, 18.0), 0.1, 1000, "both of the beta distribution that the thresholds have"
                ),
                "boltzmann_parameter": Option(
                    2.0, 1e-6, 50, "the log of how much likelier a trough is than the next"
                ),
                "resolution": Option(0.1, 0.01, 1, "semitones in a pitch bin"),
                "max_transition_rate": Option(35.92, 0.1, 1000, "octaves a second that f0 may move"),
                "switch_prob": Option(0.01, 0, 1, "the probability that voicing changes", open=True),
                "no_trough_prob": Option(
                    0.01, 0, 1, "the share that the lowest trough has where none is below the threshold"
                ),
                "lookahead_s": _lookahead(1.0),
            },
        ),
        "swipe": Method(
            _swipe,
            {
                "whiten": Option(
                    False,
                    0,
                    1,
                    "whether the spectrum rises by 3 dB an octave first: for noise like pink noise",
                )
            },
        ),
        "autocorrelation": Method(
            _autocorrelation,
            {
                "octave_cost": Option(0.03, 0, 1, "what an octave up gains, in correlation"),
                "octave_jump_cost": Option(0.35, 0, 10, "what a jump of an octave costs in 10 ms"),
                "voicing_change_cost": Option(0.14, 0, 10, "what a change of voicing costs in 10 ms"),
                "voicing_threshold": Option(0.45, 0, 1, "the strength of the unvoiced candidate"),
                "lookahead_s": _lookahead(0.2),
            },
        ),
    }
)
