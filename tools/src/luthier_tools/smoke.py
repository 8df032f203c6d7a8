"""Run one of everything that is installed: imports, a transform, every effect, every tracker, a file.

Meant for a CPU that the wheels must run on but that no developer has, under an emulator.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

RATE = 44_100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--expect-isa", help="fail unless the kernels were dispatched to this path")


def run(arguments: argparse.Namespace) -> int:
    """Run every check, print a line for each, and return the exit status."""
    failed = 0
    for name, check in checks(arguments.expect_isa):
        try:
            check()
        except Exception as error:
            failed += 1
            print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
        else:
            print(f"ok     {name}", flush=True)
    print(f"{failed} failed")
    return bool(failed)


def checks(expect_isa: str | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield a name and a function for each check, importing packages only when it is their turn."""
    core = importlib.import_module("luthier.core")
    if expect_isa:
        yield f"dispatch to {expect_isa}", partial(expect, core.cpu().chosen, expect_isa)
    yield "core: transform and back", transform

    effects = importlib.import_module("luthier.effects")
    rng = np.random.default_rng(1)
    noise = rng.uniform(-0.5, 0.5, (2, 4_096)).astype(np.float32)
    classes = [
        value
        for name in effects.__all__
        if isinstance(value := getattr(effects, name), type)
        and issubclass(value, effects.Effect)
        and value not in (effects.Effect, effects.Random)
    ]
    for cls in classes:
        for dtype in (np.float32, np.float64):
            yield f"effects: {cls.__name__} {dtype.__name__}", partial(effect, cls, noise.astype(dtype))

    pitch = importlib.import_module("luthier.pitch")
    for method in importlib.import_module("luthier.pitch.methods").METHODS:
        yield f"pitch: {method}", partial(tracker, pitch, method)

    audio_io = importlib.import_module("luthier.io")
    yield "io: wav round trip", partial(round_trip, audio_io, noise)


def expect(chosen: str, isa: str) -> None:
    """Check the path that luthier.core.cpu() reports."""
    if chosen != isa:
        raise AssertionError(f"dispatched to {chosen}")


def transform() -> None:
    """Check a real transform of 1,024 samples against NumPy, and the way back."""
    native = importlib.import_module("luthier.core._native")
    x = np.random.default_rng(2).standard_normal((1, 1_024)).astype(np.float32)
    spectrum = np.empty((1, 1_026), np.float32)
    back = np.empty_like(x)
    plan = native.RealFft32(1_024)
    plan.forward(x, spectrum)
    np.testing.assert_allclose(spectrum.view(np.complex64), np.fft.rfft(x.astype(np.float64)), atol=1e-3)
    plan.inverse(spectrum, back)
    np.testing.assert_allclose(back, x, atol=1e-5)


def effect(cls: type, samples: np.ndarray[Any, Any]) -> None:
    """Check that an effect with its defaults gives finite samples of the shape and type it got."""
    wet = cls()(samples, RATE)
    if wet.shape != samples.shape or wet.dtype != samples.dtype:
        raise AssertionError(f"{samples.shape} {samples.dtype} became {wet.shape} {wet.dtype}")
    if not np.isfinite(wet).all():
        raise AssertionError("samples that are not finite")


def tracker(pitch: Any, method: str) -> None:
    """Check that a tracker hears 220 Hz within a hundredth."""
    seconds = np.arange(RATE // 2) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 220 * seconds) + 0.2 * np.sin(2 * np.pi * 440 * seconds)).astype(
        np.float32
    )
    found = float(np.median(pitch.track(tone, RATE, method=method).f0))
    if abs(found - 220) > 2.2:
        raise AssertionError(f"{found} Hz for a tone of 220 Hz")


def round_trip(audio_io: Any, samples: np.ndarray[Any, Any]) -> None:
    """Check that a float file gives back the very samples."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "noise.wav"
        audio_io.write(path, samples, RATE, subtype="FLOAT")
        back = audio_io.read(path)
        if back.sample_rate != RATE:
            raise AssertionError(f"sample rate {back.sample_rate}")
        np.testing.assert_array_equal(back.samples, samples)
