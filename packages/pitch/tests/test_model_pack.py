"""The model pack: what is written is what is read, and what is damaged or unknown is refused."""

import hashlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core import LuthierError
from luthier.pitch.models import (
    Golden,
    Graph,
    ModelError,
    Network,
    Node,
    Pack,
    Quantised,
    read_pack,
    write_pack,
)
from luthier.pitch.models.pack import encode


def example(quantised=False):
    random = np.random.default_rng(1)
    weights = random.standard_normal((4, 2, 3, 5)).astype(np.float32)
    held = Quantised(random.integers(-127, 128, weights.shape, np.int8), np.float32([0.1, 0.2, 0.3, 0.4]))
    parameters = {
        "outputs": 4,
        "kernel": (3, 5),
        "stride": (1, 1),
        "padding": (1, 1, 2, 2),
        "dilation": (1, 1),
        "groups": 1,
        "transposed": 0,
    }
    nodes = (
        Node("convolution", "first", ("x",), "y", parameters,
             {"weights": held if quantised else weights, "bias": np.zeros(4, np.float32)}),
        Node("leaky_relu", "second", ("y",), "z", {}, {"slope": np.float32([0.1])}),
    )  # fmt: skip
    graph = Graph("x", 2, 9, nodes, {"salience": "z"})
    features = random.standard_normal((2, 6, 9)).astype(np.float32)
    return Pack(
        "example", graph, version="3", licence="CC0-1.0", source="made up: für Tests",
        front_end={"kind": "none", "bands": [1, 2.5]}, figures={"rpa": 98.7},
        golden=Golden(features, Network(graph)(features)),
    )  # fmt: skip


def rewrite(data, change):
    """The pack with another header and a hash that fits."""
    length = struct.unpack_from("<I", data, 12)[0]
    header = json.loads(data[64 : 64 + length])
    change(header)
    text = json.dumps(header).encode()
    body = text + bytes(-len(text) % 64) + data[64 + length + -length % 64 :]
    prefix = struct.pack("<8sIIQQ", data[:8], 1, len(text), 64 + len(body), 0)
    return prefix + hashlib.sha256(prefix + body).digest() + body


@pytest.mark.parametrize("quantised", [False, True])
def test_round_trip(tmp_path, quantised):
    pack = example(quantised)
    path = tmp_path / "example.pack"
    write_pack(pack, path)
    again = read_pack(path)
    for name in ("name", "version", "licence", "source", "front_end", "figures"):
        assert getattr(again, name) == getattr(pack, name)
    assert [(n.op, n.name, n.inputs, n.output, n.parameters) for n in again.graph.nodes] == [
        (n.op, n.name, n.inputs, n.output, n.parameters) for n in pack.graph.nodes
    ]
    assert isinstance(again.graph.nodes[0].weights["weights"], Quantised) == quantised
    network = Network(path)
    assert np.array_equal(network(again.golden.features)["salience"], again.golden.outputs["salience"])
    assert encode(again) == path.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["example.pack"]


def test_the_arrays_are_aligned():
    data = encode(example())
    length = struct.unpack_from("<I", data, 12)[0]
    for _, _, _, offset in json.loads(data[64 : 64 + length])["arrays"]:
        assert (64 + length + -length % 64 + offset) % 64 == 0


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_every_changed_byte_is_seen(place, change):
    data = bytearray(encode(example()))
    data[place % len(data)] ^= change
    with pytest.raises(ModelError):
        read_pack(bytes(data))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), st.booleans())
def test_every_missing_byte_is_seen(place, longer):
    data = encode(example())
    data = data + data[: 1 + place % 99] if longer else data[: place % len(data)]
    with pytest.raises(ModelError, match=r"cannot be used"):
        read_pack(data)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_crafted_header_never_crashes(data):
    anything = st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False)
        | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=8,
    )

    def change(header):
        here = header
        while isinstance(here, dict | list) and here:
            keys = list(here) if isinstance(here, dict) else range(len(here))
            key = data.draw(st.sampled_from(list(keys)))
            if not isinstance(here[key], dict | list) or not here[key] or data.draw(st.booleans()):
                here[key] = data.draw(anything)
                return
            here = here[key]

    damaged = rewrite(encode(example()), change)
    try:
        network = Network(read_pack(damaged))
        network(np.zeros((network.channels, 5, network.bins), np.float32))
    except LuthierError:
        pass


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h["graph"]["nodes"][1].update(op="attention"), "'second'.*no operator 'attention'"),
        (lambda h: h["arrays"][0].__setitem__(1, "float16"), "float16"),
        (lambda h: h["arrays"][0].__setitem__(3, 1 << 20), "not inside the file"),
        (lambda h: h["arrays"][0].__setitem__(2, [99, 99]), "not inside the file"),
        (lambda h: h.pop("licence"), "licence"),
        (lambda h: h.update(unknown=1), "header must hold"),
        (lambda h: h["graph"]["nodes"][0]["parameters"].update(slant=1), "takes the parameters"),
        (lambda h: h["graph"].update(channels=float("inf")), "does not make sense"),
        (lambda h: h["graph"]["outputs"].update(salience="nothing"), "no node makes the tensor 'nothing'"),
    ],
)
def test_what_is_unknown_is_named(change, message):
    with pytest.raises(ModelError, match=message):
        read_pack(rewrite(encode(example()), change))


def test_a_newer_format():
    data = bytearray(encode(example()))
    data[8] = 2
    with pytest.raises(ModelError, match=r"version 2 .* reads version 1; update"):
        read_pack(bytes(data))


def test_other_files(tmp_path):
    path = tmp_path / "song.wav"
    path.write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(ModelError, match=r"song\.wav' cannot be used: it is not a model pack"):
        read_pack(path)
    with pytest.raises(FileNotFoundError):
        read_pack(tmp_path / "none.pack")


def test_infinite_weights():
    pack = example()
    pack.graph.nodes[0].weights["weights"][0, 0, 0, 0] = np.inf
    with pytest.raises(ModelError, match="infinity"):
        read_pack(encode(pack))


def test_what_is_not_json(tmp_path):
    pack = example()
    with pytest.raises(ModelError, match="JSON"):
        write_pack(Pack("x", pack.graph, figures={"rpa": float("nan")}), tmp_path / "x.pack")
    assert not list(tmp_path.iterdir())
