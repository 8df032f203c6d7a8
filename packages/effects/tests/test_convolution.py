"""Convolution against SciPy's in float64, in both of its plans."""

from __future__ import annotations

import concurrent.futures
import math
import pickle
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.core import Audio, LayoutError, ParameterError
from luthier.effects.stream import Stream

RATE = 44_100
Array = npt.NDArray[np.floating]
Run = Callable[[fx.Effect, Array], Array]


def noise(*shape: int, seed: int = 0) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(shape)


def decaying(*shape: int, seed: int = 1) -> npt.NDArray[np.float64]:
    """Noise that falls by 60 dB, as a room does."""
    return noise(*shape, seed=seed) * np.exp(-6.9 * np.arange(shape[-1]) / shape[-1]) / 20


def expected(x: Array, response: Array) -> npt.NDArray[np.float64]:
    """Row by row: as long as `x`."""
    rows = [
        scipy.signal.oaconvolve(a, b)[: x.shape[1]]
        for a, b in zip(
            x.astype(np.float64), np.broadcast_to(response, (len(x), response.shape[-1])), strict=True
        )
    ]
    return np.stack(rows)


def decibels(error: Array, reference: Array) -> float:
    energy = float(np.sum(np.square(reference, dtype=np.float64)))
    return 10 * math.log10(max(float(np.sum(np.square(error, dtype=np.float64))) / energy, 1e-40))


def called(effect: fx.Effect, x: Array) -> Array:
    """By the plan for whole signals."""
    return effect(x, RATE)


def streamed(effect: fx.Effect, x: Array) -> Array:
    """By the plan without latency."""
    stream = effect.stream(RATE, len(x), dtype=x.dtype)
    assert stream.latency == 0
    return stream.process(x)


plans = pytest.mark.parametrize("run", [called, streamed])
types = pytest.mark.parametrize(("dtype", "limit"), [("float32", -125), ("float64", -260)])


# ---- what it computes ----


@plans
@types
@pytest.mark.parametrize("taps", [1, 2, 31, 64, 65, 500, 4096, 22_050, 88_200])
def test_it_is_convolution(run: Run, dtype: str, limit: float, taps: int) -> None:
    x, response = noise(2, 60_000).astype(dtype), decaying(2, taps).astype(dtype)
    y = run(fx.Convolution(response), x)
    assert y.dtype == dtype
    reference = expected(x, response)
    assert decibels(y - reference, reference) < limit


@plans
def test_a_response_of_ten_seconds_at_96_khz(run: Run) -> None:
    x, response = noise(1, 100_000).astype(np.float32), decaying(1, 960_000)
    reference = expected(x, response)
    y = run(fx.Convolution(response), x)
    assert decibels(y - reference, reference) < -125
    if run is called:
        whole = fx.Convolution(response)(x, RATE, tail=True)
        reference = scipy.signal.oaconvolve(x[0].astype(np.float64), response[0])[: whole.shape[1]]
        assert decibels(whole[0] - reference, reference) < -125


@settings(max_examples=40)
@given(
    taps=st.integers(1, 20_000),
    frames=st.integers(1, 30_000),
    seed=st.integers(0, 100),
    cuts=st.lists(st.one_of(st.integers(0, 70), st.integers(0, 5000)), max_size=20),
)
def test_any_cutting_of_a_stream_gives_the_same_bits(
    taps: int, frames: int, seed: int, cuts: list[int]
) -> None:
    x, effect = noise(1, frames, seed=seed).astype(np.float32), fx.Convolution(decaying(taps, seed=seed))
    whole = streamed(effect, x)
    stream = effect.stream(RATE)
    parts, at = [], 0
    for n in [*cuts, frames]:
        parts.append(stream.process(x[:, at : at + n]))
        at += n
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    # The rest comes with flush() and is that of a call on the whole signal.
    rest, call = stream.flush(), effect(x, RATE, tail=True)
    ringing = np.concatenate([whole, rest], axis=1)
    assert ringing.shape == call.shape
    assert decibels(ringing - call, call) < -120


