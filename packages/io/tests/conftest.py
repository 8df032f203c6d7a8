"""Synthesised audio, and files of it made by python-soundfile: an encoder that is not ours."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

Floats = npt.NDArray[np.float32]

#: name of a file -> (soundfile's format, its subtype, sample rate, channels)
ENCODINGS = {
    "pcm16.wav": ("WAV", "PCM_16", 44_100, 2),
    "pcm24.wav": ("WAV", "PCM_24", 96_000, 2),
    "pcm8.wav": ("WAV", "PCM_U8", 8_000, 1),
    "pcm32.wav": ("WAV", "PCM_32", 48_000, 3),
    "float.wav": ("WAV", "FLOAT", 44_100, 2),
    "double.wav": ("WAV", "DOUBLE", 44_100, 1),
    "extensible.wav": ("WAVEX", "PCM_24", 48_000, 6),
    "rf64.wav": ("RF64", "PCM_16", 44_100, 2),
    "ulaw.wav": ("WAV", "ULAW", 8_000, 1),
    "ima.wav": ("WAV", "IMA_ADPCM", 22_050, 2),
    "pcm16.flac": ("FLAC", "PCM_16", 44_100, 2),
    "pcm24.flac": ("FLAC", "PCM_24", 48_000, 1),
    "pcm16.aiff": ("AIFF", "PCM_16", 44_100, 2),
    "float.aiff": ("AIFF", "FLOAT", 44_100, 1),
    "pcm24.caf": ("CAF", "PCM_24", 48_000, 2),
    "alaw.caf": ("CAF", "ALAW", 8_000, 1),
    "double.au": ("AU", "DOUBLE", 16_000, 3),
    "pcm16.w64": ("W64", "PCM_16", 32_000, 2),
    "ms.wav": ("WAV", "MS_ADPCM", 22_050, 2),
    "stereo.mp3": ("MP3", "MPEG_LAYER_III", 44_100, 2),
    "mono.mp3": ("MP3", "MPEG_LAYER_III", 16_000, 1),
    "stereo.ogg": ("OGG", "VORBIS", 44_100, 2),
    "mono.ogg": ("OGG", "VORBIS", 16_000, 1),
    "stereo.opus": ("OGG", "OPUS", 48_000, 2),
    "mono.opus": ("OGG", "OPUS", 16_000, 1),
}


def synthesise(frames: int, sample_rate: int, channels: int, seed: int = 0) -> Floats:
    """A glide, bursts of noise, silence: something for every mode of a codec, ``(channels, frames)``."""
    random = np.random.default_rng(seed)
    t = np.arange(frames) / sample_rate
    glide = 0.3 * np.sin(2 * np.pi * (80 * t + 0.5 * sample_rate / 8 * t**2 / max(t[-1], 1e-9)))
    bursts = 0.2 * random.standard_normal(frames) * (np.sin(2 * np.pi * 1.3 * t) > 0.4)
    silence = np.sin(2 * np.pi * 0.9 * t + 1) > -0.8
    rows = [(glide * (1 - 0.2 * c) + bursts) * silence for c in range(channels)]
    return np.clip(rows, -0.99, 0.99).astype(np.float32)


def encode(samples: Floats, sample_rate: int, form: str, subtype: str) -> bytes:
    file = io.BytesIO()
    channels = samples.shape[0]
    with soundfile.SoundFile(file, "w", sample_rate, channels, format=form, subtype=subtype) as out:
        for start in range(0, samples.shape[1], 65_536):
            out.write(samples[:, start : start + 65_536].T)
    return file.getvalue()


def decode(data: bytes, dtype: str = "float32") -> npt.NDArray[np.floating]:
    """What python-soundfile makes of it, planar."""
    # Not soundfile.read(): it seeks to 0 first, after which MP3 decodes differently in the last bit.
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        return np.ascontiguousarray(file.read(dtype=dtype, always_2d=True).T)


@pytest.fixture(params=ENCODINGS)
def name(request: pytest.FixtureRequest) -> str:
    """The test is run for every file of ENCODINGS."""
    return str(request.param)


@pytest.fixture(scope="session", name="encodings")
def _encodings() -> dict[str, tuple[str, str, int, int]]:
    return ENCODINGS


@pytest.fixture(scope="session", name="synthesise")
def _synthesise() -> Callable[..., Floats]:
    return synthesise


@pytest.fixture(scope="session", name="encode")
def _encode() -> Callable[..., bytes]:
    return encode


@pytest.fixture(scope="session", name="decode")
def _decode() -> Callable[..., npt.NDArray[np.floating]]:
    return decode


@pytest.fixture(scope="session")
def encoded() -> Callable[[str], bytes]:
    """The bytes of one of ENCODINGS, three seconds long, made once."""
    made: dict[str, bytes] = {}

    def get(name: str) -> bytes:
        if name not in made:
            form, subtype, rate, channels = ENCODINGS[name]
            made[name] = encode(synthesise(3 * rate + 17, rate, channels), rate, form, subtype)
        return made[name]

    return get


@pytest.fixture(scope="session")
def encoder() -> Callable[[str], str]:
    """The path of an encoder's program: flac, lame, oggenc, opusenc, ffmpeg, ffprobe, sox ...

    Skips the test where the program is missing, and fails it in CI, where the noxfile installs them all.
    """

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            missing = f"{name} is not installed; the packages are in the noxfile's ENCODERS"
            if os.environ.get("CI") and sys.platform == "linux":
                pytest.fail(missing)
            pytest.skip(missing)
        return path

    return find


@pytest.fixture(scope="session")
def ffmpeg(encoder: Callable[[str], str]) -> Callable[..., bytes]:
    """Runs ffmpeg with some arguments; gives what it writes to its standard output."""

    def run(*arguments: object) -> bytes:
        command = [encoder("ffmpeg"), "-v", "error", "-y", "-bitexact", *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout

    return run


@pytest.fixture(scope="session")
def sox(encoder: Callable[[str], str]) -> Callable[..., bytes]:
    """Runs SoX, without dither, with some arguments; gives what it writes to its standard output."""

    def run(*arguments: object) -> bytes:
        command = [encoder("sox"), "-D", "-V1", *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True).stdout

    return run


@pytest.fixture(scope="session")
def decode_with_ffmpeg(ffmpeg: Callable[..., bytes]) -> Callable[[Path, int], npt.NDArray[np.float64]]:
    """What ffmpeg makes of a file of so many channels, planar float64."""

    def run(path: Path, channels: int) -> npt.NDArray[np.float64]:
        raw = ffmpeg("-i", path, "-f", "f64le", "-c:a", "pcm_f64le", "-")
        return np.frombuffer(raw, "<f8").reshape(-1, channels).T

    return run


@pytest.fixture(scope="session")
def decode_with_sox(sox: Callable[..., bytes]) -> Callable[[Path, int], npt.NDArray[np.float64]]:
    """What SoX makes of a file of integers of so many channels, planar float64."""

    def run(path: Path, channels: int) -> npt.NDArray[np.float64]:
        raw = sox(path, "-t", "raw", "-L", "-e", "signed", "-b", "32", "-")
        return np.frombuffer(raw, "<i4").reshape(-1, channels).T / 2.0**31

    return run


@pytest.fixture(scope="session")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A WAV file of 24-bit noise, made once for each number of channels and rate."""
    folder = tmp_path_factory.mktemp("noise")

    def make(channels: int, sample_rate: int = 8_000) -> Path:
        path = folder / f"{channels}-{sample_rate}.wav"
        if not path.exists():
            samples = np.random.default_rng(channels).uniform(-0.9, 0.9, (2_003, channels))
            soundfile.write(path, samples, sample_rate, "PCM_24")
        return path

    return make
