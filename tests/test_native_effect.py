"""A native effect of a third party: the template in docs/ is built outside the tree and runs."""

from __future__ import annotations

import importlib.util
import math
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import luthier.core
import luthier.effects as fx
from luthier.core import ParameterError, UnsupportedFormat

TEMPLATE = Path(__file__).parents[1] / "docs/templates/native_effect"
RATE = 44_100
TOOLS = [tool for tool in ("cmake", "ninja", "c++") if not shutil.which(tool)]

pytestmark = pytest.mark.skipif(bool(TOOLS), reason=f"builds a library, and lacks {', '.join(TOOLS)}")


def compile_library(source: Path, build: Path) -> Path:
    configure = ["cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DPython_EXECUTABLE={sys.executable}"]
    for command in (configure, ["cmake", "--build", build, "--parallel", "2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (library,) = build.glob("_native.*")
    return library


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The template's package, installed by hand: its Python beside its library."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copytree(TEMPLATE, folder / "source")
    package = folder / "source/my_effects"
    shutil.copy(compile_library(folder / "source", folder / "build"), package)
    spec = importlib.util.spec_from_file_location("my_effects", package / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["my_effects"] = module
    spec.loader.exec_module(module)
    return module


def noise(*shape: int, dtype: str = "float64") -> np.ndarray:
    return (0.25 * np.random.default_rng(0).standard_normal(shape)).astype(dtype)


def wobbled(x: np.ndarray, depth_ms: float, rate_hz: float, shape: str) -> np.ndarray:
    """What the header computes, in NumPy."""
    frames = np.arange(x.shape[-1])
    phase = frames * (rate_hz / RATE) % 1
    swing = (
        np.where(phase < 0.5, 4 * phase - 1, 3 - 4 * phase)
        if shape == "triangle"
        else np.sin(2 * math.pi * phase)
    )
    at = frames - (1 + depth_ms * RATE / 2000 * (1 + swing))
    return np.stack([np.interp(at, frames, row, left=0) * (at > -1) for row in x])


@pytest.mark.parametrize("shape", ["sine", "triangle"])
def test_it_computes_what_it_says(mine: ModuleType, shape: str) -> None:
    x = noise(2, 9000)
    x[:, 0] = 0  # np.interp does not go on before the first frame
    y = mine.TapeWobble(depth_ms=3, rate_hz=7, shape=shape)(x, RATE)
    np.testing.assert_allclose(y, wobbled(x, 3, 7, shape), atol=1e-9)


def test_it_is_an_effect_like_all_others(mine: ModuleType) -> None:
    effect = mine.TapeWobble(depth_ms=fx.LFO(2, 1, 5))
    board = fx.Chain([fx.HighpassFilter(80), effect, fx.Mix([fx.Chain(), mine.TapeWobble(shape="triangle")])])
    x = noise(3, 2, 6000, dtype="float32")
    whole = board(x, RATE)
    np.testing.assert_array_equal(whole, np.stack([board(item, RATE) for item in x]))
    stream, parts, at = board.stream(RATE, 2, batch=3), [], 0
    for n in (1, 15, 16, 17, 700, 3, 5000, 6000):
        parts.append(stream.process(x[:, :, at : at + n]))
        at += n
    np.testing.assert_array_equal(np.concatenate(parts, axis=2), whole)
    moved = effect(x, RATE, automation={"rate_hz": np.linspace(1, 9, 6000)})
    assert np.isfinite(moved).all()
    assert not np.array_equal(moved, effect(x, RATE))
    for other in (pickle.loads(pickle.dumps(board)), fx.Effect.from_json(board.to_json())):
        assert other == board
    running = mine.TapeWobble().stream(RATE, 2)
    running.process(x[0])
    running.effect.shape = "triangle"
    assert np.isfinite(running.process(x[1])).all()
    with pytest.raises(ParameterError, match=r"TapeWobble\.shape must be one of"):
        effect.shape = "round"


@pytest.mark.parametrize("isa", ["baseline", "v3", "v4"])
def test_it_runs_in_every_instruction_set(mine: ModuleType, isa: str) -> None:
    newest = luthier.core.cpu().detected
    if ["baseline", "v3", "v4"].index(isa) > ["baseline", "v3", "v4"].index(newest):
        pytest.skip(f"this CPU ends at {newest}")
    code = (
        "import sys, numpy as np\nsys.path.insert(0, sys.argv[1])\nimport my_effects\n"
        "x = (0.25 * np.random.default_rng(0).standard_normal((1, 3000)))\n"
        "print(float(np.abs(my_effects.TapeWobble()(x, 44_100)).sum()))\n"
    )
    folder = Path(str(mine.__file__)).parents[1]
    told = subprocess.run(
        [sys.executable, "-c", code, folder],
        capture_output=True,
        text=True,
        check=False,
        env={"LUTHIER_ISA": isa, "PATH": ""},
    )
    assert told.returncode == 0, told.stderr
    assert float(told.stdout) == pytest.approx(np.abs(mine.TapeWobble()(noise(1, 3000), RATE)).sum())


def test_loading_again_changes_nothing(mine: ModuleType) -> None:
    (library,) = Path(str(mine.__file__)).parent.glob("_native.*")
    assert fx.load_library(library) == ("TapeWobble",)
    assert fx.load_library(str(library)) == ("TapeWobble",)


def test_a_name_that_is_taken_is_refused(mine: ModuleType, tmp_path: Path) -> None:
    (library,) = Path(str(mine.__file__)).parent.glob("_native.*")
    other = shutil.copy(library, tmp_path / f"other{library.suffix}")
    with pytest.raises(ParameterError, match=r"other.*there is an effect TapeWobble already"):
        fx.load_library(other)


LIBRARY = """
#include "luthier/effect_class.h"
extern "C" __attribute__((visibility("default"))) const luthier::effects::EffectLibrary* %s() {
    static const luthier::effects::EffectLibrary library = {%s};
    return %s;
}
"""
FITS = "luthier::effects::kEffectVersion, sizeof(luthier::effects::EffectEntry), "


@pytest.mark.parametrize(
    ("name", "fields", "result", "message"),
    [
        ("luthier_effects", "99, 8, 8, nullptr, 0", "&library", "version 99 of effect_class.h, and this is"),
        ("luthier_effects", FITS + "8, nullptr, 0", "&library", "build it again with the installed one"),
        ("luthier_effects", "", "nullptr", "no effects for this CPU"),
        ("some_plugin", "", "&library", r"exports no luthier_effects\(\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, name: str, fields: str, result: str, message: str
) -> None:
    (tmp_path / "library.cpp").write_text(LIBRARY % (name, fields, result))
    command = ["c++", "-std=c++20", "-shared", "-fPIC", "-I", luthier.core.get_include()]
    target = tmp_path / "library.so"
    subprocess.run([*command, "-o", target, tmp_path / "library.cpp"], check=True)
    with pytest.raises(UnsupportedFormat, match=message):
        fx.load_library(target)


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="build the library"):
        fx.load_library(tmp_path / "none.so")
    (tmp_path / "text.so").write_text("text")
    with pytest.raises(UnsupportedFormat, match="cannot be loaded"):
        fx.load_library(tmp_path / "text.so")
