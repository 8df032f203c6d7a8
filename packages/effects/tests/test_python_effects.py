"""Effects that are written in Python: they do what native ones do, and their mistakes are named."""

from __future__ import annotations

import copy
import math
import pickle
import signal as os_signal
import subprocess
import sys
import threading
import time
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.core import LayoutError, NonFiniteWarning, ParameterError, StreamError

RATE = 44_100


def noise(*shape: int, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    return (0.25 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


class Spectral(fx.Effect):
    """What needs the whole block: its spectrum is tilted."""

    tilt: float = fx.param(0.5, minimum=0, maximum=1, doc="How much.")
    lift: str = fx.choice("low", options=("low", "high"), doc="Which end.")

    def render(self, block: Any, values: fx.Values, state: Any) -> Any:
        assert state is None
        spectrum = np.fft.rfft(block)
        ramp = np.linspace(0, 1, spectrum.shape[1])
        ramp = ramp if self.lift == "high" else 1 - ramp
        return np.fft.irfft(spectrum * (1 + values.tilt[0] * (ramp - 1))).astype(block.dtype)


class Echo(fx.Effect):
    """A causal recursion with a state: y[n] = x[n] + feedback y[n - 100], in blocks of an odd size."""

    feedback: float = fx.param(0.5, minimum=0, maximum=0.9, doc="How much comes back.")
    wet: float = fx.setting(1.0, minimum=0, maximum=1, doc="Level.")

    block_frames = 48
    causal = True

    def start(self, spec: fx.Spec) -> dict[str, Any]:
        return {"past": np.zeros((spec.channels, 100), spec.dtype)}

    def render(self, block: Any, values: fx.Values, state: dict[str, Any]) -> Any:
        block += (self.wet * values.feedback * state["past"][:, : block.shape[1]]).astype(block.dtype)
        state["past"] = np.concatenate([state["past"], block], axis=1)[:, -100:]
        return block

    def tail(self, spec: fx.Spec) -> float:
        return 100 * (math.log(1e-6) / math.log(max(self.feedback, 1e-9)) + 1)


class Ahead(fx.Effect):
    """The loudness of what is to come sets the level of what is: a latency of its own, and a state."""

    depth_db: float = fx.param(-6.0, unit="dB", minimum=-40, maximum=0, doc="How far down.")

    block_frames = 512

    def latency(self, spec: fx.Spec) -> int:
        return int(0.001 * spec.sample_rate)

    def start(self, spec: fx.Spec) -> dict[str, Any]:
        return {"held": np.zeros((spec.channels, self.latency(spec)), spec.dtype)}

    def render(self, block: Any, values: fx.Values, state: dict[str, Any]) -> Any:
        joined = np.concatenate([state["held"], block], axis=1)
        count = block.shape[1]
        state["held"] = joined[:, count:]
        loud = np.abs(joined).max(initial=0)
        return joined[:, :count] * (1 + loud * (10 ** (values.depth_db / 20) - 1))


class Ring(fx.Effect):
    """Times another signal."""

    amount: float = fx.param(1.0, minimum=0, maximum=1, doc="How much.")
    sidechain: str | None = fx.signal(doc="The other signal.")

    causal = True
    block_frames = 256

    def render(self, block: Any, values: fx.Values, state: Any) -> Any:
        return block * (1 + values.amount * (values.sidechain[:1] - 1))


class Level(fx.Effect):
    """What `Gain` does."""

    gain_db: float = fx.param(0.0, unit="dB", minimum=-120, maximum=60, doc="Level.")

    def render(self, block: Any, values: fx.Values, state: Any) -> Any:
        return block * 10 ** (values.gain_db / 20)


class CausalLevel(Level):
    causal: ClassVar[bool] = True


WRITTEN: tuple[type[fx.Effect], ...] = (Spectral, Echo, Ahead, Ring, Level, CausalLevel)


def boards() -> list[fx.Effect]:
    each: list[fx.Effect] = [cls() for cls in WRITTEN]
    chain = fx.Chain([fx.HighpassFilter(80), *each, fx.Tremolo()])
    return [*each, chain, fx.Mix([fx.Chain(), chain, Echo(), Ahead()])]


all_boards = pytest.mark.parametrize("board", boards(), ids=lambda b: type(b).__name__)


def streamed(stream: fx.Stream, x: np.ndarray, cuts: list[int]) -> np.ndarray:
    parts, at = [], 0
    for n in [*cuts, x.shape[-1]]:
        parts.append(stream.process(x[..., at : at + n]))
        at += n
    return np.concatenate([*parts, stream.flush()], axis=-1)


# ---- they do what native effects do ----


@all_boards
@settings(max_examples=25)
@given(cuts=st.lists(st.one_of(st.integers(0, 40), st.integers(0, 1500)), max_size=10))
def test_any_cutting_gives_the_same_bits(board: fx.Effect, cuts: list[int]) -> None:
    x = noise(2, 4000)
    stream = board.stream(RATE, 2)
    y = streamed(stream, x, cuts)
    assert y.shape[1] == 4000 + stream.latency + stream.tail
    np.testing.assert_array_equal(y[:, stream.latency :], board(x, RATE, tail=True))


@all_boards
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_is_a_loop(board: fx.Effect, dtype: str) -> None:
    x = noise(5, 2, 5000, dtype=dtype)
    y = board(x, RATE)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.stack([board(item, RATE) for item in x]))


@all_boards
def test_a_value_survives_every_way_of_copying(board: fx.Effect) -> None:
    ways = [
        board.copy(), copy.deepcopy(board), pickle.loads(pickle.dumps(board)),
        fx.Effect.from_json(board.to_json()), eval(repr(board), {**vars(fx), **globals()}),
    ]  # fmt: skip
    for other in ways:
        assert other == board
        assert other.fingerprint() == board.fingerprint()


@all_boards
def test_channels_of_any_number_and_nothing_at_all(board: fx.Effect) -> None:
    for shape in ((700,), (1, 700), (3, 700), (0, 7), (2, 0), (0, 2, 5), (3, 2, 0)):
        y = board(noise(*shape), RATE)
        assert y.shape == shape
        assert np.isfinite(y).all()


def test_the_answer_is_that_of_the_formula_and_in_its_place() -> None:
    x = noise(2, 3000, dtype="float64")
    expected = x.copy()
    for n in range(100, 3000):
        expected[:, n] += 0.7 * expected[:, n - 100]
    np.testing.assert_allclose(Echo(feedback=0.7)(x, RATE), expected, atol=1e-15)
    assert Echo().stream(RATE).latency == 0

    whole = Spectral(tilt=0)(x, RATE)
    np.testing.assert_allclose(whole, x, atol=1e-15)  # the delay of a block is made up for
    assert Spectral().stream(RATE).latency == 1024
    assert Ahead().stream(48_000).latency == 512 + 48


@pytest.mark.parametrize("cls", [Level, CausalLevel])
def test_parameters_move_frame_by_frame_in_the_right_place(cls: type[fx.Effect]) -> None:
    x = np.ones((1, 6000))
    ramp = np.linspace(-20, 6, 6000)
    for value in (fx.Curve([0.01, 0.1], [-40, 0]), fx.LFO(40, -12, 12), ramp):
        moving = {"automation": {"gain_db": value}} if value is ramp else {}
        made, native = (
            effect(x, RATE, **moving)
            for effect in ((cls(), fx.Gain()) if moving else (cls(value), fx.Gain(value)))
        )
        # Between the ends of a group this one goes straight in decibels, the native one in amplitude.
        for end in (slice(0, None, 16), slice(15, None, 16)):
            np.testing.assert_allclose(made[:, end], native[:, end], rtol=1e-9)
        np.testing.assert_allclose(made, native, rtol=3e-3)
    batch = cls(fx.PerItem([0, -6]))(np.ones((2, 1, 3000)), RATE)
    np.testing.assert_allclose(batch[:, 0, -1], 10 ** (np.array([0, -6]) / 20))


@pytest.mark.parametrize("cls", [Level, CausalLevel])
@settings(max_examples=20)
@given(data=st.data())
def test_an_assignment_moves_the_stream_in_any_cutting(cls: type[fx.Effect], data: st.DataObject) -> None:
    at, value = data.draw(st.integers(0, 2500)), data.draw(st.floats(-30, 10))
    x, results = noise(2, 5000), []
    for step in (5000, data.draw(st.integers(1, 900))):
        stream = cls().stream(RATE, 2)
        parts = [stream.process(x[:, i : min(i + step, at)]) for i in range(0, at, step)]
        stream.effect.gain_db = value
        parts += [stream.process(x[:, i : i + step]) for i in range(at, 5000, step)]
        results.append(np.concatenate(parts, axis=1))
    np.testing.assert_array_equal(*results)


def test_an_option_of_a_running_stream_fades_over_where_nothing_is_late() -> None:
    x = np.ones((1, 4000), np.float32)
    stream = Echo(feedback=0.5, wet=1).stream(RATE)
    stream.process(x)
    stream.effect.wet = 0
    y = stream.process(x)
    assert np.abs(np.diff(y)).max() < 0.01
    assert y[0, -1] == pytest.approx(1)
    stream = Spectral().stream(RATE)
    with pytest.raises(StreamError, match="start a new stream"):
        stream.effect.lift = "high"
    assert stream.effect.lift == "low"


def test_another_signal_comes_with_the_values() -> None:
    x, key = noise(2, 3000), noise(1, 3000, seed=1)
    y = Ring(sidechain="key")(x, RATE, inputs={"key": key})
    np.testing.assert_allclose(y, x * key, atol=1e-7)
    np.testing.assert_allclose(Ring()(x, RATE), x * x[:1], atol=1e-7)
    # After something late, the key is as late.
    late = fx.Chain([Ahead(depth_db=0), Ring(sidechain="key")])
    np.testing.assert_allclose(late(x, RATE, inputs={"key": key}), x * key, atol=1e-7)


def test_branches_of_a_mix_are_aligned() -> None:
    x = noise(2, 5000)
    both = fx.Mix([Level(), fx.Chain([Level(), CausalLevel(), Level(), fx.Invert()])])
    np.testing.assert_array_equal(both(x, RATE), np.zeros_like(x))


def test_what_does_not_move_is_there_and_what_moves_is_in_the_values() -> None:
    class Reads(fx.Effect):
        drive_db: float = fx.param(0.0, unit="dB", minimum=-6, maximum=6, doc="Level.")

        def render(self, block: Any, values: fx.Values, state: Any) -> Any:
            return block * self.drive_db

    with pytest.raises(AttributeError, match=r"read values\.drive_db in render"):
        Reads()(noise(100), RATE)

    class Misspells(Reads):
        def render(self, block: Any, values: fx.Values, state: Any) -> Any:
            return block * values.drive

    with pytest.raises(AttributeError, match=r"'drive' came with the block; there are: drive_db"):
        Misspells()(noise(100), RATE)


def test_reset_starts_anew_from_start() -> None:
    x = noise(2, 777)
    for effect in (Echo(), Ahead(), fx.Chain([Echo(), Ahead()])):
        stream = effect.stream(RATE, 2)
        first = stream.process(x)
        stream.process(noise(2, 123, seed=1))
        stream.reset()
        np.testing.assert_array_equal(stream.process(x), first)


def test_subnormal_numbers_are_what_python_knows() -> None:
    class Tiny(fx.Effect):
        def render(self, block: Any, values: fx.Values, state: Any) -> Any:
            assert np.float64(1e-310) * 0.5 > 0
            return block

    Tiny()(noise(2000), RATE)


# ---- mistakes ----


class Fails(fx.Effect):
    at: float = fx.setting(0, minimum=0, maximum=100, doc="The block in which it fails.")

    def start(self, spec: fx.Spec) -> list[int]:
        return [0]

    def render(self, block: Any, values: fx.Values, state: list[int]) -> Any:
        if state[0] == self.at:
            raise KeyError("the reason")
        state[0] += 1
        return block


def test_an_exception_surfaces_and_stops_the_stream_until_reset() -> None:
    x = noise(3, 2, 1024)
    with pytest.raises(KeyError, match="the reason") as caught:
        Fails()(x, RATE)
    assert caught.traceback[-1].name == "render"  # where it was raised

    stream = fx.Chain([fx.Gain(), Fails(at=1), fx.Reverb()]).stream(RATE, 2, batch=3)
    stream.process(x)
    stream.process(x)
    with pytest.raises(KeyError, match="the reason"):
        stream.process(x)
    for _ in range(2):
        with pytest.raises(StreamError, match=r"stopped this stream; call reset\(\)"):
            stream.process(x)
    with pytest.raises(StreamError, match=r"reset\(\)"):
        stream.flush()
    stream.reset()
    assert np.isfinite(stream.process(x)).all()


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda b: None, "got NoneType; end it with `return block`"),
        (lambda b: b[:, :-1], r"of shape \(2, 1024\) and of float32 or float64, got \(2, 1023\) of float32"),
        (lambda b: b[0], r"got \(1024,\)"),
        (lambda b: b.astype(int), "of int64"),
        (lambda b: b + 0j, "of complex64"),
        (lambda b: list(b), "got list"),
    ],
)
def test_what_is_no_block_is_refused(made: Any, message: str) -> None:
    class Wrong(fx.Effect):
        def render(self, block: Any, values: fx.Values, state: Any) -> Any:
            return made(block)

    with pytest.raises(LayoutError, match=r"Wrong\.render must return an array .*" + message):
        Wrong()(noise(2, 100), RATE)


