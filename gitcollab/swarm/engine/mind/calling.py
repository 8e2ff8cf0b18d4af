"""Calling a mind: its command line, what it is given, and how long it may take.

It is the user's own command, started as the user would: with all of the environment, where an
agent's credentials are, and without a sandbox. It gets no shell, a time limit, and its words in a
log of bounded size. When the call returns, all that it started is gone: on Linux what has left its
process group, too.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.runner import family, process
from gitcollab.swarm.engine.mind.room import Room

Phase: TypeAlias = Literal["think", "learn"]
MAX_LOG_BYTES = 1_000_000
_INTERPRETER = re.compile(r"(?:python|pypy|node|ruby|perl|bash|sh|zsh|Rscript)[\d.]*")
_OPERATOR = re.compile(r"[;&|<>]+")
_HINT = "as in --think 'my-agent --print'; the README has lines for common agents"


@dataclass(frozen=True)
class Command:
    """A command line that was taken apart; words may hold ``{briefing}`` and the like."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, typed: str) -> Command:
        """The command; UsageError for one that cannot be started here.

        What is named by its path is meant from the folder that we are in, not from a mind's: the
        program, and the script that an interpreter is to run. (Other words may be names of files in
        a mind's folder.)
        """
        try:
            words = shlex.split(typed)
        except ValueError as e:
            raise UsageError(f"the command to think cannot be read: {e}", _HINT) from e
        if not words:
            raise UsageError("--think names no command", _HINT)
        if meant := next(filter(_OPERATOR.fullmatch, _tokens(typed)), None):
            raise UsageError(
                f"the command to think gets no shell, and has {meant!r}",
                """let a shell run it: --think "sh -c '...'\"""",
            )
        program, *rest = words
        if os.sep in program:
            program = str(Path(program).expanduser().absolute())
        if shutil.which(program) is None:
            raise UsageError(f"the command to think is not there: {program!r}", _HINT)
        if rest and _INTERPRETER.fullmatch(Path(program).name) and Path(rest[0]).is_file():
            rest[0] = str(Path(rest[0]).absolute())
        return cls((program, *rest))

    @property
    def typed(self) -> str:
        """The command line, to be typed in any folder."""
        return shlex.join(self.words)

    def line(self, values: Mapping[str, str]) -> list[str]:
        """The words of the call, with the values in the places of their names."""
        words = list(self.words)
        for name, value in values.items():
            words = [word.replace(f"{{{name}}}", value) for word in words]
        return words


def _tokens(typed: str) -> Iterator[str]:
    """The words as a shell sees them, quoted ones with their quotes."""
    lexer = shlex.shlex(typed, posix=False, punctuation_chars=";&|<>")
    lexer.whitespace_split, lexer.commenters = True, ""
    with suppress(ValueError):  # quotes within words, which are read otherwise
        yield from lexer


def call(
    command: Command,
    room: Room,
    phase: Phase,
    workspace: Path,
    minutes: float,
    tick: Callable[[float], None],
) -> str:
    """Call the mind in its room; why it failed in a few words, or "".

    The briefing is its standard input, too. What ``tick`` raises, and ^C, ends it and is raised.
    """
    values = values_of(room, phase, workspace)
    try:
        with family.gathered() as mark:
            done = process.run(
                command.line(values),
                cwd=room.work,
                env=environment(values) | mark,
                timeout=minutes * 60,
                log=room.log(phase),
                tick=tick,
                max_log_bytes=MAX_LOG_BYTES,
                told=room.briefing,
            )
    except GitcollabError as e:  # it has gone meanwhile, the disk is full
        return e.message
    if done.timed_out:
        return f"it was not ready after {minutes:g} minutes"
    return "" if done.exit_code == 0 else f"it failed ({ended(done.exit_code)})"


def values_of(room: Room, phase: Phase, workspace: Path) -> dict[str, str]:
    """What the command line and the environment may say of a call, by name."""
    return {
        "briefing": str(room.briefing),
        "program": str(room.program),
        "description": str(room.description),
        "outcome": str(room.outcome),
        "phase": phase,
        "workspace": str(workspace),
    }


def environment(values: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, in which ``gitcollab`` is found, and what is told of the call."""
    told = {f"GITCOLLAB_{name.upper()}": value for name, value in values.items()}
    here = str(Path(sys.executable).parent)  # last: what the user has stays what it is
    path = os.pathsep.join(filter(None, (os.environ.get("PATH", os.defpath), here)))
    return {**os.environ, "PATH": path, **told}


def ended(code: int | None) -> str:
    """How a program ended."""
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"ended by signal {-code}"