@pytest.mark.parametrize("taps", [1, 60, 3000, 50_000])
def test_any_cutting_of_a_call_gives_the_same_bits(taps: int) -> None:
    x, effect = noise(2, 150_000).astype(np.float32), fx.Convolution(decaying(2, taps))
    whole = effect(x, RATE)
    stream = Stream(effect, RATE, 2, batch=None, dtype="float32", _offline=True)
    padded = np.concatenate([x, np.zeros((2, stream.latency), np.float32)], axis=1)
    sizes = iter(np.random.default_rng(0).integers(1, 9000, 1000))
    parts, at = [], 0
    while at < padded.shape[1]:
        parts.append(stream.process(padded[:, at : at + (n := int(next(sizes)))]))
        at += n
    np.testing.assert_array_equal(np.concatenate(parts, axis=1)[:, stream.latency :], whole)


def test_the_two_plans_agree() -> None:
    x, response = noise(2, 100_000).astype(np.float32), decaying(4, 30_000)
    for effect in (fx.Convolution(response), fx.Convolution(response, mix=0.3, normalize=True)):
        assert decibels(called(effect, x) - streamed(effect, x), called(effect, x)) < -120


@plans
def test_one_response_for_all_channels(run: Run) -> None:
    x, response = noise(3, 9000), decaying(2000)
    for shaped in (response, response[None]):
        reference = expected(x, response)
        assert decibels(run(fx.Convolution(shaped), x) - reference, reference) < -250


@plans
@pytest.mark.parametrize("taps", [20, 3000])
def test_four_responses_on_a_stereo_signal_are_true_stereo(run: Run, taps: int) -> None:
    x, h = noise(2, 9000), decaying(4, taps)
    left = expected(x[:1], h[0]) + expected(x[1:], h[2])
    right = expected(x[:1], h[1]) + expected(x[1:], h[3])
    reference = np.concatenate([left, right])
    assert decibels(run(fx.Convolution(h), x) - reference, reference) < -250


@plans
def test_four_responses_on_four_channels_are_one_each(run: Run) -> None:
    x, h = noise(4, 5000), decaying(4, 700)
    reference = expected(x, h)
    assert decibels(run(fx.Convolution(h), x) - reference, reference) < -250


@plans
def test_without_a_response_nothing_changes(run: Run) -> None:
    x = noise(2, 5000)
    np.testing.assert_array_equal(run(fx.Convolution(), x), x)
    np.testing.assert_array_equal(run(fx.Convolution([0.5]), x), 0.5 * x)


@plans
def test_mix(run: Run) -> None:
    x, response = noise(2, 9000), decaying(2, 3000)
    wet = expected(x, response)
    for mix in (0.0, 0.25, 1.0):
        reference = (1 - mix) * x + mix * wet
        assert decibels(run(fx.Convolution(response, mix=mix), x) - reference, reference) < -250


def test_a_moving_mix_glides() -> None:
    x, response = noise(1, 20_000), decaying(500)
    stream = fx.Convolution(response, mix=0).stream(RATE, dtype="float64")
    before = stream.process(x[:, :5000])
    stream.effect.mix = 1
    after = stream.process(x[:, 5000:])
    np.testing.assert_array_equal(before, x[:, :5000])
    wet = expected(x, response)
    settled = 5000 + math.ceil(0.021 * RATE)
    np.testing.assert_allclose(after[:, settled - 5000 :], wet[:, settled:], rtol=0, atol=1e-12)
    share = (after - x[:, 5000:]) / (wet - x)[:, 5000:]
    way = share[0, : settled - 5000 - 50]
    assert way[0] < 0.01
    assert (np.diff(way) > -1e-9).all()


@plans
def test_normalize_gives_unit_energy_to_the_loudest_channel(run: Run) -> None:
    x, response = noise(2, 9000), decaying(2, 3000) * [[3.0], [0.2]]
    scaled = response / np.sqrt(np.sum(response[0] ** 2))
    reference = expected(x, scaled)
    assert decibels(run(fx.Convolution(response, normalize=True), x) - reference, reference) < -250
    silent = fx.Convolution(np.zeros(10), normalize=True)
    np.testing.assert_array_equal(run(silent, x), 0)


@plans
@pytest.mark.parametrize("own_rate", [48_000, 22_050, 96_000, 44_100.5, 8000])
def test_a_response_of_another_rate_is_resampled(run: Run, own_rate: float) -> None:
    """A burst that is known at any time, well inside the band of either rate and the response."""

    def burst(rate: float) -> npt.NDArray[np.float64]:
        t = np.arange(int(0.2 * rate)) / rate
        return np.exp(-(((t - 0.1) / 0.015) ** 2)) * np.cos(2 * np.pi * 1500 * t) / rate

    x = noise(1, 20_000)
    reference = expected(x, burst(RATE))
    y = run(fx.Convolution(burst(own_rate), own_rate), x)
    assert decibels(y - reference, reference) < -120


