"""What people and programs do to effects by mistake, and what comes of it."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

import luthier.effects as fx
from luthier.core import LayoutError, LuthierError, NonFiniteWarning, ParameterError, StreamError

RATE = 44_100


@pytest.fixture
def own_classes() -> Iterator[None]:
    """Forget the classes that a test defines."""
    known = dict(fx.Effect._classes)
    yield
    fx.Effect._classes.clear()
    fx.Effect._classes.update(known)


# ---- streams ----


def test_a_stream_refuses_what_would_not_be_heard() -> None:
    stream = fx.Chain([fx.Gain()]).stream(RATE)
    for name, value in (("gain_db", -60), ("effect", fx.Gain(-60)), ("sample_rate", 8), ("efect", 1)):
        with pytest.raises(AttributeError):
            setattr(stream, name, value)
    with pytest.raises(AttributeError):
        stream.effect += [fx.Gain(-6)]


def test_a_running_stream_is_not_a_value() -> None:
    stream = fx.Gain().stream(RATE)
    for way in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(StreamError, match="copy or pickle its effect"):
            way(stream)


def test_blocks_with_frames_first() -> None:
    x = np.random.default_rng(0).standard_normal((1000, 2)).astype(np.float32)
    board = fx.Reverb()
    stream = board.stream(RATE, 2, layout="frames_first")
    y = np.concatenate([stream.process(x[:333]), stream.process(x[333:]), stream.flush()])
    np.testing.assert_array_equal(y, board(x, RATE, layout="frames_first", tail=True))
    with pytest.raises(LayoutError, match=r"of shape \(frames, 2\)"):
        board.stream(RATE, 2, layout="frames_first").process(x.T)
    with pytest.raises(LayoutError, match="layout must be"):
        board.stream(RATE, 2, layout="interleaved")


def test_flush_has_the_dimensions_of_the_blocks() -> None:
    stream = fx.Reverb().stream(RATE)
    block = np.ones(10, np.float32)
    assert np.concatenate([stream.process(block), stream.flush()]).ndim == 1


def test_too_large_a_stream_is_refused() -> None:
    with pytest.raises(ParameterError, match="batch times channels"):
        fx.Gain().stream(RATE, 4096, batch=1_000_000)


def test_swapped_axes_are_named() -> None:
    with pytest.raises(LayoutError, match="frames_first"):
        fx.Gain()(np.zeros((67_535, 2), np.float32), RATE)


# ---- warnings ----


def test_the_warning_points_at_the_caller_and_comes_again_after_a_reset() -> None:
    bad = np.full((1, 10), np.nan, np.float32)
    stream = fx.Gain().stream(RATE)
    for call in (lambda: fx.Gain()(bad, RATE), lambda: stream.process(bad)):
        with pytest.warns(NonFiniteWarning) as caught:
            call()
        assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream.process(bad)  # once a stream
    stream.reset()
    with pytest.warns(NonFiniteWarning):
        stream.process(bad)


# ---- overflow ----


def test_an_overflow_leaves_time_and_parameters_alone() -> None:
    board = fx.Chain([fx.Gain(60), fx.Gain(fx.Curve([0, 0.05], [0, -60]))])
    for cut in (16, 5):
        stream = board.stream(RATE)
        stream.process(np.full((1, 4400), 1e-3, np.float32))
        with pytest.warns(NonFiniteWarning):
            stream.process(np.full((1, cut), 3e38, np.float32))
        for _ in range(cut, 80, cut):
            stream.process(np.full((1, cut), 3e38, np.float32))
        after = stream.process(np.full((1, 100), 1e-3, np.float32))
        np.testing.assert_allclose(after, 1e-3, rtol=1e-5)


def test_a_parameter_that_a_lane_left_stays_exactly() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 320))
    for cutoff in rng.uniform(20, 20_000, 20):
        results = []
        for width in (16, 320):
            stream = fx.LowpassFilter().stream(RATE, dtype="float64")
            stream.process(np.zeros((1, 16)), automation={"cutoff_hz": np.full(16, cutoff)})
            results.append(
                np.concatenate([stream.process(x[:, i : i + width]) for i in range(0, 320, width)], 1)
            )
        np.testing.assert_array_equal(*results)


def test_automation_may_lie_in_the_output() -> None:
    x = np.linspace(-1, 1, 4000).reshape(1, 1, -1)
    board = fx.Chain([fx.Gain(-20), fx.Gain()])
    expected = board(x, RATE, automation={"1.gain_db": x[0, 0].copy()})
    y = x.copy()
    np.testing.assert_array_equal(board(y, RATE, out=y, automation={"1.gain_db": y[0, 0]}), expected)


# ---- subclasses ----


@pytest.mark.usefixtures("own_classes")
def test_subclasses_sound_like_what_they_are() -> None:
    class Louder(fx.Gain):
        """A gain with a method."""

        def louder(self) -> None:
            self.gain_db += 6

    effect = Louder()
    effect.louder()
    assert effect(np.ones(3), RATE)[0] == pytest.approx(10 ** (6 / 20))
    assert type(fx.Effect.from_json(effect.to_json())) is Louder

    class Radio(fx.Chain):
        """A chain with a constructor of its own."""

        def __init__(self) -> None:
            super().__init__([fx.HighpassFilter(300), fx.LowpassFilter(3000)])

    radio = Radio()
    assert radio(np.ones(30), RATE).shape == (30,)
    for other in (
        radio.copy(),
        radio[:],
        pickle.loads(pickle.dumps(fx.Chain(radio))),
        fx.Effect.from_dict(radio.to_dict()),
    ):
        assert list(other) == list(radio)


@pytest.mark.usefixtures("own_classes")
def test_a_redeclared_parameter_takes_the_place_of_the_inherited() -> None:
    class Quiet(fx.Gain):
        """Never louder."""

        gain_db: float = fx.param(-6.0, unit="dB", minimum=-120, maximum=0, doc="The change in level.")

    assert [p.maximum for p in Quiet.parameters] == [0]
    with pytest.raises(ParameterError):
        Quiet(gain_db=3)


@pytest.mark.usefixtures("own_classes")
def test_effects_without_native_code_say_so() -> None:
    class Mine(fx.Effect):
        """Has no header."""

        amount: float = fx.param(0.0, minimum=0, maximum=1, doc="Anything.")

    class More(fx.Gain):
        """One parameter too many."""

        amount: float = fx.param(0.0, minimum=0, maximum=1, doc="Anything.")

    for effect in (Mine(), More(), fx.Effect()):
        with pytest.raises(StreamError, match="neither native code"):
            effect(np.ones(3), RATE)


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(TypeError, match=r"there is an effect Gain already, in luthier\.effects\.gain"):

        class Gain(fx.Effect):
            """Another's name."""

    assert fx.Effect.from_json(fx.Gain(-3).to_json()) == fx.Gain(-3)


