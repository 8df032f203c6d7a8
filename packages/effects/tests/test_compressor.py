"""Compressor, expander and gate against plain loops of their definitions, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.effects as fx
from luthier.effects._strategies import effects_of

RATE = 44_100
FAMILY = [fx.Compressor, fx.Expander, fx.NoiseGate]
family = pytest.mark.parametrize("cls", FAMILY, ids=lambda cls: cls.__name__)


def bursts(channels: int = 2, frames: int = 1500) -> np.ndarray:
    """Noise whose level jumps every 100 frames."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((channels, frames)) * np.repeat(10 ** rng.uniform(-4, 0.5, frames // 100), 100)


def share(ms: float, rate: float) -> float:
    return -np.expm1(-1000 / (ms * rate))


def hinge(x: np.ndarray, knee: float) -> np.ndarray:
    if knee < 1e-5:
        return np.maximum(x, 0)
    return np.where(2 * np.abs(x) <= knee, (x + knee / 2) ** 2 / (2 * knee), np.maximum(x, 0))


def gain_db(effect: fx.Effect, level_db: np.ndarray) -> np.ndarray:
    over = level_db - effect.threshold_db
    if isinstance(effect, fx.Compressor):
        return (1 / effect.ratio - 1) * hinge(over, effect.knee_db) + effect.makeup_db
    return -np.minimum((effect.ratio - 1) * hinge(-over, effect.knee_db), effect.range_db)


def gains(effect: fx.Effect, key: np.ndarray, rate: float) -> np.ndarray:
    """Of one signal; of the loudest when it has several channels."""
    levels = np.abs(key)
    if effect.detector != "peak":
        means = np.zeros(key.shape[0])
        for n in range(key.shape[1]):
            means += share(effect.rms_ms, rate) * (key[:, n] ** 2 - means)
            if effect.detector == "rising_rms":
                means = np.maximum(means, key[:, n] ** 2)
            levels[:, n] = np.sqrt(means)
    attack, release = share(effect.attack_ms, rate), share(effect.release_ms, rate)
    hold = getattr(effect, "hold_ms", 0) * rate / 1000
    envelope, left, followed = 0.0, 0.0, np.empty(key.shape[1])
    for n, level in enumerate(levels.max(axis=0)):
        rising, falling = ((1 - a) * envelope + a * level for a in (attack, release))
        left = hold if level >= envelope else left - 1
        if level >= envelope or left < 0 or hold == 0:
            envelope = max(rising, falling) if attack >= release else min(rising, falling)
        followed[n] = envelope
    return 10 ** (gain_db(effect, 20 * np.log10(np.maximum(followed, 1e-300))) / 20)


def plain(effect: fx.Effect, x: np.ndarray, rate: float, key: np.ndarray | None = None) -> np.ndarray:
    key = x if key is None else key
    latency = int(effect.lookahead_ms * rate / 1000 + 0.5)
    key = np.pad(key, ((0, 0), (0, latency)))
    rows = [key] if effect.link else [key[min(c, len(key) - 1)][None] for c in range(len(x))]
    return x * np.stack([gains(effect, row, rate)[latency:] for row in rows])


@family
@settings(max_examples=25)
@given(data=st.data())
def test_it_is_its_definition(cls: type[fx.Effect], data: st.DataObject) -> None:
    effect = data.draw(effects_of(cls))
    x = bursts()
    expected = plain(effect, x, RATE)
    scale = np.abs(expected).max() + 1e-12
    np.testing.assert_allclose(effect(x, RATE), expected, rtol=1e-7, atol=1e-11 * scale)


@family
@pytest.mark.parametrize("detector", ["peak", "rms", "rising_rms"])
@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 11])
def test_float32_is_its_definition(cls: type[fx.Effect], detector: str, link: bool, channels: int) -> None:
    effect = cls(threshold_db=-25, ratio=4, detector=detector, link=link, knee_db=6)
    x = bursts(channels).astype(np.float32)
    expected = plain(effect, x.astype(np.float64), RATE)
    error = effect(x, RATE) - expected
    assert np.sqrt(np.mean(error**2)) < 1e-6 * np.sqrt(np.mean(expected**2))