def test_a_broken_promise_of_causality_is_found() -> None:
    class Cheats(fx.Effect):
        causal = True

        def render(self, block: Any, values: fx.Values, state: Any) -> Any:
            return block - block.mean(axis=1, keepdims=True)

    with pytest.raises(StreamError, match=r"Cheats declares causal = True, but"):
        Cheats()(noise(1, 100), RATE)


def test_not_a_number_is_contained() -> None:
    class Poison(fx.Effect):
        def start(self, spec: fx.Spec) -> list[int]:
            return [0]

        def render(self, block: Any, values: fx.Values, state: list[int]) -> Any:
            state[0] += 1
            return block * np.nan if state[0] == 2 else block

    x = noise(1, 20_000)
    with pytest.warns(NonFiniteWarning):
        y = Poison()(x, RATE)
    assert np.isfinite(y).all()
    x[0, 100] = np.inf
    with pytest.warns(NonFiniteWarning):
        assert np.isfinite(Echo()(x, RATE)).all()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("block_frames", 100, "must be a multiple of 16 from 16 to 1048576, got 100"),
        ("block_frames", 0, "must be a multiple of 16"),
        ("block_frames", 1024.0, "must be a whole number of frames"),
        ("latency", -1, "must be a whole number of frames"),
        ("latency", lambda self, spec: "1", "must be a whole number of frames, got '1'"),
        ("tail", -1, "must be a number, 0 or more"),
        ("tail", math.nan, "must be a number, 0 or more"),
    ],
)
def test_hooks_are_checked(name: str, value: object, message: str) -> None:
    cls = type("Hooked", (Level,), {name: value, "__module__": __name__})
    with pytest.raises(ParameterError, match=rf"Hooked\.{name} {message}"):
        cls()(noise(2, 100), RATE, tail=True)


