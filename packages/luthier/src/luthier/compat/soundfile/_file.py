"""`SoundFile`."""

from __future__ import annotations

import contextlib
import operator
import os
from collections.abc import Generator
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from luthier.compat.soundfile import _names
from luthier.compat.soundfile._arrays import check_dtype, check_dtype_name, finite
from luthier.compat.soundfile._errors import LibsndfileError, SoundFileRuntimeError
from luthier.compat.soundfile._exact import ExactFile, warn_of_damage
from luthier.compat.soundfile._handle import READ, READ_WRITE, LibraryFile
from luthier.compat.soundfile._opening import (
    Details,
    asked_for,
    check_openable,
    make_way,
    mode_number,
    open_exact,
    position,
    read_details,
)
from luthier.core import DamageReport, DecodeError, LuthierError

__all__ = ["SoundFile"]

_KEEPS_ANY_FLOAT = ("FLOAT", "DOUBLE")
# libsndfile's number for a tag set while reading.
_CANNOT_SET = 54


class SoundFile:
    """A sound file as python-soundfile opens it.

    Reading whole frames of WAV, AIFF, AU, CAF, W64, FLAC, Ogg and MP3 files goes through `luthier.io`,
    whose seeks are exact; every other mode and format through libsndfile itself.

    Parameters
    ----------
    file
        A path, a file descriptor, or a binary file object with the methods ``seek``, ``tell`` and
        ``read`` (or ``readinto``) or ``write``, as the mode needs them.
    mode
        ``"r"``, ``"r+"``, ``"w"``, ``"w+"``, ``"x"`` or ``"x+"``. None takes the mode of the file object.
    samplerate, channels
        For writing and for RAW files: frames a second, and samples in a frame.
    subtype, endian, format
        For writing and for RAW files: names from `available_subtypes`, ``"FILE"``, ``"LITTLE"``,
        ``"BIG"`` or ``"CPU"``, and names from `available_formats`. The file name's ending is the
        default format, and each format has a default subtype.
    closefd
        Whether `close` closes a file descriptor that was given.
    compression_level
        For writing formats that compress, from 0 (most bits) to 1.
    bitrate_mode
        For writing MP3 with a compression level: ``"CONSTANT"``, ``"AVERAGE"`` or ``"VARIABLE"``.

    Raises
    ------
    LibsndfileError
        When the file cannot be opened.
    TypeError, ValueError
        When the arguments make no sense.

    Examples
    --------
    >>> import numpy as np, luthier.compat.soundfile as sf
    >>> with sf.SoundFile("tone.wav", "w", samplerate=44_100, channels=2) as file:
    ...     file.write(np.zeros((1_000, 2)))
    >>> with sf.SoundFile("tone.wav") as file:
    ...     file.seek(900), file.read().shape, file.subtype
    (900, (100, 2), 'PCM_16')
    """

    _opened: LibraryFile | ExactFile | None = None

    def __init__(
        self,
        file: Any,
        mode: str | None = "r",
        samplerate: int | None = None,
        channels: int | None = None,
        subtype: str | None = None,
        endian: str | None = None,
        format: str | None = None,  # noqa: A002
        closefd: bool = True,
        compression_level: float | None = None,
        bitrate_mode: str | None = None,
    ) -> None:
        if isinstance(file, os.PathLike):
            file = os.fspath(file)
        if mode is None:
            mode = getattr(file, "mode", None)
            if mode is None:
                raise TypeError("Can not get `mode` from file. provided `mode` is None.")
        self._name = file
        self._mode = mode
        self._compression_level = compression_level
        self._bitrate_mode = bitrate_mode
        self._details: Details | None = None
        self._frames = 0
        number = mode_number(mode)
        info = asked_for(file, mode, samplerate, channels, format, subtype, endian)
        check_openable(file, number)
        self._start = position(file) if number == READ else 0
        opened: LibraryFile | ExactFile | None = None
        error: DecodeError | None = None
        if number == READ and info.format == 0:
            opened, error = open_exact(file, self._start, closefd)
        if opened is None:
            make_way(file, mode, number)
            opened = LibraryFile(file, number, info, file, closefd)
            if error is not None:
                warn_of_damage(str(error), error.report or DamageReport(str(error), 0, None, None, 0))
        self._opened = opened
        self._rate, self._channels = opened.samplerate, opened.channels
        self._subtype, self._seekable = opened.subtype, opened.seekable
        if isinstance(opened, LibraryFile):
            if number == READ_WRITE and opened.seekable:
                opened.seek(0, os.SEEK_SET)  # libsndfile would write at the end
            self._details = Details(opened.format, opened.subtype, opened.endian, opened.sections)
            if compression_level is not None:
                try:
                    opened.set_compression(compression_level, bitrate_mode)
                except BaseException:
                    self.close()
                    raise

    @property
    def name(self) -> Any:
        """The path, file descriptor or file object that was given."""
        return self._name

    @property
    def mode(self) -> str:
        """How the file was opened."""
        return self._mode

    @property
    def samplerate(self) -> int:
        """Frames a second."""
        return self._rate

    @property
    def channels(self) -> int:
        """Samples in a frame."""
        return self._channels

    @property
    def frames(self) -> int:
        """Frames in the file."""
        return self._frames if self._opened is None else self._opened.frames

    @property
    def format(self) -> str:
        """The name of the format: ``"WAV"``."""
        return self._detailed().format

    @property
    def subtype(self) -> str:
        """The name of how samples are stored: ``"PCM_16"``."""
        return self._subtype

    @property
    def endian(self) -> str:
        """The order of bytes; ``"FILE"`` for the format's own."""
        return self._detailed().endian

    @property
    def format_info(self) -> str:
        """The format in words."""
        return _names.describe(_names.FORMATS[self.format])

    @property
    def subtype_info(self) -> str:
        """The subtype in words."""
        return _names.describe(_names.SUBTYPES[self.subtype])

    @property
    def sections(self) -> int:
        """The number of sections that libsndfile counts."""
        return self._detailed().sections

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._opened is None

    @property
    def compression_level(self) -> float | None:
        """As it was given."""
        return self._compression_level

    @property
    def bitrate_mode(self) -> str | None:
        """As it was given."""
        return self._bitrate_mode

    @property
    def extra_info(self) -> str:
        """What libsndfile noted while it parsed the header."""
        opened = self._open()
        return opened.log() if isinstance(opened, LibraryFile) else self._detailed().log

    def seekable(self) -> bool:
        """Whether the file has positions to go to."""
        return self._seekable

    def seek(self, frames: int, whence: int = os.SEEK_SET) -> int:
        """Go to a frame, and say which one that is.

        Parameters
        ----------
        frames
            How far from `whence`.
        whence
            ``SEEK_SET`` (the start), ``SEEK_CUR`` (here) or ``SEEK_END`` (the end, from which `frames`
            is not positive).

        Raises
        ------
        LibsndfileError
            When there is no such frame, or the file has no positions.
        """
        return self._open().seek(operator.index(frames), whence)

    def tell(self) -> int:
        """The frame that is read or written next."""
        return self._open().tell()

    def read(
        self,
        frames: int = -1,
        dtype: npt.DTypeLike = "float64",
        always_2d: bool = False,
        fill_value: float | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """Read frames from here.

        Parameters
        ----------
        frames
            How many; all that are left by default. Fewer are returned at the end.
        dtype
            ``"float64"``, ``"float32"``, ``"int32"`` or ``"int16"``. Integers are codes at full scale,
            except from files of floats, whose samples are rounded as they are.
        always_2d
            Whether a mono file gives ``(frames, 1)`` as well, and not ``(frames,)``.
        fill_value
            What to fill up with where the file ends, so that as many frames come as were asked for.
        out
            An array to read into, ``(frames, channels)``, or ``(frames,)`` for mono; it decides how many
            frames, and the dtype.

        Returns
        -------
        numpy.ndarray
            ``(frames, channels)``, or ``(frames,)``.

        Warns
        -----
        luthier.core.DamagedAudioWarning
            Once for a file, where audio is damaged or missing; what is good before that is returned. A
            damaged FLAC file is a `LibsndfileError`.
        """
        opened = self._open()
        if out is None:
            count = self._countable(frames, fill_value)
            kind = check_dtype(dtype)
            if fill_value is None:
                data = opened.take(count, kind)
            else:
                data = np.full((count, self._channels), fill_value, kind)
                opened.fill(data)
            return data if always_2d or self._channels > 1 else data[:, 0]
        self._check_array(out)
        wanted = len(out) if frames < 0 else min(len(out), operator.index(frames))
        target = out[:wanted].reshape(wanted, self._channels)
        if out.dtype.isnative:
            got = opened.fill(target)
        else:
            native = opened.take(wanted, out.dtype.name)
            got = len(native)
            target[:got] = native
        if got == len(out):
            return out
        if fill_value is None:
            return out[:got]
        out[got:] = fill_value
        return out

    def buffer_read(self, frames: int = -1, dtype: str | None = None) -> memoryview:
        """Read frames from here as the bytes of their samples.

        Parameters
        ----------
        frames
            How many; all that are left by default.
        dtype
            ``"float64"``, ``"float32"``, ``"int32"`` or ``"int16"``.
        """
        opened = self._open()
        count = self._countable(frames, None)
        data = opened.take(count, check_dtype_name(dtype))
        return data.reshape(-1).view(np.uint8).data

    def buffer_read_into(self, buffer: Any, dtype: str) -> int:
        """Read frames from here into a writable buffer, and say how many.

        Parameters
        ----------
        buffer
            ``bytearray``, ``memoryview``, array, ...: room for whole frames.
        dtype
            ``"float64"``, ``"float32"``, ``"int32"`` or ``"int16"``.
        """
        opened = self._open()
        data = self._framed(buffer, dtype)
        if not data.flags.writeable:
            raise ValueError(f"the buffer must be writable, got {type(buffer).__name__}")
        return opened.fill(data)

    def write(self, data: Any) -> None:
        """Write frames from here on.

        Parameters
        ----------
        data
            float64, float32, int32 or int16; ``(frames, channels)``, or ``(frames,)`` for mono. Integers
            are codes at full scale, except in files of floats, which take their values as they are.

        Warns
        -----
        luthier.core.NonFiniteWarning
            When samples are infinite or not a number and the subtype has no such codes: full scale or
            silence is written in their place.
        """
        opened = self._writable()
        array = np.ascontiguousarray(data)
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        self._check_array(array)
        if array.dtype.kind == "f" and self._subtype not in _KEEPS_ANY_FLOAT:
            array = finite(array, self._name)
        opened.write(array)

    def buffer_write(self, data: Any, dtype: str) -> None:
        """Write frames that are given as the bytes of their samples.

        Parameters
        ----------
        data
            ``bytes``, ``memoryview``, array, ...: whole frames.
        dtype
            ``"float64"``, ``"float32"``, ``"int32"`` or ``"int16"``.
        """
        self._writable().write(self._framed(data, dtype))

    def blocks(
        self,
        blocksize: int | None = None,
        overlap: int = 0,
        frames: int = -1,
        dtype: npt.DTypeLike = "float64",
        always_2d: bool = False,
        fill_value: float | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> Generator[npt.NDArray[Any], None, None]:
        """Read block after block from here.

        Parameters
        ----------
        blocksize
            Frames in a block; only the last one may have fewer.
        overlap
            How many frames a block begins before the end of the one before it; fewer than `blocksize`.
        frames
            How many frames in all; those that are left by default.
        dtype, always_2d
            As for `read`.
        fill_value
            What the last block is filled up with.
        out
            An array for every block, in the place of `blocksize`. The next block overwrites it.

        Yields
        ------
        numpy.ndarray
            ``(blocksize, channels)``, or ``(blocksize,)`` for mono.
        """
        self._open()
        if "r" not in self._mode and "+" not in self._mode:
            raise SoundFileRuntimeError("blocks() is not allowed in write-only mode")
        if out is None:
            if blocksize is None:
                raise TypeError("One of {blocksize, out} must be specified")
            size = operator.index(blocksize)
            shape = (size, self._channels) if always_2d or self._channels > 1 else (size,)
            kind = check_dtype(dtype)
        else:
            if blocksize is not None:
                raise TypeError("Only one of {blocksize, out} may be specified")
            self._check_array(out)
            size, shape, kind = len(out), out.shape, out.dtype.name
        if not 0 <= overlap < size:
            raise ValueError(
                f"overlap must be from 0 to less than the {size} frames of a block, got {overlap}"
            )
        left = self._countable(frames, fill_value)
        # What the next block begins with: its reader may change the block that it was given.
        kept = np.empty((0, *shape[1:]), kind)
        while left > 0:
            block = np.empty(shape, kind) if out is None else out
            block[: len(kept)] = kept
            wanted = min(size - len(kept), left)
            piece = block[len(kept) : len(kept) + wanted]
            got = len(self.read(wanted, fill_value=fill_value, out=piece))
            left = left - wanted if got == wanted else 0
            end = len(kept) + got
            if end < size and fill_value is not None:
                block[end:] = fill_value
            elif end < size:
                if got == 0:
                    return
                block = block[:end]
            if overlap and left:
                kept = np.copy(block[size - overlap :])
            yield block

    def truncate(self, frames: int | None = None) -> None:
        """Cut the file after `frames` frames, here by default."""
        opened = self._writable()
        opened.truncate(opened.tell() if frames is None else operator.index(frames))

    def flush(self) -> None:
        """Write to the disk what is not there yet."""
        opened = self._open()
        if isinstance(opened, LibraryFile):
            opened.flush()

    def close(self) -> None:
        """Complete the file and let go of it. Closing twice is allowed."""
        opened = self._opened
        if opened is None:
            return
        self._frames = opened.frames
        self._opened = None
        opened.close()

    def copy_metadata(self) -> dict[str, str]:
        """The texts in the file (title, artist, ...), by name."""
        return {name: text for name in _names.TAGS if (text := getattr(self, name))}

    def _getAttributeNames(self) -> list[str]:  # noqa: N802
        return list(_names.TAGS)

    def __getattr__(self, name: str) -> Any:
        if name not in _names.TAGS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        opened = self._open()
        return opened.tag(name) if isinstance(opened, LibraryFile) else self._detailed().tags.get(name, "")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _names.TAGS:
            self._writable(_CANNOT_SET).set_tag(name, value)
        else:
            super().__setattr__(name, value)

    def __len__(self) -> int:
        return self.frames

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def __repr__(self) -> str:
        given = {"compression_level": self._compression_level, "bitrate_mode": self._bitrate_mode}
        more = "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)
        return (
            f"SoundFile({self.name!r}, mode={self.mode!r}, samplerate={self.samplerate}, "
            f"channels={self.channels}, format={self.format!r}, subtype={self.subtype!r}, "
            f"endian={self.endian!r}{more})"
        )

    def _open(self) -> LibraryFile | ExactFile:
        if self._opened is None:
            raise SoundFileRuntimeError("I/O operation on closed file")
        return self._opened

    def _writable(self, code: int = 22) -> LibraryFile:
        opened = self._open()
        if isinstance(opened, ExactFile):
            raise LibsndfileError(code)
        return opened

    def _seek_range(self, start: int, stop: int | None, frames: int) -> int:
        """Go to `start`, and say how many frames there are from there to `stop`."""
        if start != 0 and not self.seekable():
            raise ValueError("start is only allowed for seekable files")
        if frames >= 0 and stop is not None:
            raise TypeError("Only one of {frames, stop} may be used")
        start, stop, _ = slice(start, stop).indices(self.frames)
        if frames < 0:
            frames = max(0, stop - start)
        if self.seekable():
            self.seek(start)
        return frames

    def _countable(self, frames: int, fill_value: float | None) -> int:
        frames = operator.index(frames)
        if self.seekable():
            left = max(0, self.frames - self.tell())
            return left if frames < 0 or (frames > left and fill_value is None) else frames
        if frames < 0:
            raise ValueError("frames must be specified for non-seekable files")
        return frames

    def _check_array(self, array: npt.NDArray[Any]) -> None:
        if array.ndim not in (1, 2):
            few = "few" if array.ndim < 1 else "many"
            raise ValueError(f"Invalid shape: {array.shape} (too {few} dimensions)")
        channels = 1 if array.ndim == 1 else array.shape[1]
        if channels != self._channels:
            raise ValueError(
                f"Invalid shape: {array.shape} (Expected {self._channels} channels, got {channels})"
            )
        if not array.flags.c_contiguous:
            raise ValueError("Data must be C-contiguous")
        check_dtype_name(array.dtype.name)

    def _framed(self, buffer: Any, dtype: str) -> npt.NDArray[Any]:
        """A buffer as ``(frames, channels)``."""
        kind = np.dtype(check_dtype_name(dtype))
        view = memoryview(buffer).cast("B")
        if view.nbytes % (self._channels * kind.itemsize):
            raise ValueError(
                f"Data size must be a multiple of frame size, {self._channels * kind.itemsize} bytes, "
                f"got {view.nbytes}"
            )
        return np.frombuffer(view, kind).reshape(-1, self._channels)

    def _detailed(self) -> Details:
        if self._details is None:
            exact = self._opened
            try:
                self._details = read_details(self._name, self._start)
            except (LibsndfileError, LuthierError, OSError, ValueError):
                # The file is gone by now, or no libsndfile is installed.
                form = exact.format if isinstance(exact, ExactFile) else "WAV"
                return Details(form, self._subtype, "FILE")
        return self._details
