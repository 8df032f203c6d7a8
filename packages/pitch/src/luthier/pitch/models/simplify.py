"""Networks with less in them that compute the same: constant factors folded, padding joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from luthier.pitch.models.graph import Graph, Node

__all__ = ["simplify"]


def simplify(graph: Graph) -> Graph:
    """Fold scales and offsets into convolutions, join padding with them, drop what nobody reads."""
    while True:
        graph = _without_unread(graph)
        simpler = _fold_affine(graph) or _join_padding(graph)
        if simpler is None:
            return graph
        graph = simpler


def _readers(graph: Graph, tensor: str) -> list[Node]:
    return [node for node in graph.nodes if tensor in node.inputs]


def _without_unread(graph: Graph) -> Graph:
    wanted = set(graph.outputs.values())
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.output in wanted:
            wanted.update(node.inputs)
            kept.append(node)
    return replace(graph, nodes=tuple(reversed(kept)))


def _replaced(graph: Graph, changes: dict[str, Node | None]) -> Graph:
    """The graph with the nodes that make these tensors replaced, or dropped."""
    nodes = (changes.get(node.output, node) for node in graph.nodes)
    return replace(graph, nodes=tuple(node for node in nodes if node is not None))


def _fold_affine(graph: Graph) -> Graph | None:
    """Y = (convolution) * scale + offset is a convolution, where both are the same for all of its bins."""
    makers = {node.output: node for node in graph.nodes}
    for node in graph.nodes:
        if node.op != "affine":
            continue
        before = makers.get(node.inputs[0])
        if (
            before is None
            or len(_readers(graph, before.output)) != 1
            or before.output in graph.outputs.values()
        ):
            continue
        scale, offset = node.array("scale"), node.array("offset")
        if before.op == "affine":
            first, second = before.array("scale"), before.array("offset")
            weights = {"scale": first * scale, "offset": second * scale + offset}
        elif before.op == "convolution":
            if before.parameters["transposed"]:
                scale, offset = scale.reshape(-1, 1), offset.reshape(-1, 1)
            if np.any(scale != scale[:, :1]) or np.any(offset != offset[:, :1]):
                continue
            gain = scale[:, 0].astype(np.float64)
            weights = {
                "weights": (before.array("weights") * gain[:, None, None, None]).astype(np.float32),
                "bias": (before.array("bias") * gain + offset[:, 0]).astype(np.float32),
            }
        else:
            continue
        joined = replace(before, output=node.output, weights=weights)
        return _replaced(graph, {before.output: None, node.output: joined})
    return None


def _join_padding(graph: Graph) -> Graph | None:
    """Zeros around the input of convolutions are their own padding."""
    for node in graph.nodes:
        if node.op == "extend" and node.parameters["mode"] == "zeros":
            more = (node.parameters["before"], node.parameters["after"], 0, 0)
        elif node.op == "window_bins" and node.parameters["start"] <= 0:
            bins = _bins(graph, node.inputs[0])
            right = node.parameters["count"] + node.parameters["start"] - bins
            if right < 0:
                continue
            more = (0, 0, -node.parameters["start"], right)
        else:
            continue
        readers = _readers(graph, node.output)
        if node.output in graph.outputs.values() or any(r.op != "convolution" for r in readers):
            continue
        changes: dict[str, Node | None] = {node.output: None}
        for reader in readers:
            padding = tuple(a + b for a, b in zip(reader.parameters["padding"], more, strict=True))
            changes[reader.output] = replace(
                reader, inputs=node.inputs, parameters={**reader.parameters, "padding": padding}
            )
        return _replaced(graph, changes)
    return None


def _bins(graph: Graph, tensor: str) -> int:
    from luthier.pitch.models.network import Network

    return Network(replace(graph, outputs={"it": tensor})).outputs["it"][1]
