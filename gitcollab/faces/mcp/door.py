"""The workspace behind the tools: one look or write at a time, and errors with their next step."""

from __future__ import annotations

import inspect
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from gitcollab.errors import GitcollabError, OfflineError, without_credentials
from gitcollab.faces.mcp.answer import Answer
from gitcollab.faces.swarm import Swarm
from gitcollab.records.quoting import line

Function = TypeVar("Function", bound=Callable[..., Any])

READS = ToolAnnotations(read_only_hint=True, open_world_hint=True)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
FRESH_SECONDS = 30.0  # what was fetched so lately is not fetched again: hubs are shared


class Door:
    """Opens the workspace in ``folder`` for the tools.

    A folder that is none yet may become one while the server runs. What a tool sees through it is
    one swarm, so that what was read, and a model that was loaded, is there for the next.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._swarm: Swarm | None = None
        self._asked: float | None = None

    @contextmanager
    def swarm(self) -> Iterator[Swarm]:
        """The swarm, for one tool at a time; raises ToolError for what is expected to go wrong."""
        with self._lock, translated():
            if self._swarm is None:
                self._swarm = Swarm.open(self.folder)
            yield self._swarm

    def another(self) -> Swarm:
        """A swarm of its own for what takes long. Raises GitcollabError."""
        return Swarm.open(self.folder)

    def ask_hub(self, swarm: Swarm) -> str:
        """Fetch what is new, if that was not done just now; why it could not be, or ""."""
        now = time.monotonic()
        if self._asked is not None and now - self._asked < FRESH_SECONDS:
            return ""
        try:
            swarm.member.store.refresh()
        except OfflineError as e:
            return plain(e.message)
        self._asked = time.monotonic()
        return ""


def tool(server: MCPServer, title: str, hints: ToolAnnotations) -> Callable[[Function], Function]:
    """Declare a function as a tool: its docstring and annotations are what clients are told."""

    def declare(function: Function) -> Function:
        said = inspect.getdoc(function)
        server.add_tool(_spoken(function), title=title, description=said, annotations=hints)
        return function

    return declare


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


@contextmanager
def translated() -> Iterator[None]:
    """What is expected to go wrong becomes a tool's error, with the next step."""
    try:
        yield
    except GitcollabError as e:
        said = f"{e.message}; next: {e.hint}" if e.hint else e.message
        raise ToolError(plain(said)) from e


def plain(text: str) -> str:
    """A message of ours on one line that does nothing, without credentials."""
    return line(without_credentials(text))
