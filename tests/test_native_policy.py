"""The guard against shared symbols of a newer instruction set, tried on objects that break the rule."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[1] / "packages/core/cmake/CheckWeakSymbols.cmake"

SHARED = "template <class T> __attribute__((noinline)) T twice(T x) { return x + x; }\n"
KERNEL = "float kernel(float x) { return %stwice(x); }\n"
LIBRARY = "#include <vector>\nnamespace luthier::inline v3 { std::vector<int> f() { return {1}; } }"


@pytest.mark.parametrize(
    ("source", "passes"),
    [
        # A template in the instruction set's own namespace: every copy is a symbol of its own.
        (f"namespace luthier::inline v3 {{ {SHARED} {KERNEL % ''} }}", True),
        # The same outside: the linker may keep the AVX2 copy for everybody.
        (f"namespace shared {{ {SHARED} }} namespace luthier::inline v3 {{ {KERNEL % 'shared::'} }}", False),
        # What the standard library shares.
        (
            "#include <vector>\nnamespace luthier::inline v3 { std::vector<int> f() { return {1}; } }",
            False,
        ),
    ],
    ids=["own namespace", "shared template", "std container"],
)
@pytest.mark.skipif(not shutil.which("g++") or not shutil.which("nm"), reason="looks at ELF objects of GCC")
def test_a_shared_symbol_of_a_newer_instruction_set_is_found(
    tmp_path: Path, source: str, passes: bool
) -> None:
    (tmp_path / "kernel.cpp").write_text(source)
    target = tmp_path / "kernel.o"
    subprocess.run(
        ["g++", "-std=c++20", "-O0", "-fPIC", "-c", tmp_path / "kernel.cpp", "-o", target], check=True
    )
    check = subprocess.run(
        ["cmake", "-DNM=nm", "-DISA=v3", f"-DOBJECTS={target}", "-P", CHECK],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (check.returncode == 0) is passes, check.stderr
    if not passes:
        assert "outside luthier::v3" in " ".join(check.stderr.split())
