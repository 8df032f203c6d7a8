"""``luthier pitch``: the fundamental frequency of files, as numbers and as a picture."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.cli.each_file import Progress, each_file
from luthier.cli.errors import UsageError
from luthier.cli.files import check_target, expand, make_folder, targets
from luthier.cli.info import clock
from luthier.core import ParameterError

if TYPE_CHECKING:
    from luthier.cli.tracking import Tracked
    from luthier.pitch import Pitch

__all__ = ["add_to", "run"]

#: Options that stand for parameters of `luthier.pitch.track`, whose defaults are theirs.
_SETTINGS = ("method", "fmin", "fmax", "hop_s")


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "pitch",
        help="track the pitch of files",
        description="Track the fundamental frequency of files with one voice or instrument. Channels are "
        "averaged unless --channel picks one. Without --csv and --plot a line of summary is all.",
    )
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="an audio file or a quoted glob")
    parser.add_argument(
        "--csv",
        metavar="OUT",
        help="write time_s,f0_hz,voiced,confidence: to a file, - for standard output, or for many inputs a "
        "directory or a name with {stem} or *",
    )
    parser.add_argument(
        "--plot",
        metavar="OUT",
        help="draw f0 over a spectrogram, and the waveform: a .png, .svg or .pdf, as --csv",
    )
    parser.add_argument("--method", help=f"how to track: {_methods()}")
    parser.add_argument("--fmin", type=float, metavar="HZ", help="lowest f0 (the method's own)")
    parser.add_argument("--fmax", type=float, metavar="HZ", help="highest f0 (the method's own)")
    parser.add_argument("--hop-s", type=float, metavar="S", help="seconds between frames (0.01)")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the method's own, as luthier.pitch.track names it: whiten=true, cutoff=0.8",
    )
    parser.add_argument("--channel", type=int, metavar="N", help="track channel N, counted from 1")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no summary")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Track every file."""
    _check_settings(arguments)
    sources = expand(arguments.inputs)
    to_stdout = arguments.csv == "-"
    csv = None if arguments.csv is None or to_stdout else targets(sources, arguments.csv, suffix=".csv")
    plot = None if arguments.plot is None else targets(sources, arguments.plot, suffix=".png")
    if to_stdout and len(sources) > 1:
        raise UsageError(f"--csv - takes one input, got {len(sources)}")
    if plot is not None:
        from luthier.cli.plot import check_matplotlib, check_picture

        check_matplotlib()
        for picture in plot:
            check_picture(picture)
    for out in (arguments.csv, arguments.plot):
        if out is not None:
            make_folder(out)

    def work(i: int, progress: Progress) -> str:
        for outputs in (csv, plot):
            if outputs is not None:
                check_target(outputs[i], overwrite=arguments.overwrite)
        tracked = track_file(sources[i], arguments, progress)
        if csv is not None:
            tracked.pitch.to_csv(csv[i])
        if plot is not None:
            from luthier.cli.plot import draw

            draw(tracked, str(sources[i]), plot[i])
        if to_stdout:
            _copy_csv(tracked.pitch)
            return ""
        return f"{sources[i]}: {summary(tracked.duration, tracked.pitch)}"

    return each_file(work, sources, quiet=arguments.quiet, debug=arguments.debug)


def _methods() -> str:
    """What there is to choose from; a dash where it cannot be loaded, for the help must come even then."""
    try:
        from luthier.pitch import track
        from luthier.pitch.methods import METHODS
    except ImportError:
        return "-"
    return f"{', '.join(METHODS)} ({(track.__kwdefaults__ or {})['method']})"


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Those of the tracker's settings that were given."""
    given = {name: getattr(arguments, name) for name in _SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    for text in arguments.option:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or name in _SETTINGS:
            raise UsageError(f"--option takes NAME=VALUE, an option of the method's own, got {text!r}")
        settings[name] = _value(name, value)
    return settings


def _value(name: str, text: str) -> Any:
    """A number, several with commas between, or true or false."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--option {name} takes numbers, true or false, got {text!r}") from None
    return numbers[0] if len(numbers) == 1 else tuple(numbers)


def _check_settings(arguments: argparse.Namespace) -> None:
    """Raise `UsageError` for values that are wrong for any file."""
    from luthier.pitch.tracking import check_settings

    try:
        check_settings(**_settings(arguments))
    except ParameterError as error:
        raise UsageError(str(error)) from error
    if arguments.channel is not None and arguments.channel < 1:
        raise UsageError(f"--channel counts from 1, got {arguments.channel}")


def track_file(path: Path, arguments: argparse.Namespace, progress: Progress) -> Tracked:
    """Return what was tracked in a file."""
    import luthier.io as lio
    from luthier.cli.tracking import track

    with lio.open(path) as reader:
        channel = None if reader.channels > 1 or arguments.channel is not None else 0
        if arguments.channel is not None:
            if not 1 <= arguments.channel <= reader.channels:
                raise ParameterError(
                    f"{path}: --channel must be from 1 to {reader.channels}, got {arguments.channel}"
                )
            channel = arguments.channel - 1
        progress.expect(reader.info.duration)
        return track(
            reader,
            channel,
            advance=progress.advance,
            spectrogram=arguments.plot is not None,
            **_settings(arguments),
        )


def summary(duration: float, pitch: Pitch) -> str:
    """Return the length, how much is voiced, and the middle and range of f0."""
    if pitch.f0.size == 0:
        return f"{clock(duration)}, empty"
    voiced = pitch.f0[pitch.voiced]
    if voiced.size == 0:
        return f"{clock(duration)}, no pitch found"
    low, middle, high = np.percentile(voiced, [5, 50, 95])
    share = 100 * voiced.size / pitch.f0.size
    return (
        f"{clock(duration)}, {share:.0f} % voiced, median f0 {middle:.1f} Hz "
        f"(90 % between {low:.1f} and {high:.1f} Hz)"
    )


def _copy_csv(pitch: Pitch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pitch.csv"
        pitch.to_csv(path)
        with path.open(encoding="utf-8") as file:
            shutil.copyfileobj(file, sys.stdout)
