"""The native operators against the same written in NumPy, in double precision."""

import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core import LayoutError, StreamError
from luthier.pitch import models
from luthier.pitch.models import Graph, ModelError, Network, Node

# --- the reference -----------------------------------------------------------------------------------------


def convolve(x, node):
    p = node.parameters
    (kt, kb), (st_, sb), (dt, db) = p["kernel"], p["stride"], p["dilation"]
    before, after, left, right = p["padding"]
    x = np.pad(x, ((0, 0), (before, after), (left, right)))
    weights, bias = (node.array(n).astype(float) for n in ("weights", "bias"))
    inner, each = x.shape[0] // p["groups"], p["outputs"] // p["groups"]
    weights = weights.reshape(p["outputs"], inner, kt, kb)
    frames = (x.shape[1] - dt * (kt - 1) - 1) // st_ + 1
    bins = (x.shape[2] - db * (kb - 1) - 1) // sb + 1
    y = np.zeros((p["outputs"], max(frames, 0), bins)) + bias[:, None, None]
    for o in range(p["outputs"]):
        group = x[o // each * inner : (o // each + 1) * inner]
        for t in range(kt):
            for k in range(kb):
                part = group[:, t * dt :, k * db :][:, ::st_, ::sb][:, : max(frames, 0), :bins]
                y[o] += np.einsum("c,cfb->fb", weights[o, :, t, k], part)
    return y.transpose(2, 1, 0) if p["transposed"] else y


def window(x, axis, start, count):
    y = np.zeros([count if i == axis else n for i, n in enumerate(x.shape)])
    for i in range(count):
        if 0 <= start + i < x.shape[axis]:
            y.swapaxes(0, axis)[i] = x.swapaxes(0, axis)[start + i]
    return y


def reference(graph, features):
    tensors = {graph.input: np.asarray(features, float)}
    for node in graph.nodes:
        tensors[node.output] = apply(node, [tensors[name] for name in node.inputs])
    return {name: tensors[tensor] for name, tensor in graph.outputs.items()}


def apply(node, x):
    p = node.parameters
    return {
        "convolution": lambda: convolve(x[0], node),
        "relu": lambda: np.maximum(x[0], 0),
        "leaky_relu": lambda: np.where(x[0] < 0, x[0] * node.array("slope")[0], x[0]),
        "sigmoid": lambda: 1 / (1 + np.exp(-x[0])),
        "tanh": lambda: np.tanh(x[0]),
        "add": lambda: x[0] + x[1],
        "multiply": lambda: x[0] * x[1],
        "affine": lambda: x[0] * node.array("scale")[:, None] + node.array("offset")[:, None],
        "concatenate": lambda: np.concatenate(x, axis=0 if p["axis"] == "channels" else 2),
        "window_channels": lambda: window(x[0], 0, p["start"], p["count"]),
        "window_bins": lambda: window(x[0], 2, p["start"], p["count"]),
        "swap": lambda: x[0].transpose(2, 1, 0),
        "extend": lambda: np.pad(
            x[0],
            ((0, 0), (p["before"], p["after"]), (0, 0)),
            "constant" if p["mode"] == "zeros" else "reflect",
        ),
        "square_root": lambda: np.sqrt(x[0]),
        "logarithm": lambda: np.log(x[0]),
        "sum": lambda: x[0].sum(axis=0, keepdims=True),
        "normalise": lambda: (x[0] - x[0].min()) / (x[0].max() - x[0].min() or 1),
    }[node.op]()


# --- building ----------------------------------------------------------------------------------------------


class Builder:
    """Adds nodes one after the other and keeps the shapes."""

    def __init__(self, random, channels, bins):
        self.random, self.channels, self.bins = random, channels, bins
        self.shape = {"x": (channels, bins)}
        self.nodes = []

    def add(self, op, inputs, shape, parameters=None, **weights):
        name = f"t{len(self.nodes)}"
        weights = {k: np.asarray(v, np.float32) for k, v in weights.items()}
        self.nodes.append(Node(op, name, tuple(inputs), name, parameters or {}, weights))
        self.shape[name] = shape
        return name

    def convolution(
        self, x, outputs, kernel, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1, transposed=0
    ):
        channels, bins = self.shape[x]
        taps = channels // groups * kernel[0] * kernel[1]
        out = (bins + padding[2] + padding[3] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
        return self.add(
            "convolution", [x], (1, outputs) if transposed else (outputs, out),
            {"outputs": outputs, "kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation,
                 "groups": groups, "transposed": transposed},
            weights=self.random.standard_normal((outputs, channels // groups, *kernel)) / np.sqrt(taps),
            bias=self.random.standard_normal(outputs),
        )  # fmt: skip

    def plain(self, op, *inputs, **weights):
        return self.add(op, inputs, self.shape[inputs[0]], **weights)

    def graph(self, *outputs):
        return Graph("x", self.channels, self.bins, tuple(self.nodes), {name: name for name in outputs})


def features_for(random, graph, frames):
    return random.standard_normal((graph.channels, frames, graph.bins)).astype(np.float32)


def check(graph, features, tolerance=2e-6):
    got, wanted = Network(graph)(features), reference(graph, features)
    assert got.keys() == wanted.keys()
    for name, want in wanted.items():
        assert got[name].shape == want.shape
        scale = max(1.0, np.abs(want).max(initial=0))
        assert np.abs(got[name] - want).max(initial=0) <= tolerance * scale


# --- operators ---------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=120)
@given(st.data())
def test_convolution(data):
    draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    random = np.random.default_rng(draw(0, 2**32))
    groups = draw(1, 3)
    channels, outputs = groups * draw(1, 4), groups * draw(1, 11)
    bins = draw(1, 70)
    kernel, dilation = (draw(1, 5), draw(1, min(7, bins))), (draw(1, 3), draw(1, 2))
    padding = (draw(0, 4), draw(0, 4), draw(0, 20), draw(0, 20))
    if dilation[1] * (kernel[1] - 1) + 1 > bins + padding[2] + padding[3]:
        dilation = (dilation[0], 1)
    b = Builder(random, channels, bins)
    y = b.convolution("x", outputs, kernel, (draw(1, 3), draw(1, 4)), padding, dilation, groups)
    graph = b.graph(y)
    frames = draw(1, 40)
    if frames + padding[0] + padding[1] > dilation[0] * (kernel[0] - 1):
        check(graph, features_for(random, graph, frames))


@pytest.mark.parametrize("outputs", [1, 3, 16, 36, 72])
@pytest.mark.parametrize("transposed", [0, 1])
def test_filters_of_a_signal(outputs, transposed):
    random = np.random.default_rng(outputs)
    b = Builder(random, 1, 1)
    x = b.convolution("x", 1, (31, 1), (2, 1), (15, 15, 0, 0))  # a decimator
    b.convolution(x, outputs, (64, 1), (16, 1), (32, 32, 0, 0), transposed=transposed)
    graph = b.graph("t0", "t1")
    check(graph, features_for(random, graph, 2_999))


@pytest.mark.parametrize("channels", [4, 32])
def test_all_bins_into_one(channels):
    random = np.random.default_rng(channels)
    b = Builder(random, 3, 50)
    y = b.convolution("x", channels, (3, 50), padding=(1, 1, 0, 0))
    z = b.convolution(y, 5, (5, 1), padding=(2, 2, 0, 0), transposed=1)
    graph = b.graph(y, z)
    check(graph, features_for(random, graph, 33))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 40), st.integers(0, 30))
def test_elementwise(seed, channels, bins, frames):
    random = np.random.default_rng(seed)
    b = Builder(random, channels, bins)
    sharp = b.plain(
        "affine", "x", scale=5 + np.zeros((channels, bins)), offset=random.standard_normal((channels, bins))
    )
    names = [b.plain(op, sharp) for op in ("relu", "sigmoid", "tanh")]
    names += [
        b.plain("leaky_relu", "x", slope=[0.1]),
        b.plain("add", "x", sharp),
        b.plain("multiply", "x", sharp),
    ]
    square = b.plain("multiply", "x", "x")
    far = b.plain("affine", square, scale=np.ones((channels, bins)), offset=0.01 + np.zeros((channels, bins)))
    names += [b.plain("square_root", far), b.plain("logarithm", far), b.add("sum", [sharp], (1, bins))]
    names += [b.add("swap", [sharp], (bins, channels))]
    graph = b.graph(*names)
    check(graph, features_for(random, graph, frames))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 40), st.integers(1, 30))