def test_classes_are_checked_where_they_are_defined() -> None:
    with pytest.raises(TypeError, match=r"Short\.render must take \(self, block, values, state\)"):

        class Short(fx.Effect):
            def render(self, block: Any) -> Any:
                return block

    with pytest.raises(TypeError, match=r"Taken\.tail cannot be a parameter"):

        class Taken(fx.Effect):
            tail: float = fx.param(0, minimum=0, maximum=1, doc="No.")

            def render(self, block: Any, values: fx.Values, state: Any) -> Any:
                return block


def test_an_exception_in_start_comes_when_the_stream_is_made() -> None:
    class NoStart(fx.Effect):
        def start(self, spec: fx.Spec) -> None:
            raise OSError("no file")

        def render(self, block: Any, values: fx.Values, state: Any) -> Any:
            return block

    with pytest.raises(OSError, match="no file"):
        fx.Mix([fx.Gain(), NoStart()]).stream(RATE, 2, batch=4)


# ---- threads ----


def test_an_effect_cannot_change_the_stream_that_calls_it() -> None:
    class Meddles(fx.Effect):
        stream: ClassVar[Any] = None

        def render(self, block: Any, values: fx.Values, state: Any) -> Any:
            Meddles.stream.effect[1].gain_db = 3
            return block

    Meddles.stream = fx.Chain([Meddles(), fx.Gain()]).stream(RATE, 2, batch=4)
    with pytest.raises(StreamError, match="cannot change the stream that calls it"):
        Meddles.stream.process(noise(4, 2, 3000))
    Meddles.stream = None


