"""What the distributions promise one another, and what the tree must and must not hold."""

import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "io", "effects", "pitch", "luthier")
NATIVE = ("core", "io", "effects", "pitch")


def project(package: str) -> dict:
    return tomllib.loads((ROOT / "packages" / package / "pyproject.toml").read_text())["project"]


def tracked() -> list[str]:
    """The files of the repository, or of an unpacked archive of it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_versions_agree():
    assert len({project(package)["version"] for package in PACKAGES}) == 1
    for package in PACKAGES:
        assert version(project(package)["name"]) == project(package)["version"]


def test_modules_report_the_version_of_their_distribution():
    import luthier.core
    import luthier.effects
    import luthier.io
    import luthier.pitch

    for module in (luthier.core, luthier.io, luthier.effects, luthier.pitch):
        package = module.__name__.rpartition(".")[2]
        assert module.__version__ == project(package)["version"]


def test_pins_are_exact_and_current():
    current = {project(package)["name"]: project(package)["version"] for package in PACKAGES}
    for package in PACKAGES:
        ours = [need for need in project(package)["dependencies"] if need.startswith("luthier")]
        for need in ours:
            name, _, pinned = need.partition("==")
            assert pinned == current[name], f"{package} needs {need}"
        if package == "luthier":
            assert {need.partition("==")[0] for need in ours} == set(current) - {"luthier"}
        else:
            assert {need.partition("==")[0] for need in ours} <= {"luthier-core"}


@pytest.mark.parametrize("package", PACKAGES)
def test_namespace_package(package):
    source = ROOT / "packages" / package / "src" / "luthier"
    assert not (source / "__init__.py").exists()
    assert list(source.rglob("py.typed")), "types are not announced"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_distribution_carries_what_a_release_needs(package):
    folder = ROOT / "packages" / package
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert len((folder / "README.md").read_text().split()) > 10
    assert (folder / "CHANGELOG.md").read_text().startswith(f"# Changes in {project(package)['name']}")
    assert (folder / "news" / "README.md").exists()


IMPORTS = {
    "core": {"core"},
    "io": {"core", "io"},
    "effects": {"core", "effects"},
    "pitch": {"core", "pitch"},
}


@pytest.mark.parametrize("package", NATIVE)
def test_libraries_import_only_what_the_arrows_allow(package):
    allowed = IMPORTS[package]
    for module in (ROOT / "packages" / package / "src").rglob("*.py"):
        # At the start of a line: an import inside a function is lazy and may name another library.
        for found in re.finditer(r"^(?:from|import) luthier\.(\w+)", module.read_text(), re.MULTILINE):
            assert found[1] in allowed, f"{module.relative_to(ROOT)} imports luthier.{found[1]}"


def test_no_path_of_a_machine_in_the_tree():
    # Spelled in parts, so that this file does not find itself.
    pattern = re.compile("|".join(f"/{name}/" for name in ("wor" + "k", "roo" + "t", "opt/de" + "v", "farm")))
    allowed = re.compile(r"/opt/devel/")
    found = []
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:8_000]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if pattern.search(allowed.sub("", line)):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert not found


def test_files_stay_small():
    large = [name for name in tracked() if (ROOT / name).stat().st_size > 2 * 2**20]
    assert not large


def test_nothing_generated_is_tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wrong = re.findall(r"^.*(?:\.so|\.pyc|\.whl|uv\.lock|\.egg-info/.*)$", listed, re.MULTILINE)
    assert not wrong


def commands(text: str) -> list[str]:
    """The lines that set up an environment and run nox in it."""
    return re.findall(r"^python3 -m venv .*nox -s .*$", text, re.MULTILINE)


def test_ci_runs_what_the_readme_says():
    readme = commands((ROOT / "README.md").read_text())
    assert [line.rpartition(" ")[2] for line in readme] == ["demo", "tests"]
    last = (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert last == readme[1]


def test_sessions_are_described():
    source = (ROOT / "noxfile.py").read_text()
    sessions = re.findall(
        r'^@nox\.session.*\ndef (\w+)\(session: nox\.Session\) -> None:\n    (""".*""")?',
        source,
        re.MULTILINE,
    )
    assert all(doc for _, doc in sessions)
    wanted = "demo tests lint types docs wheels isa asan rtsan fuzz bench generate quick"
    assert set(wanted.split()) <= {name for name, _ in sessions}
