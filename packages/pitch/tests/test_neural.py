"""The neural tracker: its native chain against the same in Python, and what must hold for any weights."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from luthier.pitch import neural
from luthier.pitch.methods import Grid
from luthier.pitch.models import Graph, Node, Pack
from luthier.pitch.models.front_end import front_end

RATE, STEP = 16_000, 160
SPEC = {
    "sample_rate": RATE, "hop": 320, "bins": 40, "lowest_hz": 55.0, "bins_per_octave": 8,
    "analyses": [
        {"size": 1024, "centre": 80, "rise": 512, "fall": 512},
        {"size": 512, "centre": 160, "rise": 256, "fall": 256},
    ],
    "channels": [(0, 1.0), (0, 2.0), (1, 1.0), (1, 3.0)],
    "floor": 1e-6, "offset": 4.0, "scale": 0.25, "decay_db_s": 10.0, "name": "test",
}  # fmt: skip


def model_of(random, ahead=2):
    """A network of random weights: what it says means little, how it is said is all the same."""
    bins = SPEC["bins"]

    def convolution(source, output, inputs, outputs, kernel, padding):
        weights = 2 * random.standard_normal((outputs, inputs, *kernel)) / np.sqrt(inputs * np.prod(kernel))
        return Node(
            "convolution", output, (source,), output,
            {"outputs": outputs, "kernel": kernel, "stride": (1, 1), "padding": padding, "dilation": (1, 1),
             "groups": 1, "transposed": 0},
            {"weights": weights.astype(np.float32), "bias": np.zeros(outputs, np.float32)},
        )  # fmt: skip

    nodes = (
        convolution("x", "a", 5, 8, (5, 3), (4 - ahead, ahead, 1, 1)),
        Node("relu", "b", ("a",), "b"),
        convolution("b", "pitch", 8, 2, (1, 3), (0, 0, 1, 1)),
        convolution("b", "unvoiced", 8, 2, (1, bins), (0, 0, 0, 0)),
    )
    graph = Graph("x", 5, bins, nodes, {"pitch": "pitch", "unvoiced": "unvoiced"})
    return neural.Model.of(Pack("test", graph, front_end=SPEC))


@pytest.fixture(scope="module")
def model():
    return model_of(np.random.default_rng(1))


def grid(rate=RATE, hop_s=0.01, fmin=60.0, fmax=1_500.0):
    return Grid(sample_rate=rate, hop_s=hop_s, fmin=fmin, fmax=fmax)


def track(model, rows, where, cuts=()):
    stream = model.stream(len(rows), rows.dtype == np.float32, where)
    parts = [stream.push(np.ascontiguousarray(part)) for part in np.split(rows, cuts, axis=1)]
    parts.append(stream.flush())
    return tuple(np.concatenate([part[i] for part in parts], axis=1) for i in range(2))


def sounds(seed, seconds, rate=RATE, rows=1):
    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    x = [
        sum(
            np.sin(2 * np.pi * h * np.cumsum(random.uniform(80, 400) * 2 ** np.sin(t)) / rate)
            for h in range(1, 5)
        )
        * (np.sin(2 * np.pi * t) > -0.3)
        + 0.1 * random.standard_normal(t.size)
        for _ in range(rows)
    ]
    return np.array(x, np.float32).reshape(rows, t.size)


def refined(x, f0, room):
    """What refine.h says, in double precision, at the middle of x."""
    turns = f0 / RATE
    half = min(int(max(2 / turns, 80)), 1024, room)
    k = np.arange(1, 7)
    k = k[k * turns < 0.4625]
    if half < 1 / turns or half < 16 or not k.size:
        return f0
    n = np.arange(-half, half + 1)
    window = 0.5 + 0.5 * np.cos(np.pi * n / (half + 1))
    slope = -0.5 * np.pi / (half + 1) * np.sin(np.pi * n / (half + 1))
    near = x[len(x) // 2 - half : len(x) // 2 + half + 1]

    def transform(shape, multiples):
        return np.exp(-2j * np.pi * turns * multiples[:, None] * n) @ (near * shape)

    at = transform(window, k)
    power = np.abs(at) ** 2
    between = np.abs(transform(window, np.append(k - 0.5, k[-1] + 0.5))) ** 2
    omega = 2 * np.pi * turns * k
    ratio = 1 - (transform(slope, k) / at).imag / omega
    cents = np.where((ratio > 0.94) & (ratio < 1.06), 1200 * np.log2(np.clip(ratio, 0.5, 2)), 100)
    noise = 0.5 * (between[:-1] + between[1:]) + 1e-6 * power.max()
    spread = 3.6 * 1200 / np.log(2) / (2 * half * omega)
    trust = np.clip((90 - np.abs(cents)) / 30, 0, 1)
    weight = trust / (spread**2 * noise / (2 * power) + (0.3 + 0.04 * (k**2 - 1)) ** 2)
    return f0 * 2 ** ((weight * cents).sum() / (weight.sum() + 1 / 12**2) / 1200)


def refined_all(x, f0, ahead):
    """Each result from the samples that are known whenever it is decoded."""
    out = f0.copy()
    padded = np.pad(x.astype(float), 1024)
    for i in range(len(out)):
        at = i * STEP
        room = min(ahead - i % 2 * STEP - 1, at, len(x) - 1 - at)
        if room > 0:
            out[i] = refined(padded[at : at + 2049], f0[i], room)
    return out


def reference(model, x, where):
    """The same from the front end's and the network's own faces."""
    spec = SimpleNamespace(**{**SPEC, "analyses": [SimpleNamespace(**a) for a in SPEC["analyses"]]})
    out = model.network(front_end(x, RATE, spec))
    scores = out["pitch"].astype(float).transpose(1, 0, 2).reshape(-1, SPEC["bins"])
    none = out["unvoiced"].astype(float)[:, :, 0].T.reshape(-1)
    low, high = (SPEC["bins_per_octave"] * np.log2(f / SPEC["lowest_hz"]) for f in (where.fmin, where.fmax))
    low, high = max(0, int(np.ceil(low - 0.5))), min(SPEC["bins"] - 1, int(np.floor(high + 0.5)))
    best = low + scores[:, low : high + 1].argmax(axis=1)
    near = np.clip(best[:, None] + np.arange(-2, 3), 0, SPEC["bins"] - 1)
    weights = np.exp(np.take_along_axis(scores, near, axis=1) - scores.max(axis=1, keepdims=True))
    f0 = SPEC["lowest_hz"] * 2 ** (
        (weights * near).sum(axis=1) / weights.sum(axis=1) / SPEC["bins_per_octave"]
    )
    power = np.exp(scores)
    sure = power[:, low : high + 1].sum(axis=1) / (power.sum(axis=1) + np.exp(none))
    frames = len(x) // STEP + 1
    f0 = refined_all(x, f0[:frames], 2 * 320 + 592)
    return np.clip(f0, where.fmin, where.fmax)[:frames], sure[:frames]


@pytest.mark.parametrize("seconds", [0.001, 0.01, 0.0199, 0.02, 0.5, 3.333])
def test_the_chain_is_its_parts(model, seconds):
    x = sounds(1, seconds)
    f0, sure = track(model, x, grid())
    want_f0, want_sure = reference(model, x[0], grid())
    assert f0.shape == (1, x.shape[1] // STEP + 1)
    np.testing.assert_allclose(f0[0], want_f0, rtol=3e-5)  # a twentieth of a cent
    np.testing.assert_allclose(sure[0], want_sure, rtol=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_stream_is_batch_bit_for_bit(data):
    seed = data.draw(st.integers(0, 2**32))
    random = np.random.default_rng(seed)
    model = model_of(random, int(random.integers(0, 5)))
    rate = data.draw(st.sampled_from([8_000, 16_000, 22_050, 44_100]))
    where = grid(rate, data.draw(st.sampled_from([0.01, 0.005, 0.02, 0.0123])))
    x = sounds(seed, data.draw(st.floats(0, 1.5)), rate)
    if data.draw(st.booleans()):
        x = x.astype(float)
    whole = track(model, x, where)
    cuts = np.sort(random.integers(0, x.shape[1] + 1, int(random.integers(0, 9))))
    for each in (track(model, x, where, cuts), track(model, x, where, np.arange(0, x.shape[1], 333))):
        assert np.array_equal(whole[0], each[0])
        assert np.array_equal(whole[1], each[1])
    assert whole[0].shape[1] == (int(x.shape[1] / where.hop + 1e-9) + 1 if x.size else 0)


def test_rows_are_tracked_by_themselves(model):
    x = sounds(2, 2, rows=5)
    together = track(model, x, grid())
    for row in range(5):
        alone = track(model, x[row : row + 1], grid())
        assert np.array_equal(together[0][row], alone[0][0])
        assert np.array_equal(together[1][row], alone[1][0])


@pytest.mark.parametrize("rate", [48_000, 44_100, 96_000])
def test_other_rates(model, rate):
    x = sounds(3, 2, rate)
    ratio = Fraction(RATE, rate)
    f0, _ = track(model, x, grid(rate))
    want = reference(
        model,
        resample_poly(x[0].astype(float), ratio.numerator, ratio.denominator).astype(np.float32),
        grid(),
    )[0]
    count = min(f0.shape[1], len(want))
    assert abs(f0.shape[1] - len(want)) <= 1
    cents = 1_200 * np.abs(np.log2(f0[0, :count] / want[:count]))
    assert np.median(cents) < 5


def test_between_the_results(model):
    """Twice as many results: every other one is that of the network, those between lie between or are one."""
    x = sounds(4, 2)
    coarse, fine = track(model, x, grid())[0][0], track(model, x, grid(hop_s=0.005))[0][0]
    assert np.array_equal(fine[::2], coarse)
    low, high = np.minimum(coarse[:-1], coarse[1:]), np.maximum(coarse[:-1], coarse[1:])
    assert np.all((fine[1::2][: len(low)] >= low - 1e-9) & (fine[1::2][: len(low)] <= high + 1e-9))


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("hop_s", [0.01, 0.015])
def test_latency_is_kept(model, rate, hop_s):
    where = grid(rate, hop_s)
    x = sounds(5, 2, rate)
    stream = model.stream(1, True, where)
    known = 0
    worst = 0.0
    for first in range(0, x.shape[1], 16):
        count = stream.push(np.ascontiguousarray(x[:, first : first + 16]))[0].shape[1]
        for k in range(known, known + count):
            worst = max(worst, first + 16 - k * where.hop)
        known += count
    assert worst <= stream.latency + 16
    assert worst >= stream.latency - 0.6 * rate / 16_000 * 320 - 2_000 * (rate != RATE)


@settings(deadline=None, max_examples=10)
@given(st.integers(-90, 90))
def test_level_does_not_matter(power):
    model = model_of(np.random.default_rng(1))
    x = sounds(6, 0.5)
    one, other = track(model, x, grid()), track(model, x * np.float32(2.0**power), grid())
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])


def test_silence(model):
    f0, sure = track(model, np.zeros((2, 8_000), np.float32), grid())
    assert np.all(f0 == 60.0)
    assert not sure.any()


def test_the_range_is_kept(model):
    f0, sure = track(model, sounds(7, 2), grid(fmin=200, fmax=210))
    assert f0.min() >= 200
    assert f0.max() <= 210
    assert np.all(sure <= track(model, sounds(7, 2), grid())[1] + 1e-12)


def test_a_stream_can_begin_anew(model):
    stream = model.stream(1, True, grid())
    x = sounds(8, 1)
    first = stream.push(x), stream.flush()
    stream.push(x[:, :999])
    stream.reset()
    again = stream.push(x), stream.flush()
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one[0], other[0])


@pytest.mark.parametrize(
    "change",
    [
        {"bins": 39},
        {"bins": 0},
        {"hop": 0},
        {"hop": 2.5},
        {"channels": [(0, 1.0), (0, 2.0), (2, 1.0), (1, 3.0)]},
        {"channels": []},
        {"analyses": [{"size": 1000, "centre": 0, "rise": 5, "fall": 5}] * 2},
        {"lowest_hz": "55"},
        {"analyses": [{"size": 1024, "centre": 0, "rise": 800, "fall": 300}] * 2},
        {"floor": float("nan")},
        {"scale": None},
    ],
)
def test_front_ends_that_make_no_sense(model, change):
    with pytest.raises(ValueError, match="front end"):
        neural.Model.of(Pack("test", model.network.graph, front_end={**SPEC, **change})).stream(
            1, True, grid()
        )
