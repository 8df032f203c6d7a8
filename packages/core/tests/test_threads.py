"""The one thread pool: its size, and that each item is done once, whoever calls and however."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import luthier.core
from luthier.core import ParameterError, _native


@pytest.fixture(autouse=True)
def default_again() -> Iterator[None]:
    yield
    luthier.core.set_threads(None)


def test_the_default_is_what_this_process_may_use() -> None:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    assert 1 <= luthier.core.threads() <= allowed


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity masks")
def test_the_default_follows_the_affinity_mask() -> None:
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]);"
        "import luthier.core; print(luthier.core.threads())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "1"


@pytest.mark.parametrize("count", [1, 2, 7])
def test_set_threads(count: int) -> None:
    luthier.core.set_threads(count)
    assert luthier.core.threads() == count
    luthier.core.set_threads(None)
    assert luthier.core.threads() == _native.default_threads()


@pytest.mark.parametrize("count", [0, -1, 1025, 2**40, 1.5, 2.0, "2", True, float("nan"), [2]])
def test_other_counts_are_refused_and_change_nothing(count: Any) -> None:
    luthier.core.set_threads(3)
    with pytest.raises(ParameterError, match="count must be an integer from 1 to 1024, or None"):
        luthier.core.set_threads(count)
    assert luthier.core.threads() == 3


def test_as_many_threads_work_at_once_as_were_set() -> None:
    for count in (2, 4, 3):
        luthier.core.set_threads(count)
        assert _native._pool_meets(count, 20.0)
    assert not _native._pool_meets(4, 0.2)
    luthier.core.set_threads(1)
    assert not _native._pool_meets(2, 0.1)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize(("outer", "inner"), [(0, 0), (1, 1), (2, 1), (1, 100), (97, 31), (1_000, 3)])
def test_every_item_is_done_once_also_when_calls_are_nested(threads: int, outer: int, inner: int) -> None:
    luthier.core.set_threads(threads)
    for _ in range(20):
        assert _native._pool_visits(outer, inner) == [1] * (outer * inner)


def test_many_callers_while_the_size_changes() -> None:
    wrong = []

    def call() -> None:
        wrong.extend(_ for _ in range(200) if _native._pool_visits(13, 7) != [1] * 91)

    callers = [threading.Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    for count in (1, 3, 2, 6, 1, 4) * 10:
        luthier.core.set_threads(count)
    for caller in callers:
        caller.join(timeout=60)
        assert not caller.is_alive()
    assert not wrong


FORK = """
import os, sys, threading, warnings
from luthier.core import _native, set_threads, threads
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 on warns of a fork beside threads
set_threads(3)
assert _native._pool_meets(3, 20.0)
busy = None
if sys.argv[1] == "busy":
    busy = threading.Thread(target=_native._pool_meets, args=(4, 1.5))
    busy.start()
for _ in range(3):
    child = os.fork()
    if child == 0:
        good = threads() == 3 and _native._pool_meets(3, 20.0) and set(_native._pool_visits(50, 5)) == {1}
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
if busy:
    busy.join()
assert _native._pool_meets(3, 20.0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_a_forked_child_has_a_pool_of_its_own(state: str) -> None:
    subprocess.run([sys.executable, "-c", FORK, state], check=True, timeout=60)


def test_the_process_ends_with_the_pool_alive() -> None:
    code = "from luthier.core import _native, set_threads; set_threads(4); _native._pool_meets(4, 9.0)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_the_pool_is_handed_to_other_modules_as_a_capsule() -> None:
    assert type(_native.pool()).__name__ == "PyCapsule"
    assert '"luthier.pool"' in repr(_native.pool())


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_changing_the_number_during_a_call_leaves_no_threads_behind() -> None:
    code = (
        "import os, threading, time\n"
        "from luthier.core import _native, set_threads\n"
        "stop = False\n"
        "def work():\n"
        "    while not stop: _native._pool_visits(1000, 7)\n"
        "worker = threading.Thread(target=work); worker.start()\n"
        "for i in range(100): set_threads(2 + i % 2); time.sleep(0.001)\n"
        "stop = True; worker.join(); _native._pool_visits(10, 1)\n"
        "for _ in range(100):\n"
        "    count = len(os.listdir('/proc/self/task'))\n"
        "    if count <= 8: break\n"
        "    time.sleep(0.05)\n"
        "print(count)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) <= 8
