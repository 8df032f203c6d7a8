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

import luthier.effects as fx
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


#: What a sound goes through on its way: something bends its wave, something takes and gives frequencies.
DEVICES = fx.Chain(
    [
        fx.Maybe(
            fx.Choice(
                [
                    fx.Clipping(threshold_db=fx.Uniform(-16, -2)),
                    fx.SoftClipper(threshold_db=fx.Uniform(-18, -4)),
                    fx.Distortion(drive_db=fx.Uniform(0, 16)),
                    fx.Bitcrush(bit_depth=fx.Uniform(5, 10)),
                    fx.Compressor(threshold_db=fx.Uniform(-40, -10), ratio=fx.LogUniform(2, 20)),
                ]
            ),
            0.16,
        ),
        fx.Maybe(
            fx.Chain(
                [
                    fx.LowShelfFilter(cutoff_hz=fx.LogUniform(100, 1000), gain_db=fx.Uniform(-15, 9)),
                    fx.HighShelfFilter(cutoff_hz=fx.LogUniform(1000, 6000), gain_db=fx.Uniform(-15, 9)),
                    *[
                        fx.Maybe(
                            fx.PeakFilter(
                                cutoff_hz=fx.LogUniform(60, 7500),
                                gain_db=fx.Uniform(-12, 9),
                                q=fx.LogUniform(0.5, 4),
                            )
                        )
                    ]
                    * 3,
                    fx.Choice(
                        [
                            fx.Chain([]),
                            # A telephone, a lower sample rate, a small loudspeaker, a dull one.
                            fx.Chain(
                                [
                                    fx.HighpassFilter(cutoff_hz=fx.Uniform(200, 320), order=4),
                                    fx.LowpassFilter(cutoff_hz=fx.Uniform(3300, 3600), order=8),
                                ]
                            ),
                            fx.Resample(target_sample_rate=fx.Choice([8000, 11_025, 12_000])),
                            fx.HighpassFilter(cutoff_hz=fx.LogUniform(80, 500), order=fx.Choice([1, 2, 4])),
                            fx.LowpassFilter(cutoff_hz=fx.LogUniform(600, 3000), order=fx.Choice([1, 2, 4])),
                        ],
                        weights=[0.47, 0.12, 0.18, 0.15, 0.08],
                    ),
                ]
            ),
            0.4,
        ),
    ]
)
COLOURS = fx.Choice(["white", "pink", "brown", "blue"], weights=[0.35, 0.35, 0.2, 0.1])


def room(random: Random) -> fx.Effect:
    """The sound as it comes, and what a room adds: a few reflections and a tail, or combs."""
    if random.random() < 0.3:
        size, wet = random.uniform(0, 0.6), random.uniform(0.01, 0.2)
        return fx.Reverb(room_size=size, damping=random.random(), wet_level=wet, dry_level=0.5)
    decay_s = float(np.exp(random.uniform(np.log(0.1), np.log(1.2))))
    t = np.arange(int(min(decay_s, 1.0) * RATE)) / RATE
    tail = random.standard_normal(len(t)) * 10 ** (-3 * t / decay_s)
    tail[: int(random.uniform(0.002, 0.03) * RATE)] = 0
    tail *= 10 ** (random.uniform(-22, -2) / 20) / max(float(np.sqrt(np.sum(tail**2))), 1e-9)
    tail[0] = 1
    for _ in range(random.integers(0, 6)):
        tail[random.integers(1, min(len(t), 600))] += random.uniform(-0.4, 0.4)
    return fx.Convolution(tail)


def powers(x: Samples) -> npt.NDArray[np.float64]:
    """The power of the 20 ms around each result."""
    steps = np.square(x.reshape(-1, STEP), dtype=np.float64).mean(axis=1)
    return (np.append(steps, steps[-1]) + np.append(steps[0], steps)) / 2


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
        names = ["speech", "notes", "synthesis", "pure", "unvoiced"]
        name = str(random.choice(names, p=[0.36, 0.22, 0.29, 0.10, 0.03]))
        if name == "unvoiced":
            x, f0, state = synthesis.unvoiced(random, self.frames * STEP / RATE)
        elif name == "pure":
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

    def noise(self, samples: int) -> Samples:
        """Noise of one colour, rumble, or a crowd; now and then loud and soft by turns."""
        random = self.random
        voices, kind = self._pack("speech"), random.random()
        if kind < 0.15:
            x = synthesis.rumble(random, samples)
        elif voices is None or kind < 0.78:
            hiss = fx.Noise(level_dbfs=0, colour=COLOURS, seed=int(random.integers(1 << 53)))
            x = self.drawn(hiss)(np.zeros(samples, np.float32), RATE)
        else:
            crowd = [voices.cut(random, samples // STEP)[0] for _ in range(8)]
            x = np.sum([v * random.uniform(0.3, 1) for v in crowd], axis=0)
            x = x + 0.1 * x.std() * random.standard_normal(samples)
        if random.random() < 0.25:
            loudness = np.exp(random.uniform(0.2, 1) * contours.wander(random, samples // 16, 3))
            x = x * synthesis.at_samples(loudness, samples)
        return np.asarray(x, np.float32)

    def drawn(self, effect: fx.Effect) -> fx.Effect:
        """The effect with a number everywhere."""
        drawn: fx.Effect = effect.sample(int(self.random.integers(1 << 62))).effect
        return drawn

    def spoil(self, x: Samples, f0: npt.NDArray[np.float32], state: npt.NDArray[np.int8]) -> Clip:
        random = self.random
        x = self.drawn(DEVICES)(x / max(float(np.abs(x).max()), 1e-9), RATE)
        direct = powers(x)
        if random.random() < 0.26:
            x = room(random)(x, RATE)
        heard = powers(x)
        voiced = state == 1
        level = np.sqrt(heard[voiced].mean() if voiced.any() else heard.mean())
        floor = 1e-5 * heard.max()
        if random.random() < 0.72:
            hiss = self.noise(len(x))
            scale = level / max(float(hiss.std()), 1e-9) if level > 0 else 1.0
            hiss *= scale * 10 ** (-random.uniform(-5, 30) / 20)
            x = x + hiss
            floor = np.maximum(floor, powers(hiss) / 300)
        elif random.random() < 0.7:
            x = x + random.standard_normal(len(x)).astype(np.float32) * level * 10 ** (
                -random.uniform(30, 75) / 20
            )
        # What rings on has a pitch, too, for a while; and no one hears what is far below the noise.
        state[(state == 0) & (heard > 2 * direct) & (heard > floor)] = -1
        state[voiced & (heard < floor)] = -1
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
