"""Sounds whose pitch is known, for the benchmarks: synthetic, resynthesised and rendered.

Each is ``Sound(name, rate, samples, f0, there)``: `f0` in hertz for every sample, and `there`, which is 1
where it sounds, 0 where there is none, and between where neither should count.
"""

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import signal

Floats = npt.NDArray[np.float64]
Random = np.random.Generator


class Sound(NamedTuple):
    """Samples with the truth about them."""

    name: str
    rate: int
    samples: Floats
    f0: Floats
    there: Floats


def contour(random, frames: int, rate: int, low: float, high: float) -> Floats:
    """A line through random pitches, two a second, smoothed over 100 ms, with vibrato."""
    knots = random.uniform(np.log2(low), np.log2(high), frames * 2 // rate + 2)
    line = np.interp(np.linspace(0, 1, frames), np.linspace(0, 1, len(knots)), knots)
    smooth = signal.windows.hann(rate // 10)
    line = np.convolve(np.pad(line, len(smooth) // 2, "edge"), smooth / smooth.sum(), "same")
    line = line[len(smooth) // 2 :][:frames]
    t = np.arange(frames) / rate
    return 2 ** (line + random.uniform(0, 0.04) * np.sin(2 * np.pi * random.uniform(4.5, 6.5) * t))


def voice(random, rate: int, low: float, high: float) -> tuple[Floats, Floats, Floats]:
    """Harmonics with shimmer through three formants that move, breath, and pauses of hiss."""
    frames = 4 * rate
    f0 = contour(random, frames, rate, low, high)
    phase = np.cumsum(f0) / rate
    x = np.zeros(frames)
    for h in range(1, min(60, int(0.45 * rate / f0.max())) + 1):
        x += np.cos(2 * np.pi * h * phase + 0.3 * h) / h**1.2
    steps = np.arange(0, frames, rate // 80)
    x *= 1 + 0.1 * np.interp(np.arange(frames), steps, random.standard_normal(len(steps)))
    vowels = []
    for _ in range(2):
        y = x
        centres = (random.uniform(250, 800), random.uniform(900, 2_300), random.uniform(2_400, 3_200))
        for centre, width in zip(centres, (80, 100, 150), strict=True):
            r = np.exp(-np.pi * width / rate)
            y = signal.lfilter([1.0], [1, -2 * r * np.cos(2 * np.pi * centre / rate), r * r], y)
        vowels.append(y / np.std(y))
    fade = np.linspace(0, 1, frames)
    x = vowels[0] * (1 - fade) + vowels[1] * fade + 0.02 * random.standard_normal(frames)
    there = np.ones(frames)
    for second in range(4):
        start = int((second + random.uniform(0, 0.5)) * rate)
        there[start : start + int(random.uniform(0.15, 0.35) * rate)] = 0
    edge = signal.windows.hann(rate // 50)
    there = np.convolve(there, edge / edge.sum(), "same")
    hiss = signal.lfilter([1, -0.9], [1], random.standard_normal(frames))
    return x * there + (1 - there) * random.choice([0.001, 0.1, 0.3]) * hiss, f0, there


def instrument(random, rate: int) -> tuple[Floats, Floats, Floats]:
    """Decaying notes from 60 to 1800 Hz of four timbres, some with vibrato, with short pauses."""
    sounds, pitches, present = [], [], []
    while sum(map(len, sounds)) < 4 * rate:
        t = np.arange(int(random.uniform(0.25, 0.7) * rate)) / rate
        f0 = 2 ** random.uniform(np.log2(60), np.log2(1_800))
        f0 = f0 * 2 ** (random.uniform(0, 0.5) / 12 * random.integers(0, 2) * np.sin(2 * np.pi * 5 * t))
        phase, tilt, timbre = np.cumsum(f0) / rate, random.uniform(0.5, 2.5), random.integers(4)
        x = np.zeros(len(t))
        for h in range(1, 31):
            if h * f0.max() > 0.45 * rate:
                break
            level = h**-tilt * (0.1 if timbre == 1 and h % 2 == 0 else 0.05 if timbre == 2 and h == 1 else 1)
            x += (
                level
                * np.cos(2 * np.pi * h * phase + random.uniform(0, 6))
                * np.exp(-t * h * random.uniform(0.2, 2))
            )
        envelope = np.minimum(1, np.minimum(t / 0.01, (t[-1] - t) / 0.02))
        pause = np.zeros(int(random.uniform(0, 0.1) * rate))
        sounds += [x / np.abs(x).max() * envelope * random.uniform(0.1, 1), pause]
        pitches += [f0, pause + 100]
        present += [(envelope > 0.3).astype(float), pause]
    return np.concatenate(sounds), np.concatenate(pitches), np.concatenate(present)


def add_noise(random, x: Floats, there: Floats, snr_db: float | None, pink: bool) -> npt.NDArray[np.float32]:
    noise = random.standard_normal(len(x))
    if snr_db is None:
        return (x + 1e-5 * noise).astype(np.float32)
    if pink:
        spectrum = np.fft.rfft(noise)
        noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), len(x))
    power = np.mean(x[there > 0.5] ** 2) * 10 ** (-snr_db / 10)
    return (x + noise * np.sqrt(power / np.mean(noise**2))).astype(np.float32)


SOUNDS: dict[str, tuple[int, Callable]] = {
    "low voice, 8 kHz": (8_000, lambda random, rate: voice(random, rate, 60, 150)),
    "voice, 16 kHz": (16_000, lambda random, rate: voice(random, rate, 80, 300)),
    "high voice, 22 kHz": (22_050, lambda random, rate: voice(random, rate, 150, 500)),
    "instruments, 16 kHz": (16_000, instrument),
    "instruments, 44 kHz": (44_100, instrument),
}
CONDITIONS = {
    "clean": (None, False),
    "white 20 dB": (20, False),
    "white 10 dB": (10, False),
    "white 0 dB": (0, False),
    "pink 10 dB": (10, True),
    "pink 0 dB": (0, True),
}


# ---- sets of exact sounds ---------------------------------------------------------------------------------


def harmonics(phase: Floats, numbers: list[int], decay: float = 1.0) -> Floats:
    """Cosines at multiples of `phase`, in cycles."""
    return sum((np.cos(2 * np.pi * h * phase + 0.7 * h) / h**decay for h in numbers), np.zeros_like(phase))


def _exact(name: str, rate: int, f0: Floats, numbers: list[int], decay: float = 1.0) -> Sound:
    numbers = [h for h in numbers if h * f0.max() < 0.45 * rate]
    return Sound(name, rate, harmonics(np.cumsum(f0) / rate, numbers, decay), f0, np.ones(len(f0)))


def tones(random: Random) -> Iterator[Sound]:
    """Steady sines and tones of ten harmonics."""
    for f0 in (55.0, 110.0, 220.0, 440.0, 880.0, 1_760.0):
        for highest in (1, 10):
            level = np.full(16_000, f0 * 2 ** random.uniform(-0.04, 0.04))
            yield _exact("tone", 16_000, level, list(range(1, highest + 1)))


def sweeps(random: Random) -> Iterator[Sound]:
    """One to three octaves in two seconds, up and down."""
    t = np.arange(32_000) / 32_000
    for low in (60.0, 120.0, 240.0):
        for octaves in (1.0, 3.0):
            line = low * 2 ** (octaves * (t if random.uniform() < 0.5 else 1 - t))
            yield _exact("sweep", 16_000, line, list(range(1, 9)))


def missing_fundamentals(random: Random) -> Iterator[Sound]:
    """Harmonics 2 to 5, 3 to 8 and 4 to 10 alone, of one strength."""
    for first, last in ((2, 5), (3, 8), (4, 10)):
        for f0 in (90.0, 180.0, 360.0):
            level = np.full(16_000, f0 * 2 ** random.uniform(-0.1, 0.1))
            yield _exact("missing fundamental", 16_000, level, list(range(first, last + 1)), 0.0)


def vibratos(random: Random) -> Iterator[Sound]:
    """Up to a semitone to either side, four to eight times a second."""
    t = np.arange(32_000) / 16_000
    for f0 in (110.0, 220.0, 440.0, 880.0):
        for depth in (0.3, 1.0):
            swing = depth / 12 * np.sin(2 * np.pi * random.uniform(4, 8) * t)
            yield _exact("vibrato", 16_000, f0 * 2**swing, list(range(1, 9)))


def strings(random: Random) -> Iterator[Sound]:
    """Struck strings whose stiffness puts their partials at n f0 sqrt(1 + B n^2), decaying."""
    rate, t = 44_100, np.arange(44_100) / 44_100
    for f0, stiffness in ((55.0, 5e-4), (82.4, 3e-4), (196.0, 2e-4), (440.0, 5e-4), (880.0, 1e-3)):
        x = np.zeros(rate)
        for n in range(1, 30):
            partial = n * f0 * np.sqrt(1 + stiffness * n * n)
            if partial < 0.45 * rate:
                x += np.cos(2 * np.pi * partial * t + random.uniform(0, 6)) * np.exp(-0.7 * n * t) / n
        yield Sound("string", rate, x, np.full(rate, f0 * np.sqrt(1 + stiffness)), np.ones(rate))


def voices(random: Random) -> Iterator[Sound]:
    """Formant voices of three heights, with breath and pauses."""
    for name in ("low voice, 8 kHz", "voice, 16 kHz", "high voice, 22 kHz"):
        rate, make = SOUNDS[name]
        for _ in range(2):
            yield Sound(name, rate, *make(random, rate))


def instruments(random: Random) -> Iterator[Sound]:
    """Procedural instruments."""
    for name in ("instruments, 16 kHz", "instruments, 44 kHz"):
        rate, make = SOUNDS[name]
        for _ in range(2):
            yield Sound(name, rate, *make(random, rate))


# ---- speech by resynthesis --------------------------------------------------------------------------------

#: A sentence of CMU ARCTIC, which the documentation has too; its terms are beside it.
SPEECH = Path(__file__).parents[3] / "docs/demo/arctic_a0007.wav"


def speech(random: Random) -> Iterator[Sound]:
    """A spoken sentence as harmonics of exact pitch under its own spectral envelope, at several heights.

    Its contour is that of the recording, shifted; what is unvoiced is the recording's own.
    """
    import luthier.pitch as lp

    if not SPEECH.exists():
        return
    with wave.open(str(SPEECH)) as file:
        rate = file.getframerate()
        x = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768
    # Any contour will do, as it becomes the truth: this one is smooth and close to the recording's.
    pitch = lp.track(x, rate, method="autocorrelation", fmin=60, fmax=400, hop_s=0.005)
    voiced = signal.medfilt(pitch.voiced.astype(float), 7) > 0.5
    octaves = np.interp(pitch.times, pitch.times[voiced], np.log2(signal.medfilt(pitch.f0, 5)[voiced]))
    octaves = signal.filtfilt(*signal.butter(2, 0.2), octaves)
    t = np.arange(len(x)) / rate
    contour = 2 ** np.interp(t, pitch.times, octaves)
    edge = signal.windows.hann(int(0.02 * rate))
    there = np.convolve(np.interp(t, pitch.times, voiced.astype(float)), edge / edge.sum(), "same")

    # The envelope: spectra of 25 ms every 5, without what changes faster than 2 ms of quefrency.
    size, hop = 1_024, int(0.005 * rate)
    shape = signal.windows.hann(int(0.025 * rate))
    padded = np.pad(x, size)
    log_spectra = []
    for centre in range(0, len(x) + hop, hop):
        part = padded[centre + size - len(shape) // 2 :][: len(shape)] * shape
        cepstrum = np.fft.irfft(np.log(np.abs(np.fft.rfft(part, size)) + 1e-5))
        keep = int(0.002 * rate)
        cepstrum[keep : size - keep + 1] = 0
        log_spectra.append(np.fft.rfft(cepstrum).real)
    envelope = np.array(log_spectra)
    for shift in (-5, 0, 5, 9):
        f0 = contour * 2 ** (shift / 12 + 0.02 * random.standard_normal())
        phase, y = np.cumsum(f0) / rate, np.zeros(len(x))
        rows = np.minimum(t / 0.005, len(envelope) - 2)
        row = rows.astype(int)
        for h in range(1, int(0.47 * rate / f0.min()) + 1):
            place = np.minimum(h * f0 * size / rate, size // 2 - 1.001)
            low = place.astype(int)
            level = envelope[row, low] * (1 - (rows - row)) + envelope[row + 1, low] * (rows - row)
            gain = np.exp(level) * (h * f0 < 0.47 * rate)
            y += gain * np.sqrt(f0) * np.cos(2 * np.pi * h * phase + h * h * 0.1)
        y *= np.std(x[there > 0.5]) / np.std(y[there > 0.5])
        yield Sound("speech", rate, y * there + x * (1 - there), f0, there)


# ---- soundfont renders ------------------------------------------------------------------------------------

SOUNDFONTS = (
    Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3"),
    Path("/usr/share/sounds/sf3/MuseScore_General.sf3"),
    Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
)
#: Programs of General MIDI with their lowest and highest notes here.
PROGRAMS = ((0, 36, 84), (24, 43, 76), (33, 30, 50), (40, 56, 88), (42, 38, 64), (52, 50, 72),
            (56, 55, 80), (65, 50, 76), (71, 52, 82), (73, 60, 90))  # fmt: skip


def _variable(value: int) -> bytes:
    """A number as a MIDI file writes it."""
    parts = [value & 127]
    while value := value >> 7:
        parts.append(value & 127 | 128)
    return bytes(parts[::-1])


def soundfont(random: Random) -> Iterator[Sound]:
    """Single notes of a soundfont's instruments, one after the other; none without FluidSynth."""
    font = next((font for font in SOUNDFONTS if font.exists()), None)
    if font is None or shutil.which("fluidsynth") is None:
        return
    rate, tick = 44_100, 0.001
    for program, lowest, highest in PROGRAMS:
        track, notes, now = b"\0\xff\x51\x03\x0f\x42\x40" + bytes((0, 0xC0, program)), [], 0.0
        rest = 200  # ticks
        for _ in range(8):
            note, long = int(random.integers(lowest, highest)), int(random.integers(250, 700))
            track += _variable(rest) + bytes((0x90, note, 90)) + _variable(long) + bytes((0x80, note, 0))
            start = now + rest * tick
            notes.append((start, start + long * tick, note))
            now, rest = start + long * tick, int(random.integers(50, 300))
        track += b"\x83\x00\xff\x2f\0"
        header = b"MThd\0\0\0\x06\0\0\0\x01\x03\xe8MTrk" + len(track).to_bytes(4, "big")
        with tempfile.TemporaryDirectory() as folder:
            midi, out = Path(folder, "notes.mid"), Path(folder, "notes.wav")
            midi.write_bytes(header + track)
            command = [
                "fluidsynth",
                "-niq",
                "-R0",
                "-C0",
                "-r",
                str(rate),
                "-F",
                str(out),
                str(font),
                str(midi),
            ]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with wave.open(str(out)) as file:
                x = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).mean(1) / 32_768
        f0, there = np.full(len(x), 440.0), np.full(len(x), 0.5)  # tails do not count
        there[: int(0.18 * rate)] = 0
        for start, end, note in notes:
            f0[int(start * rate) : int(end * rate)] = 440 * 2 ** ((note - 69) / 12)
            there[int((start + 0.04) * rate) : int((end - 0.02) * rate)] = 1
        yield Sound(f"program {program}", rate, x, f0, there)


SETS: dict[str, Callable[[Random], Iterator[Sound]]] = {
    "tones": tones,
    "sweeps": sweeps,
    "missing fundamental": missing_fundamentals,
    "vibrato": vibratos,
    "inharmonic strings": strings,
    "voices": voices,
    "instruments": instruments,
    "speech, resynthesised": speech,
    "soundfont": soundfont,
}
