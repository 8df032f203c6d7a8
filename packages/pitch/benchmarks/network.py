"""Small networks on the native runtime, with onnxruntime beside it where it is installed; one thread.

Three things: single convolutions, in arithmetic a second; nets of the size of a pitch tracker, in
milliseconds a second of audio; and basic-pitch's network (`pip install --no-deps basic-pitch==0.4.0`),
window by window, with how far the posteriors are from onnxruntime's. All in one process, the peers by turns,
the best of many runs.

Run: python packages/pitch/benchmarks/network.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib import metadata

import numpy as np

import luthier.core
from luthier.pitch import models
from luthier.pitch.models import Graph, Network, Node

RANDOM = np.random.default_rng(1)
RATE, WINDOW = 22_050, 43_844


def convolution(source: str, output: str, inputs: int, outputs: int, kernel: tuple[int, int], stride: int = 1,
                groups: int = 1) -> Node:  # fmt: skip
    side = (kernel[0] // 2, kernel[0] // 2, kernel[1] // 2, kernel[1] // 2)
    weights = RANDOM.standard_normal((outputs, inputs // groups, *kernel)) / np.sqrt(inputs * np.prod(kernel))
    return Node(
        "convolution", output, (source,), output,
        {"outputs": outputs, "kernel": kernel, "stride": (1, stride), "padding": side, "dilation": (1, 1),
         "groups": groups, "transposed": 0},
        {"weights": weights.astype(np.float32), "bias": np.zeros(outputs, np.float32)},
    )  # fmt: skip


def best(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds of each call, the least of some, by turns."""
    took = dict.fromkeys(calls, np.inf)
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            took[name] = min(took[name], time.perf_counter() - start)
    return took


def kernels(repeats: int) -> None:
    print("| convolution | channels | bins | GFLOP/s |\n|---|---|---|---|")
    for kernel, inputs, outputs, bins, stride, groups in (
        ((3, 39), 8, 8, 264, 1, 1), ((5, 5), 8, 8, 128, 1, 1), ((7, 3), 12, 12, 128, 1, 1),
        ((1, 7), 16, 16, 120, 1, 1), ((5, 1), 16, 16, 120, 1, 1), ((3, 3), 32, 32, 96, 1, 1),
        ((1, 1), 32, 32, 96, 1, 1), ((5, 5), 8, 32, 264, 3, 1), ((5, 5), 8, 1, 264, 1, 1),
        ((3, 3), 32, 32, 96, 1, 32),
    ):  # fmt: skip
        network = Network(
            Graph(
                "x",
                inputs,
                bins,
                (convolution("x", "y", inputs, outputs, kernel, stride, groups),),
                {"y": "y"},
            )
        )
        x = RANDOM.standard_normal((inputs, 500, bins)).astype(np.float32)
        took = best({"": lambda n=network, x=x: n(x)}, repeats)[""]
        name = (
            f"{kernel[0]} x {kernel[1]}"
            + (f", stride {stride}" if stride > 1 else "")
            + (", depthwise" if groups > 1 else "")
        )
        print(f"| {name} | {inputs} to {outputs} | {bins} | {2 * network.products * 500 / took / 1e9:.0f} |")


def tracker(width: int, bins: int, frames_a_second: float, repeats: int) -> None:
    """Residual blocks along the bins and along time, 50 frames a second and more."""
    nodes = [convolution("x", "a", 24, width, (1, 3)), Node("relu", "b", ("a",), "b")]
    last = "b"
    for i in range(4):
        nodes += [
            convolution(last, f"c{i}", width, width, (1, 7)), Node("relu", f"d{i}", (f"c{i}",), f"d{i}"),
            convolution(f"d{i}", f"e{i}", width, width, (5, 1)),
            Node("add", f"f{i}", (last, f"e{i}"), f"f{i}"),
            Node("relu", f"g{i}", (f"f{i}",), f"g{i}"),
        ]  # fmt: skip
        last = f"g{i}"
    nodes.append(convolution(last, "y", width, 2, (1, 3)))
    network = Network(Graph("x", 24, bins, tuple(nodes), {"y": "y"}))
    seconds = 30
    x = RANDOM.standard_normal((24, int(seconds * frames_a_second), bins)).astype(np.float32)
    stream = network.stream()

    def pieces() -> None:
        stream.reset()
        for first in range(0, x.shape[1], 4):
            stream.push(x[:, first : first + 4])

    took = best({"whole": lambda: network(x), "pieces": pieces}, repeats)
    work = network.products * frames_a_second / 1e6
    whole, cut = (1e3 * took[name] / seconds for name in ("whole", "pieces"))
    print(f"| {width} | {bins} | {work:.0f} | {whole:.2f} | {cut:.2f} |")


