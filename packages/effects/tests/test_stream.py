"""What a stream checks, and how streams live with threads and interrupts."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import luthier.effects as fx
from luthier.core import LayoutError, ParameterError, StreamError

RATE = 48_000


def test_blocks_must_be_the_streams() -> None:
    stream = fx.Gain().stream(RATE, 2)
    stream.process(np.zeros((2, 5), np.float32))
    for block in (
        np.zeros((3, 5), np.float32),
        np.zeros((5, 2), np.float32),
        np.zeros(5, np.float32),
        np.zeros((1, 2, 5), np.float32),
        np.zeros((2, 5), np.float64),
    ):
        with pytest.raises(LayoutError, match=r"this stream takes float32 blocks of shape \(2, frames\)"):
            stream.process(block)
    assert stream.process(np.zeros((2, 0), np.float32)).shape == (2, 0)


def test_a_mono_stream_takes_both_shapes() -> None:
    stream = fx.Gain().stream(RATE)
    assert stream.process(np.ones(7, np.float32)).shape == (7,)
    assert stream.process(np.ones((1, 7), np.float32)).shape == (1, 7)


@pytest.mark.parametrize("bad", [-1, 1.5, True, None, "2", 10**9])
def test_bad_counts(bad: object) -> None:
    with pytest.raises(ParameterError, match="channels must be a whole number"):
        fx.Gain().stream(RATE, bad)
    if bad is not None:
        with pytest.raises(ParameterError, match="batch must be a whole number"):
            fx.Gain().stream(RATE, 2, batch=bad)


@pytest.mark.parametrize("bad", ["int16", "float16", "nonsense", complex])
def test_bad_dtypes(bad: object) -> None:
    with pytest.raises(LayoutError, match="dtype must be 'float32' or 'float64'"):
        fx.Gain().stream(RATE, 2, dtype=bad)


def test_an_endless_effect_flushes_its_latency_only() -> None:
    stream = fx.Reverb(freeze=1).stream(RATE, 2)
    assert stream.tail == math.inf
    assert stream.flush().shape == (2, 0)


def test_the_tail_is_at_most_a_minute() -> None:
    board = fx.Chain([fx.Reverb(room_size=1, damping=0)] * 9)
    assert board.stream(RATE, 2).tail == 60 * RATE


def test_the_structure_of_a_running_stream_is_fixed() -> None:
    stream = fx.Chain([fx.Gain(), fx.Mix([fx.Gain()])]).stream(RATE, 2)
    for change in (
        lambda: stream.effect.append(fx.Gain()),
        lambda: stream.effect[1].pop(),
        lambda: stream.effect.__setitem__(0, fx.Gain()),
        lambda: stream.effect.clear(),
    ):
        with pytest.raises(StreamError, match="Start a new stream"):
            change()


def test_an_effect_that_stands_twice_in_a_chain_is_two_in_its_stream() -> None:
    gain = fx.Gain(gain_db=-6)
    stream = fx.Chain([gain, gain]).stream(RATE)
    stream.effect[0].gain_db = 0
    assert stream.effect[1].gain_db == -6
    y = stream.process(np.ones(RATE, np.float32))
    assert y[-1] == pytest.approx(10 ** (-6 / 20), rel=1e-6)


def test_a_copy_of_a_streams_effect_is_free() -> None:
    stream = fx.Chain([fx.Gain()]).stream(RATE)
    other = stream.effect.copy()
    other[0].gain_db = -40
    other.append(fx.Gain())
    assert stream.effect == fx.Chain([fx.Gain()])
    np.testing.assert_array_equal(stream.process(np.ones(5, np.float32)), np.ones(5, np.float32))


def test_a_ramp_takes_twenty_milliseconds() -> None:
    stream = fx.Gain(gain_db=0).stream(RATE, dtype="float64")
    stream.process(np.ones(5))  # a group has begun: the move starts with the next, at frame 16
    stream.effect.gain_db = -20
    y = stream.process(np.ones(4000))
    frames = int(0.02 * RATE)
    np.testing.assert_array_equal(y[:11], 1)
    assert np.all(np.diff(y[11 : 11 + frames]) < 0)
    np.testing.assert_allclose(y[11 + frames :], 0.1, rtol=1e-12)
    # Half way in time is half way in decibels.
    assert y[11 + frames // 2] == pytest.approx(10 ** (-10 / 20), rel=2e-3)


def test_one_value_serves_many_threads() -> None:
    board = fx.Chain([fx.Compressor(), fx.Reverb()])
    signals = [np.random.default_rng(i).standard_normal((2, 20_000)).astype(np.float32) for i in range(8)]
    expected = [board(x, RATE) for x in signals]
    with ThreadPoolExecutor(4) as pool:
        for y, z in zip(pool.map(lambda x: board(x, RATE), signals * 3), expected * 3, strict=True):
            np.testing.assert_array_equal(y, z)


def test_a_stream_refuses_two_threads_at_once() -> None:
    stream = fx.Reverb().stream(RATE, 2)
    x = np.zeros((2, 4_000_000), np.float32)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            stream.process(x)
        except StreamError as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors
    assert "belongs to one thread" in str(errors[0])


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the POSIX way")
def test_long_calls_hear_an_interrupt() -> None:
    code = (
        "import numpy as np, luthier.effects as fx, time\n"
        "x = np.zeros((2, 40_000_000), np.float32); board = fx.Chain([fx.Reverb()] * 8)\n"
        "print('ready', flush=True)\n"
        "board(x, 48_000, out=x)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    threading.Event().wait(0.2)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=3)
    assert "KeyboardInterrupt" in stderr


@pytest.mark.parametrize("isa", ["baseline", "v3", "v4"])
def test_instruction_sets_agree(isa: str, tmp_path) -> None:
    import luthier.core as core

    order = ["baseline", "v3", "v4"]
    if order.index(isa) > order.index(core.cpu().detected):
        pytest.skip(f"this CPU has no {isa}")
    code = (
        "import sys, numpy as np, luthier.effects as fx\n"
        "x = 0.25 * np.random.default_rng(0).standard_normal((2, 30_000)).astype(np.float32)\n"
        "classes = [getattr(fx, n) for n in fx.__all__]\n"
        "classes = [c for c in classes if isinstance(c, type) and issubclass(c, fx.Effect)]\n"
        "effects = [c for c in classes if c is not fx.Effect]\n"
        "leaves = [c for c in effects if c._kind == 'effect' and not c._written]\n"
        "np.savez(sys.argv[1], **{c.__name__: c()(x, 48_000) for c in leaves})\n"
    )
    results = {}
    for forced in (isa, core.cpu().chosen):
        path = tmp_path / f"{forced}.npz"
        subprocess.run(
            [sys.executable, "-c", code, path], check=True, env={**os.environ, "LUTHIER_ISA": forced}
        )
        results[forced] = dict(np.load(path))
    for name, y in results[isa].items():
        reference = results[core.cpu().chosen][name]
        error = np.sqrt(np.mean((y - reference) ** 2) / np.mean(reference**2))
        assert error < 10 ** (-110 / 20), name


@pytest.mark.parametrize("batch", [None, 3])
def test_the_short_way_gives_what_the_long_way_gives(batch: int | None) -> None:
    """Plain arrays go straight to the native code; anything else is looked at first. Both sound the same."""
    shape = (2, 500) if batch is None else (batch, 2, 500)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    wide = np.repeat(x, 2, axis=-1)
    plain, looked_at = (fx.Reverb().stream(44_100, 2, batch=batch) for _ in range(2))
    for _ in range(3):
        expected = looked_at.process(wide[..., ::2])
        np.testing.assert_array_equal(plain.process(x), expected)
    out = x.copy()
    assert plain.process(out, out=out) is out
    np.testing.assert_array_equal(out, looked_at.process(wide[..., ::2]))
    # Memory that overlaps otherwise, which the short way must leave to the long one.
    memory = np.concatenate([x.ravel(), np.zeros(4, np.float32)])
    block, shifted = memory[:-4].reshape(shape), memory[4:].reshape(shape)
    plain.process(block, out=shifted)
    np.testing.assert_array_equal(shifted, looked_at.process(wide[..., ::2]))
    # Slices of longer arrays: apart, one and the same, and askew.
    longer = np.concatenate([x, x, x], axis=-1)
    results = np.zeros_like(longer)
    plain.process(longer[..., :500], out=results[..., 600:1100])
    np.testing.assert_array_equal(results[..., 600:1100], looked_at.process(wide[..., ::2]))
    assert not results[..., :600].any()
    assert not results[..., 1100:].any()
    plain.process(longer[..., 500:1000], out=longer[..., 500:1000])
    np.testing.assert_array_equal(longer[..., 500:1000], looked_at.process(wide[..., ::2]))
    plain.process(longer[..., :500], out=longer[..., 3:503])
    np.testing.assert_array_equal(longer[..., 3:503], looked_at.process(wide[..., ::2]))
    backwards = x[..., ::-1]
    np.testing.assert_array_equal(plain.process(backwards), looked_at.process(backwards.copy()))


@pytest.mark.parametrize(
    "block",
    [
        np.zeros((2, 16), np.float64),
        np.zeros((2, 16), np.int32),
        np.zeros((3, 16), np.float32),
        np.zeros((1, 2, 16), np.float32),
        np.zeros(16, np.float32),
    ],
)
def test_the_short_way_lets_no_wrong_block_through(block: np.ndarray) -> None:
    stream = fx.Gain().stream(44_100, 2)
    with pytest.raises(LayoutError):
        stream.process(block)
    fine = np.zeros((2, 16), np.float32)
    read_only = fine.copy()
    read_only.flags.writeable = False
    for out in (block, read_only, fine[:, :15]):
        with pytest.raises(LayoutError):
            stream.process(fine, out=out)
    stream.flush()
    with pytest.raises(StreamError):
        stream.process(fine)
