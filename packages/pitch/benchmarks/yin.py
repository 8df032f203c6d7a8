"""YIN: speed on one thread, and accuracy on synthetic sounds of known pitch, beside librosa's yin.

    python packages/pitch/benchmarks/yin.py [--quick]

librosa, if installed, runs in the same process on the same samples with a frame of 64 ms (its default, 2048
samples, is 128 ms at 16 kHz). It has no voicing, so only f0 is compared.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import signal

import luthier.core
import luthier.pitch as lp

try:
    import librosa
except ImportError:
    librosa = None

Floats = npt.NDArray[np.float64]
Tracker = Callable[[npt.NDArray[np.float32], int], tuple[Floats, Floats, npt.NDArray[np.bool_] | None]]
FMIN, FMAX, HOP_S = 50.0, 1_999.0, 0.01


def ours(x: npt.NDArray[np.float32], rate: int):
    pitch = lp.track(x, rate, fmin=FMIN, fmax=FMAX, hop_s=HOP_S)
    return pitch.times, pitch.f0, pitch.voiced


def peer(x: npt.NDArray[np.float32], rate: int):
    hop = round(rate * HOP_S)
    frame = 2 ** int(np.ceil(np.log2(0.064 * rate)))
    f0 = librosa.yin(x, fmin=FMIN, fmax=FMAX, sr=rate, frame_length=frame, hop_length=hop)
    return np.arange(len(f0)) * hop / rate, f0, None


# ---- sounds -----------------------------------------------------------------------------------------------


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


# ---- measures ---------------------------------------------------------------------------------------------


def accuracy(tracker: Tracker, count: int, condition: str) -> list[float]:
    """Means over the sounds, in the order of the table's columns."""
    rows = []
    for rate, make in SOUNDS.values():
        random = np.random.default_rng(20_261)
        for _ in range(count):
            x, f0, there = make(random, rate)
            times, found, voiced = tracker(add_noise(random, x, there, *CONDITIONS[condition]), rate)
            at = np.minimum(np.round(times * rate).astype(int), len(f0) - 1)
            on, off = there[at] > 0.98, there[at] < 0.02
            cents = 1_200 * np.log2(found / f0[at])
            right = np.abs(cents) < 50
            rows.append(
                [
                    100 * right[on].mean(),
                    100 * (cents[on] > 600).mean(),
                    100 * (cents[on] < -600).mean(),
                    np.median(np.abs(cents[on & right])) if (on & right).any() else np.nan,
                    np.nan if voiced is None else 100 * voiced[on].mean(),
                    np.nan if voiced is None or not off.any() else 100 * voiced[off].mean(),
                ]
            )
    columns = [column[np.isfinite(column)] for column in np.array(rows).T]
    return [float(column.mean()) if column.size else np.nan for column in columns]


def tones(tracker: Tracker) -> tuple[float, float]:
    """Largest error in cents on clean steady tones, sines and five harmonics, inside and over all frames."""
    inside, whole = 0.0, 0.0
    for rate in (8_000, 16_000, 44_100, 48_000, 96_000):
        t = np.arange(rate // 2) / rate
        for f0 in (55.3, 110.0, 261.63, 440.0, 987.7, 1_661.2):
            for highest in (1, 5):
                numbers = [h for h in range(1, highest + 1) if h * f0 < 0.375 * rate]
                x = sum(np.cos(2 * np.pi * h * f0 * t + h) / h for h in numbers)
                _, found, _ = tracker(x.astype(np.float32), rate)
                cents = np.abs(1_200 * np.log2(found / f0))
                whole, inside = max(whole, cents.max()), max(inside, cents[8:-8].max())
    return inside, whole


def speed(tracker: Tracker, rate: int, seconds: float, repeats: int) -> float:
    """Seconds of audio a second of the thread's own time, the best of some runs."""
    random = np.random.default_rng(1)
    x, _, there = voice(random, rate, 80, 300)
    x = add_noise(
        random, np.tile(x, int(np.ceil(seconds / 4))), np.tile(there, int(np.ceil(seconds / 4))), 30, False
    )
    best = np.inf
    for _ in range(repeats + 1):
        start = time.thread_time()
        tracker(x, rate)
        best = min(best, time.thread_time() - start)
    return len(x) / rate / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer sounds and runs")
    quick = parser.parse_args().quick
    luthier.core.set_threads(1)
    trackers: dict[str, Tracker] = {"luthier": ours} | ({"librosa": peer} if librosa else {})
    print(
        f"luthier {lp.__version__} ({luthier.core.cpu().chosen}), librosa {librosa and librosa.__version__}\n"
    )

    print("One thread, hop 10 ms, 50 to 1999 Hz, float32:\n")
    print("| sample rate | luthier, x real time | librosa | ratio |\n|---|---|---|---|")
    for rate in (8_000, 16_000, 44_100, 48_000, 96_000):
        runs = {name: speed(t, rate, 20, 3 if quick or t is peer else 20) for name, t in trackers.items()}
        other = f"{runs['librosa']:.0f} | {runs['luthier'] / runs['librosa']:.1f}" if librosa else "- | -"
        print(f"| {rate} | {runs['luthier']:.0f} | {other} |")

    print("\nClean steady tones, 8 to 96 kHz, largest error in cents:\n")
    print("| tracker | away from the ends | all frames |\n|---|---|---|")
    for name, tracker in trackers.items():
        inside, whole = tones(tracker)
        print(f"| {name} | {inside:.2f} | {whole:.2f} |")

    print(
        "\nSynthetic voices and instruments; percent of frames, error in cents (median of the right ones):\n"
    )
    print("| condition | tracker | within 50 cents | octaves above | below | cents | voicing found | false |")
    print("|---|---|---|---|---|---|---|---|")
    for condition in CONDITIONS:
        for name, tracker in trackers.items():
            figures = accuracy(tracker, 2 if quick else 6, condition)
            cells = ["-" if np.isnan(v) else f"{v:.{2 if i == 3 else 1}f}" for i, v in enumerate(figures)]
            print(f"| {condition} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