@family
@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("key_channels", [1, 2, 3])
def test_a_side_chain_is_heard_in_place_of_the_samples(
    cls: type[fx.Effect], link: bool, key_channels: int
) -> None:
    effect = cls(threshold_db=-25, link=link, lookahead_ms=3, sidechain="key")
    x, key = bursts(), bursts(key_channels)[:, ::-1].copy()
    y = effect(x, RATE, inputs={"key": key})
    np.testing.assert_allclose(y, plain(effect, x, RATE, key), rtol=1e-9, atol=1e-12)

    stream = effect.stream(RATE, 2, dtype="float64", inputs={"key": key_channels})
    parts = [
        stream.process(x[:, at : at + 77], inputs={"key": key[:, at : at + 77]}) for at in range(0, 1500, 77)
    ]
    streamed = np.concatenate([*parts, stream.flush()], axis=1)[:, stream.latency :]
    np.testing.assert_array_equal(streamed, y)

    batch = effect(np.stack([x, x[::-1]]), RATE, inputs={"key": np.stack([key, key])})
    np.testing.assert_array_equal(batch[0], y)


@family
def test_ones_own_signal_as_the_side_chain_changes_nothing(cls: type[fx.Effect]) -> None:
    x = bursts()
    for link in (True, False):
        own = cls(threshold_db=-25, link=link)
        with_key = cls(threshold_db=-25, link=link, sidechain="key")
        np.testing.assert_array_equal(with_key(x, RATE, inputs={"key": x}), own(x, RATE))


@family
def test_linked_channels_get_one_gain_and_unlinked_ones_their_own(cls: type[fx.Effect]) -> None:
    x = bursts()
    linked, unlinked = cls(threshold_db=-25), cls(threshold_db=-25, link=False)
    gain = linked(x, RATE) / x
    np.testing.assert_allclose(gain[0], gain[1], rtol=1e-12)
    alone = np.concatenate([linked(channel[None], RATE) for channel in x])
    np.testing.assert_array_equal(unlinked(x, RATE), alone)


