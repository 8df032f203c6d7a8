"""The picture of ``luthier pitch --plot``: waveform above, f0 over a spectrogram below, one time axis."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from luthier.cli.errors import UsageError
from luthier.core import MissingDependencyError

if TYPE_CHECKING:
    from luthier.cli.tracking import Tracked

__all__ = ["check_matplotlib", "check_picture", "draw"]


def check_matplotlib() -> None:
    """Raise where there is nothing to draw with."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingDependencyError("--plot needs matplotlib; install it with: pip install 'luthier[plot]'")


def check_picture(path: Path) -> None:
    """Raise `UsageError` where the name's ending is no kind of picture."""
    from matplotlib.backend_bases import FigureCanvasBase

    if path.suffix[1:].lower() not in FigureCanvasBase.get_supported_filetypes():
        raise UsageError(f"{path}: a picture's name ends in .png, .svg or .pdf")


def draw(tracked: Tracked, title: str, path: Path) -> None:
    """Draw a tracked signal into `path`, which appears when it is whole."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

    figure = Figure(figsize=(10, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2])
    figure.suptitle(title, fontsize=11)

    pitch, envelope = tracked.pitch, tracked.envelope
    edges = np.arange(envelope.low.size) * (tracked.duration / envelope.low.size)
    top.fill_between(edges, envelope.low, envelope.high, color="0.45", linewidth=0.3, step="post")
    top.set_ylabel("amplitude")

    spectra = tracked.spectrogram
    if spectra is not None:
        loudest = float(spectra.levels.max())
        bottom.pcolormesh(
            np.linspace(0, tracked.duration, spectra.levels.shape[1]),
            spectra.hertz,
            spectra.levels,
            cmap="Greys",
            vmin=loudest - 70,
            vmax=loudest,
            shading="nearest",
            rasterized=True,
        )
    pitch.plot(bottom, color="C3")
    bottom.yaxis.set_major_locator(LogLocator(subs=[1, 2, 5]))
    bottom.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    bottom.yaxis.set_minor_locator(NullLocator())
    bottom.set_xlim(0, max(tracked.duration, 1e-3))

    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        figure.savefig(temporary, dpi=150)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
