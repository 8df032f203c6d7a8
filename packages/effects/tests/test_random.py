"""Random values as data, and batches in which each item has effects of its own."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

import luthier.effects as fx
from luthier.core import LayoutError, ParameterError

RATE = 16_000

BOARD = fx.Chain(
    [
        fx.Gain(gain_db=fx.Uniform(-12, 6)),
        fx.LowpassFilter(cutoff_hz=fx.LogUniform(500, 8000)),
        fx.Compressor(
            threshold_db=fx.Normal(-20, 6), ratio=fx.Choice([2, 4, fx.Uniform(8, 10)], [1, 1, 2]), knee_db=6
        ),
        fx.Maybe(fx.Reverb(room_size=fx.Uniform(0.2, 0.9)), 0.3),
        fx.Choice([fx.Distortion(drive_db=fx.Maybe(30, 0.5)), fx.Chain([]), fx.Bitcrush()]),
    ]
)


def drawn(count: int, board: fx.Effect = BOARD, seed: int = 7) -> list[fx.Sample]:
    return [board.sample(seed, index) for index in range(count)]


def test_a_draw_depends_on_seed_index_and_place_alone() -> None:
    first = BOARD.sample(7, 3)
    assert BOARD.sample(7, 3) == first
    assert BOARD.sample(8, 3).values != first.values
    assert BOARD.sample(7, 4).values != first.values
    # The neighbours do not matter, nor does what stands in them.
    other = fx.Chain([fx.Gain(), fx.LowpassFilter(cutoff_hz=fx.LogUniform(500, 8000))])
    assert other.sample(7, 3).values["1.cutoff_hz"] == first.values["1.cutoff_hz"]


def test_a_draw_is_the_same_in_another_process() -> None:
    code = (
        f"import luthier.effects as fx; print(fx.Effect.from_json({BOARD.to_json()!r}).sample(7, 3).values)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(BOARD.sample(7, 3).values)


def test_draws_follow_their_distributions() -> None:
    """Kolmogorov-Smirnov: 1.95 / sqrt(n) is passed by chance once in a thousand times."""
    from scipy import stats

    values = [sample.values for sample in drawn(4000)]
    bound = 1.95 / np.sqrt(4000)
    cases = {
        "0.gain_db": stats.uniform(-12, 18),
        "1.cutoff_hz": stats.loguniform(500, 8000),
        "2.threshold_db": stats.norm(-20, 6),
    }
    for place, distribution in cases.items():
        assert stats.kstest([v[place] for v in values], distribution.cdf).statistic < bound
    ratios = np.array([v["2.ratio"] for v in values])
    for expected, share in ((2, 0.25), (4, 0.25)):
        assert np.mean(ratios == expected) == pytest.approx(share, abs=0.03)
    assert np.mean([v["3"] for v in values]) == pytest.approx(0.3, abs=0.03)
    assert np.bincount([v["4"] for v in values]).min() > 1200
    # Places are independent of one another, and so are indices.
    gains = np.array([v["0.gain_db"] for v in values])
    assert abs(np.corrcoef(gains, np.log([v["1.cutoff_hz"] for v in values]))[0, 1]) < 0.06
    assert abs(np.corrcoef(gains[1:], gains[:-1])[0, 1]) < 0.06


def test_what_is_drawn_is_concrete() -> None:
    x = np.random.default_rng(0).standard_normal((1, 2000))
    for sample in drawn(20):
        effect = sample.effect
        assert effect == fx.Effect.from_json(effect.to_json())
        assert effect[0].gain_db == sample.values["0.gain_db"]
        assert effect[2].knee_db == 6
        assert isinstance(effect[3], fx.Reverb if sample.values["3"] else fx.Chain)
        assert isinstance(effect[4], [fx.Distortion, fx.Chain, fx.Bitcrush][sample.values["4"]])
        assert np.isfinite(effect(x, RATE)).all()
    assert not any("3.0.room_size" in s.values for s in drawn(50) if not s.values["3"])


def test_what_is_random_is_a_value() -> None:
    namespace = {name: getattr(fx, name) for name in fx.__all__}
    for other in (
        BOARD.copy(),
        pickle.loads(pickle.dumps(BOARD)),
        fx.Effect.from_json(BOARD.to_json()),
        eval(repr(BOARD), namespace),
    ):
        assert other == BOARD
        assert other.fingerprint() == BOARD.fingerprint()
        assert other.sample(1, 2) == BOARD.sample(1, 2)
    assert fx.Gain(fx.Uniform(0, 1)) != fx.Gain(fx.Uniform(0, 2))


def test_a_normal_stays_in_the_range() -> None:
    gain = fx.Gain(gain_db=fx.Normal(50, 30))
    values = [gain.sample(0, i).effect.gain_db for i in range(300)]
    assert max(values) == 60
    assert min(values) >= -120


def test_for_each_item_of_a_batch_a_draw_of_its_own() -> None:
    gain = fx.Gain(fx.PerItem([fx.Uniform(-20, 0), fx.Uniform(-20, 0)]))
    values = gain.sample(3, 0).effect.gain_db.values
    assert values[0] != values[1]
    assert np.isfinite(gain.sample(3, 0).effect(np.ones((2, 1, 100)), RATE)).all()


def test_a_batch_of_chains_is_a_loop() -> None:
    x = 0.1 * np.random.default_rng(0).standard_normal((6, 2, 3000)).astype(np.float32)
    effects = [sample.effect for sample in drawn(6)]
    y = fx.process_batch(effects, x, RATE)
    for effect, item, result in zip(effects, x, y, strict=True):
        np.testing.assert_array_equal(effect(item, RATE), result)
    out = x.copy()
    assert fx.process_batch(effects, out, RATE, out=out) is out
    np.testing.assert_array_equal(out, y)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fx.Gain(fx.Uniform(0, 100)), ParameterError, "Gain.gain_db must be a number from"),
        (lambda: fx.Gain(fx.Uniform(1, 0)), ParameterError, "low must not be above its high"),
        (lambda: fx.LowpassFilter(fx.LogUniform(0, 1)), ParameterError, "must be above 0"),
        (lambda: fx.Normal(0, -1), ParameterError, "deviation must not be below 0"),
        (lambda: fx.Choice([]), ParameterError, "at least one value"),
        (lambda: fx.Choice([1, 2], [1]), ParameterError, "as many as its 2 values"),
        (lambda: fx.Choice([1, 2], [0, 0]), ParameterError, "not all 0"),
        (lambda: fx.Gain(fx.Choice(["a"])), ParameterError, "takes numbers"),
        (lambda: fx.Maybe(1, 1.5), ParameterError, "probability must be from 0 to 1"),
        (lambda: fx.Chain([fx.Choice([fx.Gain(), 3])]), TypeError, "holds effects"),
        (lambda: fx.Gain(fx.Uniform(-1, 1))(np.zeros(4), RATE), ParameterError, "draw it with effect.sample"),
        (lambda: BOARD.stream(RATE), ParameterError, "draw it with effect.sample"),
        (lambda: fx.Chain([fx.Maybe(fx.Gain())])(np.zeros(4), RATE), ParameterError, "draw it with"),
        (lambda: BOARD.sample(0.5), ParameterError, "seed must be a whole number"),
        (lambda: fx.process_batch([fx.Gain()], np.zeros((2, 1, 4)), RATE), LayoutError, "got 1 effects"),
        (lambda: fx.process_batch([fx.Gain()], np.zeros((1, 4)), RATE), LayoutError, "shape"),
        (lambda: fx.process_batch([1], np.zeros((1, 1, 4)), RATE), ParameterError, "a list of effects"),
        (
            lambda: fx.process_batch([fx.Gain(fx.PerItem([1]))], np.zeros((1, 1, 4)), RATE),
            LayoutError,
            "there is no batch",
        ),
        (
            lambda: fx.Effect.from_dict({"effect": "Gain", "gain_db": {"uniform": {"low": 0}}}),
            ParameterError,
            "cannot be made of",
        ),
    ],
)
def test_bad_input(call: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_an_older_schema_is_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    def migrate(state: dict, schema: int) -> dict:
        if schema < 2:
            state["gain_db"] = state.pop("level_db")
        return state

    monkeypatch.setattr("luthier.effects.effect.SCHEMA", 2)
    monkeypatch.setattr(fx.Gain, "migrate", migrate)
    old = {"schema": 1, "effect": "Chain", "effects": [{"effect": "Gain", "level_db": -3.0}]}
    assert fx.Effect.from_dict(old) == fx.Chain([fx.Gain(-3)])
    assert fx.Effect.from_dict(fx.Gain(-3).to_dict()) == fx.Gain(-3)


@pytest.mark.parametrize(
    "either",
    [
        fx.Choice([fx.Gain(fx.Uniform(-6, 0)), fx.Invert()], weights=[3, 1]),
        fx.Maybe(fx.Gain(fx.Uniform(-6, 0)), 0.5),
        fx.Maybe(fx.Gain(-1), 0.5, otherwise=fx.Invert()),
    ],
)
def test_what_stands_for_an_effect_is_drawn_by_itself(either: fx.Choice | fx.Maybe) -> None:
    drawn = [either.sample(seed=1, index=i) for i in range(50)]
    assert drawn == [fx.Random(either).sample(seed=1, index=i) for i in range(50)]
    assert len({type(sample.effect) for sample in drawn}) == 2


@pytest.mark.parametrize("number", [fx.Choice([1, 2]), fx.Maybe(3.0)])
def test_what_stands_for_a_number_is_no_effect(number: fx.Choice | fx.Maybe) -> None:
    with pytest.raises(ParameterError, match="of effects and of nothing else"):
        number.sample(seed=1)


def test_a_stream_of_several_effects_is_as_late_as_the_latest() -> None:
    limiter = fx.BrickwallLimiter(lookahead_ms=5)
    stream = fx.Stream([fx.Gain(), limiter], RATE, 1, batch=2, dtype="float32")
    assert stream.latency == limiter.stream(RATE).latency > 0