@family
def test_the_look_ahead_is_compensated(cls: type[fx.Effect]) -> None:
    x = bursts()
    late = cls(threshold_db=-25, lookahead_ms=2)
    assert late.stream(RATE, 2).latency == round(0.002 * RATE)
    # The same gains, so many frames earlier.
    y = late(np.pad(x, ((0, 0), (0, 88))), RATE)[:, :-88]
    gain = cls(threshold_db=-25)(np.pad(x, ((0, 0), (0, 88))) + 1e-30, RATE) / (
        np.pad(x, ((0, 0), (0, 88))) + 1e-30
    )
    np.testing.assert_allclose(y, x * gain[:, 88:], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("level_db", [-60, -30, -20, -12, 0])
@pytest.mark.parametrize("knee_db", [0, 12])
def test_the_compressors_static_curve(level_db: float, knee_db: float) -> None:
    steady = np.full(3 * RATE, 10 ** (level_db / 20))
    y = fx.Compressor(threshold_db=-20, ratio=4, knee_db=knee_db)(steady, RATE)
    over = level_db + 20
    bend = (over + 6) ** 2 / 24 if knee_db and abs(over) <= 6 else max(over, 0)
    assert 20 * np.log10(y[-1]) == pytest.approx(level_db - 0.75 * bend, abs=1e-6)


@pytest.mark.parametrize("level_db", [-70, -45, -40, -30, 0])
@pytest.mark.parametrize("range_db", [10, 120])
def test_the_expanders_static_curve(level_db: float, range_db: float) -> None:
    steady = np.full(3 * RATE, 10 ** (level_db / 20))
    y = fx.Expander(threshold_db=-40, ratio=3, range_db=range_db)(steady, RATE)
    expected = level_db - min(2 * max(-40 - level_db, 0), range_db)
    assert 20 * np.log10(y[-1]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("rising", [True, False])
def test_time_constants_are_63_percent(rising: bool) -> None:
    """After attack_ms, or release_ms, the level that is followed has come 1 - 1/e of the way, and the gain is
    (level / threshold)^(1/ratio - 1)."""
    levels = (0.1, 1.0) if rising else (1.0, 0.1)
    step = np.repeat(levels, RATE)
    times = {"attack_ms": 10, "release_ms": 500} if rising else {"attack_ms": 1, "release_ms": 10}
    effect = fx.Compressor(threshold_db=-100, ratio=1000, **times)
    gain = effect(step, RATE) / step
    followed = 1e-5 * gain ** (1 / (1 / 1000 - 1))
    after = followed[RATE + round(0.010 * RATE) - 1]
    assert (after - levels[0]) / (levels[1] - levels[0]) == pytest.approx(1 - np.exp(-1), abs=1e-3)


def test_the_mean_square_has_a_time_constant_of_its_own() -> None:
    step = np.ones(RATE)
    effect = fx.Compressor(
        threshold_db=-100, ratio=1000, attack_ms=0.001, release_ms=0.001, detector="rms", rms_ms=20
    )
    followed = 1e-5 * effect(step, RATE) ** (1 / (1 / 1000 - 1))
    assert followed[round(0.020 * RATE) - 1] ** 2 == pytest.approx(1 - np.exp(-1), abs=1e-3)


def test_a_gate_holds_before_it_closes() -> None:
    x = np.concatenate([np.full(RATE, 0.5), np.full(RATE, 1e-3)])
    gate = fx.NoiseGate(
        threshold_db=-20, attack_ms=0.1, release_ms=5, hold_ms=100, range_db=40, detector="peak"
    )
    gain = gate(x, RATE) / x
    held = RATE + round(0.1 * RATE)
    np.testing.assert_array_equal(gain[RATE // 10 : held], 1)
    # The level falls from 0.5 to 1e-3, with a threshold of 0.1 on the way, and ends 40 dB down.
    crossing = held + 0.005 * RATE * np.log((0.5 - 1e-3) / (0.1 - 1e-3))
    assert int(np.argmax(gain[RATE:] < 1)) + RATE == pytest.approx(crossing, abs=2)
    assert 20 * np.log10(gain[-1]) == pytest.approx(-40)


def test_what_is_on_the_right_side_of_the_threshold_passes_unchanged() -> None:
    x = np.random.default_rng(0).standard_normal((2, 5000))
    np.testing.assert_array_equal(fx.Compressor(threshold_db=-20)(1e-3 * x, RATE), 1e-3 * x)
    gate = fx.NoiseGate(threshold_db=-60, attack_ms=0.001)
    np.testing.assert_array_equal(gate(x, RATE)[:, 16:], x[:, 16:])


@family
def test_the_meter_shows_the_last_frames_reduction(cls: type[fx.Effect]) -> None:
    steady = np.full((2, 4096), 0.01)
    steady[1] /= 10
    compressor = cls is fx.Compressor
    effect = cls(threshold_db=-60 if compressor else -20, ratio=2, release_ms=1, link=False)
    stream = effect.stream(RATE, 2, dtype="float64")
    assert stream.gain_reduction_db == 0
    for _ in range(8):
        y = stream.process(steady)
    most = np.max(20 * np.log10(steady[:, -1] / y[:, -1]))
    assert stream.gain_reduction_db == pytest.approx(most)
    assert most > 5


def test_makeup_is_no_reduction() -> None:
    stream = fx.Compressor(makeup_db=10).stream(RATE, 1)
    stream.process(np.full((1, 4096), 0.001, np.float32))
    assert stream.gain_reduction_db == 0


@pytest.mark.parametrize(
    ("threshold_db", "ratio", "attack_ms", "release_ms"), [(-20, 4, 1, 100), (-30, 2, 10, 300)]
)
def test_pedalboard_gives_the_same(
    threshold_db: float, ratio: float, attack_ms: float, release_ms: float
) -> None:
    """Its channels are not linked, and its times are shorter by 2 pi than they say."""
    pedalboard = pytest.importorskip("pedalboard")
    x = (0.25 * np.random.default_rng(0).standard_normal((2, 20_000))).astype(np.float32)
    theirs = pedalboard.Compressor(threshold_db, ratio, attack_ms, release_ms)(x, RATE)
    ours = fx.Compressor(threshold_db, ratio, attack_ms / (2 * np.pi), release_ms / (2 * np.pi), link=False)(
        x, RATE
    )
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-6)
