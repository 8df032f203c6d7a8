"""Small networks: one file with all that belongs to a model, and a native runtime for it."""

from luthier.pitch.models.convert import Converted, convert, read_onnx
from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.export import export
from luthier.pitch.models.front_end import FrontEndLike, FrontEndStream, front_end
from luthier.pitch.models.graph import OPERATORS, Graph, Node, Quantised
from luthier.pitch.models.network import Network, NetworkStream
from luthier.pitch.models.pack import Golden, Pack, read_pack, write_pack
from luthier.pitch.models.quantise import quantize
from luthier.pitch.models.verify import verify

__all__ = [
    "OPERATORS",
    "Converted",
    "FrontEndLike",
    "FrontEndStream",
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
    "front_end",
    "quantize",
    "read_onnx",
    "read_pack",
    "verify",
    "write_pack",
]
