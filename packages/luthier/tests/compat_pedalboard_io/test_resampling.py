"""Streams and files that are resampled: each quality by its definition."""

from __future__ import annotations

import io
import math
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.compat.pedalboard.io as pio
from luthier.compat.pedalboard._quality import Quality
from luthier.core import DamagedAudioWarning

from .helpers import all_of, encoded, in_parts, noise, opened, tone

SINC = [q for q in Quality if q.name.startswith("Windowed")]
INTERPOLATED = [q for q in Quality if q not in SINC]


RATES = [
    (44_100, 48_000),
    (48_000, 44_100),
    (8_000, 12_345.67),
    (44_100, 8_000),
    (3, 1),
    (1, 2),
    (123.45, 8_000),
]


def definition(x: np.ndarray, from_rate: float, to_rate: float, quality: Quality) -> np.ndarray:
    """One output after another, in float64, at exact times."""
    step = Fraction(from_rate) / Fraction(to_rate)
    frames = math.floor(len(x) / step + Fraction(1, 2))
    out = np.zeros(frames)
    for m in range(frames):
        place = m * step
        n = math.floor(place)
        t = float(place - n)
        p = [float(x[i]) if 0 <= i < len(x) else 0.0 for i in range(n - 2, n + 3)]
        if quality is Quality.ZeroOrderHold:
            out[m] = p[2]
        elif quality is Quality.Linear:
            out[m] = p[2] + t * (p[3] - p[2])
        elif quality is Quality.CatmullRom:
            slopes = (p[3] - p[1]) / 2, (p[4] - p[2]) / 2
            out[m] = (
                (2 * t**3 - 3 * t**2 + 1) * p[2]
                + (t**3 - 2 * t**2 + t) * slopes[0]
                + (3 * t**2 - 2 * t**3) * p[3]
                + (t**3 - t**2) * slopes[1]
            )
        else:
            for i in range(5):
                others = [j for j in range(5) if j != i]
                out[m] += p[i] * math.prod((t + 2 - j) / (i - j) for j in others)
    return out


@pytest.mark.parametrize("quality", INTERPOLATED, ids=lambda q: q.name)
@pytest.mark.parametrize("rates", RATES)
def test_interpolation_is_its_definition(rates: tuple[float, float], quality: Quality) -> None:
    x = noise(300)
    stream = pio.StreamResampler(*rates, 1, quality)
    got = np.concatenate([stream.process(x), stream.process(None)], axis=1)[0]
    expected = definition(x, *rates, quality)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, atol=3e-7)


@pytest.mark.parametrize("quality", [Quality.CatmullRom, Quality.Lagrange], ids=lambda q: q.name)
@pytest.mark.parametrize("rates", [(2, 1), (1, 2)])
def test_interpolation_is_the_peers_where_that_is_in_time(
    rates: tuple[float, float], quality: Quality, peer: Any
) -> None:
    theirs = pytest.importorskip("pedalboard").Resample.Quality.__members__[quality.name]
    a, b = pio.StreamResampler(*rates, 2, quality), peer.StreamResampler(*rates, 2, theirs)
    x = noise(2, 400)
    ours, expected = (np.concatenate([s.process(x), s.process(None)], axis=1) for s in (a, b))
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours[:, 8:-8], expected[:, 8:-8], atol=1e-6)


@pytest.mark.parametrize("rates", [(44_100, 32_000), (2, 1), (3, 1), (1, 2)])
def test_holding_is_the_peers(rates: tuple[float, float], peer: Any) -> None:
    theirs = pytest.importorskip("pedalboard").Resample.Quality.ZeroOrderHold
    x = noise(400)
    a = pio.StreamResampler(*rates, 1, Quality.ZeroOrderHold)
    b = peer.StreamResampler(*rates, 1, theirs)
    assert np.array_equal(*(np.concatenate([s.process(x), s.process(None)], axis=1) for s in (a, b)))


@pytest.mark.parametrize("quality", SINC, ids=lambda q: q.name)
def test_the_sincs_are_luthiers_own_in_time_and_without_aliases(quality: Quality) -> None:
    stream = pio.StreamResampler(44_100, 16_000, 1, quality)
    sound = tone(44_100, 44_100)
    got = np.concatenate([stream.process(sound), stream.process(None)], axis=1)[0]
    assert np.abs(got - tone(16_000, 16_000)).max() < 1e-3
    above = (0.5 * np.sin(2 * np.pi * 12_000 * np.arange(44_100) / 44_100)).astype(np.float32)
    assert (
        np.abs(np.concatenate([stream.process(above), stream.process(None)], axis=1)[0, 2_000:-2_000]).max()
        < 2e-5
    )


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_blocks_change_nothing(data: st.DataObject) -> None:
    quality = data.draw(st.sampled_from(list(Quality)))
    rates = data.draw(st.sampled_from([*RATES, (44_100, 44_100)]))
    x = noise(2, data.draw(st.integers(0, 6_000)))
    stream = pio.StreamResampler(*rates, 2, quality)
    whole = np.concatenate([stream.process(x), stream.process(None)], axis=1)
    assert stream.process().shape == (2, 0)
    parts, at = [], 0
    while at < x.shape[1]:
        count = data.draw(st.sampled_from([1, 2, 17, 512, 4_000]))
        parts.append(stream.process(x[:, at : at + count]))
        at += count
    parts.append(stream.process(None))
    assert np.array_equal(np.concatenate(parts, axis=1), whole)
    assert whole.shape[1] == math.floor(x.shape[1] * Fraction(rates[1]) / Fraction(rates[0]) + Fraction(1, 2))


