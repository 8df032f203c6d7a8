"""Sounds with an exactly known f0: sums of partials, at 16 kHz.

A *clip* is (samples, f0, state): f0 in hertz for every 10 ms, 0 where there is none; state 1 voiced,
0 unvoiced, -1 undecided (an edge, a tail: neither answer is wrong, none is trained).
"""

from __future__ import annotations

from collections.abc import Callable

import contours
import numpy as np
import numpy.typing as npt
from contours import Doubles, Random

RATE = 16_000
STEP = 160  # samples from one result to the next
Clip = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.int8]]


def at_samples(per_ms: Doubles, samples: int) -> npt.NDArray[np.float32]:
    """From a value a millisecond to a value a sample."""
    return np.interp(np.arange(samples) / 16, np.arange(len(per_ms)), per_ms).astype(np.float32)


def partials(
    random: Random,
    f0: Doubles,
    amplitude: Callable[[Doubles, int], Doubles],
    *,
    stretch: float = 0.0,
    most: int = 200,
) -> npt.NDArray[np.float32]:
    """Sum of partials k f0 sqrt(1 + stretch k^2) with the amplitude that is asked for every 10 ms.

    `amplitude` gets the partial's frequency every 10 ms and its number. Nothing reaches above 7.6 kHz.
    """
    samples = len(f0) * 16
    fine = at_samples(f0, samples)
    turns = np.cumsum(fine.astype(np.float64)) / RATE
    coarse = f0[::10]
    out = np.zeros(samples, np.float32)
    ramp = (np.arange(STEP, dtype=np.float32) / STEP)[None]
    aligned = random.random() < 0.5
    for k in range(1, most + 1):
        factor = k * np.sqrt(1 + stretch * k * k)
        hz = coarse * factor
        if hz.min() > 7600:
            break
        level = np.where(hz < 7600, amplitude(hz, k), 0).astype(np.float32)
        if level.max() <= 1e-6:
            continue
        here = level[:, None]
        after = np.append(level[1:], level[-1])[:, None]
        envelope = (here + (after - here) * ramp).reshape(-1)[:samples]
        start = 0.0 if aligned else random.random()
        phase = turns * factor + start
        phase -= np.floor(phase)
        out += envelope * np.sin(np.float32(2 * np.pi) * phase.astype(np.float32))
    return out


