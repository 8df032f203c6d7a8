"""The generator on a small package made for the purpose."""

import argparse
from pathlib import Path

import pytest

from luthier_tools import generate

EFFECTS = generate.EFFECTS


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    package = tmp_path / EFFECTS
    package.mkdir(parents=True)
    (tmp_path / "packages/effects/pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (package / "__init__.py").write_text('"""What it is."""\n')
    (package / "gain.py").write_text('__all__ = ["Gain"]\n')
    (package / "automation.py").write_text('__all__ = ["lag", "LFO", "Curve"]\n')
    (package / "_private.py").write_text('__all__ = ["Hidden"]\n')
    (package / "group.py").write_text("__all__: list[str] = []\n")
    return tmp_path


def run(repository: Path, check: bool = False) -> int:
    return generate.run(argparse.Namespace(root=repository, check=check, names_only=True))


def test_names_come_from_the_modules(repository: Path) -> None:
    assert run(repository) == 0
    names: dict = {}
    text = (repository / EFFECTS / "__init__.py").read_text()
    assert "from luthier.effects.automation import LFO, Curve, lag\n" in text
    assert "Hidden" not in text
    assert "group" not in text
    # What stands below the imports is plain Python.
    exec(text[text.index("__version__") :], names)
    assert names["__version__"] == "1.2.3"
    assert names["__all__"] == ["LFO", "Curve", "Gain", "lag"]
    assert text.startswith('"""What it is."""\n')


def test_writing_twice_changes_nothing(repository: Path) -> None:
    run(repository)
    before = (repository / EFFECTS / "__init__.py").read_text()
    assert run(repository) == 0
    assert (repository / EFFECTS / "__init__.py").read_text() == before


def test_check_fails_until_it_is_written(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (repository / EFFECTS / "__init__.py").read_text()
    assert run(repository, check=True) == 1
    assert "nox -s generate" in capsys.readouterr().out
    assert (repository / EFFECTS / "__init__.py").read_text() == before
    run(repository)
    assert run(repository, check=True) == 0


def test_a_name_from_two_modules_is_refused(repository: Path) -> None:
    (repository / EFFECTS / "other.py").write_text('__all__ = ["Gain"]\n')
    with pytest.raises(SystemExit, match="Gain"):
        run(repository)


def test_long_import_is_broken_as_the_formatter_does(repository: Path) -> None:
    public = [f"AnEffectWithALongName{number}" for number in range(6)]
    (repository / EFFECTS / "long.py").write_text(f"__all__ = {public!r}\n")
    run(repository)
    text = (repository / EFFECTS / "__init__.py").read_text()
    assert "from luthier.effects.long import (\n    AnEffectWithALongName0,\n" in text
    assert max(map(len, text.splitlines())) <= 110


def test_every_parameter_is_on_its_effects_page() -> None:
    import luthier.effects as fx

    pages = {path.stem: text for path, text in generate.effect_pages()}
    assert "index" in pages
    for cls in generate.effect_classes():
        for parameter in cls.parameters:
            (row,) = [line for line in pages[cls.__name__].splitlines() if f"| `{parameter.name}` |" in line]
            assert f"{parameter.minimum:g} to {parameter.maximum:g}" in row
            assert " ".join(parameter.doc.split())[:20].replace("|", "\\|") in row
        for option in cls.options:
            (row,) = [line for line in pages[cls.__name__].splitlines() if f"| `{option.name}` |" in line]
            assert generate.allowed(option) in row
        assert f"[{cls.__name__}]({cls.__name__}.md)" in pages["index"]
    assert "Gain" in pages
    assert issubclass(generate.effect_classes()[0], fx.Effect)


def test_pages_of_effects_that_went_are_found(tmp_path: Path) -> None:
    (tmp_path / generate.PAGES).mkdir(parents=True)
    (tmp_path / generate.PAGES / "Gone.md").write_text("")
    (tmp_path / generate.PAGES / "Gain.md").write_text("")
    assert generate.stale_pages(tmp_path, {generate.PAGES / "Gain.md"}) == {generate.PAGES / "Gone.md"}


def test_stubs_hold_nothing_of_this_machine() -> None:
    texts = {path.parent.name: text for path, text in generate.stubs()}
    assert set(texts) == {"core", "io", "effects", "pitch"}
    assert "isa: str\n" in texts["core"]
    assert "'v4'" not in texts["core"]
