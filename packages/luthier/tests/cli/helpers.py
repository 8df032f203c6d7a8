"""What the tests of the command line share."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import luthier.effects as fx

CHAIN = "gain(-6) | compressor(threshold_db=-18, ratio=3) | reverb(room_size=0.3)"
BOARD = fx.Chain([fx.Gain(-6), fx.Compressor(threshold_db=-18, ratio=3), fx.Reverb(room_size=0.3)])

Run = Callable[..., tuple[int, str, str]]


def signal_of(seconds: float = 1.0, rate: int = 16_000, channels: int = 2) -> Any:
    t = np.arange(round(seconds * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * 220 * t) * np.exp(-t)
    return np.stack([tone * (c + 1) / channels for c in range(channels)]).astype(np.float32)


def one_line(text: str) -> str:
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    return text.rstrip()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def console(*arguments: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
    script = Path(sys.executable).with_name("luthier")
    return subprocess.run([script, *arguments], capture_output=True, text=True, timeout=60, **settings)
