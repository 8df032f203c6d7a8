"""``luthier doctor``."""

from __future__ import annotations

import argparse
from typing import Any

from luthier.core.doctor import doctor, show

__all__ = ["add_to", "run"]


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="examine this installation",
        description="Examine this installation; paste what it prints into an issue. Exit code 1: problems.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    return show(doctor(), as_json=arguments.json)
