"""Small networks: one file with all that belongs to a model, and a native runtime for it."""

from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.graph import OPERATORS, Graph, Node, Quantised
from luthier.pitch.models.network import Network, NetworkStream
from luthier.pitch.models.pack import Golden, Pack, read_pack, write_pack

__all__ = [
    "OPERATORS",
    "Golden",
    "Graph",
    "ModelError",
    "Network",
    "NetworkStream",
    "Node",
    "Pack",
    "Quantised",
    "read_pack",
    "write_pack",
]
