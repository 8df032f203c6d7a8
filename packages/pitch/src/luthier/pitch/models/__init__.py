"""Small networks: one file with all that belongs to a model, and a native runtime for it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.graph import OPERATORS, Graph, Node, Quantised
from luthier.pitch.models.network import Network, NetworkStream
from luthier.pitch.models.pack import Golden, Pack, read_pack, write_pack

if TYPE_CHECKING:
    from luthier.pitch.models.converting import Converted, convert, read_onnx
    from luthier.pitch.models.exporting import export
    from luthier.pitch.models.quantising import quantize
    from luthier.pitch.models.verifying import verify

__all__ = [
    "OPERATORS",
    "Converted",
    "Golden",
    "Graph",
    "ModelError",
    "Network",
    "NetworkStream",
    "Node",
    "Pack",
    "Quantised",
    "convert",
    "export",
    "quantize",
    "read_onnx",
    "read_pack",
    "verify",
    "write_pack",
]

# What making models takes is loaded when it is asked for: running them should start at once.
_LATE = {
    "Converted": "converting",
    "convert": "converting",
    "read_onnx": "converting",
    "export": "exporting",
    "quantize": "quantising",
    "verify": "verifying",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = found
    return found
