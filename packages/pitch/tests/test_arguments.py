"""Bad input, each with the error it must give."""

from typing import Any

import numpy as np
import pytest

import luthier.pitch as lp
from luthier.core import LayoutError, ParameterError

TONE = np.sin(np.arange(8_000) / 10).astype(np.float32)


@pytest.mark.parametrize("name", ["fmin", "fmax", "hop_s", "threshold"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "1", None, True, 1j, [1.0]])
def test_a_parameter_that_is_not_a_finite_number(name: str, value: Any) -> None:
    if name in ("fmin", "fmax") and value is None:
        return  # the method's own
    with pytest.raises(ParameterError, match=f"^{name} must be a finite number, got "):
        lp.track(TONE, 16_000, **({"method": "yin"} | {name: value}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fmin": 300, "fmax": 300}, r"fmin must be below fmax, got fmin=300 and fmax=300"),
        ({"fmin": 301, "fmax": 300}, r"fmin must be below fmax"),
        ({"fmax": 8_001}, r"fmax must be at most half the sample rate, 8000 Hz at 16000 Hz, got 8001"),
        ({"fmin": 4.9}, r"fmin must be at least 5 Hz and fmax at most 1000 times fmin"),
        ({"fmin": 0}, r"fmin must be at least 5 Hz"),
        ({"fmin": -50}, r"fmin must be at least 5 Hz"),
        ({"fmin": 6, "fmax": 6_001}, r"fmin must be at least 5 Hz and fmax at most 1000 times fmin"),
        ({"hop_s": 0}, r"hop_s must be above 0 and at most 3600 s, got 0"),
        ({"hop_s": -0.01}, r"hop_s must be above 0"),
        ({"hop_s": 6e-5}, r"hop_s must be at least one sample, 6.25e-05 s at 16000 Hz, got 6e-05"),
        ({"hop_s": 3_601}, r"hop_s must be above 0 and at most 3600 s, got 3601"),
        ({"method": "yin", "threshold": 0}, r"threshold must be between 0 and 1, both excluded, got 0"),
        ({"method": "yin", "threshold": 1}, r"threshold must be between 0 and 1"),
        ({"method": "yinn"}, r"method must be one of 'neural', 'yin'.*, got 'yinn'"),
        ({"method": None}, r"method must be one of 'neural', 'yin'.*, got None"),
    ],
)
def test_a_parameter_outside_its_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        lp.track(TONE, 16_000, **arguments)


@pytest.mark.parametrize("rate", [0, -16_000, float("nan"), float("inf"), 1e9, "16000", None, True])
def test_a_sample_rate_that_is_none(rate: Any) -> None:
    with pytest.raises(ParameterError, match="sample_rate must be a number of frames a second"):
        lp.track(TONE, rate)


def test_a_low_sample_rate_names_the_limit() -> None:
    with pytest.raises(ParameterError, match="fmax must be at most half the sample rate, 500 Hz at 1000 Hz"):
        lp.track(TONE, 1_000, fmax=501)
    with pytest.raises(ParameterError, match="fmin must be below half the sample rate, 50 Hz at 100 Hz"):
        lp.track(TONE, 100, method="yin")
    assert lp.track(TONE, 1_000).f0.max() <= 500
    assert lp.track(TONE, 1_000, fmax=500).f0.shape == (801,)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.bool_, np.complex64, np.float16])
def test_another_dtype(dtype: type) -> None:
    with pytest.raises(LayoutError, match="samples must be float32 or float64"):
        lp.track(TONE.astype(dtype), 16_000)


@pytest.mark.parametrize(
    "samples", [np.float32(1), np.zeros((1, 1, 1, 9), np.float32), [0.0, 1.0], None, "x"]
)
def test_another_rank_or_no_array(samples: Any) -> None:
    with pytest.raises(LayoutError, match="samples must"):
        lp.track(samples, 16_000)


def test_another_layout() -> None:
    with pytest.raises(LayoutError, match="layout must be"):
        lp.track(TONE, 16_000, layout="interleaved")  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("frame", [0, 1, 4_321, 7_999])
def test_garbage_is_refused_and_named(dtype: type, value: float, frame: int) -> None:
    x = TONE.astype(dtype)
    x[frame] = value
    x[frame:][-1] = value  # a later one is not the one to name
    with pytest.raises(LayoutError, match=rf"samples must be finite, got {value} in frame {frame};"):
        lp.track(x, 16_000)
    batch = np.zeros((3, 2, 8_000), dtype)
    batch[1, 1] = x
    with pytest.raises(LayoutError, match=rf"got {value} in frame {frame} of channel 1 of item 1;"):
        lp.track(batch, 16_000)
    with pytest.raises(LayoutError, match=rf"got {value} in frame {frame} of channel 1;"):
        lp.track(batch[1].T, 16_000, layout="frames_first")


def test_the_largest_finite_samples_are_no_garbage() -> None:
    for dtype in (np.float32, np.float64):
        x = np.sign(TONE).astype(dtype) * np.finfo(dtype).max
        assert lp.track(x, 16_000).voiced.all()


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("mpm", {"threshold": 0.1}, r"method 'mpm' has no option 'threshold': it takes 'cutoff'; .* 'yin'"),
        ("yin", {"thresold": 0.1}, r"method 'yin' has no option 'thresold': it takes 'threshold'$"),
        ("mpm", {"cutoff": 1}, r"cutoff must be between 0 and 1, both excluded, got 1"),
        ("mpm", {"cutoff": "high"}, r"cutoff must be a finite number, got 'high'"),
    ],
)
def test_an_option_of_another_method_or_none(method: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        lp.track(TONE, 16_000, method=method, **options)
    with pytest.raises(ParameterError, match=message):
        lp.Tracker(16_000, method=method, **options)


def test_options_are_named() -> None:
    with pytest.raises(TypeError):
        lp.track(TONE, 16_000, "yin")  # type: ignore[misc]


def test_swapped_axes_are_not_tracked_as_thousands_of_channels() -> None:
    stereo = np.stack([TONE, TONE], axis=1)
    with pytest.raises(LayoutError, match=r"has 8000 channels of 2 frames.*layout='frames_first'"):
        lp.track(stereo, 16_000)
    assert lp.track(stereo, 16_000, layout="frames_first").f0.shape == (2, 51)
