"""Ready tasks, and the files that travel with the package: the baseline program, the protocol."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records import codec
from gitcollab.records.models import Task
from gitcollab.similarity.constants import edit
from gitcollab.similarity.source import parse

DEFAULT = "micro"

_LEAST = (
    "a task file has at least: name, metric: {name: score, direction: minimize}, "
    "run: [python, train.py], editable: [train.py], program: train.py, budget: {seconds: 60}, "
    "timeout_seconds: 300, sigma: 0.002"
)

_SPACE = "as in space: {RATE: {low: 0.001, high: 0.1, log: true}, KIND: {choices: [a, b]}}"


def asset(name: str) -> bytes:
    """A file of the repository's top level: from the wheel, or from the checkout it runs in."""
    package = resources.files("gitcollab")
    packed = package / "assets" / name
    if packed.is_file():
        return packed.read_bytes()
    return (Path(str(package)).parent / name).read_bytes()


def names() -> list[str]:
    """The names of the presets."""
    folder = resources.files("gitcollab") / "presets"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name[-5:] == ".yaml")


def preset(name: str, sets: Iterable[str] = ()) -> tuple[Task, bytes]:
    """The preset's task, with ``KEY=VALUE`` changes, and its baseline program."""
    if name not in names():
        raise UsageError(f"there is no preset {name!r}", f"presets: {', '.join(names())}")
    data = (resources.files("gitcollab") / "presets" / f"{name}.yaml").read_bytes()
    fields = codec.load(data)
    constants = fields.pop("constants", {})
    task = _task(codec.dump(fields), sets, f"preset {name}")
    return task, edit(asset("train.py").decode(), constants).encode()


def from_file(path: Path, sets: Iterable[str] = ()) -> tuple[Task, bytes]:
    """The task in a file, with ``KEY=VALUE`` changes, and the baseline program beside it."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise UsageError(
            f"the task file {path} cannot be read: {e.strerror}", "give the path of a file"
        ) from e
    task = _task(data, sets, str(path))
    program = path.parent / task.program
    try:
        baseline = program.read_bytes()
    except OSError as e:
        raise UsageError(
            f"the task's program {program} cannot be read: {e.strerror}",
            "put the baseline program beside the task file, under the name in `program:`",
        ) from e
    check_baseline(task, baseline)
    return task, baseline


def text_of(data: bytes, what: str) -> str:
    """The text in a file for a hub, which is ``what``. Raises UsageError where it is none."""
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        hint = "save it in that encoding"
        raise UsageError(f"{what} is not UTF-8 text (byte {e.start})", hint) from e


def check_baseline(task: Task, program: bytes) -> None:
    """Refuse a program that no agent could run or read: UsageError."""
    text = text_of(program, "the baseline")
    try:
        if task.program.endswith(".py"):
            parse(text)
    except GitcollabError as e:
        raise UsageError(f"the baseline is no program: {e.message}", e.hint) from e


def _task(data: bytes, sets: Iterable[str], source: str) -> Task:
    try:
        fields = codec.load(data)
        for assignment in sets:
            assign(fields, assignment)
        task = codec.from_mapping("task", fields)
    except codec.InvalidRecord as e:
        hint = _SPACE if ": space" in e.message else _LEAST
        raise UsageError(f"{source}: {e.message}", e.hint or hint) from e
    assert isinstance(task, Task)
    return task


def check_field(key: str) -> None:
    """Refuse the name of a field that no task has: UsageError, with those it may be."""
    model: type[BaseModel] | None = Task
    above, is_named = "", False
    for part in key.split("."):
        if model is None:  # names of people, below maintainers
            return
        if is_named:  # by the constants, below space
            above, is_named = f"{above}{part}.", False
            continue
        known = {
            field.alias or name: field.annotation for name, field in model.model_fields.items()
        }
        if part not in known:
            near = difflib.get_close_matches(part[:60], known, n=2)
            names = " or ".join(above + name for name in near)
            hint = f"did you mean {names}?" if near else f"there are: {', '.join(known)}"
            raise UsageError(f"a task has no field {(above + part)[:80]!r}", hint)
        above, model = f"{above}{part}.", _model_in(known[part])
        is_named = model is not None and _has_names(known[part])


def _has_names(annotation: object) -> bool:
    """Whether a field holds something by names that people choose."""
    return get_origin(annotation) is dict or any(map(_has_names, get_args(annotation)))


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The fields that a field has, where it has some."""
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def assign(fields: dict[str, Any], assignment: str) -> None:
    """Apply ``a.b=value`` to nested mappings; the value is read as YAML."""
    key, found, text = assignment.partition("=")
    if not found or not key:
        raise UsageError(f"{assignment!r} is not KEY=VALUE", "as in --set budget.seconds=20")
    check_field(key)
    *parents, last = key.split(".")
    at = fields
    for parent in parents:
        child = at.setdefault(parent, {})
        if not isinstance(child, dict):
            raise UsageError(f"{parent!r} in {key!r} holds a value, not fields")
        at = child
    try:
        at[last] = codec.load(f"value: {text}".encode())["value"]
    except codec.InvalidRecord as e:
        raise UsageError(f"{text[:60]!r} is no value for {key}: {e.message}", "quote text") from e
