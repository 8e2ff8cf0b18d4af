"""Files to judge descriptions by: pairs of them, and the constants of a base. Checked first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records import codec
from gitcollab.similarity import constants
from gitcollab.similarity.literal import Value
from gitcollab.similarity.wording import MAX_CHARS

MAX_FILE_BYTES = 10_000_000
MAX_PAIRS = 100_000
MAX_CONSTANTS = 1_000  # of a base

Label = Literal["same", "different"]

_BASE_HINT = "write a YAML mapping such as MATRIX_LR: 0.04, or give a Python program (.py)"
_PAIRS_HINT = "begin it with a line that names the columns, between tabs: a, b, perhaps label"


@dataclass(frozen=True)
class Pair:
    """Two descriptions; ``label`` is what somebody says of them."""

    a: str
    b: str
    label: Label | None = None


@dataclass(frozen=True)
class PairFile:
    """What a file of pairs holds; ``labelled``: it has a column of labels."""

    pairs: list[Pair]
    labelled: bool


def read_base(path: Path) -> dict[str, Value]:
    """The constants in a file: of a program (``.py``), else a YAML mapping of constant: value.

    Raises UsageError.
    """
    data = _read(path)
    try:
        found = of_program(_text(data, path)) if path.suffix == ".py" else _of_yaml(data)
    except UsageError:
        raise
    except GitcollabError as e:
        raise UsageError(f"{path} gives no constants: {e.message}", e.hint or _BASE_HINT) from e
    if len(found) > MAX_CONSTANTS:
        many = f"{len(found):,} constants, more than the {MAX_CONSTANTS:,} allowed"
        raise UsageError(f"{path} has {many}", "leave out those that nobody changes")
    return found


def of_program(source: str) -> dict[str, Value]:
    """The constants of a Python program by name; GitcollabError where it is none."""
    return {name: one.value for name, one in constants.constants(source).items()}


def _of_yaml(data: bytes) -> dict[str, Value]:
    return {_name(key): _value(key, value) for key, value in codec.load(data).items()}


def _name(key: object) -> str:
    if not isinstance(key, str) or not key.isidentifier():
        raise GitcollabError(f"{str(key)[:40]!r} is no name of a constant")
    return key


def _value(name: str, value: object) -> Value:
    match value:
        case list():
            return tuple(_value(name, item) for item in value)
        case float() if not math.isfinite(value):
            raise GitcollabError(f"{name[:40]} is not finite")
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise GitcollabError(
                f"{name[:40]} is no number, text, true, false, null, or list of these"
            )


def read_pairs(path: Path) -> PairFile:
    """The pairs in a tab-separated file whose header names the columns a, b and perhaps label.

    Cells are plain: quotes are part of a text. Where there is a column label, each pair has one.
    Raises UsageError, with the number of the line.
    """
    text = _text(_read(path), path).removeprefix("\ufeff")
    numbered = enumerate((line.removesuffix("\r") for line in text.split("\n")), start=1)
    filled = ((number, line.split("\t")) for number, line in numbered if line.strip())
    columns = _columns(next(filled, (1, []))[1], path)
    pairs: list[Pair] = []
    for number, cells in filled:
        where = f"{path}, line {number}"
        if len(pairs) == MAX_PAIRS:
            raise UsageError(f"{where}: more than the {MAX_PAIRS:,} pairs allowed", "split it")
        if any(cell.strip() for cell in cells[len(columns) :]):
            many = f"{len(cells)} cells, and there are {len(columns)} columns"
            raise UsageError(f"{where} has {many}", "write no tab within a text")
        row = dict.fromkeys(columns, "") | dict(zip(columns, cells, strict=False))
        pairs.append(_pair(row, where))
    return PairFile(pairs, "label" in columns)


def _columns(header: list[str], path: Path) -> list[str]:
    columns = [name.strip() for name in header]
    if missing := [name for name in ("a", "b") if name not in columns]:
        found = f"its first line is {', '.join(columns)[:80]!r}" if columns else "it is empty"
        raise UsageError(f"{path} has no column {' and no '.join(missing)}: {found}", _PAIRS_HINT)
    if twice := next((name for name in ("a", "b", "label") if columns.count(name) > 1), None):
        raise UsageError(f"{path} has two columns {twice}", "rename one of them")
    return columns


def _pair(row: Mapping[str, str], where: str) -> Pair:
    for name in ("a", "b"):
        check_text(row[name], f"{where}: {name}")
    if "label" not in row:
        return Pair(row["a"], row["b"])
    match row["label"].strip():
        case "same" | "different" as label:
            return Pair(row["a"], row["b"], label)
        case other:
            raise UsageError(
                f"{where}: the label {other[:40]!r} is neither same nor different", "correct it"
            )


def check_text(text: str, name: str) -> None:
    """UsageError for a text that no record may have as its description."""
    if not text.strip():
        raise UsageError(f"{name} is empty", "describe the change in a few words")
    if len(text) > MAX_CHARS:
        many = f"{len(text):,} characters, more than the {MAX_CHARS} that a description may have"
        raise UsageError(f"{name} has {many}", "shorten it")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as e:  # ValueError: a NUL in the path
        reason = getattr(e, "strerror", None) or "it is no path"
        raise UsageError(f"{path} cannot be read: {reason}", "give the path of a file") from e
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(
            f"{path} has more than the {MAX_FILE_BYTES // 1_000_000} MB allowed",
            "give a smaller one",
        )
    return data


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        number = data.count(b"\n", 0, e.start) + 1
        raise UsageError(f"{path}, line {number}: not UTF-8 text", "save it as UTF-8") from e
