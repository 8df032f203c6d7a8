"""ONNX operators, each as what the native runtime does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from luthier.pitch.models.onnx_constants import room
from luthier.pitch.models.onnx_nodes import (
    BINS,
    CHANNELS,
    FRAMES,
    Array,
    Extreme,
    NodeReader,
    Shifted,
    Tensor,
    Value,
)

__all__ = ["Reader"]


class Reader(NodeReader):
    """Reads a graph whose operators are in the closed set that is known."""

    @property
    def _operators(self) -> Mapping[str, Callable[[Reader], Value]]:
        return _OPERATORS

    def _conv(self) -> Value:
        t = self._is_tensor(self._inputs[0])
        weights = self._inputs[1]
        bias = self._inputs[2] if len(self._inputs) > 2 and self._inputs[2] is not None else None
        if not isinstance(weights, np.ndarray) or not (bias is None or isinstance(bias, np.ndarray)):
            raise self._refuse("its weights must be constant")
        spatial = len(t.shape) - 2
        if self._attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
            raise self._refuse(f"auto_pad {self._attributes['auto_pad']!r}: give the padding in numbers")
        if spatial not in (1, 2):
            raise self._refuse(f"it has {spatial} axes to slide along")
        if t.axes[0] is not None or t.axes[1] == FRAMES or FRAMES not in t.axes:
            raise self._refuse(f"its axes are {t.axes}; the batch comes first and frames after the channels")
        t = self._claim(t, 1, CHANNELS)
        along = list(t.axes[2:])
        if spatial == 2 and BINS not in along:
            along[along.index(None)] = BINS
        order = [along.index(FRAMES)] + ([along.index(BINS)] if spatial == 2 else [])

        def pair(values: Any, default: int) -> tuple[int, int]:
            listed = [int(v) for v in values] if values is not None else [default] * spatial
            picked = [listed[i] for i in order]
            return picked[0], picked[1] if spatial == 2 else 1

        kernel = pair(weights.shape[2:], 1)
        stride, dilation = (
            pair(self._attributes.get("strides"), 1),
            pair(self._attributes.get("dilations"), 1),
        )
        pads = [int(v) for v in self._attributes.get("pads", [0] * 2 * spatial)]
        low, high = [pads[i] for i in order], [pads[spatial + i] for i in order]
        padding = (low[0], high[0], low[1] if spatial == 2 else 0, high[1] if spatial == 2 else 0)
        if min(padding) < 0:
            raise self._refuse("negative padding")
        groups = int(self._attributes.get("group", 1))
        outputs = weights.shape[0]
        packed = weights.transpose([0, 1, *(2 + i for i in order)]).reshape(
            outputs, weights.shape[1], *kernel
        )

        channels, bins = self.shapes[t.name]
        if channels != weights.shape[1] * groups:
            raise self._refuse(
                f"its weights are for {weights.shape[1] * groups} channels, its input has {channels}"
            )
        frames = t.shape[2 + order[0]]
        new_frames = (frames + padding[0] + padding[1] - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1
        new_bins = (bins + padding[2] + padding[3] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
        if new_bins < 1 or new_frames < 1:
            raise self._refuse("its kernel is longer than its input")
        # The filters of a signal become bins: they lie along frequency, or a swap is the same work later.
        transposed = channels == 1 and bins == 1 and new_bins == 1 and outputs > 1
        name = self._emit(
            "convolution",
            [t.name],
            (1, outputs) if transposed else (outputs, new_bins),
            {
                "outputs": outputs,
                "kernel": kernel,
                "stride": stride,
                "padding": padding,
                "dilation": dilation,
                "groups": groups,
                "transposed": int(transposed),
            },
            weights=packed,
            bias=np.zeros(outputs) if bias is None else bias,
        )
        length = {FRAMES: new_frames, BINS: new_bins}
        shape = (t.shape[0], outputs, *(length[a or BINS] if a else 1 for a in along))
        axes = (
            None,
            BINS if transposed else CHANNELS,
            *(None if transposed and a == BINS else a for a in along),
        )
        return self._with_sizes(name, axes, shape)

    def _matmul(self) -> Value:
        t, weights = self._is_tensor(self._inputs[0]), self._inputs[1]
        if not isinstance(weights, np.ndarray) or weights.ndim != 2:
            raise self._refuse("only a signal times a constant matrix is known")
        last = len(t.shape) - 1
        t = self._claim(t, last, CHANNELS)
        outputs = weights.shape[1]
        name = self._emit(
            "convolution",
            [t.name],
            (outputs, self.shapes[t.name][1]),
            {
                "outputs": outputs,
                "kernel": (1, 1),
                "stride": (1, 1),
                "padding": (0, 0, 0, 0),
                "dilation": (1, 1),
                "groups": 1,
                "transposed": 0,
            },
            weights=weights.T[:, :, None, None],
            bias=np.zeros(outputs),
        )
        return self._with_sizes(name, t.axes, (*t.shape[:-1], outputs))

    def _leaky_relu(self) -> Value:
        slope = np.array([self._attributes.get("alpha", 0.01)])
        return self._same(self._is_tensor(self._inputs[0]), "leaky_relu", slope=slope)

    def _neg(self) -> Value:
        return self._affine(self._is_tensor(self._inputs[0]), np.float32(-1), np.float32(0))

    def _affine(self, t: Tensor, scale: Array | np.floating[Any], offset: Array | np.floating[Any]) -> Tensor:
        arrays = [self._over_bins(t, np.asarray(each, np.float64)) for each in (scale, offset)]
        return self._same(t, "affine", scale=arrays[0], offset=arrays[1])

    def _over_bins(self, t: Tensor, constant: Array) -> Array:
        """A constant that broadcasts against the ONNX tensor, as (channels, bins)."""
        if constant.ndim > len(t.shape):
            if any(n != 1 for n in constant.shape[: constant.ndim - len(t.shape)]):
                raise self._refuse("its constant has more axes than its input")
            constant = constant.reshape(constant.shape[constant.ndim - len(t.shape) :])
        constant = constant.reshape((1,) * (len(t.shape) - constant.ndim) + constant.shape)
        frames = t.find(FRAMES)
        assert frames is not None
        if constant.shape[frames] != 1:
            if np.any(constant != constant.take([0], frames)):
                raise self._refuse("its constant differs from frame to frame")
            constant = constant.take([0], frames)
        room(n for i, n in enumerate(t.shape) if i != frames)
        shape = [1 if i == frames else n for i, n in enumerate(t.shape)]
        try:
            whole = np.broadcast_to(constant, shape)
        except ValueError:
            raise self._refuse(f"a constant of the shape {constant.shape} does not fit {t.shape}") from None
        order = [axis for label in (CHANNELS, BINS) if (axis := t.find(label)) is not None]
        order += [i for i in range(len(shape)) if i not in order]
        return whole.transpose(order).reshape(self.shapes[t.name])

    def _arithmetic(self) -> Value:
        op, (a, b) = self._node.op_type, self._inputs
        if (
            isinstance(a, Shifted)
            and isinstance(b, Extreme)
            and (op, b.kind) == ("Div", "range")
            and a.of == b.of
        ):
            return self._same(a.of, "normalise")
        if (
            isinstance(a, Tensor)
            and isinstance(b, Extreme)
            and (op, b.kind) == ("Sub", "least")
            and a.name == b.of.name
        ):
            return Shifted(a)
        if isinstance(a, np.ndarray) and isinstance(b, Tensor):
            if op == "Sub":
                return self._affine(b, np.float32(-1), a)
            if op == "Div":
                raise self._refuse("a constant divided by a signal is not known")
            a, b = b, a
        if isinstance(a, Tensor) and isinstance(b, np.ndarray):
            one, none = np.float32(1), np.float32(0)
            value = b.astype(np.float64)
            return {
                "Add": lambda: self._affine(a, one, value),
                "Sub": lambda: self._affine(a, one, -value),
                "Mul": lambda: self._affine(a, value, none),
                "Div": lambda: self._affine(a, 1 / value, none),
            }[op]()
        a, b = self._is_tensor(a), self._is_tensor(b)
        if op == "Div":
            raise self._refuse("a signal divided by another is not known")
        if a.shape != b.shape:
            raise self._refuse(
                f"its inputs have the shapes {a.shape} and {b.shape}; broadcasting is not known"
            )
        if a.axes != b.axes:
            b = self._swapped(b)
        if a.axes != b.axes:
            raise self._refuse("its inputs' axes are in different order")
        if op == "Sub":
            b = self._affine(b, np.float32(-1), np.float32(0))
        name = self._emit("multiply" if op == "Mul" else "add", [a.name, b.name], self.shapes[a.name])
        return replace(a, name=name)

    def _power(self) -> Value:
        t, exponent = self._is_tensor(self._inputs[0]), self._inputs[1]
        if (
            not isinstance(exponent, np.ndarray)
            or exponent.size != 1
            or float(exponent.ravel()[0]) not in (0.5, 2.0)
        ):
            raise self._refuse("only the exponents 2 and 0.5 are known")
        if float(exponent.ravel()[0]) == 0.5:
            return self._same(t, "square_root")
        return replace(t, name=self._emit("multiply", [t.name, t.name], self.shapes[t.name]))

    def _batch_norm(self) -> Value:
        t = self._is_tensor(self._inputs[0])
        if not all(isinstance(each, np.ndarray) for each in self._inputs[1:5]):
            raise self._refuse("its parameters must be constant")
        scale, bias, mean, variance = (np.asarray(each, np.float64) for each in self._inputs[1:5])
        gain = scale / np.sqrt(variance + self._attributes.get("epsilon", 1e-5))
        shape = (-1, *[1] * (len(t.shape) - 2))
        return self._affine(t, gain.reshape(shape), (bias - mean * gain).reshape(shape))

    def _reduce(self) -> Value:
        op, x = self._node.op_type, self._inputs[0]
        t = x.of if isinstance(x, Shifted) else self._is_tensor(x)
        axes = self._axes_of(len(t.shape))
        kept = bool(self._attributes.get("keepdims", 1))
        if op in ("ReduceMin", "ReduceMax"):
            if any(n != 1 for i, n in enumerate(t.shape) if i not in axes):
                raise self._refuse("extremes are known only over the whole signal")
            if op == "ReduceMin" and isinstance(x, Tensor):
                return Extreme("least", t)
            if op == "ReduceMax" and isinstance(x, Shifted):
                return Extreme("range", t)
            raise self._refuse("extremes are known only as (x - least) / (most - least)")
        if isinstance(x, Shifted):
            raise self._refuse("extremes are known only as (x - least) / (most - least)")
        count = 1
        for axis in axes:
            if t.shape[axis] == 1:
                continue
            count *= t.shape[axis]
            t = self._claim(t, axis, CHANNELS)
            name = self._emit("sum", [t.name], (1, self.shapes[t.name][1]))
            shape = tuple(1 if i == axis else n for i, n in enumerate(t.shape))
            t = self._with_sizes(name, t.axes, shape)
        if op == "ReduceMean" and count > 1:
            t = self._affine(t, np.float64(1 / count), np.float64(0))
        return t if kept else self._view(t, [n for i, n in enumerate(t.shape) if i not in axes])

    def _reshape(self) -> Value:
        x = self._inputs[0]
        if isinstance(x, Extreme):
            return x
        t = self._is_tensor(x)
        shape = self._ints(self._inputs[1], "its shape")
        shape = [t.shape[i] if n == 0 and i < len(t.shape) else n for i, n in enumerate(shape)]
        if -1 in shape:
            known = int(np.prod([n for n in shape if n != -1]))
            shape[shape.index(-1)] = int(np.prod(t.shape)) // max(known, 1)
        return self._view(t, shape)

    def _flatten(self) -> Value:
        t = self._is_tensor(self._inputs[0])
        axis = int(self._attributes.get("axis", 1)) % len(t.shape)
        return self._view(t, [int(np.prod(t.shape[:axis])), int(np.prod(t.shape[axis:]))])

    def _transpose(self) -> Value:
        t = self._is_tensor(self._inputs[0])
        order = list(self._attributes.get("perm", range(len(t.shape))[::-1]))
        if sorted(order) != list(range(len(t.shape))):
            raise self._refuse(f"perm must name each of {len(t.shape)} axes once, got {order}")
        return Tensor(t.name, tuple(t.axes[i] for i in order), tuple(t.shape[i] for i in order))

    def _unsqueeze(self) -> Value:
        if isinstance(self._inputs[0], Extreme):
            return self._inputs[0]
        t = self._is_tensor(self._inputs[0])
        given = self._ints(
            self._attributes.get("axes", self._inputs[1] if len(self._inputs) > 1 else None), "its axes"
        )
        rank = len(t.shape) + len(given)
        new = {axis % rank for axis in given}
        old = iter(zip(t.axes, t.shape, strict=True))
        both = [(None, 1) if i in new else next(old) for i in range(rank)]
        return Tensor(t.name, tuple(a for a, _ in both), tuple(n for _, n in both))

    def _squeeze(self) -> Value:
        if isinstance(self._inputs[0], Extreme):
            return self._inputs[0]
        t = self._is_tensor(self._inputs[0])
        given = self._attributes.get("axes", self._inputs[1] if len(self._inputs) > 1 else None)
        axes = (
            [i for i, n in enumerate(t.shape) if n == 1 and t.axes[i] is None]
            if given is None
            else [axis % len(t.shape) for axis in self._ints(given, "its axes")]
        )
        if any(t.shape[i] != 1 or t.axes[i] is not None for i in axes):
            raise self._refuse(f"it squeezes an axis that is not of length 1: {axes} of {t.shape}")
        left = [i for i in range(len(t.shape)) if i not in axes]
        return Tensor(t.name, tuple(t.axes[i] for i in left), tuple(t.shape[i] for i in left))

    def _pad(self) -> Value:
        t = self._is_tensor(self._inputs[0])
        mode = self._attributes.get("mode", "constant")
        pads = self._ints(
            self._attributes.get("pads", self._inputs[1] if len(self._inputs) > 1 else None), "its padding"
        )
        rank = len(t.shape)
        axes = list(range(rank))
        if len(self._inputs) > 3 and self._inputs[3] is not None:
            axes = [axis % rank for axis in self._ints(self._inputs[3], "its axes")]
        value = self._attributes.get(
            "value", self._inputs[2] if len(self._inputs) > 2 and self._inputs[2] is not None else 0.0
        )
        if mode not in ("constant", "reflect") or (mode == "constant" and float(np.ravel(value)[0]) != 0):
            raise self._refuse(f"padding in the mode {mode!r} with {value}: zeros and reflection are known")
        for place, axis in enumerate(axes):
            low, high = pads[place], pads[place + len(axes)]
            if low == 0 and high == 0:
                continue
            if min(low, high) < 0:
                raise self._refuse("negative padding")
            shape = tuple(n + low + high if i == axis else n for i, n in enumerate(t.shape))
            if t.axes[axis] == FRAMES:
                name = self._emit(
                    "extend",
                    [t.name],
                    self.shapes[t.name],
                    {"before": low, "after": high, "mode": "reflected" if mode == "reflect" else "zeros"},
                )
                t = Tensor(name, t.axes, shape)
            elif mode == "constant":
                t = self._window(t, axis, -low, shape[axis])
            else:
                raise self._refuse("reflection is known along the frames only")
        return t

    def _window(self, t: Tensor, axis: int, start: int, count: int) -> Tensor:
        inside = start >= 0 and start + count <= t.shape[axis]
        if t.axes[axis] != CHANNELS or not inside:
            t = self._claim(t, axis, BINS)
        channels, bins = self.shapes[t.name]
        if t.axes[axis] == CHANNELS:
            name = self._emit("window_channels", [t.name], (count, bins), {"start": start, "count": count})
        else:
            name = self._emit("window_bins", [t.name], (channels, count), {"start": start, "count": count})
        return self._with_sizes(name, t.axes, tuple(count if i == axis else n for i, n in enumerate(t.shape)))

    def _slice(self) -> Value:
        t = self._is_tensor(self._inputs[0])
        starts = self._ints(
            self._attributes.get("starts", self._inputs[1] if len(self._inputs) > 1 else None), "its start"
        )
        ends = self._ints(
            self._attributes.get("ends", self._inputs[2] if len(self._inputs) > 2 else None), "its end"
        )
        given = self._attributes.get("axes", self._inputs[3] if len(self._inputs) > 3 else None)
        axes = list(range(len(starts))) if given is None else self._ints(given, "its axes")
        steps = (
            self._ints(self._inputs[4], "its step")
            if len(self._inputs) > 4 and self._inputs[4] is not None
            else [1] * len(starts)
        )
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            axis %= len(t.shape)
            # As many frames as there happen to be here are not all that another signal has.
            if t.axes[axis] == FRAMES and self.open_frames and (start != 0 or end < _OPEN_END or step != 1):
                raise self._refuse(f"it cuts frames off: {start}:{end}:{step}")
            first, last, by = slice(start, end, step).indices(t.shape[axis])
            if by != 1 or last <= first:
                raise self._refuse(
                    f"steps other than 1 and empty slices are not known, got {start}:{end}:{step}"
                )
            if last - first == t.shape[axis]:
                continue
            if t.axes[axis] == FRAMES:
                raise self._refuse("it cuts frames off")
            t = self._window(t, axis, first, last - first)
        return t

    def _concat(self) -> Value:
        tensors = [self._is_tensor(each) for each in self._inputs]
        rank = len(tensors[0].shape)
        axis = int(self._attributes["axis"]) % rank
        if any(len(t.shape) != rank for t in tensors) or any(t.axes[axis] == FRAMES for t in tensors):
            raise self._refuse("it joins frames, or tensors of different ranks")
        labels = {t.axes[axis] for t in tensors} - {None}
        others = {a for t in tensors for i, a in enumerate(t.axes) if i != axis}
        label = (labels & {CHANNELS, BINS} or {CHANNELS, BINS} - others or {CHANNELS}).copy()
        chosen = CHANNELS if CHANNELS in label else BINS
        tensors = [self._claim(t, axis, chosen) for t in tensors]
        # The other axis must be called the same too: the one with the most to say decides.
        pattern = max((t.axes for t in tensors), key=lambda axes: sum(a is not None for a in axes))
        for i, t in enumerate(tensors):
            if any(a != b and a is not None for a, b in zip(t.axes, pattern, strict=True)):
                raise self._refuse(f"its inputs' axes do not agree: {t.axes} and {pattern} (input {i})")
        sizes = [self.shapes[t.name] for t in tensors]
        same = 1 if chosen == CHANNELS else 0
        if any(size[same] != sizes[0][same] for size in sizes):
            raise self._refuse(f"its inputs differ in shape: {[t.shape for t in tensors]}")
        total = sum(t.shape[axis] for t in tensors)
        shape = (total, sizes[0][1]) if chosen == CHANNELS else (sizes[0][0], total)
        name = self._emit("concatenate", [t.name for t in tensors], shape, {"axis": chosen})
        return self._with_sizes(
            name,
            pattern,
            tuple(total if i == axis else n for i, n in enumerate(tensors[0].shape)),
        )

    def _unchanged(self) -> Value:
        value: Value = self._inputs[0]
        return value

    def _shape_of(self) -> Value:
        return np.array(self._is_tensor(self._inputs[0]).shape, np.int64)

    def _equal(self) -> Value:
        x, zero = self._inputs
        if isinstance(x, Extreme) and x.kind == "range" and isinstance(zero, np.ndarray) and not zero.any():
            return Extreme("flat", x.of)
        raise self._refuse("comparisons are known only of a whole signal's range with zero")

    def _where(self) -> Value:
        flag, zero, t = self._inputs
        if (
            isinstance(flag, Extreme)
            and flag.kind == "flat"
            and isinstance(zero, np.ndarray)
            and not zero.any()
        ):
            made = self.nodes[-1]
            if isinstance(t, Tensor) and t.name == made.output and made.op == "normalise":
                return t  # which is zero where the range is
        raise self._refuse("choices are known only as zero in place of a division by a range of zero")


def _unary(op: str) -> Callable[[Reader], Value]:
    def read(reader: Reader) -> Value:
        return reader._same(reader._is_tensor(reader._inputs[0]), op)

    return read


_OPERATORS: Mapping[str, Callable[[Reader], Value]] = {
    "Conv": Reader._conv,
    "MatMul": Reader._matmul,
    "Relu": _unary("relu"),
    "LeakyRelu": Reader._leaky_relu,
    "Sigmoid": _unary("sigmoid"),
    "Tanh": _unary("tanh"),
    "Sqrt": _unary("square_root"),
    "Log": _unary("logarithm"),
    "Neg": Reader._neg,
    "Pow": Reader._power,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), Reader._arithmetic),
    "BatchNormalization": Reader._batch_norm,
    **dict.fromkeys(("ReduceSum", "ReduceMean", "ReduceMin", "ReduceMax"), Reader._reduce),
    "Reshape": Reader._reshape,
    "Flatten": Reader._flatten,
    "Transpose": Reader._transpose,
    "Unsqueeze": Reader._unsqueeze,
    "Squeeze": Reader._squeeze,
    "Pad": Reader._pad,
    "Slice": Reader._slice,
    "Concat": Reader._concat,
    "Shape": Reader._shape_of,
    "Equal": Reader._equal,
    "Where": Reader._where,
    **dict.fromkeys(("Identity", "Dropout", "Cast"), Reader._unchanged),
}

_OPEN_END = 2**31 - 1  # of a slice: what exporters write for the end of an axis, or more
