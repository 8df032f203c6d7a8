"""Whatever instruction set the CPU has, the numbers are the same but for rounding."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import luthier.core
from luthier.pitch.methods import METHODS

HERE = Path(__file__).parent
SETS = ("baseline", "v3", "v4")
#: How far apart f0, as a ratio, and the confidence may be: by method, of double samples or not. The network
#: computes in single precision whatever the samples are.
FAR = {
    ("yin", False): (3e-6, 1e-4),
    ("yin", True): (1e-10, 1e-10),
    ("others", False): (1e-5, 1e-3),
    ("others", True): (1e-9, 1e-8),
    ("neural", False): (1e-5, 1e-3),
    ("neural", True): (1e-5, 1e-3),
}

TRACK = """
from test_properties import melody
for rate in (8_000, 16_000, 44_100):
    for dtype in (np.float32, np.float64):
        pitch = lp.track(melody(20_000).astype(dtype), rate, method=given)
        out[f"{rate} {dtype.__name__} f0"] = pitch.f0
        out[f"{rate} {dtype.__name__} confidence"] = pitch.confidence
"""
NETWORK = """
from test_network import features_for, residual
from luthier.pitch.models import Network
random = np.random.default_rng(11)
graph = residual(random)
out |= Network(graph)(features_for(random, graph, 50))
"""
NEURAL = """
from test_neural import grid, model_of, sounds, track
model = model_of(np.random.default_rng(1))
out["f0"], out["confidence"] = track(model, sounds(9, 1, 44_100), grid(44_100))
"""


def everywhere(script: str, folder: Path, given: str = "") -> list[dict[str, npt.NDArray[np.floating]]]:
    """What the script puts into `out` under each instruction set, the baseline's first."""
    begin = (
        "import sys, numpy as np, luthier.pitch as lp\n"
        f"sys.path.insert(0, {str(HERE)!r})\n"
        "given, out = sys.argv[2], {}\n"
    )
    end = "np.savez(sys.argv[1], isa=lp._native.isa, **out)\n"
    found = []
    for isa in SETS[: SETS.index(luthier.core.cpu().detected) + 1]:
        path = folder / f"{isa}.npz"
        subprocess.run(
            [sys.executable, "-c", begin + script + end, path, given],
            env={**os.environ, "LUTHIER_ISA": isa}, check=True,
        )  # fmt: skip
        with np.load(path) as data:
            found.append(dict(data))
        assert found[-1].pop("isa") == isa
    return found


@pytest.mark.parametrize("method", METHODS)
def test_methods(method: str, tmp_path: Path) -> None:
    baseline, *others = everywhere(TRACK, tmp_path, method)
    for other in others:
        for name in (key.removesuffix(" f0") for key in baseline if key.endswith(" f0")):
            double = name.endswith("64")
            ratio, step = FAR[method if method in ("yin", "neural") else "others", double]
            voiced = baseline[f"{name} confidence"] >= 0.5
            assert voiced.any()
            np.testing.assert_allclose(
                other[f"{name} f0"][voiced], baseline[f"{name} f0"][voiced], rtol=ratio
            )
            np.testing.assert_allclose(other[f"{name} confidence"], baseline[f"{name} confidence"], atol=step)


def test_a_network(tmp_path: Path) -> None:
    baseline, *others = everywhere(NETWORK, tmp_path)
    for other in others:
        for name, array in baseline.items():
            # -110 dB of the largest
            assert np.abs(other[name] - array).max() <= 3e-6 * np.abs(array).max()


def test_a_network_s_tracker(tmp_path: Path) -> None:
    baseline, *others = everywhere(NEURAL, tmp_path)
    for other in others:
        # A choice between candidates that are as good as equal may fall otherwise.
        cents = 1_200 * np.abs(np.log2(other["f0"] / baseline["f0"]))
        assert np.mean(cents < 0.01) > 0.98
        assert np.abs(other["confidence"] - baseline["confidence"]).max() < 1e-3
