"""Effects and streams in many threads at once."""

import subprocess
import sys

import pytest

FIRST = """
import faulthandler, sys, threading
faulthandler.dump_traceback_later(20, exit=True)
sys.setswitchinterval(1e-6)
import luthier.effects as fx

start = threading.Barrier(8)

def make():
    start.wait()
    fx.Gain().stream(48_000, 1)

threads = [threading.Thread(target=make) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_the_first_streams_of_a_process_may_be_made_at_once() -> None:
    told = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("delay_s", [0.05, 0.2])
def test_a_daemon_thread_in_native_code_lets_the_process_end(delay_s: float) -> None:
    """Asking for the GIL at that moment would unwind the thread through C++, and abort."""
    code = (
        "import sys, threading, time, numpy as np, luthier.effects as fx\n"
        "x = np.zeros((2, 1_000_000), np.float32); block = x[:, :64].copy()\n"
        "def calls():\n"
        "    while True: fx.Reverb()(x, 44_100)\n"
        "def blocks():\n"
        "    stream = fx.Gain().stream(44_100, 2)\n"
        "    while True: stream.process(block)\n"
        "for work in (calls, blocks): threading.Thread(target=work, daemon=True).start()\n"
        "time.sleep(float(sys.argv[1]))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(delay_s)], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
