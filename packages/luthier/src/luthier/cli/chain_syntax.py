"""The text form of a chain: ``highpass(cutoff_hz=80) | mix(dry, reverb(room_size=0.3)) | gain(-3)``.

Grammar::

    chain  = item { "|" item }
    item   = "dry"                                     what comes in, unchanged (a branch of a mix)
           | "mix" "(" chain { "," chain } ")"             branches side by side, summed
           | effect [ "(" [ value { "," value } ] ")" ]
    value  = [ name "=" ] ( number | word | "true" | "false" | file )
                           a word may stand in quotation marks, the name of a file has to

The effects, their parameters and options are those that `luthier.effects` declares; nothing is listed here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple, NoReturn

import luthier.effects as fx
from luthier.cli.errors import UsageError, one_line
from luthier.core import LuthierError, ParameterError
from luthier.effects.effect import MAXIMUM_DEPTH
from luthier.effects.option import same

__all__ = ["ChainSyntaxError", "effect_name", "effects_by_name", "find_effect", "format_chain", "parse_chain"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"
    r"|(?P<name>[A-Za-z_]\w*)|\"(?P<quoted>[^\"]*)\"|(?P<sign>[|(),=])|(?P<end>$))"
)
_CONTEXT = 20

#: The kinds of options that a text cannot hold.
UNWRITABLE = {"array": "an array", "signal": "another signal to listen to"}

#: But these arrays may come from a file, whose name a text can hold.
FILES = {(fx.Convolution, "impulse_response")}

#: Effects that would change nothing without what a text cannot hold, and what to do.
UNNAMED = {
    fx.Equalizer: "an equalizer is written as its filters with '|' between them, which also run in one pass",
    fx.WaveShaper: "a wave_shaper's curve has no text form: make it in Python, write its to_json() to a file "
    "and name that by --preset",
}

#: Mixes within one another. Each adds a mix and its branch, a chain, to what the engine counts.
DEEPEST_MIX = MAXIMUM_DEPTH // 2 - 1


class ChainSyntaxError(ParameterError):
    """The text of a chain cannot be read. The message shows where.

    Attributes
    ----------
    column : int
        Where in the text, from 1.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        before = text[:position][-_CONTEXT:]
        after = text[position:][: 2 * _CONTEXT] or "(end)"
        super().__init__(f"chain, column {position + 1}: {message} (here: {before}-->{after})")
        self.column = position + 1


class _Token(NamedTuple):
    kind: str  # number, name, quoted, sign, end
    text: str
    position: int


