"""The block state-space cascade against SciPy in float64, cut in every way, on every instruction set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from luthier.core import _native

Array = npt.NDArray[Any]

GROUP = 16
CASCADES = {np.float32: _native.BiquadCascade32, np.float64: _native.BiquadCascade64}


def section(name: str, *arguments: float) -> list[float]:
    return _native.design_section(name, list(arguments))


def transfer(values: list[float]) -> Array:
    """A section's nine numbers as a row (b0, b1, b2, 1, a1, a2): H = D + C (z - A)^-1 B."""
    a11, a12, a21, a22, b1, b2, c1, c2, d = values
    p = np.array([1, -(a11 + a22), a11 * a22 - a12 * a21])
    adjugate = [c1 * b1 + c2 * b2, c1 * (a12 * b2 - a22 * b1) + c2 * (a21 * b1 - a11 * b2)]
    return np.concatenate([d * p + [0, *adjugate], p])


def cookbook(name: str, cutoff: float, q: float, gain_db: float, rate: float) -> Array:
    """R. Bristow-Johnson's formulae, as they are printed."""
    w = 2 * np.pi * cutoff / rate
    c, alpha, a = np.cos(w), np.sin(w) / (2 * q), 10 ** (gain_db / 40)
    beta = 2 * np.sqrt(a) * alpha
    b_and_a = {
        "lowpass": ([(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha]),
        "highpass": ([(1 + c) / 2, -(1 + c), (1 + c) / 2], [1 + alpha, -2 * c, 1 - alpha]),
        "bandpass": ([alpha, 0, -alpha], [1 + alpha, -2 * c, 1 - alpha]),
        "notch": ([1, -2 * c, 1], [1 + alpha, -2 * c, 1 - alpha]),
        "allpass": ([1 - alpha, -2 * c, 1 + alpha], [1 + alpha, -2 * c, 1 - alpha]),
        "peak": ([1 + alpha * a, -2 * c, 1 - alpha * a], [1 + alpha / a, -2 * c, 1 - alpha / a]),
        "low_shelf": (
            [
                a * ((a + 1) - (a - 1) * c + beta),
                2 * a * ((a - 1) - (a + 1) * c),
                a * ((a + 1) - (a - 1) * c - beta),
            ],
            [(a + 1) + (a - 1) * c + beta, -2 * ((a - 1) + (a + 1) * c), (a + 1) + (a - 1) * c - beta],
        ),
        "high_shelf": (
            [
                a * ((a + 1) + (a - 1) * c + beta),
                -2 * a * ((a - 1) + (a + 1) * c),
                a * ((a + 1) + (a - 1) * c - beta),
            ],
            [(a + 1) - (a - 1) * c + beta, 2 * ((a - 1) - (a + 1) * c), (a + 1) - (a - 1) * c - beta],
        ),
    }
    b, den = b_and_a[name]
    return np.concatenate([b, den]) / den[0]


COOKBOOK = ["lowpass", "highpass", "bandpass", "notch", "allpass", "peak", "low_shelf", "high_shelf"]


def designed(name: str, cutoff: float, q: float, gain_db: float, rate: float) -> list[float]:
    gains = [gain_db] if name in ("peak", "low_shelf", "high_shelf") else []
    return section(name, cutoff, q, *gains, rate)


def run(sections: list[list[float]], x: Array, step: int | None = None) -> Array:
    """The cascade over (channels, frames), `step` frames a call, the last group padded."""
    channels, frames = x.shape
    padded = np.zeros((channels, -(-frames // GROUP) * GROUP), x.dtype)
    padded[:, :frames] = x
    cascade = CASCADES[x.dtype.type](len(sections), channels)
    for i, values in enumerate(sections):
        cascade.set(i, values)
    step = step or padded.shape[1]
    for start in range(0, padded.shape[1], step):
        part = np.ascontiguousarray(padded[:, start : start + step])
        cascade.process(part)
        padded[:, start : start + step] = part
    return padded[:, :frames]


def error_db(got: Array, wanted: Array) -> float:
    """Root-mean-square error over the root mean square of what is wanted, in dB."""
    error, scale = np.sum((got - wanted) ** 2), np.sum(wanted**2)
    return float(10 * np.log10(max(error, 1e-300) / scale))


def noise(channels: int, frames: int, dtype: type, seed: int = 1) -> Array:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, frames)).astype(dtype)


@pytest.mark.parametrize("rate", [44_100.0, 48_000.0, 96_000.0, 192_000.0])
@pytest.mark.parametrize("name", COOKBOOK)
def test_float32_is_within_120_db_of_float64(name: str, rate: float) -> None:
    x = noise(1, 16_384, np.float32)
    worst = max(
        error_db(
            run([designed(name, cutoff, q, gain, rate)], x),
            signal.sosfilt(cookbook(name, cutoff, q, gain, rate), x.astype(np.float64)),
        )
        for cutoff in (20.0, 55.0, 300.0, 1_000.0, 7_000.0, 0.4 * rate)
        for q in (0.3, 0.7071, 10.0)
        for gain in ((-12.0, 12.0) if name in ("peak", "low_shelf", "high_shelf") else (0.0,))
    )
    assert worst < -120


@pytest.mark.parametrize("name", COOKBOOK)
@pytest.mark.parametrize("cutoff", [20.0, 1_000.0, 15_000.0])
def test_float64_is_as_good_as_float64(name: str, cutoff: float) -> None:
    x = noise(2, 8_192, np.float64)
    row = cookbook(name, cutoff, 0.9, -7.0, 48_000)
    # The direct form's own coefficients are good to 1e-16 / (cutoff / rate)^2 only.
    assert error_db(run([designed(name, cutoff, 0.9, -7.0, 48_000)], x), signal.sosfilt(row, x)) < -185


@pytest.mark.parametrize("sections", [0, 1, 2, 3, 4, 5, 6, 7, 8, 10])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sections_in_series_on_channels(sections: int, channels: int, dtype: type) -> None:
    rate = 48_000
    settings = [
        ("peak", 40.0 * 1.8**i, 0.5 + i / 3, (-1) ** i * 1.2 * (i + 1), float(rate)) for i in range(sections)
    ]
    x = noise(channels, 4_096 + 5, dtype)
    wanted = x.astype(np.float64)
    for arguments in settings:
        wanted = signal.sosfilt(cookbook(*arguments), wanted)
    got = run([designed(*arguments) for arguments in settings], x)
    assert got.dtype == dtype
    if sections == 0:
        assert np.array_equal(got, x)
    else:
        assert error_db(got, wanted) < (-120 if dtype == np.float32 else -230)


def test_ten_hard_sections_in_series_keep_float32_precise() -> None:
    """20 Hz at 192 kHz with Q 10 and 12 dB, alternately up and down, and highpasses between."""
    rate, x, rows, sections = 192_000.0, noise(2, 65_536, np.float32), [], []
    for i in range(10):
        name = "highpass" if i in (3, 8) else "peak"
        arguments = (name, 20.0 + i, 10.0 if name == "peak" else 0.7, 12.0 * (-1) ** i, rate)
        rows.append(cookbook(*arguments))
        sections.append(designed(*arguments))
    assert error_db(run(sections, x), signal.sosfilt(np.array(rows), x.astype(np.float64))) < -120


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(
    sections=st.integers(1, 9),
    channels=st.integers(1, 5),
    steps=st.lists(st.integers(1, 70), min_size=1, max_size=12),
)
def test_any_cut_into_groups_gives_the_same_bits(
    dtype: type, sections: int, channels: int, steps: list[int]
) -> None:
    values = [section("peak", 30.0 * 2**i, 1 + i, 6.0, 44_100.0) for i in range(sections)]
    x = noise(channels, GROUP * sum(steps), dtype)
    whole, parts = CASCADES[dtype](sections, channels), CASCADES[dtype](sections, channels)
    for i, v in enumerate(values):
        whole.set(i, v)
        parts.set(i, v)
    wanted = x.copy()
    whole.process(wanted)
    at = 0
    for step in steps:
        part = np.ascontiguousarray(x[:, at : at + step * GROUP])
        parts.process(part)
        assert part.tobytes() == np.ascontiguousarray(wanted[:, at : at + step * GROUP]).tobytes()
        at += step * GROUP
    assert whole.save() == parts.save()


def test_channels_do_not_touch_each_other() -> None:
    x = noise(5, 512, np.float32)
    values = [section("low_shelf", 200.0, 0.7, 9.0, 48_000.0)] * 5
    together = run(values, x)
    for channel in range(5):
        assert np.array_equal(together[channel], run(values, x[channel : channel + 1])[0])


def test_saved_state_runs_a_group_again() -> None:
    cascade = _native.BiquadCascade32(6, 2)
    for i in range(6):
        cascade.set(i, section("peak", 100.0 + i, 4.0, 8.0, 48_000.0))
    x = noise(2, 64, np.float32)
    cascade.process(x.copy())
    saved = cascade.save()
    first, again = x.copy(), x.copy()
    cascade.process(first)
    after = cascade.save()
    cascade.restore(saved)
    cascade.process(again)
    assert again.tobytes() == first.tobytes()
    assert cascade.save() == after != saved


def test_reset_leaves_silence_and_keeps_the_filter() -> None:
    cascade = _native.BiquadCascade64(3, 1)
    for i in range(3):
        cascade.set(i, section("lowpass", 500.0, 2.0, 48_000.0))
    x = noise(1, 160, np.float64)
    first = x.copy()
    cascade.process(first)
    cascade.reset()
    again = x.copy()
    cascade.process(again)
    assert np.array_equal(first, again)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sections", [1, 2, 3, 4, 6])
def test_moving_coefficients_follow_the_state_variable_filter(sections: int, dtype: type) -> None:
    """Every group has other coefficients; the oracle is Simper's recursion, frame by frame."""
    rate, groups = 48_000.0, 200
    x = noise(1, groups * GROUP, dtype)
    cascade = CASCADES[dtype](sections, 1)
    got, wanted = x.copy(), x[0].astype(np.float64)
    charges = np.zeros((sections, 2))
    for group in range(groups):
        part = slice(group * GROUP, (group + 1) * GROUP)
        for i in range(sections):
            cutoff = 1_000 * 3 ** np.sin(group / 20 + i)
            gain = 12 * np.sin(group / 13 - i)
            cascade.set(i, section("peak", cutoff, 3.0, gain, rate))
            a = 10 ** (gain / 40)
            g, k = np.tan(np.pi * cutoff / rate), 1 / (3.0 * a)
            x1 = 1 / (1 + g * (g + k))
            s1, s2 = charges[i]
            for t in range(part.start, part.stop):
                v3 = wanted[t] - s2
                v1 = x1 * s1 + g * x1 * v3
                v2 = s2 + g * x1 * s1 + g * g * x1 * v3
                s1, s2 = 2 * v1 - s1, 2 * v2 - s2
                wanted[t] += k * (a * a - 1) * v1
            charges[i] = s1, s2
        block = np.ascontiguousarray(got[:, part])
        cascade.process(block)
        got[:, part] = block
    assert error_db(got[0], wanted) < (-120 if dtype == np.float32 else -250)


def test_a_ringing_filter_ends_in_true_silence() -> None:
    cascade = _native.BiquadCascade64(5, 1)
    for i in range(5):
        cascade.set(i, section("peak", 2_000.0, 2.0, 6.0, 48_000.0))
    x = np.zeros((1, 16_000))
    x[0, 0] = 1
    cascade.process(x)
    assert abs(x[0, :100]).max() > 0.1
    assert np.all(x[0, -GROUP:] == 0)
    tiny = np.finfo(np.float64).tiny
    assert not np.any((x != 0) & (abs(x) < tiny)), "denormal output"


def test_not_a_number_does_not_crash() -> None:
    x = noise(2, 64, np.float32)
    x[0, 20] = np.nan
    x[1, 3] = np.inf
    out = run([section("lowpass", 1_000.0, 0.7, 48_000.0)] * 4, x)
    assert np.all(np.isfinite(out[0, :16]))
    assert np.isnan(out[0, 20])


CHILD = """
import sys
import numpy as np
from luthier.core import _native as n
x = np.random.default_rng(5).uniform(-0.5, 0.5, (2, 8192)).astype(np.float32)
out = {"isa": n.isa}
for name, dtype, make in (("f", np.float32, n.BiquadCascade32), ("d", np.float64, n.BiquadCascade64)):
    for sections in (1, 2, 7):
        cascade = make(sections, 2)
        for i in range(sections):
            cascade.set(i, n.design_section("peak", [20.0 + 700 * i, 10.0, 12.0 * (-1) ** i, 44_100.0]))
        y = x.astype(dtype)
        cascade.process(y)
        out[f"{name}{sections}"] = y
np.savez(sys.argv[1], **out)
"""


def test_instruction_sets_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = {}
    newest = ["baseline", "v3", "v4"].index(_native.cpu_isa)
    for isa in ["baseline", "v3", "v4"][: newest + 1]:
        monkeypatch.setenv("LUTHIER_ISA", isa)
        subprocess.run([sys.executable, "-c", CHILD, str(tmp_path / isa)], check=True, cwd=tmp_path)
        results[isa] = np.load(tmp_path / f"{isa}.npz")
        assert str(results[isa]["isa"]) == isa
    for got in results.values():
        for key in ("f1", "f2", "f7", "d1", "d2", "d7"):
            limit = -110 if key[0] == "f" else -200
            assert error_db(got[key].astype(np.float64), results["baseline"][key].astype(np.float64)) < limit
