"""``luthier info``: what files' headers say."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from luthier.cli.each_file import Progress, each_file
from luthier.cli.files import expand

__all__ = ["add_to", "clock", "run"]


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "info",
        help="show format, rate, channels and length of files",
        description="Show format, rate, channels and length of audio files, one line a file.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="an audio file or a quoted glob")
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each file."""
    sources = expand(arguments.files)

    def work(i: int, _: Progress) -> str:
        return describe(sources[i], as_json=arguments.json)

    return each_file(work, sources, debug=arguments.debug)


def describe(path: Path, *, as_json: bool) -> str:
    """Return the line for one file."""
    import luthier.io as lio

    info = lio.info(path)
    if as_json:
        return json.dumps({"path": str(path), **dataclasses.asdict(info), "duration": info.duration})
    channels = {1: "mono", 2: "stereo"}.get(info.channels, f"{info.channels} channels")
    kind = f"{info.format} {info.subtype}"
    line = f"{path}: {kind}, {info.sample_rate} Hz, {channels}, {info.frames} frames, {clock(info.duration)}"
    if info.report is not None:
        line += f"; damaged from frame {info.report.frame} on: {info.report.reason}"
    return line


def clock(seconds: float) -> str:
    """Return a duration as a person reads it: ``4.003 s``, ``3:25.5``, ``1:02:03.0``."""
    if seconds < 60:
        return f"{seconds:.3f} s"
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:{minutes:02}' if hours else minutes}:{rest // 10:02}.{rest % 10}"
