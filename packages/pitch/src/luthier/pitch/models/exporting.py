"""From PyTorch to ONNX."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.core import MissingDependencyError
from luthier.pitch.models.graph import Floats

__all__ = ["export", "run_torch"]


def export(
    module: Any,
    example: Any,
    path: str | os.PathLike[str],
    *,
    outputs: Sequence[str] = ("output",),
    opset: int = 17,
) -> None:
    """Write a PyTorch network to an ONNX file that takes any number of frames.

    Parameters
    ----------
    module : torch.nn.Module
        Takes (batch, channels, frames, bins); put into evaluation mode for the export and back.
    example : torch.Tensor or array, (batch, channels, frames, bins)
        Something to trace it with.
    path : path
        An existing file is replaced.
    outputs : sequence of str
        Names for what the network returns, in order.
    opset : int
        Version of ONNX's operators.

    Raises
    ------
    MissingDependencyError
        When PyTorch, or the `onnx` package that it needs for this, is not installed.
    """
    torch = _torch()
    training = module.training
    module.eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # The exporter that traces warns that it is the older one; the newer needs onnxscript.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                (torch.as_tensor(example),),
                os.fspath(path),
                input_names=["features"],
                output_names=list(outputs),
                dynamic_axes={name: {0: "batch", 2: "frames"} for name in ("features", *outputs)},
                opset_version=opset,
                dynamo=False,
            )
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"PyTorch's export needs {error.name}: pip install {error.name}"
        ) from None
    finally:
        module.train(training)


def run_torch(module: Any, features: Floats) -> list[Floats]:
    """Run a PyTorch network on features, (channels, frames, bins), and return its outputs in that layout."""
    torch = _torch()
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            results = module(torch.from_numpy(features[None]))
    finally:
        module.train(training)
    arrays = results if isinstance(results, list | tuple) else [results]
    return [np.asarray(array.numpy()[0], np.float32) for array in arrays]


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingDependencyError("exporting from PyTorch needs it: pip install torch") from None
    return torch
