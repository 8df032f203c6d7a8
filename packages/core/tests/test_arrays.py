"""Arrays in, the same kind of array out."""

import sys
import types
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from luthier.core import LayoutError, ParameterError
from luthier.core.arrays import SAMPLE_RATES, borrow, borrow_out, check_channels, check_sample_rate

LAYOUTS = ["channels_first", "frames_first"]


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Every array that is allowed: rank, type, byte order, strides, read-only or not."""
    dtype = np.dtype(draw(st.sampled_from(["<f4", ">f4", "<f8", ">f8"])))
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5))
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape).astype(dtype)
    if draw(st.booleans()):
        array = array[..., :: draw(st.sampled_from([-1, 2]))]
    if draw(st.booleans()):
        array = np.asfortranarray(array)
    if draw(st.booleans()):
        array.flags.writeable = False
    return array


@given(arrays(), st.sampled_from(LAYOUTS))
def test_giving_back_what_was_borrowed_changes_nothing(array: Any, layout: Any) -> None:
    borrowed = borrow(array, layout=layout)
    assert borrowed.array.ndim == 3
    assert borrowed.array.flags.c_contiguous
    assert borrowed.array.dtype.isnative
    assert borrowed.batch == (array.shape[0] if array.ndim == 3 else None)
    back = borrowed.give(borrowed.array)
    assert type(back) is np.ndarray
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)


@given(arrays(), st.sampled_from(LAYOUTS))
def test_borrowing_leaves_the_input_alone(array: Any, layout: Any) -> None:
    before = array.copy()
    flags = str(array.flags)
    borrow(array, layout=layout)
    np.testing.assert_array_equal(array, before)
    assert str(array.flags) == flags


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(8,), (2, 8), (3, 2, 8), (2, 0)])
def test_plain_arrays_are_not_copied(shape: tuple[int, ...], dtype: Any) -> None:
    array = np.zeros(shape, dtype)
    borrowed = borrow(array)
    assert borrowed.array.__array_interface__["data"] == array.__array_interface__["data"]
    assert borrowed.array.base is not None


def test_frames_first_swaps_channels_and_frames() -> None:
    frames = np.array([[1, 10], [2, 20], [3, 30]], np.float32)
    borrowed = borrow(frames, layout="frames_first")
    np.testing.assert_array_equal(borrowed.array, [[[1, 2, 3], [10, 20, 30]]])
    result = borrowed.give(borrowed.array * 2)
    np.testing.assert_array_equal(result, frames * 2)
    assert result.flags.c_contiguous
    batch = np.stack([frames, frames + 1])
    np.testing.assert_array_equal(borrow(batch, layout="frames_first").array[1], (frames + 1).T)


def test_mono_comes_back_as_it_went_unless_it_gained_channels() -> None:
    borrowed = borrow(np.zeros(4, np.float32))
    assert borrowed.array.shape == (1, 1, 4)
    assert borrowed.give(borrowed.array).shape == (4,)
    assert borrowed.give(np.zeros((1, 2, 4), np.float32)).shape == (2, 4)


def test_subclasses_are_read_as_plain_arrays() -> None:
    matrix = np.ones((2, 3), np.float32).view(np.matrix)
    assert borrow(matrix).array.shape == (1, 2, 3)


# Every error, and what it tells the caller to do.


@pytest.mark.parametrize(
    ("dtype", "cure"),
    [
        ("int8", "take.astype(numpy.float32) / 128"),
        ("int16", "take.astype(numpy.float32) / 32768"),
        (">i2", "take.astype(numpy.float32) / 32768"),
        ("int32", "take.astype(numpy.float64) / 2147483648"),
        ("uint8", "(take.astype(numpy.float32) - 128) / 128"),
        ("uint16", "take.astype(numpy.float32) / full_scale"),
        ("int64", "take.astype(numpy.float32) / full_scale"),
        ("float16", "take.astype(numpy.float32)"),
        ("longdouble", "take.astype(numpy.float32)"),
        ("bool", "take.astype(numpy.float32)"),
        ("object", "take.astype(numpy.float32)"),
        ("complex64", "take.real and take.imag"),
    ],
)
def test_other_dtypes_are_refused_with_the_line_that_converts(dtype: str, cure: str) -> None:
    with pytest.raises(LayoutError, match="take must be float32 or float64, got ") as caught:
        borrow(np.zeros((2, 3), dtype), name="take")
    assert cure in str(caught.value)
    assert str(np.dtype(dtype)) in str(caught.value)


@given(hnp.scalar_dtypes())
def test_no_other_dtype_gets_in(dtype: Any) -> None:
    assume(dtype.newbyteorder("=") not in (np.float32, np.float64))
    with pytest.raises(LayoutError):
        borrow(np.zeros(3, dtype))


def test_pcm_conversion_lines_are_right() -> None:
    for dtype in ("int8", "int16", "int32", "uint8"):
        limits = np.iinfo(dtype)
        samples = np.array([limits.min, limits.max], dtype)
        with pytest.raises(LayoutError) as caught:
            borrow(samples)
        line = str(caught.value).rpartition("pass ")[2]
        converted = eval(line, {"numpy": np, "samples": samples})
        # 32 bits need a float64 to keep their last code below full scale.
        assert converted.dtype == (np.float64 if dtype == "int32" else np.float32)
        assert converted[0] == -1.0
        assert 0.99 < converted[1] < 1.0


@pytest.mark.parametrize("shape", [(), (1, 1, 1, 8)])
def test_other_ranks_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(LayoutError, match=f"got {len(shape)} dimensions"):
        borrow(np.zeros(shape, np.float32))


@pytest.mark.parametrize("layout", ["frames-first", None, 0, "", ["frames_first"]])
def test_other_layouts_are_refused(layout: Any) -> None:
    with pytest.raises(LayoutError, match="layout must be 'channels_first' or 'frames_first', got"):
        borrow(np.zeros(3, np.float32), layout=layout)


@pytest.mark.parametrize("samples", [[0.0, 1.0], (0.0,), 1.0, None, "take.wav", b"\0\0", memoryview(b"\0")])
def test_what_is_no_array_is_refused(samples: Any) -> None:
    with pytest.raises(LayoutError, match="samples must be an array, got " + type(samples).__name__):
        borrow(samples)


# out=


def test_out_is_written_in_place() -> None:
    for shape in [(8,), (2, 8), (3, 2, 8)]:
        like = borrow(np.zeros(shape, np.float32))
        out = np.zeros(shape, np.float32)
        planar = borrow_out(out, like, like.array.shape)
        assert planar.shape == like.array.shape
        planar[...] = 1
        assert (out == 1).all()


def test_out_may_have_strides_and_frames_first() -> None:
    like = borrow(np.zeros((4, 2), np.float32), layout="frames_first")
    room = np.zeros((8, 2), np.float32)
    planar = borrow_out(room[::2], like, like.array.shape)
    planar[...] = [[[1, 2, 3, 4], [10, 20, 30, 40]]]
    np.testing.assert_array_equal(room[::2], [[1, 10], [2, 20], [3, 30], [4, 40]])
    assert (room[1::2] == 0).all()


def test_out_may_be_the_input() -> None:
    array = np.zeros((2, 8), np.float32)
    like = borrow(array)
    borrow_out(array, like, like.array.shape)[...] = 1
    assert (array == 1).all()


@pytest.mark.parametrize(
    ("out", "complaint"),
    [
        (np.zeros((2, 9), np.float32), r"shape \(2, 8\) and dtype float32, got \(2, 9\)"),
        (np.zeros((1, 2, 8), np.float32), r"got \(1, 2, 8\)"),
        (np.zeros((2, 8), np.float64), "got .* and float64"),
        (np.zeros((2, 8), ">f4"), "got .* and >f4"),
        (np.zeros((2, 8), np.int16), "got .* and int16"),
        ([[0.0] * 8] * 2, "out must be an array, got list"),
        (np.broadcast_to(np.float32(0), (2, 8)), "out is read-only"),
    ],
)
def test_an_out_that_does_not_fit_is_refused(out: Any, complaint: str) -> None:
    like = borrow(np.zeros((2, 8), np.float32))
    with pytest.raises(LayoutError, match=complaint):
        borrow_out(out, like, like.array.shape)


# Other array libraries, through DLPack.


class Tensor:
    """An array of another library, as little of it as DLPack needs."""

    requires_grad = False

    def __init__(self, array: Any, device: int = 1) -> None:
        self.array = array
        self.device = device

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def __dlpack__(self, **settings: Any) -> Any:
        return self.array.__dlpack__(**settings)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    module = types.ModuleType("otherarrays")
    module.from_dlpack = lambda array: Tensor(np.from_dlpack(array))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "otherarrays", module)
    monkeypatch.setattr(Tensor, "__module__", "otherarrays.core")
    return module


def test_another_librarys_array_comes_back_as_its_own(library: types.ModuleType) -> None:
    given_array = np.arange(6, dtype=np.float32).reshape(2, 3)
    borrowed = borrow(Tensor(given_array))
    assert borrowed.array.__array_interface__["data"] == given_array.__array_interface__["data"]
    back = borrowed.give(borrowed.array + 1)
    assert isinstance(back, Tensor)
    np.testing.assert_array_equal(back.array, given_array + 1)


def test_a_library_that_cannot_import_arrays_gets_numpy(library: types.ModuleType) -> None:
    del library.from_dlpack
    borrowed = borrow(Tensor(np.ones((2, 3), np.float32)))
    assert type(borrowed.give(borrowed.array)) is np.ndarray


def test_an_array_on_another_device_names_the_cure() -> None:
    with pytest.raises(LayoutError, match=r"pass take\.cpu\(\)"):
        borrow(Tensor(np.zeros(3, np.float32), device=2), name="take")


def test_an_array_with_a_gradient_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tensor, "requires_grad", True)
    with pytest.raises(LayoutError, match=r"pass take\.detach\(\)"):
        borrow(Tensor(np.zeros(3, np.float32)), name="take")


def test_an_array_that_dlpack_cannot_describe_is_refused() -> None:
    class Broken(Tensor):
        def __dlpack__(self, **settings: Any) -> Any:
            raise BufferError("no such thing")

    with pytest.raises(LayoutError, match="could not be read through DLPack: no such thing"):
        borrow(Broken(np.zeros(3, np.float32)))


def test_torch_in_torch_out() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    borrowed = borrow(tensor)
    back = borrowed.give(borrowed.array * 2)
    assert torch.equal(back, tensor * 2)
    with pytest.raises(LayoutError, match="detach"):
        borrow(torch.zeros(3, requires_grad=True))
    with pytest.raises(LayoutError, match="float32 or float64"):
        borrow(torch.zeros(3, dtype=torch.int16))


# Sample rates


@given(st.floats(*SAMPLE_RATES) | st.integers(1, 10_000_000))
def test_sample_rates_become_floats(sample_rate: float) -> None:
    value = check_sample_rate(sample_rate)
    assert type(value) is float
    assert value == sample_rate


@pytest.mark.parametrize("sample_rate", [np.float32(44_100), np.int32(44_100), Fraction(44_100)])
def test_any_real_number_is_a_sample_rate(sample_rate: Any) -> None:
    assert check_sample_rate(sample_rate) == 44_100.0


@pytest.mark.parametrize(
    "sample_rate",
    [0, -1, -44_100.0, 0.5, float("nan"), float("inf"), -float("inf"), 1e9, 10**400, True, "44100", None, 1j],
)
def test_other_sample_rates_are_refused(sample_rate: Any) -> None:
    with pytest.raises(ParameterError, match="rate_in must be a number of frames a second between 1 and 1e"):
        check_sample_rate(sample_rate, "rate_in")


@pytest.mark.parametrize(
    ("layout", "shape", "cure"),
    [
        ("channels_first", (67_535, 2), "layout='frames_first'"),
        ("frames_first", (2, 67_535), "layout='channels_first'"),
        ("channels_first", (3, 67_535, 2), "layout='frames_first'"),
    ],
)
def test_axes_that_are_swapped_are_refused(layout: Any, shape: tuple[int, ...], cure: str) -> None:
    with pytest.raises(LayoutError) as caught:
        check_channels(borrow(np.zeros(shape, np.float32), layout=layout), "take")
    message = str(caught.value)
    assert message.startswith("take has 67535 channels of 2 frames")
    assert message.endswith(cure)


def test_as_many_channels_as_a_recording_may_have_pass() -> None:
    check_channels(borrow(np.zeros((4_096, 1), np.float32)))
    check_channels(borrow(np.zeros((5_000, 1, 2), np.float32)))
    check_channels(borrow(np.zeros((67_535, 2), np.float32), layout="frames_first"))
    with pytest.raises(LayoutError, match="4097 channels"):
        check_channels(borrow(np.zeros((4_097, 1), np.float32)))
