"""Chains and mixes: lists of effects, and what their sound is."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx
from luthier.core import ParameterError

RATE = 48_000


def noise(*shape: int) -> np.ndarray:
    return 0.2 * np.random.default_rng(0).standard_normal(shape)


def test_a_chain_is_one_effect_after_the_other() -> None:
    effects = [fx.HighpassFilter(80), fx.Compressor(-18, 3), fx.Reverb(), fx.Gain(-3)]
    x = noise(2, 5000)
    y = x
    for effect in effects:
        y = effect(y, RATE)
    np.testing.assert_array_equal(fx.Chain(effects)(x, RATE), y)
    np.testing.assert_array_equal(fx.Chain([fx.Chain(effects[:2]), fx.Chain(effects[2:])])(x, RATE), y)


def test_a_mix_is_a_sum() -> None:
    effects = [fx.HighpassFilter(800), fx.Reverb(), fx.Chain([])]
    x = noise(2, 5000)
    np.testing.assert_allclose(fx.Mix(effects)(x, RATE), sum(e(x, RATE) for e in effects), atol=1e-14)
    np.testing.assert_array_equal(fx.Mix([])(x, RATE), 0)
    np.testing.assert_array_equal(fx.Chain([])(x, RATE), x)


def test_they_are_lists() -> None:
    a, b, c = fx.Gain(1), fx.Gain(2), fx.Gain(3)
    board = fx.Chain([a, b])
    board.append(c)
    assert list(board) == [a, b, c]
    assert len(board) == 3
    assert b in board
    assert board.index(c) == 2
    assert board[1:] == fx.Chain([b, c])
    assert type(board[1:]) is fx.Chain
    assert board[-1] is c
    board[0] = fx.Reverb()
    board.insert(1, a)
    assert board == fx.Chain([fx.Reverb(), a, b, c])
    assert board.pop() is c
    board.remove(fx.Gain(1))
    board.reverse()
    assert board == fx.Chain([b, fx.Reverb()])
    del board[0]
    board.extend([a, b])
    assert board + [c] == fx.Chain([fx.Reverb(), a, b, c])  # noqa: RUF005
    board[:2] = [c]
    assert board == fx.Chain([c, b])
    board.clear()
    assert board == fx.Chain()
    assert not len(board)
    assert fx.Chain([a]) != fx.Mix([a])


def test_copies_are_deep() -> None:
    board = fx.Chain([fx.Mix([fx.Gain(1)])])
    other = board.copy()
    other[0][0].gain_db = 9
    assert board[0][0].gain_db == 1


@pytest.mark.parametrize("bad", [[None], ["Gain"], [fx.Gain], fx.Gain(), 3])
def test_only_effects_go_in(bad: object) -> None:
    with pytest.raises(TypeError):
        fx.Chain(bad)
    with pytest.raises(TypeError, match="holds effects"):
        fx.Mix().append("Gain")


def test_a_parameter_deep_inside_moves_the_stream() -> None:
    board = fx.Chain([fx.Gain(0), fx.Mix([fx.Chain([]), fx.Chain([fx.Gain(0), fx.Gain(0)])])])
    stream = board.stream(RATE, dtype="float64")
    stream.process(np.ones(16))
    stream.effect[1][1][1].gain_db = -120
    y = stream.process(np.ones(RATE))
    assert y[0] == 2
    assert y[-1] == 1


def test_branches_have_levels_and_places() -> None:
    x = np.random.default_rng(0).standard_normal((2, 1000))
    a, b = fx.Invert(), fx.Chain([fx.Gain(3), fx.LowpassFilter(1000)])
    mix = fx.Mix([a, b], gains_db=[-6, fx.Curve([0, 1], [0, -20])], pans=[-1, 0.5])
    assert mix == fx.Mix(
        [
            fx.Chain([a, fx.Gain(-6), fx.Pan(-1)]),
            fx.Chain([*b, fx.Gain(fx.Curve([0, 1], [0, -20])), fx.Pan(0.5)]),
        ]
    )
    assert len(b) == 2
    np.testing.assert_allclose(mix(x, RATE), sum(branch(x, RATE) for branch in mix), atol=1e-14)
    moved = mix(x, RATE, automation={"0.2.pan": np.full(1000, 1.0)})
    right = fx.Chain([a, fx.Gain(-6), fx.Pan(1)])(x, RATE)
    np.testing.assert_allclose(moved, right + mix[1](x, RATE), atol=1e-12)
    for wrong in ({"gains_db": [1]}, {"pans": [0, 0, 0]}):
        with pytest.raises(ParameterError, match="a value for each of the 2 branches"):
            fx.Mix([a, b], **wrong)
