"""Workflows, forms and wheel settings, which only the hosting service runs, checked as far as can be."""

import importlib.resources
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
CONFIG = GITHUB / "cibuildwheel.toml"

SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.dependabot": [GITHUB / "dependabot.yml"],
    "vendor.github-issue-forms": [
        form for form in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if form.name != "config.yml"
    ],
    "vendor.github-issue-config": [GITHUB / "ISSUE_TEMPLATE/config.yml"],
}


def run(*command: str) -> str:
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_follow_their_schema(schema):
    assert SCHEMAS[schema]
    run("check_jsonschema", "--builtin-schema", schema, *map(str, SCHEMAS[schema]))


def test_projects_follow_their_schema():
    projects = [*sorted((ROOT / "packages").glob("*/pyproject.toml")), ROOT / "tools/pyproject.toml"]
    assert len(projects) == 6
    run("validate_pyproject", *map(str, projects))


def test_wheel_settings_follow_their_schema(tmp_path):
    schema = importlib.resources.files("cibuildwheel") / "resources/cibuildwheel.schema.json"
    # The schema describes what stands below [tool.cibuildwheel].
    table = tmp_path / "cibuildwheel.toml"
    settings = CONFIG.read_text().replace("[[tool.cibuildwheel.", "[[").replace("[tool.cibuildwheel.", "[")
    table.write_text(settings.replace("[tool.cibuildwheel]\n", ""))
    with importlib.resources.as_file(schema) as path:
        run("check_jsonschema", "--schemafile", str(path), str(table))


@pytest.mark.parametrize("package", ["core", "io", "effects", "pitch"])
def test_wheels_are_those_of_the_list(package):
    found = []
    for platform in ("linux", "macos", "windows"):
        config = str(CONFIG.relative_to(ROOT))
        found += run(
            "cibuildwheel", "--print-build-identifiers", "--platform", platform, "--config-file", config,
            f"packages/{package}",
        ).split()  # fmt: skip
    assert found == (ROOT / "tests/wheel-identifiers.txt").read_text().split()


def test_actions_are_pinned_to_a_commit():
    used = [
        (workflow.name, line.strip())
        for workflow in WORKFLOWS
        for line in workflow.read_text().splitlines()
        if "uses:" in line
    ]
    assert used
    for name, line in used:
        assert re.fullmatch(r"-? ?uses: [\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), f"{name}: {line}"


def test_workflows_call_only_sessions_that_exist():
    sessions = set(re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE))
    for workflow in WORKFLOWS:
        for name in re.findall(r"nox -s (\w+)$", workflow.read_text(), re.MULTILINE):
            assert name in sessions, f"{workflow.name}: nox -s {name}"
        jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
        for job in jobs:
            matrix = job.get("strategy", {}).get("matrix", {})
            wanted = {*matrix.get("session", ()), *(row["session"] for row in matrix.get("include", ()))}
            assert wanted <= sessions


def test_the_bug_form_asks_for_the_doctor():
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE/bug.yml").read_text())
    (field,) = [item for item in form["body"] if item.get("id") == "doctor"]
    assert field["validations"]["required"]
    command = re.search(r"`python -m ([\w.]+)`", field["attributes"]["description"])[1]
    assert importlib.util.find_spec(command)


def test_owners_name_folders_that_exist():
    for line in (GITHUB / "CODEOWNERS").read_text().splitlines():
        if line.startswith("/"):
            assert (ROOT / line.split()[0].strip("/")).is_dir(), line