def test_its_gain_at_every_frequency_survives_resampling() -> None:
    response = np.zeros(2000)
    response[1000] = 1
    y = called(fx.Convolution(response, 48_000), np.eye(1, 4000))
    spectrum = np.abs(np.fft.rfft(y[0]))
    hz = np.fft.rfftfreq(4000, 1 / RATE)
    np.testing.assert_allclose(spectrum[hz < 20_000], 1, atol=1e-6)


def test_a_tail_ends_where_the_response_is_silence() -> None:
    response = np.zeros(10_000)
    response[:3000] = 0.1
    stream = fx.Convolution(response).stream(RATE)
    assert 2999 <= stream.tail < 3064
    assert fx.Convolution(response, mix=0).stream(RATE).tail == 0
    assert fx.Convolution().stream(RATE).tail == 0


def test_batches_and_threads_share_a_response() -> None:
    x = noise(6, 2, 20_000).astype(np.float32)
    effects = [fx.Convolution(decaying(2, 5000 + 500 * i, seed=i)) for i in range(12)]
    np.testing.assert_array_equal(effects[0](x, RATE), np.stack([effects[0](item, RATE) for item in x]))
    # More responses than are kept, from several threads, over and over.
    alone = [effect(x[0], RATE) for effect in effects]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda i: effects[i % 12](x[0], RATE), range(48)))
    for i, y in enumerate(together):
        np.testing.assert_array_equal(y, alone[i % 12])


def test_zeros_behind_a_response_cost_nothing_and_change_nothing() -> None:
    x, response = noise(1, 5000).astype(np.float32), decaying(1000)
    padded = np.concatenate([response, np.zeros(100_000)])
    np.testing.assert_array_equal(fx.Convolution(padded)(x, RATE), fx.Convolution(response)(x, RATE))
    assert fx.Convolution(padded).stream(RATE).tail < 1064


# ---- a running stream ----


def test_another_response_fades_in_without_a_click() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 997 / RATE * np.arange(2 * RATE))[None]
    first, second = decaying(4000, seed=1), decaying(9000, seed=2)
    stream = fx.Convolution(first).stream(RATE, dtype="float64")
    before = stream.process(tone[:, :RATE])
    stream.effect.impulse_response = second
    y = np.concatenate([before, stream.process(tone[:, RATE:])], axis=1)
    np.testing.assert_allclose(y[:, :RATE], expected(tone, first)[:, :RATE], rtol=0, atol=1e-12)
    # Once all of the tone that it answers to came after the change, it is the answer of the new one alone.
    np.testing.assert_allclose(
        y[:, RATE + 10_000 :], expected(tone, second)[:, RATE + 10_000 :], rtol=0, atol=1e-12
    )
    around = y[0, RATE - 600 : RATE + 2000]
    spectrum = np.abs(np.fft.rfft(around * np.blackman(len(around)))) ** 2
    high = spectrum[np.fft.rfftfreq(len(around), 1 / RATE) > 4000].sum()
    assert 10 * math.log10(high / spectrum.sum()) < -80


def test_a_response_is_swapped_to_an_audio_with_its_rate() -> None:
    stream = fx.Convolution([1.0]).stream(RATE, 2)
    stream.effect.impulse_response = Audio(decaying(2, 480).astype(np.float32), 48_000)
    assert stream.effect.sample_rate == 48_000
    with pytest.raises(LayoutError, match="3 channels and the signal has 2"):
        stream.effect.impulse_response = decaying(3, 480)
    assert stream.effect.impulse_response.shape == (2, 480)


# ---- the value ----