def labels(
    f0: Doubles, loudness: Doubles, samples: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """f0 and state every 10 ms, from values per millisecond. `loudness` is that of the pitched part.

    Voiced from 30 dB below the loudest on, unvoiced from 50 dB; what is around an edge is undecided only in
    between.
    """
    frames = samples // STEP + 1
    at = np.minimum(np.arange(frames) * 10, len(f0) - 1)
    # What a frame hears is some 10 ms wide.
    level = contours.smooth(loudness, 9)[at] / max(loudness.max(), 1e-9)
    state = np.where(level > 10 ** (-30 / 20), 1, np.where(level < 10 ** (-50 / 20), 0, -1)).astype(np.int8)
    return np.where(state != 0, f0[at], 0).astype(np.float32), state


def spectrum(random: Random) -> Callable[[Doubles, int], Doubles]:
    """A timbre: a slope, some resonances, partials that lack."""
    slope = random.uniform(-18, 2) / 6  # of amplitude, in powers of the partial's number
    peaks = [
        (np.exp(random.uniform(np.log(200), np.log(5000))), random.uniform(0.1, 0.6), random.uniform(-6, 30))
        for _ in range(random.integers(0, 6))
    ]
    uneven = np.exp(random.uniform(0, 0.8) * random.standard_normal(256))
    kind = random.random()
    if kind < 0.12:  # odd partials, as of a clarinet
        uneven[1::2] *= random.uniform(0, 0.15)
    elif kind < 0.24:  # no fundamental, nor maybe the next ones
        uneven[: random.integers(1, 4)] *= random.choice([0.0, 0.0, 0.03])
    elif kind < 0.34:  # little but the fundamental
        uneven[1:] *= random.uniform(0, 0.05)
    elif kind < 0.42:  # a band of partials
        low = random.integers(1, 6)
        uneven[:low] = 0
        uneven[low + random.integers(3, 12) :] = 0
    elif kind < 0.48:  # a pipe that speaks an octave and a twelfth too
        uneven[:3] *= np.exp(random.standard_normal(3))

    def amplitude(hz: Doubles, k: int) -> Doubles:
        gain = np.zeros_like(hz)
        for centre, width, db in peaks:
            gain += db * np.exp(-0.5 * (np.log(hz / centre) / width) ** 2)
        return uneven[min(k, 256) - 1] * float(k) ** slope * 10 ** (gain / 20)

    return amplitude


def breath(random: Random, tone: npt.NDArray[np.float32], db: float) -> npt.NDArray[np.float32]:
    """Noise that follows the tone's loudness, coloured, `db` below it."""
    noise = colour(random.standard_normal(len(tone)), random.uniform(-1, 0.5))
    power = np.convolve(tone**2, np.full(800, 1 / 800), mode="same")
    return (noise * np.sqrt(np.maximum(power, 0)) * 10 ** (db / 20)).astype(np.float32)


def colour(noise: npt.ArrayLike, power: float, rate: float = RATE) -> Doubles:
    """Noise with a density of f^power, unit variance."""
    spectrum_ = np.fft.rfft(noise)
    f = np.fft.rfftfreq(len(np.asarray(noise)), 1 / rate)
    spectrum_ *= np.maximum(f, 20) ** (power / 2)
    x = np.fft.irfft(spectrum_, len(np.asarray(noise)))
    return x / max(x.std(), 1e-12)


def rumble(random: Random, samples: int) -> Doubles:
    """What rooms and microphones add below a voice: steep noise or a band of it, unit variance."""
    f = np.fft.rfftfreq(samples, 1 / RATE)
    corner = np.exp(random.uniform(np.log(4), np.log(160)))
    gain = (1 + (f / corner) ** 2) ** -random.uniform(0.5, 2)
    if random.random() < 0.4:
        centre, q = np.exp(random.uniform(np.log(12), np.log(160))), np.exp(random.uniform(-1, 1))
        gain *= (1 + (q * (f / centre - centre / np.maximum(f, 0.1))) ** 2) ** -0.5
    x = np.fft.irfft(np.fft.rfft(random.standard_normal(samples)) * gain, samples)
    hiss = colour(random.standard_normal(samples), random.uniform(-1.5, 0)) * 10 ** random.uniform(-3, -0.7)
    return x / max(x.std(), 1e-12) + hiss


def instrument(random: Random, seconds: float, hz: float) -> Clip:
    """A sustained or plucked sum of partials, with breath or without."""
    count = int(seconds * 1000)
    f0 = contours.draw(random, count, hz)
    stretch, since = 0.0, None
    if random.random() < 0.35:
        loudness, since = contours.decays(random, count)
        if random.random() < 0.6:
            stretch = float(np.exp(random.uniform(np.log(1e-5), np.log(6e-4))))
            stretch *= min(1.0, 30.0 / (7600 / hz) ** 2 / 1e-3)
        f0 = contours.steady(random, count, hz)
        for start in np.flatnonzero(since == 0):
            f0[start:] = f0[start] * np.exp2(random.integers(-12, 13) / 12) if start else f0[start:]
        f0 = np.clip(f0, contours.LOWEST_HZ, contours.HIGHEST_HZ)
    else:
        loudness = contours.gates(random, count)
        loudness = loudness * np.exp(0.4 * contours.wander(random, count, 4))
    timbre = spectrum(random)
    coarse_since = None if since is None else since[::10]
    damping = random.uniform(0, 0.004)
    level = loudness[::10]

    def amplitude(hz_: Doubles, k: int) -> Doubles:
        a = timbre(hz_, k) * level
        if coarse_since is not None:
            a = a * np.exp(-damping * (k - 1) * np.minimum(coarse_since, 5000) / 10)
        return a

    tone = partials(random, f0, amplitude, stretch=stretch)
    samples = tone
    if random.random() < 0.5:
        samples = tone + breath(random, tone, random.uniform(-40, -10))
    f0_out, state = labels(f0 * np.sqrt(1 + stretch), loudness, len(samples))
    return samples, f0_out, state


def pure(random: Random, seconds: float) -> Clip:
    """A sine, or little more. Among the others low ones are rare, and taken for something else."""
    top = 4200 if random.random() < 0.4 else 300
    hz = float(np.exp(random.uniform(np.log(30), np.log(top))))
    count = int(seconds * 1000)
    f0 = contours.draw(random, count, hz)
    loudness = np.ones(count) if random.random() < 0.5 else contours.gates(random, count)
    gains = np.where(random.random(3) < 0.5, 0, 10 ** (-random.uniform(15, 60, 3) / 20))
    gains[0] = 1
    level = loudness[::10]
    samples = partials(random, f0, lambda _, k: level * (gains[k - 1] if k <= 3 else 0.0))
    f0_out, state = labels(f0, loudness, len(samples))
    return samples, f0_out, state


def modulated(random: Random, seconds: float, hz: float) -> Clip:
    """Frequency modulation with whole ratios: f0 is the carrier's and the modulator's common one."""
    count = int(seconds * 1000)
    f0 = contours.draw(random, count, hz)
    loudness = contours.gates(random, count)
    turns = np.cumsum(at_samples(f0, count * 16).astype(np.float64)) / RATE
    # The carrier or the modulator sounds at f0; the index is held below what aliases.
    carrier, modulator = ((1, random.integers(1, 4)), (random.integers(1, 3), 1))[random.integers(2)]
    most = max(0.0, (7000 - carrier * f0.max()) / (modulator * f0.max()) - 2)
    index = at_samples(min(random.uniform(0.1, 6), most) * loudness ** random.uniform(0, 1), count * 16)
    wave = np.sin(2 * np.pi * carrier * turns + index * np.sin(2 * np.pi * modulator * turns))
    samples = (wave * at_samples(loudness, count * 16)).astype(np.float32)
    f0_out, state = labels(f0, loudness, len(samples))
    return samples, f0_out, state


#: The first three formants of seven vowels, in hertz.
VOWELS = (
    (730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480),
    (660, 1720, 2410), (570, 840, 2410), (490, 1350, 1690),
)  # fmt: skip


def voice(random: Random, seconds: float, hz: float) -> Clip:
    """Pulses through moving formants (G. E. Peterson and H. L. Barney's vowels, 1952), not quite regular."""
    count = int(seconds * 1000)
    f0 = contours.draw(random, count, hz)
    loudness = contours.gates(random, count) * np.exp(0.3 * contours.wander(random, count, 5))
    scale = random.uniform(0.8, 1.5)
    tilt = random.uniform(-14, -4) / 6
    frames = len(f0[::10])
    path = np.cumsum(random.random(frames) < 0.06) % 8
    chosen = random.integers(0, len(VOWELS), 8)
    tracks = [contours.smooth([VOWELS[chosen[p]][i] * scale for p in path], 9) for i in range(3)]
    tracks += [np.full(frames, 3500.0 * scale), np.full(frames, 4500.0 * scale)]
    widths = (60, 90, 140, 200, 300)
    # Every other cycle may be weaker: sub-harmonics, as in creak.
    doubling = random.uniform(0.02, 0.25) if random.random() < (0.5 if hz < 90 else 0.1) else 0.0
    level = loudness[::10]

    def amplitude(f: Doubles, _: int) -> Doubles:
        gain = np.ones_like(f)
        for track, width in zip(tracks, widths, strict=True):
            w = width * scale
            gain = gain * track**2 / np.sqrt((track**2 - f**2) ** 2 + (w * f) ** 2 + 1e3)
        return np.minimum(gain, 100) * (1 + (f / hz) ** 2) ** (tilt / 2) * level

    jittered = f0 * np.exp2(random.uniform(0, 0.02) * contours.wander(random, count, 120))
    if doubling:
        whole = partials(random, jittered / 2, lambda f, k: amplitude(f, k) * (1 if k % 2 == 0 else doubling))
    else:
        whole = partials(random, jittered, amplitude)
    shimmer = at_samples(np.exp(random.uniform(0, 0.1) * contours.wander(random, count, 80)), len(whole))
    samples = whole * shimmer
    if random.random() < 0.7:
        samples = samples + breath(random, samples, random.uniform(-35, -8))
    f0_out, state = labels(f0, loudness, len(samples))
    return samples, f0_out, state


def unvoiced(random: Random, seconds: float) -> Clip:
    """Noises: steady, in bursts, in bands; clicks; rumble; nothing at all."""
    samples = int(seconds * RATE)
    kind = random.integers(6)
    x = colour(random.standard_normal(samples), random.uniform(-2.5, 1.0))
    if kind == 1:  # a band of it, as of a consonant
        f = np.fft.rfftfreq(samples, 1 / RATE)
        centre = np.exp(random.uniform(np.log(500), np.log(6000)))
        octaves = np.log(np.maximum(f, 1) / centre) / random.uniform(0.3, 1)
        x = np.fft.irfft(np.fft.rfft(x) * np.exp(-0.5 * octaves**2), samples)
    if kind in (1, 2):
        x = x * at_samples(contours.gates(random, int(seconds * 1000)), samples)
    if kind == 3:  # clicks, at no regular distance
        x = x * 1e-3
        for at in random.integers(0, samples - 200, random.integers(2, 25)):
            length = random.integers(5, 200)
            x[at : at + length] += random.standard_normal(length) * np.exp(-np.arange(length) / (length / 4))
    if kind == 4:
        x = x * 0 if random.random() < 0.3 else np.round(x * random.uniform(0, 2)) / 32768
    if kind == 5:
        x = rumble(random, samples)
    frames = samples // STEP + 1
    return x.astype(np.float32), np.zeros(frames, np.float32), np.zeros(frames, np.int8)


def synthetic(random: Random, seconds: float) -> Clip:
    """One of all the above, f0 drawn evenly over the octaves, but for the ends."""
    kind = random.random()
    if kind < 0.05:
        return unvoiced(random, seconds)
    if kind < 0.10:
        return modulated(random, seconds, float(np.exp(random.uniform(np.log(40), np.log(1500)))))
    if kind < 0.45:
        hz = float(np.exp(random.uniform(np.log(45), np.log(700))))
        if random.random() < 0.2:
            hz = random.uniform(30, 80)
        return voice(random, seconds, hz)
    # The ends of the range have fewer neighbours to learn from.
    low, high = ((30, 60), (2000, 4200), (30, 4200), (30, 4200))[random.integers(4)]
    return instrument(random, seconds, float(np.exp(random.uniform(np.log(low), np.log(high)))))
