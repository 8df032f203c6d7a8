"""The errors of python-soundfile."""

from __future__ import annotations

from luthier.compat.soundfile import _library

__all__ = ["LibsndfileError", "SoundFileError", "SoundFileRuntimeError"]


class SoundFileError(Exception):
    """Base of every error that is this module's own."""


class SoundFileRuntimeError(SoundFileError, RuntimeError):
    """Something that cannot be done with the file as it is: it is closed, or open for something else."""


class LibsndfileError(SoundFileRuntimeError):
    """What libsndfile, or luthier in its place, could not do.

    Attributes
    ----------
    code
        libsndfile's number of the error.
    prefix
        What precedes `error_string` in the message.
    """

    def __init__(self, code: int, prefix: str = "") -> None:
        super().__init__(code, prefix)
        self.code = code
        self.prefix = prefix

    @property
    def error_string(self) -> str:
        """The words of libsndfile for `code`."""
        if self.code:
            return _library.error_text(self.code)
        return "(libsndfile gave no reason)"

    def __str__(self) -> str:
        return self.prefix + self.error_string


#: Numbers of libsndfile that luthier uses, too.
UNRECOGNISED, MALFORMED, BAD_SEEK, LOST_SYNC = 1, 3, 39, 158
