"""YAML in and out: the only module that parses or writes YAML.

What comes from a hub is hostile until checked: input is size-capped, UTF-8, without anchors or
aliases, without duplicate keys, of bounded depth. Scalars follow the YAML 1.2 core schema, so that
``no`` is text, ``1e-3`` is a number and ``2026-01-01`` is text. What is written reads back equal.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

import yaml
from pydantic import ValidationError

from gitcollab.errors import GitcollabError
from gitcollab.records import models
from gitcollab.records.models import Record
from gitcollab.records.quoting import escaped, line

MAX_YAML_BYTES = 64 * 1024
_SMALL = 8192  # bytes of a record that is remembered
MAX_DEPTH = 12
SCHEMA = models.SCHEMA
UPGRADE = "upgrade gitcollab: pip install -U gitcollab"

_MODELS: dict[str, type[Record]] = {
    "task": models.Task,
    "claim": models.Claim,
    "result": models.Result,
    "hypothesis": models.Hypothesis,
    "insight": models.Insight,
    "retraction": models.Retraction,
    "ruling": models.Ruling,
    "agent": models.AgentCard,
}


# The order of a record's fields in its file: who and when first, machinery last.
_HEADING = ("schema", "id", "agent", "created_at", "description", "status", "metric")
_CLOSING = ("files", "nonce", "signature")

# Beside names and places, pydantic's path to a fault has types, as in list[nullable[int]].
_TYPE = re.compile(r"[a-z-]+\[")


class InvalidRecord(GitcollabError):  # noqa: N818 - reads as what it is
    """These bytes are not a record of that kind; the message says why."""


class NewerSchema(InvalidRecord):
    """The record was written by a newer gitcollab."""


class UnknownField(InvalidRecord):
    """The fields are not a record of that kind: at least one of them is none that is known."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InvalidRecord(f"a key that is no word in line {line}")
            if key in seen:
                raise InvalidRecord(f"duplicate key {key[:40]!r} in line {line}")
            seen.add(key)
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    # Text that only YAML 1.1 takes for something else (no, 1_000, 12:30) is quoted all the same,
    # for the sake of other people's readers; times are not.
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in rules if not tag.endswith(":timestamp")]
        for first, rules in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: object) -> bool:
        return True


# The tags of the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema).
_SCALARS = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        (
            r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?[0-9]+[eE][-+]?[0-9]+"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
        "-+.0123456789",
    ),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
)
for _class in (_Loader, _Dumper):
    for _tag, _pattern, _first in _SCALARS:
        _class.add_implicit_resolver(
            _tag,
            re.compile(rf"(?:{_pattern})\Z"),
            [c if c != "\0" else "" for c in _first],
        )


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    if len(text) > models.MAX_DIGITS + 1:  # a sign; longer ones take their time
        raise InvalidRecord(f"a number of more than {models.MAX_DIGITS} digits")
    return int(text)  # 010 is ten, as YAML 1.2 says


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


def _construct_bool(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)).lower() == "true"


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
_Loader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)


def load(data: bytes, limit: int = MAX_YAML_BYTES) -> dict[str, Any]:
    """The mapping that the YAML document ``data`` holds, or InvalidRecord with the reason."""
    if len(data) > limit:
        raise InvalidRecord(f"{len(data)} bytes of YAML, more than the {limit} allowed")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise InvalidRecord(f"not UTF-8 (byte {e.start})") from e
    try:
        _check_structure(text)
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as e:
        raise InvalidRecord(f"not YAML: {_one_line(e)}") from e
    except (ValueError, TypeError) as e:
        raise InvalidRecord(f"odd YAML: {_one_line(e)}") from e
    if not isinstance(value, dict):
        raise InvalidRecord("not a mapping of names to values")
    return value


def _check_structure(text: str) -> None:
    """Refuse all that records do not need, and deep nesting, before any recursion."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidRecord("anchors and aliases are not allowed")
        if getattr(event, "tag", None):  # !!binary, !!set, !!python/...: nothing here needs them
            raise InvalidRecord("tags are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidRecord(f"nested more than {MAX_DEPTH} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            if event.tags or event.version:
                raise InvalidRecord("directives are not allowed")
            documents += 1
            if documents > 1:
                raise InvalidRecord("more than one YAML document")


def has_comment(data: bytes) -> bool:
    """Whether a YAML document that ``load`` takes says anything that is no part of its value."""
    if b"#" not in data:
        return False
    text, end = data.decode("utf-8"), 0
    for event in yaml.parse(text, Loader=_Loader):
        start, until = (
            0 if mark is None else mark.index for mark in (event.start_mark, event.end_mark)
        )
        header = text[start:until].partition("\n")[0]
        block = isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">")
        if "#" in text[end:start] or (block and "#" in header):
            return True
        end = until
    return "#" in text[end:]


def _one_line(error: Exception) -> str:
    """What is wrong, and where; of a parser's words those that say so."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    said = f"{problem}, in line {mark.line + 1}" if problem and mark else str(error)
    return line(said)[:200]


