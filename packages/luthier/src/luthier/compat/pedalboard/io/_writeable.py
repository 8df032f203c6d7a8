"""`WriteableAudioFile`."""

from __future__ import annotations

import contextlib
import numbers
import os
import tempfile
import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import numpy as np
import numpy.typing as npt

import luthier.io as lio
from luthier.compat.pedalboard.io import _formats
from luthier.compat.pedalboard.io._arguments import CLOSED, Busy, incompatible, rate_as_shown, whole
from luthier.compat.pedalboard.io._audio_file import AudioFile
from luthier.compat.pedalboard.io._formats import Codec, WriteableAudioFileFlag
from luthier.compat.pedalboard.io._seek_table import copy_with_seek_table
from luthier.compat.pedalboard.io._sources import has_methods
from luthier.core import LuthierError, NonFiniteWarning
from luthier.io.targets import target_of

__all__ = ["WriteableAudioFile"]

_Array = npt.NDArray[Any]

_NEW = (
    "(cls: object, filename: str, samplerate: Optional[float] = None, num_channels: int = 1, bit_depth: "
    "int = 16, quality: Optional[Union[str, float]] = None, codec_options: "
    "dict[pedalboard.io.WriteableAudioFileFlag, Union[bool, float, int, str]] = {}) -> "
    "pedalboard.io.WriteableAudioFile\n"
    "    2. (cls: object, file_like: object, samplerate: Optional[float] = None, num_channels: int = 1, "
    "bit_depth: int = 16, quality: Optional[Union[str, float]] = None, format: Optional[str] = None, "
    "codec_options: dict[pedalboard.io.WriteableAudioFileFlag, Union[bool, float, int, str]] = {}) -> "
    "pedalboard.io.WriteableAudioFile"
)
_WRITE = "(self: pedalboard.io.WriteableAudioFile, samples: numpy.ndarray) -> None"
_HINT = (
    "Provide a non-square array first to allow Pedalboard to determine which dimension corresponds with the "
    "number of channels and which dimension corresponds with the number of samples."
)
_NAMES = ("samplerate", "num_channels", "bit_depth", "quality", "format", "codec_options")


