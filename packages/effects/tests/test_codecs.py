"""Round trips through lossy codecs: in their place, as good as the codec, and the same in streams."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from scipy import signal

import luthier.effects as fx
from luthier.core import NonFiniteWarning

pytest.importorskip("luthier.io")

RATE = 44_100
EFFECTS = [fx.Mp3(), fx.Mp3(mode="variable", quality=2), fx.Vorbis(), fx.Opus(), fx.GsmFullRate()]
every = pytest.mark.parametrize("effect", EFFECTS, ids=repr)


def music(channels: int, seconds: float, rate: float = RATE, seed: int = 0) -> np.ndarray:
    """Noise of the middle of the spectrum, swelling, and different in each channel."""
    frames = int(seconds * rate)
    x = np.random.default_rng(seed).standard_normal((channels, frames))
    band = signal.butter(4, [100, min(3000, 0.35 * rate)], "band", fs=rate, output="sos")
    swell = 1 + 0.8 * np.sin(2 * np.pi * 3 * np.arange(frames) / rate)
    return (0.15 * swell * signal.sosfilt(band, x)).astype(np.float32)


def lag(y: np.ndarray, x: np.ndarray) -> int:
    correlation = signal.correlate(y, x, method="fft")
    return int(np.argmax(correlation)) - (len(x) - 1)


def quality_db(y: np.ndarray, x: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(x**2) / np.sum((y - x) ** 2)))


@every
@pytest.mark.parametrize("rate", [8000, 44_100, 96_000])
def test_the_delay_is_made_up_for_at_any_rate(effect: fx.Effect, rate: int) -> None:
    x = music(1, 1.5, rate)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = effect(x, rate)
    assert y.dtype == x.dtype
    assert y.shape == x.shape
    # The speech modes of Opus, which it takes at low rates, are 42 us early in themselves.
    early = round(42e-6 * rate) if isinstance(effect, fx.Opus) else 0
    assert -early <= lag(y[0], x[0]) <= 0
    assert quality_db(y, x) > (1.5 if isinstance(effect, fx.GsmFullRate) else 3)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize(
    "effect", [fx.Opus(96), fx.Mp3(bitrate_kbps=160), fx.Vorbis(7), fx.GsmFullRate()], ids=repr
)
def test_good_quality_is_in_place_to_the_frame(effect: fx.Effect, rate: int) -> None:
    x = music(2, 1.2, rate, seed=3)
    y = effect(x, rate)
    assert [lag(y[c], x[c]) for c in range(2)] == [0, 0]


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("kbps", [8, 16, 32, 48, 64])
def test_mp3_of_few_bits_is_in_place(kbps: int, rate: int) -> None:
    # Their frames have no room for the tag that tells the delay.
    x = music(1, 1.2, rate, seed=4)[0]
    assert abs(lag(fx.Mp3(bitrate_kbps=kbps)(x, rate), x)) <= 1


@pytest.mark.parametrize(
    ("worse", "better", "least_db"),
    [
        (fx.Mp3(bitrate_kbps=32), fx.Mp3(bitrate_kbps=320), 30),
        (fx.Mp3("variable", quality=9), fx.Mp3("variable", quality=0), 30),
        (fx.Vorbis(0), fx.Vorbis(10), 25),
        (fx.Opus(8), fx.Opus(256), 25),
    ],
)
def test_more_bits_are_closer(worse: fx.Effect, better: fx.Effect, least_db: float) -> None:
    x = music(2, 1.5)
    assert quality_db(better(x, RATE), x) > max(least_db, quality_db(worse(x, RATE), x) + 6)


@every
def test_any_cutting_gives_the_same_bits(effect: fx.Effect) -> None:
    x = music(2, 2.2)
    whole = effect(x, RATE, tail=True)
    stream, parts, at = effect.stream(RATE, 2), [], 0
    for n in (1, 7, 20_000, 512, 33_075, 16, x.shape[1]):
        parts.append(stream.process(x[:, at : at + n]))
        at += n
    y = np.concatenate([*parts, stream.flush()], axis=1)
    assert y.shape[1] == x.shape[1] + stream.latency + stream.tail
    np.testing.assert_array_equal(y[:, stream.latency :], whole)
    assert stream.latency < RATE


@every
def test_a_batch_is_a_loop_and_a_float64_is_its_float32(effect: fx.Effect) -> None:
    x = np.stack([music(2, 1, seed=seed) for seed in range(3)])
    y = effect(x, RATE)
    np.testing.assert_array_equal(y, np.stack([effect(item, RATE) for item in x]))
    np.testing.assert_allclose(effect(x[0].astype(np.float64), RATE), y[0], atol=1e-6)


@every
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_channels_go_in_pairs(effect: fx.Effect, channels: int) -> None:
    x = music(channels, 0.5)
    y = effect(x, RATE)
    together = 1 if isinstance(effect, fx.GsmFullRate) else 2
    for first in range(0, channels, together):
        pair = slice(first, first + together)
        np.testing.assert_array_equal(y[pair], effect(x[pair], RATE))
    assert effect(x[:0], RATE).shape == (0, x.shape[1])


@every
def test_pieces_join_without_a_click(effect: fx.Effect) -> None:
    """At the seams, of which there is one in 0.75 s, the error is as everywhere else."""
    x = 0.5 * np.sin(2 * np.pi * 441 / RATE * np.arange(4 * RATE))[None]
    error = signal.sosfilt(signal.butter(4, 4000, "high", fs=RATE, output="sos"), effect(x, RATE) - x)[0]
    seam, stream = int(0.75 * RATE / 16 + 0.5) * 16, effect.stream(RATE)
    joins = np.arange(1, 5) * seam - (stream.latency - seam)
    near = [np.abs(error[j - 200 : j + 700]).max() for j in joins if 0 < j < x.shape[1] - 700]
    assert len(near) > 3
    assert max(near) < 2 * np.abs(error[RATE // 2 : -RATE // 2]).std() * 6 + 1e-4


@every
def test_the_tail_is_long_enough_and_silence_stays(effect: fx.Effect) -> None:
    stream = effect.stream(RATE, 2)
    stream.process(music(2, 0.7))
    stream.process(np.zeros((2, stream.latency + stream.tail), np.float32))
    assert np.abs(stream.process(np.zeros((2, RATE), np.float32))).max() < 1e-6
    np.testing.assert_array_equal(effect(np.zeros((2, 5000), np.float32), RATE), np.zeros((2, 5000)))


@every
def test_what_no_codec_takes(effect: fx.Effect) -> None:
    loud = 3 * music(1, 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = effect(loud, RATE)
    assert quality_db(y, np.clip(loud, -1, 1)) > 1.5
    bad = music(1, 0.5)
    bad[0, 999] = np.nan
    with pytest.warns(NonFiniteWarning):
        y = effect(bad, RATE)
    bad[0, 999] = 0
    np.testing.assert_array_equal(y, effect(bad, RATE))


@every
@pytest.mark.parametrize("rate", [1, 1000.5, 384_000])
def test_odd_rates(effect: fx.Effect, rate: float) -> None:
    y = effect(np.float32([[0.1, -0.2, 0.3] * 20]), rate)
    assert y.shape == (1, 60)
    assert np.isfinite(y).all()


def test_gsm_is_a_telephone_and_keeps_channels_apart() -> None:
    x = music(2, 1)
    x[1] = 0
    y = fx.GsmFullRate()(x, RATE)
    np.testing.assert_array_equal(y[1], 0)
    hiss = np.random.default_rng(1).standard_normal((1, RATE)).astype(np.float32) * 0.1
    spectrum = np.abs(np.fft.rfft(fx.GsmFullRate()(hiss, RATE)[0]))
    hz = np.fft.rfftfreq(RATE, 1 / RATE)
    assert spectrum[hz > 4400].max() < 1e-3 * spectrum[hz < 3400].max()


def test_in_a_mix_the_dry_branch_waits() -> None:
    x = music(2, 1.5)
    effect = fx.Vorbis(8)
    difference = fx.Mix([effect, fx.Invert()])(x, RATE)
    np.testing.assert_allclose(difference, effect(x, RATE) - x, atol=1e-6)


def test_the_missing_package_is_named() -> None:
    code = (
        "import sys; sys.modules['luthier.io'] = None\n"
        "import numpy as np, luthier.effects as fx\n"
        "try: fx.Mp3()(np.zeros(10), 44_100)\n"
        "except ImportError as error: print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "Mp3 encodes and decodes with luthier.io; install it with: pip install luthier-io\n"
