"""What holds for every effect: each test runs over all classes that the package exports."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.core import LayoutError, LuthierError, NonFiniteWarning, ParameterError, StreamError
from luthier.effects import _native
from luthier.effects._strategies import effects_of, parameter_values
from luthier.effects.effect import _walk

RATE = 44_100

CLASSES = [
    cls
    for cls in (getattr(fx, name) for name in fx.__all__)
    if isinstance(cls, type) and issubclass(cls, fx.Effect) and cls is not fx.Effect and cls._kind == "effect"
]
# What is written in Python is heard in test_python_effects.py and test_codecs.py.
LEAVES = [cls for cls in CLASSES if not cls._written]
MOVABLE = [cls for cls in LEAVES if cls.parameters]
ALIKE = [cls for cls in LEAVES if cls._channels_alike]
movable = pytest.mark.parametrize("cls", MOVABLE, ids=lambda cls: cls.__name__)
classes = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
leaves = pytest.mark.parametrize("cls", LEAVES, ids=lambda cls: cls.__name__)


def boards() -> list[fx.Effect]:
    """Every effect by itself, and chains and mixes of all."""
    alone = [cls() for cls in LEAVES]
    chain = fx.Chain([cls() for cls in LEAVES if cls is not fx.Noise])  # all others end
    mix = fx.Mix([fx.Chain([]), chain, fx.Mix([effect for effect in alone if effect != fx.Noise()])])
    return [*alone, chain, mix, fx.Chain([]), fx.Mix([])]


all_boards = pytest.mark.parametrize("board", boards(), ids=lambda b: type(b).__name__)


def noise(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return (0.25 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def streamed(effect: fx.Effect, x: np.ndarray) -> np.ndarray:
    """What comes out of a stream as `x` goes in: with the latency still before it."""
    return effect.stream(RATE, x.shape[0]).process(x)


def decibels(error: np.ndarray, reference: np.ndarray) -> float:
    """Energy of `error` relative to `reference`."""
    energy = float(np.sum(np.square(reference, dtype=np.float64))) or 1.0
    return 10 * math.log10(max(float(np.sum(np.square(error, dtype=np.float64))) / energy, 1e-40))


# ---- values ----


def test_every_native_effect_has_a_python_class_with_the_same_parameters() -> None:
    declared = {
        cls.__name__: (
            tuple(p.name for p in cls.parameters),
            tuple(o.name for o in cls.options if o.native(o.default) is not None),
        )
        for cls in LEAVES
    }
    # Another test may have loaded a library.
    ours = [n for n, cls in fx.Effect._classes.items() if cls.__module__.startswith("luthier.")]
    strangers = fx.Effect._classes.keys() - set(ours)
    assert declared == {n: each for n, each in _native.parameters().items() if n not in strangers}


@classes
def test_declarations_are_whole(cls: type[fx.Effect]) -> None:
    for p in cls.parameters:
        assert p.minimum <= p.default <= p.maximum
        assert p.doc.endswith(".")
        assert p.unit in ("", "dB", "dBFS", "Hz", "ms", "s", "%")
        assert p.unit == "" or p.name.endswith("_" + p.unit.lower())
        assert getattr(cls, p.name) is p
    for o in cls.options:
        assert o.doc.endswith(".")
        assert o.validate(o.default, cls.__name__) == o.default
        assert getattr(cls, o.name) is o
    assert cls.__doc__
    assert "Examples" in cls.__doc__


@all_boards
def test_a_value_survives_every_way_of_copying(board: fx.Effect) -> None:
    namespace = {name: getattr(fx, name) for name in fx.__all__}
    ways = [
        board.copy(),
        copy.copy(board),
        copy.deepcopy(board),
        pickle.loads(pickle.dumps(board)),
        fx.Effect.from_dict(board.to_dict()),
        fx.Effect.from_json(board.to_json()),
        eval(repr(board), namespace),
    ]
    for other in ways:
        assert other == board
        assert other is not board
        assert type(other) is type(board)
        assert other.fingerprint() == board.fingerprint()


@classes
@settings(max_examples=25)
@given(data=st.data())
def test_any_value_survives_json_exactly(cls: type[fx.Effect], data: st.DataObject) -> None:
    effect = data.draw(effects_of(cls))
    assert fx.Effect.from_json(effect.to_json()) == effect
    assert json.loads(effect.to_json())["effect"] == cls.__name__


@classes
def test_each_parameter_is_part_of_the_value(cls: type[fx.Effect]) -> None:
    for p in cls.parameters:
        other = cls(**{p.name: p.minimum if p.default != p.minimum else p.maximum})
        assert other != cls()
        assert other.fingerprint() != cls().fingerprint()


@classes
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30, "1", None, True, 1j, [1.0]])
def test_bad_values_are_refused_when_made_and_when_assigned(cls: type[fx.Effect], bad: object) -> None:
    for p in cls.parameters:
        with pytest.raises(
            ValueError, match=rf"{cls.__name__}\.{p.name} must be .* from .* to .*, got "
        ) as caught:
            cls(**{p.name: bad})
        assert isinstance(caught.value, LuthierError)
        effect = cls()
        with pytest.raises(ParameterError):
            setattr(effect, p.name, bad)
        assert effect == cls()


@classes
def test_ranges_hold_at_their_ends(cls: type[fx.Effect]) -> None:
    for p in cls.parameters:
        for end, beyond in ((p.minimum, -math.inf), (p.maximum, math.inf)):
            assert getattr(cls(**{p.name: end}), p.name) == end
            with pytest.raises(ParameterError):
                cls(**{p.name: float(np.nextafter(end, beyond))})


@classes
def test_unknown_names_are_refused_with_a_hint(cls: type[fx.Effect]) -> None:
    if not cls._fields:
        with pytest.raises(TypeError, match="at most 0"):
            cls(1.0)
        return
    name = cls._fields[0].name
    with pytest.raises(TypeError, match=f"did you mean '{name}'"):
        cls(**{name + "x": 1.0})
    with pytest.raises(AttributeError, match=f"did you mean '{name}'"):
        setattr(cls(), name + "x", 1.0)
    with pytest.raises(TypeError, match="at most"):
        cls(*[field.default for field in cls._fields], 1.0)
    with pytest.raises(AttributeError):
        delattr(cls(), name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "the key 'effect'"),
        ({"effect": "Gane"}, "did you mean 'Gain'"),
        ({"effect": "Gain", "gain": 1}, "did you mean 'gain_db'"),
        ({"effect": "Gain", "gain_db": "loud"}, "Gain.gain_db must be"),
        ({"effect": "Chain", "effects": [3]}, "the key 'effect'"),
        ({"effect": "Gain", "schema": 99}, "update luthier-effects"),
        ([1], "must be a mapping"),
    ],
)
def test_bad_data_is_refused(data: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        fx.Effect.from_dict(data)
    with pytest.raises(ParameterError, match=message):
        fx.Effect.from_json(json.dumps(data))


def test_json_must_be_json() -> None:
    with pytest.raises(ParameterError, match="not JSON"):
        fx.Effect.from_json("{")


def test_the_fingerprint_never_changes_for_the_same_value() -> None:
    # Teams store it: it is the hash of this text, and may only change with the schema or a revision.
    text = '[{"effect":"Gain","gain_db":-6.0,"schema":1},[["Gain",1]]]'
    assert fx.Gain(gain_db=-6).fingerprint() == hashlib.sha256(text.encode()).hexdigest()[:16]


# ---- sound ----


@all_boards
@settings(max_examples=30)
@given(cuts=st.lists(st.one_of(st.integers(0, 40), st.integers(0, 1500)), max_size=12))
def test_any_cutting_gives_the_same_bits(board: fx.Effect, cuts: list[int]) -> None:
    x = noise(2, 3000)
    whole = board(x, RATE)
    stream = board.stream(RATE, 2)
    parts, at = [], 0
    for n in [*cuts, 3000]:
        parts.append(stream.process(x[:, at : at + n]))
        at += n
    streamed = np.concatenate([*parts, stream.flush()], axis=1)[:, stream.latency :]
    np.testing.assert_array_equal(streamed[:, : x.shape[1]], whole)


@movable
@settings(max_examples=20)
@given(data=st.data())
def test_any_cutting_with_any_values_and_moves(cls: type[fx.Effect], data: st.DataObject) -> None:
    """Values drawn from the whole range, and an assignment at a drawn frame that both runs cut at."""
    effect = data.draw(effects_of(cls))
    moved = data.draw(st.sampled_from(cls.parameters))
    value = data.draw(parameter_values(moved))
    at = data.draw(st.integers(0, 500))
    x = noise(2, 2500)
    results = []
    for step in (x.shape[1], data.draw(st.integers(1, 700))):
        stream = effect.stream(RATE, 2)
        parts = [stream.process(x[:, i : min(i + step, at)]) for i in range(0, at, step)]
        setattr(stream.effect, moved.name, value)
        parts += [stream.process(x[:, i : i + step]) for i in range(at, x.shape[1], step)]
        results.append(np.concatenate(parts, axis=1))
    np.testing.assert_array_equal(*results)
    assert np.isfinite(results[0]).all()
    assert getattr(stream.effect, moved.name) == value


@all_boards
def test_a_batch_is_a_loop(board: fx.Effect) -> None:
    x = noise(5, 2, 4000)
    np.testing.assert_array_equal(board(x, RATE), np.stack([board(item, RATE) for item in x]))
    stream = board.stream(RATE, 2, batch=5)
    streamed = np.concatenate([stream.process(x[:, :, i : i + 333]) for i in range(0, 4000, 333)], axis=2)
    if stream.latency == 0:
        np.testing.assert_array_equal(streamed, board(x, RATE))


@all_boards
def test_float32_is_as_good_as_float64(board: fx.Effect) -> None:
    x = noise(2, 30_000)
    exact = board(x.astype(np.float64), RATE)
    assert exact.dtype == np.float64
    assert decibels(board(x, RATE) - exact, exact) < -120


@all_boards
@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_any_number_of_channels(board: fx.Effect, channels: int) -> None:
    y = board(noise(channels, 500), RATE)
    assert y.shape == (channels, 500)
    assert np.isfinite(y).all()


@pytest.mark.parametrize(
    "board",
    [
        *(cls() for cls in ALIKE),
        fx.Chain([cls() for cls in ALIKE]),
        fx.Mix([cls() for cls in ALIKE]),
    ],
    ids=lambda b: type(b).__name__,
)
def test_a_permutation_of_channels_permutes_the_output(board: fx.Effect) -> None:
    x = noise(3, 700)
    np.testing.assert_array_equal(board(x[[2, 0, 1]], RATE), board(x, RATE)[[2, 0, 1]])


@all_boards
def test_layouts_ranks_and_out(board: fx.Effect) -> None:
    x = noise(2, 901)
    y = board(x, RATE)
    np.testing.assert_array_equal(board(x[0], RATE), board(x[:1], RATE)[0])
    np.testing.assert_array_equal(board(np.ascontiguousarray(x.T), RATE, layout="frames_first"), y.T)
    np.testing.assert_array_equal(board(x[None], RATE), y[None])
    np.testing.assert_array_equal(board(np.repeat(x, 2, axis=1)[:, ::2], RATE), y)
    np.testing.assert_array_equal(board(x.astype(">f4"), RATE), y)

    out = np.empty_like(x)
    assert board(x, RATE, out=out) is out
    np.testing.assert_array_equal(out, y)
    interleaved = np.empty((901, 2), np.float32)
    board(x.T, RATE, out=interleaved, layout="frames_first")
    np.testing.assert_array_equal(interleaved, y.T)

    read_only = x.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(board(read_only, RATE), y)

    in_place = x.copy()
    board(in_place, RATE, out=in_place)
    np.testing.assert_array_equal(in_place, y)
    shifted = np.zeros((2, 902), np.float32)
    shifted[:, :-1] = x
    board(shifted[:, :-1], RATE, out=shifted[:, 1:])
    np.testing.assert_array_equal(shifted[:, 1:], y)


@all_boards
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 7), (3, 2, 0), (0, 2, 5), (0, 0)])
def test_nothing_in_nothing_out(board: fx.Effect, shape: tuple[int, ...]) -> None:
    y = board(np.zeros(shape, np.float32), RATE)
    assert y.shape == shape
    assert y.dtype == np.float32


@all_boards
def test_the_input_and_the_effect_stay_as_they_were(board: fx.Effect) -> None:
    x, before = noise(2, 300), board.copy()
    kept = x.copy()
    first = board(x, RATE)
    np.testing.assert_array_equal(x, kept)
    assert board == before
    np.testing.assert_array_equal(board(x, RATE), first)


@all_boards
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_samples_do_not_outlive_their_group(board: fx.Effect, bad: float) -> None:
    x = noise(2, 4000)
    x[0, 1000] = bad
    with pytest.warns(NonFiniteWarning, match="read as silence"):
        y = board(x, RATE)
    assert np.isfinite(y).all()
    x[0, 1000] = 0
    np.testing.assert_array_equal(y, board(x, RATE))


#: To these infinity is as good as any loud sample.
LIMITS = (
    fx.BrickwallLimiter,
    fx.Clipping,
    fx.Distortion,
    fx.LadderFilter,
    fx.Limiter,
    fx.SoftClipper,
)


@pytest.mark.parametrize(
    "board", boards()[:-1], ids=lambda b: type(b).__name__
)  # a mix of nothing hears nothing
def test_overflow_inside_is_contained(board: fx.Effect) -> None:
    loud = fx.Chain([*[fx.Gain(60)] * 14, board])
    x = noise(2, 2000)
    limited = any(isinstance(effect, LIMITS) for effect in _walk(board))
    with warnings.catch_warnings() if limited else pytest.warns(NonFiniteWarning):
        warnings.simplefilter("ignore" if limited else "always")
        assert np.isfinite(loud(x, RATE)).all()


@all_boards
def test_the_tail_is_long_enough(board: fx.Effect) -> None:
    stream = board.stream(RATE, 2, dtype="float64")
    if math.isinf(stream.tail):
        return
    assert isinstance(stream.tail, int)
    click = np.zeros((2, 1))
    click[:] = 1
    stream.process(click)
    stream.process(np.zeros((2, stream.latency + stream.tail)))
    rest = stream.process(np.zeros((2, RATE)))
    assert np.abs(rest).max() < 1e-6


@all_boards
def test_flush_is_latency_and_tail_of_the_whole_call(board: fx.Effect) -> None:
    x = noise(2, 1000)
    whole = board(x, RATE, tail=True)
    stream = board.stream(RATE, 2)
    y = np.concatenate([stream.process(x), stream.flush()], axis=1)
    tail = 0 if math.isinf(stream.tail) else stream.tail
    assert y.shape[1] == 1000 + stream.latency + tail
    np.testing.assert_array_equal(y[:, stream.latency :], whole)
    with pytest.raises(StreamError, match=r"reset\(\)"):
        stream.process(x)
    with pytest.raises(StreamError):
        stream.flush()


@all_boards
def test_reset_starts_anew(board: fx.Effect) -> None:
    x = noise(2, 777)
    stream = board.stream(RATE, 2)
    first = stream.process(x)
    stream.process(noise(2, 123, seed=1))
    stream.reset()
    np.testing.assert_array_equal(stream.process(x), first)
    stream.flush()
    stream.reset()
    np.testing.assert_array_equal(stream.process(x), first)


@leaves
def test_assigning_moves_the_stream_and_nothing_else(cls: type[fx.Effect]) -> None:
    x = noise(2, 40_000)
    for p in cls.parameters:
        original = cls()
        stream = original.stream(RATE, 2)
        stream.process(x[:, :100])
        setattr(stream.effect, p.name, getattr(original, p.name))  # the present value: no change
        np.testing.assert_array_equal(stream.process(x[:, 100:1000]), streamed(cls(), x[:, :1000])[:, 100:])
        value = p.minimum if p.default != p.minimum else p.maximum
        setattr(stream.effect, p.name, value)
        assert original == cls()
        stream.process(x[:, 1000:20_000])
        # After the ramp the stream is that of an effect with the new value, but for what still rings.
        stream.reset()
        np.testing.assert_array_equal(stream.process(x), streamed(cls(**{p.name: value}), x))


@movable
def test_assigning_to_the_original_leaves_a_stream_alone(cls: type[fx.Effect]) -> None:
    x, p = noise(1, 4000), cls.parameters[0]
    effect = cls()
    stream = effect.stream(RATE)
    setattr(effect, p.name, p.maximum if p.default != p.maximum else p.minimum)
    np.testing.assert_array_equal(stream.process(x), streamed(cls(), x))


def energy_above(x: np.ndarray, hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(x * np.blackman(len(x)))) ** 2
    return float(spectrum[np.fft.rfftfreq(len(x), 1 / RATE) >= hz].sum())


def second_difference(x: np.ndarray) -> float:
    return float(np.abs(np.diff(x, 2)).max())


#: What bends or rings more at settings on the way than at either end: those steady states count too.
BENDS_ON_THE_WAY = {
    ("BandpassFilter", "cutoff_hz"),
    ("Bitcrush", "bit_depth"),
    ("Clipping", "threshold_db"),
    ("PeakFilter", "cutoff_hz"),
    ("SoftClipper", "threshold_db"),
}


def on_the_way(p: fx.Parameter) -> np.ndarray:
    """Values from end to end of a parameter's range, evenly on its scale."""
    space = np.geomspace if p.taper == "log" else np.linspace
    return np.clip(space(p.minimum, p.maximum, 49), p.minimum, p.maximum)


