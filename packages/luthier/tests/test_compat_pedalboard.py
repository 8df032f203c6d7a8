"""`luthier.compat.pedalboard`: its rules, and beside pedalboard itself where that is installed."""

from __future__ import annotations

import copy
import doctest
import importlib
import pickle
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.compat.pedalboard as pb
import luthier.io as lio

RATE = 44_100
EFFECTS = [
    cls
    for cls in pb.Plugin.__subclasses__()
    if cls.__module__.startswith("luthier.compat")
    and cls.__name__ not in ("PluginContainer", "ExternalPlugin", "IIRFilter", "Convolution")
    and not cls.__module__.endswith("_internal")
] + [pb.LowShelfFilter, pb.HighShelfFilter, pb.PeakFilter]
LATENT = [pb.PitchShift, pb.MP3Compressor, pb.GSMFullRateCompressor, pb.Resample, pb.BrickwallLimiter]


def noise(*shape: int, seed: int = 0, level: float = 0.2) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * level).astype(np.float32)


def swell(frames: int = RATE) -> np.ndarray:
    """Noise that grows from silence, a channel of its own for each side."""
    return noise(2, frames) * np.linspace(0, 1, frames, dtype=np.float32)


def response(frames: int = 3000, channels: int = 2) -> np.ndarray:
    return noise(channels, frames, seed=9) * np.exp(-np.arange(frames) / 500).astype(np.float32)


def error_db(got: np.ndarray, wanted: np.ndarray) -> float:
    difference = np.linalg.norm(got.astype(np.float64) - wanted)
    return float(20 * np.log10(difference / np.linalg.norm(wanted) + 1e-12))


# ---- beside the peer ----


@pytest.fixture(scope="module")
def peer() -> Any:
    return pytest.importorskip("pedalboard")


EXACT: dict[str, tuple[tuple[Any, ...], float]] = {
    "Gain": ((6.0,), -120),
    "Invert": ((), -200),
    "Clipping": ((-20.0,), -120),
    "Distortion": ((), -120),
    "Bitcrush": ((5.0,), -200),
    "LowpassFilter": ((500.0,), -110),
    "HighpassFilter": ((500.0,), -110),
    # The peer's states are single.
    "LowShelfFilter": ((300.0, 6.0, 0.7), -80),
    "HighShelfFilter": ((3000.0, -6.0, 0.7), -100),
    "PeakFilter": ((1000.0, 6.0, 2.0), -95),
    "Compressor": ((-30.0, 4.0, 5.0, 50.0), -90),
    "NoiseGate": ((-25.0, 3.0, 2.0, 30.0), -90),
    "Limiter": ((-10.0, 100.0), -80),
    "Delay": ((0.1, 0.5, 0.4), -120),
    "Reverb": ((0.7, 0.3, 0.4, 0.5, 0.6), -100),
    # The peer's tables of tanh and sine; between frames it is straight.
    "LadderFilter": ((), -50),
    "Phaser": ((1.0, 0.5, 1300.0, 0.2, 0.5), -45),
}


@pytest.mark.parametrize("name", EXACT)
def test_sounds_like_the_peer(peer: Any, name: str) -> None:
    arguments, tolerance = EXACT[name]
    x = swell()
    wanted = getattr(peer, name)(*arguments)(x, RATE)
    assert error_db(getattr(pb, name)(*arguments)(x, RATE), wanted) < tolerance


def test_chorus_swings_like_the_peers(peer: Any) -> None:
    # Low tones, which the peer's straight lines between frames leave as they are.
    x = np.sin(2 * np.pi * 100 / RATE * np.arange(2 * RATE)).astype(np.float32)
    wanted = peer.Chorus(1.0, 0.25, 7.0, 0.2, 0.5)(x, RATE)
    assert error_db(pb.Chorus(1.0, 0.25, 7.0, 0.2, 0.5)(x, RATE), wanted) < -45


