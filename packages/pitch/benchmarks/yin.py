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
from sounds import CONDITIONS, SOUNDS, add_noise, voice

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
