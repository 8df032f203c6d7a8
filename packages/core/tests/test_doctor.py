"""The report on an installation: what it says, and what it finds wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import luthier.core
from luthier.core import report

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "luthier.core.doctor", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def install(where: Path, name: str, version: str, *requires: str) -> None:
    folder = where / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    pins = "".join(f"Requires-Dist: {pin}\n" for pin in requires)
    (folder / "METADATA").write_text(METADATA.format(name=name, version=version) + pins)


def test_a_sound_installation_has_no_problems() -> None:
    found = luthier.core.doctor()
    assert found.problems == []
    assert found.ok
    assert found.facts["luthier"]["luthier-core"] == luthier.core.__version__
    assert found.facts["machine"]["instruction set"].startswith(luthier.core.cpu().chosen)
    assert found.facts["machine"]["threads"] == str(luthier.core.threads())
    assert found.facts["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert not any(value == "FAILED" for value in found.facts["self-test"].values())
    assert found.facts["self-test"]["fft"].startswith("ok (largest error of a cosine's spectrum is ")
    assert "luthier-data" not in str(found)
    assert str(found) == found.to_markdown() == found._repr_markdown_()


def test_markdown_is_a_table_to_paste() -> None:
    result = run()
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "### luthier doctor"
    rows = [line for line in lines if line.startswith("|")]
    assert all(row.count("|") - row.count("\\|") == 3 for row in rows)
    assert lines[-1] == "No problems found."
    assert result.stderr == ""


def test_json_holds_the_same() -> None:
    result = run("--json")
    assert result.returncode == 0
    told = json.loads(result.stdout)
    assert told["ok"] is True
    assert told["problems"] == []
    assert told["luthier"]["luthier-core"] == luthier.core.__version__


def test_a_native_module_that_does_not_load_is_a_problem_not_a_traceback() -> None:
    result = run("--json", LUTHIER_ISA="avx9")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert any("LUTHIER_ISA=avx9 is not an instruction set" in problem for problem in told["problems"])


def test_members_that_do_not_belong_together_are_a_problem(tmp_path: Path) -> None:
    install(tmp_path, "luthier", "9.9.9", "luthier-core==9.9.9", "luthier-io==9.9.9", "numpy==1.0")
    result = run(PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert "luthier 9.9.9 belongs with luthier-core 9.9.9" in result.stdout
    assert "run: pip install luthier-core==9.9.9" in result.stdout
    assert "numpy 1.0" not in result.stdout


def test_an_installation_over_another_is_a_problem(tmp_path: Path) -> None:
    install(tmp_path, "luthier-core", "0.0.1")
    result = run(PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert "luthier-core is installed 2 times: 0.0.1 in " in result.stdout
    assert (
        f"luthier.core says it is {luthier.core.__version__}, its installed metadata 0.0.1" in result.stdout
    )


def test_a_file_that_hides_the_namespace_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "luthier").mkdir()
    (tmp_path / "luthier" / "__init__.py").touch()
    code = (
        "import luthier.core, sys; sys.path.append(sys.argv[1]);"
        "print(*luthier.core.doctor().problems, sep='\\n')"
    )
    told = subprocess.check_output([sys.executable, "-c", code, str(tmp_path)], text=True)
    assert "hides the luthier packages" in told


def test_a_failing_self_test_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> str:
        return report._expect("gain", 1.5, 1.0, 0.1)

    monkeypatch.setattr(report, "_CHECKS", {"wrong": wrong})
    found = luthier.core.doctor()
    assert not found.ok
    assert found.facts["self-test"] == {"wrong": "FAILED"}
    assert found.problems == ["self-test 'wrong': AssertionError: gain is 1.5, should be 1.0 within 0.1"]
    assert "**1 problem found:**" in found.to_markdown()


def test_the_users_name_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(Path(sys.executable).parent.parent))
    monkeypatch.setenv("USERPROFILE", str(Path(sys.executable).parent.parent))
    told = luthier.core.doctor()
    assert told.facts["python"]["executable"].startswith("~")


def test_an_expectation_does_not_hold_for_a_not_a_number() -> None:
    with pytest.raises(AssertionError):
        report._expect("x", float("nan"), 0.0, 1.0)


def test_importing_the_module_leaves_the_function_callable() -> None:
    code = "import luthier.core.doctor; print(luthier.core.doctor().ok)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "True"


@pytest.mark.parametrize("arguments", [["--nonsense"], ["extra"]])
def test_wrong_arguments_exit_with_2(arguments: Any) -> None:
    assert run(*arguments).returncode == 2
