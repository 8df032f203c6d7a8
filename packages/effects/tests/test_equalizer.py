"""Filters that run as one: in an equalizer, and wherever they follow one another in a chain."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.effects._strategies import effects_of

RATE = 44_100
FILTERS = [
    fx.LowpassFilter,
    fx.HighpassFilter,
    fx.BandpassFilter,
    fx.NotchFilter,
    fx.AllpassFilter,
    fx.PeakFilter,
    fx.LowShelfFilter,
    fx.HighShelfFilter,
]
BANDS = [fx.PeakFilter(f, 3, 1) for f in (31, 62, 125, 250, 500, 1000, 2000, 4000, 8000, 16_000)]


def noise(*shape: int, dtype: str = "float64") -> np.ndarray:
    return (0.2 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)


def one_by_one(effects: list[fx.Effect], x: np.ndarray) -> np.ndarray:
    for effect in effects:
        x = effect(x, RATE)
    return x


def decibels(error: np.ndarray, reference: np.ndarray) -> float:
    return 10 * np.log10(np.sum(np.square(error)) / np.sum(np.square(reference)) + 1e-40)


@settings(max_examples=60)
@given(bands=st.lists(st.sampled_from(FILTERS).flatmap(effects_of), max_size=7))
def test_it_is_its_bands_one_after_the_other(bands: list[fx.Effect]) -> None:
    x = noise(2, 3000)
    eq = fx.Equalizer(bands)(x, RATE)
    np.testing.assert_array_equal(fx.Chain(bands)(x, RATE), eq)
    # In chains of chains too.
    nested = fx.Chain([fx.Chain(bands[:2]), fx.Equalizer(bands[2:5]), *bands[5:]])
    np.testing.assert_array_equal(nested(x, RATE), eq)
    expected = one_by_one(bands, x)
    scale = max(np.abs(one_by_one(bands[:n], x)).max() for n in range(len(bands) + 1))
    np.testing.assert_allclose(eq, expected, atol=1e-9 * scale)


def test_float32_is_as_good_as_float64() -> None:
    bands = [fx.HighpassFilter(30, 8), *BANDS, fx.PeakFilter(20, 12, 10), fx.LowpassFilter(18_000, 7)]
    x = noise(3, 30_000, dtype="float32")
    exact = fx.Equalizer(bands)(x.astype(np.float64), RATE)
    assert decibels(fx.Equalizer(bands)(x, RATE) - exact, exact) < -120


def test_its_bands_move() -> None:
    """One band moves and the others rest: before, on the way and after it is one filter after another."""
    x = noise(2, 40_000)
    stream = fx.Equalizer(BANDS).stream(RATE, 2, dtype="float64")
    alone = [band.stream(RATE, 2, dtype="float64") for band in BANDS]

    def both(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = block
        for one in alone:
            y = one.process(y)
        return stream.process(block), y

    for at, (band, name, value) in {
        0: (0, "gain_db", 3.0),  # as it is
        1000: (3, "gain_db", -12.0),
        1500: (4, "cutoff_hz", 700.0),
        9000: (9, "q", 5.0),
    }.items():
        setattr(stream.effect[band], name, value)
        setattr(alone[band].effect, name, value)
        for block in np.split(x[:, at : at + 3000], [100, 833, 1600], axis=1):
            np.testing.assert_allclose(*both(block), atol=1e-12)
    assert stream.effect[3].gain_db == -12


def test_an_order_fades_over_among_others() -> None:
    x = noise(1, 20_000)
    bands = [fx.LowpassFilter(2000), fx.PeakFilter(500, 6), fx.HighpassFilter(100, 2)]
    stream = fx.Chain(bands).stream(RATE, dtype="float64")
    alone = [band.stream(RATE, dtype="float64") for band in bands]
    for start, order in ((0, 1), (5000, 8), (10_000, 3)):
        stream.effect[0].order = order
        alone[0].effect.order = order
        block = x[:, start : start + 5000]
        expected = block
        for one in alone:
            expected = one.process(expected)
        np.testing.assert_allclose(stream.process(block), expected, atol=1e-12)


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 900), max_size=10))
def test_any_cutting_gives_the_same_bits_while_bands_move(cuts: list[int]) -> None:
    x = noise(2, 6000, dtype="float32")
    board = fx.Chain(
        [
            fx.HighpassFilter(cutoff_hz=fx.Curve([0, 0.03], [20, 300]), order=3),
            *BANDS[:3],
            fx.Tremolo(),
            fx.PeakFilter(gain_db=6),
            fx.LowShelfFilter(gain_db=-3),
        ]
    )
    sweep = np.geomspace(100, 3000, 2000)

    def run(edges: list[int]) -> np.ndarray:
        stream = board.stream(RATE, 2)
        parts = []
        for a, b in itertools.pairwise(edges):
            if a == 3001:
                stream.effect[6].gain_db = 9
                stream.effect[0].order = 5
            lanes = {"5.cutoff_hz": sweep[a : min(b, 2000)]} if b <= 2000 else None
            parts.append(stream.process(x[:, a:b], automation=lanes))
        return np.concatenate(parts, axis=1)

    fixed = {0, 2000, 3001, 6000}
    np.testing.assert_array_equal(
        run(sorted(fixed | {min(c, 6000) for c in np.cumsum(cuts)})), run(sorted(fixed))
    )


def test_bad_samples_and_reset() -> None:
    x = noise(2, 4000)
    stream = fx.Equalizer(BANDS).stream(RATE, 2, dtype="float64")
    first = stream.process(x)
    stream.effect[1].gain_db = 5
    stream.process(x)
    stream.effect[1].gain_db = 3
    stream.reset()
    np.testing.assert_array_equal(stream.process(x), first)


def test_an_assignment_of_the_present_value_changes_nothing() -> None:
    x = noise(1, 2000)
    stream = fx.Equalizer(BANDS).stream(RATE, dtype="float64")
    y = [stream.process(x[:, :777])]
    stream.effect[2].gain_db = BANDS[2].gain_db
    y.append(stream.process(x[:, 777:]))
    np.testing.assert_array_equal(np.concatenate(y, axis=1), fx.Equalizer(BANDS)(x, RATE))


def test_it_is_a_list_and_a_value() -> None:
    eq = fx.Equalizer([fx.PeakFilter(1000, 3)])
    eq.append(fx.HighShelfFilter(8000, 2))
    assert len(eq) == 2
    assert type(eq[:1]) is fx.Equalizer
    assert fx.Effect.from_json(eq.to_json()) == eq
    assert eq != fx.Chain(list(eq))
    assert eval(repr(eq), {name: getattr(fx, name) for name in fx.__all__}) == eq
    y = eq(noise(1, 1000), RATE, automation={"0.gain_db": np.linspace(-6, 6, 1000)})
    assert np.isfinite(y).all()
    np.testing.assert_array_equal(fx.Equalizer()(noise(2, 100), RATE), noise(2, 100))


@pytest.mark.parametrize("bad", [fx.Gain(), fx.Chain(), fx.LadderFilter(), 3, None])
def test_it_holds_filters_only(bad: object) -> None:
    with pytest.raises(TypeError, match=r"an Equalizer holds filters \(AllpassFilter, .*\), got "):
        fx.Equalizer([fx.PeakFilter(), bad])
    with pytest.raises(TypeError, match="an Equalizer holds filters"):
        fx.Equalizer().append(bad)
