"""The FFT kernels against closed forms, SciPy in float64, and properties."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import _native

DTYPES = ["float32", "float64"]
SIZES = [1 << k for k in range(1, 21)]
SMALL = [1 << k for k in range(1, 13)]
ISAS = ["baseline", "v3", "v4"]

REAL = {"float32": _native.RealFft32, "float64": _native.RealFft64}
COMPLEX = {"float32": _native.ComplexFft32, "float64": _native.ComplexFft64}
SPECTRUM = {"float32": np.complex64, "float64": np.complex128}


def rfft(x):
    """Our real transform of the rows of `x`; NaN where it wrote nothing."""
    n = x.shape[-1]
    out = np.full((*x.shape[:-1], n + 2), np.nan, x.dtype)
    REAL[x.dtype.name](n).forward(x.reshape(-1, n), out.reshape(-1, n + 2))
    return out.view(SPECTRUM[x.dtype.name])


def irfft(spectrum, n):
    """Our inverse real transform of rows."""
    flat = spectrum.view(spectrum.real.dtype)
    out = np.full((*flat.shape[:-1], n), np.nan, flat.dtype)
    REAL[flat.dtype.name](n).inverse(flat.reshape(-1, n + 2), out.reshape(-1, n))
    return out


def fft(x, direction="forward"):
    """Our complex transform of rows, either way."""
    flat = x.view(x.real.dtype)
    n = x.shape[-1]
    out = np.full_like(flat, np.nan)
    getattr(COMPLEX[flat.dtype.name](n), direction)(flat.reshape(-1, 2 * n), out.reshape(-1, 2 * n))
    return out.view(x.dtype)


def noise(n, dtype, rows=1, seed=0):
    """Rows of white noise."""
    return np.random.default_rng(seed).standard_normal((rows, n)).astype(dtype)


def phasor(k, n):
    """exp(-2 pi i k / n), its angle reduced exactly to at most pi / 4."""
    quarter = np.rint(4 * (k % n) / n).astype(int)
    rest = 2 * np.pi * (k % n - quarter * n / 4) / n
    return np.array([1, -1j, -1, 1j])[quarter % 4] * (np.cos(rest) - 1j * np.sin(rest))


def relative_error(got, wanted):
    """Root-mean-square error over root-mean-square value."""
    return math.sqrt(np.mean(np.abs(got - wanted) ** 2) / np.mean(np.abs(wanted) ** 2))


def tolerance(n, dtype):
    """Rounding errors of log2(n) levels add like a random walk: about 0.4 units in the last place each."""
    return {"float32": 5e-8, "float64": 1.1e-16}[dtype] * math.sqrt(1 + math.log2(n))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SMALL)
def test_impulse_at_every_place_is_a_rotating_phasor(n, dtype):
    places = np.unique(np.linspace(0, n - 1, 17).astype(int))
    x = np.zeros((len(places), n), dtype)
    x[np.arange(len(places)), places] = 1
    exact = phasor(np.outer(places, np.arange(n // 2 + 1)), n)
    assert np.max(np.abs(rfft(x) - exact)) < 4 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [16, 64, 256, 1024, 4096])
def test_sinusoid_on_a_bin_is_one_line(n, dtype):
    t = np.arange(n)
    for k in {1, 2, n // 8, n // 4 - 1, n // 4, n // 2 - 1}:
        x = np.cos(2 * np.pi * (k * t % n) / n + 0.7).astype(dtype)[None]
        exact = np.zeros(n // 2 + 1, complex)
        exact[k] = n / 2 * np.exp(0.7j)
        assert np.max(np.abs(rfft(x)[0] - exact)) < n * 2 * np.finfo(dtype).eps, k


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_real_agrees_with_scipy_in_float64(n, dtype):
    x = noise(n, dtype, rows=2)
    exact = scipy.fft.rfft(x.astype(np.float64))
    ours = rfft(x)
    assert relative_error(ours, exact) < tolerance(n, dtype)
    assert not ours[:, 0].imag.any()
    assert not ours[:, -1].imag.any()
    spectrum = exact.astype(SPECTRUM[dtype])
    exact_back = scipy.fft.irfft(spectrum.astype(np.complex128), n)
    assert relative_error(irfft(spectrum, n), exact_back) < tolerance(n, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_complex_agrees_with_scipy_in_float64(n, dtype):
    x = noise(2 * n, dtype, rows=2).view(SPECTRUM[dtype])
    wide = x.astype(np.complex128)
    assert relative_error(fft(x), scipy.fft.fft(wide)) < tolerance(n, dtype)
    assert relative_error(fft(x, "inverse"), scipy.fft.ifft(wide)) < tolerance(n, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_inverse_undoes_forward_and_energy_is_kept(n, dtype):
    x = noise(n, dtype)
    spectrum = rfft(x)
    assert relative_error(irfft(spectrum, n), x) < 2 * tolerance(n, dtype)
    lines = np.abs(spectrum.astype(np.complex128)) ** 2
    energy = (2 * lines.sum() - lines[0, 0] - lines[0, -1]) / n
    assert energy == pytest.approx(np.sum(x.astype(np.float64) ** 2), rel=4 * tolerance(n, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1 << k for k in range(1, 16)])
def test_packed_spectra_convolve(n, dtype):
    a, b = noise(n, dtype, seed=1), noise(n, dtype, seed=2)
    out = np.full_like(a, np.nan)
    REAL[dtype](n).convolve(a, b, out)
    exact = scipy.fft.irfft(scipy.fft.rfft(a.astype(np.float64)) * scipy.fft.rfft(b.astype(np.float64)), n)
    assert relative_error(out, exact) < 3 * tolerance(n, dtype)


@given(
    st.integers(1, 11),
    st.integers(-64, 64).map(lambda i: i / 8),
    st.integers(-64, 64).map(lambda i: i / 8),
    st.integers(0, 2**32 - 1),
    st.sampled_from(DTYPES),
)
def test_real_is_linear(bits, a, b, seed, dtype):
    n = 1 << bits
    x, y = noise(n, dtype, rows=2, seed=seed).astype(np.float64)
    both = rfft((a * x + b * y).astype(dtype)[None])[0]
    one, other = rfft(np.stack([x, y]).astype(dtype)).astype(np.complex128)
    scale = math.sqrt(n) * (abs(a) * np.linalg.norm(x) + abs(b) * np.linalg.norm(y))
    assert np.linalg.norm(both - (a * one + b * other)) <= 2 * scale * tolerance(n, dtype)


@given(st.integers(4, 11), st.integers(0, 2**32 - 1), st.data())
def test_rotating_the_signal_turns_the_phases(bits, seed, data):
    n = 1 << bits
    shift = data.draw(st.integers(0, n - 1))
    x = noise(n, "float64", seed=seed)
    turned = rfft(np.roll(x, shift, axis=1))
    expected = rfft(x) * phasor(shift * np.arange(n // 2 + 1), n)
    assert relative_error(turned, expected) < 3 * tolerance(n, "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 8, 16, 64, 256, 4096, 65536])
def test_in_place_and_unaligned_give_the_same_bits(n, dtype):
    x = noise(n, dtype)
    expected = rfft(x)
    plan = REAL[dtype](n)
    memory = np.zeros(n + 3, dtype)
    both = memory[1:][None]
    both[0, :n] = x
    plan.forward(both[:, :n], both)
    np.testing.assert_array_equal(both.view(SPECTRUM[dtype]), expected)
    wanted = irfft(expected, n)
    plan.inverse(both, both[:, :n])
    np.testing.assert_array_equal(both[:, :n], wanted)


def test_inverse_ignores_what_a_real_signal_cannot_have():
    for n in (8, 16, 1024):
        spectrum = rfft(noise(n, "float64"))
        clean = irfft(spectrum, n)
        spectrum[0, 0] += 3j
        spectrum[0, -1] -= 5j
        np.testing.assert_array_equal(irfft(spectrum, n), clean)


def test_threads_share_a_plan():
    n = 4096
    plan = _native.RealFft32(n)
    x = noise(n, "float32", rows=64)
    expected = rfft(x)
    outs = [np.empty((64, n + 2), np.float32) for _ in range(4)]
    threads = [threading.Thread(target=plan.forward, args=(x, out)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for out in outs:
        np.testing.assert_array_equal(out.view(np.complex64), expected)


@pytest.mark.parametrize("n", [-4, 0, 1, 3, 48, 1 << 25])
def test_other_sizes_are_refused(n):
    for plan in (*REAL.values(), *COMPLEX.values()):
        with pytest.raises(ValueError, match="power of two"):
            plan(n)


def test_wrong_shapes_are_refused():
    plan = _native.RealFft32(16)
    with pytest.raises(ValueError, match="18 out"):
        plan.forward(np.zeros((1, 16), np.float32), np.zeros((1, 17), np.float32))
    with pytest.raises(ValueError, match="as many"):
        plan.forward(np.zeros((2, 16), np.float32), np.zeros((1, 18), np.float32))
    with pytest.raises(TypeError):
        plan.forward(np.zeros((1, 16), np.float64), np.zeros((1, 18), np.float32))


PATH_PROGRAM = """
import sys
import numpy as np
from luthier.core import _native

