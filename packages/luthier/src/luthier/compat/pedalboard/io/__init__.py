"""`pedalboard.io`'s names, arguments and results: files, resampling and the name of live streams."""

from luthier.compat.pedalboard.io._audio_file import AudioFile
from luthier.compat.pedalboard.io._formats import (
    WriteableAudioFileFlag,
    get_supported_read_formats,
    get_supported_write_formats,
)
from luthier.compat.pedalboard.io._live import AudioStream
from luthier.compat.pedalboard.io._readable import ReadableAudioFile
from luthier.compat.pedalboard.io._resampled import ResampledReadableAudioFile
from luthier.compat.pedalboard.io._resampler import StreamResampler
from luthier.compat.pedalboard.io._writeable import WriteableAudioFile

__all__ = [
    "AudioFile",
    "AudioStream",
    "ReadableAudioFile",
    "ResampledReadableAudioFile",
    "StreamResampler",
    "WriteableAudioFile",
    "WriteableAudioFileFlag",
    "get_supported_read_formats",
    "get_supported_write_formats",
]