def effect_name(effect: type[fx.Effect]) -> str:
    """Return an effect's name in a chain: HighpassFilter is ``highpass``, LowShelfFilter ``low_shelf``."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", effect.__name__).lower()
    return snake.removesuffix("_filter")


@cache
def effects_by_name() -> dict[str, type[fx.Effect]]:
    """Return every effect that has parameters of its own to write, by its name in a chain."""
    public = (getattr(fx, name) for name in fx.__all__)
    groups = (fx.Effect, fx.Chain, fx.Mix, fx.Random, *UNNAMED)
    found = [x for x in public if isinstance(x, type) and issubclass(x, fx.Effect) and x not in groups]
    return {effect_name(effect): effect for effect in sorted(found, key=effect_name)}


@cache
def _spellings() -> dict[str, type[fx.Effect]]:
    found = effects_by_name()
    classes = {effect.__name__.lower(): effect for effect in found.values()}
    whole = {f"{name}_filter": effect for name, effect in found.items() if effect.__name__.endswith("Filter")}
    return classes | whole | found


def find_effect(name: str) -> type[fx.Effect]:
    """Return the effect of a name: ``low_shelf``, ``low_shelf_filter`` or ``LowShelfFilter``, in any case.

    Raises
    ------
    UsageError
        Naming the nearest one.
    """
    found = _spellings().get(name.lower())
    for effect, advice in UNNAMED.items():
        if name.lower() in (effect_name(effect), effect.__name__.lower()):
            raise UsageError(advice)
    if found is None:
        raise UsageError(f"no effect is called {name!r}; {_nearest(name.lower(), effects_by_name())}")
    return found


def parse_chain(text: str) -> fx.Chain:
    """Read the text form of a chain.

    Raises
    ------
    ChainSyntaxError
        Naming the column, what was expected there, and the nearest known name.

    Examples
    --------
    >>> from luthier.cli.chain_syntax import parse_chain
    >>> parse_chain("highpass(cutoff_hz=80) | gain(-3)")[1]
    Gain(gain_db=-3)
    """
    return _Parser(text).parse()


def format_chain(effect: fx.Effect) -> str:
    """Return the text form of an effect, without values that are the defaults.

    `parse_chain` reads it as an equal chain; an `Equalizer` as the chain of its filters. To keep a chain for
    years, keep `Effect.to_json`, which holds every value.
    """
    if isinstance(effect, fx.Mix):
        if len(effect) == 0:
            raise ParameterError("a mix of nothing, which is silence, has no text form")
        return f"mix({', '.join(format_chain(branch) for branch in effect)})"
    if isinstance(effect, (fx.Chain, fx.Equalizer)):
        return " | ".join(format_chain(item) for item in effect) or "dry"
    given = []
    for field in effect._fields:
        value = getattr(effect, field.name)
        if same(value, field.default):
            continue
        if isinstance(field, fx.Option) and field.kind in UNWRITABLE:
            raise ParameterError(
                f"{effect!r} has {UNWRITABLE[field.kind]}, which only Effect.to_json can write"
            )
        if not isinstance(value, (bool, int, float, str)):
            raise ParameterError(f"{effect!r} has a value that moves, which only Effect.to_json can write")
        given.append(f"{field.name}={_text(value)}")
    return effect_name(type(effect)) + (f"({', '.join(given)})" if given else "")


def _text(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if re.fullmatch(r"[A-Za-z_]\w*", value) else f'"{value}"'
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


class _Parser:
    """Recursive descent over the tokens, one method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._tokenize())
        self._next = 0
        self._depth = 0

    def _tokenize(self) -> Iterable[_Token]:
        position = 0
        while True:
            match = _TOKEN.match(self._text, position)
            if match is None:
                start = len(self._text) - len(self._text[position:].lstrip())
                self._fail(f"{self._text[start]!r} cannot stand here", start)
            kind = match.lastgroup or ""
            yield _Token(kind, match[kind], match.start(kind))
            if kind == "end":
                return
            position = match.end()

    def parse(self) -> fx.Chain:
        if self._peek().kind == "end":
            self._fail("the chain is empty", 0)
        chain = self._chain()
        if self._peek().kind != "end":
            self._fail(f"expected '|' or the end, got {self._peek().text!r}")
        return chain

    def _chain(self) -> fx.Chain:
        items: list[fx.Effect] = []
        while True:
            item = self._item()
            # dry, and a chain in a chain, add nothing of their own.
            items += item if isinstance(item, fx.Chain) else [item]
            if not self._accept("|"):
                return fx.Chain(items)

    def _item(self) -> fx.Effect:
        token = self._take("name", "the name of an effect")
        name = token.text.lower()
        if name == "dry":
            return fx.Chain([])
        if name == "mix":
            return self._mix(token)
        if name == "chain":
            self._fail("a chain has no name: write its effects with '|' between them", token.position)
        try:
            effect = find_effect(token.text)
        except UsageError as error:
            self._fail(str(error), token.position)
        values = self._values(effect) if self._accept("(") else {}
        try:
            return effect(**values)
        except (LuthierError, OSError) as error:  # of a file
            self._fail(one_line(error), token.position)

    def _mix(self, token: _Token) -> fx.Mix:
        if not self._accept("("):
            self._fail("expected '(' and the branches of the mix")
        if self._peek().text == ")":
            self._fail("a mix of nothing is silence: give it branches, such as mix(dry, reverb)")
        if self._depth == DEEPEST_MIX:
            self._fail(f"nested too deeply: at most {DEEPEST_MIX} mixes within one another", token.position)
        self._depth += 1
        branches = [self._chain()]
        while self._accept(","):
            branches.append(self._chain())
        self._close()
        self._depth -= 1
        # A branch of one effect is that effect, so that text and value agree.
        return fx.Mix([branch[0] if len(branch) == 1 else branch for branch in branches])

    def _values(self, effect: type[fx.Effect]) -> dict[str, bool | float | str]:
        """The values in the parentheses of an effect, each checked against its declaration."""
        name = effect_name(effect)
        declared = {field.name: field for field in effect._fields}
        values: dict[str, bool | float | str] = {}
        if self._accept(")"):
            return values
        named = False
        while True:
            token = self._peek()
            if token.kind == "name" and self._tokens[self._next + 1].text == "=":
                self._next += 2
                named, key = True, token.text
                if key not in declared:
                    self._fail(f"{name} has no parameter {key!r}; {_nearest(key, declared)}", token.position)
                if key in values:
                    self._fail(f"{name} got {key} twice", token.position)
            elif named:
                self._fail(f"expected 'parameter=', because {name} got a named value before")
            elif len(values) == len(declared):
                count = f"{len(declared)} parameter{'s' if len(declared) > 1 else ''}" if declared else "none"
                self._fail(f"{name} has no more parameters: it takes {count}", token.position)
            else:
                key = list(declared)[len(values)]
            values[key] = self._value(declared[key], effect)
            if not self._accept(","):
                self._close()
                return values

    def _value(self, field: fx.Parameter | fx.Option, effect: type[fx.Effect]) -> bool | float | str:
        """One value, checked; but what is in a file is not read yet."""
        name = effect_name(effect)
        token = self._peek()
        kind = field.kind if isinstance(field, fx.Option) else "number"
        if (effect, field.name) in FILES:
            return self._take("quoted", f"the name of a file in quotation marks for {field.name}").text
        if kind in UNWRITABLE:
            self._fail(
                f"{name}.{field.name} is {UNWRITABLE[kind]}, which has no text form: "
                "make the effect in Python, or read it with Effect.from_json"
            )
        value: bool | float | str
        if kind == "flag":
            if token.text.lower() not in ("true", "false"):
                self._fail(f"expected true or false for {field.name}, got {self._got()}")
            value = token.text.lower() == "true"
            self._next += 1
        elif kind == "choice" and token.kind in ("name", "quoted"):
            value = token.text
            self._next += 1
        else:
            expected = "one of its values" if kind == "choice" else "a number"
            value = float(self._take("number", f"{expected} for {field.name}").text)
        try:
            field.validate(value, name)
        except ParameterError as error:
            self._fail(str(error), token.position)
        return value

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _accept(self, sign: str) -> bool:
        if self._peek().kind != "sign" or self._peek().text != sign:
            return False
        self._next += 1
        return True

    def _take(self, kind: str, what: str) -> _Token:
        token = self._peek()
        if token.kind != kind:
            self._fail(f"expected {what}, got {self._got()}")
        self._next += 1
        return token

    def _close(self) -> None:
        if not self._accept(")"):
            self._fail(f"expected ',' or ')', got {self._got()}")

    def _got(self) -> str:
        token = self._peek()
        return repr(token.text) if token.kind != "end" else "the end"

    def _fail(self, message: str, position: int | None = None) -> NoReturn:
        raise ChainSyntaxError(message, self._text, self._peek().position if position is None else position)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    # The name without its unit is the likeliest slip: cutoff for cutoff_hz.
    close = [n for n in names if n.startswith(name + "_")] or difflib.get_close_matches(
        name, names, n=1, cutoff=0.5
    )
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"
