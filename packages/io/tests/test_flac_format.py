"""All that RFC 9639 allows in a FLAC stream: its own examples, and what a small encoder here writes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier.io as lio
from luthier.core import DecodeError

# ---- The files of appendix D, and their samples


def from_hex(text):
    return bytes.fromhex("".join(text.split()))


EXAMPLE_1 = from_hex(
    """664c614380000022100010000000 0f00000f0ac442f000000001 3e84b41807dc69030758 6a3dad1a2e0f
    fff869180000bf0358fd03128baa9a"""
)
EXAMPLE_2 = from_hex(
    """664c6143000000220010001000001700 00440ac442f000000013 d5b0564975e98b8d8b930422757b8103
    030000120000000000000000000000000000000000100400003a20000000
    7265666572656e6365206c6962464c414320312e332e332032303139303830340100
    00000e0000005449544c453dd7a9d79cd795d79d81000006000000000000
    fff86998000f991208670162 3d1442998f5df70d6fe00c17caeb21000ee7a77a24a1590c1217b603097b784f
    aa9a33d285e070ad5b1b4851b4010d99d2cd1a68f1e6b810
    fff869180102a402c382c40bc14a03ee48dd03b67c1330"""
)
EXAMPLE_3 = from_hex(
    """664c6143800000221000100000001f00001f07d0007000000018 f8f9e396f5cbcfc6dc807f9977906b32
    fff868020017e944004f6f313d1047d227cb6d090831452bdc282222 8057a3"""
)


SAMPLES_2 = np.frombuffer(
    from_hex(
        """8428B617794631295E3A2722D445D1280B3DB723EB45DF28723f1E259D464929B84170265747B8298F438127AEC714DF
        9FC441DD54C7E4DEA5C440DD1EC633DE82C390DC0BC402DD4AC13EDB"""
    ),
    "<i2",
).reshape(-1, 2)
SAMPLES_3 = [
    [0, 79, 111, 78, 8, -61, -90, -68, -13, 42, 67, 53, 13, -27, -46, -38, -12, 14, 24, 19, 6, -4, -5, 0]
]


@pytest.mark.parametrize(
    ("data", "bits", "codes"),
    [(EXAMPLE_1, 16, [[25588], [10416]]), (EXAMPLE_2, 16, SAMPLES_2.T), (EXAMPLE_3, 8, SAMPLES_3)],
    ids=["1", "2", "3"],
)
def test_the_examples_of_the_rfc(data, bits, codes):
    for dtype in ("float32", "float64"):
        audio = lio.read(data, dtype=dtype)
        assert np.array_equal(audio.samples * 2 ** (bits - 1), codes)


# ---- A small encoder


class Bits:
    """Bits, the most significant first."""

    def __init__(self):
        self.value = 0
        self.count = 0

    def put(self, value, bits):
        self.value = self.value << bits | (int(value) & ((1 << bits) - 1))
        self.count += bits

    def unary(self, zeros):
        self.put(1, int(zeros) + 1)

    def bytes(self):
        spare = -self.count % 8
        return (self.value << spare).to_bytes((self.count + spare) // 8, "big")


def crc(data, polynomial, bits):
    value, top, mask = 0, 1 << (bits - 1), (1 << bits) - 1
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value & top else 0)) & mask
    return value


def crc8(data):
    return bytes([crc(data, 0x07, 8)])


def crc16(data):
    return crc(data, 0x8005, 16).to_bytes(2, "big")


def coded_number(number):
    """Section 9.1.5: like a character of UTF-8."""
    if number < 0x80:
        return bytes([number])
    more = 1
    while number >= 1 << (6 * more + 6 - more):
        more += 1
    lead = (0xFF00 >> (more + 1)) & 0xFF | number >> (6 * more)
    return bytes([lead, *(0x80 | number >> 6 * i & 0x3F for i in reversed(range(more)))])


FIXED = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]]


@dataclass
class How:
    """How one subframe is coded."""

    kind: str = "fixed"  # constant, verbatim, fixed, lpc
    order: int = 0
    coefficients: list[int] = field(default_factory=list)
    precision: int = 15
    shift: int = 0
    wasted: int = 0
    method: int = 0  # 0: parameters of 4 bits, 1: of 5
    partitions: int = 0  # as a power of 2
    escapes: frozenset[int] = frozenset()  # partitions without Rice codes
    parameter: int | None = None


def put_residuals(bits, how, residuals, block):
    bits.put(how.method, 2)
    bits.put(how.partitions, 4)
    size = block >> how.partitions
    at = 0
    for i in range(1 << how.partitions):
        part = [int(r) for r in residuals[at : at + size - (how.order if i == 0 else 0)]]
        at += len(part)
        if i in how.escapes:
            width = max((max(r, -r - 1).bit_length() + 1 for r in part), default=0) if any(part) else 0
            bits.put(31 if how.method else 15, 5 if how.method else 4)
            bits.put(width, 5)
            for r in part:
                bits.put(r, width)
            continue
        folded = [2 * r if r >= 0 else -2 * r - 1 for r in part]
        mean = sum(folded) // max(1, len(folded))
        k = min(30 if how.method else 14, mean.bit_length()) if how.parameter is None else how.parameter
        bits.put(k, 5 if how.method else 4)
        for f in folded:
            bits.unary(f >> k)
            bits.put(f, k)


def put_subframe(bits, how, samples, width):
    block = len(samples)
    bits.put(0, 1)
    order = how.order
    bits.put({"constant": 0, "verbatim": 1, "fixed": 8 + order, "lpc": 31 + order}[how.kind], 6)
    bits.put(how.wasted > 0, 1)
    if how.wasted:
        bits.unary(how.wasted - 1)
        assert all(s % (1 << how.wasted) == 0 for s in samples)
        samples = [s >> how.wasted for s in samples]
        width -= how.wasted
    if how.kind == "constant":
        assert len(set(samples)) == 1
        bits.put(samples[0], width)
        return
    for s in samples if how.kind == "verbatim" else samples[:order]:
        bits.put(s, width)
    if how.kind == "verbatim":
        return
    coefficients = FIXED[order] if how.kind == "fixed" else how.coefficients
    if how.kind == "lpc":
        bits.put(how.precision - 1, 4)
        bits.put(how.shift, 5)
        for c in coefficients:
            bits.put(c, how.precision)
    residuals = []
    for n in range(order, block):
        predicted = sum(c * samples[n - 1 - j] for j, c in enumerate(coefficients)) >> how.shift
        residuals.append(samples[n] - predicted)
    assert all(abs(r) < 2**31 for r in residuals)
    put_residuals(bits, how, residuals, block)


RATES = {88_200: 1, 176_400: 2, 192_000: 3, 8_000: 4, 16_000: 5, 22_050: 6, 24_000: 7, 32_000: 8,
         44_100: 9, 48_000: 10, 96_000: 11}  # fmt: skip
SIZES = {8: 1, 12: 2, 16: 4, 20: 5, 24: 6, 32: 7}


def put_frame(number, codes, bits, rate, hows, *, stereo=0, variable=False, from_header=True):
    """One frame of `codes`, (channels, frames) of Python integers."""
    block = len(codes[0])
    head = Bits()
    head.put(0b111111111111100, 15)
    head.put(variable, 1)
    sizes = {192: 1, **{144 << n: n for n in range(2, 6)}, **{1 << n: n for n in range(8, 16)}}
    size = sizes.get(block, 6 if block <= 256 else 7)
    head.put(size, 4)
    if not from_header:
        code = 0
    elif rate in RATES:
        code = RATES[rate]
    else:
        code = (
            12
            if rate % 1_000 == 0 and rate < 256_000
            else 13
            if rate < 65_536
            else 14
            if rate % 10 == 0
            else 0
        )
    head.put(code, 4)
    head.put(stereo or len(codes) - 1, 4)
    head.put(SIZES.get(bits, 0) if from_header else 0, 3)
    head.put(0, 1)
    data = head.bytes() + coded_number(number)
    if size in (6, 7):
        data += (block - 1).to_bytes(size - 5, "big")
    if code >= 12:
        data += {12: bytes([rate // 1_000 & 255]), 13: (rate & 65_535).to_bytes(2, "big"),
                 14: (rate // 10 & 65_535).to_bytes(2, "big")}[code]  # fmt: skip
    data += crc8(data)
    if stereo:
        left, right = codes
        side = [a - b for a, b in zip(left, right, strict=True)]
        mid = [(a + b) >> 1 for a, b in zip(left, right, strict=True)]
        codes = {8: (left, side), 9: (side, right), 10: (mid, side)}[stereo]
    body = Bits()
    for c, (samples, how) in enumerate(zip(codes, hows, strict=True)):
        is_side = (stereo, c) in ((8, 1), (9, 0), (10, 1))
        put_subframe(body, how, samples, bits + is_side)
    data += body.bytes()
    return data + crc16(data)


def md5_of(codes, bits):
    size = (bits + 7) // 8
    rows = zip(*codes, strict=True)
    return hashlib.md5(
        b"".join(int(x).to_bytes(size, "little", signed=True) for row in rows for x in row)
    ).digest()


def stream(frames, codes, bits, rate, *, block, total=None, md5=None, blocks=b""):
    """A file around `frames`; `codes` are those of the whole file."""
    info = Bits()
    info.put(block, 16)
    info.put(block, 16)
    info.put(0, 48)
    info.put(rate, 20)
    info.put(len(codes) - 1, 3)
    info.put(bits - 1, 5)
    info.put(len(codes[0]) if total is None else total, 36)
    info.put(int.from_bytes(md5_of(codes, bits) if md5 is None else md5, "big"), 128)
    head = b"fLaC" + (b"\x00" if blocks else b"\x80") + (34).to_bytes(3, "big") + info.bytes() + blocks
    return head + b"".join(frames)


def sines(channels, frames, bits, seed=0):
    random = np.random.default_rng(seed)
    t = np.arange(frames)
    x = [0.4 * np.sin(t * (0.01 + 0.01 * c)) + 0.1 * random.standard_normal(frames) for c in range(channels)]
    top = 2 ** (bits - 1)
    return [[int(v) for v in np.clip(np.rint(row * top), -top, top - 1)] for row in np.array(x)]


def check(data, codes, bits):
    audio = lio.read(data, dtype="float64")
    assert np.array_equal(audio.samples * 2.0 ** (bits - 1), np.array(codes, np.float64))
    single = lio.read(data, dtype="float32").samples
    assert np.array_equal(single, audio.samples.astype(np.float32))
    across = lio.read(data, layout="frames_first", dtype="float64").samples
    assert np.array_equal(across.T, audio.samples)


def lpc(order, precision=15, shift=9, seed=0, **other):
    """Coefficients that predict badly, which is no matter, and use all of their bits."""
    top = 2 ** (precision - 1)
    values = np.random.default_rng(seed).integers(-top // 4, top // 4, order)
    return How("lpc", order, [int(v) for v in values], precision, shift, **other)


@pytest.mark.parametrize("bits", [*range(4, 33)])
def test_every_depth(bits):
    top = 2 ** (bits - 1)
    name = "PCM_S8" if bits <= 8 else "PCM_16" if bits <= 16 else "PCM_24" if bits <= 24 else "PCM_32"
    for stereo in (0, 8, 9, 10):
        for order in (None, 0, 1, 2):
            # Residuals have 32 bits at most, so that the deepest cannot be loud.
            codes = sines(2, 300, bits if order is None else min(bits, 28))
            if order is None or bits < 28:
                # A side of full width.
                codes[0][17], codes[1][17], codes[0][18], codes[1][18] = -top, top - 1, top - 1, -top
            how = How("verbatim") if order is None else How("fixed", order, method=int(bits > 12))
            frame = put_frame(0, codes, bits, 44_100, [how, how], stereo=stereo)
            data = stream([frame], codes, bits, 44_100, block=300)
            check(data, codes, bits)
            assert lio.info(data).subtype == name


@pytest.mark.parametrize("stereo", [8, 9, 10])
def test_a_side_channel_of_33_bits_with_every_kind_of_subframe(stereo):
    codes = sines(2, 64, 32)
    codes[0][5], codes[1][5], codes[0][6], codes[1][6] = -(2**31), 2**31 - 1, 2**31 - 1, -(2**31)
    for how in (How("verbatim"), How("fixed", 0, method=1, escapes=frozenset([0]))):
        if how.kind == "fixed":
            codes = sines(2, 64, 28)
        data = stream(
            [put_frame(0, codes, 32, 48_000, [how, how], stereo=stereo)], codes, 32, 48_000, block=64
        )
        check(data, codes, 32)
    codes = sines(2, 64, 27)
    for how in (
        *(How("fixed", order, method=1) for order in range(5)),
        How("lpc", 2, [7, -2], 4, 2, method=1),
    ):
        data = stream(
            [put_frame(0, codes, 32, 48_000, [how, how], stereo=stereo)], codes, 32, 48_000, block=64
        )
        check(data, codes, 32)
    even = [[16 * x for x in row] for row in codes]
    how = How("fixed", 1, wasted=3, method=1)
    data = stream([put_frame(0, even, 32, 48_000, [how, how], stereo=stereo)], even, 32, 48_000, block=64)
    check(data, even, 32)
    flat = [[-(2**31)] * 64, [2**31 - 1] * 64]
    how = How("constant")
    data = stream([put_frame(0, flat, 32, 48_000, [how, how], stereo=stereo)], flat, 32, 48_000, block=64)
    check(data, flat, 32)


@pytest.mark.parametrize("order", range(1, 33))
def test_every_linear_order(order):
    for bits, precision, shift in [
        (16, 5, 3),
        (16, 12, 10),
        (16, 15, 0),
        (24, 15, 14),
        (8, 15, 15),
        (32, 15, 12),
    ]:
        codes = sines(1, 200, min(bits, 27) if bits == 32 else bits, order)
        how = lpc(order, precision, shift, order, method=1)
        predicted = [c >> 3 for c in how.coefficients] if shift == 0 else how.coefficients
        how.coefficients = predicted
        check(stream([put_frame(0, codes, bits, 8_000, [how])], codes, bits, 8_000, block=200), codes, bits)


@pytest.mark.parametrize("channels", range(1, 9))
def test_every_count_of_channels_and_mixed_subframes(channels):
    codes = sines(channels, 192 * 5 + 1, 16)
    codes[0] = [7] * len(codes[0])
    hows = [How("constant"), lpc(12, 12, 10), How("fixed", 4), lpc(2), How("verbatim"), lpc(32, 14, 13),
            How("fixed", 0), lpc(7, 15, 9)]  # fmt: skip
    frames = []
    for i in range(6):
        piece = [row[192 * i : 192 * i + 192] for row in codes]
        chosen = hows[:channels] if i < 5 else [How("verbatim")] * channels
        frames.append(put_frame(i, piece, 16, 48_000, chosen))
    check(stream(frames, codes, 16, 48_000, block=192), codes, 16)


@pytest.mark.parametrize("parameter", range(31))
def test_every_rice_parameter(parameter):
    bits = min(32, parameter + 4)
    top = 2 ** (bits - 1)
    random = np.random.default_rng(parameter)
    codes = [[int(x) for x in random.integers(-top // 4, top // 4, 500)]]
    codes[0][::7] = [int(x) for x in random.integers(-2, 2, len(codes[0][::7]))]
    how = How("fixed", 0, method=1, parameter=parameter)
    check(stream([put_frame(0, codes, bits, 44_100, [how])], codes, bits, 44_100, block=500), codes, bits)


def test_long_quotients_and_partitions():
    codes = [[0] * 4_096]
    codes[0][100:110] = [32_767, -32_768] * 5
    codes[0][4_000] = -3_000
    for how in (
        How("fixed", 0, parameter=0),
        How("fixed", 2, parameter=5, partitions=3),
        How("fixed", 0, partitions=12),
        How("fixed", 4, partitions=4, escapes=frozenset(range(16))),
        How("fixed", 1, partitions=6, escapes=frozenset(range(0, 64, 3)), method=1),
    ):
        check(stream([put_frame(0, codes, 16, 44_100, [how])], codes, 16, 44_100, block=4_096), codes, 16)


@pytest.mark.parametrize("wasted", [1, 2, 7, 14])
def test_wasted_bits(wasted):
    codes = [[x >> wasted << wasted for x in row] for row in sines(2, 100, 16)]
    for how in (How("verbatim", wasted=wasted), How("fixed", 1, wasted=wasted), lpc(3, wasted=wasted)):
        for stereo in (0, 8, 9):
            hows = [how, How("verbatim")]
            check(
                stream([put_frame(0, codes, 16, 44_100, hows, stereo=stereo)], codes, 16, 44_100, block=100),
                codes,
                16,
            )


@pytest.mark.parametrize("block", [1, 2, 15, 16, 17, 192, 255, 256, 257, 576, 1_152, 4_608, 32_768, 65_535])
def test_block_sizes(block):
    frames = 3 * block + 1 if block < 1_000 else block + 1
    codes = sines(1, frames, 8)
    how = How("verbatim") if block < 16 else How("fixed", 1)
    coded = []
    for i, at in enumerate(range(0, frames, block)):
        piece = [row[at : at + block] for row in codes]
        coded.append(put_frame(i, piece, 8, 8_000, [how if len(piece[0]) > 4 else How("verbatim")]))
    check(stream(coded, codes, 8, 8_000, block=block), codes, 8)


@pytest.mark.parametrize(
    "rate", [1, 8_000, 11_025, 44_100, 47_999, 65_535, 65_550, 192_000, 255_000, 384_000, 655_350]
)
@pytest.mark.parametrize("from_header", [True, False])
def test_sample_rates(rate, from_header):
    codes = sines(1, 50, 16)
    data = stream(
        [put_frame(0, codes, 16, rate, [How()], from_header=from_header)], codes, 16, rate, block=50
    )
    check(data, codes, 16)
    assert lio.info(data).sample_rate == rate


@given(st.lists(st.integers(1, 700), min_size=1, max_size=12), st.integers(0, 5_000), st.integers(0, 2_000))
@settings(deadline=None)
def test_variable_block_sizes_and_crops(sizes, start, count):
    codes = sines(2, sum(sizes), 12)
    coded, at = [], 0
    for size in sizes:
        piece = [row[at : at + size] for row in codes]
        how = How("verbatim") if size < 4 else How("fixed", 2)
        coded.append(put_frame(at, piece, 12, 44_100, [how, how], variable=True))
        at += size
    data = stream(coded, codes, 12, 44_100, block=700)
    check(data, codes, 12)
    start = min(start, at)
    part = lio.read(data, start=start, frames=count, dtype="float64").samples
    assert np.array_equal(part * 2.0**11, np.array(codes, np.float64)[:, start : start + count])


@pytest.mark.parametrize(
    "number",
    [2**7 - 1, 2**7, 2**11 - 1, 2**11, 2**16 - 1, 2**16, 2**21 - 1, 2**21, 2**26 - 1, 2**26, 2**31 - 2],
)
def test_coded_numbers_of_every_length(number):
    # A recording of a stream begins anywhere; it does not know its length.
    codes = sines(1, 32, 16)
    coded = [put_frame(number + i, [codes[0][16 * i : 16 * i + 16]], 16, 44_100, [How()]) for i in range(2)]
    data = stream(coded, codes, 16, 44_100, block=16, total=0)
    check(data, codes, 16)


@pytest.mark.parametrize("patch", ["reserved", "type", "method", "precision", "shift", "partition", "wasted"])
def test_what_no_encoder_writes(patch):
    codes = sines(1, 32, 16)
    good = put_frame(0, codes, 16, 44_100, [How("verbatim")])
    head = good[:7]
    body = Bits()
    body.put(patch == "reserved", 1)
    body.put(
        {"type": 2, "wasted": 1, "reserved": 1}.get(patch, 32 if patch in ("precision", "shift") else 8), 6
    )
    body.put(patch == "wasted", 1)
    if patch == "wasted":
        body.unary(16)
    if patch in ("precision", "shift"):
        body.put(0, 16)
        body.put(15 if patch == "precision" else 3, 4)
        body.put(-1 if patch == "shift" else 1, 5)
        body.put(0, 4)
    body.put(3 if patch == "method" else 0, 2)
    body.put(6 if patch == "partition" else 0, 4)
    body.put(0, 1_000)
    assert head[2] >> 4 == 6
    frame = head + body.bytes()
    data = stream([frame + crc16(frame)], codes, 16, 44_100, block=32)
    with pytest.raises(DecodeError, match="damaged") as caught:
        lio.read(data)
    assert caught.value.report.frame == 0
