"""`AudioFile`: opens files for reading and for writing, and encodes arrays."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from luthier.compat.pedalboard.io._arguments import incompatible, whole

if TYPE_CHECKING:
    from luthier.compat.pedalboard.io._formats import WriteableAudioFileFlag
    from luthier.compat.pedalboard.io._readable import ReadableAudioFile
    from luthier.compat.pedalboard.io._writeable import WriteableAudioFile

__all__ = ["AudioFile"]

_NEW = (
    "(cls: object, filename_or_file_like: Union[str, object], mode: str = 'r') -> "
    "pedalboard.io.ReadableAudioFile\n"
    "    2. (cls: object, filename_or_file_like: Union[str, object], mode: str = 'w', samplerate: "
    "Optional[float] = None, num_channels: int = 1, bit_depth: int = 16, quality: "
    "Optional[Union[str, float]] = None, format: Optional[str] = None, codec_options: "
    "dict[pedalboard.io.WriteableAudioFileFlag, Union[bool, float, int, str]] = {}) -> "
    "pedalboard.io.WriteableAudioFile"
)
_NAMES = ("mode", "samplerate", "num_channels", "bit_depth", "quality", "format", "codec_options")


class AudioFile:
    """Opens an audio file: ``AudioFile(path)`` a `ReadableAudioFile`, ``AudioFile(path, "w", ...)`` a
    `WriteableAudioFile`. Nothing is an instance of this class alone.

    Parameters
    ----------
    filename, file_like
        A path, or a binary file object that can be sought in; for reading, a `memoryview` as well.
    mode
        ``"r"`` or ``"w"``.
    samplerate, num_channels, bit_depth, quality, format, codec_options
        For writing: as for `WriteableAudioFile`.

    Examples
    --------
    >>> import numpy as np
    >>> from luthier.compat.pedalboard.io import AudioFile
    >>> with AudioFile("tone.wav", "w", 44_100, num_channels=2) as file:
    ...     file.write(np.zeros((2, 1_000), np.float32))
    >>> with AudioFile("tone.wav") as file:
    ...     file.read(file.frames).shape
    (2, 1000)
    """

    @overload
    def __new__(cls, filename: str, mode: Literal["r"] = "r") -> ReadableAudioFile: ...
    @overload
    def __new__(cls, file_like: Any, mode: Literal["r"] = "r") -> ReadableAudioFile: ...
    @overload
    def __new__(
        cls,
        filename: str,
        mode: Literal["w"],
        samplerate: float | None = None,
        num_channels: int = 1,
        bit_depth: int = 16,
        quality: str | float | None = None,
        codec_options: Mapping[WriteableAudioFileFlag, bool | float | str] = {},
    ) -> WriteableAudioFile: ...
    @overload
    def __new__(
        cls,
        file_like: Any,
        mode: Literal["w"],
        samplerate: float | None = None,
        num_channels: int = 1,
        bit_depth: int = 16,
        quality: str | float | None = None,
        format: str | None = None,
        codec_options: Mapping[WriteableAudioFileFlag, bool | float | str] = {},
    ) -> WriteableAudioFile: ...
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not AudioFile:
            return super().__new__(cls)
        from luthier.compat.pedalboard.io._readable import ReadableAudioFile
        from luthier.compat.pedalboard.io._writeable import WriteableAudioFile

        given = dict(kwargs)
        target = [given.pop(name) for name in ("filename", "file_like") if name in given] + list(args[:1])
        rest = dict(zip(_NAMES, args[1:], strict=False))
        if (
            len(target) != 1
            or len(args) > 1 + len(_NAMES)
            or not given.keys() <= set(_NAMES)
            or given.keys() & rest.keys()
        ):
            raise incompatible("__new__", _NEW, cls, *args, *kwargs.items())
        rest |= given
        mode = rest.pop("mode", "r")
        if not isinstance(mode, str) or (mode == "r" and rest):
            raise incompatible("__new__", _NEW, cls, *args, *kwargs.items())
        if mode == "r":
            return ReadableAudioFile(target[0])
        if mode == "w":
            return WriteableAudioFile(target[0], **rest)
        raise TypeError('AudioFile instances can only be opened in read mode ("r") or write mode ("w").')

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Python calls it on what __new__ returned; that is ready.
        pass

    @staticmethod
    def encode(
        samples: Any,
        samplerate: float,
        format: str,  # noqa: A002
        num_channels: int = 1,
        bit_depth: int = 16,
        quality: str | float | None = None,
        codec_options: Mapping[WriteableAudioFileFlag, bool | float | str] = {},
        num_threads: int = 1,
    ) -> bytes:
        """Encode an array as the bytes of a file.

        Parameters
        ----------
        samples, samplerate, format, num_channels, bit_depth, quality, codec_options
            As for `WriteableAudioFile` and its `write`.
        num_threads
            At least 1. The same bytes come from any number.

        Raises
        ------
        ValueError
            When the format cannot hold such audio.
        TypeError
            When `samples` is no array, or its type is none of audio.

        Examples
        --------
        >>> import numpy as np
        >>> from luthier.compat.pedalboard.io import AudioFile
        >>> AudioFile.encode(np.zeros(100, np.float32), 44_100, "flac")[:4]
        b'fLaC'
        """
        from luthier.compat.pedalboard.io._writeable import WriteableAudioFile

        if not whole(num_threads) or num_threads < 1:
            raise ValueError(f"num_threads must be a positive integer, got {num_threads!r}.")
        file = io.BytesIO()
        with WriteableAudioFile(
            file, samplerate, num_channels, bit_depth, quality, format, codec_options
        ) as writer:
            writer.write(samples)
        return file.getvalue()
