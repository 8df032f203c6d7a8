"""A file that luthier reads: exact seeks, and word of damage that libsndfile passes over."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

import luthier.io as lio
from luthier.compat.soundfile._errors import BAD_SEEK, LOST_SYNC, LibsndfileError
from luthier.core import DamagedAudioWarning, DamageReport, DecodeError

__all__ = ["FORMATS", "ExactFile", "levels_to_user", "warn_of_damage"]

#: What luthier reads better than, or as well as, libsndfile does.
FORMATS = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3"})

_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_BY_32767 = frozenset({"VORBIS", "OPUS"})
# libsndfile cuts their lower bits off where 16 are asked for; luthier.io rounds.
_MORE_THAN_16_BITS = frozenset({"PCM_24", "PCM_32", "ALAC_20", "ALAC_24", "ALAC_32"})
_PACKAGE = os.path.dirname(__file__)


class ExactFile:
    """A `luthier.io.Reader` that speaks as `LibraryFile` does."""

    seekable = True

    def __init__(self, reader: lio.Reader, name: object, descriptor: int | None = None) -> None:
        self._reader = reader
        self._name = name
        self._descriptor = descriptor
        self._warned = False
        info = reader.info
        self.samplerate, self.channels = info.sample_rate, info.channels
        self.format, self.subtype = info.format, info.subtype
        # A file that is known to be cut has the frames that are there, for libsndfile, too.
        report = reader.report
        self.frames = info.frames if report is None else min(info.frames, report.frame)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def tell(self) -> int:
        """The frame that is read next."""
        return self._reader.tell()

    def seek(self, frames: int, whence: int) -> int:
        """Move there, and say where that is."""
        if whence not in (os.SEEK_SET, os.SEEK_CUR, os.SEEK_END):
            raise ValueError(f"whence must be SEEK_SET, SEEK_CUR or SEEK_END, got {whence!r}")
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.frames}[whence]
        to = base + frames
        if not 0 <= to <= self.frames:
            raise LibsndfileError(BAD_SEEK, f"frame {to} is not from 0 to {self.frames}: ")
        self._reader.seek(to)
        return to

    def fill(self, out: npt.NDArray[Any]) -> int:
        """Read as many frames as `out` has rows, or fewer; how many is returned."""
        kind = out.dtype.name
        if self._as_asked(kind):
            return len(self._samples(len(out), kind, out))
        data = self.take(len(out), kind)
        out[: len(data)] = data
        return len(data)

    def take(self, frames: int, kind: str) -> npt.NDArray[Any]:
        """Up to `frames` frames from here, ``(frames, channels)``."""
        if self._as_asked(kind):
            return self._samples(frames, kind)
        # Scaled and rounded as libsndfile does it; but beyond full scale it clips everywhere, while
        # libsndfile wraps around for Vorbis and Opus.
        if self.subtype in _FLOATS:
            data = self._samples(frames, "float64")
            data[np.isnan(data)] = 0
        elif self.subtype in _BY_32767:
            data = self._samples(frames, "float32") * np.float32(32767)
        else:
            codes = self._samples(frames, "int32")
            codes >>= 16
            return codes.astype(np.int16)
        limits = np.iinfo(kind)
        np.rint(data, out=data)
        np.clip(data, limits.min, limits.max, out=data)
        return data.astype(kind)

    def _as_asked(self, kind: str) -> bool:
        """Whether `luthier.io` gives the samples that libsndfile gives."""
        if kind in ("float32", "float64"):
            return True
        if self.subtype in _FLOATS:
            return False
        return kind == "int32" or self.subtype not in _BY_32767 | _MORE_THAN_16_BITS

    def _samples(self, frames: int, kind: str, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        reader = self._reader
        start = reader.tell()
        count = min(frames, self.frames - start)
        data: npt.NDArray[Any]
        try:
            data = reader.read(count, layout="frames_first", dtype=kind, out=out)
        except DecodeError as error:
            if error.report is None or error.audio is None or self.format == "FLAC":
                # Whoever reads FLAC through libsndfile gets an error, and may count on it.
                raise LibsndfileError(LOST_SYNC, f"{error}: ") from error
            data = np.ascontiguousarray(error.audio.samples.T, kind)
            if out is not None:
                out[: len(data)] = data
            reader.seek(start + len(data))
            self._warn(error.report)
        else:
            report = reader.report
            if report is not None and start + count >= self.frames and (frames > 0 or self.frames == 0):
                self._warn(report)
        return data

    def _warn(self, report: DamageReport) -> None:
        if not self._warned:
            self._warned = True
            warn_of_damage(
                f"{self._name}: {report.reason}: frames from {report.frame:,} on are missing or damaged, "
                "and were left out",
                report,
            )


def warn_of_damage(message: str, report: DamageReport) -> None:
    """Warn whoever called this package."""
    warnings.warn(DamagedAudioWarning(message, report), stacklevel=levels_to_user())


def levels_to_user() -> int:
    """The stacklevel of the first caller outside this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename) == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
