"""What the tests of `luthier.compat.pedalboard.io` share."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

import luthier.compat.pedalboard.io as pio

DEPTHS = [
    ("wav", 8),
    ("wav", 16),
    ("wav", 24),
    ("wav", 32),
    ("aiff", 8),
    ("aiff", 16),
    ("aiff", 24),
    ("flac", 16),
    ("flac", 24),
]


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def tone(rate: float, frames: int) -> np.ndarray:
    t = np.arange(frames) / rate
    return (0.5 * np.sin(2 * np.pi * 440 * t) * np.minimum(1, 20 * np.minimum(t, t[-1] - t))).astype(
        np.float32
    )


def encoded(samples: np.ndarray, form: str = "wav", rate: int = 44_100, **options: Any) -> bytes:
    channels = 1 if samples.ndim == 1 else samples.shape[0]
    return pio.AudioFile.encode(samples, rate, form, channels, **options)


def opened(
    samples: np.ndarray, form: str = "wav", rate: int = 44_100, **options: Any
) -> pio.ReadableAudioFile:
    return pio.AudioFile(io.BytesIO(encoded(samples, form, rate, **options)))


def all_of(file: Any) -> np.ndarray:
    return file.read(max(1, file.frames))


def in_parts(file: Any) -> np.ndarray:
    parts = []
    while file.tell() < file.frames:
        parts.append(file.read(3_000))
    return np.concatenate(parts, axis=1)
