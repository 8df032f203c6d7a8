"""How long things ring: after `tail` frames the answer to a full-scale impulse stays below -120 dBFS."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.effects._strategies import effects_of

RATE = 44_100


def left_after_the_tail(board: fx.Effect, channels: int = 1, rate: float = RATE) -> float:
    """The largest sample in the second that follows the tail of an impulse in all channels."""
    stream = board.stream(rate, channels, dtype="float64")
    if math.isinf(stream.tail) or stream.tail >= 60 * rate:
        return 0.0
    click = np.zeros((channels, 1 + stream.latency + int(stream.tail) + int(rate)))
    click[:, 0] = 1
    y = stream.process(click)
    return float(np.abs(y[:, -int(rate) :]).max())


FILTERS = [
    fx.LowpassFilter,
    fx.HighpassFilter,
    fx.BandpassFilter,
    fx.NotchFilter,
    fx.AllpassFilter,
    fx.PeakFilter,
    fx.LowShelfFilter,
    fx.HighShelfFilter,
    fx.LadderFilter,
]


@settings(max_examples=100)
@given(st.sampled_from(FILTERS).flatmap(effects_of), st.sampled_from([8000.0, 44_100.0, 192_000.0]))
def test_filters(effect: fx.Effect, rate: float) -> None:
    assert left_after_the_tail(effect, rate=rate) < 1e-6


@settings(max_examples=15)
@given(effect=effects_of(fx.Reverb), channels=st.sampled_from([1, 2, 16]))
def test_reverbs(effect: fx.Reverb, channels: int) -> None:
    assert left_after_the_tail(effect, channels, rate=2000) < 1e-6


@pytest.mark.parametrize(
    "board",
    [
        fx.Chain([fx.LowpassFilter(100), fx.Gain(60)]),
        fx.Chain([fx.Gain(60), fx.LowpassFilter(100)]),
        fx.Chain([fx.LowpassFilter(100), fx.Compressor(-40, 4, makeup_db=20)]),
        fx.Chain([fx.PeakFilter(50, 24, 10)] * 4),
        fx.Mix([fx.LowpassFilter(100)] * 8),
        fx.Chain([fx.Mix([fx.Reverb(), fx.Chain()]), fx.Gain(30)]),
    ],
    ids=repr,
)
def test_what_one_leaves_the_others_amplify(board: fx.Effect) -> None:
    assert left_after_the_tail(board, 2) < 1e-6


def test_it_is_that_of_where_the_parameters_are_headed() -> None:
    stream = fx.LowpassFilter(5000).stream(RATE)
    stream.effect.cutoff_hz = 5
    assert stream.tail == fx.LowpassFilter(5).stream(RATE).tail
    assert fx.LowpassFilter(fx.LFO(1, 1, 20_000)).stream(RATE).tail == fx.LowpassFilter(1).stream(RATE).tail
    curve = fx.Reverb(room_size=fx.Curve([0, 0.5], [0, 1]))
    assert curve.stream(RATE).tail == fx.Reverb(room_size=1).stream(RATE).tail
    assert curve(np.zeros((1, 10)), RATE, tail=True).shape[1] == 10 + curve.stream(RATE).tail


@pytest.mark.parametrize("freeze", [1, 1 - 1e-9])
def test_what_hardly_decays_is_endless(freeze: float) -> None:
    for board in (
        fx.Reverb(freeze=freeze),
        fx.Mix([fx.Reverb(freeze=freeze)]),
        fx.Chain([fx.Reverb(freeze=freeze)] * 2),
    ):
        assert board.stream(RATE).tail == math.inf