def test_the_response_is_part_of_the_value() -> None:
    h = decaying(2, 100).astype(np.float32)
    effect = fx.Convolution(h, 48_000, mix=0.5)
    same = fx.Convolution(h.copy(), 48_000, mix=0.5)
    assert effect == same
    assert effect.fingerprint() == same.fingerprint()
    other = h.copy()
    other[1, 99] = np.nextafter(other[1, 99], np.float32(1))
    for different in (
        fx.Convolution(other, 48_000, mix=0.5),
        fx.Convolution(h[:, :99], 48_000, mix=0.5),
        fx.Convolution(h, 44_100, mix=0.5),
        fx.Convolution(h, mix=0.5),
        fx.Convolution(h.astype(np.float64), 48_000, mix=0.5),
        fx.Convolution(mix=0.5),
    ):
        assert effect != different
        assert effect.fingerprint() != different.fingerprint()
    for copied in (
        effect.copy(),
        pickle.loads(pickle.dumps(effect)),
        fx.Effect.from_json(effect.to_json()),
        fx.Effect.from_dict(effect.to_dict()),
    ):
        assert copied == effect
        assert copied.impulse_response.dtype == np.float32
        np.testing.assert_array_equal(copied.impulse_response, h)
    assert len(repr(effect)) < 200
    assert "(2, 100)" in repr(effect)


def test_the_response_is_the_effects_own() -> None:
    h = decaying(2, 100)
    effect = fx.Convolution(h)
    h[:] = 0
    assert effect.impulse_response.any()
    with pytest.raises(ValueError, match="read-only"):
        effect.impulse_response[0, 0] = 1


def test_an_audio_brings_its_rate() -> None:
    h = decaying(1, 100).astype(np.float32)
    effect = fx.Convolution(Audio(h, 48_000), mix=0.5)
    assert effect == fx.Convolution(h, 48_000, mix=0.5)
    assert effect == fx.Convolution(Audio(h, 48_000), 48_000, 0.5, False)
    with pytest.raises(ParameterError, match="48000 in what was given"):
        fx.Convolution(Audio(h, 48_000), 44_100)


def test_a_file_is_read(tmp_path) -> None:  # type: ignore[no-untyped-def]
    lio = pytest.importorskip("luthier.io")
    h = decaying(2, 1000).astype(np.float32)
    lio.write(tmp_path / "hall.wav", h, 48_000)
    for path in (tmp_path / "hall.wav", str(tmp_path / "hall.wav")):
        assert fx.Convolution(path) == fx.Convolution(lio.read(path))
    with pytest.raises(OSError, match=r"none\.wav"):
        fx.Convolution(tmp_path / "none.wav")


def test_a_response_is_drawn_from_several() -> None:
    responses = [decaying(40 + n, seed=n) for n in range(3)]
    effect = fx.Convolution(fx.Choice(responses), mix=fx.Uniform(0.2, 0.8))
    assert fx.Effect.from_json(effect.to_json()) == effect
    assert effect == fx.Convolution(fx.Choice([r.copy() for r in responses]), mix=fx.Uniform(0.2, 0.8))
    assert effect != fx.Convolution(fx.Choice(responses[:2]), mix=fx.Uniform(0.2, 0.8))
    drawn = [effect.sample(0, i).effect.impulse_response for i in range(30)]
    assert {len(r) for r in drawn} == {40, 41, 42}
    for r in drawn:
        np.testing.assert_array_equal(r, responses[len(r) - 40])


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (np.array([1.0, np.nan]), "finite"),
        (np.array([[1.0, np.inf]]), "finite"),
        (np.zeros(0), "at least one frame"),
        (np.zeros((2, 0)), "at least one frame"),
        (np.zeros((0, 5)), "at least one frame"),
        (np.zeros((1, 2, 5)), "at least one frame"),
        (np.zeros((50_000, 2)), "frames, channels"),
        (np.zeros(5, np.int16), r"astype\(numpy.float32\) / 32768"),
        (np.zeros(5, np.complex128), "must be float32 or float64"),
        (["loud"], "array of numbers"),
        (3.0, "must be an array"),
    ],
)
def test_bad_responses_are_refused(response: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fx.Convolution(response)
    effect = fx.Convolution()
    with pytest.raises(ValueError, match=message):
        effect.impulse_response = response
    assert effect == fx.Convolution()


@pytest.mark.parametrize(("own", "channels"), [(2, 1), (2, 3), (3, 2), (4, 3), (4, 1)])
def test_numbers_of_channels_that_do_not_go_together(own: int, channels: int) -> None:
    board = fx.Chain([fx.Gain(), fx.Convolution(decaying(own, 10))])
    with pytest.raises(LayoutError, match=f"has {own} channels and the signal has {channels}"):
        board(noise(channels, 10), RATE)
    with pytest.raises(LayoutError, match="4 on a stereo signal"):
        board.stream(RATE, channels)
