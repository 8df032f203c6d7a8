"""``luthier process``: files through a chain of effects, in constant memory."""

from __future__ import annotations

import argparse
import math
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.cli.each_file import Progress, each_file
from luthier.cli.effects import summary
from luthier.cli.errors import UsageError, one_line
from luthier.cli.files import check_target, expand, make_folder, targets
from luthier.cli.info import clock
from luthier.core import LuthierError, ParameterError, threads
from luthier.core.arrays import Samples

if TYPE_CHECKING:
    from luthier.effects import Effect
    from luthier.io import Info, Reader

__all__ = ["add_to", "run"]

#: Samples of all channels that are in memory at a time: 2 MB in float32.
BLOCK_SAMPLES = 1 << 19


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "process",
        help="run files through a chain of effects",
        usage="luthier process INPUT [INPUT ...] OUTPUT (--chain CHAIN | --preset FILE) [options]",
        description="Run audio files through a chain of effects. The result is as long as the input and in "
        "time with it. Memory does not grow with the file. The ending of OUTPUT chooses the format.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.make_epilog = _epilog
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="an audio file or a quoted glob")
    parser.add_argument(
        "output", metavar="OUTPUT", help="a file; for many inputs a directory, or a name with {stem} or *"
    )
    chain = parser.add_mutually_exclusive_group(required=True)
    chain.add_argument("--chain", metavar="CHAIN", help="the effects, such as 'highpass(80) | gain(-3)'")
    chain.add_argument("--preset", metavar="FILE", help="the effects from a JSON file (Effect.to_json)")
    parser.add_argument("--tail", action="store_true", help="keep what rings on after the end of the input")
    parser.add_argument(
        "--subtype", help="how samples are stored, such as PCM_24 or FLOAT; by default as in the input"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    parser.add_argument(
        "-j", "--jobs", type=int, metavar="N", help="files done at the same time (default: one a processor)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    parser.set_defaults(run=run)


def _epilog() -> str:
    return (
        "a chain is effects with '|' between them; values are numbers, named or in order; 'mix(a, b | c)'\n"
        "sums branches, and 'dry' is a branch that changes nothing:\n\n"
        "  luthier process in.wav out.wav --chain 'highpass(80) | mix(dry, compressor | gain(-6))'\n\n"
        "effects ('luthier effects NAME' shows ranges and units):\n\n" + textwrap.indent(summary(), "  ")
    )


def run(arguments: argparse.Namespace) -> int:
    """Process every file."""
    effect = _effect(arguments)
    sources = expand(arguments.inputs)
    outputs = targets(sources, arguments.output)
    _check_formats(outputs, arguments.subtype)
    if arguments.jobs is not None and arguments.jobs < 1:
        raise UsageError(f"--jobs must be at least 1, got {arguments.jobs}")
    make_folder(arguments.output)

    def work(i: int, progress: Progress) -> str:
        check_target(outputs[i], overwrite=arguments.overwrite)
        done = process_file(
            sources[i], outputs[i], effect, progress, tail=arguments.tail, subtype=arguments.subtype
        )
        return f"{sources[i]} -> {outputs[i]}: {done}"

    return each_file(
        work, sources, jobs=arguments.jobs or threads(), quiet=arguments.quiet, debug=arguments.debug
    )


def _check_formats(outputs: Sequence[Path], subtype: str | None) -> None:
    """Raise `UsageError` when no output can be written as asked; one of many that cannot fails alone."""
    from luthier.io.formats import choose

    refused: LuthierError | None = None
    for output in outputs:
        try:
            choose(str(output), None, subtype)
        except LuthierError as error:
            refused = refused or error
        else:
            return
    if refused is not None:
        raise UsageError(str(refused)) from refused


def _effect(arguments: argparse.Namespace) -> Effect:
    from luthier.cli.chain_syntax import parse_chain
    from luthier.effects import Effect

    try:
        if arguments.chain is not None:
            return parse_chain(arguments.chain)
        return Effect.from_json(Path(arguments.preset).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{arguments.preset}: not JSON, which is text in UTF-8") from error
    except (OSError, ParameterError, TypeError) as error:
        raise UsageError(one_line(error, arguments.preset)) from error


@dataclass(frozen=True)
class Done:
    """What became of a file."""

    duration: float
    seconds: float
    peak: float
    clips: bool

    def __str__(self) -> str:
        speed = self.duration / self.seconds if self.seconds > 0 else math.inf
        level = f"peak {20 * math.log10(self.peak):+.1f} dBFS" if self.peak > 0 else "silence"
        clipped = ", CLIPPED: lower it with gain, or use --subtype FLOAT" if self.clips else ""
        return f"{clock(self.duration)}, {speed:.0f} x real time, {level}{clipped}"


def process_file(
    source: Path, target: Path, effect: Effect, progress: Progress, *, tail: bool, subtype: str | None
) -> Done:
    """Stream one file through an effect into another file, which appears when it is whole."""
    import luthier.io as lio

    started = time.perf_counter()
    peak = 0.0
    with lio.open(source) as reader:
        progress.expect(reader.info.duration)
        stored = _subtype(target, reader.info) if subtype is None else subtype
        with lio.Writer(target, reader.sample_rate, reader.channels, subtype=stored) as writer:
            for block in _processed(reader, effect, progress, tail=tail):
                peak = max(peak, float(np.max(np.abs(block), initial=0.0)))
                writer.write(block)
            frames = writer.frames
    # Codes reach from -1 to just below 1: what rounds to full scale is not yet clipped.
    clips = peak > 1.0 and lio.info(target).subtype not in ("FLOAT", "DOUBLE")
    return Done(frames / reader.sample_rate, time.perf_counter() - started, peak, clips)


def _processed(reader: Reader, effect: Effect, progress: Progress, *, tail: bool) -> Iterator[Samples]:
    """The blocks of a file's result: without the latency in front, and as long as the file or its tail."""
    fine = reader.info.subtype in ("DOUBLE", "PCM_32")
    dtype = "float64" if fine else "float32"
    stream = effect.stream(reader.sample_rate, reader.channels, dtype=dtype)
    frames = max(1, BLOCK_SAMPLES // reader.channels)
    skip = stream.latency

    while True:
        block = reader.read(frames, dtype=dtype)
        if block.shape[1] == 0:
            break
        result = stream.process(block, out=block)
        yield result[:, skip:]
        skip = max(0, skip - result.shape[1])
        progress.advance(block.shape[1] / reader.sample_rate)
    silence = np.zeros((reader.channels, stream.latency), dtype)
    rest = stream.flush() if tail else stream.process(silence)
    yield rest[:, skip:]


def _subtype(target: Path, info: Info) -> str | None:
    """The input's subtype where the output's format has it; None, the format's default, where not."""
    import luthier.io as lio

    for form in lio.available_formats():
        if target.suffix.lower() in form.extensions and info.subtype in form.subtypes:
            return info.subtype
    return None
