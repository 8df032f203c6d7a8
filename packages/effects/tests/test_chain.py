"""Chains and mixes: lists of effects, and what their sound is."""

from __future__ import annotations

import numpy as np
import pytest

import luthier.effects as fx

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