@pytest.mark.parametrize("mix", [1.0, 0.3, 5.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_convolves_at_the_peers_level(peer: Any, mix: float, channels: int) -> None:
    x = noise(channels, 20_000)
    wanted = peer.Convolution(response(), mix, RATE)(x, RATE)
    assert error_db(pb.Convolution(response(), mix, RATE)(x, RATE), wanted) < -110


def test_tells_of_itself_as_the_peer_does(peer: Any) -> None:
    def shown(package: Any) -> list[str]:
        made = [
            getattr(package, cls.__name__)()
            for cls in EFFECTS
            if cls.__name__ not in ("IIRFilter", "Resample")
        ]
        made += [
            package.Resample(1234.5, package.Resample.Quality.Linear),
            package.LadderFilter(package.LadderFilter.HPF24, 100, 0.5, 2),
            package.Convolution(response(30), 0.5, RATE),
            package.Chain([package.Gain(3), None]),
            package.Mix(),
            package.Pedalboard([package.Chain([package.Invert()])]),
        ]
        return [" ".join(word for word in repr(each).split() if "0x" not in word) for each in made]

    assert shown(pb) == shown(peer)


WRONG = [
    "Gain('a')", "Gain(None)", "Gain(foo=1)", "Gain(1, gain_db=2)", "Gain(1, 2)", "Bitcrush(50)",
    "Compressor(ratio=0.5)", "Delay(-1)", "Delay(feedback=2)", "Delay(mix=2)", "Chorus(rate_hz=200)",
    "LadderFilter(resonance=2)", "LadderFilter(drive=0.5)", "LadderFilter(mode='LPF12')",
    "LadderFilter(mode=1)",
    "Reverb(room_size=2)", "Reverb(damping=-2)", "PeakFilter(q=0)", "PeakFilter(cutoff_frequency_hz=-5)",
    "PitchShift(100)", "MP3Compressor(11)", "Resample(-1)", "Resample(8000, 3)", "Convolution('none.wav')",
    "Convolution(np.zeros(5, 'f4'))", "Convolution(np.zeros((2, 2), 'f4'), 1.0, 44100)", "Convolution()",
    "Convolution(np.zeros(5), 1.0, 44100)", "BrickwallLimiter(lookahead_ms=0)",
    "BrickwallLimiter(release_ms=0)",
    "BrickwallLimiter(ceiling_db=float('nan'))", "BrickwallLimiter(true_peak='a')", "IIRFilter()", "Plugin()",
    "PluginContainer([])", "ExternalPlugin()", "Chain([1])", "Mix(3)", "Pedalboard(Gain())",
    "Chain([Gain()])[3]",
    "Chain([Gain()])[0:1]", "Chain([None])[0.0]", "Chain([None]).append(3)", "Chain([None]).insert(0, 3)",
    "Chain([None]).insert(9, Gain())", "Chain([Gain()]).remove(Gain())", "3 in Chain([None])",
    "Gain()([0.0, 1.0], 44100)", "Gain()(np.zeros((2, 5), 'i2'), 44100)", "Gain()(np.zeros(5, 'f2'), 44100)",
    "Gain()(np.zeros(5, 'f4'), 'a')", "Gain()(np.zeros(5, 'f4'), 44100, -3)",
    "Gain().process(np.zeros((2, 2), 'f4'), 44100)", "Gain()(np.zeros((1, 2, 5), 'f4'), 44100)",
    "MP3Compressor()(np.zeros(500, 'f4'), 96000)", "MP3Compressor()(np.zeros((3, 500), 'f4'), 44100)",
    "setattr(Gain(), 'gain_db', 'a')", "setattr(Gain(), 'foo', 1)", "setattr(LadderFilter(), 'mode', 3)",
    "process([1.0], 44100, [])", "process(np.zeros(5, 'f4'), 44100, Gain())", "load_plugin('none.vst3')",
    "VST3Plugin('none.vst3')", "time_stretch(np.zeros(100, 'f4'), 44100, 0.0)",
    "time_stretch(np.zeros(100, 'f4'), 44100, 1.0, 73)", "time_stretch(np.zeros(100), 44100)",
    "time_stretch(np.zeros(100, 'f4'), 44100, transient_mode='x')",
    "time_stretch(np.zeros(100, 'f4'), 44100, transient_detector='x')",
    "time_stretch(np.zeros((1, 10), 'f4'), 44100, np.linspace(0.1, 1, 11))",
    "time_stretch(np.zeros((1, 10), 'f4'), 44100, np.zeros(10))",
    "time_stretch(np.zeros((1, 10), 'f4'), 44100, 1.0, np.full(10, 73.0))",
    "time_stretch(np.zeros((1, 10), 'f4'), 44100, np.ones((2, 10)))",
]  # fmt: skip


@pytest.mark.parametrize("call", WRONG)
def test_refuses_as_the_peer_does(peer: Any, call: str) -> None:
    said = []
    for package in (pb, peer):
        with pytest.raises(Exception) as caught:
            eval(call, {**vars(package), "np": np})
        # What was given is shown, too, but not in the same words.
        said.append((type(caught.value), str(caught.value).split("Invoked with")[0]))
    assert said[0] == said[1]


def test_stretches_to_the_peers_length(peer: Any) -> None:
    for frames, factor in ((1001, 1.3), (1001, 0.7), (4410, 100.0), (999, 0.37)):
        x = noise(frames)
        assert pb.time_stretch(x, RATE, factor).shape == peer.time_stretch(x, RATE, factor).shape
    assert pb.time_stretch(noise(1001, 2), RATE).shape == (1001, 2)


def test_has_the_peers_names(peer: Any) -> None:
    names = {name for name in dir(peer) if not name.startswith("_")} - {"numpy"}
    assert names <= set(dir(pb))
    assert pb.__version__ == pb.version.__version__ == "0.9.26"
    assert [cls.__name__ for cls in pb._AVAILABLE_PLUGIN_CLASSES][:1] == ["VST3Plugin"]


# ---- streams ----


def cut(x: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    parts, at = [], 0
    for size in sizes:
        parts.append(x[:, at : at + size])
        at += size
    return [*parts, x[:, at:]]


@pytest.mark.parametrize("cls", EFFECTS)
def test_any_chunks_give_what_one_call_gives(cls: type[pb.Plugin]) -> None:
    x, plugin = swell(), cls()
    whole = plugin(x, RATE)
    plugin.reset()
    # Growing chunks, with which the peer forgets its state.
    parts = [plugin(part, RATE, reset=False) for part in cut(x, [7, 64, 4096, 4097, 1])]
    joined = np.concatenate(parts, axis=1)
    assert joined.shape[1] <= x.shape[1]
    if cls not in LATENT:
        assert joined.shape == x.shape
    np.testing.assert_array_equal(joined, whole[:, : joined.shape[1]])
    parts += [plugin(np.zeros((2, 8000), np.float32), RATE, reset=False) for _ in range(20)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1)[:, : x.shape[1]], whole, atol=1e-6)


@given(sizes=st.lists(st.integers(0, 3000), max_size=6), size=st.integers(1, 10_000))
@settings(max_examples=20, deadline=None)
def test_a_board_does_not_depend_on_blocks(sizes: list[int], size: int) -> None:
    x = noise(2, 9000)
    board = pb.Pedalboard(
        [pb.Mix([pb.Chain([pb.BrickwallLimiter(-20), pb.Reverb()]), None]), pb.Resample(9000), pb.Delay(0.01)]
    )
    whole = board(x, RATE, buffer_size=size)
    board.reset()
    parts = [board(part, RATE, reset=False) for part in cut(x, sizes)]
    joined = np.concatenate(parts, axis=1)
    np.testing.assert_array_equal(joined, whole[:, : joined.shape[1]])


@pytest.mark.parametrize("cls", EFFECTS)
def test_reset_forgets(cls: type[pb.Plugin]) -> None:
    plugin = cls()
    first = plugin(swell(), RATE)
    plugin(noise(2, 5000, seed=3), RATE, reset=False)
    np.testing.assert_array_equal(plugin(swell(), RATE), first)


@pytest.mark.parametrize("cls", EFFECTS)
def test_silence_stays_silent_and_nan_passes_away(cls: type[pb.Plugin]) -> None:
    plugin = cls()
    assert not plugin(np.zeros((2, 3000), np.float32), RATE).any()
    bad = noise(2, 3000)
    bad[0, 1000] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plugin(bad, RATE, reset=False)
        after = [plugin(noise(2, 8000), RATE, reset=False) for _ in range(12)]
    assert np.isfinite(np.concatenate(after, axis=1)).all()


def test_settings_change_between_calls_and_in_streams() -> None:
    x = np.ones((1, RATE), np.float32)
    gain = pb.Gain(0)
    assert gain(x, RATE)[0, 0] == 1
    gain.gain_db = -20
    np.testing.assert_allclose(gain(x, RATE), 0.1, rtol=1e-5)
    gain.gain_db = 0
    assert gain(x, RATE, reset=False)[0, -1] == pytest.approx(1)
    lookahead = pb.BrickwallLimiter(lookahead_ms=5)
    y = noise(1, 9000, level=0.01)
    lookahead(y, RATE)
    lookahead.lookahead_ms = 10
    np.testing.assert_allclose(lookahead(y, RATE), y, atol=1e-6)
    resample = pb.Resample(8000)
    low = resample(x, RATE)
    resample.quality = pb.Resample.Quality.ZeroOrderHold
    assert not np.array_equal(resample(x, RATE), low)
    convolution = pb.Convolution(np.r_[1, np.zeros(9)].astype(np.float32), 1.0, RATE)
    assert convolution(x, RATE)[0, -1] == pytest.approx(0.125)
    convolution.mix = 0
    assert convolution(x, RATE)[0, -1] == pytest.approx(1)


def test_other_formats_start_anew() -> None:
    reverb = pb.Reverb()
    reverb(noise(2, 9000), RATE, reset=False)
    assert not reverb(np.zeros((2, 9000), np.float32), 48_000, reset=False).any()
    reverb(noise(2, 9000), RATE, reset=False)
    assert not reverb(np.zeros((3, 9000), np.float32), RATE, reset=False).any()


@pytest.mark.parametrize("cls", [cls for cls in EFFECTS if cls is not pb.MP3Compressor])
@pytest.mark.parametrize("shape", [(4, 3000), (7, 3000), (3000, 5)])
def test_takes_any_number_of_channels(cls: type[pb.Plugin], shape: tuple[int, int]) -> None:
    x = noise(*shape)
    y = cls()(x, RATE)
    assert y.shape == shape
    assert np.isfinite(y).all()
    if cls is pb.Reverb:
        assert not np.array_equal(x, y)


# These two take the sound to a rate of their own, from any.
ANY_RATE = (pb.Resample, pb.GSMFullRateCompressor)


@pytest.mark.parametrize(
    ("cls", "rate"),
    [
        *((cls, rate) for cls in EFFECTS for rate in (0, -1, float("nan"), float("inf"))),
        *((cls, 1e12) for cls in EFFECTS if cls not in ANY_RATE),
    ],
)
def test_refuses_rates_that_are_none(cls: type[pb.Plugin], rate: float) -> None:
    with pytest.raises(ValueError):
        cls()(noise(2, 100), rate)


@pytest.mark.parametrize("cls", EFFECTS)
def test_takes_slow_rates(cls: type[pb.Plugin]) -> None:
    if cls is not pb.MP3Compressor:
        assert np.isfinite(cls()(noise(2, 100), 20)).all()


def test_refuses_a_buffer_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least 1 frame"):
        pb.Gain()(noise(2, 100), RATE, buffer_size=0)


# ---- layouts ----


def test_the_longer_axis_is_time() -> None:
    x = noise(2, 50)
    low = pb.LowpassFilter(1000)
    wanted = low(x, RATE)
    np.testing.assert_array_equal(pb.LowpassFilter(1000)(x.T, RATE), wanted.T)
    np.testing.assert_array_equal(pb.LowpassFilter(1000)(x[0], RATE), wanted[0])
    assert pb.LowpassFilter(1000)(x.astype(np.float64), RATE).dtype == np.float32


@pytest.mark.parametrize("last", [False, True])
def test_short_chunks_go_on_in_the_layout_before(last: bool) -> None:
    x = noise(2, 33)
    low, parts = pb.LowpassFilter(1000), []
    for part in cut(x, [5, 2, 2, 1, 3]):
        parts.append(low(part.T if last and part.shape[1] > 1 else part, RATE, reset=False))
        if last and part.shape[1] > 1:
            parts[-1] = parts[-1].T
        if last and part.shape[1] == 1:
            return  # (2, 1) reads as frames of one channel then
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), pb.LowpassFilter(1000)(x, RATE))


