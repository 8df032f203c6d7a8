"""The instruction set: which one was found, which one is used, and how to force one."""

import os
import subprocess
import sys

import pytest

import luthier.core

ORDER = ["baseline", "v3", "v4"]
SHOW = "import luthier.core as c; print(*c.cpu())"


def run(forced: str | None) -> "subprocess.CompletedProcess[str]":
    environment = {k: v for k, v in os.environ.items() if k != "LUTHIER_ISA"}
    if forced is not None:
        environment["LUTHIER_ISA"] = forced
    return subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, env=environment)


def test_the_newest_instruction_set_is_chosen() -> None:
    detected, chosen, forced_by = run(None).stdout.split()
    assert detected == chosen
    assert detected in ORDER
    assert forced_by == "None"


@pytest.mark.parametrize("isa", ORDER)
def test_the_environment_forces_one_that_the_cpu_has(isa: str) -> None:
    result = run(isa)
    if ORDER.index(isa) > ORDER.index(luthier.core.cpu().detected):
        assert "more than this CPU can run" in result.stderr
    else:
        assert result.stdout.split() == [luthier.core.cpu().detected, isa, f"LUTHIER_ISA={isa}"]


def test_an_unknown_one_says_what_is_allowed() -> None:
    result = run("avx9")
    assert result.returncode == 1
    assert "LUTHIER_ISA=avx9 is not an instruction set; use baseline, v3 or v4, or unset it" in result.stderr


def test_an_empty_variable_forces_nothing() -> None:
    assert run("").stdout.split()[2] == "None"


def test_native_effects_of_others_find_what_they_build_with() -> None:
    assert (luthier.core.get_include() / "luthier" / "isa.h").is_file()
    assert (luthier.core.get_cmake_dir() / "LuthierModule.cmake").is_file()
