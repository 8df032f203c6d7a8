"""``python -m luthier.core.doctor [--json]``: print the report that `luthier.core.doctor` makes."""

from __future__ import annotations

import argparse
import json
import sys
import types
from collections.abc import Sequence

from luthier.core.report import Report, doctor

__all__ = ["doctor", "main", "show"]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report; return 1 when it found problems."""
    parser = argparse.ArgumentParser(
        prog="python -m luthier.core.doctor",
        description="Examine this installation of luthier. Paste what it prints into an issue.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    arguments = parser.parse_args(argv)
    return show(doctor(), as_json=arguments.json)


def show(report: Report, *, as_json: bool) -> int:
    """Print a report and return the exit code that it stands for."""
    print(json.dumps(report.to_dict(), indent=2) if as_json else report.to_markdown())
    return 0 if report.ok else 1


class _CallableModule(types.ModuleType):
    """Importing this module rebinds `luthier.core.doctor`, the function's name: it stays callable."""

    def __call__(self) -> Report:
        return doctor()


if __name__ == "__main__":
    sys.exit(main())
sys.modules[__name__].__class__ = _CallableModule
