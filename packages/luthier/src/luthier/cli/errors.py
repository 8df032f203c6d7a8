"""What a command raises for its exit code, and how an error becomes one line."""

from __future__ import annotations

from luthier.core import LuthierError

__all__ = ["UsageError", "one_line"]


class UsageError(LuthierError):
    """The command line asks for something that cannot be meant. Exit code 2."""


def one_line(error: BaseException, path: object = None) -> str:
    """Return what went wrong in one line, with `path` in front where the message does not name it."""
    if isinstance(error, LuthierError):
        message = str(error)
    elif isinstance(error, OSError) and error.strerror:
        message = error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    elif isinstance(error, MemoryError):
        message = "not enough memory"
    else:
        message = f"{type(error).__name__}: {error}"
    message = " ".join(message.split())
    names_a_file = isinstance(error, OSError) and error.filename is not None
    return message if path is None or names_a_file or str(path) in message else f"{path}: {message}"
