"""Frames that wait."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

__all__ = ["Fifo"]


class Fifo:
    """Blocks of ``(channels, frames)`` in, and any number of their frames out."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._blocks: deque[Samples] = deque()
        self.frames = 0

    def put(self, block: Samples) -> None:
        """Take a block, which is copied."""
        if block.shape[1]:
            self._blocks.append(block.copy())
            self.frames += block.shape[1]

    def take(self, frames: int) -> Samples:
        """Return the oldest frames; there are as many."""
        if self._blocks and self._blocks[0].shape[1] == frames:
            self.frames -= frames
            return self._blocks.popleft()
        out = np.empty((self._channels, frames), np.float32)
        at = 0
        while at < frames:
            block = self._blocks.popleft()
            part = block[:, : frames - at]
            out[:, at : at + part.shape[1]] = part
            at += part.shape[1]
            if part.shape[1] < block.shape[1]:
                self._blocks.appendleft(block[:, part.shape[1] :])
        self.frames -= frames
        return out

    def clear(self) -> None:
        """Forget all."""
        self._blocks.clear()
        self.frames = 0
