"""Settings that every suite of the repository shares."""

import os
import signal
import sys
import zlib
from collections import Counter

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

# `ci` finds the same examples every time, so that a red run is the change's doing; `nightly` looks for
# new ones. Choose with HYPOTHESIS_PROFILE.
settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=50,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A shell starts what runs in its background with Ctrl-C ignored, and so would the programs be that the
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Processes that fill one cache of librosa's compiled functions at once spoil it, and crash then: numba takes
# the file of one signature for another's.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ.setdefault("NUMBA_CACHE_DIR", f"{sys.prefix}/numba/{worker}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--repeat",
        type=int,
        metavar="N",
        help="again, elsewhere: of each test function N cases, of each value that functions of a file share N"
        " cases, and ten random examples",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("repeat"):
        settings.register_profile("repeat", settings.get_profile("ci"), max_examples=10)
        settings.load_profile("repeat")


@pytest.hookimpl(trylast=True)  # after -k and -m
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("repeat"):
        return
    chosen = set(selection(items, config.getoption("repeat")))
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]
    for item in items:
        function = getattr(item, "obj", None)
        if is_hypothesis_test(function):
            # A test that asks for a number of examples would have that, whatever the profile says.
            own = function._hypothesis_internal_use_settings
            few = min(own.max_examples, settings.default.max_examples)
            function._hypothesis_internal_use_settings = settings(own, max_examples=few)


def selection(items: list[pytest.Item], n: int) -> list[pytest.Item]:
    """Return at least n cases of each test function, and of each value that functions of a file share."""

    def traits(item: pytest.Item) -> list[tuple[object, ...]]:
        values = item.callspec.params if hasattr(item, "callspec") else {}
        function = item.path, item.nodeid.partition("[")[0]
        return [function, *((item.path, name, repr(value)) for name, value in values.items())]

    functions: dict[tuple[object, ...], set[object]] = {}
    for item in items:
        function, *values = traits(item)
        for path, name, _ in values:
            functions.setdefault((path, name), set()).add(function)
    seen: Counter[tuple[object, ...]] = Counter()
    chosen = []
    # In an order that is no order, and always the same, so that the values come by turns to the functions.
    for item in sorted(items, key=lambda item: zlib.crc32(item.nodeid.encode())):
        function, *values = traits(item)
        counted = [function, *(value for value in values if len(functions[value[:2]]) > 1)]
        if any(seen[trait] < n for trait in counted):
            chosen.append(item)
            seen.update(counted)
    return chosen
