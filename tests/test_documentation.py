"""The examples of the README, of the pages and of the docstrings run, and every public name has a page."""

import doctest
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
LIBRARIES = ("core", "io", "effects", "pitch")
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "packages").glob("*/README.md")),
]
# Not what the documentation's own build writes.
WRITTEN = {"_build", "_api", "_gallery"}
PAGES = [page for page in PAGES if not WRITTEN & set(page.parts) and FENCE.search(page.read_text())]


@pytest.fixture
def recording(tmp_path, monkeypatch, request):
    """A folder to work in, with the files that the examples name, in stereo unless asked otherwise."""
    import luthier.io as lio

    seconds = np.arange(88_200) / 44_100
    tone = 0.3 * np.sin(2 * np.pi * 220 * seconds) + 0.1 * np.sin(2 * np.pi * 660 * seconds)
    left = tone.astype(np.float32)
    for name in ("take.wav", "voice.wav", "long.wav", "take.flac", "take.mp3"):
        lio.write(tmp_path / name, np.stack([left] * getattr(request, "param", 2)), 44_100)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("recording", [1, 2], ids=["mono", "stereo"], indirect=True)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_of_a_page_run(page, recording):
    # The fences of a page are one program, as a reader types them.
    names: dict = {}
    for fence in FENCE.finditer(page.read_text()):
        line = page.read_text()[: fence.start(1)].count("\n")
        exec(compile("\n" * line + fence[1], str(page), "exec"), names)


def test_the_guides_lead_to_every_effect_and_function():
    import luthier.effects as fx

    guides = "".join((ROOT / "docs" / page).read_text() for page in ("effects.md", "extending.md"))
    # What these give, or are made of, is in the reference.
    made = {"Option", "Parameter", "Response", "Sample", "Stream"}
    assert [name for name in fx.__all__ if name not in made and not re.search(rf"\b{name}\b", guides)] == []


def test_paths_that_the_pages_name_exist():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [f"/{path}" for path in listed.stdout.split()]
    sdist = {"_core/"}
    missing = [
        f"{page.relative_to(ROOT)}: {named}"
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packages/*/README.md")]
        for named in re.findall(r"`([\w./-]+/[\w.-]*)`", page.read_text())
        if named not in sdist
        and not any(p.endswith(f"/{named}") or f"/{named.strip('/')}/" in p for p in paths)
    ]
    assert not missing


COMMANDS = [
    (page, command)
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for fence in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    for command in fence.splitlines()
    if command.startswith("luthier ")
]


@pytest.mark.parametrize(
    ("page", "command"), COMMANDS, ids=[f"{page.name}: {command[:40]}" for page, command in COMMANDS]
)
def test_commands_of_a_page_run(page, command, recording):
    program = Path(sys.executable).with_name("luthier")
    ran = subprocess.run([program, *shlex.split(command)[1:]], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_readme_has_an_example():
    assert ROOT / "README.md" in PAGES


def modules():
    for library in LIBRARIES:
        package = importlib.import_module(f"luthier.{library}")
        yield package.__name__
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.rpartition(".")[2].startswith("_"):
                yield found.name


@pytest.mark.parametrize("name", list(modules()))
def test_examples_of_docstrings_run(name, recording):
    module = importlib.import_module(name)
    globs = {"np": np, "numpy": np}
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=flags)
    for example in finder.find(module, extraglobs=globs):
        runner.run(example)
    assert runner.failures == 0


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_public_name_has_a_docstring(library):
    module = importlib.import_module(f"luthier.{library}")
    assert len(module.__all__) == len(set(module.__all__)), "named twice"
    for name in module.__all__:
        thing = getattr(module, name)
        if callable(thing):
            assert (thing.__doc__ or "").strip(), f"luthier.{library}.{name} has no docstring"
