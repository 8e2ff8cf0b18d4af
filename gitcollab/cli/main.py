"""``gitcollab``: the console entry."""

from __future__ import annotations

import difflib
import gc
import os
import sys
from collections.abc import Sequence

import typer

from gitcollab.cli import (  # noqa: F401 - they declare their verbs
    analyze,
    ask,
    coverage,
    dashboard,
    data,
    exchange,
    explore,
    govern,
    hooks,
    hub,
    hypothesis,
    insight,
    keep,
    look,
    mcp,
    pause,
    prime,
    service,
    setup,
    show,
    similar,
    task,
    upcoming,
    upkeep,
    verify,
    watch,
    work,
)
from gitcollab.cli.app import app
from gitcollab.cli.boundary import end_politely, guard
from gitcollab.errors import UsageError

# What pydantic, which judges options, says in words of its own.
_NEAR = 0.75  # the likeness of an option to a misspelt one from which on it may be meant
_PLAIN = (
    ("Value error, ", ""),
    ("Input should be", "it is to be"),
    (", unable to parse string as an integer", ""),
    (", unable to parse string as a number", ""),
)

# Typer's family of errors in what the user typed; its base is not exported everywhere.
_Misuse: type[Exception] = typer.BadParameter.__mro__[2]


def main() -> None:
    """Run the command line of this process and end it."""
    # What start-up makes lives as long as the process: collecting it again and again costs a tenth.
    gc.set_threshold(200_000)
    # Looking for plug-ins of pydantic reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    end_politely()
    code = run(sys.argv[1:])
    gc.freeze()  # what is left goes with the process; nobody need look through it first
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command line; its exit code."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a terminal that cannot show a character gets an escape
            reconfigure(errors="backslashreplace")
    return guard(lambda: _dispatch(list(argv)), argv)


def _dispatch(argv: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        # Not command.main(): it would turn ^C and broken pipes into codes of its own.
        with command.make_context("gitcollab", argv) as context:
            return command.invoke(context) or 0
    except typer.Exit as e:
        return e.exit_code
    except _Misuse as e:
        raise _usage_error(e, argv) from e


def _usage_error(error: Exception, argv: Sequence[str]) -> UsageError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else _verb(argv)
    if options := getattr(error, "possibilities", None):
        given = getattr(error, "option_name", "")
        error.possibilities = difflib.get_close_matches(given, options, cutoff=_NEAR)  # type: ignore[attr-defined]
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    for theirs, ours in _PLAIN:
        message = message.replace(theirs, ours)
    return UsageError(_lower(message).rstrip("."), f"{path} --help")


def _verb(argv: Sequence[str]) -> str:
    """The verb that the command line names, with the groups that it is in."""
    path, at = ["gitcollab"], typer.main.get_command(app)
    for word in argv:
        if word not in getattr(at, "commands", {}):
            break
        path.append(word)
        at = at.commands[word]  # type: ignore[attr-defined]
    return " ".join(path)


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
