"""Whether a program seems to read the validation data by another way than the evaluation.

A program can read what it is measured on: it has to, through ``evaluate_bpb``. Training on it is
against the rules and cannot be prevented, only noticed. What is looked for are the plain ways: the
validation split of a loaded dataset, the parts of the harness that make or open the data, and the
names of its files. A program that hides its doing (names put together, code made while it runs, a
copy of the harness) is not seen through; a note is a reason to look, its absence no proof.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gitcollab.errors import GitcollabError
from gitcollab.similarity.source import parse

# The parts of gitcollab.task that make the data, or open what is kept of it.
_GIVERS = frozenset(
    f"gitcollab.task.{name}"
    for name in ("climbmix", "embedded", "folder", "grammar", "shelf", "storage", "stories")
)
_FILES = re.compile(r"\bval\.(?:txt|tokens|starts)\b|/data/(?:embedded|climbmix)\b")


def peeks(source: str) -> str:
    """How the program reads the validation data itself, with the line; "" when that is not seen."""
    try:
        tree = parse(source)
    except GitcollabError:  # no Python, or too complex
        return ""
    nodes = list(ast.walk(tree))
    datasets = {name for node in nodes for name in _datasets(node)}
    for node in nodes:
        if said := _peek(node, datasets):
            return f"{said} (line {getattr(node, 'lineno', 1)})"
    return ""


def notes(source: str) -> tuple[str, ...]:
    """What the user should know of such a program."""
    found = peeks(source)
    return (f"the program seems to read the validation data itself: {found}",) if found else ()


def _datasets(node: ast.AST) -> Iterator[str]:
    """The names that a node gives to a dataset: of what ``load`` returns, or a ``Dataset``."""
    match node:
        case ast.Assign(value=ast.Call(func=called), targets=targets) if _last(called) == "load":
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.arg(arg=name, annotation=annotation) if _last(annotation) == "Dataset":
            yield name


def _peek(node: ast.AST, datasets: set[str]) -> str:
    match node:
        case ast.Attribute(attr="val", value=value) if _is_dataset(value, datasets):
            return "it uses the validation split"
        case ast.Call(func=ast.Name(id="getattr"), args=[value, ast.Constant(value="val"), *_]):
            return "it uses the validation split" if _is_dataset(value, datasets) else ""
        case ast.Import(names=names) if found := [n.name for n in names if n.name in _GIVERS]:
            return f"it imports {found[0]}"
        case ast.ImportFrom(module=str(module), names=names):
            full = [module, *(f"{module}.{name.name}" for name in names)]
            found = [name for name in full if name in _GIVERS]
            return f"it imports {found[0]}" if found else ""
        case ast.Constant(value=str(text)) if found_file := _FILES.search(text):
            return f"it names {found_file[0]}"
    return ""


def _is_dataset(node: ast.AST, datasets: set[str]) -> bool:
    match node:
        case ast.Name(id=name):
            return name in datasets
        case ast.Call(func=called):
            return _last(called) == "load"
    return False


def _last(node: ast.AST | None) -> str:
    """The last part of a name: ``load`` of ``gitcollab.task.load``."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return name
    return ""
