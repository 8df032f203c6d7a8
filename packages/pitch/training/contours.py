"""Courses of f0 and loudness that are known exactly: what every synthetic clip starts from.

All arrays are per millisecond; `synthesis` goes from there to samples. Random numbers come from the generator
that the caller gives.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Random = np.random.Generator

LOWEST_HZ, HIGHEST_HZ = 30.0, 4200.0


def smooth(x: npt.ArrayLike, width: int) -> Doubles:
    """A moving average with a Hann window of `width` points, its ends held."""
    window = np.hanning(width + 2)[1:-1]
    padded = np.pad(np.asarray(x, float), (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, window / window.sum(), mode="valid")


def wander(random: Random, count: int, per_second: float) -> Doubles:
    """Unit-variance noise that moves about `per_second` times a second."""
    points = max(4, int(count / 1000 * per_second) + 4)
    grid = np.linspace(0, points - 1, count)
    knots = random.standard_normal(points)
    left = grid.astype(int).clip(0, points - 2)
    t = grid - left
    t = t * t * (3 - 2 * t)
    return knots[left] * (1 - t) + knots[left + 1] * t


def vibrato(random: Random, count: int) -> Doubles:
    """In octaves: 4 to 8 Hz, up to a semitone and a half, fading in."""
    rate = random.uniform(4, 8) * np.exp2(0.15 * wander(random, count, 2))
    depth = random.uniform(0.1, 1.5) / 12 * np.clip(0.7 + 0.4 * wander(random, count, 2), 0, 1.4)
    return depth * np.sin(2 * np.pi * np.cumsum(rate) / 1000 + random.uniform(0, 6.3))


def steady(random: Random, count: int, hz: float) -> Doubles:
    return hz * np.exp2(random.uniform(0, 8) / 1200 * wander(random, count, 6))


def speech(random: Random, count: int, hz: float) -> Doubles:
    """The ups and downs of speech around `hz`."""
    octaves = 0.22 * wander(random, count, 3) + 0.12 * wander(random, count, 8)
    octaves += 0.01 * wander(random, count, 40)
    return hz * np.exp2(octaves * random.uniform(0.4, 1.6))


def glide(random: Random, count: int, hz: float) -> Doubles:
    """From here to there, up to three octaves."""
    span = random.uniform(-1.5, 1.5)
    course = np.linspace(-span, span, count)
    if random.random() < 0.5:
        course = span * np.sin(course / max(abs(span), 1e-9) * np.pi / 2)
    return hz * np.exp2(course)


def melody(random: Random, count: int, hz: float) -> Doubles:
    """Notes of a tenth of a second to a second, joined by slides of 5 to 120 ms."""
    octaves = np.zeros(count)
    at, note = 0, 0.0
    while at < count:
        length = int(random.uniform(90, 900))
        note = float(np.clip(note + random.integers(-7, 8) / 12, -1.0, 1.0))
        octaves[at : at + length] = note
        at += length
    octaves = smooth(octaves, int(random.uniform(5, 120)))
    if random.random() < 0.6:
        octaves += vibrato(random, count)
    return hz * np.exp2(octaves + random.uniform(0, 10) / 1200 * wander(random, count, 8))


def draw(random: Random, count: int, hz: float) -> Doubles:
    """One of the courses above, kept within the range of the trackers."""
    make = (steady, speech, glide, melody, melody)[random.integers(5)]
    course = make(random, count, hz)
    return np.clip(course, LOWEST_HZ, HIGHEST_HZ)


def gates(random: Random, count: int) -> Doubles:
    """Loudness from 0 to 1: phrases with silences between them, their edges of 3 to 80 ms."""
    gate = np.zeros(count)
    at = int(random.uniform(0, 400))
    while at < count:
        length = int(np.exp(random.uniform(np.log(60), np.log(2500))))
        gate[at : at + length] = 1
        at += length + int(random.uniform(30, 700))
    if random.random() < 0.15:
        gate[:] = 1
    return smooth(gate, int(np.exp(random.uniform(np.log(3), np.log(80)))))


def decays(random: Random, count: int) -> tuple[Doubles, Doubles]:
    """Plucked notes: loudness, and milliseconds since each attack."""
    loudness, since = np.zeros(count), np.full(count, 1e9)
    at = int(random.uniform(0, 300))
    while at < count:
        length = min(count - at, int(random.uniform(150, 1800)))
        t = np.arange(length)
        loudness[at : at + length] = np.exp(-t / random.uniform(60, 1200)) * (
            1 - np.exp(-t / random.uniform(0.5, 6))
        )
        since[at : at + length] = t
        release = min(length, int(random.uniform(10, 60)))
        loudness[at + length - release : at + length] *= np.linspace(1, 0, release)
        at += length + int(random.exponential(120))
    return loudness, since
