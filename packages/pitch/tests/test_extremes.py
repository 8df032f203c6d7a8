"""Numbers at the ends of what there is: levels, offsets, settings; and trackers used wrongly."""

import copy
import pickle
import threading
from collections.abc import Callable

import numpy as np
import pytest

import luthier.core
import luthier.pitch as lp
from luthier.pitch.methods import METHODS

RATE = 16_000
CLASSICAL = [method for method in METHODS if method != "neural"]


def tone_after_silence(dtype: str) -> np.ndarray:
    x = np.sin(2 * np.pi * 220 * np.arange(6_400) / RATE)
    x[:3_200] = 0
    return x.astype(dtype)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [1e-309, 5e-324, 1e308])
def test_no_level_hangs(method: str, level: float) -> None:
    pitch = lp.track(np.sin(np.arange(3_200) * 0.1) * level, RATE, method=method)
    assert np.all(np.isfinite(pitch.f0))
    assert np.all((pitch.confidence >= 0) & (pitch.confidence <= 1))


@pytest.mark.parametrize("method", CLASSICAL)
@pytest.mark.parametrize(
    ("dtype", "exponent"), [("float32", -70), ("float32", 70), ("float64", -664), ("float64", 664)]
)
def test_levels_far_off_change_nothing(method: str, dtype: str, exponent: int) -> None:
    """By a power of two, which rounds nothing: 1e-21 and 1e21, 1e-200 and 1e200. At an onset, where it is
    asked how much of the power around a frame is at its centre."""
    x = tone_after_silence(dtype)
    plain = lp.track(x, RATE, method=method)
    scaled = lp.track(np.ldexp(x, exponent).astype(dtype), RATE, method=method)
    np.testing.assert_allclose(scaled.confidence, plain.confidence, atol=1e-5)
    np.testing.assert_allclose(scaled.f0, plain.f0, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_between_constants_have_a_confidence(method: str, dtype: str) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = np.repeat(rng.uniform(-1, 1, 4), 1_600).astype(dtype)
        confidence = lp.track(x, RATE, method=method).confidence
        assert np.all((confidence >= 0) & (confidence <= 1))


def test_settings_beyond_what_there_is() -> None:
    x = np.zeros(100)
    for wrong in ({"fmin": 10**400}, {"fmax": -(10**400)}, {"hop_s": 10**400}):
        with pytest.raises(luthier.core.ParameterError, match="finite number"):
            lp.track(x, RATE, method="yin", **wrong)
    with pytest.raises(luthier.core.ParameterError, match="finite number"):
        lp.track(x, RATE, method="yin", threshold=10**400)
    with pytest.raises(luthier.core.ParameterError, match="boltzmann_parameter"):
        lp.track(x, RATE, method="pyin", boltzmann_parameter=1e-17)
    with pytest.raises(luthier.core.ParameterError, match="raise fmin"):
        lp.track(x, 1e7, method="pyin", fmin=20, fmax=2_000, frame_s=2, hop_s=1)


def test_a_hop_of_one_sample() -> None:
    assert lp.track(np.zeros(80), 8_001, method="yin", hop_s=1 / 8_001).f0.shape == (81,)


@pytest.mark.parametrize("method", METHODS)
def test_a_tracker_is_not_reset_while_another_thread_is_in_it(method: str) -> None:
    tracker = lp.Tracker(RATE, method=method)
    x = np.random.default_rng(0).standard_normal(4 * RATE).astype("float32")
    done = threading.Event()
    refused: list[str] = []

    def attempt(action: Callable[[], object]) -> None:
        try:
            action()
        except RuntimeError as error:
            refused.append(str(error))

    def reset() -> None:
        while not done.is_set():
            attempt(tracker.reset)

    thread = threading.Thread(target=reset)
    thread.start()
    for _ in range(5):
        attempt(lambda: tracker.push(x))
    done.set()
    thread.join()
    assert all("two threads" in text for text in refused)
    tracker.reset()
    whole = lp.track(x, RATE, method=method)
    assert lp.Pitch.concatenate([tracker.push(x), tracker.flush()]) == whole


def test_a_tracker_is_no_value() -> None:
    for make in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            make(lp.Tracker(RATE))


def test_results_compare() -> None:
    x = tone_after_silence("float32")
    assert lp.track(x, RATE) == lp.track(x, RATE)
    assert lp.track(x, RATE) != lp.track(x[:-400], RATE)
    assert lp.track(x, RATE) != "a pitch"
