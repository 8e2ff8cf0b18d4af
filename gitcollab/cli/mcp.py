"""The verb that serves tools to language models."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gitcollab.cli import jsonout
from gitcollab.cli.app import START, Json, verb
from gitcollab.errors import GitcollabError, UsageError

_AT_A_TERMINAL = (
    "an agent's program starts this and speaks with it; to have one do so: gitcollab setup --help "
    "(^C ends it)"
)


@verb(
    START,
    "gitcollab mcp --workspace ~/agents/nova",
    "claude mcp add gitcollab -- gitcollab mcp    # or: gitcollab setup claude",
)
def mcp(
    workspace: Annotated[
        Path, typer.Option(metavar="DIR", help="The workspace. Left out: this folder.")
    ] = Path(),
    json: Json = False,
) -> None:
    """Serve the swarm to a language model, as tools (an MCP server).

    Agents start it themselves and speak the Model Context Protocol with it over standard input and
    output, until these end. An experiment that runs then is ended, and its claim given back.
    Its tools do what the verbs do: think, claim, run, publish, ask, best, hypotheses, insights.
    With --json it prints the tools and what they take and answer, and serves nothing.
    """
    if not workspace.is_dir():
        raise UsageError(f"there is no folder {workspace}", "name a workspace: --workspace DIR")
    try:
        import mcp.server.mcpserver  # noqa: F401
    except ImportError as e:
        raise GitcollabError(
            "the MCP server needs the package mcp", "pip install 'gitcollab[mcp]'"
        ) from e
    from gitcollab.faces.mcp.server import serve, tools

    if json:
        return jsonout.emit_form({"tools": tools(workspace)})
    if sys.stdin.isatty():
        print(_AT_A_TERMINAL, file=sys.stderr)
    serve(workspace, _leave)
    return None


def _leave(number: int) -> NoReturn:
    """End this process at once: a thread waits for input, and would be waited for."""
    os._exit(128 + number)
