"""A model of others: basic-pitch's, from its own package (Apache-2.0); nothing of it is in here."""

from importlib import metadata

import numpy as np
import pytest

from luthier.pitch import models

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

RATE, WINDOW = 22_050, 43_844


@pytest.fixture(scope="module")
def converted():
    try:
        files = metadata.files("basic-pitch")
    except metadata.PackageNotFoundError:
        pytest.skip("basic-pitch is not installed")
    (path,) = (file.locate() for file in files if file.name == "nmp.onnx")
    return models.read_onnx(
        path,
        axes=("batch", "frames", "bins"),
        outputs={f"{n}": f"StatefulPartitionedCall:{i}" for i, n in enumerate(("contour", "note", "onset"))},
    )


def music(seed, seconds):
    """Notes with partials, attacks and a little noise, one over the other."""
    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    x = 1e-3 * random.standard_normal(t.size)
    for _ in range(int(8 * seconds)):
        start, f0 = random.uniform(0, seconds), 440 * 2 ** (random.integers(-36, 30) / 12)
        since = np.maximum(t - start, 0)
        envelope = (t > start) * np.exp(-since * random.uniform(1, 8)) * np.minimum(since / 0.01, 1)
        partials = sum(np.sin(2 * np.pi * f0 * h * since) / h for h in range(1, 9) if f0 * h < RATE / 2)
        x += 0.2 * envelope * partials
    return (x / np.abs(x).max()).astype(np.float32)


@pytest.mark.parametrize("seed", [1, 2])
def test_posteriors(converted, seed):
    network = models.Network(converted.graph)
    audio = music(seed, 4)
    for start in (0, audio.size - WINDOW):
        window = np.ascontiguousarray(audio[start : start + WINDOW].reshape(1, -1, 1))
        got, wanted = network(window), converted.run(window)
        assert got["contour"].shape == (1, 172, 264)
        for name, array in wanted.items():
            assert array.max() > 0.5  # there is something to find
            assert np.abs(got[name] - array).max() <= 1e-3


def test_silence(converted):
    window = np.zeros((1, WINDOW, 1), np.float32)
    got, wanted = models.Network(converted.graph)(window), converted.run(window)
    for name, array in wanted.items():
        assert np.abs(got[name] - array).max() <= 1e-3


def test_any_length(converted):
    """Without windows: as many frames as the signal has, and no drift against them."""
    network = models.Network(converted.graph)
    audio = music(3, 6)
    out = network(audio.reshape(1, -1, 1))
    assert out["note"].shape == (1, -(-audio.size // 256), 88)


def test_a_pack_of_it(converted, tmp_path):
    path = tmp_path / "basic-pitch.pack"
    window = music(4, 2)[:WINDOW].reshape(1, -1, 1)
    pack = models.Pack(
        "basic-pitch", converted.graph, version="0.4.0", licence="Apache-2.0",
        golden=models.Golden(window, converted.run(window))
    )  # fmt: skip
    models.write_pack(pack, path)
    assert path.stat().st_size < 800_000
    assert models.verify(path, tolerance=1e-3)["golden"] <= 1e-3
