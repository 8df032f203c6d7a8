"""`pytest --repeat=N`, by which the suites run again elsewhere, takes some of everything."""

import re
from pathlib import Path

import pytest

pytest_plugins = "pytester"

SUITE = """
import pytest
from hypothesis import given, settings, strategies as st

effects = pytest.mark.parametrize("effect", range(30))

def test_alone(): pass

@pytest.mark.parametrize("only_here", range(100))
def test_of_many_cases(only_here): pass

@effects
@pytest.mark.parametrize("channels", [1, 2])
def test_one_thing(effect, channels): pass

@effects
def test_another(effect): pass

@settings(max_examples=40)
@given(st.floats())
def test_anything(x): print("drawn")
"""


@pytest.fixture
def repeated(pytester: pytest.Pytester):
    conftest = Path(__file__).parents[1] / "conftest.py"
    pytester.makeconftest(conftest.read_text("utf-8"))
    pytester.makepyfile(SUITE)

    def run(*arguments: str) -> str:
        return pytester.runpytest_subprocess("-v", "-s", *arguments).stdout.str()

    return run


def cases(told: str, function: str) -> list[str]:
    return re.findall(rf"::{function}(?:\[(.*?)\])? ", told)


def test_everything_without(repeated) -> None:
    told = repeated()
    assert told.count("PASSED") == 1 + 100 + 60 + 30 + 1
    assert told.count("drawn") == 40


@pytest.mark.parametrize("n", [1, 2])
def test_some_cases_of_each_function_and_of_each_value(repeated, n: int) -> None:
    told = repeated(f"--repeat={n}")
    assert len(cases(told, "test_alone")) == 1
    assert len(cases(told, "test_of_many_cases")) == n
    values = [case.split("-")[-1] for case in cases(told, "test_one_thing")] + cases(told, "test_another")
    assert all(values.count(str(effect)) >= n for effect in range(30))
    assert len(values) < 80
    assert min(len(cases(told, name)) for name in ("test_one_thing", "test_another")) > 5
    assert told.count("drawn") == 10


def test_what_is_deselected_is_not_counted(repeated) -> None:
    told = repeated("--repeat=1", "-k", "another")
    assert len(cases(told, "test_another")) == 1
