"""Philox against its published vectors and NumPy's, and the distributions made from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from luthier.core import _native

ONES = 0xFFFFFFFF
# The known answers that the authors publish with Random123 (file kat_vectors).
KNOWN = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([ONES] * 4, [ONES] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
@pytest.mark.parametrize("vectors", [False, True])
def test_known_answers(counter: list[int], key: list[int], words: list[int], vectors: bool) -> None:
    assert _native.philox4x32(counter, key, vectors) == words


WORD = st.integers(0, ONES)


def plain(counter: list[int], key: list[int]) -> list[int]:
    """The paper's section 4.3 in Python's integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & ONES, (p0 >> 32) ^ c[3] ^ k[1], p0 & ONES]
        k = [(k[0] + 0x9E3779B9) & ONES, (k[1] + 0xBB67AE85) & ONES]
    return c


@given(st.lists(WORD, min_size=4, max_size=4), st.lists(WORD, min_size=2, max_size=2))
def test_against_plain_integers(counter: list[int], key: list[int]) -> None:
    assert (
        _native.philox4x32(counter, key, True)
        == _native.philox4x32(counter, key, False)
        == plain(counter, key)
    )


def uniform(dtype: type, blocks: int, key: int = 7, stream: int = 0, first: int = 0) -> np.ndarray:
    out = np.empty(64 * blocks, dtype)
    _native.random_uniform(out, key, stream, first)
    return out


def normal(dtype: type, blocks: int, key: int = 7, stream: int = 0, first: int = 0) -> np.ndarray:
    out = np.empty(64 * blocks, dtype)
    _native.random_normal(out, key, stream, first)
    return out


@pytest.mark.parametrize("first", [0, 1, 2**28 - 1, 2**30 + 5])
def test_which_counter_makes_which_number(first: int) -> None:
    key, stream = 0x0123456789ABCDEF, 0xFEDCBA9876543210
    key_words, tail = [key & ONES, key >> 32], [stream & ONES, stream >> 32]

    def words(index: int) -> list[int]:
        return plain([index & ONES, index >> 32, *tail], key_words)

    single = uniform(np.float32, 1, key, stream, first)
    for i in (0, 5, 16, 47, 63):
        assert single[i] == np.float32((words(16 * first + i % 16)[i // 16] >> 8) * 2.0**-24)
    double = uniform(np.float64, 1, key, stream, first)
    for i in (0, 5, 16, 47, 63):
        w = words(32 * first + 16 * (i // 32) + i % 16)
        pair = 2 * (i % 32 // 16)
        assert double[i] == ((w[pair] >> 5) * 2**26 + (w[pair + 1] >> 6)) * 2.0**-53


@pytest.mark.parametrize("make", [uniform, normal])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_part_of_a_stream_is_the_same(make, dtype: type) -> None:  # type: ignore[no-untyped-def]
    whole = make(dtype, 40)
    for first, blocks in ((0, 1), (3, 7), (39, 1)):
        assert np.array_equal(make(dtype, blocks, first=first), whole[64 * first : 64 * (first + blocks)])
    assert not np.array_equal(make(dtype, 40, stream=1), whole)
    assert not np.array_equal(make(dtype, 40, key=8), whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_is_uniform(dtype: type) -> None:
    x = uniform(dtype, 8_000)
    assert x.min() >= 0
    assert x.max() < 1
    assert stats.kstest(x.astype(np.float64), "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.005


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_is_normal(dtype: type) -> None:
    x = normal(dtype, 8_000).astype(np.float64)
    assert np.all(np.isfinite(x))
    assert stats.kstest(x, "norm").pvalue > 1e-3
    assert abs(x.mean()) < 0.006
    assert abs(x.std() - 1) < 0.005
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.005


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-6), (np.float64, 1e-14)])
def test_normal_is_box_and_muller_of_the_uniform_numbers(dtype: type, tolerance: float) -> None:
    u = uniform(dtype, 50).astype(np.float64).reshape(-1, 2, 2, 16)
    angle, radius = 2 * np.pi * u[:, :, 0], np.sqrt(-2 * np.log1p(-u[:, :, 1]))
    wanted = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2)
    assert np.allclose(normal(dtype, 50), wanted.ravel(), rtol=0, atol=tolerance)
