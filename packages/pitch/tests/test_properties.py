"""What holds for any signal."""

import functools
import signal
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import luthier.core
import luthier.pitch as lp

track = functools.partial(lp.track, method="yin")

RATE = 16_000
Samples = npt.NDArray[np.float32]


def melody(frames: int, seed: int = 0, noise: float = 0.05) -> Samples:
    """Some notes with harmonics, pauses and noise: voiced and unvoiced frames in turn."""
    random = np.random.default_rng(seed)
    f0 = np.repeat(random.uniform(60, 900, frames // 3_000 + 1), 3_000)[:frames]
    phase = np.cumsum(f0) / RATE
    x = sum((np.cos(2 * np.pi * h * phase) / h for h in range(1, 6)), np.zeros(frames))
    x *= np.repeat(random.uniform(size=frames // 3_000 + 1) > 0.25, 3_000)[:frames]
    return (x + noise * random.standard_normal(frames)).astype(np.float32)


def same(a: lp.Pitch, b: lp.Pitch) -> None:
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_signal_used_here_is_both_voiced_and_not() -> None:
    assert 0.3 < track(melody(48_000), RATE).voiced.mean() < 0.9


@given(
    frames=st.integers(0, 6_000),
    hop_s=st.floats(1e-3, 0.2),
    rate=st.sampled_from([8_000.0, 11_025.0, 16_000.0, 44_100.0, 96_000.0]),
    fmin=st.floats(30, 300),
    seed=st.integers(0, 99),
)
def test_the_result_is_in_range_and_on_the_grid(
    frames: int, hop_s: float, rate: float, fmin: float, seed: int
) -> None:
    pitch = track(melody(frames, seed), rate, hop_s=hop_s, fmin=fmin, fmax=2_500.0)
    count = len(pitch.times)
    assert pitch.f0.shape == pitch.voiced.shape == pitch.confidence.shape == (count,)
    assert count == 0 if frames == 0 else abs(count - 1 - frames / rate / hop_s) < 1 + 1e-6
    np.testing.assert_array_equal(pitch.times, np.arange(count) * hop_s)
    assert ((pitch.f0 >= np.float32(fmin)) & (pitch.f0 <= 2_500)).all()
    assert ((pitch.confidence >= 0) & (pitch.confidence <= 1)).all()
    np.testing.assert_array_equal(pitch.voiced, pitch.confidence >= 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [-100, -60, -14, -1, 1, 14, 60, 100])
def test_powers_of_two_change_nothing(dtype: type, exponent: int) -> None:
    x = melody(16_000).astype(dtype)
    plain, scaled = track(x, RATE), track(np.ldexp(x, exponent), RATE)
    np.testing.assert_array_equal(plain.voiced, scaled.voiced)
    np.testing.assert_allclose(plain.f0[plain.voiced], scaled.f0[plain.voiced], rtol=3e-6)
    np.testing.assert_allclose(plain.confidence, scaled.confidence, atol=1e-4)
    if abs(exponent) < 20:
        same(plain, scaled)


@given(gain=st.floats(1e-6, 1e6), sign=st.sampled_from([-1, 1]))
def test_level_changes_nothing(gain: float, sign: int) -> None:
    x = melody(8_000).astype(np.float64)
    plain, scaled = track(x, RATE), track(sign * gain * x, RATE)
    np.testing.assert_array_equal(plain.voiced, scaled.voiced)
    np.testing.assert_allclose(plain.f0[plain.voiced], scaled.f0[plain.voiced], rtol=1e-9)
    np.testing.assert_allclose(plain.confidence, scaled.confidence, atol=1e-9)


@pytest.mark.parametrize("gain", [1e-4, 1e-30, 3e30])
def test_level_changes_nothing_in_single_precision(gain: float) -> None:
    x = melody(16_000)
    plain, scaled = track(x, RATE), track(x * np.float32(gain), RATE)
    np.testing.assert_array_equal(plain.voiced, scaled.voiced)
    np.testing.assert_allclose(plain.f0[plain.voiced], scaled.f0[plain.voiced], rtol=3e-6)


@given(hops=st.integers(1, 40), seed=st.integers(0, 9))
def test_a_later_signal_gives_a_later_result(hops: int, seed: int) -> None:
    x = melody(12_000, seed)
    whole, later = track(x, RATE), track(x[160 * hops :], RATE)
    # 30 ms at each end know where the signal ends.
    np.testing.assert_array_equal(whole.f0[hops + 4 : -4], later.f0[4:-4])
    np.testing.assert_array_equal(whole.confidence[hops + 4 : -4], later.confidence[4:-4])


def test_the_future_beyond_a_frames_sight_does_not_matter() -> None:
    x = melody(16_000)
    whole, cut = track(x, RATE), track(x[:8_000], RATE)
    np.testing.assert_array_equal(whole.f0[:46], cut.f0[:46])


def test_transposition() -> None:
    # The same samples at twice the rate, with all that is set in seconds halved, are an octave up.
    x = melody(16_000)
    plain = track(x, RATE, fmin=40.0)
    octave_up = track(x, 2 * RATE, fmin=80.0, fmax=4_000.0, hop_s=0.005)
    np.testing.assert_array_equal(octave_up.f0, 2 * plain.f0)
    np.testing.assert_array_equal(octave_up.confidence, plain.confidence)


def test_time_reversal() -> None:
    # Frames are symmetric in time to the last digit but rounding, the ends of the signal included.
    t = np.arange(16_001) / RATE
    x = np.cos(2 * np.pi * (150 * t + 60 * t**2))
    forwards, backwards = track(x, RATE), track(x[::-1].copy(), RATE)
    assert np.abs(forwards.cents(backwards.f0[::-1])).max() < 1e-3
    np.testing.assert_allclose(forwards.confidence, backwards.confidence[::-1], atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_a_finer_hop_keeps_the_frames(rate: int) -> None:
    x = melody(3 * 8_000)
    coarse, fine = track(x, rate, hop_s=0.02), track(x, rate, hop_s=0.005)
    voiced = coarse.voiced
    np.testing.assert_allclose(coarse.f0[voiced], fine.f0[::4][: len(voiced)][voiced], rtol=2e-6)


def test_a_fractional_hop_does_not_drift() -> None:
    # 1/300 s is 147 samples, 0.0033 s is 145.53: after 60 s the last frame is still at its time.
    rate, start = 44_100, 59.5
    x = np.zeros(60 * rate, np.float32)
    at = int(start * rate)
    x[at:] = np.sin(2 * np.pi * 500 * np.arange(len(x) - at) / rate)
    for hop_s in (1 / 300, 0.0033):
        pitch = track(x, rate, hop_s=hop_s)
        onset = pitch.times[np.argmax(pitch.voiced)]
        assert abs(onset - start) < 0.006


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_is_a_loop_bit_for_bit(dtype: type) -> None:
    batch = np.stack([[melody(7_001, 2 * i + j) for j in range(2)] for i in range(3)]).astype(dtype)
    together = track(batch, RATE)
    assert together.f0.shape == (3, 2, 44)
    for i in range(3):
        item = track(batch[i], RATE)
        assert item.f0.shape == (2, 44)
        for j in range(2):
            alone = track(batch[i, j], RATE)
            for a, b, c in zip(together[1:], item[1:], alone[1:], strict=True):
                np.testing.assert_array_equal(a[i, j], c)
                np.testing.assert_array_equal(b[j], c)


def test_channels_may_be_permuted() -> None:
    x = np.stack([melody(8_000, i) for i in range(4)])
    order = [2, 0, 3, 1]
    np.testing.assert_array_equal(track(x, RATE).f0[order], track(x[order], RATE).f0)


def test_frames_first_gives_frames_last() -> None:
    x = np.stack([melody(8_000, i) for i in range(2)])
    same(track(x, RATE), track(np.ascontiguousarray(x.T), RATE, layout="frames_first"))
    same(track(x[None], RATE), track(x.T[None], RATE, layout="frames_first"))


def test_strided_reversed_readonly_and_swapped_bytes() -> None:
    x = melody(16_000)
    expected = track(x, RATE)
    wide = np.zeros((16_000, 3), np.float32)
    wide[:, 1] = x
    readonly = x.copy()
    readonly.setflags(write=False)
    for view in (wide[:, 1], x[::-1].copy()[::-1], readonly, x.astype(">f4")):
        same(track(view, RATE), expected)


def test_double_precision_agrees_with_single() -> None:
    x = melody(16_000)
    single, double = track(x, RATE), track(x.astype(np.float64), RATE)
    np.testing.assert_array_equal(single.voiced, double.voiced)
    np.testing.assert_allclose(single.f0[single.voiced], double.f0[single.voiced], rtol=3e-6)


@pytest.mark.parametrize("length", [0, 1])
def test_nothing_in_nothing_out(length: int) -> None:
    for shape in ((length,), (2, length), (3, 2, length), (0, 2, 100 * length), (2, 0, 100 * length)):
        pitch = track(np.zeros(shape, np.float32), RATE)
        frames = 1 if length else 0
        assert pitch.f0.shape == (*shape[:-1], frames)
        assert pitch.times.shape == (frames,)
        assert not pitch.voiced.any()


def test_a_tensor_gives_tensors() -> None:
    torch = pytest.importorskip("torch")
    x = melody(8_000)
    expected, tensors = track(x, RATE), track(torch.from_numpy(x), RATE)
    for a, b in zip(expected, tensors, strict=True):
        assert isinstance(b, torch.Tensor)
        np.testing.assert_array_equal(a, b.numpy())
    np.testing.assert_array_equal(expected.midi, tensors.midi)


def test_the_number_of_threads_changes_nothing() -> None:
    x = melody(400_000)
    before = luthier.core.threads()
    try:
        results = []
        for threads in (1, 2, 5):
            luthier.core.set_threads(threads)
            results.append(track(x, RATE))
    finally:
        luthier.core.set_threads(before)
    same(results[0], results[1])
    same(results[0], results[2])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer on this platform")
def test_ctrl_c_is_heard_within_a_fraction_of_a_second() -> None:
    class Interrupted(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    x = np.zeros((8, 60 * RATE), np.float32)
    x += melody(60 * RATE)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        began = time.monotonic()
        with pytest.raises(Interrupted):
            track(x, RATE, hop_s=2 / RATE)
        # 0.04 s after the signal on an idle machine; the whole takes 20 s and more.
        assert time.monotonic() - began < 5.0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
