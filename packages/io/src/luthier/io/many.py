"""`read_many`: many files, or parts of them, at a time."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

import luthier.core
from luthier.core import Audio, LayoutError, ParameterError
from luthier.core.arrays import Layout
from luthier.core.audio import FramesFirstAudio
from luthier.core.runtime import MAX_THREADS
from luthier.io import _native
from luthier.io.arguments import (
    Channels,
    check_channels,
    check_count,
    check_dtype,
    check_frame,
    check_layout,
    check_out,
    check_rate,
)
from luthier.io.damage import OnError, check_on_error, damaged, warn
from luthier.io.index import IndexSource, Lookup, check_index, look_up
from luthier.io.resampling import Quality
from luthier.io.sources import Readable, source_of

__all__ = ["Crop", "read_many"]


class Crop(NamedTuple):
    """A part of a file, for `read_many`. A plain tuple of the same does as well.

    Parameters
    ----------
    source
        As for `luthier.io.read`.
    start
        The first frame.
    frames
        How many; all that are left by default.
    """

    source: Readable
    start: int = 0
    frames: int | None = None


def read_many(
    items: Iterable[Readable | tuple[Any, ...]],
    *,
    threads: int | None = None,
    sample_rate: float | None = None,
    channels: Channels = None,
    layout: Layout = "channels_first",
    dtype: npt.DTypeLike | None = None,
    out: Any = None,
    on_error: OnError = "raise",
    index: IndexSource | Sequence[IndexSource | None] | None = None,
    quality: Quality = "high",
) -> list[Audio | Exception]:
    """Read many files, or parts of them, on several threads.

    Parameters
    ----------
    items
        What `luthier.io.read` takes as a source, or `Crop` s or tuples ``(source, start, frames)``.
    threads
        How many threads at most, this one included; as many as `luthier.core.threads` says by default,
        which is also the limit.
    sample_rate, channels, layout, dtype, quality
        As for `luthier.io.read`, the same for all.
    out
        An array for the batch, ``(items, channels, frames)``, or ``(items, frames, channels)`` with
        ``layout="frames_first"``: item i is read to the beginning of ``out[i]``, no more frames than fit
        there, and silence fills the rest.
    on_error
        As for `luthier.io.read`; with ``"raise"`` the error is that item's result.
    index
        As for `luthier.io.read`: ``"cache"`` or a folder for all, or a sequence of one for each item.

    Returns
    -------
    list of Audio or Exception
        In the order of `items`. An item that could not be read is the exception that `luthier.io.read`
        would have raised for it; damage has ``.report`` and ``.audio``.

    Raises
    ------
    ParameterError, LayoutError
        When what is the same for all is wrong.
    KeyboardInterrupt
        Ctrl-C stops all threads.

    Warns
    -----
    DamagedAudioWarning
        For each damaged item, with another `on_error` than ``"raise"``.

    Examples
    --------
    >>> import numpy as np, luthier.io as lio
    >>> for i in range(3):
    ...     lio.write(f"{i}.wav", np.full(100 * (i + 1), i / 10), 16_000)
    >>> rows = lio.read_many(["0.wav", "missing.wav", lio.Crop("2.wav", start=50, frames=200)])
    >>> [type(row).__name__ for row in rows]
    ['Audio', 'FileNotFoundError', 'Audio']
    >>> rows[2].samples.shape
    (1, 200)

    A batch for training, of which short items are filled up with silence:

    >>> batch = np.empty((3, 1, 250), np.float32)
    >>> [row.frames for row in lio.read_many(["0.wav", "1.wav", "2.wav"], out=batch)]
    [100, 200, 250]
    """
    if isinstance(items, str | bytes | bytearray | memoryview | os.PathLike | Crop) or hasattr(items, "read"):
        raise ParameterError(f"items must be several sources, such as a list, got one {type(items).__name__}")
    crops = list(items)
    interleaved = check_layout(layout)
    check_on_error(on_error)
    wanted, rate = check_channels(channels), check_rate(sample_rate, quality)
    places = [None] * len(crops) if out is None else _places(out, len(crops), layout)
    if out is None:
        kind = check_dtype(dtype or "float32")
    else:
        kind = check_out(places[0], layout, dtype) if places else 0
    indexes = _indexes(index, len(crops))
    count = _check_threads(threads)

    results: list[Any] = [None] * len(crops)
    requests: list[tuple[Any, ...]] = []
    asked: list[tuple[int, str, Lookup]] = []
    for i, crop in enumerate(crops):
        try:
            item = Crop(*crop) if isinstance(crop, tuple) else Crop(crop)
        except TypeError:
            results[i] = ParameterError(f"an item must be a source or (source, start, frames), got {crop!r}")
            continue
        try:
            where, name = source_of(item.source)
            start = check_frame("start", item.start, name)
            frames = -1 if item.frames is None else check_count("frames", item.frames)
            lookup = Lookup()
            each = indexes[i]
            if each is not None and (start > 0 or frames >= 0):
                where, lookup = look_up(each, where, name)
        except Exception as error:  # it is this item's row
            results[i] = error
            continue
        requests.append(
            (
                where,
                name,
                start,
                frames,
                wanted,
                kind,
                interleaved,
                on_error == "pad",
                places[i],
                lookup.payload,
                lookup.given,
                lookup.wanted,
                rate,
                False,
            )
        )
        asked.append((i, name, lookup))

    for (i, name, lookup), row in zip(asked, _native.read_many(requests, count), strict=True):
        if isinstance(row, BaseException):
            results[i] = row
            continue
        samples, given_rate, damage, built = row
        if (place := places[i]) is not None:
            samples = place[:samples] if interleaved else place[:, :samples]
        results[i] = (FramesFirstAudio if interleaved else Audio)(samples, given_rate)
        if built is not None and lookup.store is not None:
            try:
                lookup.store(built)
            except OSError as error:
                results[i] = error
                continue
        if damage is not None:
            planar = samples.T if interleaved else samples
            found = damaged(name, damage, on_error, planar, given_rate)
            if isinstance(found, Warning):
                warn(found)
            else:
                results[i] = found
    for place, result in zip(places, results, strict=True):
        if place is not None:
            there = 0 if not isinstance(result, Audio) else result.samples.shape[0 if interleaved else 1]
            rest = place[there:] if interleaved else place[:, there:]
            rest[:] = 0
    return results


def _places(out: Any, items: int, layout: Layout) -> list[Any]:
    shape = "(items, frames, channels)" if layout == "frames_first" else "(items, channels, frames)"
    if getattr(out, "ndim", None) != 3 or out.shape[0] != items:
        given = getattr(out, "shape", type(out).__name__)
        raise LayoutError(f"out must have shape {shape} with {items} items, got {given}")
    return [out[i] for i in range(items)]


def _indexes(index: Any, items: int) -> list[Any]:
    if index is None or isinstance(index, str) or hasattr(index, "__fspath__"):
        return [index] * items
    if isinstance(index, list | tuple):
        for each in index:
            if each is not None:
                check_index(each)
        if len(index) == items:
            return list(index)
        raise ParameterError(f"index must have one entry for each of the {items} items, got {len(index)}")
    raise ParameterError(
        "index must be 'cache', the path of a folder, or a list with one index for each item, got "
        f"{type(index).__name__}"
    )


def _check_threads(threads: int | None) -> int:
    if threads is None:
        return luthier.core.threads()
    try:
        count = -1 if isinstance(threads, bool) else operator.index(threads)
    except TypeError:
        count = -1
    if count < 1:
        raise ParameterError(
            f"threads must be a number from 1 on, or None for luthier.core.threads(), got {threads!r}"
        )
    return min(count, MAX_THREADS)
