"""The operators that a model pack may hold, declared once, and a network as a list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from luthier.pitch.models.errors import ModelError

__all__ = ["OPERATORS", "Graph", "Node", "Operator", "Quantised", "Weights"]

Floats = npt.NDArray[np.float32]


class Quantised(NamedTuple):
    """Weights in 8 bits: ``values * scale``, one scale for each entry of the first axis.

    Attributes
    ----------
    values : array of int8, (outputs, ...)
    scale : array of float32, (outputs,)
    """

    values: npt.NDArray[np.int8]
    scale: Floats

    def expand(self) -> Floats:
        """Return the weights as float32, which is what the runtime computes with."""
        scale = self.scale.reshape(-1, *[1] * (self.values.ndim - 1))
        return np.asarray(self.values * scale, np.float32)


Weights = Floats | Quantised


@dataclass(frozen=True)
class Operator:
    """What an operator takes.

    Attributes
    ----------
    inputs
        How many tensors, or None for one or more.
    parameters
        Names of its integer parameters with the number of integers in each, in the native order.
    weights
        Names of its arrays.
    words
        For a parameter given as a word, the words in the order of their native numbers.
    """

    inputs: int | None = 1
    parameters: Mapping[str, int] = field(default_factory=dict)
    weights: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


#: The closed set. Tensors are (channels, frames, bins); a node's meaning is written in native/network.h.
OPERATORS: Mapping[str, Operator] = {
    "convolution": Operator(
        parameters={
            "outputs": 1,
            "kernel": 2,
            "stride": 2,
            "padding": 4,
            "dilation": 2,
            "groups": 1,
            "transposed": 1,
        },
        weights=("weights", "bias"),
    ),
    "relu": Operator(),
    "leaky_relu": Operator(weights=("slope",)),
    "sigmoid": Operator(),
    "tanh": Operator(),
    "add": Operator(inputs=2),
    "multiply": Operator(inputs=2),
    "affine": Operator(weights=("scale", "offset")),
    "concatenate": Operator(None, {"axis": 1}, words={"axis": ("channels", "bins")}),
    "window_channels": Operator(parameters={"start": 1, "count": 1}),
    "window_bins": Operator(parameters={"start": 1, "count": 1}),
    "swap": Operator(),
    "extend": Operator(
        parameters={"before": 1, "after": 1, "mode": 1}, words={"mode": ("zeros", "reflected")}
    ),
    "square_root": Operator(),
    "logarithm": Operator(),
    "sum": Operator(),
    "normalise": Operator(),
}


@dataclass(frozen=True)
class Node:
    """One operation of a network.

    Attributes
    ----------
    op
        One of `OPERATORS`.
    name
        What messages call it.
    inputs
        Names of the tensors that it reads.
    output
        Name of the tensor that it makes.
    parameters
        Integers, tuples of integers or words, as the operator asks.
    weights
        Its arrays by name.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    output: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Weights] = field(default_factory=dict)

    def numbers(self) -> list[int]:
        """Return the parameters as the runtime takes them, or raise `ModelError`."""
        operator = OPERATORS.get(self.op)
        if operator is None:
            raise ModelError(
                f"node {self.name!r}: this version knows no operator {self.op!r}; it knows "
                + ", ".join(OPERATORS)
            )
        if set(self.parameters) != set(operator.parameters) or set(self.weights) != set(operator.weights):
            raise ModelError(
                f"node {self.name!r}: {self.op} takes the parameters {sorted(operator.parameters)} and the "
                f"arrays {sorted(operator.weights)}, got {sorted(self.parameters)} and {sorted(self.weights)}"
            )
        found: list[int] = []
        for name, count in operator.parameters.items():
            value = self.parameters[name]
            if name in operator.words:
                if value not in operator.words[name]:
                    raise ModelError(
                        f"node {self.name!r}: {name} must be one of {operator.words[name]}, got {value!r}"
                    )
                value = operator.words[name].index(value)
            values = [value] if count == 1 else value
            if (
                not isinstance(values, list | tuple)
                or len(values) != count
                or not all(isinstance(v, int) and abs(v) < 2**31 for v in values)
            ):
                raise ModelError(
                    f"node {self.name!r}: {name} must be {count} integers, got {self.parameters[name]!r}"
                )
            found += [int(v) for v in values]
        return found

    def array(self, name: str) -> Floats:
        """Return one of its arrays as float32."""
        held = self.weights[name]
        return held.expand() if isinstance(held, Quantised) else np.asarray(held, np.float32)


@dataclass(frozen=True)
class Graph:
    """A network: one input, nodes in an order in which each reads what came before, named outputs.

    Attributes
    ----------
    input
        Name of the input tensor.
    channels, bins
        Its shape, beside frames. A signal has one of each.
    nodes
        The operations.
    outputs
        Names of the outputs, and the tensor that each is.
    """

    input: str
    channels: int
    bins: int
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]

    def native(self) -> tuple[list[object], list[int]]:
        """Return nodes and outputs as the runtime takes them, or raise `ModelError`."""
        numbers = {self.input: 0}
        nodes: list[object] = []
        empty = np.zeros(0, np.float32)
        for node in self.nodes:
            parameters = node.numbers()
            count = OPERATORS[node.op].inputs
            if count is not None and len(node.inputs) != count:
                raise ModelError(
                    f"node {node.name!r}: {node.op} takes {count} inputs, got {len(node.inputs)}"
                )
            for name in node.inputs:
                if name not in numbers:
                    raise ModelError(f"node {node.name!r}: no node before it makes its input {name!r}")
            if node.output in numbers:
                raise ModelError(f"node {node.name!r}: the tensor {node.output!r} is already there")
            arrays = [np.ascontiguousarray(node.array(name)).ravel() for name in OPERATORS[node.op].weights]
            arrays += [empty] * (2 - len(arrays))
            nodes.append((node.name, node.op, [numbers[name] for name in node.inputs], parameters, *arrays))
            numbers[node.output] = len(numbers)
        for name, tensor in self.outputs.items():
            if tensor not in numbers:
                raise ModelError(f"output {name!r}: no node makes the tensor {tensor!r}")
        return nodes, [numbers[tensor] for tensor in self.outputs.values()]