assert _native.isa == sys.argv[1]
results = {}
for dtype, real, complex_ in (
    ("float32", _native.RealFft32, _native.ComplexFft32),
    ("float64", _native.RealFft64, _native.ComplexFft64),
):
    for bits in range(1, 18):
        n = 1 << bits
        x = np.random.default_rng(bits).standard_normal((1, 2 * n)).astype(dtype)
        forward, inverse = np.full((1, n + 2), np.nan, dtype), np.full((1, n), np.nan, dtype)
        there, back = np.full((1, 2 * n), np.nan, dtype), np.full((1, 2 * n), np.nan, dtype)
        product = np.full((1, n), np.nan, dtype)
        real(n).forward(x[:, :n].copy(), forward)
        real(n).inverse(x[:, : n + 2].copy(), inverse)
        real(n).convolve(x[:, :n].copy(), x[:, n:].copy(), product)
        complex_(n).forward(x, there)
        complex_(n).inverse(x, back)
        for name, array in locals().copy().items():
            if name in ("forward", "inverse", "product", "there", "back"):
                results[f"{dtype} {n} {name}"] = array
np.savez(sys.argv[2], **results)
"""


def run_path(isa, file):
    """Results of PATH_PROGRAM on one instruction set, or None where the CPU lacks it."""
    if ISAS.index(isa) > ISAS.index(_native.cpu_isa):
        return None
    environment = {**os.environ, "LUTHIER_ISA": isa}
    subprocess.run([sys.executable, "-c", PATH_PROGRAM, isa, str(file)], env=environment, check=True)
    with np.load(file) as loaded:
        return dict(loaded)


def test_instruction_sets_agree(tmp_path):
    paths = [run_path(isa, tmp_path / f"{isa}.npz") for isa in ISAS]
    baseline, others = paths[0], [path for path in paths[1:] if path]
    if not others:
        pytest.skip("this CPU runs the baseline only")
    for other in others:
        assert other.keys() == baseline.keys()
        for name, expected in baseline.items():
            error = relative_error(other[name], expected)
            limit = -110 if name.startswith("float32") else -290
            assert error == 0 or 20 * math.log10(error) < limit, name
    assert any(not np.array_equal(other[name], baseline[name]) for other in others for name in baseline), (
        "the paths are the same code"
    )
