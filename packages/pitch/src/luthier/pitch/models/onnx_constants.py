"""ONNX operators whose inputs are all constant, done at once: the arithmetic of shapes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CONSTANT", "room"]

Array = npt.NDArray[Any]

_MOST_ELEMENTS = 1 << 26  # of a constant
_TYPES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}


def room(shape: Iterable[int]) -> list[int]:
    """Return the shape of a constant unless that would be too large."""
    lengths = [int(n) for n in shape]
    if math.prod(lengths) > _MOST_ELEMENTS:
        raise ValueError(f"a constant of the shape {lengths} is too large: at most {_MOST_ELEMENTS} elements")
    return lengths


def _broadcast(inputs: Sequence[Any]) -> Sequence[Any]:
    """Return the constants unless together they would be too large."""
    room(np.broadcast_shapes(*(np.shape(each) for each in inputs)))
    return inputs


def _constant_pair(compute: Callable[[Any, Any], Any]) -> Callable[[Sequence[Any], Mapping[str, Any]], Array]:
    def read(inputs: Sequence[Any], _: Mapping[str, Any]) -> Array:
        first, second = _broadcast(inputs)
        return np.asarray(compute(first, second))

    return read


def _constant_divide(a: Any, b: Any) -> Any:
    if not np.issubdtype(a.dtype, np.integer):
        return a / b
    if not np.all(b):
        raise ZeroDivisionError("integers divided by zero")
    return a // b


def _constant_gather(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Array:
    x, places = inputs
    axis = int(attributes.get("axis", 0))
    room([*np.delete(x.shape, axis), *places.shape])
    return np.asarray(np.take(x, places, axis=axis))


def _constant_concat(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Array:
    room([sum(each.size for each in inputs)])
    return np.concatenate(inputs, axis=int(attributes["axis"]))


def _constant_expand(inputs: Sequence[Any], _: Mapping[str, Any]) -> Array:
    x, shape = inputs
    whole = room(np.broadcast_shapes(x.shape, tuple(int(n) for n in shape)))
    return np.asarray(np.broadcast_to(x, whole))


def _constant_slice(inputs: Sequence[Any], _: Mapping[str, Any]) -> Array:
    x, starts, ends = inputs[:3]
    axes = inputs[3] if len(inputs) > 3 and inputs[3] is not None else range(len(starts))
    steps = inputs[4] if len(inputs) > 4 and inputs[4] is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        x = np.moveaxis(np.moveaxis(x, int(axis), 0)[int(start) : int(end) : int(step)], 0, int(axis))
    return np.asarray(x)


def _constant_unsqueeze(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Array:
    axes = attributes["axes"] if "axes" in attributes else inputs[1]
    return np.expand_dims(inputs[0], tuple(int(a) for a in np.ravel(axes)))


def _constant_squeeze(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Array:
    axes = attributes.get("axes", inputs[1] if len(inputs) > 1 else None)
    return np.asarray(np.squeeze(inputs[0], None if axes is None else tuple(int(a) for a in np.ravel(axes))))


def _constant(_: Sequence[Any], attributes: Mapping[str, Any]) -> Array:
    for key in ("value", "value_int", "value_ints", "value_float", "value_floats"):
        if key in attributes:
            return np.asarray(attributes[key])
    raise ValueError(f"a Constant with {sorted(attributes)} is not known")


def _constant_of_shape(inputs: Sequence[Any], attributes: Mapping[str, Any]) -> Array:
    value = np.asarray(attributes.get("value", np.zeros(1, np.float32)))
    return np.full(room(inputs[0]), value.ravel()[0])


CONSTANT: Mapping[str, Callable[[Sequence[Any], Mapping[str, Any]], Array]] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Shape": lambda x, _: np.array(x[0].shape, np.int64),
    "Cast": lambda x, a: np.asarray(x[0]).astype(_TYPES.get(int(a["to"]), np.float32)),
    "Slice": _constant_slice,
    "Gather": _constant_gather,
    "Concat": _constant_concat,
    "Unsqueeze": _constant_unsqueeze,
    "Squeeze": _constant_squeeze,
    "Reshape": lambda x, _: np.reshape(x[0], [int(n) for n in x[1]]),
    "Transpose": lambda x, a: np.transpose(x[0], a.get("perm")),
    "Identity": lambda x, _: np.asarray(x[0]),
    "Neg": lambda x, _: np.asarray(-x[0]),
    "Add": _constant_pair(operator.add),
    "Sub": _constant_pair(operator.sub),
    "Mul": _constant_pair(operator.mul),
    "Div": _constant_pair(_constant_divide),
    "Equal": _constant_pair(operator.eq),
    "Where": lambda x, _: np.where(*_broadcast(x)),
    "Expand": _constant_expand,
}
