"""``luthier effects``: the effects and their parameters, as they declare them."""

from __future__ import annotations

import argparse
import inspect
import json
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.effects import Effect, Option, Parameter

__all__ = ["add_to", "run", "summary"]

#: What a chain is written with besides effects.
NOTATION = {
    "chain": "Effects one after the other, with '|' between them: highpass(80) | gain(-3). It has no name.",
    "mix": "Branches side by side, summed: mix(dry, compressor | gain(-6)). Each branch is a chain.",
    "dry": "The branch of a mix that changes nothing.",
}


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "effects",
        help="list the effects, or show the parameters of one",
        description="List the effects that --chain takes, or show the parameters of one.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="an effect, such as compressor")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one effect, or all."""
    from luthier.cli.chain_syntax import effect_name, effects_by_name, find_effect

    if arguments.name is not None and arguments.name.lower() in NOTATION:
        return _explain(arguments.name.lower(), as_json=arguments.json)
    chosen = effects_by_name()
    if arguments.name is not None:
        effect = find_effect(arguments.name)
        chosen = {effect_name(effect): effect}
    if arguments.json:
        print(json.dumps({name: _described(effect) for name, effect in chosen.items()}, indent=2))
    elif arguments.name is None:
        print(f"{summary()}\n\n{_notation()}")
    else:
        for name, effect in chosen.items():
            print(_page(name, effect))
    return 0


def _explain(name: str, *, as_json: bool) -> int:
    about = {"doc": NOTATION[name], "parameters": [], "options": []}
    print(json.dumps({name: about}, indent=2) if as_json else f"{name}: {NOTATION[name]}")
    return 0


def _notation() -> str:
    return "\n".join(f"{name:5}  {doc}" for name, doc in NOTATION.items())


def summary() -> str:
    """Return a line for each effect: its name, its parameters with defaults, and what it does."""
    from luthier.cli.chain_syntax import effects_by_name

    blocks = []
    for name, effect in effects_by_name().items():
        values = ", ".join(f"{f.name}={_shown(f.default)}" for f in effect._fields if f.default is not None)
        call = textwrap.fill(f"{name}({values})", 100, subsequent_indent=" " * (len(name) + 1))
        blocks.append(f"{call}\n    {_first_line(effect)}")
    return "\n".join(blocks)


def _page(name: str, effect: type[Effect]) -> str:
    rows = [("parameter", "default", "range", "")]
    rows += [(f.name, _shown(f.default), _range(effect, f), f.doc) for f in effect._fields]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join([*(row[c].ljust(widths[c]) for c in range(3)), row[3]]).rstrip() for row in rows]
    title = f"{name} ({effect.__name__}): {_first_line(effect)}"
    return "\n".join([title, "", *lines]) if effect._fields else title


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, (int, float)) else str(value or "")


def _range(effect: type[Effect], field: Parameter | Option) -> str:
    from luthier.cli.chain_syntax import FILES

    if (effect, field.name) in FILES:
        return "the name of a file"
    match getattr(field, "kind", "number"):
        case "choice":
            return ", ".join(map(_shown, field.choices))  # type: ignore[union-attr]  # an option
        case "flag":
            return "true, false"
        case "array" | "signal" as kind:
            return f"{kind}, in Python only"
    unit = f" {field.unit}" if field.unit else ""
    return f"{field.minimum:g} to {field.maximum:g}{unit}"


def _first_line(effect: type[Effect]) -> str:
    return (inspect.getdoc(effect) or "").partition("\n\n")[0].replace("\n", " ").replace("``", "")


def _described(effect: type[Effect]) -> dict[str, Any]:
    fields = ("name", "unit", "minimum", "maximum", "default", "taper", "doc")
    parameters = [{field: getattr(p, field) for field in fields} for p in effect.parameters]
    options = [_option(option) for option in effect.options]
    return {
        "class": effect.__name__,
        "doc": _first_line(effect),
        "parameters": parameters,
        "options": options,
    }


def _option(option: Option) -> dict[str, Any]:
    about: dict[str, Any] = {"name": option.name, "kind": option.kind, "default": option.default}
    if option.kind == "choice":
        about["choices"] = list(option.choices)
    if option.kind == "setting":
        fields = ("unit", "minimum", "maximum", "taper")
        about |= {field: getattr(option, field) for field in fields}
    return {**about, "doc": option.doc}
