"""What the networks are trained on: sounds that are spoilt stay in their place, and so do their labels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("luthier.effects")
sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
import batches
from batches import RATE, STEP, Batches
from spec import ACCURATE


def test_devices_and_rooms_leave_a_sound_where_it_is() -> None:
    make = Batches(None, ACCURATE, seed=1)
    random = np.random.default_rng(1)
    x = np.convolve(random.standard_normal(RATE), np.exp(-np.arange(40) / 8), "same").astype(np.float32)
    x /= np.abs(x).max()
    spectrum = np.fft.rfft(x, 4 * RATE)
    lags = []
    for _ in range(60):
        y = batches.room(random)(make.drawn(batches.DEVICES)(x, RATE), RATE)
        correlation = np.abs(np.fft.irfft(np.fft.rfft(y, 4 * RATE) * spectrum.conj()))
        lags.append((int(correlation.argmax()) + 2 * RATE) % (4 * RATE) - 2 * RATE)
    assert np.abs(lags).max() < STEP / 4


def test_what_rings_on_is_undecided_and_what_is_quiet_is_not() -> None:
    make = Batches(None, ACCURATE, seed=2)
    t = np.arange(3 * RATE) / RATE
    x = (np.sin(2 * np.pi * 220 * t) * (t < 1)).astype(np.float32)
    state = np.where(np.arange(301) < 100, 1, 0).astype(np.int8)
    after = []
    for _ in range(100):
        _, _, found = make.spoil(x, np.where(state == 1, 220, 0).astype(np.float32), state.copy())
        assert (found[:98] == 1).all()  # a steady tone is never so far below the noise
        assert not (found[101:] == 1).any()
        rings = found[101:] == -1
        # First what rings, if anything does, then silence.
        assert (np.diff(rings.astype(int)) > 0).sum() <= 4
        after.append(rings.mean())
    assert 0.1 < np.mean(np.array(after) > 0.05) < 0.4
    assert max(after) < 1


def test_every_seed_gives_its_own_clips_again() -> None:
    first, again = (Batches(None, ACCURATE, frames=100, seed=3).batch(3) for _ in range(2))
    other = Batches(None, ACCURATE, frames=100, seed=4).batch(3)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])
    assert np.isfinite(first[0]).all()
    assert set(np.unique(first[2])) <= {-1, 0, 1}