def test_empty_arrays_come_back() -> None:
    for shape in ((0,), (2, 0), (0, 2)):
        assert pb.Reverb()(np.zeros(shape, np.float32), RATE).shape == shape


def test_never_touches_its_input() -> None:
    x = noise(2, 9000)
    kept = x.copy()
    x.setflags(write=False)
    pb.Pedalboard([pb.Gain(6), pb.Mix([pb.Invert(), pb.Gain(3)])])(x, RATE)
    np.testing.assert_array_equal(x, kept)


# ---- containers ----


def test_none_is_a_way_past() -> None:
    x = noise(2, 100)
    np.testing.assert_array_equal(pb.Chain([None, pb.Invert(), None])(x, RATE), -x)
    np.testing.assert_allclose(pb.Mix([None, None])(x, RATE), 2 * x)
    np.testing.assert_array_equal(pb.process(x, RATE, [None]), x)
    assert not pb.Mix()(x, RATE).any()


def test_branches_are_in_time() -> None:
    x = noise(2, 30_000)
    late = pb._internal.AddLatency(10_000)
    np.testing.assert_allclose(pb.Mix([late, pb.Invert()])(x, RATE), np.zeros_like(x), atol=1e-6)
    mix = pb.Mix([pb._internal.AddLatency(700), pb.Invert()])
    parts = [mix(part, RATE, reset=False) for part in cut(x, [100, 1000])]
    assert sum(part.shape[1] for part in parts) == 30_000 - 700
    np.testing.assert_allclose(np.concatenate(parts, axis=1), 0, atol=1e-6)


