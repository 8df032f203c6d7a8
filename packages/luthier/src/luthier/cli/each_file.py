"""Doing one thing to many files: on several threads, with a progress bar, whatever fails."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from luthier.cli.errors import one_line

__all__ = ["Progress", "each_file"]


class Progress:
    """A bar on standard error over the seconds of audio of all files; silent when that is no terminal.

    Work calls `advance` often. That is also where an interruption reaches it.
    """

    def __init__(self, *, quiet: bool) -> None:
        hidden = quiet or not sys.stderr.isatty()
        # The bar comes only when the work takes longer than half a second.
        self._bar = tqdm(
            total=0.0, delay=0.5, leave=False, disable=hidden, dynamic_ncols=True,
            bar_format="{desc}{percentage:3.0f} %|{bar}| {n:.0f}/{total:.0f} s of audio, {remaining} left",
        )  # fmt: skip
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def expect(self, seconds: float) -> None:
        """Add the length of a file to what is to be done."""
        with self._lock:
            self._bar.total += seconds

    def advance(self, seconds: float) -> None:
        """Count `seconds` of audio as done. Raises `KeyboardInterrupt` when the user has interrupted."""
        if self._stopped.is_set():
            raise KeyboardInterrupt
        with self._lock:
            self._bar.update(seconds)

    def say(self, line: str, *, error: bool = False) -> None:
        """Print a line above the bar."""
        with self._lock:
            self._bar.clear()
            stream = sys.stderr if error else sys.stdout
            print(line, file=stream, flush=True)

    def stop(self) -> None:
        """Make every worker's next `advance` raise."""
        self._stopped.set()

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


def each_file(
    work: Callable[[int, Progress], str],
    sources: Sequence[Path],
    *,
    jobs: int = 1,
    quiet: bool = False,
    debug: bool = False,
) -> int:
    """Call ``work(i, progress)`` for every source and print the line that it returns, in their order.

    Returns
    -------
    int
        0, or 1 when an error was raised for some file; the others are done all the same.
    """
    progress = Progress(quiet=quiet)
    failed = 0
    with ThreadPoolExecutor(max_workers=max(1, min(jobs, len(sources)))) as pool:
        try:
            futures = [pool.submit(work, i, progress) for i in range(len(sources))]
            for source, future in zip(sources, futures, strict=True):
                try:
                    line = future.result()
                except BrokenPipeError:  # of standard output: nobody reads what is still to come
                    raise
                except Exception as error:  # one file's failure is no reason to leave the others undone
                    failed = 1
                    if debug:
                        progress.say("".join(traceback.format_exception(error)).rstrip(), error=True)
                    progress.say(f"luthier: {one_line(error, source)}", error=True)
                else:
                    if line and not quiet:
                        progress.say(line)
        except BaseException:
            progress.stop()
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            progress.close()
    return failed
