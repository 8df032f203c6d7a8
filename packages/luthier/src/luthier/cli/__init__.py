"""The command line ``luthier``. Each command is a module of its name with ``add_to(commands)`` and ``run``.

Exit codes: 0, all done; 1, some file failed; 2, the command line is wrong; 130, interrupted.
Every error is one line on standard error; ``--debug`` shows where it came from.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from luthier.cli import doctor, effects, info, pitch, process
from luthier.cli.errors import UsageError, one_line
from luthier.core import ClippingWarning, LuthierError

__all__ = ["main"]

__version__ = importlib.metadata.version("luthier")

DEBUG = "show the traceback of an error"

_COMMANDS = (info, process, pitch, effects, doctor)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line too, and whose epilog may be made when help is asked for."""

    make_epilog: Callable[[], str] | None = None

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help shows what there is)\n")

    def format_help(self) -> str:
        if self.make_epilog is not None:
            self.epilog = self.make_epilog()
        return super().format_help()


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="luthier",
        description="Audio from the command line: look at files, process them, track their pitch.",
        epilog="'luthier COMMAND --help' shows more of each.",
    )
    parser.add_argument("--version", action="version", version=f"luthier {__version__}")
    parser.add_argument("--debug", action="store_true", help=DEBUG)
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in _COMMANDS:
        command.add_to(commands)
    for command_parser in commands.choices.values():
        command_parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=DEBUG)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Parameters
    ----------
    argv
        The arguments after the program's name; those of this process when None.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.run is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        with _manners():
            if arguments.run is not doctor.run:  # which reports it
                _check_environment()
            return int(arguments.run(arguments))
    except KeyboardInterrupt:
        if arguments.debug:
            traceback.print_exc()
        print("luthier: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone. Python would complain once more on closing standard output.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # the last resort: whatever it is, one line
        if arguments.debug:
            traceback.print_exc()
        known = isinstance(error, (LuthierError, OSError, MemoryError))
        hint = "" if known else " (a bug in luthier: please report what --debug and luthier doctor show)"
        print(f"luthier: {one_line(error)}{hint}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1


def _check_environment() -> None:
    """Raise `UsageError` where the environment asks for kernels that there are not."""
    try:
        import luthier.core._native  # noqa: F401
    except ImportError as error:
        if str(error).startswith("LUTHIER_ISA="):
            raise UsageError(str(error)) from error
        raise


@contextlib.contextmanager
def _manners() -> Iterator[None]:
    """What a program does and a library must not: warnings in one line, and a termination that cleans up."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"luthier: warning: {' '.join(str(message).split())}", file=sys.stderr)

    def stop(number: int, _frame: Any) -> None:
        # Unwinds the stack as Ctrl-C does, so that no half-written file stays.
        raise SystemExit(128 + number)

    before: Any = None
    with contextlib.suppress(ValueError):  # not the main thread
        before = signal.signal(signal.SIGTERM, stop)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            warnings.simplefilter("ignore", ClippingWarning)  # the line about the file says it
            yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
