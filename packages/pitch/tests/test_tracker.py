"""Streaming: what comes in pieces gives what comes at once."""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import luthier.pitch as lp
from luthier.core import LayoutError, ParameterError
from luthier.pitch.methods import METHODS

RATE = 16_000
Samples = npt.NDArray[np.float32]


def melody(frames: int, seed: int = 0) -> Samples:
    """Some notes with harmonics, pauses and noise: voiced and unvoiced frames in turn."""
    random = np.random.default_rng(seed)
    f0 = np.repeat(random.uniform(60, 900, frames // 3_000 + 1), 3_000)[:frames]
    phase = np.cumsum(f0) / RATE
    x = sum((np.cos(2 * np.pi * h * phase) / h for h in range(1, 6)), np.zeros(frames))
    x *= np.repeat(random.uniform(size=frames // 3_000 + 1) > 0.25, 3_000)[:frames]
    return (x + 0.05 * random.standard_normal(frames)).astype(np.float32)


def same(a: lp.Pitch, b: lp.Pitch) -> None:
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)
        assert x.dtype == y.dtype


def stream(tracker: lp.Tracker, x: Samples, cuts: list[int]) -> lp.Pitch:
    pieces = [tracker.push(part) for part in np.split(x, cuts, axis=-1)]
    return lp.Pitch.concatenate([*pieces, tracker.flush()])


@pytest.mark.parametrize("method", METHODS)
@given(
    frames=st.integers(0, 20_000),
    cuts=st.lists(st.integers(0, 20_000), max_size=8),
    rate=st.sampled_from([8_000.0, 16_000.0, 44_100.0]),
    hop_s=st.sampled_from([0.01, 0.0058, 0.0123, 0.1]),
    seed=st.integers(0, 9),
)
def test_any_cutting_gives_the_same(
    method: str, frames: int, cuts: list[int], rate: float, hop_s: float, seed: int
) -> None:
    x = melody(frames, seed)
    tracker = lp.Tracker(rate, method=method, hop_s=hop_s)
    whole = lp.track(x, rate, method=method, hop_s=hop_s)
    for _ in range(2):  # a tracker is as new after a flush
        same(stream(tracker, x, sorted(cuts)), whole)


@pytest.mark.parametrize("method", METHODS)
def test_sample_by_sample_and_a_long_signal(method: str) -> None:
    x = melody(3 * RATE)
    whole = lp.track(x, RATE, method=method)
    same(stream(lp.Tracker(RATE, method=method), x, list(range(0, len(x), 37))), whole)
    short = x[:2_000]
    same(
        stream(lp.Tracker(RATE, method=method), short, list(range(2_000))),
        lp.track(short, RATE, method=method),
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_channels(method: str, dtype: str) -> None:
    x = np.stack([melody(20_000, seed) for seed in range(3)]).astype(dtype)
    tracker = lp.Tracker(RATE, method=method, channels=3, dtype=dtype)
    same(stream(tracker, x, [100, 5_000, 5_001, 14_000]), lp.track(x, RATE, method=method))
    turned = lp.Tracker(RATE, method=method, channels=3, dtype=dtype, layout="frames_first")
    pieces = [turned.push(part.T) for part in np.split(x, [100, 7_000], axis=-1)]
    same(lp.Pitch.concatenate([*pieces, turned.flush()]), lp.track(x, RATE, method=method))


@pytest.mark.parametrize("method", METHODS)
def test_a_frame_comes_no_later_than_the_latency(method: str) -> None:
    for rate in (8_000, 44_100):
        tracker = lp.Tracker(rate, method=method)
        latest, received = 0.0, 0
        x = melody(2 * rate)
        for start in range(0, len(x), 10):
            pitch = tracker.push(x[start : start + 10])
            received += 10
            if pitch.times.size and pitch.times[0] > 0.2:
                # The block is 10 samples: the frame came at one of them.
                latest = max(latest, received / rate - pitch.times[0])
        assert 0 < latest <= tracker.latency_s + 10 / rate
        # And the promise is no more than a few milliseconds from what happens.
        assert tracker.latency_s < latest + 0.005


@pytest.mark.parametrize("method", METHODS)
def test_memory_does_not_grow(method: str) -> None:
    tracker = lp.Tracker(RATE, method=method)
    kept = [tracker.push(block) for block in np.split(melody(40 * 4_000), 40)]
    frames = sum(piece.times.size for piece in kept)
    late = 1_000 - frames
    assert late * 0.01 <= tracker.latency_s + 0.02


def test_reset_forgets() -> None:
    tracker = lp.Tracker(RATE)
    tracker.push(melody(5_000))
    tracker.reset()
    same(stream(tracker, melody(8_000, 3), [4_000]), lp.track(melody(8_000, 3), RATE))


def test_no_samples_have_no_frames() -> None:
    for channels in (None, 2):
        tracker = lp.Tracker(RATE, channels=channels)
        pitch = tracker.flush()
        assert pitch.f0.shape == ((0,) if channels is None else (2, 0))
        assert pitch.times.shape == (0,)


def test_blocks_of_another_kind_are_refused_and_change_nothing() -> None:
    x = melody(8_000)
    tracker = lp.Tracker(RATE)
    pieces = [tracker.push(x[:5_000])]
    bad = x[5_000:6_000].copy()
    bad[7] = np.nan
    refused: list[tuple[Any, str]] = [
        (x[None], r"block must have shape \(frames,\), got \(1, 8000\); Tracker\(channels=...\) sets"),
        (x.astype(np.float64), r"block must be float32, got float64; Tracker\(dtype=...\) sets"),
        (bad, r"samples must be finite, got nan in frame 5007;"),
        ((x * 100).astype(np.int16), r"block must be float32 or float64"),
        (3.0, "block must"),
    ]
    for block, message in refused:
        with pytest.raises(LayoutError, match=message):
            tracker.push(block)
    pieces += [tracker.push(x[5_000:]), tracker.flush()]
    same(lp.Pitch.concatenate(pieces), lp.track(x, RATE))
    stereo = lp.Tracker(RATE, channels=2)
    for block in (x, np.stack([x, x, x])):
        with pytest.raises(LayoutError, match=r"block must have shape \(2, frames\), got"):
            stereo.push(block)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": 0}, "channels must be a whole number between 1 and 4096, or None"),
        ({"channels": 1.5}, "channels must be a whole number"),
        ({"channels": True}, "channels must be a whole number"),
        ({"dtype": "int16"}, "dtype must be one of float32, float64, got 'int16'"),
        ({"dtype": "x"}, "dtype must be one of float32, float64, got 'x'"),
        ({"method": "best"}, "method must be one of"),
        ({"fmax": 9_000}, "fmax must be at most half the sample rate"),
    ],
)
def test_settings_are_checked_at_once(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        lp.Tracker(RATE, **arguments)


def test_two_threads_in_one_tracker_are_refused_or_in_turn() -> None:
    tracker, x = lp.Tracker(RATE, channels=8), np.zeros((8, 20 * RATE), np.float32)
    errors = []

    def push() -> None:
        for _ in range(4):
            try:
                tracker.push(x)
            except RuntimeError as error:
                errors.append(str(error))

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("used by two threads at once" in error for error in errors)


def test_repr() -> None:
    assert repr(lp.Tracker(8_000, method="mpm", channels=2, fmax=400)) == (
        "Tracker(8000, method='mpm', channels=2, fmin=50, fmax=400, hop_s=0.01, dtype='float32')"
    )