def test_rearranging(seed, channels, bins, frames):
    random = np.random.default_rng(seed)
    b = Builder(random, channels, bins)
    start, count = int(random.integers(-9, bins + 9)), int(random.integers(1, 60))
    one = b.add("window_bins", ["x"], (channels, count), {"start": start, "count": count})
    two = b.add("window_channels", ["x"], (1, bins), {"start": channels - 1, "count": 1})
    three = b.add("concatenate", ["x", two], (channels + 1, bins), {"axis": "channels"})
    four = b.add("concatenate", ["x", one, "x"], (channels, 2 * bins + count), {"axis": "bins"})
    five = b.add("extend", ["x"], (channels, bins), {"before": 3, "after": 7, "mode": "zeros"})
    reach = int(random.integers(0, frames))
    six = b.add(
        "extend", ["x"], (channels, bins), {"before": reach, "after": frames - 1, "mode": "reflected"}
    )
    seven = b.plain("normalise", "x")
    graph = b.graph(one, two, three, four, five, six, seven)
    check(graph, features_for(random, graph, frames))


def test_normalise_of_a_constant_is_zero():
    b = Builder(None, 1, 3)
    graph = b.graph(b.plain("normalise", "x"))
    assert not Network(graph)(np.ones((1, 5, 3), np.float32))["t0"].any()


