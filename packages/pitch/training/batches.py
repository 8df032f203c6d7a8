"""Training batches: clips from all sources, spoilt in the ways of the world.

Everything random comes from one generator, so that a seed gives the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import contours
import numpy as np
import numpy.typing as npt
import synthesis
from contours import Random
from spec import FrontEndSpec
from synthesis import RATE, STEP, Clip

from luthier.pitch.models.front_end import front_end

Samples = npt.NDArray[np.float32]


class Pack:
    """Clips that `sources.pack` wrote, from which any stretch can be cut."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self._samples, self._f0, self._state = file["samples"], file["f0"], file["state"]
            self._ends = file["ends"]

    def __iter__(self) -> Iterator[Clip]:
        """Every clip, whole."""
        begin = 0
        for end in self._ends:
            x = self._samples[begin * STEP : end * STEP].astype(np.float32) / 32_000
            yield x, self._f0[begin:end], self._state[begin:end]
            begin = int(end)

    def cut(self, random: Random, frames: int) -> Clip:
        """`frames` successive results of one clip, or of as many as there are, filled up with silence."""
        clip = random.integers(len(self._ends))
        begin = int(self._ends[clip - 1]) if clip else 0
        end = int(self._ends[clip])
        first = begin + int(random.integers(0, max(1, end - begin - frames + 1)))
        last = min(end, first + frames)
        x = np.zeros(frames * STEP, np.float32)
        x[: (last - first) * STEP] = self._samples[first * STEP : last * STEP]
        f0, state = np.zeros(frames + 1, np.float32), np.zeros(frames + 1, np.int8)
        f0[: last - first] = self._f0[first:last]
        state[: last - first] = self._state[first:last]
        # A cut may go through a note: what is heard there is half of one.
        state[0], state[last - first :] = -1, 0
        state[last - first - 1 : last - first + 1] = -1
        return x / 32_000, f0, state


def room(random: Random) -> tuple[Samples, float]:
    """An impulse response: the direct sound, a few reflections, a tail; and the tail's seconds to -60 dB."""
    decay = float(np.exp(random.uniform(np.log(0.1), np.log(1.2))))
    t = np.arange(int(min(decay, 1.0) * RATE)) / RATE
    tail = random.standard_normal(len(t)) * 10 ** (-3 * t / decay)
    tail[: int(random.uniform(0.002, 0.03) * RATE)] = 0
    tail *= 10 ** (random.uniform(-22, -2) / 20) / max(float(np.sqrt(np.sum(tail**2))), 1e-9)
    tail[0] = 1
    for _ in range(random.integers(0, 6)):
        tail[random.integers(1, min(len(t), 600))] += random.uniform(-0.4, 0.4)
    return tail.astype(np.float32), decay