def test_a_board_may_change_while_it_sounds() -> None:
    x = noise(2, 3000)
    board = pb.Pedalboard([pb.Gain(6)])
    board(x, RATE, reset=False)
    board.append(pb.Invert())
    np.testing.assert_allclose(board(x, RATE, reset=False), -1.9952623 * x, rtol=1e-5)
    board[0] = None
    np.testing.assert_array_equal(board(x, RATE, reset=False), -x)
    del board[0]
    assert len(board) == 1


def test_a_plugin_is_once_in_a_board() -> None:
    gain = pb.Gain()
    with pytest.raises(RuntimeError, match="multiple times"):
        pb.Pedalboard([gain, pb.Chain([gain])])(noise(5), RATE)


def test_threads_share_plugins() -> None:
    plugins = [pb.Reverb() for _ in range(4)]
    x, results = noise(1, 9000), []
    wanted = pb.Chain(plugins)(x, RATE)

    def work(order: list[pb.Plugin]) -> None:
        results.append(pb.Pedalboard(order)(x, RATE))

    threads = [threading.Thread(target=work, args=(plugins[:: 1 - 2 * (k % 2)],)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 6
    for result in results:
        np.testing.assert_array_equal(result, wanted)


# ---- single plugins ----


def test_convolution_tells_what_it_was_made_of(tmp_path: Path) -> None:
    ir = response(50)
    made = pb.Convolution(ir, 1.0, 48_000)
    np.testing.assert_array_equal(made.impulse_response, ir)
    assert made.impulse_response_filename is None
    name = str(tmp_path / "ir.wav")
    lio.write(name, ir, 48_000, subtype="FLOAT")
    read = pb.Convolution(name)
    assert read.impulse_response is None
    assert read.impulse_response_filename == name
    x = noise(2, 500)
    np.testing.assert_array_equal(read(x, 48_000), made(x, 48_000))
    with pytest.raises(AttributeError):
        made.impulse_response = ir


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("own", [1, 2, 3, 4])
def test_each_channel_has_its_response_or_the_last(channels: int, own: int) -> None:
    x, ir = noise(channels, 2000), response(100, own)
    y = pb.Convolution(ir, 1.0, RATE)(x, RATE)
    energy = np.square(ir[: max(channels, 2)].astype(float)).sum(axis=1).max()
    for channel in range(channels):
        wanted = np.convolve(x[channel], ir[min(channel, own - 1)] * 0.125 / np.sqrt(energy))[:2000]
        assert error_db(y[channel], wanted) < -110


def test_a_response_of_another_rate_keeps_its_level() -> None:
    ir = response(3000, 1)
    click = np.r_[1, np.zeros(19_999)].astype(np.float32)
    for rate in (22_050, 44_100, 48_000):
        y = pb.Convolution(ir, 1.0, rate)(click, RATE)
        assert np.square(y.astype(float)).sum() == pytest.approx(0.125**2, rel=1e-3)


def test_limiter_lifts_quiet_sound_as_the_peer_does() -> None:
    x = noise(1, 9000, level=1e-4)
    for threshold_db in (-1.0, -10.0, -20.0):
        y = pb.Limiter(threshold_db)(x, RATE)
        assert error_db(y, x * 10 ** ((3.75 - threshold_db) / 20)) < -60


def test_attack_is_two_pi_too_fast() -> None:
    x = np.ones((1, 4410), np.float32)
    y = pb.Compressor(-40.0, 1e6, 10.0, 100.0)(x, RATE)[0]
    envelope = 0.01 / y
    reached = np.argmax(envelope > 1 - np.exp(-1))
    assert reached / RATE == pytest.approx(0.01 / (2 * np.pi), rel=0.03)


@pytest.mark.parametrize("semitones", [-72.0, 72.0, 40.0])
def test_shifts_by_up_to_six_octaves(semitones: float) -> None:
    hz = 6000.0 if semitones < 0 else 100.0
    x = np.sin(2 * np.pi * hz / RATE * np.arange(2 * RATE)).astype(np.float32)
    y = pb.PitchShift(semitones)(x, RATE)[RATE // 2 : -RATE // 2]
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    peak = np.argmax(spectrum) * RATE / len(y)
    assert peak == pytest.approx(hz * 2 ** (semitones / 12), rel=0.03)


def test_gsm_is_mono() -> None:
    x = np.stack([np.sin(0.05 * np.arange(RATE)), np.zeros(RATE)]).astype(np.float32)
    y = pb.GSMFullRateCompressor()(x, RATE)
    np.testing.assert_array_equal(y[0], y[1])
    assert error_db(y[0], x[0] / 2) < -10


@pytest.mark.parametrize("quality", list(pb.Resample.Quality))
@pytest.mark.parametrize("target", [6000.0, 44_100.0, 96_000.0])
def test_resample_stays_in_time(quality: Any, target: float) -> None:
    t = np.arange(9000) / RATE
    x = (np.sin(2 * np.pi * 300 * t) * np.sin(np.pi * t / t[-1])).astype(np.float32)
    y = pb.Resample(target, quality)(x, RATE)
    assert error_db(y, x) < (-10 if quality.name == "ZeroOrderHold" else -25)


@pytest.mark.parametrize("factor", [0.5, 20.0, 0.05])
def test_stretches_by_any_factor(factor: float) -> None:
    x = np.sin(2 * np.pi * 440 / RATE * np.arange(RATE)).astype(np.float32)
    y = pb.time_stretch(x, RATE, factor)
    assert y.shape == (1, int(RATE / factor))
    assert np.isfinite(y).all()


def test_stretches_along_paths() -> None:
    x = noise(2, 8000)
    y = pb.time_stretch(x, RATE, np.linspace(0.5, 1, 8000), np.linspace(-60, 60, 8000))
    assert y.shape[1] == pytest.approx(8000 * np.log(2) * 2, abs=10)
    np.testing.assert_array_equal(pb.time_stretch(x, RATE, 1.5), pb.utils.time_stretch(x, RATE, 1.5))


# ---- values that hold sound ----


def test_plugins_are_not_values() -> None:
    for plugin in (pb.Gain(), pb.Pedalboard([pb.Gain()])):
        for act in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot pickle 'pedalboard_native"):
                act(plugin)
    assert pb.Gain() != pb.Gain()
    assert len({pb.Gain(), pb.Gain()}) == 2
    assert pb.Gain().is_effect
    assert not pb.Gain().is_instrument


def test_boards_take_attributes_and_subclasses_are_ones_own() -> None:
    board = pb.Pedalboard()
    board.name = "mine"

    class Louder(pb.Gain):
        def __init__(self) -> None:
            super().__init__(6)
            self.mine = 3

    assert Louder().gain_db == 6
    with pytest.raises(TypeError, match=r"^Plugin is an abstract"):
        type("Other", (pb.Plugin,), {})()


def test_says_that_it_hosts_no_plugins(tmp_path: Path) -> None:
    file = tmp_path / "synth.vst3"
    file.write_bytes(b"")
    with pytest.raises(ImportError, match=r"does not host VST3 plugins.*DawDreamer"):
        pb.load_plugin(str(file))
    with pytest.raises(ImportError, match="not found"):
        pb.VST3Plugin.get_plugin_names_for_file("none.vst3")
    assert pb.VST3Plugin.installed_plugins == []
    with pytest.raises(RuntimeError):
        pb.AudioProcessorParameter(None, "mix")
    assert list(pb.ExternalPluginReloadType.__members__) == [
        "Unknown",
        "ClearsAudioOnReset",
        "PersistsAudioOnReset",
    ]


def test_stands_in_for_the_peer() -> None:
    lines = [line.strip() for line in (pb.__doc__ or "").splitlines()]
    start = lines.index("import sys")
    code = [line for line in (pb.__doc__ or "").splitlines()[start:] if line.startswith("    ")]
    program = textwrap.dedent("\n".join(code)) + textwrap.dedent(
        """
        import numpy as np
        import pedalboard, pedalboard.io, pedalboard_native
        from pedalboard import Gain, Pedalboard
        from pedalboard.io import AudioFile
        from pedalboard.utils import Mix
        from pedalboard_native import Plugin
        from pedalboard_native._internal import AddLatency
        from pedalboard_native.utils import Chain
        assert pedalboard.version.__version__ == pedalboard.__version__
        assert isinstance(Gain(), Plugin) and AudioFile is pedalboard_native.io.AudioFile
        x = np.ones((2, 50), np.float32)
        assert np.array_equal(Pedalboard([AddLatency(30), Chain([Gain(0)])])(x, 44100), x)
        """
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("name", ["", "._stretch", "._effects"])
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module("luthier.compat.pedalboard" + name)).failed == 0
