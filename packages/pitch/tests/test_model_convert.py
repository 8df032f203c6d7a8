"""From ONNX and PyTorch to a pack: the native network does what onnxruntime and PyTorch do."""

import builtins

import numpy as np
import pytest

from luthier.core import MissingDependencyError
from luthier.pitch import models
from luthier.pitch.models import ModelError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper = onnx.helper


def save(path, nodes, inputs, outputs, weights=(), opset=17, valid=True):
    """An ONNX file; a shape of None is open."""

    def info(name, shape):
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes, "graph", [info(*each) for each in inputs], [info(*each) for each in outputs],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in weights],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    if valid:
        onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), [output], name=f"the {op} for {output}", **attributes)


def weights(*shape):
    return (np.random.default_rng(1).standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def check(tmp_path, nodes, inputs=(("x", ["n", 3, "t", 20]),), outputs=(("y", None),), arrays=(), axes=None):
    path = save(tmp_path / "model.onnx", nodes, inputs, outputs, arrays)
    return models.convert(path, tmp_path / "model.pack", name="test", axes=axes)


OPERATORS = {
    "convolution": (
        [node("Conv", "x w b", "y", pads=[1, 2, 1, 2])],
        [("w", weights(5, 3, 3, 5)), ("b", weights(5, 1)[:, 0])],
    ),
    "no bias, strides, dilations": (
        [node("Conv", "x w", "y", strides=[2, 3], dilations=[2, 1], pads=[4, 1, 0, 3])],
        [("w", weights(5, 3, 3, 5))],
    ),
    "depthwise": ([node("Conv", "x w", "y", group=3)], [("w", weights(6, 1, 2, 3))]),
    "batch norm": (
        [
            node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
            node("BatchNormalization", "a s o m v", "b"),
            node("LeakyRelu", "b", "y", alpha=0.2),
        ],
        [
            ("w", weights(4, 3, 3, 3)),
            ("s", np.float32([1, 2, -3, 4])),
            ("o", np.float32([0, 1, 2, 3])),
            ("m", np.float32([3, 2, 1, 0])),
            ("v", np.float32([0.5, 1, 2, 3])),
        ],
    ),
    "padding joins": (
        [node("Pad", "x p", "a"), node("Conv", "a w", "b"), node("Tanh", "b", "y")],
        [("w", weights(4, 3, 3, 3)), ("p", np.int64([0, 0, 2, 1, 0, 0, 0, 5]))],
    ),
    "padding that is read twice": (
        [
            node("Pad", "x p", "a"),
            node("Conv", "a w", "b"),
            node("Conv", "a w", "c"),
            node("Sigmoid", "a", "d"),
            node("Conv", "d w", "e"),
            node("Add", "b e", "f"),
            node("Sub", "f c", "y"),
        ],
        [("w", weights(4, 3, 3, 3)), ("p", np.int64([0, 0, 2, 1, 0, 0, 0, 5]))],
    ),
    "constants": (
        [node("Mul", "x a", "p"), node("Add", "b p", "q"), node("Sub", "c q", "r"), node("Div", "r d", "y")],
        [
            ("a", weights(3, 1, 1)),
            ("b", weights(1, 1, 1, 20)),
            ("c", np.float32(2)),
            ("d", 1 + weights(3, 1, 20) ** 2),
        ],
    ),
    "roots, powers, logarithms": (
        [
            node("Pow", "x two", "p"),
            node("Mul", "p p", "q"),
            node("Add", "q one", "r"),
            node("Log", "r", "s"),
            node("Sqrt", "s", "t"),
            node("Neg", "t", "y"),
        ],
        [("two", np.float32(2)), ("one", np.float32(1))],
    ),
    "sums": ([node("ReduceSum", "x a", "y", keepdims=1)], [("a", np.int64([1]))]),
    "means over bins": ([node("ReduceMean", "x", "p", axes=[3]), node("Relu", "p", "y")], []),
    "a matrix over the channels": (
        [
            node("Transpose", "x", "p", perm=[0, 2, 3, 1]),
            node("MatMul", "p w", "q"),
            node("Add", "q b", "r"),
            node("Transpose", "r", "y", perm=[0, 3, 1, 2]),
        ],
        [("w", weights(3, 7)), ("b", weights(7, 1)[:, 0])],
    ),
    "a matrix over the bins": (
        [node("MatMul", "x w", "p"), node("Sigmoid", "p", "y")],
        [("w", weights(20, 9))],
    ),
    "slices and joins": (
        [
            node("Slice", "x s e a", "p"),
            node("Slice", "x zero far c", "q"),
            node("Concat", "p q p", "y", axis=3),
        ],
        [
            ("s", np.int64([2])),
            ("e", np.int64([-3])),
            ("a", np.int64([3])),
            ("zero", np.int64([0])),
            ("far", np.int64([2**62])),
            ("c", np.int64([3])),
        ],
    ),
    "joined channels": (
        [node("Slice", "x s e a", "p"), node("Concat", "x p", "y", axis=1)],
        [("s", np.int64([1])), ("e", np.int64([2])), ("a", np.int64([1]))],
    ),
    "all bins into one": (
        [
            node("Conv", "x w", "p"),
            node("Relu", "p", "q"),
            node("Squeeze", "q a", "r"),
            node("Conv", "r v", "y", pads=[2, 2]),
        ],
        [("w", weights(8, 3, 1, 20)), ("a", np.int64([3])), ("v", weights(2, 8, 5))],
    ),
    "the whole signal between 0 and 1": (
        [
            node("ReduceMin", "x", "l", axes=[1, 2, 3], keepdims=1),
            node("Sub", "x l", "p"),
            node("ReduceMax", "p", "m", axes=[1, 2, 3], keepdims=1),
            node("Div", "p m", "q"),
            node("Equal", "m zero", "f"),
            node("Where", "f zero q", "y"),
        ],
        [("zero", np.float32(0))],
    ),
    "reflection": ([node("Pad", "x p", "y", mode="reflect")], [("p", np.int64([0, 0, 3, 0, 0, 0, 5, 0]))]),
}


@pytest.mark.parametrize("case", OPERATORS)
def test_operators(tmp_path, case):
    nodes, arrays = OPERATORS[case]
    rank = 3 if case == "all bins into one" else 4
    pack = check(tmp_path, nodes, outputs=[("y", [None] * rank)], arrays=arrays)
    found = models.verify(tmp_path / "model.pack", onnx=tmp_path / "model.onnx")
    assert max(found.values()) <= 1e-5
    if case in ("batch norm", "padding joins"):
        assert [each.op for each in pack.graph.nodes] == [
            "convolution",
            {"batch norm": "leaky_relu"}.get(case, "tanh"),
        ]


def test_bins_before_frames(tmp_path):
    arrays = [("w", weights(5, 3, 5, 3)), ("v", weights(2, 5, 7, 1))]
    nodes = [
        node("Conv", "x w", "p", pads=[2, 1, 2, 1], strides=[2, 1]),
        node("Relu", "p", "q"),
        node("Conv", "q v", "y"),
    ]
    check(
        tmp_path, nodes, [("x", ["n", 3, 20, "t"])], [("y", [None] * 4)], arrays,
        axes=("batch", "channels", "bins", "frames"),
    )  # fmt: skip


def test_filters_of_a_signal(tmp_path):
    nodes = [
        node("Conv", "x w", "p", strides=[16], pads=[20, 20]),
        node("Unsqueeze", "p a", "q"),  # the filters as bins of one channel
        node("Transpose", "q", "r", perm=[0, 1, 3, 2]),
        node("Conv", "r v", "y", pads=[1, 2, 1, 2]),
    ]
    arrays = [("w", weights(24, 1, 64)), ("a", np.int64([1])), ("v", weights(4, 1, 3, 5))]
    path = save(tmp_path / "m.onnx", nodes, [("x", [1, 1, 5_000])], [("y", [None] * 4)], arrays)
    pack = models.convert(path, tmp_path / "m.pack", name="signal")
    assert [each.op for each in pack.graph.nodes] == ["convolution", "convolution"]


REFUSED = {
    "pooling": ([node("MaxPool", "x", "y", kernel_shape=[1, 2])], [], "MaxPool.*closed set"),
    "softmax": ([node("Softmax", "x", "y", axis=-1)], [], "Softmax.*closed set"),
    "frames cut off": (
        [node("Slice", "x s e a", "y")],
        [("s", np.int64([1])), ("e", np.int64([5])), ("a", np.int64([2]))],
        "cuts frames",
    ),
    "axes merged": ([node("Reshape", "x s", "y")], [("s", np.int64([0, -1, 20]))], "merge or split"),
    "extremes elsewhere": ([node("ReduceMax", "x", "y", axes=[3])], [], "whole signal"),
    "mixed channels and frames": ([node("ReduceSum", "x a", "y")], [("a", np.int64([2]))], "frames"),
    "padding with ones": (
        [node("Pad", "x p v", "y")],
        [("p", np.int64([0, 0, 0, 1, 0, 0, 0, 0])), ("v", np.float32(1))],
        "zeros and reflection",
    ),
    "automatic padding": (
        [node("Conv", "x w", "y", auto_pad="SAME_UPPER")],
        [("w", weights(1, 3, 3, 3))],
        "auto_pad",
    ),
    "a division": ([node("Sigmoid", "x", "p"), node("Div", "x p", "y")], [], "divided"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_named(tmp_path, case):
    nodes, arrays, message = REFUSED[case]
    with pytest.raises(ModelError, match=message) as caught:
        check(tmp_path, nodes, outputs=[("y", [None] * 4)], arrays=arrays)
    assert "the " + nodes[-1].op_type in str(caught.value)
    assert not (tmp_path / "model.pack").exists()


@pytest.mark.parametrize(("start", "end"), [(0, 96), (0, 1000), (-96, 2**31 - 1), (-1000, 2**62)])
def test_all_frames_are_not_so_many(tmp_path, start, end):
    arrays = [("s", np.int64([start])), ("e", np.int64([end])), ("a", np.int64([2]))]
    with pytest.raises(ModelError, match="cuts frames off"):
        check(tmp_path, [node("Slice", "x s e a", "y")], outputs=[("y", [None] * 4)], arrays=arrays)
    # With a fixed number it is all of them.
    check(tmp_path, [node("Slice", "x s e a", "y")], [("x", [1, 3, 96, 20])], [("y", [None] * 4)], arrays)


@pytest.mark.parametrize("end", [2**31 - 1, 2**63 - 1])
def test_a_slice_to_the_open_end(tmp_path, end):
    arrays = [("s", np.int64([0])), ("e", np.int64([end])), ("a", np.int64([2]))]
    nodes = [node("Slice", "x s e a", "p"), node("Relu", "p", "y")]
    check(tmp_path, nodes, outputs=[("y", [None] * 4)], arrays=arrays)


def test_what_is_right_for_one_length_only(tmp_path):
    # The reader takes the number of frames for a constant.
    nodes = [
        node("Shape", "x", "p"),
        node("Gather", "p i", "q"),
        node("Cast", "q", "r", to=onnx.TensorProto.FLOAT),
        node("Mul", "x r", "y"),
    ]
    arrays = [("i", np.int64(2))]
    with pytest.raises(ModelError, match="onnxruntime on 181 frames"):
        check(tmp_path, nodes, outputs=[("y", [None] * 4)], arrays=arrays)
    assert not (tmp_path / "model.pack").exists()
    pack = check(tmp_path, nodes, [("x", [1, 3, 96, 20])], [("y", [None] * 4)], arrays)
    path = save(tmp_path / "open.onnx", nodes, [("x", [1, 3, "t", 20])], [("y", [None] * 4)], arrays)
    with pytest.raises(ModelError, match="onnxruntime on 181 frames"):
        models.verify(pack, onnx=path)


MALFORMED = {
    "a convolution with nothing": ([node("Conv", "x", "y")], []),
    "axes that are not there": ([node("Transpose", "x", "y", perm=[0, 1, 2, 7])], []),
    "an axis twice": ([node("Transpose", "x", "y", perm=[0, 1, 1, 2])], []),
    "joined along nothing": ([node("Concat", "x x", "y")], []),
    "a sum of one": ([node("Add", "x", "y")], []),
    "constants of no shape": ([node("Reshape", "v s", "y")], [("v", weights(6)), ("s", np.int64([4, 2]))]),
    "a stride of nothing": ([node("Conv", "x w", "y", strides=[0, 1])], [("w", weights(2, 3, 3, 3))]),
    "constants without end": ([node("ConstantOfShape", "s", "y")], [("s", np.int64([200_000, 200_000]))]),
    "expanded without end": (
        [node("Expand", "v s", "y")],
        [("v", np.float32([1])), ("s", np.int64([200_000, 200_000]))],
    ),
    "a sum without end": (
        [node("Add", "v w", "y")],
        [("v", np.zeros((200_000, 1), np.int8)), ("w", np.zeros((1, 200_000), np.int8))],
    ),
    "a constant of nothing": ([node("Constant", "", "y")], []),
    "the second of no outputs": ([helper.make_node("Relu", ["x"], ["", "y"], name="the Relu for y")], []),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_malformed_is_named(tmp_path, case):
    nodes, arrays = MALFORMED[case]
    path = save(
        tmp_path / "m.onnx", nodes, [("x", ["n", 3, "t", 20])], [("y", [None] * 4)], arrays, valid=False
    )
    with pytest.raises(ModelError, match=f"the {nodes[0].op_type} for y"):
        models.read_onnx(path)


def test_an_array_that_is_too_short(tmp_path):
    path = save(
        tmp_path / "m.onnx", [node("Relu", "x", "y")], [("x", ["n", 3, "t", 20])], [("y", [None] * 4)]
    )
    model = onnx.load(path)
    held = onnx.numpy_helper.from_array(weights(6), "short")
    held.dims[0] = 7
    model.graph.initializer.append(held)
    onnx.save(model, path)
    with pytest.raises(ModelError, match="array 'short' cannot be read"):
        models.read_onnx(path)


def test_what_onnxruntime_refuses(tmp_path):
    nodes, arrays = OPERATORS["convolution"]
    path = save(tmp_path / "m.onnx", nodes, [("x", ["n", 3, "t", 20])], [("y", [None] * 4)], arrays)
    converted = models.read_onnx(path)
    with pytest.raises(ModelError, match="onnxruntime does not run the file on 5 frames"):
        converted.run(np.zeros((2, 5, 20), np.float32))
    bent = save(
        tmp_path / "b.onnx", [node("Relu", "x", "y", slope=3)], [("x", ["n", 3, "t", 20])],
        [("y", [None] * 4)], valid=False,
    )  # fmt: skip
    with pytest.raises(ModelError, match="onnxruntime does not run"):
        models.convert(bent, tmp_path / "b.pack", name="bent")


def test_no_onnx_file(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match=r"x\.onnx' is not an ONNX model"):
        models.read_onnx(tmp_path / "x.onnx")
    with pytest.raises(FileNotFoundError):
        models.read_onnx(tmp_path / "y.onnx")


def test_verify_sees_a_difference(tmp_path):
    nodes, arrays = OPERATORS["convolution"]
    pack = check(tmp_path, nodes, outputs=[("y", [None] * 4)], arrays=arrays)
    pack.golden.outputs["y"][0, 3, 4] += 0.01
    with pytest.raises(ModelError, match=r"golden vectors by 0\.00"):
        models.verify(pack)


def test_without_onnx(tmp_path, monkeypatch):
    real = builtins.__import__

    def block(name, *args, **kwargs):
        if name == "onnx":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", block)
    with pytest.raises(MissingDependencyError, match=r"luthier-pitch\[models\]"):
        models.read_onnx(tmp_path / "x.onnx")


# --- 8 bits ------------------------------------------------------------------------------------------------


def test_quantised_behind_a_gate(tmp_path):
    nodes = [node("Conv", "x w", "p", pads=[1, 2, 1, 2]), node("Sigmoid", "p", "y")]
    pack = check(tmp_path, nodes, outputs=[("y", [None] * 4)], arrays=[("w", weights(16, 3, 3, 5))])
    features, wanted = pack.golden.features, pack.golden.outputs["y"]

    def metric(tried):
        return -float(np.abs(models.Network(tried)(features)["y"] - wanted).max())

    small = models.quantize(pack, tmp_path / "small.pack", metric=metric, tolerance=0.05)
    assert (tmp_path / "small.pack").stat().st_size < (tmp_path / "model.pack").stat().st_size
    assert small.graph.nodes[0].weights["weights"].values.dtype == np.int8
    assert models.verify(tmp_path / "small.pack") == {"golden": 0.0}
    assert -0.05 <= small.figures["metric in 8 bits"] < small.figures["metric in float32"]
    with pytest.raises(ModelError, match="more than the tolerance"):
        models.quantize(pack, tmp_path / "smaller.pack", metric=metric, tolerance=1e-9)
    assert not (tmp_path / "smaller.pack").exists()


# --- PyTorch -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_from_pytorch(tmp_path):
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter = nn.Sequential(nn.Conv2d(3, 8, (3, 5), padding=(1, 2)), nn.BatchNorm2d(8), nn.ReLU())
            self.inner = nn.Conv2d(8, 8, (5, 1))
            self.head = nn.Conv2d(8, 1, (1, 3), padding=(0, 1))
            self.voicing = nn.Conv2d(8, 4, (1, 30))

        def forward(self, x):
            x = self.enter(x)
            x = torch.relu(x + self.inner(nn.functional.pad(x, (0, 0, 4, 0))))
            return torch.sigmoid(self.head(x)), self.voicing(x).mean(dim=1, keepdim=True)

    torch.manual_seed(1)
    network = Small()
    network.enter[1].running_mean.uniform_(-1, 1)
    network.enter[1].running_var.uniform_(0.5, 2)
    path = tmp_path / "small.onnx"
    models.export(network, torch.randn(1, 3, 40, 30), path, outputs=("pitch", "voicing"))
    assert network.training
    pack = models.convert(path, tmp_path / "small.pack", name="small")
    found = models.verify(pack, onnx=path, torch=network)
    assert found.keys() == {"golden", "onnx", "torch"}
    assert max(found.values()) <= 1e-5
    native = models.Network(pack)
    assert native.look_ahead == 1
    assert native.look_behind == 5
    features = np.random.default_rng(1).standard_normal((3, 500, 30)).astype(np.float32)
    assert max(models.verify(pack, torch=network, features=features).values()) <= 1e-5
