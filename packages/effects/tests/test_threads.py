"""Effects and streams in many threads at once."""

import subprocess
import sys

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
