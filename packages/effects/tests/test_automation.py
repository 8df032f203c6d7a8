"""Curves, oscillators and arrays in place of a parameter's number."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.core import LayoutError, ParameterError

RATE = 48_000


def gain_over_time(value: object, frames: int, **process: object) -> np.ndarray:
    """What a Gain does to ones, in dB, when its parameter is `value`."""
    with np.errstate(divide="ignore"):
        return 20 * np.log10(
            fx.Gain(gain_db=value).stream(RATE, dtype="float64").process(np.ones(frames), **process)
        )


def test_a_curve_is_straight_on_the_parameters_scale() -> None:
    t = np.arange(3 * RATE) / RATE
    y = gain_over_time(fx.Curve([0.5, 1.5, 2], [-30, 0, -6]), 3 * RATE)
    # Within a group the gain glides straight in amplitude between two points that are exact.
    np.testing.assert_allclose(y[::16], np.interp(t, [0.5, 1.5, 2], [-30, 0, -6])[::16], atol=1e-9)
    np.testing.assert_allclose(y, np.interp(t, [0.5, 1.5, 2], [-30, 0, -6]), atol=0.002)
    assert np.all(y[2 * RATE + 16 :] == y[-1])


def test_a_curve_over_hertz_is_straight_in_octaves() -> None:
    """Half way from 100 Hz to 10 kHz is 1 kHz: there the low-pass has its corner."""
    sweep = fx.LowpassFilter(cutoff_hz=fx.Curve([0, 2], [100, 10_000]))
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE)
    y = sweep(tone, RATE)
    middle = slice(RATE - RATE // 100, RATE + RATE // 100)
    assert np.sqrt(2 * np.mean(y[middle] ** 2)) == pytest.approx(np.sqrt(0.5), rel=0.01)


def test_holds_step_in_twenty_milliseconds() -> None:
    y = gain_over_time(fx.Curve([0, 0.5, 0.51], [-20, 0, -10], shape="hold"), RATE)
    step = RATE // 2
    np.testing.assert_allclose(y[: step - 16], -20, atol=1e-9)
    np.testing.assert_allclose(y[step + int(0.03 * RATE) + 16 :], -10, atol=1e-9)
    assert y[step + RATE // 100] == pytest.approx(0, abs=0.1)  # the short one gets there too
    assert np.abs(np.diff(y)).max() < 0.2


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("sine", lambda turn: 0.5 + 0.5 * np.sin(2 * np.pi * turn)),
        ("triangle", lambda turn: 1 - np.abs(2 * (turn % 1) - 1)),
    ],
)
def test_oscillators_are_their_formulae(shape: str, expected: object) -> None:
    turn = np.arange(2 * RATE) / RATE * 2.5 + 0.2
    y = gain_over_time(fx.LFO(2.5, -20, 10, shape, phase=0.2), 2 * RATE)
    np.testing.assert_allclose(y[::16], (-20 + 30 * expected(turn))[::16], atol=1e-9)


@pytest.mark.parametrize("shape", ["square", "sawtooth"])
def test_oscillators_with_edges_do_not_click(shape: str) -> None:
    y = gain_over_time(fx.LFO(2, -20, 0, shape), 4 * RATE)
    assert y.min() == pytest.approx(-20, abs=0.01)
    assert y.max() == pytest.approx(0, abs=0.01)
    assert np.abs(np.diff(y)).max() < 0.05
    duty = np.mean(y > -10)
    assert duty == pytest.approx(0.5, abs=0.03)


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 900), max_size=10), first=st.integers(0, 2000))
def test_any_cutting_gives_the_same_bits(cuts: list[int], first: int) -> None:
    """With a curve, an oscillator, an array, and a number assigned at a frame that all runs cut at."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 4000)).astype(np.float32)
    sweep = np.geomspace(100, 10_000, 4000)
    board = fx.Chain(
        [
            fx.PeakFilter(cutoff_hz=fx.Curve([0, 0.05], [100, 5000]), gain_db=fx.LFO(7, -12, 12), q=2),
            fx.LowpassFilter(),
            fx.Gain(),
        ]
    )

    def run(edges: list[int]) -> np.ndarray:
        stream = board.stream(RATE, 2)
        parts = []
        for a, b in itertools.pairwise(edges):
            if a == first:
                stream.effect[2].gain_db = -20
            parts.append(stream.process(x[:, a:b], automation={"1.cutoff_hz": sweep[a:b]}))
        return np.concatenate(parts, axis=1)

    edges = sorted({0, first, 4000} | {min(c, 4000) for c in np.cumsum(cuts)})
    np.testing.assert_array_equal(run(edges), run(sorted({0, first, 4000})))


# What is before the moving effect, and delays its signal: by no, by some and by many groups of the grid, and
# by no whole number of them.
BEHIND = {
    "brickwall": fx.BrickwallLimiter(ceiling_db=0, lookahead_ms=5.1),
    "resample": fx.Resample(target_sample_rate=16_000),
    "pitch": fx.PitchShift(semitones=3),
    "two": fx.Chain([fx.BrickwallLimiter(lookahead_ms=2), fx.PitchShift(semitones=-2)]),
}


