"""What a long signal costs in memory: its output, and nothing that grows with it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="peak memory is read by POSIX means")
pytestmark = pytest.mark.memory

SCRIPT = """
import json, resource, sys
import numpy as np
import luthier.effects as fx

def peak():
    # Kibibytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

board = eval(sys.argv[1])
x = np.zeros((2, 300 * 44_100), dtype=np.float32)
x[:] = 0.1  # touched, so that it is there before
board(x[:, :44_100], 44_100)
before = peak()
if sys.argv[2] == "out":
    board(x, 44_100, out=x)
else:
    y = board(x, 44_100)
print(json.dumps([peak() - before, x.nbytes]))
"""

BOARDS = [
    "fx.Chain([fx.HighpassFilter(), fx.Compressor(), fx.LowShelfFilter(), fx.Reverb()])",
    "fx.Mix([fx.Chain([]), fx.Chain([fx.Reverb(), fx.Gain(-6)])])",
]


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("way", ["new", "out"])
def test_five_minutes_need_no_more_than_their_output(board: str, way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, board, way], capture_output=True, text=True, check=True
    )
    grown, size = json.loads(done.stdout)
    assert grown <= (size if way == "new" else 0) + 4 * 2**20
