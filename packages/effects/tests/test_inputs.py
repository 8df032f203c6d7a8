"""Other signals that come with the samples: followers, and values for each item of a batch."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.core import LayoutError, ParameterError, StreamError

RATE = 48_000


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return 0.25 * np.random.default_rng(seed).standard_normal(shape)


def test_a_follower_moves_with_the_level_of_its_signal() -> None:
    key = np.concatenate([np.full(RATE, 0.1), np.full(RATE, 1.0)])
    gain = fx.Gain(gain_db=fx.Follower("key", -40, 0, attack_ms=50, floor_db=-40, ceiling_db=0))
    y = 20 * np.log10(gain(np.ones(2 * RATE), RATE, inputs={"key": key}))
    assert y[RATE - 1] == pytest.approx(-20, abs=1e-3)
    assert y[-1] == pytest.approx(0, abs=1e-3)
    # 50 ms after the step the level is 63 % of the way from 0.1 to 1; it is heard up to two groups later.
    level = 1 - 0.9 * np.exp(-1)
    assert y[RATE + int(0.05 * RATE) + 24] == pytest.approx(20 * np.log10(level), abs=0.05)


def test_a_follower_may_turn_down_what_it_hears() -> None:
    duck = fx.Gain(gain_db=fx.Follower("voice", 0, -20, attack_ms=1, floor_db=-40, ceiling_db=-20))
    y = duck(np.ones(RATE), RATE, inputs={"voice": np.full((2, RATE), 0.5)})
    assert y[0] == 1
    assert y[-1] == pytest.approx(0.1)


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 700), max_size=10))
def test_any_cutting_gives_the_same_bits(cuts: list[int]) -> None:
    x, key = noise(2, 3000), noise(1, 3000, seed=1)
    board = fx.Chain(
        [fx.LowpassFilter(cutoff_hz=fx.Follower("key", 200, 9000)), fx.Gain(fx.Follower("key", -20, 0))]
    )
    whole = board(x, RATE, inputs={"key": key})
    stream = board.stream(RATE, 2, dtype="float64", inputs={"key": 1})
    edges = [0, *np.minimum(np.cumsum(cuts), 3000).astype(int), 3000]
    parts = [stream.process(x[:, a:b], inputs={"key": key[:, a:b]}) for a, b in itertools.pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_a_batch_has_a_signal_for_each_item() -> None:
    x, key = noise(3, 2, 2000), noise(3, 1, 2000, seed=1)
    gain = fx.Gain(gain_db=fx.Follower("key", -20, 0))
    whole = gain(x, RATE, inputs={"key": key})
    for i in range(3):
        np.testing.assert_array_equal(gain(x[i], RATE, inputs={"key": key[i]}), whole[i])


def test_values_for_each_item() -> None:
    x = noise(3, 2, 2000)
    values = [-6.0, fx.Curve([0, 0.02], [-40, 0]), 3.0]
    y = fx.Chain([fx.Gain(gain_db=fx.PerItem(values))])(x, RATE)
    for item, value, result in zip(x, values, y, strict=True):
        np.testing.assert_array_equal(fx.Gain(gain_db=value)(item, RATE), result)
    stream = fx.Gain().stream(RATE, 2, batch=3, dtype="float64")
    stream.effect.gain_db = fx.PerItem([0, -20, -40])
    stream.process(x)
    np.testing.assert_allclose(stream.process(x), x * np.array([1, 0.1, 0.01])[:, None, None])


def test_they_are_part_of_the_value() -> None:
    board = fx.Chain([fx.Gain(fx.Follower("key", -20, 0)), fx.Gain(fx.PerItem([1, fx.LFO(1, -3, 3), 2]))])
    namespace = {name: getattr(fx, name) for name in fx.__all__}
    for other in (
        board.copy(),
        pickle.loads(pickle.dumps(board)),
        fx.Effect.from_json(board.to_json()),
        eval(repr(board), namespace),
    ):
        assert other == board
        assert other.fingerprint() == board.fingerprint()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda g, x: g(x, RATE), ParameterError, "listen to 'key'; inputs lacks 'key'"),
        (lambda g, x: g(x, RATE, inputs={"kay": x}), ParameterError, "inputs has 'kay'"),
        (lambda g, x: g(x, RATE, inputs={"key": x[:5]}), LayoutError, r"1 x 10 of float64, got 1 x 5"),
        (lambda g, x: g(x, RATE, inputs=[x]), ParameterError, "must be a mapping"),
        (lambda g, x: fx.Gain()(x, RATE, inputs={"key": x}), ParameterError, "no other signals"),
        (lambda g, x: g.stream(RATE, inputs={"a": 1}), ParameterError, "no effect listens to 'a'"),
        (
            lambda g, x: g.stream(RATE, dtype="float64").process(x, inputs={"key": np.zeros((2, 10))}),
            LayoutError,
            "has 1 channels, got 2",
        ),
        (lambda g, x: fx.Gain(fx.PerItem([1, 2]))(x, RATE), LayoutError, "there is no batch"),
        (
            lambda g, x: fx.Gain(fx.PerItem([1, 2]))(np.zeros((3, 1, 4)), RATE),
            LayoutError,
            "has 2 values, one for each item, but there is a batch of 3",
        ),
        (lambda g, x: fx.Gain(fx.PerItem([1, 200])), ParameterError, "Gain.gain_db must be"),
        (lambda g, x: fx.PerItem([]), ParameterError, "at least one"),
        (lambda g, x: fx.Follower("", 0, 1), ParameterError, "the name of a signal"),
        (lambda g, x: fx.Follower("a", 0, 1, floor_db=0, ceiling_db=-1), ParameterError, "below its ceiling"),
        (lambda g, x: fx.Follower("a", 0, 1, attack_ms=0), ParameterError, "attack_ms must be from"),
    ],
)
def test_bad_input(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(fx.Gain(fx.Follower("key", -20, 0)), np.zeros(10))


@pytest.mark.parametrize("values", [[1], [1, 2], [1, 2, 3, 4, 5]])
def test_a_running_batch_takes_as_many_values_as_it_has_items(values: list[float]) -> None:
    stream = fx.Chain([fx.Gain(gain_db=-1)]).stream(RATE, batch=4)
    with pytest.raises(LayoutError, match=f"Gain.gain_db has {len(values)} values.*a batch of 4"):
        stream.effect[0].gain_db = fx.PerItem(values)
    assert stream.effect[0].gain_db == -1
    single = fx.Gain().stream(RATE)
    with pytest.raises(LayoutError, match="there is no batch"):
        single.effect.gain_db = fx.PerItem([1, 2])


def test_a_refused_assignment_changes_nothing() -> None:
    stream = fx.Gain(fx.Follower("key", -3, 0)).stream(RATE, dtype="float64", inputs={"key": 1})
    with pytest.raises(StreamError, match="cannot follow 'other': the stream has 'key'"):
        stream.effect.gain_db = fx.Follower("other", -3, 0)
    with pytest.raises(ParameterError, match="draw it with"):
        stream.effect.gain_db = fx.Uniform(-3, 0)
    assert stream.effect.gain_db == fx.Follower("key", -3, 0)


def test_a_stream_takes_its_signals_as_long_as_it_lives() -> None:
    stream = fx.Gain(fx.Follower("key", -3, 0)).stream(RATE, dtype="float64")
    x = noise(1, 200)
    stream.process(x, inputs={"key": x})
    stream.effect.gain_db = 0
    stream.process(x, inputs={"key": x})
    stream.process(noise(1, 2000), inputs={"key": noise(1, 2000)})
    np.testing.assert_array_equal(stream.process(x, inputs={"key": x}), x)
