"""AAC, ALAC, WMA, WebM and what else FFmpeg decodes, through PyAV (``pip install luthier-io[av]``).

Few of these formats say how many frames they hold, and few of their decoders give the same samples after a
seek: noise that is substituted depends on what was decoded before. So a file is decoded once when it is
opened, to count; what is not large stays in memory. From a large one, a step back decodes from the
beginning again, except for lossless codecs.
"""

from __future__ import annotations

import bisect
import io
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from luthier.core import DecodeError, UnsupportedFormat
from luthier.io import _native

__all__ = ["AvDecoder"]

_KEPT = 64 << 20  # bytes of samples that stay in memory
_LOSSLESS = frozenset({"alac", "flac", "wavpack", "tta", "ape", "tak"})
_FORMATS = {
    "mov,mp4,m4a,3gp,3g2,mj2": "MP4",
    "matroska,webm": "MATROSKA",
    "aac": "ADTS",
    "asf": "ASF",
    "wv": "WAVPACK",
}
# Bytes of the integer types that FFmpeg gives, and what stands for full scale.
_SCALES = {"u8": (-128, 2.0**-7), "s16": (0, 2.0**-15), "s32": (0, 2.0**-31), "s64": (0, 2.0**-63)}

Block = npt.NDArray[np.floating[Any]]


# An edit list of MP4 counts in thousandths of a second as a rule: cutting the end by it, as FFmpeg 9 does,
# would lose frames of sound. The encoder's delay is cut off all the same.
_OPTIONS = {"advanced_editlist": "0"}


class _File(io.RawIOBase):
    """A source as PyAV reads it."""

    def __init__(self, source: _native.Source) -> None:
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        wanted = self._source.size - self._at if size < 0 else size
        data = self._source.read_at(self._at, wanted)
        self._at += len(data)
        return data