class WriteableAudioFile(AudioFile):
    """An audio file, open for writing. Made by ``AudioFile(path, "w", ...)``.

    The file takes its name, or goes into the file object, when it is closed, and is whole then. It is closed
    where an exception leaves its ``with`` statement, too, and where nobody holds it any more.

    Parameters
    ----------
    filename, file_like
        A path, or a binary file object that can be sought in.
    samplerate
        Frames a second, a whole number.
    num_channels
        Samples in a frame.
    bit_depth
        Bits of a sample: 8, 16, 24 or, for WAV, 32, which are floats. Compressed files other than FLAC have
        none.
    quality
        A number or a name, or a part of one, as the codec calls its qualities: ``128``, ``"V2"``, ``"best"``.
    format
        For file objects: the ending of a name that files of that format have, with its dot or without. By
        default that of the file object's own name.
    codec_options
        Values by `WriteableAudioFileFlag`.

    Raises
    ------
    ValueError
        When the format is unknown or cannot hold such audio, or the path cannot be written to.
    TypeError
        When arguments are of other types than these.
    """

    _writer: lio.Writer | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        given = dict(kwargs)
        target = [given.pop(name) for name in ("filename", "file_like") if name in given] + list(args[:1])
        rest = dict(zip(_NAMES, args[1:], strict=False))
        if (
            len(target) != 1
            or len(args) > 1 + len(_NAMES)
            or not given.keys() <= set(_NAMES)
            or given.keys() & rest.keys()
            or not _fits({**rest, **given})
        ):
            raise incompatible("__new__", _NEW, cls, *args, *kwargs.items())
        self = object.__new__(cls)
        self._open(target[0], **rest, **given)
        return self

    def _open(
        self,
        target: Any,
        samplerate: float | None = None,
        num_channels: int = 1,
        bit_depth: int = 16,
        quality: str | float | None = None,
        format: str | None = None,  # noqa: A002
        codec_options: Mapping[WriteableAudioFileFlag, bool | float | str] = {},
    ) -> None:
        rate = _check_rate(samplerate, num_channels)
        self._target = target
        is_path = isinstance(target, str | bytes | os.PathLike)
        codec = _codec_of_path(target, format) if is_path else _codec_of_file(target, format)
        codec.check(rate, num_channels, bit_depth, quality)
        self._quality = codec.quality(quality)
        _check_options(codec, codec_options)
        self._codec = codec
        self._depth = bit_depth
        self._rate, self._channels = rate, int(num_channels)
        self._busy = Busy("writing to", "writers")
        self._written = 0
        self._frames_last: bool | None = None
        self._warned = False
        self._scratch: BinaryIO | None = None
        if not is_path:
            # What the file object cannot do it says now, and not when all has been written.
            target.write(b"")
            target.seek(target.tell())
        where: Any = os.fsdecode(target) if is_path else target
        if is_path and not os.path.isdir(os.path.dirname(os.path.abspath(where))):
            raise ValueError(f"Unable to open audio file for writing: {where}: there is no such folder.")
        if codec.format == "FLAC":
            self._scratch = where = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115
        try:
            self._writer = lio.Writer(
                where,
                rate,
                self._channels,
                format=codec.format,
                subtype=codec.subtype(bit_depth),
                **codec.options(self._quality, rate),
            )
        except (LuthierError, OSError) as error:
            if self._scratch is not None:
                self._scratch.close()
            if isinstance(error, ImportError):
                raise
            raise ValueError(f"Unable to open audio file for writing: {error}") from error

    @property
    def samplerate(self) -> int:
        """Frames a second."""
        self._open_writer()
        return self._rate

    @property
    def num_channels(self) -> int:
        """Samples in a frame."""
        self._open_writer()
        return self._channels

    @property
    def frames(self) -> int:
        """Frames written so far."""
        return self._written

    @property
    def file_dtype(self) -> str:
        """How samples are stored: ``"int8"``, ``"int16"``, ``"int24"`` or ``"float32"``."""
        self._open_writer()
        return "float32" if self._depth == 32 else f"int{self._depth}"

    @property
    def quality(self) -> str | None:
        """The full name of the quality, None where the codec has none."""
        return self._quality

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._writer is None

    def tell(self) -> int:
        """Frames written so far."""
        return self._written

    def write(self, samples: Any) -> None:
        """Append samples.

        Parameters
        ----------
        samples
            int8, int16, int32, float32 or float64; ``(num_channels, frames)``, ``(frames, num_channels)``, or
            ``(frames,)`` for one channel. Integers are codes at full scale, of which the upper bits are kept
            where the file has fewer; floats are rounded so that reading gives them back.

        Raises
        ------
        RuntimeError
            When the array has another number of channels, or as many frames as channels while it was not
            shown before which is which.
        TypeError
            When it is no array, or of another type.

        Warns
        -----
        luthier.core.NonFiniteWarning
            Once, when samples are infinite or not a number: full scale or silence is written in their place.
        """
        if not isinstance(samples, np.ndarray) or samples.ndim == 0:
            raise incompatible("write", _WRITE, self, samples)
        with self._busy:
            writer = self._open_writer()
            if samples.dtype.name not in ("int8", "int16", "int32", "float32", "float64"):
                raise TypeError(
                    "Writing audio requires an array with a datatype of int8, int16, int32, float32, or "
                    f"float64. (Got: {samples.dtype.name})"
                )
            planar = self._planar(samples)
            # In parts, so that what is converted need not be as long as what is given.
            step = max(1, (1 << 20) // self._channels)
            for start in range(0, planar.shape[1], step):
                part = planar[:, start : start + step]
                writer.write(self._levels(part))
                self._written += part.shape[1]

    def flush(self) -> None:
        """Do nothing: the file is there when it is closed."""
        self._open_writer()

    def close(self) -> None:
        """Complete the file, and give it its name."""
        with self._busy:
            writer = self._writer
            if writer is None:
                raise RuntimeError("Cannot close closed file.")
            self._writer = None
            if self._written == 0 and self._codec.format == "MP3":
                # Without a frame there is nothing that could say the rate and the channels.
                writer.write(np.zeros((self._channels, 1), np.float32))
            try:
                writer.close()
                if self._scratch is not None:
                    self._finish_flac(self._scratch)
            finally:
                if self._scratch is not None:
                    self._scratch.close()

    def _finish_flac(self, scratch: BinaryIO) -> None:
        target = target_of(self._target)
        try:
            with open(target.create(), "wb") as file:
                copy_with_seek_table(scratch, file)
            target.commit()
        except BaseException:
            target.discard()
            raise

    def _planar(self, samples: _Array) -> _Array:
        """The array as ``(channels, frames)``."""
        if samples.ndim > 2:
            raise RuntimeError(f"Number of input dimensions must be 1 or 2 (got {samples.ndim}). {_HINT}")
        if samples.ndim == 1:
            return self._checked(samples[None])
        rows, columns = samples.shape
        if self._channels == 1 and rows == columns == 1:
            return samples
        if rows == columns:
            if self._frames_last is None:
                raise RuntimeError(f"Unable to determine channel layout from shape: {samples.shape}. {_HINT}")
        elif self._channels in (rows, columns):
            self._frames_last = rows == self._channels
        else:
            self._frames_last = rows < columns
        return self._checked(samples if self._frames_last else samples.T)

    def _checked(self, planar: _Array) -> _Array:
        if planar.shape[0] != self._channels:
            raise RuntimeError(
                f"WriteableAudioFile was opened with num_channels={self._channels}, but was passed an array "
                f"containing {planar.shape[0]}-channel audio!"
            )
        return planar

    def _levels(self, planar: _Array) -> _Array:
        """Samples as `luthier.io.Writer` takes them, whose integers are multiples of a power of two."""
        depth = self._depth
        integer = not self._codec.lossy and depth < 32
        if planar.dtype.kind == "i":
            bits = 8 * planar.dtype.itemsize
            if integer and bits > depth:
                planar, bits = planar >> (bits - depth), depth
            wide = bits > 24 and not self._codec.lossy
            levels: _Array = planar.astype(np.float64 if wide else np.float32)
            levels /= 2 ** (bits - 1)
            return levels
        native = planar.astype(planar.dtype.newbyteorder("="), copy=False)
        if not np.isfinite(native).all():
            if not self._warned:
                self._warned = True
                warnings.warn(
                    "samples that are infinite or not a number were written as full scale and silence",
                    NonFiniteWarning,
                    stacklevel=4,
                )
            native = np.nan_to_num(native, nan=0.0, posinf=1.0, neginf=-1.0)
        if self._codec.format == "MP3":
            # Files of 16 bits, the peer says. What it cuts off is rounded here.
            codes: _Array = np.rint(native * native.dtype.type(32_768))
            codes /= 32_768
            return codes
        if not integer:
            return np.ascontiguousarray(native)
        # A float of one is the largest code, as in `ReadableAudioFile.read`.
        scaled: _Array = native * native.dtype.type(1 - 2.0 ** (1 - depth))
        return scaled

    def _open_writer(self) -> lio.Writer:
        if self._writer is None:
            raise RuntimeError(CLOSED)
        return self._writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self.close()

    def __del__(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(Exception):
                self.close()

    def __repr__(self) -> str:
        if self._writer is None:
            return f"<pedalboard.io.WriteableAudioFile closed at {id(self):#x}>"
        is_path = isinstance(self._target, str | bytes | os.PathLike)
        source = f' filename="{os.fsdecode(self._target)}"' if is_path else f" file_like={self._target!r}"
        quality = "" if self._quality is None else f' quality="{self._quality}"'
        return (
            f"<pedalboard.io.WriteableAudioFile{source} samplerate={self._rate} "
            f"num_channels={self._channels}{quality} file_dtype={self.file_dtype} at {id(self):#x}>"
        )


def _fits(given: dict[str, Any]) -> bool:
    """Whether the arguments are of the types that they should be."""
    rate, quality, form = given.get("samplerate"), given.get("quality"), given.get("format")
    options = given.get("codec_options", {})
    return (
        (rate is None or isinstance(rate, numbers.Real))
        and whole(given.get("num_channels", 1))
        and whole(given.get("bit_depth", 16))
        and (quality is None or isinstance(quality, str | numbers.Real))
        and (form is None or isinstance(form, str))
        and isinstance(options, Mapping)
        and all(isinstance(option, WriteableAudioFileFlag) for option in options)
    )


def _check_rate(samplerate: float | None, channels: int) -> int:
    if samplerate is None:
        raise TypeError("Opening an audio file for writing requires a samplerate argument to be provided.")
    if samplerate == 0:
        raise ValueError("Opening an audio file for writing requires a non-zero sample rate.")
    if not float(samplerate).is_integer():
        raise TypeError("Opening an audio file for writing requires an integer sample rate.")
    if channels == 0:
        raise ValueError("Opening an audio file for writing requires a non-zero num_channels.")
    if samplerate < 0 or channels < 0:
        raise ValueError(
            "Opening an audio file for writing requires a positive sample rate and a positive num_channels, "
            f"got {rate_as_shown(samplerate)} and {channels}."
        )
    if channels > samplerate and channels >= 8_000:
        raise ValueError(
            f"Arguments of num_channels={channels} and samplerate={samplerate:f} were provided when opening "
            "a file for writing. These arguments appear to be flipped, and may cause an invalid audio file "
            "to be written. Try reversing the order of the samplerate and num_channels arguments."
        )
    return int(samplerate)


def _codec_of_path(path: Any, form: str | None) -> Codec:
    if form is not None:
        raise TypeError(
            "Expected either a filename or a file-like object (with write, seek, seekable, and tell "
            f"methods), but received: {path!r}. The format of a file is told by the ending of its name."
        )
    name = os.fsdecode(path)
    ending = _formats.ending_of(name)
    if not ending:
        raise ValueError(
            f"No file extension provided - cannot detect audio format to write with for filename: {name}"
        )
    codec = _formats.codec_named(ending)
    if codec is None:
        raise ValueError(f"Unable to detect audio format for file extension: {ending}")
    return codec


def _codec_of_file(file: Any, form: str | None) -> Codec:
    if not has_methods(file, "write", "seek", "seekable", "tell"):
        raise TypeError(
            "Expected either a filename or a file-like object (with write, seek, seekable, and tell "
            f"methods), but received: {file!r}"
        )
    if form is not None:
        codec = _formats.codec_named(form)
        if codec is None:
            raise ValueError(
                f'Provided format argument ("{form}") does not correspond to a supported file type.'
            )
        return codec
    name = getattr(file, "name", None)
    if not isinstance(name, str):
        raise TypeError(
            'Unable to infer audio file format for writing. Expected either a ".name" property on the '
            f"provided file-like object ({file!r}) or an explicit file format passed as the "
            '"format=" argument.'
        )
    return _codec_of_path(name, None)


def _check_options(codec: Codec, options: Mapping[WriteableAudioFileFlag, Any]) -> None:
    for option, value in options.items():
        if codec.format != "MP3":
            raise ValueError(
                f"The codec option {option.name} is not supported by the {codec.name} encoder. The "
                f"{codec.name} encoder does not support any codec options."
            )
        if not isinstance(value, bool):
            raise ValueError(f"{option.name} expects a bool value.")
        if not value:
            warnings.warn(
                f"{option.name}=False is not heeded: luthier's encoder always has its bit reservoir",
                UserWarning,
                stacklevel=5,
            )