# ---- data from elsewhere ----


def nested(depth: int) -> str:
    return '{"effect":"Chain","effects":[' * depth + "]}" * depth


@pytest.mark.parametrize(
    "text",
    [
        '{"effect":["x"]}',
        '{"effect":null}',
        '{"effect":"Chain","effects":3}',
        '{"effect":"Chain","effects":null}',
        '{"effect":"Chain","effects":{}}',
        '{"effect":"Chain","gain_db":1}',
        '{"effect":"Gain","effects":[]}',
        '{"effect":"Gain","gain_db":{"lfo":{}}}',
        '{"effect":"Gain","gain_db":{"curve":3}}',
        '{"effect":"Gain","gain_db":NaN}',
        '{"effect":"Gain","gain_db":1' + "0" * 400 + "}",
        '{"effect":"Gain","gain_db":1' + "0" * 5000 + "}",
        '{"effect":"Gain","schema":"1"}',
        '{"effect":"Gain","schema":true}',
        nested(100),
        nested(100_000),
        "null",
        "[]",
        "",
    ],
    ids=lambda text: text[:40],
)
def test_nonsense_is_refused_as_nonsense(text: str) -> None:
    with pytest.raises(ParameterError):
        fx.Effect.from_json(text)


def test_a_schema_beyond_printing_is_refused() -> None:
    with pytest.raises(ParameterError, match="too long to print"):
        fx.Effect.from_dict({"effect": "Gain", "schema": 10**5000})


def test_effects_that_hold_themselves_or_too_many_levels() -> None:
    chain = fx.Chain()
    chain.append(fx.Mix([chain]))
    deep = fx.Chain()
    for _ in range(500):
        deep = fx.Chain([deep])
    for board in (chain, deep):
        with pytest.raises(ParameterError, match="nested more than"):
            board(np.ones(3), RATE)


def test_numbers_beyond_floats_and_minus_zero() -> None:
    for value in (10**400, 10**5000):
        with pytest.raises(ParameterError, match="must be a number from"):
            fx.Gain(value)
    assert fx.Gain(-0.0).fingerprint() == fx.Gain(0.0).fingerprint()
    assert json.loads(fx.Gain(-0.0).to_json())["gain_db"] == 0


@pytest.mark.parametrize(
    "automation",
    [[1], {5: np.zeros(3)}, {"gain_db": "x"}, {"gain_db": None}, {"9" * 5000 + ".x": np.zeros(3)}],
)
def test_automation_that_is_none(automation: object) -> None:
    with pytest.raises(LuthierError, match="automation"):
        fx.Gain()(np.zeros(3), RATE, automation=automation)