def test_two_normalised_in_one_graph():
    # More frames than a node makes at a time.
    random = np.random.default_rng(14)
    b = Builder(random, 1, 64)
    square = b.plain("multiply", "x", "x")
    graph = b.graph(b.plain("add", b.plain("normalise", "x"), b.plain("normalise", square)))
    check(graph, features_for(random, graph, 20_000))


# --- whole networks ----------------------------------------------------------------------------------------


def residual(random, channels=12, bins=95, deep=4):
    """A net of residual blocks with a strided branch and two heads."""
    b = Builder(random, 3, bins)
    x = b.plain("relu", b.convolution("x", channels, (3, 7), padding=(1, 1, 3, 3)))
    for _ in range(deep):
        y = b.plain("relu", b.convolution(x, channels, (3, 5), padding=(1, 1, 2, 2)))
        x = b.plain("relu", b.plain("add", x, b.convolution(y, channels, (1, 3), padding=(0, 0, 1, 1))))
    wide = b.convolution(x, channels, (3, 3), padding=(2, 0, 1, 1), dilation=(1, 1), groups=channels)
    wide = b.plain("leaky_relu", wide, slope=[0.01])
    head = b.plain("sigmoid", b.convolution(wide, 1, (5, 5), padding=(2, 2, 2, 2)))
    voiced = b.plain("sigmoid", b.convolution(x, 1, (1, bins)))
    coarse = b.convolution(x, 9, (2, 5), (2, 3), padding=(0, 1, 2, 2))
    return b.graph(head, voiced, coarse)


def stream(network, features, cuts):
    run = network.stream()
    parts = [run.push(part) for part in np.split(features, cuts, axis=1)]
    parts.append(run.flush())
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in network.outputs}


def test_residual_network():
    random = np.random.default_rng(1)
    graph = residual(random)
    check(graph, features_for(random, graph, 70), 1e-5)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32), st.integers(0, 150))
def test_stream_is_batch_bit_for_bit(seed, frames):
    random = np.random.default_rng(seed)
    graph = residual(random, int(random.integers(1, 14)), int(random.integers(5, 100)), 2)
    network = Network(graph)
    features = features_for(random, graph, frames)
    whole = network(features)
    cuts = np.sort(random.integers(0, frames + 1, int(random.integers(0, 12))))
    for each in (stream(network, features, cuts), stream(network, features, np.arange(frames))):
        for name, array in whole.items():
            assert np.array_equal(array, each[name])


def test_stream_of_a_signal():
    random = np.random.default_rng(2)
    b = Builder(random, 1, 1)
    x = b.add("extend", ["x"], (1, 1), {"before": 32, "after": 32, "mode": "reflected"})
    fine = b.convolution(x, 20, (64, 1), (32, 1), transposed=1)
    y = b.convolution("x", 1, (33, 1), (2, 1), (16, 16, 0, 0))
    y = b.add("extend", [y], (1, 1), {"before": 32, "after": 32, "mode": "reflected"})
    coarse = b.convolution(y, 20, (64, 1), (16, 1), transposed=1)
    both = b.add("concatenate", [coarse, fine], (1, 40), {"axis": "bins"})
    graph = b.graph(b.convolution(both, 8, (3, 9), padding=(1, 1, 4, 4)))
    features = features_for(random, graph, 20_000)
    check(graph, features)
    network = Network(graph)
    (whole,) = network(features).values()
    for cuts in ([1, 2, 40, 9_000, 9_001, 17_777], np.arange(0, 20_000, 97)):
        (each,) = stream(network, features, cuts).values()
        assert np.array_equal(whole, each)


