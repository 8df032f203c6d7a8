"""The model pack: a network in one small file, with all that is needed to run and to trust it.

The file, little-endian throughout:

======  ========  =======================================================================================
offset  bytes     what
======  ========  =======================================================================================
0       8         ``b"LUTHPACK"``
8       4         format version, 1
12      4         bytes of the header
16      8         bytes of the whole file
24      8         zero
32      32        SHA-256 of all other bytes of the file
64      n         the header, JSON in UTF-8; then zeros up to a multiple of 64
...               the arrays, each at a multiple of 64, zeros in between
======  ========  =======================================================================================

The header holds `name`, `version`, `licence`, `source`, `figures`, `front_end` (what the front end needs to
know, which only it understands), `graph`, `golden`, and `arrays`: for each ``[name, dtype, shape, offset]``,
the offset counted from the first array. Weights in 8 bits are two arrays, `NAME` of int8 and `NAME.scale`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from luthier.pitch.models.errors import ModelError
from luthier.pitch.models.graph import OPERATORS, Floats, Graph, Node, Quantised, Weights

__all__ = ["FORMAT_VERSION", "Golden", "Pack", "read_pack", "write_pack"]

FORMAT_VERSION = 1
_MAGIC = b"LUTHPACK"
_PREFIX = struct.Struct("<8sIIQQ32s")
_ALIGN = 64
_DTYPES: Mapping[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "int8": np.dtype("i1")}
_LARGEST = 1 << 30
_FIELDS = {"name", "version", "licence", "source", "figures", "front_end", "graph", "golden", "arrays"}


@dataclass(frozen=True)
class Golden:
    """Features and what the network made of them where it was trained.

    Attributes
    ----------
    features : array of float32, (channels, frames, bins)
    outputs
        For each output of the graph its array, (channels, frames, bins).
    """

    features: Floats
    outputs: Mapping[str, Floats]


@dataclass(frozen=True)
class Pack:
    """A network with its weights, and what is to be known about it.

    Attributes
    ----------
    name, version
        Of the model.
    licence
        SPDX expression of the weights.
    source
        Where they come from: the training recipe and its data, or the file that was converted.
    graph
        The network.
    front_end
        Specification of the features, for the front end to check; empty when there is none.
    figures
        What was measured: accuracy, size, speed.
    golden
        Vectors to check the network against, or None.
    """

    name: str
    graph: Graph
    version: str = "1"
    licence: str = ""
    source: str = ""
    front_end: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    golden: Golden | None = None


def write_pack(pack: Pack, path: str | os.PathLike[str]) -> None:
    """Write a model pack; a whole file or none.

    Parameters
    ----------
    pack : Pack
    path : path
        By custom ``*.pack``. An existing file is replaced.

    Raises
    ------
    ModelError
        When the graph is not one that the runtime takes, or a value is not what JSON holds.
    OSError
        When the file cannot be written; what was there before stays.
    """
    data = encode(pack)
    target = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def encode(pack: Pack) -> bytes:
    """Return the bytes of a model pack's file."""
    pack.graph.native()
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    nodes = []
    for i, node in enumerate(pack.graph.nodes):
        for name, held in node.weights.items():
            key = f"{i}.{name}"
            if isinstance(held, Quantised):
                arrays[key], arrays[f"{key}.scale"] = held.values, np.asarray(held.scale, np.float32)
            else:
                arrays[key] = np.asarray(held, np.float32)
        nodes.append(
            {
                "op": node.op,
                "name": node.name,
                "inputs": list(node.inputs),
                "output": node.output,
                "parameters": dict(node.parameters),
            }
        )
    if pack.golden is not None:
        arrays["golden.features"] = np.asarray(pack.golden.features, np.float32)
        for name, output in pack.golden.outputs.items():
            arrays[f"golden.outputs.{name}"] = np.asarray(output, np.float32)

    offset, table, blobs = 0, [], []
    places: dict[bytes, int] = {}  # filters that several nodes share are there once
    for name, array in arrays.items():
        dtype = "int8" if array.dtype == np.int8 else "float32"
        blob = np.ascontiguousarray(array, _DTYPES[dtype]).tobytes()
        place = places.setdefault(blob, offset)
        table.append([name, dtype, list(array.shape), place])
        if place != offset:
            continue
        blobs.append(blob + bytes(-len(blob) % _ALIGN))
        offset += len(blobs[-1])
    header = {
        "name": pack.name,
        "version": pack.version,
        "licence": pack.licence,
        "source": pack.source,
        "figures": dict(pack.figures),
        "front_end": dict(pack.front_end),
        "graph": {
            "input": pack.graph.input,
            "channels": pack.graph.channels,
            "bins": pack.graph.bins,
            "nodes": nodes,
            "outputs": dict(pack.graph.outputs),
        },
        "golden": None if pack.golden is None else list(pack.golden.outputs),
        "arrays": table,
    }
    try:
        text = json.dumps(header, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise ModelError(f"the pack holds what JSON does not: {error}") from None
    body = text + bytes(-len(text) % _ALIGN) + b"".join(blobs)
    prefix = (_MAGIC, FORMAT_VERSION, len(text), _PREFIX.size + len(body), 0)
    digest = hashlib.sha256(_PREFIX.pack(*prefix, b"")[:32] + body).digest()
    return _PREFIX.pack(*prefix, digest) + body


def read_pack(source: str | os.PathLike[str] | bytes) -> Pack:
    """Read a model pack and check it: its hash, its format, and each node of its graph.

    Parameters
    ----------
    source : path or bytes
        The file, or what it holds.

    Returns
    -------
    Pack

    Raises
    ------
    ModelError
        When it is no model pack, is damaged, or needs a newer version of luthier.
    OSError
        When the file cannot be read.
    """
    if isinstance(source, bytes):
        data, label = source, "the model pack"
    else:
        label = f"{os.fspath(source)!r}"
        with open(source, "rb") as file:
            data = file.read(_LARGEST + 1)
    return _decode(data, label)


def _decode(data: bytes, label: str) -> Pack:
    def wrong(reason: str) -> ModelError:
        return ModelError(f"{label} cannot be used: {reason}")

    if len(data) < _PREFIX.size or data[:8] != _MAGIC:
        raise wrong("it is not a model pack (write_pack() and convert() make them)")
    _, version, header_bytes, file_bytes, reserved, digest = _PREFIX.unpack_from(data)
    if version != FORMAT_VERSION:
        raise wrong(
            f"its format is version {version} and this luthier reads version {FORMAT_VERSION}; "
            "update luthier-pitch"
        )
    if file_bytes != len(data) or len(data) > _LARGEST:
        raise wrong(f"it should be {file_bytes} bytes long and is {len(data)}; get the file anew")
    if hashlib.sha256(data[:32] + data[64:]).digest() != digest:
        raise wrong("its SHA-256 does not match, so it is damaged; get the file anew")
    start = _PREFIX.size + header_bytes + (-header_bytes % _ALIGN)
    if reserved != 0 or start > len(data):
        raise wrong("its header is damaged")
    try:
        header = json.loads(data[_PREFIX.size : _PREFIX.size + header_bytes])
        if not isinstance(header, dict) or set(header) != _FIELDS:
            raise wrong(f"its header must hold {sorted(_FIELDS)}")
        arrays = _arrays(header["arrays"], memoryview(data)[start:], wrong)
        pack = _build(header, arrays)
        pack.graph.native()
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise wrong(f"its header does not make sense ({type(error).__name__}: {error})") from None
    return pack


def _arrays(table: Any, body: memoryview, wrong: Any) -> dict[str, np.ndarray[Any, Any]]:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for name, dtype, shape, offset in table:
        if dtype not in _DTYPES:
            raise wrong(f"array {name!r} is of {dtype!r}, of which this version knows nothing")
        if not (
            isinstance(shape, list)
            and len(shape) <= 8
            and all(type(n) is int and 0 <= n < 2**31 for n in shape)
        ):
            raise wrong(f"array {name!r} has the shape {shape!r}")
        size = math.prod(shape) * _DTYPES[dtype].itemsize
        if type(offset) is not int or offset < 0 or offset % _ALIGN or offset + size > len(body):
            raise wrong(f"array {name!r} is not inside the file")
        array = np.frombuffer(body[offset : offset + size], _DTYPES[dtype]).reshape(shape)
        if dtype == "float32" and not np.isfinite(array).all():
            raise wrong(f"array {name!r} holds an infinity or a not-a-number")
        arrays[str(name)] = array
    return arrays


def _build(header: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> Pack:
    graph = header["graph"]
    nodes = []
    for i, each in enumerate(graph["nodes"]):
        weights: dict[str, Weights] = {}
        for name in OPERATORS[each["op"]].weights if each["op"] in OPERATORS else ():
            values = arrays[f"{i}.{name}"]
            if values.dtype == np.int8:
                scale = arrays[f"{i}.{name}.scale"]
                if values.ndim < 1 or scale.shape != values.shape[:1]:
                    raise ModelError(f"node {each['name']!r}: {name} needs a scale for each output")
                weights[name] = Quantised(values, scale)
            else:
                weights[name] = values
        nodes.append(
            Node(
                str(each["op"]),
                str(each["name"]),
                tuple(map(str, each["inputs"])),
                str(each["output"]),
                {k: tuple(v) if isinstance(v, list) else v for k, v in each["parameters"].items()},
                weights,
            )
        )
    golden = None
    if header["golden"] is not None:
        outputs = {str(name): arrays[f"golden.outputs.{name}"] for name in header["golden"]}
        golden = Golden(arrays["golden.features"], outputs)
    return Pack(
        name=str(header["name"]),
        graph=Graph(
            str(graph["input"]),
            int(graph["channels"]),
            int(graph["bins"]),
            tuple(nodes),
            {str(name): str(tensor) for name, tensor in graph["outputs"].items()},
        ),
        version=str(header["version"]),
        licence=str(header["licence"]),
        source=str(header["source"]),
        front_end=dict(header["front_end"]),
        figures=dict(header["figures"]),
        golden=golden,
    )
