"""Which files a command reads, and where it writes what it makes of each."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Sequence
from pathlib import Path

from luthier.cli.errors import UsageError

__all__ = ["check_target", "expand", "make_folder", "targets"]

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


def expand(patterns: Sequence[str]) -> list[Path]:
    """Return the files that the arguments name: a path as it is, a quoted glob as what it matches.

    ``**`` matches any depth. Nothing is listed twice.

    Raises
    ------
    UsageError
        For a pattern that matches nothing, and for ``-``: a file's size must be known, a pipe has none.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern == "-":
            raise _no_pipes("read from standard input")
        if not os.path.lexists(pattern) and glob.has_magic(pattern):
            matches = sorted(m for m in glob.glob(pattern, recursive=True) if not os.path.isdir(m))
            if not matches:
                raise UsageError(f"no file matches {pattern!r}")
            found.update(dict.fromkeys(matches))
        else:
            found[pattern] = None
    return [Path(path) for path in found]


def targets(sources: Sequence[Path], out: str, *, suffix: str | None = None) -> list[Path]:
    """Return where the result of each source goes, or raise `UsageError` before anything is written.

    Parameters
    ----------
    sources
        The inputs.
    out
        A file, for one input; a directory (one that exists, or a name that ends in ``/``, which is made);
        or a pattern in whose last part ``*`` or ``{stem}`` stands for the input's name without suffix.
    suffix
        What replaces the input's own suffix in a directory, such as ``".csv"``.
    """
    if out == "-":
        raise _no_pipes("write to standard output")
    path = Path(out)
    is_pattern = "{stem}" in path.name or "*" in path.name
    if out.endswith(_SEPARATORS) or path.is_dir():
        _check_folder(path)
        named = [path / (s.name if suffix is None else s.with_suffix(suffix).name) for s in sources]
    elif is_pattern:
        named = [path.with_name(path.name.replace("{stem}", s.stem).replace("*", s.stem)) for s in sources]
    elif len(sources) == 1:
        named = [path]
    else:
        raise UsageError(
            f"{len(sources)} inputs need an output that is a directory (create it, or end its name in "
            f"'{os.sep}') or a pattern such as 'out/{{stem}}.flac', got {out!r}"
        )
    if not out.endswith(_SEPARATORS) and not path.is_dir() and not path.parent.is_dir():
        _check_folder(path.parent)
        raise UsageError(f"{path}: the output folder {str(path.parent)!r} does not exist; create it first")
    owners: dict[str, Path] = {}
    inputs = {os.path.realpath(source): source for source in sources}
    for source, target in zip(sources, named, strict=True):
        place = os.path.realpath(target)
        if place in inputs:
            raise UsageError(f"{target} is an input: choose another output, inputs are never overwritten")
        if place in owners:
            raise UsageError(f"{owners[place]} and {source} would both be written to {target}")
        owners[place] = source
    return named


def make_folder(out: str) -> None:
    """Make the directory that an output ending in ``/`` names. The last step before files are written."""
    if out.endswith(_SEPARATORS):
        Path(out).mkdir(parents=True, exist_ok=True)


def _check_folder(folder: Path) -> None:
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file, not an output folder")


def _no_pipes(what: str) -> UsageError:
    return UsageError(f"'-' would {what}: pipes are not supported (a file of that name is './-')")


def check_target(target: Path, *, overwrite: bool) -> None:
    """Raise `FileExistsError` where `target` exists and may not be replaced."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a directory", str(target))
    if not overwrite and os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "exists already; --overwrite replaces it", str(target))