def test_a_batch_is_its_signals():
    random = np.random.default_rng(3)
    graph = residual(random, 5, 40, 1)
    network = Network(graph)
    batch = random.standard_normal((5, 3, 64, 40)).astype(np.float32)
    together = network(batch)
    for i, features in enumerate(batch):
        for name, array in network(features).items():
            assert np.array_equal(array, together[name][i])


def test_look_ahead_is_what_the_stream_needs():
    random = np.random.default_rng(4)
    graph = residual(random)
    network = Network(graph)
    run = network.stream()
    seen, first = 0, None
    for n in range(60):
        out = run.push(features_for(random, graph, 1))
        seen += next(iter(out.values())).shape[1]
        if first is None and seen:
            first = n
    assert network.look_ahead == first
    assert seen == 60 - first
    # And a change further off than look_ahead or look_behind changes nothing.
    x = features_for(random, graph, 120)
    z = x.copy()
    z[:, 60] += 1
    name = next(iter(network.outputs))
    changed = np.flatnonzero(np.any(network(x)[name] != network(z)[name], axis=(0, 2)))
    assert changed[0] >= 60 - network.look_ahead
    assert changed[-1] <= 60 + network.look_behind


def test_memory_does_not_grow():
    random = np.random.default_rng(5)
    graph = residual(random, 6, 60, 2)
    run = Network(graph).stream()
    at_first = run._native.bytes
    for count in (1, 7, 500, 1, 3, 64):
        run.push(features_for(random, graph, count))
    run.flush()
    assert run._native.bytes == at_first < 4_000_000


def test_empty_signal():
    random = np.random.default_rng(6)
    graph = residual(random)
    for array in Network(graph)(features_for(random, graph, 0)).values():
        assert array.shape[1] == 0


# --- refusals ----------------------------------------------------------------------------------------------


def test_whole_signal_does_not_stream():
    b = Builder(None, 1, 3)
    network = Network(b.graph(b.plain("normalise", "x")))
    assert network.look_ahead == np.inf
    with pytest.raises(StreamError, match="whole signal"):
        network.stream()


def test_a_stream_ends():
    random = np.random.default_rng(7)
    graph = residual(random)
    run = Network(graph).stream()
    features = features_for(random, graph, 9)
    first = run.push(features), run.flush()
    with pytest.raises(StreamError, match="reset"):
        run.push(features)
    run.reset()
    again = run.push(features), run.flush()
    for one, other in zip(first, again, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")
def test_ctrl_c_is_heard():
    graph = residual(np.random.default_rng(12))
    network = Network(graph)
    run = network.stream()
    features = np.zeros((3, 60_000, 95), np.float32)

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for call in (network, run.push):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with pytest.raises(KeyboardInterrupt):
                call(features)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(StreamError, match="interrupted"):
        run.push(features[:, :10])
    run.reset()
    assert all(array.shape[1] for array in run.push(features[:, :100]).values())


@pytest.mark.parametrize(
    "features",
    [
        np.zeros((3, 5, 94), np.float32),
        np.zeros((3, 5, 95)),
        np.zeros((2, 5, 95), np.float32),
        np.zeros(3, np.float32),
    ],
)
def test_features_of_another_shape(features):
    network = Network(residual(np.random.default_rng(8)))
    with pytest.raises(LayoutError, match=r"float32 of the shape \(3, frames, 95\)"):
        network(features)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"op": "fourier"}, "no operator 'fourier'"),
        ({"inputs": ("nowhere",)}, "no node before it makes its input 'nowhere'"),
        ({"parameters": {}}, "takes the parameters"),
        ({"groups": 2}, "groups"),
        ({"kernel": (3, 200)}, "longer than the bins|wrong size"),
        ({"kernel": (3, -1)}, "out of range"),
        ({"stride": (0, 1)}, "out of range"),
        ({"padding": (2**30, 0, 0, 0)}, "out of range"),
        ({"kernel": (3, "1")}, "must be 2 integers"),
        ({"outputs": 4}, "wrong size"),
    ],
)
def test_nodes_that_make_no_sense(change, message):
    b = Builder(np.random.default_rng(9), 3, 95)
    b.convolution("x", 5, (3, 3))
    (node,) = b.nodes
    fields = {
        "op": node.op,
        "name": "the node",
        "inputs": node.inputs,
        "output": "y",
        "parameters": dict(node.parameters),
        "weights": node.weights,
    }
    for key, value in change.items():
        if key in fields:
            fields[key] = value
        else:
            fields["parameters"][key] = value
    with pytest.raises(ModelError, match=message) as caught:
        Network(Graph("x", 3, 95, (Node(**fields),), {"y": "y"}))
    assert "the node" in str(caught.value)


