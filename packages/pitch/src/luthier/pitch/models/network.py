"""Running a network: a whole signal, a batch, or a stream, with the same result to the bit."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.core import LayoutError, StreamError
from luthier.core import _native as core_native
from luthier.pitch import _native
from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.graph import Graph
from luthier.pitch.models.pack import Pack, read_pack

__all__ = ["Network", "NetworkStream"]

Floats = npt.NDArray[np.float32]


class Network:
    """The network of a model pack, ready to run.

    Runs fully convolutionally: a signal of any length, frame by frame, in memory that does not grow with it,
    and with no windows to stitch.

    Parameters
    ----------
    model : Pack, Graph or path
        A path is read with `read_pack`.

    Attributes
    ----------
    channels, bins : int
        Shape of the features, beside frames.
    outputs : dict
        Name of each output and its ``(channels, bins)``.
    strides : dict
        For each output, how many input frames it advances a frame.
    look_ahead : int or math.inf
        Frames of input that a frame of the output needs after its own, ``t * stride``; infinite where the
        network looks at the whole signal (`normalise`).
    look_behind : int or math.inf
        The same before it.
    products : float
        Multiplications (each with its addition) for one frame of input.

    Raises
    ------
    ModelError
        When the graph does not make sense; the message names the node.

    Examples
    --------
    >>> import numpy as np
    >>> from luthier.pitch import models
    >>> ones = np.ones((1, 1, 3, 1), np.float32)
    >>> node = models.Node("convolution", "mean", ("x",), "y", dict(
    ...     outputs=1, kernel=(3, 1), stride=(1, 1), padding=(1, 1, 0, 0), dilation=(1, 1), groups=1,
    ...     transposed=0), dict(weights=ones / 3, bias=np.zeros(1, np.float32)))
    >>> network = models.Network(models.Graph("x", 1, 2, (node,), {"mean": "y"}))
    >>> network(np.array([[[3, 0], [3, 0], [0, 3]]], np.float32))["mean"]
    array([[[2., 0.],
            [2., 1.],
            [1., 1.]]], dtype=float32)
    >>> network.look_ahead
    1
    """

    def __init__(self, model: Pack | Graph | str | os.PathLike[str]) -> None:
        if not isinstance(model, Pack | Graph):
            model = read_pack(model)
        self.pack = model if isinstance(model, Pack) else None
        graph = model.graph if isinstance(model, Pack) else model
        nodes, outputs = graph.native()
        try:
            self._native = _native.Network(
                model.name if isinstance(model, Pack) else "", graph.channels, graph.bins, nodes, outputs
            )
        except (ValueError, TypeError, MemoryError) as error:
            raise ModelError(f"the network does not make sense: {error}") from None
        self.graph = graph
        self.channels, self.bins = graph.channels, graph.bins
        names = list(graph.outputs)
        self.outputs: dict[str, tuple[int, int]] = {
            name: self._native.shape(i) for i, name in enumerate(names)
        }
        self.strides: dict[str, int] = {name: self._native.stride(i) for i, name in enumerate(names)}
        whole = self._native.whole
        count = range(len(names))
        self.look_ahead: float = math.inf if whole else max(0, *(self._native.look_ahead(i) for i in count))
        self.look_behind: float = math.inf if whole else max(0, *(self._native.look_behind(i) for i in count))
        self.products: float = self._native.products

    def __call__(self, features: Any) -> dict[str, Floats]:
        """Run the network over a signal or a batch of signals.

        Parameters
        ----------
        features : array of float32, (channels, frames, bins) or (batch, channels, frames, bins)
            A batch is spread over luthier's threads.

        Returns
        -------
        dict
            For each output (channels, frames, bins), with the batch in front where there was one.

        Raises
        ------
        LayoutError
            When the shape or the type is another.
        """
        batch = self._check(features, (3, 4))
        single = batch.ndim == 3
        batch = np.ascontiguousarray(batch[None] if single else batch)
        results = self._empty(batch.shape[0], [
            self._native.frames(i, batch.shape[2], True) for i in range(len(self.outputs))
        ])  # fmt: skip
        self._native.run(batch, results, core_native.pool())
        return {name: r[0] if single else r for name, r in zip(self.outputs, results, strict=True)}

    def stream(self) -> NetworkStream:
        """Start a stream: features come in pieces of any size, and the outputs are those of one call.

        Raises
        ------
        StreamError
            When the network needs the whole signal before its first frame.
        """
        if math.isinf(self.look_ahead):
            raise StreamError(
                "this network looks at the whole signal (normalise) and cannot run as a stream; call it with "
                "the signal"
            )
        return NetworkStream(self)

    def _check(self, features: Any, ranks: tuple[int, ...]) -> Floats:
        array = np.asarray(features)
        if (
            array.dtype != np.float32
            or array.ndim not in ranks
            or (array.shape[-3], array.shape[-1]) != (self.channels, self.bins)
        ):
            batch = "" if 4 not in ranks else ", with a batch in front or not"
            raise LayoutError(
                f"features must be float32 of the shape ({self.channels}, frames, {self.bins}){batch}, got "
                f"{array.dtype} of the shape {array.shape}"
            )
        return array

    def _empty(self, batch: int, frames: list[int]) -> list[Floats]:
        return [
            np.empty((batch, channels, count, bins), np.float32)
            for count, (channels, bins) in zip(frames, self.outputs.values(), strict=True)
        ]


class NetworkStream:
    """A network over features that come in pieces. `Network.stream` makes them.

    Every piece gives the frames that are ready; all together they are, bit for bit, those of one call. After
    the construction no memory is taken but for the results, unless the network needs millions of frames to
    get under way.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._native = _native.NetworkStream(network._native, True)
        self._ended = False

    def push(self, features: Any) -> dict[str, Floats]:
        """Take more frames and return what is ready.

        Parameters
        ----------
        features : array of float32, (channels, frames, bins)
            Any number of frames, none included.

        Returns
        -------
        dict
            For each output (channels, frames, bins) with the frames that are new.
        """
        return self._push(self.network._check(features, (3,)), False)

    def flush(self) -> dict[str, Floats]:
        """End the signal and return the frames that are left."""
        ended = self._push(np.zeros((self.network.channels, 0, self.network.bins), np.float32), True)
        self._ended = True
        return ended

    def reset(self) -> None:
        """Begin another signal."""
        try:
            self._native.reset()
        except RuntimeError as error:  # another thread is pushing
            raise StreamError(str(error)) from None
        self._ended = False

    def _push(self, features: Floats, end: bool) -> dict[str, Floats]:
        if self._ended:
            raise StreamError("the stream has ended with flush(); reset() it or start another")
        network = self.network
        piece = np.ascontiguousarray(features[None])
        try:
            results = network._empty(1, self._native.ready(network._native, piece.shape[2], end))
            self._native.push(network._native, piece, end, results)
        except RuntimeError as error:  # two threads, or after an interruption
            raise StreamError(str(error)) from None
        return {name: result[0] for name, result in zip(network.outputs, results, strict=True)}
