"""ONNX graphs node by node, and the tensors between the nodes.

An ONNX tensor has axes in any order; a native one is (channels, frames, bins). So each ONNX tensor is a
native one and, for each of its axes, which of the three it is. A transposition or a reshape that only moves
axes is then no work, and the few operators that want a certain axis as their channels get a `swap` first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.graph import Floats, Node
from luthier.pitch.models.onnx_constants import CONSTANT

__all__ = ["BINS", "CHANNELS", "FRAMES", "Array", "Extreme", "NodeReader", "Shifted", "Tensor", "Value"]

Array = npt.NDArray[Any]
CHANNELS, FRAMES, BINS = "channels", "frames", "bins"


@dataclass(frozen=True)
class Tensor:
    """A native tensor under the axes of an ONNX one.

    Attributes
    ----------
    name
        Of the native tensor.
    axes
        For each ONNX axis ``"channels"``, ``"frames"``, ``"bins"``, or None where it has length 1.
    shape
        Lengths of the ONNX axes.
    """

    name: str
    axes: tuple[str | None, ...]
    shape: tuple[int, ...]

    def find(self, label: str) -> int | None:
        """Return the axis that is `label`."""
        return self.axes.index(label) if label in self.axes else None


@dataclass(frozen=True)
class Extreme:
    """The least value of a whole signal, or its range; all axes have length 1."""

    kind: str  # "least", "range" (of the signal less its least), or "flat" (whether the range is zero)
    of: Tensor


@dataclass(frozen=True)
class Shifted:
    """A signal less its least value."""

    of: Tensor


Value = Tensor | Array | Extreme | Shifted

_MALFORMED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)


class NodeReader(ABC):
    """Reads a graph on construction: `nodes`, and under each ONNX name its value.

    What the operators mean is in `Reader`.

    Parameters
    ----------
    onnx : module
    graph : onnx.GraphProto
    axes : sequence of str, optional
        Of the input.
    frames : int
        Assumed where the file leaves them open.
    """

    def __init__(self, onnx: Any, graph: Any, axes: Sequence[str] | None, frames: int) -> None:
        self.onnx = onnx
        self.nodes: list[Node] = []
        self.shapes: dict[str, tuple[int, int]] = {}  # of native tensors: channels, bins
        self.values: dict[str, Value] = {}
        for each in graph.initializer:
            try:
                self.values[each.name] = onnx.numpy_helper.to_array(each)
            except Exception as error:
                raise ModelError(f"the file's array {each.name!r} cannot be read: {error}") from None
        self._read_input(graph, axes, frames)
        for i, node in enumerate(graph.node):
            self._node = node
            self._label = node.name or f"number {i}"
            try:
                self._read(node)
            except ModelError:
                raise
            except _MALFORMED as error:
                raise self._refuse(
                    f"its inputs or attributes are not what ONNX asks for ({type(error).__name__}: {error})"
                ) from None

    # --- the input and arrays of it -------------------------------------------------------------------------

    def _read_input(self, graph: Any, axes: Sequence[str] | None, frames: int) -> None:
        inputs = [each for each in graph.input if each.name not in self.values]
        if len(inputs) != 1:
            raise ModelError(f"the file must have one input, it has {[each.name for each in inputs]}")
        dims = [
            int(d.dim_value) if d.HasField("dim_value") else 0 for d in inputs[0].type.tensor_type.shape.dim
        ]
        labels = tuple(axes) if axes is not None else ("batch", CHANNELS, FRAMES, BINS)[: len(dims)]
        if (
            len(labels) != len(dims)
            or labels.count(FRAMES) != 1
            or not set(labels) <= {"batch", CHANNELS, FRAMES, BINS}
        ):
            raise ModelError(
                f"axes must name each of the input's {len(dims)} axes batch, channels, frames or bins, with "
                f"frames once, got {labels}"
            )
        shape = []
        for label, length in zip(labels, dims, strict=True):
            if length <= 0 and label not in ("batch", FRAMES):
                raise ModelError(f"the number of {label} must be fixed in the file's input")
            shape.append(1 if label == "batch" else length or frames)
        self.frames = shape[labels.index(FRAMES)]
        self.open_frames = dims[labels.index(FRAMES)] <= 0
        self.input_name = inputs[0].name
        self.input_tensor = "features"
        named = tuple(
            None if label == "batch" or (length == 1 and label != FRAMES) else label
            for label, length in zip(labels, shape, strict=True)
        )
        tensor = Tensor(self.input_tensor, named, tuple(shape))
        sizes = {label: length for label, length in zip(named, shape, strict=True) if label}
        self.shapes[self.input_tensor] = (sizes.get(CHANNELS, 1), sizes.get(BINS, 1))
        self.values[self.input_name] = self._input = tensor

    def tensor(self, onnx_name: str) -> Tensor:
        """Return what an ONNX tensor became."""
        value = self.values[onnx_name]
        assert isinstance(value, Tensor)
        return value

    def to_onnx(self, features: Floats) -> Array:
        """Return (channels, frames, bins) with the axes of the file's input."""
        order = [label for label in self._input.axes if label]
        rest = [label for label in (CHANNELS, FRAMES, BINS) if label not in order]
        whole = features.transpose([(CHANNELS, FRAMES, BINS).index(label) for label in order + rest])
        shape = [
            features.shape[1] if a == FRAMES else n
            for a, n in zip(self._input.axes, self._input.shape, strict=True)
        ]
        return np.ascontiguousarray(whole.reshape(shape))

    @staticmethod
    def to_native(tensor: Tensor, array: Array) -> Floats:
        """Return an ONNX array as (channels, frames, bins)."""
        order = [label for label in tensor.axes if label]
        shape = [n for n, label in zip(array.shape, tensor.axes, strict=True) if label]
        missing = [label for label in (CHANNELS, FRAMES, BINS) if label not in order]
        whole = array.reshape(shape + [1] * len(missing))
        both = order + missing
        return np.ascontiguousarray(
            whole.transpose([both.index(a) for a in (CHANNELS, FRAMES, BINS)]), np.float32
        )

    # --- nodes ----------------------------------------------------------------------------------------------

    def _refuse(self, why: str) -> ModelError:
        return ModelError(f"ONNX node {self._label!r} ({self._node.op_type}): {why}")

    @property
    @abstractmethod
    def _operators(self) -> Mapping[str, Callable[[Any], Value]]:
        """What is done for each of ONNX's operators that are known."""

    def _read(self, node: Any) -> None:
        inputs = []
        for name in node.input:
            if name and name not in self.values:
                raise self._refuse(f"nothing makes its input {name!r}")
            inputs.append(self.values[name] if name else None)
        attributes = {a.name: self._attribute(a) for a in node.attribute}
        self._inputs: list[Any] = inputs
        self._attributes: dict[str, Any] = attributes
        if node.domain not in ("", "ai.onnx"):
            raise self._refuse(f"operators of the domain {node.domain!r} are not known")
        if (
            all(isinstance(value, np.ndarray) for value in inputs if value is not None)
            and node.op_type in CONSTANT
        ):
            results: Any = CONSTANT[node.op_type](inputs, attributes)
        elif node.op_type in self._operators:
            results = self._operators[node.op_type](self)
        else:
            raise self._refuse(
                "the operator is not in the closed set of what the native runtime does: "
                + ", ".join(sorted(self._operators))
            )
        if len([name for name in node.output if name]) != 1 or not node.output[0]:
            raise self._refuse("it must have one output, its first")
        self.values[node.output[0]] = results

    def _attribute(self, attribute: Any) -> Any:
        value = self.onnx.helper.get_attribute_value(attribute)
        if hasattr(value, "dims"):
            return self.onnx.numpy_helper.to_array(value)
        return value.decode() if isinstance(value, bytes) else value

    def _emit(
        self,
        op: str,
        inputs: Sequence[str],
        shape: tuple[int, int],
        parameters: Mapping[str, Any] | None = None,
        **weights: Array,
    ) -> str:
        name = f"{len(self.nodes)}"
        arrays = {key: np.asarray(value, np.float32) for key, value in weights.items()}
        self.nodes.append(Node(op, self._label, tuple(inputs), name, dict(parameters or {}), arrays))
        self.shapes[name] = shape
        return name

    def _is_tensor(self, value: Any) -> Tensor:
        if not isinstance(value, Tensor):
            what = "a constant" if isinstance(value, np.ndarray) else "an extreme over the whole signal"
            raise self._refuse(f"it takes {what} where the native runtime takes a signal")
        return value

    def _ints(self, value: Any, what: str) -> list[int]:
        if not isinstance(value, np.ndarray | list | tuple):
            raise self._refuse(f"{what} must be constant")
        return [int(v) for v in np.ravel(np.asarray(value))]

    # --- axes -----------------------------------------------------------------------------------------------

    def _swapped(self, t: Tensor) -> Tensor:
        channels, bins = self.shapes[t.name]
        other = {CHANNELS: BINS, BINS: CHANNELS, FRAMES: FRAMES, None: None}
        name = self._emit("swap", [t.name], (bins, channels))
        return Tensor(name, tuple(other[axis] for axis in t.axes), t.shape)

    def _claim(self, t: Tensor, axis: int, label: str) -> Tensor:
        """The tensor with this axis as its channels, or its bins."""
        here = t.axes[axis]
        if here == label:
            return t
        if here == FRAMES:
            raise self._refuse(f"it works along the frames where {label} are meant")
        if here is not None or label in t.axes:
            t = self._swapped(t)
        if t.axes[axis] is None:
            if label in t.axes:
                raise self._refuse("it has more axes than channels, frames and bins")
            t = replace(t, axes=tuple(label if i == axis else a for i, a in enumerate(t.axes)))
        return t

    def _same(self, t: Tensor, op: str, **weights: Array) -> Tensor:
        return replace(t, name=self._emit(op, [t.name], self.shapes[t.name], None, **weights))

    def _view(self, t: Tensor, shape: Sequence[int]) -> Tensor:
        """Another ONNX shape with the same axes in the same order."""
        labels = [(a, n) for a, n in zip(t.axes, t.shape, strict=True) if n != 1]
        if [n for n in shape if n != 1] != [n for _, n in labels]:
            raise self._refuse(f"it would merge or split axes: from {t.shape} to {tuple(shape)}")
        rest = iter(labels)
        axes: list[str | None] = [None if n == 1 else next(rest)[0] for n in shape]
        # A single frame is still the frames.
        if FRAMES in t.axes and FRAMES not in axes:
            raise self._refuse("it loses the frames, of which the example has only one")
        return Tensor(t.name, tuple(axes), tuple(shape))

    def _with_sizes(self, name: str, axes: tuple[str | None, ...], shape: tuple[int, ...]) -> Tensor:
        """A tensor whose axes of length 1 are no longer channels or bins."""
        return Tensor(
            name,
            tuple(None if n == 1 and a != FRAMES else a for a, n in zip(axes, shape, strict=True)),
            shape,
        )

    def _axes_of(self, rank: int) -> list[int]:
        given = self._attributes.get("axes", self._inputs[1] if len(self._inputs) > 1 else None)
        axes = list(range(rank)) if given is None else self._ints(given, "its axes")
        return [axis + rank if axis < 0 else axis for axis in axes]