def response(random: Random, f: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A device's magnitude: tilt, shelves, a band."""
    octaves = np.log2(np.maximum(f, 20) / 1000)
    db = random.uniform(-3, 3) * octaves
    for _ in range(random.integers(0, 4)):
        db += random.uniform(-12, 9) * np.exp(
            -0.5 * ((octaves - random.uniform(-4, 3)) / random.uniform(0.2, 1)) ** 2
        )
    gain = 10 ** (db / 20)
    kind = random.random()
    if kind < 0.12:  # a telephone
        gain *= ((f > random.uniform(200, 320)) & (f < random.uniform(3300, 3600))) + 1e-4
    elif kind < 0.30:  # a lower sample rate
        gain *= (f < random.choice([3700, 3900, 5200, 6500])) + 1e-4
    elif kind < 0.45:  # a small loudspeaker
        gain *= 1 / np.sqrt(1 + (random.uniform(80, 500) / np.maximum(f, 1)) ** random.choice([2, 4, 8]))
    elif kind < 0.53:  # a dull one
        gain *= 1 / np.sqrt(1 + (f / random.uniform(600, 3000)) ** random.choice([2, 4, 8]))
    return gain


def noise(random: Random, samples: int, voices: Pack | None) -> Samples:
    """White, pink, brown or any slope between; a crowd; hum and hiss; loud and soft by turns."""
    kind = random.random()
    if kind < 0.3:
        x = random.standard_normal(samples)
    elif kind < 0.75 or voices is None:
        x = synthesis.colour(random.standard_normal(samples), random.uniform(-2.2, 0.6))
    else:
        crowd = [voices.cut(random, samples // STEP)[0] for _ in range(8)]
        x = np.sum([v * random.uniform(0.3, 1) for v in crowd], axis=0)
        x = x + 0.1 * x.std() * random.standard_normal(samples)
    if random.random() < 0.25:
        loudness = np.exp(random.uniform(0.2, 1) * contours.wander(random, samples // 16, 3))
        x = x * synthesis.at_samples(loudness, samples)
    return np.asarray(x, np.float32)


def distort(random: Random, x: Samples) -> Samples:
    """Clipping, hard or soft; coarse steps; companding as of a telephone line."""
    peak = max(float(np.abs(x).max()), 1e-9)
    kind = random.integers(4)
    if kind == 0:
        limit = peak * random.uniform(0.15, 0.8)
        return np.clip(x, -limit, limit)
    if kind == 1:
        drive = random.uniform(1, 6) / peak
        return np.tanh(x * drive).astype(np.float32)
    if kind == 2:
        steps = 2 ** random.integers(5, 11)
        return (np.round(x / peak * steps) * peak / steps).astype(np.float32)
    bent = np.sign(x) * np.log1p(255 * np.abs(x) / peak) / np.log(256)
    bent = np.round(bent * 127) / 127
    return (np.sign(bent) * (256 ** np.abs(bent) - 1) / 255 * peak).astype(np.float32)


class Batches:
    """Clips of `frames` results with what is to be known about them.

    Parameters
    ----------
    folder
        What `sources.py` wrote, or None for procedural sounds alone.
    spec
        The front end.
    frames
        Results a clip, even.
    """

    def __init__(self, folder: Path | None, spec: FrontEndSpec, frames: int = 300, seed: int = 0) -> None:
        self.spec, self.frames = spec, frames
        self.random = np.random.default_rng(seed)
        self._folder = folder
        self._packs: dict[str, Pack] = {}

    def _pack(self, name: str) -> Pack | None:
        """What is there by now: training may begin while the sources are still being made."""
        if name not in self._packs and self._folder and (path := self._folder / f"{name}.npz").exists():
            self._packs[name] = Pack(path)
        return self._packs.get(name)

    def clip(self) -> Clip:
        """One clip, spoilt."""
        random = self.random
        name = str(random.choice(["speech", "notes", "synthesis", "pure"], p=[0.36, 0.22, 0.32, 0.10]))
        if name == "pure":
            x, f0, state = synthesis.pure(random, self.frames * STEP / RATE)
            x = x[: self.frames * STEP]
            if random.random() < 0.5:
                return x, f0, state.copy()  # what is quite clean looks like nothing else
        elif pack := self._pack(name):
            x, f0, state = pack.cut(random, self.frames)
        else:
            x, f0, state = synthesis.synthetic(random, self.frames * STEP / RATE)
            x = x[: self.frames * STEP]
        return self.spoil(x, f0, state.copy())

    def spoil(self, x: Samples, f0: npt.NDArray[np.float32], state: npt.NDArray[np.int8]) -> Clip:
        random = self.random
        samples = len(x)
        if random.random() < 0.15:
            x = distort(random, x)
        if random.random() < 0.65:
            size = 1 << (samples + RATE - 1).bit_length()
            spectrum = np.fft.rfft(x, size)
            if random.random() < 0.6:
                spectrum *= response(random, np.fft.rfftfreq(size, 1 / RATE))
            if random.random() < 0.4:
                tail, decay = room(random)
                spectrum *= np.fft.rfft(tail, size)
                # What rings on has a pitch, too, for a while.
                late = (
                    np.convolve(state == 1, np.ones(max(1, int(decay * 30))), mode="full")[: len(state)] > 0
                )
                state[late & (state == 0)] = -1
            x = np.fft.irfft(spectrum, size)[:samples].astype(np.float32)
        power = x.astype(np.float64) ** 2
        voiced = np.repeat(state[:-1] == 1, STEP)[:samples]
        level = np.sqrt(power[voiced].mean()) if voiced.any() else np.sqrt(power.mean())
        if random.random() < 0.72:
            hiss = noise(random, samples, self._pack("speech"))
            scale = level / max(float(hiss.std()), 1e-9) if level > 0 else 1.0
            x = x + hiss * scale * 10 ** (-random.uniform(-5, 30) / 20)
        elif random.random() < 0.7:
            x = x + random.standard_normal(samples).astype(np.float32) * level * 10 ** (
                -random.uniform(30, 75) / 20
            )
        if random.random() < 0.1:
            x = x + random.uniform(-0.3, 0.3) * max(float(np.abs(x).max()), 1e-9)
        return x.astype(np.float32), f0, state

    def batch(self, count: int) -> tuple[Samples, npt.NDArray[np.float32], npt.NDArray[np.int8]]:
        """Features (count, channels, frames / 2, bins), and f0 and state, (count, 2, frames / 2) each."""
        clips = [self.clip() for _ in range(count)]
        x = np.stack([clip[0][: self.frames * STEP] for clip in clips])
        x /= np.maximum(np.abs(x).max(axis=1, keepdims=True), 1e-20)
        features = front_end(x, RATE, self.spec)[:, :, : self.frames // 2]
        # (frames,) to (frames / 2, 2) to (2, frames / 2): a frame's two results
        f0, state = (
            np.stack([clip[i][: self.frames] for clip in clips]).reshape(count, -1, 2).transpose(0, 2, 1)
            for i in (1, 2)
        )
        return features, np.ascontiguousarray(f0), np.ascontiguousarray(state)
