"""Declaring functions as tools: what they take, exactly, and what clients are told of them.

The package's own tools drop arguments that they do not know: a misspelt one would have another
experiment run, and published. Its schemas say everything twice, which models read at every start.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from functools import cached_property, wraps
from typing import Annotated, Any, TypeVar, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from gitcollab.faces.mcp.answer import Answer, cut

Function = TypeVar("Function", bound=Callable[..., Any])
Model = TypeVar("Model", bound=BaseModel)

READS = ToolAnnotations(read_only_hint=True, open_world_hint=True)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
_NULL = {"type": "null"}
_MOST_FAULTS = 3  # that are told of one call
_MOST_SHOWN = 60  # characters of a wrong value


def tool(tools: list[Tool], title: str, hints: ToolAnnotations) -> Callable[[Function], Function]:
    """Declare a function as a tool: its docstring and annotations are what clients are told."""

    def declare(function: Function) -> Function:
        said = inspect.getdoc(function)
        made = Declared.from_function(
            _spoken(function), title=title, description=said, annotations=hints
        )
        exact = made.fn_metadata.arg_model = _exact(made.fn_metadata.arg_model)
        made.parameters = taken(exact.model_json_schema(by_alias=True))
        tools.append(made)
        return function

    return declare


def _exact(loose: type[Model]) -> type[Model]:
    """The arguments' model without any others."""
    return cast(type[Model], create_model(loose.__name__, __base__=(loose, _Exact)))


class _Exact(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Declared(Tool):
    """A tool that takes what it says and nothing else, and tells what is wrong in a line."""

    @cached_property
    def output_schema(self) -> dict[str, Any] | None:
        """What it answers, without what the names say already."""
        said = self.fn_metadata.output_schema
        return None if said is None else answered(said)

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        """As the package's."""
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as e:
            if not isinstance(e.__cause__, ValidationError):
                raise
            faults = wrong(arguments, e.__cause__, self.parameters["properties"])
            raise ToolError(f"Error executing tool {self.name}: {faults}") from e.__cause__


# -- what is wrong ---------------------------------------------------------------------------------


def wrong(
    arguments: Mapping[str, Any], error: ValidationError, known: Mapping[str, Mapping[str, Any]]
) -> str:
    """What is wrong with arguments, on one line; ``known`` are those that there are."""
    kinds = {str(fault["loc"][0]): fault["type"] for fault in reversed(error.errors())}
    said = [_fault(name, kind, arguments.get(name), known) for name, kind in kinds.items()]
    faults, names = "; ".join(said[:_MOST_FAULTS]), ", ".join(known) or "no arguments"
    return f"{faults}; next: call it again; it takes {names}"


def _fault(name: str, kind: str, value: object, known: Mapping[str, Mapping[str, Any]]) -> str:
    if name not in known:
        near = _near(name, known)
        return f"there is no argument {cut(repr(name), _MOST_SHOWN)}" + (
            f"; did you mean {near}?" if near else ""
        )
    wanted = _wanted(known[name])
    if kind == "missing":
        return f"{name} is missing: {wanted}"
    return f"{name} cannot be {cut(json.dumps(value, default=str), _MOST_SHOWN)}: {wanted}"


def _near(name: str, known: Mapping[str, object]) -> str | None:
    alike = (one for one in known if name and (one.startswith(name) or name.startswith(one)))
    return next(alike, None) or next(iter(get_close_matches(name, known, 1)), None)


def _wanted(schema: Mapping[str, Any]) -> str:
    """What a value has to be, in a few words."""
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    least, most = schema.get("minimum"), schema.get("maximum")
    reach = "" if least is None else f" from {least}" + ("" if most is None else f" to {most}")
    words = {
        "integer": f"a whole number{reach}",
        "string": "text",
        "boolean": "true or false",
        "array": "a list of texts",
        "object": "an object of names and values",
    }
    return words[schema["type"]]


# -- schemas ---------------------------------------------------------------------------------------


def taken(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of what a tool takes. Null is the same as nothing, and not offered."""
    found = _slim(schema)
    for name, one in found["properties"].items():
        kinds = [kind for kind in one.pop("anyOf", ()) if kind != _NULL]
        if one.get("default", "") is None:
            del one["default"]
        found["properties"][name] = one | (kinds[0] if kinds else {})
    return found


def answered(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of what a tool answers: all fields are always there."""
    return _slim(schema, ("required", "default"))


def _slim(schema: Mapping[str, Any], without: Collection[str] = ()) -> dict[str, Any]:
    """The schema, and those in it, without titles, which repeat names, and ``without`` these."""
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            found[key] = {name: _slim(one, without) for name, one in value.items()}
        elif key == "anyOf":
            found[key] = [_slim(one, without) for one in value]
        elif isinstance(value, Mapping):
            found[key] = _slim(value, without)
        elif key not in ("title", *without):
            found[key] = value
    match found.get("anyOf"):
        case [{"type": str(kind), **rest}, {"type": "null"}] if not rest and without:
            found = {"type": [kind, "null"]} | {k: v for k, v in found.items() if k != "anyOf"}
    return found


# -- answers ---------------------------------------------------------------------------------------


def _spoken(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose answer is told as data and as its JSON on one line, for who reads text.

    The package itself would write that over many lines: twice as much for a language model to read.
    """
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def told_later(*args: Any, **keywords: Any) -> CallToolResult:
            return _told(await function(*args, **keywords))

        told: Callable[..., Any] = told_later
    else:

        @wraps(function)
        def told_now(*args: Any, **keywords: Any) -> CallToolResult:
            return _told(function(*args, **keywords))

        told = told_now
    signature = inspect.signature(function, eval_str=True)
    answer = Annotated[CallToolResult, signature.return_annotation]
    told.__signature__ = signature.replace(return_annotation=answer)  # type: ignore[attr-defined]
    return told


def _told(answer: Answer) -> CallToolResult:
    data = answer.model_dump(mode="json")
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=data)
