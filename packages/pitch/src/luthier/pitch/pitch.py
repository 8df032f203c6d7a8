"""The result of a tracker."""

from __future__ import annotations

import contextlib
import csv
import html
import importlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, MissingDependencyError, ParameterError

__all__ = ["Pitch"]

Floats = npt.NDArray[np.floating[Any]]


class Pitch(NamedTuple):
    """The fundamental frequency of a signal, frame by frame.

    Unpacks as ``times, f0, voiced, confidence = track(...)``. The arrays are of the kind that the
    samples were (NumPy, torch, ...), and of their dtype (`times` is always float64).

    Attributes
    ----------
    times : array, (frames,)
        The centre of each frame in seconds: ``times[k] == k * hop_s``.
    f0 : array, (frames,), (channels, frames) or (batch, channels, frames)
        The best estimate in hertz, finite in every frame, voiced or not.
    voiced : array of bool, shape of `f0`
        ``confidence >= 0.5``.
    confidence : array, shape of `f0`
        The probability that the frame has a pitch, in [0, 1]; see `track` for what that means.

    Examples
    --------
    >>> import numpy as np, luthier.pitch as lp
    >>> t = np.arange(16_000) / 16_000
    >>> f0 = lp.track(np.sin(2 * np.pi * 220 * t), 16_000, method="yin")
    >>> f0
    Pitch(101 frames to 1.00 s, 100 % voiced, median f0 220.0 Hz)
    >>> f"{f0.midi[50]:.3f}"
    '57.000'
    """

    times: npt.NDArray[np.float64]
    f0: Floats
    voiced: npt.NDArray[np.bool_]
    confidence: Floats

    @property
    def midi(self) -> npt.NDArray[np.float64]:
        """`f0` as fractional MIDI note numbers: 69 is A4, 440 Hz; 1 is a semitone. Shape of `f0`."""
        return 69.0 + self.cents(440.0) / 100.0

    def cents(self, reference_hz: Any) -> npt.NDArray[np.float64]:
        """Distance of `f0` from a reference, in cents (1200 are an octave).

        Parameters
        ----------
        reference_hz : float or array that broadcasts against `f0`
            Positive and finite.

        Returns
        -------
        array, shape of `f0`

        Raises
        ------
        ParameterError
            When a reference is not positive and finite.

        Examples
        --------
        >>> import numpy as np, luthier.pitch as lp
        >>> t = np.arange(8_000) / 8_000
        >>> f"{lp.track(np.sin(2 * np.pi * 441 * t), 8_000, method='yin').cents(440.0)[50]:.1f}"
        '3.9'
        """
        reference = np.asarray(reference_hz, np.float64)
        if not np.all(np.isfinite(reference) & (reference > 0)):
            raise ParameterError(f"reference_hz must be positive and finite, got {reference_hz!r}")
        return np.asarray(1200.0 * np.log2(np.asarray(self.f0, np.float64) / reference))

    def between(self, start_s: float, end_s: float) -> Pitch:
        """The frames whose centres lie in ``[start_s, end_s)``, with views of the arrays.

        Examples
        --------
        >>> import numpy as np, luthier.pitch as lp
        >>> lp.track(np.zeros(16_000), 16_000).between(0.25, 0.5)
        Pitch(25 frames to 0.49 s, 0 % voiced)
        """
        times = np.asarray(self.times)
        # Within a millionth of a frame: 0.3 s is frame 30, though 30 * 0.01 is 0.30000000000000004.
        slack = 1e-6 * (times[1] - times[0]) if times.size > 1 else 0.0
        first, last = np.searchsorted(times, [start_s - slack, end_s - slack])
        return Pitch(
            self.times[first:last],
            self.f0[..., first:last],
            self.voiced[..., first:last],
            self.confidence[..., first:last],
        )

    @staticmethod
    def concatenate(pieces: Iterable[Pitch]) -> Pitch:
        """Join what a `Tracker` gave piece by piece; of no pieces, a `Pitch` of no frames.

        Raises
        ------
        LayoutError
            When the pieces have different numbers of channels.

        Examples
        --------
        >>> import numpy as np, luthier.pitch as lp
        >>> tracker = lp.Tracker(16_000)
        >>> lp.Pitch.concatenate([tracker.push(np.zeros(16_000, np.float32)), tracker.flush()])
        Pitch(101 frames to 1.00 s, 0 % voiced)
        """
        held = list(pieces)
        if not held:
            nothing = np.zeros(0)
            return Pitch(nothing, nothing, nothing >= 0.5, nothing)
        shapes = {np.shape(piece.f0)[:-1] for piece in held}
        if len(shapes) > 1:
            raise LayoutError(f"pieces must have the same channels, got {sorted(shapes)}")
        if type(held[0].f0).__module__.partition(".")[0] == "torch":
            import torch  # type: ignore[import-not-found,unused-ignore]

            joined = [torch.cat(arrays, dim=-1) for arrays in zip(*held, strict=True)]
        else:
            joined = [np.concatenate(arrays, axis=-1) for arrays in zip(*held, strict=True)]
        return Pitch(*joined)

    def to_dataframe(self) -> Any:
        """Return a `pandas.DataFrame` with a frame a row and the columns of `to_csv`.

        Raises
        ------
        MissingDependencyError
            When pandas is not installed.
        """
        try:
            pandas: Any = importlib.import_module("pandas")
        except ImportError:
            raise MissingDependencyError(
                "Pitch.to_dataframe() needs pandas; install it with: pip install pandas"
            ) from None
        f0 = np.asarray(self.f0)
        columns = {
            name: places.ravel()
            for name, places in zip(self._axes(), np.indices(f0.shape)[: f0.ndim - 1], strict=True)
        }
        columns["time_s"] = np.broadcast_to(self.times, f0.shape).ravel()
        columns["f0_hz"] = f0.ravel()
        columns["voiced"] = np.asarray(self.voiced).ravel()
        columns["confidence"] = np.asarray(self.confidence).ravel()
        return pandas.DataFrame(columns)

    def plot(self, ax: Any = None, **line: Any) -> Any:
        """Draw the voiced f0 over time, in a logarithmic scale, broken where it is unvoiced.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure's by default.
        **line
            What `matplotlib.axes.Axes.plot` takes, colour and width for example.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        MissingDependencyError
            When matplotlib is not installed and no `ax` was given.
        """
        if ax is None:
            try:
                import matplotlib.pyplot as plt
            except ImportError:
                raise MissingDependencyError(
                    "Pitch.plot() needs matplotlib; install it with: pip install matplotlib"
                ) from None
            ax = plt.figure(layout="constrained").add_subplot()
        f0 = np.asarray(self.f0, np.float64)
        rows = f0.reshape(int(np.prod(f0.shape[:-1])), f0.shape[-1])
        marks = np.asarray(self.voiced).reshape(rows.shape)
        for row, voiced in zip(rows, marks, strict=True):
            times, shown = np.asarray(self.times), np.where(voiced, row, np.nan)
            # A leap of more than three semitones is no glide: the line is broken there.
            leaps = np.flatnonzero(np.abs(np.diff(np.log2(row))) > 0.25) + 1
            style = {"linewidth": 1.5, "marker": ".", "markersize": 2, **line}
            ax.plot(np.insert(times, leaps, np.nan), np.insert(shown, leaps, np.nan), **style)
        ax.set_yscale("log")
        ax.set(xlabel="time (s)", ylabel="f0 (Hz)")
        return ax

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write ``time_s,f0_hz,voiced,confidence``, one frame a line; a whole file or none.

        Several channels or a batch put ``channel``, or ``batch`` and ``channel``, in front. `voiced` is
        1 or 0. The file is written under a temporary name and renamed when it is whole.

        Parameters
        ----------
        path : path
            An existing file is replaced.

        Raises
        ------
        OSError
            When the file cannot be written; what was there before stays.
        """
        f0 = np.asarray(self.f0)
        if not 1 <= f0.ndim <= 3:
            raise LayoutError(f"f0 must have 1 to 3 dimensions, got {f0.ndim}")
        target = Path(path)
        # A new file gets the permissions that open() would have given it; mkstemp's are narrower.
        try:
            handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        except OSError as error:
            raise _named(error, target) from None
        try:
            with os.fdopen(handle, "w", newline="", encoding="utf-8") as file:
                self._write_rows(csv.writer(file, lineterminator="\n"))
            _inherit_mode(Path(temporary), target)
            try:
                os.replace(temporary, target)
            except OSError as error:
                raise _named(error, target) from None
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise

    def _write_rows(self, writer: Any) -> None:
        f0, voiced, confidence = (np.asarray(a) for a in (self.f0, self.voiced, self.confidence))
        writer.writerow([*self._axes(), "time_s", "f0_hz", "voiced", "confidence"])
        times = [f"{t:.9g}" for t in np.asarray(self.times)]
        for row in np.ndindex(*f0.shape[:-1]):
            for t, f, v, c in zip(times, f0[row], voiced[row], confidence[row], strict=True):
                writer.writerow([*row, t, f"{f:.7g}", int(v), f"{c:.6g}"])

    def _axes(self) -> tuple[str, ...]:
        ndim = np.ndim(self.f0)
        return ("batch", "channel")[3 - ndim :] if ndim > 1 else ()

    def _summary(self) -> str:
        f0, voiced = np.asarray(self.f0), np.asarray(self.voiced)
        frames = f0.shape[-1] if f0.ndim else 0
        shape = f"{' x '.join(map(str, f0.shape))} frames" if f0.ndim > 1 else f"{frames} frames"
        if f0.size == 0:
            return shape
        text = f"{shape} to {np.asarray(self.times)[-1]:.2f} s, {100 * voiced.mean():.0f} % voiced"
        return text + (f", median f0 {np.median(f0[voiced]):.1f} Hz" if voiced.any() else "")

    def __eq__(self, other: object) -> bool:
        """Whether all frames are the same."""
        if not isinstance(other, Pitch):
            return NotImplemented
        return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(self, other, strict=True))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        raise TypeError("a Pitch is not hashable: it holds arrays")

    def __repr__(self) -> str:
        return f"Pitch({self._summary()})"

    def _repr_html_(self) -> str:
        """A summary and a small drawing of the voiced f0, for notebooks."""
        return f"<figure><figcaption>{html.escape(repr(self))}</figcaption>{self._svg()}</figure>"

    def _svg(self, width: int = 640, height: int = 120) -> str:
        f0, voiced = np.asarray(self.f0, np.float64), np.asarray(self.voiced)
        if not voiced.any():
            return ""
        rows, marks = f0.reshape(-1, f0.shape[-1]), voiced.reshape(-1, f0.shape[-1])
        step = max(1, rows.shape[1] // (2 * width))
        pitch = np.log2(rows[:, ::step])
        marks = marks[:, ::step]
        if not marks.any():
            return ""
        low, high = pitch[marks].min() - 0.05, pitch[marks].max() + 0.05
        x = np.arange(pitch.shape[1]) * (width / max(1, pitch.shape[1] - 1))
        y = (high - pitch) * (height / (high - low))
        dots = "".join(
            f"M{a:.1f} {b:.1f}h.01"
            for row in range(len(pitch))
            for a, b in zip(x[marks[row]], y[row][marks[row]], strict=True)
        )
        return (
            f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
            f'<path d="{dots}" stroke="currentColor" stroke-width="2" stroke-linecap="round" fill="none"/>'
            "</svg>"
        )


def _named(error: OSError, target: Path) -> OSError:
    """The error with the name that the caller gave instead of the temporary one."""
    return OSError(error.errno, error.strerror, str(target))


def _inherit_mode(temporary: Path, target: Path) -> None:
    """Give the new file the old one's permissions, or those of any new file."""
    if os.name != "posix":
        return
    try:
        mode = target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    temporary.chmod(mode)
