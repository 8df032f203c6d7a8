"""The window functions against SciPy and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import _native

WINDOWS = {
    "rectangular": ("boxcar", 0.0),
    "hann": ("hann", 0.0),
    "hamming": ("hamming", 0.0),
    "blackman": ("blackman", 0.0),
    "blackman_harris": ("blackmanharris", 0.0),
    "kaiser 0": (("kaiser", 0.0), 0.0),
    "kaiser 8.6": (("kaiser", 8.6), 8.6),
    "kaiser 40": (("kaiser", 40.0), 40.0),
    "gaussian 7": (("gaussian", 7.0), 7.0),
    "gaussian 300": (("gaussian", 300.0), 300.0),
}


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("case", WINDOWS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 16, 255, 256, 1000, 4096])
def test_agrees_with_scipy(case, n, periodic):
    theirs, shape = WINDOWS[case]
    ours = _native.window(case.split()[0], n, periodic, shape)
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, scipy.signal.get_window(theirs, n, fftbins=periodic), rtol=0, atol=1e-12)


def test_closed_forms():
    np.testing.assert_allclose(_native.window("hann", 4, True), [0, 0.5, 1, 0.5], atol=1e-16)
    np.testing.assert_allclose(_native.window("hann", 5, False), [0, 0.5, 1, 0.5, 0], atol=1e-16)
    # A periodic Hann window at half overlap adds up to one: analysis and synthesis rebuild the signal.
    hann = _native.window("hann", 1024, True)
    np.testing.assert_allclose(hann[:512] + hann[512:], 1, atol=1e-15)
    # The end of a Kaiser window is 1 / I0(beta); I0(5) = 27.2398718236...
    assert _native.window("kaiser", 9, False, 5.0)[0] == pytest.approx(1 / 27.239871823604442, rel=1e-14)


@given(st.sampled_from(sorted(WINDOWS)), st.integers(0, 600))
def test_symmetric_to_the_last_bit_and_at_most_one(case, n):
    window = _native.window(case.split()[0], n, False, WINDOWS[case][1])
    np.testing.assert_array_equal(window, window[::-1])
    assert np.all(window <= 1)
    longer = _native.window(case.split()[0], n + 1, False, WINDOWS[case][1])
    if n > 1:
        np.testing.assert_array_equal(_native.window(case.split()[0], n, True, WINDOWS[case][1]), longer[:-1])


def test_unknown_name_is_refused():
    with pytest.raises(ValueError, match="hanning"):
        _native.window("hanning", 8)
