"""The constants at the top of a program: reading them, and changing one in place.

A constant is ``NAME = literal`` or ``NAME: type = literal`` at the module's top level, with NAME in
upper case. Assignments inside ``if``, loops or functions, to several targets, or of anything
computed are program, not constants. When a name is assigned more than once at the top level the
last assignment counts, as it does for the code below it; if that one is no literal, the name is
no constant.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from gitcollab.errors import UsageError
from gitcollab.similarity.literal import NotLiteral, Value, evaluate, same, spell
from gitcollab.similarity.source import Positions, ProgramSyntaxError, ProgramTooComplex, parse

__all__ = [
    "Constant",
    "InvalidValue",
    "ProgramSyntaxError",
    "ProgramTooComplex",
    "UnknownConstant",
    "Value",
    "assignments",
    "constants",
    "edit",
    "read_value",
]

MAX_VALUE_CHARS = 500
_NAME = re.compile(r"_*[A-Z][A-Z0-9_]*")
_BARE_WORD = re.compile(r"[\w.:/+-]+")
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]+")
_AROUND = re.compile(r"[\s()]*")

_MOST_NAMED = 40  # constants of a program that an error names


class UnknownConstant(UsageError):  # noqa: N818
    """The program has no such constant."""

    def __init__(self, name: str, known: Mapping[str, object]) -> None:
        close = difflib.get_close_matches(name[:64].upper(), known, n=3, cutoff=0.6)
        if close:
            hint = f"did you mean {' or '.join(close)}?"
        elif known:
            names = sorted(known)
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            hint = f"its constants are {', '.join(names[:_MOST_NAMED])}{more}"
        else:
            hint = "a constant is a line NAME = value at the top level, with NAME in upper case"
        super().__init__(f"the program has no constant {name[:64]}", hint)
        self.name = name
        self.close = tuple(close)


_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?(?:e[-+]?[0-9]+)?", re.IGNORECASE)


class InvalidValue(UsageError):  # noqa: N818
    """The text is not a literal."""

    def __init__(self, text: str) -> None:
        if _NUMBER.fullmatch(text) and math.isinf(float(text)):
            super().__init__("the number is too large", "numbers go up to 1e308")
            return
        super().__init__(
            f"not a value: {text[:80]!r}",
            'write a number, a "string", True, False, None, a tuple of these, '
            "or arithmetic such as 2**18",
        )


@dataclass(frozen=True, slots=True)
class Constant:
    """A named literal; its value's text is ``source[start:end]`` (offsets of characters)."""

    name: str
    value: Value
    start: int
    end: int


def constants(source: str) -> dict[str, Constant]:
    """The program's constants by name, in the order of the text.

    Raises ProgramSyntaxError and ProgramTooComplex.
    """
    return dict(_constants(source))


@lru_cache(maxsize=8)  # one program is looked at again and again while a change of it is chosen
def _constants(source: str) -> Mapping[str, Constant]:
    positions = Positions(source)
    return {
        name: Constant(name, evaluate(node), *positions.span(node))
        for name, node in assignments(parse(source)).items()
    }


def edit(source: str, values: Mapping[str, str]) -> str:
    """The program with each named constant's value replaced by the given text, all else kept.

    The text must be a literal; where the current value is a string a bare word stands for one.
    Raises UnknownConstant, InvalidValue, ProgramSyntaxError and ProgramTooComplex.
    """
    known = constants(source)
    unknown = next((name for name in values if name not in known), None)
    if unknown is not None:
        raise UnknownConstant(unknown, known)
    wanted: dict[str, Value] = {}
    edited = source
    for constant in sorted((known[name] for name in values), key=lambda c: c.start, reverse=True):
        spelling, wanted[constant.name] = read_value(values[constant.name], constant.value)
        edited = edited[: constant.start] + spelling + edited[constant.end :]
    _check(edited, wanted)
    return edited


def read_value(text: str, current: Value) -> tuple[str, Value]:
    """The text as (Python literal on one line, its value); raises InvalidValue.

    ``current`` is the value it replaces: in place of a string, a bare word (SSSL) is a string, but
    5, True and None are what they always are.
    """
    text = text.strip()
    if len(text) > MAX_VALUE_CHARS or not _ONE_LINE.fullmatch(text):
        raise InvalidValue(text)
    try:
        return _read_literal(text)
    except (ProgramSyntaxError, ProgramTooComplex, NotLiteral) as error:
        if isinstance(current, str) and _BARE_WORD.fullmatch(text):
            return spell(text), text
        raise InvalidValue(text) from error


def _read_literal(text: str) -> tuple[str, Value]:
    match parse(text).body:
        case [ast.Expr(value=node)]:
            value = evaluate(node)
        case _:
            raise NotLiteral
    start, end = Positions(text).span(node)
    if not _AROUND.fullmatch(text[:start] + text[end:]):  # a comment
        raise NotLiteral
    return text[start:end], value


def assignments(tree: ast.Module) -> dict[str, ast.expr]:
    """The value node of each constant by name, in the order of the text."""
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as node)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as node)
            ) if _NAME.fullmatch(name):
                found.pop(name, None)
                if _is_literal(node):
                    found[name] = node
            case _:
                pass
    return found


def _is_literal(node: ast.expr) -> bool:
    try:
        evaluate(node)
    except NotLiteral:
        return False
    return True


def _check(edited: str, wanted: Mapping[str, Value]) -> None:
    """Read the edit back: a value that means something else in its place is refused."""
    found = constants(edited)
    for name, value in wanted.items():
        if name not in found or not same(found[name].value, value):
            raise InvalidValue(spell(value))
