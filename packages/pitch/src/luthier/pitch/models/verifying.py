"""The native network against onnxruntime, against PyTorch, and against its golden vectors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.graph import Floats, Graph
from luthier.pitch.models.network import Network
from luthier.pitch.models.pack import Pack, read_pack

if TYPE_CHECKING:
    from luthier.pitch.models.converting import Converted

__all__ = ["compare", "compare_elsewhere", "verify"]


def verify(
    pack: Pack | str | os.PathLike[str],
    *,
    onnx: Any = None,
    torch: Any = None,
    features: Floats | None = None,
    tolerance: float = 1e-5,
) -> dict[str, float]:
    """Check that a pack's network computes what it did where it was trained.

    Parameters
    ----------
    pack : Pack or path
    onnx : path or Converted, optional
        The ONNX file, for onnxruntime to run; a `Converted` (of `read_onnx`) where its axes need naming.
        Where it leaves the number of frames open, a longer signal is compared too.
    torch : torch.nn.Module, optional
        Takes (batch, channels, frames, bins) and returns its outputs in the pack's order, in the same layout.
    features : array of float32, (channels, frames, bins), optional
        What to compare on; the golden features by default.
    tolerance : float
        Largest difference, relative to the largest value of the output where that is above 1.

    Returns
    -------
    dict
        The largest difference from each of ``"golden"``, ``"onnx"`` and ``"torch"`` that was there.

    Raises
    ------
    ModelError
        When one is larger than the tolerance, or there is nothing to compare with.
    """
    if not isinstance(pack, Pack):
        pack = read_pack(pack)
    found: dict[str, float] = {}
    if pack.golden is not None:
        found["golden"] = compare(
            pack.graph, pack.golden.features, pack.golden.outputs, tolerance, "its golden vectors"
        )
    if features is None:
        features = pack.golden.features if pack.golden is not None else None
    if onnx is not None or torch is not None:
        if features is None:
            raise ModelError("the pack has no golden vectors: give features to compare on")
        features = np.ascontiguousarray(features, np.float32)
    if onnx is not None and features is not None:
        from luthier.pitch.models.converting import Converted, read_onnx

        converted = onnx if isinstance(onnx, Converted) else read_onnx(onnx)
        expected = _under_names(pack.graph, converted.run(features))
        found["onnx"] = max(
            compare(pack.graph, features, expected, tolerance, "onnxruntime"),
            compare_elsewhere(converted, pack.graph, features, tolerance),
        )
    if torch is not None and features is not None:
        from luthier.pitch.models.exporting import run_torch

        arrays = run_torch(torch, features)
        expected = dict(zip(pack.graph.outputs, arrays, strict=True))
        found["torch"] = compare(pack.graph, features, expected, tolerance, "PyTorch")
    if not found:
        raise ModelError(
            "there is nothing to verify with: the pack has no golden vectors; give onnx or torch"
        )
    return found


def _under_names(graph: Graph, outputs: Mapping[str, Floats]) -> Mapping[str, Floats]:
    """Return a file's outputs under the graph's names, which may be others in the same order."""
    if set(outputs) == set(graph.outputs):
        return outputs
    if len(outputs) != len(graph.outputs):
        raise ModelError(f"the network gives {sorted(graph.outputs)} and the file {sorted(outputs)}")
    return dict(zip(graph.outputs, outputs.values(), strict=True))


def compare_elsewhere(converted: Converted, graph: Graph, features: Floats, tolerance: float) -> float:
    """Compare with onnxruntime on a longer signal, where the file leaves the number of frames open.

    What a file computes from its number of frames is read as a constant, and so may be right for the one
    number that was assumed.
    """
    frames = features.shape[1]
    if not converted.open_frames or frames == 0:
        return 0.0
    longer = np.ascontiguousarray(features[:, np.arange(frames + frames // 2 + 37) % frames])
    expected = _under_names(graph, converted.run(longer))
    return compare(graph, longer, expected, tolerance, f"onnxruntime on {longer.shape[1]} frames")


def compare(
    graph: Graph, features: Floats, expected: Mapping[str, Floats], tolerance: float, whose: str
) -> float:
    """Return the largest relative difference from `expected`, or raise `ModelError` above the tolerance."""
    got = Network(graph)(features)
    if set(got) != set(expected):
        raise ModelError(f"the network gives {sorted(got)} and {whose} {sorted(expected)}")
    largest = 0.0
    for name, array in got.items():
        want = np.asarray(expected[name])
        if array.shape != want.shape:
            raise ModelError(
                f"output {name!r} is of the shape {array.shape}, that of {whose} is {want.shape}"
            )
        scale = max(1.0, float(np.abs(want).max(initial=0)))
        difference = float(np.abs(array - want).max(initial=0)) / scale
        if not difference <= tolerance:
            raise ModelError(
                f"output {name!r} differs from that of {whose} by {difference:.2g}; the tolerance is "
                f"{tolerance:.2g}"
            )
        largest = max(largest, difference)
    return largest