@pytest.mark.parametrize("quality", list(Quality), ids=lambda q: q.name)
@pytest.mark.parametrize("rates", RATES)
def test_nothing_comes_before_the_latency(rates: tuple[float, float], quality: Quality) -> None:
    stream = pio.StreamResampler(*rates, 1, quality)
    latency = stream.input_latency
    assert isinstance(latency, float)
    assert latency == int(latency) >= 0
    assert stream.process(noise(int(latency))).shape == (1, 0)
    assert stream.process(noise(1 + math.ceil(rates[0] / rates[1]))).shape[1] > 0


def test_streams_are_as_the_peers(peer: Any) -> None:
    ours = pio.StreamResampler(44_100, 22_050.5, 2)
    theirs = peer.StreamResampler(44_100, 22_050.5, 2)
    for name in ("num_channels", "source_sample_rate", "target_sample_rate"):
        assert getattr(ours, name) == getattr(theirs, name)
        assert type(getattr(ours, name)) is type(getattr(theirs, name))
    assert ours.quality.name == theirs.quality.name
    assert repr(ours).startswith(repr(theirs).partition(" quality")[0])
    for block in (np.zeros((2, 10), np.int16), np.zeros((2, 0), np.float32), [[0.0, 0.0], [0.0, 0.0]]):
        assert ours.process(block).shape == theirs.process(block).shape == (2, 0)
    assert pio.StreamResampler(2, 1, 1).process(np.zeros((10, 1), np.float32)).shape[0] == 1


@pytest.mark.parametrize("rates", [(0, 1), (1, 0), (-1, 1), (math.nan, 1), (1, math.inf)])
def test_rates_that_are_none(rates: tuple[float, float]) -> None:
    for quality in (Quality.Linear, Quality.WindowedSinc32):
        with pytest.raises(ValueError, match="must be a positive number of frames a second"):
            pio.StreamResampler(*rates, 1, quality)
    for channels in (0, -1):
        with pytest.raises(ValueError, match="num_channels"):
            pio.StreamResampler(2, 1, channels)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_resampled_files_are_streams_after_any_seeks(data: st.DataObject) -> None:
    quality = data.draw(st.sampled_from(list(Quality)))
    target = data.draw(st.sampled_from([8_000, 12_345.67, 48_000, 96_000, 123.45]))
    form = data.draw(st.sampled_from(["wav", "flac"]))
    sound = noise(2, 30_000)
    file = opened(sound, form)
    stream = pio.StreamResampler(44_100, target, 2, quality)
    expected = np.concatenate([stream.process(all_of(file)), stream.process(None)], axis=1)
    file.seek(123)
    resampled = file.resampled_to(target, quality)
    assert resampled.frames == expected.shape[1]
    for _ in range(6):
        at = data.draw(st.integers(0, resampled.frames))
        count = data.draw(st.sampled_from([1, 5, 1_000, 100_000]))
        resampled.seek(at)
        assert np.array_equal(resampled.read(count), expected[:, at : at + count])
        assert resampled.tell() == min(at + count, expected.shape[1])
    assert file.tell() == 123


def test_a_resampled_file_tells_of_itself() -> None:
    file = opened(noise(2, 1_000), "flac")
    assert file.resampled_to(44_100) is file
    assert file.resampled_to(44_100.0) is file
    resampled = file.resampled_to(22_050, quality=Quality.Linear)
    assert isinstance(resampled, pio.ResampledReadableAudioFile)
    assert isinstance(resampled, pio.AudioFile)
    assert (resampled.frames, resampled.samplerate, resampled.num_channels) == (500, 22_050, 2)
    assert isinstance(resampled.samplerate, int)
    assert file.resampled_to(0.5).samplerate == 0.5
    assert (resampled.file_dtype, resampled.resampling_quality) == ("int16", Quality.Linear)
    assert resampled.duration == pytest.approx(500 / 22_050)
    assert resampled.exact_duration_known
    assert "ResampledReadableAudioFile file_like=" in repr(resampled)
    assert "samplerate=22050" in repr(resampled)
    assert not hasattr(resampled, "read_raw")
    assert not hasattr(resampled, "resampled_to")
    with resampled:
        pass
    assert resampled.closed
    assert not file.closed
    assert not resampled.seekable()
    with pytest.raises(RuntimeError, match="closed"):
        resampled.read(1)
    other = pio.ResampledReadableAudioFile(file, 1_000)
    file.close()
    assert other.closed
    with pytest.raises(ValueError, match="positive"):
        opened(noise(9)).resampled_to(0)


@pytest.mark.parametrize("quality", [Quality.Linear, Quality.WindowedSinc32], ids=lambda q: q.name)
def test_seeking_far_does_not_read_what_is_before(quality: Quality) -> None:
    file = opened(noise(44_100 * 60)).resampled_to(48_000, quality)
    asked: list[int] = []
    take = file._file._take_from

    def counted(position: int, count: int) -> Any:
        asked.append(count)
        return take(position, count)

    file._file._take_from = counted  # type: ignore[method-assign]
    for second in (50, 10, 58):
        began = time.perf_counter()
        file.seek(second * 48_000)
        assert time.perf_counter() - began < 1
        assert file.read(100).shape == (1, 100)
    assert sum(asked) < 60_000


def test_a_damaged_file_resampled_ends_where_it_ends() -> None:
    whole = encoded(noise(50_000), "flac")
    file = pio.AudioFile(io.BytesIO(whole[: len(whole) // 2])).resampled_to(22_050)
    with pytest.warns(DamagedAudioWarning):
        got = in_parts(file).shape[1]
    assert 0 < got == file.frames < 25_000
