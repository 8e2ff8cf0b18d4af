"""A program's fingerprint: the same for programs that differ in form only.

The standard library's own dump of a syntax tree differs between Python versions (empty lists, new
fields, pieces of f-strings), and identities must not: the tree is written out here instead.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterator
from functools import cache, lru_cache

from gitcollab.similarity.constants import assignments
from gitcollab.similarity.literal import NotLiteral, evaluate
from gitcollab.similarity.source import ProgramSyntaxError, ProgramTooComplex, parse

# Deeper than programs that people write, and shallower than what any Python version can parse.
MAX_DEPTH = 400
_FORM_ONLY = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_MASK = "constant"
_KEPT = 64  # programs that a process remembers: a text of 20 KB takes 15 ms


@lru_cache(maxsize=_KEPT)
def fingerprint(source: str) -> str:
    """``sha256:`` and the digest of the program's meaning-bearing parts.

    Comments, formatting, docstrings and the spelling of numbers (2**18, 262144) do not count; names
    do, and so does int against float. Text that is not Python is digested as text, line ends and
    trailing blanks apart. Raises ProgramTooComplex.
    """
    try:
        tree = parse(source)
    except ProgramSyntaxError:
        return _digest("text", _trimmed(source))
    return _digest("python", _tokens(tree))


@lru_cache(maxsize=_KEPT)
def skeleton(source: str) -> str:
    """The fingerprint with the values of the constants masked.

    Raises ProgramSyntaxError and ProgramTooComplex.
    """
    tree = parse(source)
    masked = {id(node) for node in assignments(tree).values()}
    return _digest("skeleton", _tokens(tree, masked))


def _digest(form: str, lines: Iterator[str]) -> str:
    whole = "\n".join((form, *lines)).encode("utf-8", "surrogatepass")
    return f"sha256:{hashlib.sha256(whole).hexdigest()}"


def _trimmed(source: str) -> Iterator[str]:
    lines = source.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    return (line.rstrip() for line in lines)


def _tokens(tree: ast.Module, masked: Collection[int] = ()) -> Iterator[str]:
    """The tree in order, each token on one line; without recursion, so bounded by MAX_DEPTH."""
    stack: list[tuple[ast.AST | str, int]] = [(tree, 0)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, str):
            yield item
        elif depth > MAX_DEPTH:
            raise ProgramTooComplex("it is nested too deeply")
        elif id(item) in masked:
            yield _MASK
        else:
            stack.extend((part, depth + 1) for part in reversed(_parts(item)))


def _parts(node: ast.AST) -> list[ast.AST | str]:
    """What a node is made of: tokens, and nodes still to be taken apart."""
    match node:
        case ast.Constant(value=value):
            return [_constant(value)]
        case ast.BinOp() | ast.UnaryOp():
            return _folded(node) or _fields(node)
        case ast.JoinedStr(values=values):
            return ["f-string(", *_joined(values), ")"]
        case _:
            return _fields(node)


def _fields(node: ast.AST) -> list[ast.AST | str]:
    parts: list[ast.AST | str] = [f"{type(node).__name__}("]
    for name in _telling(node._fields):
        value = getattr(node, name, None)
        # Absent, None and empty are one: which of them a field is differs between versions.
        if value is None or value == []:
            continue
        parts.append(name)
        parts.extend(_items(value) if isinstance(value, list) else [_item(value)])
    return [*parts, ")"]


@cache
def _telling(fields: tuple[str, ...]) -> tuple[str, ...]:
    """The fields of a kind of node that are more than form, in order."""
    return tuple(name for name in sorted(fields) if name not in _FORM_ONLY)


def _items(values: list[object]) -> list[ast.AST | str]:
    return ["[", *(_item(value) for value in values if not _is_bare_string(value)), "]"]


def _item(value: object) -> ast.AST | str:
    # ascii(), not repr(): which characters repr() escapes depends on the Unicode version.
    return value if isinstance(value, ast.AST) else ascii(value)


def _is_bare_string(value: object) -> bool:
    """A docstring, or a string that stands alone in place of a comment."""
    match value:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case _:
            return False


def _folded(node: ast.BinOp | ast.UnaryOp) -> list[ast.AST | str] | None:
    try:
        return [_constant(evaluate(node))]
    except NotLiteral:
        return None


def _constant(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"int {value:x}"  # decimal text is quadratic, and limited, for huge numbers
    return f"{type(value).__name__} {value!a}"


def _joined(values: list[ast.expr]) -> Iterator[ast.AST | str]:
    """An f-string's parts; how its plain text is split differs between versions."""
    text = ""
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            text += value.value
            continue
        if text:
            yield _constant(text)
        text = ""
        yield value
    if text:
        yield _constant(text)
