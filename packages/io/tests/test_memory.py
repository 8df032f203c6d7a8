"""Files larger than memory: reading and writing in pieces takes constant memory."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


@pytest.mark.memory
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", ["long.wav", "long.flac"])
def test_a_long_file_streams_in_constant_memory(tmp_path, name):
    script = f"""
        import numpy as np, luthier.io as lio

        def peak():
            line = next(x for x in open("/proc/self/status") if x.startswith("VmHWM"))
            return int(line.split()[1]) / 1024

        t = np.arange(44_100) / 44_100
        second = np.stack([np.sin(2 * np.pi * 440 * t), np.sin(2 * np.pi * 441 * t)]).astype(np.float32) * 0.5
        with lio.Writer({name!r}, 44_100, 2) as writer:
            writer.write(second)
            start = peak()
            for _ in range(399):
                writer.write(second)
        frames = 0
        with lio.open({name!r}) as reader:
            for block in reader.blocks():
                frames += block.shape[1]
        assert frames == 400 * 44_100, frames
        print(peak() - start)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The samples are 141 MB as float32.
    assert float(done.stdout) < 16