@pytest.mark.parametrize(
    ("cls", "name"),
    [(c, p.name) for c in LEAVES for p in c.parameters],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_no_click_when_a_parameter_jumps_across_its_range(cls: type[fx.Effect], name: str) -> None:
    """997 Hz at -6 dBFS: above 4 kHz, the 50 ms round a jump hold no more energy than -80 dB of the signal or
    6 dB over the louder of the two steady states, and the second difference at most doubles."""
    others = (
        {"gain_db": 12.0}
        if "Filter" in cls.__name__ and name != "gain_db" and hasattr(cls, "gain_db")
        else {}
    )
    p = getattr(cls, name)
    n = np.arange(2 * RATE)
    tone = 0.5 * np.sin(2 * np.pi * 997 / RATE * n)
    # The sound's own beginning comes back from a delay of half a second just when its feedback jumps.
    tone *= np.sin(np.pi / 2 * np.clip(n / 2000, 0, 1)) ** 2
    span, jump = int(0.05 * RATE), RATE
    values = on_the_way(p) if (cls.__name__, name) in BENDS_ON_THE_WAY else (p.minimum, p.maximum)
    steady = [cls(**others, **{name: value})(tone, RATE)[jump : jump + span] for value in values]
    signal = max(energy_above(s, 0) for s in steady)
    allowed = max(1e-8 * signal, 4 * max(energy_above(s, 4000) for s in steady))
    for first, second in ((p.minimum, p.maximum), (p.maximum, p.minimum)):
        stream = cls(**others, **{name: first}).stream(RATE, dtype="float64")
        before = stream.process(tone[:jump])
        setattr(stream.effect, name, second)
        y = np.concatenate([before, stream.process(tone[jump:])])
        around = y[jump - span // 4 : jump - span // 4 + span]
        assert energy_above(around, 4000) <= allowed
        assert second_difference(around) <= 2 * max(second_difference(s) for s in steady)


# ---- errors ----


@pytest.mark.parametrize("rate", [0, -1, math.nan, math.inf, 1e9, "44100", None, True])
def test_bad_sample_rates(rate: object) -> None:
    for board in (fx.Gain(), fx.Reverb()):
        with pytest.raises(ParameterError, match="sample_rate must be a number of frames a second between"):
            board(noise(2, 10), rate)
        with pytest.raises(ParameterError, match="sample_rate"):
            board.stream(rate, 2)


@all_boards
@pytest.mark.parametrize("rate", [1, 100, 1000.5, 8000, 384_000])
def test_any_sensible_sample_rate_works(board: fx.Effect, rate: float) -> None:
    assert np.isfinite(board(noise(2, 400), rate)).all()


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((2, 5), np.int16), r"samples.astype\(numpy.float32\) / 32768"),
        (np.zeros((2, 5), np.complex64), "must be float32 or float64"),
        (np.zeros((1, 1, 2, 5), np.float32), "4 dimensions"),
        (np.array(1, np.float32), "0 dimensions"),
        ([0.0, 1.0], "numpy.asarray"),
        (None, "must be an array, got NoneType"),
    ],
)
def test_bad_arrays(samples: object, message: str) -> None:
    with pytest.raises(LayoutError, match=message):
        fx.Gain()(samples, RATE)


def test_out_must_fit() -> None:
    x = noise(2, 10)
    for out in (np.empty((2, 9), np.float32), np.empty((2, 10)), np.empty(10, np.float32)):
        with pytest.raises(LayoutError, match="out must have shape"):
            fx.Gain()(x, RATE, out=out)
    read_only = np.empty_like(x)
    read_only.flags.writeable = False
    with pytest.raises(LayoutError, match="read-only"):
        fx.Gain()(x, RATE, out=read_only)
    with pytest.raises(ParameterError, match="exclude each other"):
        fx.Gain()(x, RATE, out=np.empty_like(x), tail=True)
