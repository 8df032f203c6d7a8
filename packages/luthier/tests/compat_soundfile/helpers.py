"""What the tests of `luthier.compat.soundfile` share."""

from __future__ import annotations

import io

import numpy as np
import soundfile as peer

DTYPES = ("float64", "float32", "int32", "int16")
#: What luthier's own reader takes over: format, subtype, rate, channels.
READ = {
    "WAV PCM_16": ("WAV", "PCM_16", 44_100, 2),
    "WAV PCM_24": ("WAV", "PCM_24", 96_000, 1),
    "WAV PCM_32": ("WAV", "PCM_32", 48_000, 3),
    "WAV PCM_U8": ("WAV", "PCM_U8", 8_000, 1),
    "WAV FLOAT": ("WAV", "FLOAT", 44_100, 2),
    "WAV DOUBLE": ("WAV", "DOUBLE", 44_100, 1),
    "WAV ULAW": ("WAV", "ULAW", 8_000, 1),
    "WAV IMA_ADPCM": ("WAV", "IMA_ADPCM", 22_050, 2),
    "WAVEX PCM_24": ("WAVEX", "PCM_24", 48_000, 6),
    "RF64 PCM_16": ("RF64", "PCM_16", 44_100, 2),
    "W64 PCM_16": ("W64", "PCM_16", 44_100, 2),
    "AIFF PCM_16": ("AIFF", "PCM_16", 44_100, 2),
    "AIFF FLOAT": ("AIFF", "FLOAT", 44_100, 1),
    "AU PCM_32": ("AU", "PCM_32", 44_100, 2),
    "CAF PCM_24": ("CAF", "PCM_24", 48_000, 2),
    "CAF ALAC_16": ("CAF", "ALAC_16", 44_100, 2),
    "FLAC PCM_16": ("FLAC", "PCM_16", 44_100, 2),
    "FLAC PCM_24": ("FLAC", "PCM_24", 48_000, 1),
    "MP3": ("MP3", "MPEG_LAYER_III", 44_100, 2),
    "OGG VORBIS": ("OGG", "VORBIS", 44_100, 2),
    "OGG OPUS": ("OGG", "OPUS", 48_000, 2),
}


def synthesise(frames: int, channels: int) -> np.ndarray:
    random = np.random.default_rng(frames)
    t = np.arange(frames)[:, None]
    tone = 0.4 * np.sin(t / (9 + 4 * np.arange(channels)) + t**2 / 1e6)
    return np.clip(tone + 0.05 * random.standard_normal((frames, channels)), -0.95, 0.95)


def encode(key: str, frames: int = 20_011) -> bytes:
    form, subtype, rate, channels = READ[key]
    file = io.BytesIO()
    peer.write(file, synthesise(frames, channels), rate, subtype, format=form)
    return file.getvalue()


def straight(data: bytes, dtype: str) -> np.ndarray:
    """What the peer reads from a fresh handle without seeking, which spoils the last bit of MP3."""
    with peer.SoundFile(io.BytesIO(data)) as file:
        return file.read(dtype=dtype, always_2d=True)