def test_what_would_take_all_memory():
    b = Builder(np.random.default_rng(13), 1, 4_000)
    b.convolution("x", 1, (2, 1), dilation=(400_000, 1))
    with pytest.raises(ModelError, match=r"node 't0' .*reaches too far"):
        Network(b.graph("t0"))


def test_a_stride_that_would_take_all_memory():
    b = Builder(np.random.default_rng(15), 1, 1)
    b.convolution("x", 1, (1, 1), (2**20 - 1, 1))
    with pytest.raises(ModelError, match=r"wants \d+ MiB"):
        Network(b.graph("t0"))


def test_what_all_tensors_take_together():
    b = Builder(np.random.default_rng(16), 1, 1)
    x = b.convolution("x", 1, (2, 1), dilation=(500_000, 1))
    Network(b.graph(x))
    for _ in range(150):
        x = b.convolution(x, 1, (2, 1), dilation=(500_000, 1))
    with pytest.raises(ModelError, match=r"wants \d+ MiB"):
        Network(b.graph(x))


def test_what_waits_for_the_other_branch():
    # Each tensor alone is small, but all of the wide one is kept until the narrow ones are there.
    b = Builder(np.random.default_rng(17), 1, 2_000)
    x = b.convolution("x", 1, (1, 2_000))
    for _ in range(6):
        x = b.convolution(x, 1, (2, 1), dilation=(20_000, 1))
    wide = b.add("concatenate", ["x", x], (1, 2_001), {"axis": "bins"})
    with pytest.raises(ModelError, match=r"wants \d+ MiB"):
        Network(b.graph(wide))


def test_strides_that_multiply():
    b = Builder(np.random.default_rng(18), 1, 2)
    x = b.convolution("x", 1, (1, 1), (2**20 - 1, 1))
    with pytest.raises(ModelError, match=r"node 't1' .*strides in time"):
        Network(b.graph(b.convolution(x, 1, (1, 1), (2**20 - 1, 1))))


def test_a_stream_of_a_long_stride_begins_soon():
    b = Builder(np.random.default_rng(19), 1, 2)
    x = b.convolution("x", 1, (1, 1), (2**10, 1))
    for _ in range(3):
        x = b.convolution(x, 1, (8_000, 1), padding=(7_999, 0, 0, 0))
    graph = b.graph(b.convolution(x, 1, (1, 1), (2**10, 1)))
    run = Network(graph).stream()
    assert [array.shape[1] for array in run.push(np.ones((1, 2**10, 2), np.float32)).values()] == [1]


def test_a_stream_is_one_threads():
    network = Network(residual(np.random.default_rng(20)))
    run = network.stream()
    features = np.zeros((3, 20_000, 95), np.float32)
    begun = threading.Event()

    def push():
        begun.set()
        while True:
            try:
                run.push(features)
            except StreamError:
                continue
            return

    thread = threading.Thread(target=push)
    thread.start()
    begun.wait()
    refused = []
    while thread.is_alive():
        try:
            run.reset()
        except StreamError as error:
            refused.append(str(error))
    thread.join()
    assert refused
    assert all("two threads" in each for each in refused)
    run.reset()
    assert run.push(features[:, :100])


def test_different_rates_do_not_mix():
    b = Builder(np.random.default_rng(10), 1, 8)
    slow = b.convolution("x", 1, (2, 1), (2, 1))
    with pytest.raises(ModelError, match="different frame rates"):
        Network(b.graph(b.plain("add", "x", slow)))


# --- instruction sets --------------------------------------------------------------------------------------


def test_models_need_nothing_but_numpy():
    code = "import sys, luthier.pitch.models; assert not {'onnx', 'onnxruntime', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert models.OPERATORS
