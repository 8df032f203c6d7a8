"""What reading does about damage: an error or a warning, with a report of it."""

from __future__ import annotations

import sys
import warnings
from typing import Literal

from luthier.core import Audio, DamagedAudioWarning, DamageReport, DecodeError, ParameterError
from luthier.core.arrays import Samples

__all__ = ["Damage", "OnError", "check_on_error", "damaged", "describe", "report_of", "warn"]

#: What reading does about damage: an error, the good frames before it, or silence in its place.
OnError = Literal["raise", "partial", "pad"]

#: As the native code tells it: reason, frame, byte offset or -1, frames promised or None, frames decoded.
Damage = tuple[str, int, int, int | None, int]


def check_on_error(value: object) -> OnError:
    """One of the three ways to treat damage, or the error that names them."""
    if value not in ("raise", "partial", "pad"):
        raise ParameterError(f"on_error must be 'raise', 'partial' or 'pad', got {value!r}")
    return value


def report_of(damage: Damage) -> DamageReport:
    """The report that the public sees."""
    reason, frame, offset, promised, decoded = damage
    return DamageReport(reason, frame, None if offset < 0 else offset, promised, decoded)


def describe(name: str, report: DamageReport) -> str:
    """One sentence about the damage of the file called `name`."""
    where = f"{name}: {report.reason}: "
    if report.frames_promised is None:
        return f"{where}frames after the first {report.frame:,} are missing"
    first, promised = report.frame, report.frames_promised
    return f"{where}of {promised:,} frames, those from {first:,} on are missing or damaged"


def damaged(
    name: str, damage: Damage, on_error: OnError, samples: Samples, sample_rate: float
) -> DecodeError | DamagedAudioWarning:
    """The error to raise, or the warning to give with `warn`. `samples` are planar."""
    report = report_of(damage)
    message = describe(name, report)
    if on_error != "raise":
        done = "filled with silence" if on_error == "pad" else "left out"
        return DamagedAudioWarning(f"{message}; what is missing was {done}", report)
    error = DecodeError(
        f"{message}. Read what is there with frames={report.frames_decoded}, or with on_error='partial' "
        "or 'pad'"
    )
    error.report = report
    error.audio = Audio(samples, sample_rate)
    return error


def warn(warning: Warning) -> None:
    """Warn at the line that called into this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("luthier.io."):
        level, frame = level + 1, frame.f_back
    warnings.warn(warning, stacklevel=level)
