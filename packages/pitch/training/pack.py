"""From trained weights to the model pack that the package ships.

    python pack.py WEIGHTS.pt OUT.pack [--version 1] [--figures FIGURES.json]

The network is exported to ONNX, converted, and the native runtime held against onnxruntime and PyTorch on the
features of a glide through a chord, which become the golden vectors.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from network import build
from spec import SPECS

from luthier.pitch import models
from luthier.pitch.models.front_end import front_end


def example(rate: int) -> np.ndarray:
    """Half a second: silence, a glide with partials, noise."""
    random = np.random.default_rng(1)
    t = np.arange(rate // 2) / rate
    phase = 2 * np.pi * np.cumsum(110 * 2 ** (3 * t)) / rate
    tone = sum(np.sin(h * phase) / h for h in range(1, 9))
    x = tone * (t > 0.1) * (t < 0.4) + 0.01 * random.standard_normal(t.size)
    return np.asarray(x, np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--version", default="1")
    parser.add_argument("--figures", type=Path, help="JSON of what was measured, for the pack's header")
    arguments = parser.parse_args()

    saved = torch.load(arguments.weights, weights_only=True)
    spec = SPECS[saved["spec"]]
    network = build(spec)
    network.load_state_dict(saved["network"])
    network.eval()
    # So few frames that the golden vectors are no larger than the weights.
    features = np.ascontiguousarray(front_end(example(spec.sample_rate), spec.sample_rate, spec)[:, 6:14])
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / "network.onnx"
        models.export(network, features[None], onnx, outputs=("pitch", "unvoiced"))
        models.convert(
            onnx,
            arguments.pack,
            name=f"luthier-pitch-{spec.name}",
            version=arguments.version,
            licence="Apache-2.0",
            source="packages/pitch/training: rendered and resynthesised sound, see the model card",
            front_end=json.loads(spec.to_json()),
            figures=json.loads(arguments.figures.read_text("utf-8")) if arguments.figures else {},
            golden=features,
        )
        found = models.verify(arguments.pack, onnx=onnx, torch=network)
    size = arguments.pack.stat().st_size
    print(
        f"{arguments.pack}: {size} bytes, differences " + ", ".join(f"{k} {v:.1e}" for k, v in found.items())
    )


if __name__ == "__main__":
    main()
