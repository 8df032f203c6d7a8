"""From an ONNX file to a model pack: operators of a closed set, all others refused by name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import MissingDependencyError
from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.graph import Floats, Graph
from luthier.pitch.models.onnx_nodes import Tensor
from luthier.pitch.models.onnx_reader import Reader
from luthier.pitch.models.pack import Golden, Pack, write_pack
from luthier.pitch.models.simplify import simplify
from luthier.pitch.models.verifying import compare, compare_elsewhere

__all__ = ["Converted", "convert", "read_onnx"]

Array = npt.NDArray[Any]


class Converted:
    """A network read from ONNX, and how the two lay out their arrays.

    Attributes
    ----------
    graph : Graph
    frames : int
        Frames of a signal that the file takes; it may take no other number.
    open_frames : bool
        Whether the file leaves the number of frames open.
    """

    def __init__(self, model: Any, reader: Reader, graph: Graph, outputs: Mapping[str, str]) -> None:
        self._model = model
        self._reader = reader
        self._outputs = outputs
        self.graph = graph
        self.frames = reader.frames
        self.open_frames = reader.open_frames

    def run(self, features: Floats, threads: int = 1) -> dict[str, Floats]:
        """Run the file with onnxruntime, laid out as the native network lays it out.

        Parameters
        ----------
        features : array of float32, (channels, frames, bins)
        threads : int
            Of onnxruntime.

        Returns
        -------
        dict
            For each output (channels, frames, bins).

        Raises
        ------
        ModelError
            When onnxruntime refuses the file, or these features.
        """
        need("onnxruntime")
        try:
            session = self.session(threads)
            got = session.run(list(self._outputs.values()), {self._reader.input_name: self.feed(features)})
            return self.arrange(got)
        except Exception as error:  # onnxruntime's have no base of their own
            raise ModelError(
                f"onnxruntime does not run the file on {features.shape[1]} frames: {error}"
            ) from None

    def session(self, threads: int = 1) -> Any:
        """Return an onnxruntime session of the file."""
        runtime = need("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        return runtime.InferenceSession(
            self._model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def feed(self, features: Floats) -> Array:
        """Return features as the file wants them."""
        return self._reader.to_onnx(features)

    def arrange(self, outputs: Sequence[Array]) -> dict[str, Floats]:
        """Return the file's outputs as the native network gives them."""
        return {
            name: self._reader.to_native(self._reader.tensor(onnx_name), array)
            for (name, onnx_name), array in zip(self._outputs.items(), outputs, strict=True)
        }

    @property
    def names(self) -> tuple[str, list[str]]:
        """The file's own names of its input and its outputs."""
        return self._reader.input_name, list(self._outputs.values())


def need(package: str) -> Any:
    """Import an optional package or say how to get it."""
    try:
        return __import__(package)
    except ImportError:
        raise MissingDependencyError(
            f"this needs {package}: pip install 'luthier-pitch[models]' (running a model pack does not)"
        ) from None


def read_onnx(
    path: str | os.PathLike[str],
    *,
    axes: Sequence[str] | None = None,
    frames: int = 96,
    outputs: Mapping[str, str] | None = None,
) -> Converted:
    """Read an ONNX file as a network for the native runtime.

    Parameters
    ----------
    path : path
    axes : sequence of str, optional
        What each axis of the file's input is: ``"batch"``, ``"channels"``, ``"frames"``, ``"bins"``. By
        default these four in this order, or the first three.
    frames : int
        How many frames to assume where the file leaves them open. Must not be the number of anything else in
        it, so that the axes can be told apart.
    outputs : dict, optional
        Names for the outputs, and the file's names of them. By default all, by the file's names.

    Returns
    -------
    Converted

    Raises
    ------
    ModelError
        When an operator is not in the closed set, or is used in a way that it does not hold; the message
        names the operator and the node.
    MissingDependencyError
        When the `onnx` package is not installed.
    """
    onnx = need("onnx")
    try:
        model = onnx.load(os.fspath(path))
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ModelError(f"{os.fspath(path)!r} is not an ONNX model: {error}") from None
    reader = Reader(onnx, model.graph, axes, frames)
    wanted = dict(outputs) if outputs is not None else {o.name: o.name for o in model.graph.output}
    results: dict[str, str] = {}
    for name, onnx_name in wanted.items():
        value = reader.values.get(onnx_name)
        if not isinstance(value, Tensor):
            raise ModelError(
                f"the file has no output {onnx_name!r}; it has {[o.name for o in model.graph.output]}"
            )
        results[name] = value.name
    graph = Graph(reader.input_tensor, *reader.shapes[reader.input_tensor], tuple(reader.nodes), results)
    return Converted(model, reader, simplify(graph), wanted)


def convert(
    onnx_path: str | os.PathLike[str],
    pack_path: str | os.PathLike[str],
    *,
    name: str,
    version: str = "1",
    licence: str = "",
    source: str = "",
    front_end: Mapping[str, Any] | None = None,
    figures: Mapping[str, Any] | None = None,
    golden: Floats | None = None,
    axes: Sequence[str] | None = None,
    frames: int = 96,
    outputs: Mapping[str, str] | None = None,
    tolerance: float = 1e-5,
) -> Pack:
    """Convert an ONNX file to a model pack, and check that the native network does the same.

    Batch normalisations and other constant factors go into the convolutions before them. Reshapes,
    transpositions and the like cost nothing where they only name the axes anew. Where the file leaves the
    number of frames open, the check is done for a second number of them too.

    Parameters
    ----------
    onnx_path, pack_path : path
        What to read, and what to write; an existing pack is replaced.
    name, version, licence, source, front_end, figures
        As in `Pack`.
    golden : array of float32, (channels, frames, bins), optional
        Features for the golden vectors; noise by default. What onnxruntime makes of them goes into the pack.
    axes, frames, outputs
        As in `read_onnx`.
    tolerance : float
        Largest difference from onnxruntime, relative to the largest value of the output where that is
        above 1.

    Returns
    -------
    Pack
        What was written.

    Raises
    ------
    ModelError
        As `read_onnx`, and when the results differ by more; nothing is written then.
    MissingDependencyError
        When `onnx` or `onnxruntime` is not installed.
    """
    converted = read_onnx(onnx_path, axes=axes, frames=frames, outputs=outputs)
    graph = converted.graph
    features = (
        np.random.default_rng(0).standard_normal((graph.channels, converted.frames, graph.bins))
        if golden is None
        else golden
    )
    features = np.ascontiguousarray(features, np.float32)
    expected = converted.run(features)
    compare(graph, features, expected, tolerance, "onnxruntime")
    compare_elsewhere(converted, graph, features, tolerance)
    pack = Pack(
        name,
        graph,
        version=version,
        licence=licence,
        source=source,
        front_end=dict(front_end or {}),
        figures=dict(figures or {}),
        golden=Golden(features, expected),
    )
    write_pack(pack, pack_path)
    return pack