def dump(value: Mapping[str, Any]) -> bytes:
    """``value`` as one YAML document: keys in their order, UTF-8, reads back equal."""
    text = yaml.dump(dict(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return bytes(text, "utf-8")


def model_of(kind: str) -> type[Record]:
    """The model class of a kind of record."""
    return _MODELS[kind]


def decode(kind: str, data: bytes) -> Record:
    """The record that ``data`` holds; InvalidRecord (or NewerSchema) when it holds none.

    What is written knows its fields: one that is not known here is of a newer version.
    """
    return _small(kind, data) if len(data) <= _SMALL else _decoded(kind, data)


@lru_cache(maxsize=128)  # what is written is read back at once, more than once
def _small(kind: str, data: bytes) -> Record:
    return _decoded(kind, data)


def _decoded(kind: str, data: bytes) -> Record:
    try:
        return from_mapping(kind, load(data))
    except UnknownField as e:
        said = e.message.removeprefix(f"not a valid {kind}: ")
        raise NewerSchema(f"{kind} made by a newer gitcollab: {said}", UPGRADE) from e


def from_mapping(kind: str, value: Mapping[str, Any]) -> Record:
    """The record of ``kind`` with these fields; InvalidRecord names the first field at fault."""
    schema = value.get("schema")
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        raise NewerSchema(
            f"{kind} of schema {schema}; this gitcollab understands schema {SCHEMA}",
            UPGRADE,
        )
    try:
        return _MODELS[kind].model_validate(value)
    except ValidationError as e:
        faults = e.errors(include_url=False, include_input=True)
        unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
        sort = UnknownField if unknown else InvalidRecord
        raise sort(f"not a valid {kind}: {_told([*unknown, *faults][0], len(faults))}") from e


# What pydantic says in words of its own.
_PLAIN = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such field",
    "float_parsing": "it is to be a number",
    "float_type": "it is to be a number",
    "int_parsing": "it is to be a whole number",
    "int_type": "it is to be a whole number",
    "int_from_float": "it is to be a whole number",
    "string_type": "it is to be text",
    "string_too_short": "it is empty",
    "string_too_long": "it is too long",
    "too_long": "it is too long",
    "list_type": "it is to be a list",
    "tuple_type": "it is to be a list",
    "dict_type": "it is to be a mapping",
    "model_type": "it is to be a mapping",
    "bool_parsing": "it is to be true or false",
    "bool_type": "it is to be true or false",
}


def plain_fault(fault: Mapping[str, Any]) -> str:
    """What is wrong with a field, in plain words: one of the faults that pydantic found."""
    message = str(fault["msg"]).removeprefix("Value error, ")
    return _PLAIN.get(fault["type"]) or message.replace("Input should be", "it is to be")


def _told(fault: Mapping[str, Any], of: int) -> str:
    """One of so many faults, in one line."""
    parts = [escaped(str(p))[:60] for p in fault["loc"] if not _TYPE.match(str(p))]
    where = ".".join(parts) or "record"
    shown = repr(fault.get("input"))
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    got = "" if fault["type"] == "missing" else f" (got {shown})"
    more = f", and {of - 1} more" if of > 1 else ""
    return f"{where}: {plain_fault(fault)}{got}{more}"


def to_mapping(record: Record) -> dict[str, Any]:
    """The record's fields as plain values, absent ones left out; its model reads them back."""
    return record.model_dump(mode="json", by_alias=True, exclude_none=True)


def encode(record: Record) -> bytes:
    """The record as it stands on a hub: ``decode(kind, encode(r)) == r``.

    InvalidRecord when it is larger than a reader would accept.
    """
    fields = to_mapping(record)
    first = {name: fields.pop(name) for name in _HEADING if name in fields}
    last = {name: fields.pop(name) for name in _CLOSING if name in fields}
    data = dump(first | fields | last)
    if len(data) > MAX_YAML_BYTES:
        raise InvalidRecord(
            f"the record has {len(data)} bytes, more than the {MAX_YAML_BYTES} allowed",
            "shorten its text",
        )
    return data