def test_effects_may_run_others_and_many_threads_run_them() -> None:
    class Outer(fx.Effect):
        def render(self, block: Any, values: fx.Values, state: Any) -> Any:
            return fx.Chain([Echo(), fx.Gain(-6)])(np.stack([block] * 3), RATE)[0]

    x = noise(6, 2, 8000)
    expected = Outer()(x, RATE)
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(Outer()(x, RATE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    for result in results:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_is_heard(batch: int) -> None:
    code = (
        "import sys, time, numpy as np, luthier.effects as fx\n"
        "class Slow(fx.Effect):\n"
        "    def render(self, block, values, state):\n"
        "        time.sleep(0.005); return block\n"
        "x = np.zeros((int(sys.argv[1]), 2, 20_000_000), np.float32)\n"
        "print('ready', flush=True)\n"
        "try: Slow()(x, 44_100)\n"
        "except KeyboardInterrupt: print('heard', flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(batch)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    begun = time.monotonic()
    child.send_signal(os_signal.SIGINT)
    told, _ = child.communicate(timeout=30)
    assert told == "heard\n"
    assert child.returncode == 0
    assert time.monotonic() - begun < 10


def test_a_daemon_thread_in_python_code_lets_the_process_end() -> None:
    code = (
        "import threading, time, numpy as np, luthier.effects as fx\n"
        "class Quick(fx.Effect):\n"
        "    def render(self, block, values, state): return block\n"
        "x = np.zeros((4, 2, 1_000_000), np.float32)\n"
        "def calls():\n"
        "    while True: Quick()(x, 44_100)\n"
        "for _ in range(3): threading.Thread(target=calls, daemon=True).start()\n"
        "time.sleep(0.2)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stderr == ""
