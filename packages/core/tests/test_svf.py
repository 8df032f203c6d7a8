"""Filter designs against the cookbook, SciPy's designs and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from luthier.core import _native

Array = npt.NDArray[Any]


def section(name: str, *arguments: float) -> list[float]:
    return _native.design_section(name, list(arguments))


def response(values: list[float], frequencies: Array, rate: float) -> Array:
    """H(z) = D + C (z - A)^-1 B on the unit circle."""
    a11, a12, a21, a22, b1, b2, c1, c2, d = values
    z = np.exp(2j * np.pi * np.asarray(frequencies) / rate)
    determinant = (z - a11) * (z - a22) - a12 * a21
    s1 = ((z - a22) * b1 + a12 * b2) / determinant
    s2 = (a21 * b1 + (z - a11) * b2) / determinant
    return c1 * s1 + c2 * s2 + d


def analogue(name: str, s: Array, q: float, a: float) -> Array:
    """The cookbook's prototypes; a is the square root of the gain."""
    root = np.sqrt(a)
    prototypes = {
        "lowpass": 1 / (s**2 + s / q + 1),
        "highpass": s**2 / (s**2 + s / q + 1),
        "bandpass": s / q / (s**2 + s / q + 1),
        "notch": (s**2 + 1) / (s**2 + s / q + 1),
        "allpass": (s**2 - s / q + 1) / (s**2 + s / q + 1),
        "peak": (s**2 + s * a / q + 1) / (s**2 + s / (a * q) + 1),
        "low_shelf": a * (s**2 + root / q * s + a) / (a * s**2 + root / q * s + 1),
        "high_shelf": a * (a * s**2 + root / q * s + 1) / (s**2 + root / q * s + a),
    }
    return prototypes[name]


NAMES = ["lowpass", "highpass", "bandpass", "notch", "allpass", "peak", "low_shelf", "high_shelf"]


@pytest.mark.parametrize("name", NAMES)
@given(
    cutoff=st.floats(1e-4, 0.48),
    q=st.floats(0.1, 40),
    gain_db=st.floats(-40, 40),
    rate=st.sampled_from([8_000.0, 44_100.0, 192_000.0]),
)
def test_the_response_is_the_prototype_through_the_bilinear_transform(
    name: str, cutoff: float, q: float, gain_db: float, rate: float
) -> None:
    f = np.array([0.0003, 0.01, 0.1, 0.2, 0.3, 0.45, 0.4999]) * rate
    gains = [gain_db] if name in ("peak", "low_shelf", "high_shelf") else []
    got = response(section(name, cutoff * rate, q, *gains, rate), f, rate)
    s = 1j * np.tan(np.pi * f / rate) / np.tan(np.pi * cutoff)
    wanted = analogue(name, s, q, 10 ** (gain_db / 40))
    assert np.allclose(got, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("order", range(1, 11))
@pytest.mark.parametrize("kind", ["lowpass", "highpass"])
@pytest.mark.parametrize("cutoff", [20.0, 1_000.0, 20_000.0])
def test_butterworth_of_any_order(order: int, kind: str, cutoff: float) -> None:
    rate = 48_000.0
    f = np.geomspace(cutoff / 30, 23_990, 50)
    got = np.prod(
        [
            response(section(f"butterworth_{kind}", order, i, cutoff, rate), f, rate)
            for i in range((order + 1) // 2)
        ],
        axis=0,
    )
    _, wanted = signal.sosfreqz(signal.butter(order, cutoff, kind, fs=rate, output="sos"), f, fs=rate)
    assert np.allclose(got, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("cutoff", [10.0, 440.0, 12_000.0])
def test_first_order(cutoff: float) -> None:
    rate = 44_100.0
    f = np.array([cutoff])
    low, high, through = (section(name, cutoff, rate) for name in ("lowpass1", "highpass1", "allpass1"))
    for values in (low, high):
        assert 20 * np.log10(abs(response(values, f, rate)[0])) == pytest.approx(-3.0103, abs=1e-4)
    assert response(low, np.array([0.0]), rate)[0] == pytest.approx(1)
    assert response(high, np.array([rate / 2]), rate)[0] == pytest.approx(1)
    assert response(through, f, rate)[0] == pytest.approx(-1j)
    for kind, values in (("lowpass", low), ("highpass", high)):
        b, a = signal.butter(1, cutoff, kind, fs=rate)
        f = np.geomspace(5, 22_000, 20)
        assert np.allclose(response(values, f, rate), signal.freqz(b, a, f, fs=rate)[1], rtol=1e-9)


@given(
    pole=st.complex_numbers(max_magnitude=0.999, allow_nan=False),
    zero=st.complex_numbers(max_magnitude=3, allow_nan=False),
    gain=st.floats(-4, 4),
)
def test_any_stable_transfer_function(pole: complex, zero: complex, gain: float) -> None:
    b = gain * np.poly([zero, zero.conjugate()]).real
    a = np.poly([pole, pole.conjugate()]).real
    f = np.linspace(0.001, 0.499, 12)
    _, wanted = signal.freqz(b, a, f, fs=1.0)
    got = response(section("transfer", *b, a[1], a[2]), f, 1.0)
    assert np.allclose(got, wanted, rtol=1e-6, atol=1e-9 * abs(wanted).max())


def test_two_real_poles() -> None:
    b, a = [0.3, -0.2, 0.1], np.poly([0.9, -0.5])
    f = np.linspace(0.001, 0.499, 12)
    got = response(section("transfer", *b, a[1], a[2]), f, 1.0)
    assert np.allclose(got, signal.freqz(b, a, f, fs=1.0)[1], rtol=1e-12)


@pytest.mark.parametrize("cutoff", [0.0, -10.0, 23_520.0, 24_000.0, 1e9])
@pytest.mark.parametrize("q", [0.0, 1e-9, 0.7, 1e6])
def test_beyond_the_limits_it_stays_stable(cutoff: float, q: float) -> None:
    values = section("lowpass", cutoff, q, 48_000.0)
    assert np.all(np.isfinite(values))
    a11, a12, a21, a22 = values[:4]
    assert max(abs(np.linalg.eigvals([[a11, a12], [a21, a22]]))) <= 1 + 1e-12
    if cutoff >= 23_520:
        assert values == section("lowpass", 0.49 * 48_000, q, 48_000.0)


@pytest.mark.parametrize(
    "values",
    [
        section("lowpass", 1_000.0, 0.7, 48_000.0),
        section("peak", 50.0, 10.0, 12.0, 48_000.0),
        section("highpass", 20.0, 0.5, 48_000.0),
        section("lowpass1", 30.0, 48_000.0),
        section("lowpass", 200.0, 0.1, 48_000.0),
        section("high_shelf", 4_000.0, 0.7, -20.0, 48_000.0),
    ],
)
def test_decay_is_bounded_and_not_far_too_long(values: list[float]) -> None:
    frames = _native.decay_frames(values, -120.0)
    cascade = _native.BiquadCascade64(1, 1)
    cascade.set(0, values)
    x = np.zeros((1, 1_600_000))
    x[0, 0] = 1
    cascade.process(x)
    last = np.flatnonzero(abs(x[0]) >= 1e-6)[-1]
    assert last < frames < 1.5 * last + 50
