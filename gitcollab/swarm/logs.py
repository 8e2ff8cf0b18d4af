"""A log of experiments as it is read to be imported: its rows, their programs, what is left out."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records.models import MAX_PROGRAM_BYTES, Task
from gitcollab.similarity.program import fingerprint
from gitcollab.store.programs import Programs
from gitcollab.swarm import logbook, tables
from gitcollab.swarm.logbook import Entry
from gitcollab.swarm.reports import Left

_NAMED = 5  # lines that one note names


@dataclass
class Log:
    """A log as it was read, and what is said of it."""

    entries: list[Entry]
    columns: Sequence[str]
    left: list[Left]
    notes: list[str] = field(default_factory=list)
    programs: dict[int, str] = field(default_factory=dict)  # by line

    def leave(self, entries: Collection[Entry], reason: str) -> None:
        """Import these rows not."""
        lines = {entry.line for entry in entries}
        self.entries = [entry for entry in self.entries if entry.line not in lines]
        self.left = sorted([*self.left, *(Left(n, reason) for n in lines)], key=lambda x: x.line)

    def note_bases(self, entries: Sequence[Entry], known: Container[str]) -> None:
        """Note which of the entries build on what is neither in the log nor ``known``."""
        here = {entry.known for entry in self.entries if entry.base is not None}
        astray = [e for e in entries if e.base and e.base not in here and e.base not in known]
        if astray:
            named = _lines(astray, [str(e.base) for e in astray[:_NAMED]])
            self.notes.append(f"the base is neither in the file nor on the hub: {named}")

    def find_programs(self, repo: Path, name: str) -> None:
        """Read the program at each row's commit; rows without one are noted."""
        programs = Programs(repo, name)
        missing: list[Entry] = []
        for entry in self.entries:
            data = programs.at(entry.commit, MAX_PROGRAM_BYTES)
            text = None if data is None else _program(data)
            if text is None:
                missing.append(entry)
            else:
                self.programs[entry.line] = text
        if missing:
            said = (f"{e.commit[:12] or '-'}" for e in missing[:_NAMED])
            named = _lines(missing, list(said))
            self.notes.append(f"no {name} that can be used at the commit of {named}")
        if programs.incomplete:
            self.notes.append(f"{repo} lacks some of its own objects: give a whole clone of it")


def read(path: Path, task: Task, column: str | None) -> Log:
    """The log at ``path``; ``column`` has its metric, where that is not called as the task's.

    Raises UsageError where there is no row that can be read.
    """
    table = tables.read(path)
    entries, faults = logbook.entries(table, column or task.metric.name, str(path))
    if not entries and faults:
        first = faults[0]
        raise UsageError(f"no row of {path} can be read: line {first.line}: {first.reason}")
    log = Log(entries, table.columns, [Left(*fault) for fault in faults])
    zeros = [entry for entry in entries if entry.is_zero]
    if crashed := [entry for entry in zeros if entry.status == "crash"]:
        log.notes.append(f"a metric of 0 that no keep speaks for is a crash: {_lines(crashed)}")
    if kept := [entry for entry in zeros if entry.status == "ok"]:
        log.notes.append(f"a metric of 0 is taken for measured, as the status says: {_lines(kept)}")
    return log


def _lines(entries: Sequence[Entry], words: Sequence[str] = ()) -> str:
    """The entries by their lines, not too many of them, each with its word."""
    said = [f" ({word})" for word in words] or [""] * len(entries)
    named = ", ".join(f"line {e.line}{w}" for e, w in zip(entries[:_NAMED], said, strict=False))
    return f"{named} and {len(entries) - _NAMED} more" if len(entries) > _NAMED else named


def _program(data: bytes) -> str | None:
    with suppress(UnicodeDecodeError, GitcollabError):  # no text, or too much of one
        text = data.decode()
        fingerprint(text)
        return text
    return None