class AvDecoder:
    """A file that FFmpeg decodes; the attributes and the method of native/python_decoder.h."""

    def __init__(self, source: _native.Source, kind: str) -> None:
        self._source = source
        container, stream = self._open(kind)
        codec = stream.codec_context
        form = codec.format.name.removesuffix("p")
        self.format = _FORMATS.get(container.format.name, container.format.name.upper())
        self.subtype = codec.name.upper()
        self.sample_rate = int(codec.sample_rate)
        self.channels = int(codec.layout.nb_channels)
        if self.sample_rate < 1 or self.channels < 1:
            raise DecodeError(f"{source.name}: the header declares no sample rate or no channels")
        self._dtype = np.float64 if form in ("s32", "s64", "dbl") else np.float32
        if self._dtype == np.float64:
            self.subtype += "_32"
        self._lossless = codec.name in _LOSSLESS
        self._kind = kind
        self._fault: str | None = None
        self._starts: list[int] = []  # the frame that each of FFmpeg's blocks begins with
        self._times: list[int | None] = []  # and its time stamp
        self._kept: list[Block] | None = []
        self._end = self._count(container, stream)
        self._blocks: Iterator[tuple[int, Block]] | None = None
        self._block: tuple[int, Block] = (0, np.zeros((self.channels, 0), self._dtype))

    def _open(self, kind: str) -> tuple[Any, Any]:
        name = self._source.name
        try:
            container = av.open(_File(self._source), "r", options=_OPTIONS)
        except (av.FFmpegError, ValueError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DecodeError(f"{name}: is {kind}, and damaged or cut short: {reason}") from error
        stream = next(iter(container.streams.audio), None)
        if stream is None:
            raise UnsupportedFormat(f"{name}: is {kind} without audio")
        try:
            opened = stream.codec_context.format is not None
        except (av.FFmpegError, ValueError):
            opened = False
        if not opened:
            raise UnsupportedFormat(f"{name}: FFmpeg has no decoder for the audio of this {kind} file")
        return container, stream

    def _count(self, container: Any, stream: Any) -> int:
        """Decode everything once. Sets what the public attributes say, and returns the frames there are."""
        count = size = 0
        for time, block in self._decode(container, stream):
            self._starts.append(count)
            self._times.append(time)
            count += block.shape[1]
            size += block.nbytes
            if self._kept is not None:
                self._kept.append(block)
                if size > _KEPT:
                    self._kept = None
        exact = stream.time_base is not None and stream.time_base.denominator == self.sample_rate
        if self._last_end is not None and exact and self.format == "MP4":
            # The last packet of a track is as long as the audio in it, what is more is padding.
            count = min(count, max(0, self._last_end - (self._times[0] or 0 if self._times else 0)))
        self.frames, self.promised, self.damage = count, False, self._fault
        said = 0
        if stream.duration and exact:
            said = int(stream.duration)
        elif container.duration and self.format in ("MATROSKA", "ASF", "MP4"):
            said = int(container.duration / av.time_base * self.sample_rate)
        if self._fault is None and count < said - max(8192, self.sample_rate // 4):
            self.damage = "its audio is cut short"
            if exact:
                self.frames, self.promised = said, True
        return count

    def _decode(self, container: Any, stream: Any) -> Iterator[tuple[int | None, Block]]:
        """FFmpeg's blocks and their time stamps, from where the container stands."""
        self._last_end: int | None = None
        try:
            for packet in container.demux(stream):
                if packet.pts is not None and packet.duration:
                    self._last_end = max(self._last_end or 0, packet.pts + packet.duration)
                for frame in packet.decode():
                    if frame.samples == 0:
                        continue
                    if frame.sample_rate != self.sample_rate or frame.layout.nb_channels != self.channels:
                        self._fault = "its sample rate or channels change on the way"
                        return
                    yield frame.pts, self._planar(frame)
        except av.FFmpegError as error:
            self._fault = f"the decoder stopped: {error.strerror or error}"

    def _planar(self, frame: Any) -> Block:
        samples = frame.to_ndarray()
        if not frame.format.is_planar:
            samples = samples.reshape(-1, self.channels).T
        scale = _SCALES.get(frame.format.name.removesuffix("p"))
        if scale is None:
            return samples.astype(self._dtype, copy=False)  # type: ignore[no-any-return]
        return (samples.astype(self._dtype) + scale[0]) * self._dtype(scale[1])  # type: ignore[no-any-return]

    def read(self, frame: int, out: Block) -> tuple[int, str | None]:
        """Fill `out`, ``(channels, frames)``, from `frame` on."""
        wanted = min(out.shape[1], max(0, self._end - frame))
        done = 0
        while done < wanted:
            start, block = self._find(frame + done)
            skip = frame + done - start
            n = min(block.shape[1] - skip, wanted - done)
            if n <= 0:
                break
            out[:, done : done + n] = block[:, skip : skip + n]
            done += n
        return done, None if done == out.shape[1] else self.damage or "its audio is cut short"

    def _find(self, frame: int) -> tuple[int, Block]:
        """The block that holds `frame`, and where it begins; a block that ends before it at the end."""
        number = bisect.bisect_right(self._starts, frame) - 1
        if self._kept is not None:
            return self._starts[number], self._kept[number]
        start, block = self._block
        far = start + block.shape[1] + 10 * self.sample_rate
        blocks = self._blocks
        if blocks is None or frame < start or (self._lossless and frame >= far):
            blocks = self._blocks = self._start_at(number)
        start, block = self._block
        while frame >= start + block.shape[1]:
            following = next(blocks, None)
            if following is None:
                return start, block
            start, block = self._block = following
        return self._block

    def _start_at(self, number: int) -> Iterator[tuple[int, Block]]:
        """Go to this block or to one before it, and return those that follow."""
        container, stream = self._open(self._kind)
        nothing = np.zeros((self.channels, 0), self._dtype)
        known = dict(zip(self._times, self._starts, strict=True))
        if self._lossless and number > 0 and len(known) == len(self._starts):
            time = self._times[number]
            try:
                container.seek(time, stream=stream, backward=True)
                blocks = self._decode(container, stream)
                first = next(blocks, None)
            except av.FFmpegError:
                first = None
            if first is not None and known.get(first[0], self._end) <= self._starts[number]:
                start = known[first[0]]
                self._block = start, first[1]
                return _placed(blocks, start + first[1].shape[1])
            container, stream = self._open(self._kind)
        self._block = 0, nothing
        return _placed(self._decode(container, stream), 0)


def _placed(blocks: Iterator[tuple[int | None, Block]], start: int) -> Iterator[tuple[int, Block]]:
    for _, block in blocks:
        yield start, block
        start += block.shape[1]
