"""`Writer`: an audio file written piece by piece, which appears under its name only when it is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import warnings
from types import TracebackType
from typing import Any, Self

import numpy as np

from luthier.core import ClippingWarning, EncodeError, LayoutError, ParameterError, StreamError
from luthier.core.arrays import Layout, borrow, check_sample_rate
from luthier.io import _native, formats, sndfile
from luthier.io.sources import label

__all__ = ["Writer"]


class Writer:
    """An audio file written piece by piece in constant memory.

    The samples go to a temporary file beside the target, which takes the target's name on `close`. When
    the ``with`` block is left by an error, Ctrl-C included, the temporary file is removed and what was
    under the target's name before is still there.

    Parameters
    ----------
    path
        Where to write, a ``str`` or ``os.PathLike``; the ending chooses the format (see
        `available_formats`). What stands there already must be a regular file, or a link to one.
    sample_rate
        Frames a second, a whole number.
    channels
        Samples in a frame.
    subtype
        How samples are stored, ``"PCM_16"``, ``"PCM_24"``, ``"FLOAT"``, ...; by default the first of the
        format's subtypes.
    frames
        How many frames will come, where that is known. A WAV file of unknown length keeps 36 bytes in its
        header free, so that it can become RF64 beyond 4 GiB.

    Raises
    ------
    UnsupportedFormat
        When the file name's ending is unknown.
    EncodeError
        When the format cannot hold such a signal, or the path is a pipe or a device.
    ParameterError
        When `path` is no path: ``bytes`` and file objects are not taken.
    OSError
        As the built-in `open`, and when the disk is full.

    Warns
    -----
    ClippingWarning
        Once, on `close`, when samples beyond full scale were clipped by an integer subtype.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> with lio.Writer("copy.flac", 48_000, channels=2) as writer:
    ...     for _ in range(10):
    ...         writer.write(np.zeros((2, 4_800), np.float32))
    >>> lio.info("copy.flac").frames
    48000
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: float,
        channels: int,
        *,
        subtype: str | None = None,
        frames: int | None = None,
    ) -> None:
        self._encoder: _native.Encoder | None = None
        self._temporary: str | None = None
        self._above = 0
        plain = check_path(path)
        self._name = label(plain)
        mode = _mode_of(plain, self._name)
        self._rate = whole_rate(sample_rate)
        if not isinstance(channels, int | np.integer) or isinstance(channels, bool):
            raise ParameterError(f"channels must be a whole number, got {channels!r}")
        self._channels = int(channels)
        form, kind = formats.choose(self._name, subtype)
        self._unclipped = 'subtype="FLOAT"' if "FLOAT" in form.subtypes else 'WAV with subtype="FLOAT"'
        formats.check(self._name, form, self._rate, self._channels)
        if form.name != "WAV" and not _native.sndfile_loaded():
            sndfile.load()
        # A symbolic link keeps pointing where it does: its target is what is replaced.
        self._target = os.path.realpath(plain)
        descriptor, self._temporary = _create_beside(self._target, plain, mode)
        try:
            self._encoder = _native.open_encoder(
                descriptor,
                self._name,
                form.name,
                kind,
                self._rate,
                self._channels,
                -1 if frames is None else int(frames),
            )
        except BaseException:
            self.abort()
            raise

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return self._open().position

    @property
    def closed(self) -> bool:
        """Whether the file was completed or given up."""
        return self._encoder is None

    def write(self, samples: Any, *, layout: Layout = "channels_first") -> None:
        """Append samples.

        Parameters
        ----------
        samples
            float32 or float64, ``(channels, frames)``, or ``(frames,)`` for one channel. Full scale is
            1: integer subtypes and lossy formats clip beyond it, ``FLOAT`` and ``DOUBLE`` keep it.
        layout
            ``"frames_first"`` for ``(frames, channels)``.

        Raises
        ------
        EncodeError
            For a sample that is infinite or not a number. All samples are looked at before the first
            is encoded: none of these is in the file then, and the writer can go on. Any other failure
            gives the file up.
        LayoutError
            For another shape or dtype.
        """
        encoder = self._open()
        planar = borrow_planar(samples, layout)
        if planar.shape[0] != self._channels:
            swapped = formats.swapped(layout) if planar.shape[1] == self._channels else ""
            raise LayoutError(
                f"{self._name}: samples must have {self._channels} channels as the writer has, "
                f"got {planar.shape[0]}{swapped}"
            )
        if planar.shape[1] == 0:
            return
        above = encoder.check(planar)
        try:
            encoder.write(planar)
        except BaseException:
            self.abort()
            raise
        self._above += above

    def close(self) -> None:
        """Complete the file and give it its name. Closing twice is allowed.

        Warns
        -----
        ClippingWarning
            When samples beyond full scale were clipped by an integer subtype.
        """
        self._complete()

    def _complete(self) -> None:
        # Called by what the user calls, and by nothing else: the warning names the user's line.
        if self._encoder is None or self._temporary is None:
            return
        try:
            self._encoder.finish()
            self._encoder = None
            os.replace(self._temporary, self._target)
            self._temporary = None
        except BaseException:
            self.abort()
            raise
        if self._above > 0:
            warnings.warn(self._clipped(), ClippingWarning, stacklevel=3)

    def _clipped(self) -> str:
        many = self._above != 1
        return (
            f"{self._name}: {self._above:,} sample{'s' if many else ''} beyond full scale (1.0) "
            f"{'were' if many else 'was'} clipped; lower the level, or write {self._unclipped}"
        )

    def abort(self) -> None:
        """Give the file up: nothing is left of it, and what was under its name before stays."""
        if self._encoder is not None:
            self._encoder.abandon()
            self._encoder = None
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary)
            self._temporary = None

    def _open(self) -> _native.Encoder:
        if self._encoder is None:
            raise StreamError(f"{self._name}: the writer is closed")
        return self._encoder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._complete()
        else:
            self.abort()

    def __del__(self) -> None:
        if getattr(self, "_temporary", None) is not None:
            warnings.warn(
                f"a Writer of {self._name} was never closed: the file was not written",
                ResourceWarning,
                stacklevel=2,
            )
            self.abort()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self.frames} frames so far"
        return f"<Writer of {self._name}: {self._channels} channels, {self._rate} Hz, {state}>"