def music(seconds: float) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    x = 1e-3 * RANDOM.standard_normal(t.size)
    for _ in range(int(8 * seconds)):
        start, f0 = RANDOM.uniform(0, seconds), 440 * 2 ** (RANDOM.integers(-36, 30) / 12)
        since = np.maximum(t - start, 0)
        envelope = (t > start) * np.exp(-since * RANDOM.uniform(1, 8)) * np.minimum(since / 0.01, 1)
        partials = [np.sin(2 * np.pi * f0 * h * since) / h for h in range(1, 9) if f0 * h < RATE / 2]
        x += 0.2 * envelope * sum(partials)
    return (x / np.abs(x).max()).astype(np.float32)


def basic_pitch(repeats: int) -> None:
    try:
        (path,) = (f.locate() for f in metadata.files("basic-pitch") or [] if f.name == "nmp.onnx")
        outputs = {f"{n}": f"StatefulPartitionedCall:{i}" for i, n in enumerate(("contour", "note", "onset"))}
        converted = models.read_onnx(path, axes=("batch", "frames", "bins"), outputs=outputs)
        session = converted.session(1)
    except (metadata.PackageNotFoundError, luthier.core.MissingDependencyError) as error:
        print(f"basic-pitch's network: left out ({error})")
        return
    network = Network(converted.graph)
    audio = music(20)
    windows = [
        np.ascontiguousarray(audio[i : i + WINDOW].reshape(1, -1, 1))
        for i in range(0, audio.size - WINDOW, 36_164)
    ]
    name, names = converted.names
    worst = 0.0
    for window in windows:
        got, wanted = network(window), converted.arrange(session.run(names, {name: converted.feed(window)}))
        worst = max(worst, *(float(np.abs(got[key] - wanted[key]).max()) for key in got))
    window, fed = windows[0], converted.feed(windows[0])
    took = best(
        {"luthier": lambda: network(window), "onnxruntime": lambda: session.run(names, {name: fed})}, repeats
    )
    whole = audio.reshape(1, -1, 1)
    at_once = best({"": lambda: network(whole)}, max(3, repeats // 10))[""]
    print("| basic-pitch's nmp.onnx | ms a window of 1.99 s | x real time |\n|---|---|---|")
    # basic-pitch steps 36 164 samples from window to window.
    for key, seconds in took.items():
        print(f"| {key}, by windows | {1e3 * seconds:.2f} | {36_164 / RATE / seconds:.0f} |")
    print(f"| luthier, {audio.size / RATE:.0f} s at once | | {audio.size / RATE / at_once:.0f} |")
    print(
        f"\nratio {took['onnxruntime'] / took['luthier']:.2f}; largest difference of a posterior {worst:.1e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    quick = parser.parse_args().quick
    luthier.core.set_threads(1)
    print(f"luthier ({luthier.core.cpu().chosen}), one thread\n")
    kernels(5 if quick else 20)
    print("\n| channels | bins | million multiply-adds a second | ms a second | in pieces of 4 frames |")
    print("|---|---|---|---|---|")
    for width in (8, 12, 16, 24):
        tracker(width, 120, 50, 3 if quick else 10)
    print()
    basic_pitch(20 if quick else 100)


if __name__ == "__main__":
    main()