@pytest.mark.parametrize("before", BEHIND.values(), ids=BEHIND)
@pytest.mark.parametrize("kind", ["curve", "hold", "lfo", "array"])
def test_motion_belongs_to_the_sound_that_it_came_with(before: fx.Effect, kind: str) -> None:
    """Behind latency as well: one chain does what its effects do in turn."""
    rng = np.random.default_rng(3)
    x = 0.3 * rng.standard_normal((2, 30_000))
    moves = {
        "curve": fx.Curve([0.1, 0.3, 0.5], [-40, 10, -20]),
        "hold": fx.Curve([0, 0.2, 0.4], [-6, 0, -30], shape="hold"),
        "lfo": fx.LFO(5, -30, 0),
        "array": np.linspace(-40, 0, 30_000) + 3 * np.sin(np.arange(30_000) / 700),
    }
    move = moves[kind]
    if kind == "array":
        gain, automation = fx.Gain(), {"gain_db": move}
    else:
        gain, automation = fx.Gain(gain_db=move), None
    together = fx.Chain([before, gain])(
        x, RATE, automation=None if automation is None else {"1.gain_db": move}
    )
    apart = gain(before(x, RATE), RATE, automation=automation)
    # On another place of the grid, a value that moves is read at other frames: within one group of its way.
    decibels = 20 * np.log10(np.abs(together) + 1e-9) - 20 * np.log10(np.abs(apart) + 1e-9)
    assert np.abs(decibels[np.abs(apart) > 1e-6]).max() < 0.25
    plain = fx.Gain()(before(x, RATE), RATE)
    assert np.abs(together - apart).max() < 0.03 * np.abs(plain - apart).max()


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, 900), max_size=10), first=st.integers(1, 5000))
def test_any_cutting_gives_the_same_bits_behind_latency(cuts: list[int], first: int) -> None:
    """An array that comes, goes, and comes again; and a number that ends what had come before it."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 6000)).astype(np.float32)
    sweep = np.geomspace(100, 10_000, 6000)
    levels = np.linspace(0, -40, 6000)
    board = fx.Chain(
        [fx.BrickwallLimiter(lookahead_ms=7.3), fx.PeakFilter(gain_db=9), fx.LowpassFilter(), fx.Gain()]
    )

    def run(edges: list[int]) -> np.ndarray:
        stream = board.stream(RATE, 2)
        parts = []
        for a, b in itertools.pairwise(edges):
            automation = {}
            if a < 1000 or a >= 2500:
                automation["2.cutoff_hz"] = sweep[a:b]
            if a < first:
                automation["3.gain_db"] = levels[a:b]
            if a == first:
                stream.effect[3].gain_db = -3
            parts.append(stream.process(x[:, a:b], automation=automation))
        return np.concatenate([*parts, stream.flush()], axis=1)

    fixed = {0, 1000, 2500, first, 6000}
    edges = sorted(fixed | {min(c, 6000) for c in np.cumsum(cuts)})
    np.testing.assert_array_equal(run(edges), run(sorted(fixed)))


def test_an_assigned_number_ends_an_array_that_is_still_on_its_way() -> None:
    board = fx.Chain([fx.BrickwallLimiter(lookahead_ms=50), fx.Gain()])
    stream = board.stream(RATE, dtype="float64")
    ones = np.full(4800, 0.5)
    stream.process(ones, automation={"1.gain_db": np.full(4800, -20.0)})
    stream.effect[1].gain_db = -40
    y = stream.process(ones)
    # 20 ms to get there, though the array's last frames come 50 ms later.
    np.testing.assert_allclose(y[960:], 0.005, rtol=1e-6)


def test_an_array_moves_a_parameter_frame_by_frame() -> None:
    values = 6 * np.sin(2 * np.pi * 3 * np.arange(RATE) / RATE)
    y = gain_over_time(0, RATE, automation={"gain_db": values})
    # Read at a group's first frame and reached at its last.
    np.testing.assert_allclose(y[15::16], values[::16], atol=1e-9)
    np.testing.assert_allclose(y[16:], values[:-16], atol=0.05)
    whole = fx.Gain()(np.ones(RATE), RATE, automation={"gain_db": values})
    np.testing.assert_allclose(20 * np.log10(whole), y, atol=1e-12)


def test_a_batch_takes_an_array_for_each_item_or_one_for_all() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 5000))
    each = np.random.default_rng(1).uniform(-12, 12, (3, 5000))
    y = fx.Gain()(x, RATE, automation={"gain_db": each})
    for item, values, result in zip(x, each, y, strict=True):
        np.testing.assert_array_equal(fx.Gain()(item, RATE, automation={"gain_db": values}), result)
    y = fx.Gain()(x, RATE, automation={"gain_db": each[0]})
    np.testing.assert_array_equal(y[2], fx.Gain()(x[2], RATE, automation={"gain_db": each[0]}))


def test_after_an_array_the_parameter_stays_until_it_is_assigned() -> None:
    stream = fx.Gain(gain_db=0).stream(RATE, dtype="float64")
    ones = np.ones(1600)
    stream.process(ones, automation={"gain_db": np.linspace(0, -20, 1585)[np.minimum(np.arange(1600), 1584)]})
    np.testing.assert_allclose(stream.process(ones), 0.1, rtol=1e-9)
    stream.effect.gain_db = 0  # the very value that it had: the sound is elsewhere
    y = stream.process(ones)
    assert np.all(np.diff(y[:900]) > 0)
    assert y[-1] == 1


def test_changing_over_takes_twenty_milliseconds() -> None:
    """From a number to a curve, to an array, and back: the level never jumps."""
    stream = fx.Gain(gain_db=0).stream(RATE, dtype="float64")
    ones, parts = np.ones(RATE // 4), []
    parts.append(stream.process(ones))
    stream.effect.gain_db = fx.Curve([0, 1], [-40, -10])
    parts.append(stream.process(ones))
    parts.append(stream.process(ones, automation={"gain_db": np.full(len(ones), -6.0)}))
    stream.effect.gain_db = fx.LFO(1, -30, -20)
    parts.append(stream.process(ones))
    y = 20 * np.log10(np.concatenate(parts))
    assert np.abs(np.diff(y)).max() < 0.08
    assert y[RATE // 2 - 1] == pytest.approx(-25, abs=0.1)


def test_curves_are_part_of_the_value() -> None:
    board = fx.Chain(
        [fx.Gain(gain_db=fx.Curve([0, 1], [-20, 0])), fx.PeakFilter(q=fx.LFO(1, 0.5, 4, "triangle"))]
    )
    namespace = {name: getattr(fx, name) for name in fx.__all__}
    for other in (
        board.copy(),
        pickle.loads(pickle.dumps(board)),
        fx.Effect.from_json(board.to_json()),
        eval(repr(board), namespace),
    ):
        assert other == board
        assert other.fingerprint() == board.fingerprint()
    assert board != fx.Chain([fx.Gain(), fx.PeakFilter()])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fx.Curve([], []), "at least one"),
        (lambda: fx.Curve([0, 1], [1]), "as many times_s as values"),
        (lambda: fx.Curve([0, 0], [1, 2]), "must increase"),
        (lambda: fx.Curve([-1, 0], [1, 2]), "from 0 or later"),
        (lambda: fx.Curve([0, float("nan")], [1, 2]), "finite"),
        (lambda: fx.Curve(0, 1), "list of numbers"),
        (lambda: fx.Curve([0], [1], shape="cubic"), "must be one of"),
        (lambda: fx.LFO(0, -1, 1), "rate_hz must be from 0.0001"),
        (lambda: fx.LFO(1000, -1, 1), "to 100"),
        (lambda: fx.LFO(1, -1, float("inf")), "finite"),
        (lambda: fx.LFO(1, 1, -1), "must not be above"),
        (lambda: fx.Curve([0], [10**400]), "finite"),
        (lambda: fx.LFO(1, -1, 1, "noise"), "must be one of"),
        (
            lambda: fx.Gain(gain_db=fx.Curve([0, 1], [0, 100])),
            r"Gain.gain_db must be a number from -120 to 60 dB",
        ),
        (lambda: fx.Gain(gain_db=fx.LFO(1, -200, 0)), r"Gain.gain_db must be"),
        (lambda: fx.Effect.from_dict({"effect": "Gain", "gain_db": {"curve": {}}}), "times_s"),
        (lambda: fx.Effect.from_dict({"effect": "Gain", "gain_db": {"wave": {}}}), "'curve', 'lfo'"),
    ],
)
def test_bad_curves(make: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()


@pytest.mark.parametrize(
    ("automation", "error", "message"),
    [
        ({"gain_db": np.zeros(10)}, ParameterError, "Chain has no parameter"),
        ({"0.gain": np.zeros(10)}, ParameterError, "did you mean 'gain_db'"),
        ({"3.gain_db": np.zeros(10)}, ParameterError, "the effect has no effect number '3'"),
        ({"0.0.gain_db": np.zeros(10)}, ParameterError, "0 has no effect number '0'"),
        ({"0.gain_db": np.zeros(9)}, LayoutError, r"an array of shape \(10,\), got \(9,\)"),
        ({"0.gain_db": np.full(10, 99.0)}, ParameterError, "must be a number from -120 to 60 dB, got 99"),
        ({"0.gain_db": np.full(10, np.nan)}, ParameterError, "got nan"),
    ],
)
def test_bad_arrays(automation: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fx.Chain([fx.Gain()])(np.zeros(10), RATE, automation=automation)