def whole_rate(sample_rate: object) -> int:
    """The sample rate as the whole number that files hold."""
    rate = check_sample_rate(sample_rate)
    if rate != int(rate):
        raise ParameterError(f"sample_rate of a file must be a whole number, got {sample_rate!r}")
    return int(rate)


def borrow_planar(samples: Any, layout: Layout) -> Any:
    """`samples` as a contiguous ``(channels, frames)``."""
    borrowed = borrow(samples, layout=layout)
    if borrowed.ndim == 3:
        raise LayoutError(f"samples must be (frames,) or (channels, frames), got a batch of {borrowed.batch}")
    return borrowed.array[0]


def check_path(path: object) -> str:
    """The path to write to as a string, or the error that says what is allowed."""
    if isinstance(path, str | os.PathLike):
        return os.fsdecode(path)
    allowed = "path must be a str or an os.PathLike"
    if isinstance(path, bytes | bytearray | memoryview):
        raise ParameterError(
            f"{allowed}, got {type(path).__name__}, which stands for a file's contents in luthier.io.read; "
            "pass os.fsdecode(path)"
        )
    if hasattr(path, "write"):
        raise ParameterError(
            f"{allowed}, got {type(path).__name__}: a file takes its name when it is whole, which an open "
            "one cannot; write to a temporary file and copy its bytes"
        )
    raise ParameterError(f"{allowed}, got {path if path is None else type(path).__name__}")


def _mode_of(path: str, name: str) -> int | None:
    """The permissions of what the new file will replace, None for nothing, or why it must not be replaced."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "is a directory; name a file in it", path)
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
        raise EncodeError(
            f"{name}: is {kinds.get(stat.S_IFMT(mode), 'a device')}, not a regular file. The finished file "
            "would replace it; write to a regular file, and copy that"
        )
    if not os.access(path, os.W_OK):
        raise PermissionError(13, "is read-only", path)
    return stat.S_IMODE(mode) & 0o777


def _create_beside(target: str, name: str, mode: int | None) -> tuple[int, str]:
    """A new file in the target's folder, with the permissions `mode` where those are known."""
    folder, base = os.path.split(target)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    for _ in range(100):
        path = os.path.join(folder, f".{base[:100]}.{secrets.token_hex(6)}.part")
        try:
            descriptor = os.open(path, flags, 0o666)
        except FileExistsError:
            continue
        except OSError as error:
            error.filename = name
            raise
        if mode is not None and hasattr(os, "fchmod"):
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, mode)
        return descriptor, path
    raise FileExistsError(17, "no free temporary name beside it", name)
