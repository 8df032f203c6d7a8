"""Weights in 8 bits, where a task allows it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.graph import Floats, Node, Quantised
from luthier.pitch.models.network import Network
from luthier.pitch.models.pack import Golden, Pack, write_pack

__all__ = ["quantize"]


def quantize(
    pack: Pack,
    path: str | os.PathLike[str],
    *,
    metric: Callable[[Pack], float],
    tolerance: float,
    smallest: int = 256,
) -> Pack:
    """Write a pack with weights in 8 bits, unless the task's own metric says that it loses by it.

    The weights of each output get a scale of their own, the best of some in the least-squares sense. They
    are stored in 8 bits, a quarter of the bytes, and computed with as float32: these networks are too small
    for memory to limit them, and their sums stay exact.

    Parameters
    ----------
    pack : Pack
    path : path
        Where to write.
    metric : callable
        ``metric(pack)``: how well a pack does its task, higher being better: an accuracy in percent, say.
    tolerance : float
        How much of the metric may be lost.
    smallest : int
        Convolutions with fewer weights stay as they are.

    Returns
    -------
    Pack
        What was written. Its golden vectors are its own, and `figures` holds the metric before and after.

    Raises
    ------
    ModelError
        When the metric falls by more than `tolerance`; nothing is written then.
    """
    nodes = tuple(_quantised(node, smallest) for node in pack.graph.nodes)
    smaller = replace(pack, graph=replace(pack.graph, nodes=nodes))
    before, after = float(metric(pack)), float(metric(smaller))
    if not before - after <= tolerance:
        raise ModelError(
            f"in 8 bits the metric falls from {before:.6g} to {after:.6g}, by more than the tolerance of "
            f"{tolerance:.6g}; keep float32, or train with weights in 8 bits"
        )
    golden = pack.golden
    if golden is not None:
        golden = Golden(golden.features, Network(smaller)(golden.features))
    figures = {**pack.figures, "metric in float32": before, "metric in 8 bits": after}
    smaller = replace(smaller, golden=golden, figures=figures)
    write_pack(smaller, path)
    return smaller


def _quantised(node: Node, smallest: int) -> Node:
    if node.op != "convolution" or node.array("weights").size < smallest:
        return node
    return replace(node, weights={**node.weights, "weights": _round(node.array("weights"))})


def _round(weights: Floats) -> Quantised:
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    largest = np.abs(flat).max(axis=1, keepdims=True)
    largest[largest == 0] = 1
    best = np.full(len(flat), np.inf)
    scale = largest[:, 0] / 127
    # Clipping the few largest weights may cost less than rounding all others more coarsely.
    for share in np.linspace(0.6, 1.0, 41):
        step = largest * share / 127
        error = ((np.clip(np.round(flat / step), -127, 127) * step - flat) ** 2).sum(axis=1)
        better = error < best
        best[better] = error[better]
        scale[better] = step[better, 0]
    values = np.clip(np.round(flat / scale[:, None]), -127, 127).astype(np.int8).reshape(weights.shape)
    return Quantised(values, scale.astype(np.float32))
