"""Envelope followers against closed forms and a frame-by-frame reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import _native

Array = npt.NDArray[Any]
RATE = 48_000.0


def follow(x: Array, attack_ms: float, release_ms: float, rms: bool = False, step: int = 1 << 20) -> Array:
    out = np.empty_like(x)
    _native.envelope(x, out, attack_ms, release_ms, RATE, rms, step)
    return out


def reference(x: Array, attack_ms: float, release_ms: float, rms: bool) -> Array:
    def share(ms: float) -> float:
        return -np.expm1(-1 / (ms * 1e-3 * RATE)) if ms > 0 else 1.0

    attack, release = share(attack_ms), share(release_ms)
    out = np.empty(x.shape)
    for c, channel in enumerate(x.astype(np.float64)):
        envelope = 0.0
        for i, level in enumerate(channel**2 if rms else abs(channel)):
            share_of = attack if level > envelope else release
            # Not envelope += share * (level - envelope): its rounding hides a level far below the envelope.
            envelope = (1 - share_of) * envelope + share_of * level
            out[c, i] = np.sqrt(envelope) if rms else envelope
    return out


@pytest.mark.parametrize("attack_ms", [1.0, 10.0, 100.0])
def test_a_time_constant_is_the_time_to_63_percent(attack_ms: float) -> None:
    frames = round(attack_ms * 1e-3 * RATE)
    x = np.ones((1, 16 * (frames // 16 + 2)))
    y = follow(x, attack_ms, 500.0)
    assert y[0, frames - 1] == pytest.approx(1 - np.exp(-1), abs=1e-12)


def test_release_is_exponential() -> None:
    x = np.zeros((1, 48_000))
    x[0, 0] = 1
    y = follow(x, 0.0, 100.0)
    t = np.arange(48_000) / RATE
    assert np.allclose(y[0], np.exp(-t / 0.1), rtol=1e-10)


def test_the_root_mean_square_of_a_sine() -> None:
    x = np.sin(2 * np.pi * 1_000 * np.arange(96_000) / RATE)[None, :]
    assert follow(x, 50.0, 50.0, rms=True)[0, -4_800:] == pytest.approx(np.sqrt(0.5), rel=2e-3)


@pytest.mark.parametrize("rms", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-7), (np.float64, 1e-14)])
@given(
    attack_ms=st.just(0.0) | st.floats(1e-3, 200),
    release_ms=st.just(0.0) | st.floats(1e-3, 1_000),
    channels=st.integers(1, 11),
    seed=st.integers(0, 99),
)
def test_against_the_recursion(
    rms: bool, dtype: type, tolerance: float, attack_ms: float, release_ms: float, channels: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    x = (random.standard_normal((channels, 160)) * random.uniform(0, 1, (channels, 160)) ** 4).astype(dtype)
    wanted = reference(x, attack_ms, release_ms, rms)
    assert np.allclose(follow(x, attack_ms, release_ms, rms), wanted, rtol=tolerance, atol=tolerance)


@given(st.integers(1, 12), st.integers(1, 9), st.booleans())
def test_any_cut_gives_the_same_bits(groups: int, channels: int, rms: bool) -> None:
    x = np.random.default_rng(groups).standard_normal((channels, 12 * 16)).astype(np.float32)
    assert np.array_equal(follow(x, 1.0, 20.0, rms, 16 * groups), follow(x, 1.0, 20.0, rms))


def test_silence_at_last_is_zero() -> None:
    x = np.zeros((3, 160_000))
    x[:, 0] = 1
    assert np.all(follow(x, 0.0, 1.0)[:, -1] == 0)


def test_no_channels_and_no_frames() -> None:
    assert follow(np.zeros((0, 16)), 1, 1).shape == (0, 16)
    assert follow(np.zeros((2, 0)), 1, 1).shape == (2, 0)
