"""One agent's mind: when it is asked, what it is told, and what is made of what it did."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitcollab.errors import GitcollabError, OfflineError
from gitcollab.records.quoting import line
from gitcollab.swarm.engine.mind import telling
from gitcollab.swarm.engine.mind.calling import Command, Phase, call
from gitcollab.swarm.engine.mind.guard import Guard
from gitcollab.swarm.engine.mind.outcome import is_of, not_run, outcome_of
from gitcollab.swarm.engine.mind.room import Room, as_json, new_room, outcomes
from gitcollab.swarm.engine.mind.thought import NoThought, Thought, thought_in
from gitcollab.swarm.engine.terms import Terms
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.preparing import Progress
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.syncing import best_program
from gitcollab.swarm.workspace import Base, write_whole

PATIENCE = 3  # times in a row without a thought, before it is asked less often
MOST_ROUNDS = 64  # in which it is not asked
_TAIL_BYTES = 4096  # of a log
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_REMEMBERED = 8  # of its last thoughts, of which it is told


@dataclass(frozen=True)
class _Open:
    """A thought whose outcome is not known yet."""

    thought: Thought
    room: Room


class Mind:
    """The mind of one agent; without a command (``terms.think``) it never has a thought.

    Raises UsageError for a command that cannot be started. What it did wrong is told in a note,
    with the file that has its words; a mind that fails again and again is asked less often.
    """

    def __init__(self, member: Member, terms: Terms, progress: Progress) -> None:
        self._member = member
        self._command = None if terms.think is None else Command.parse(terms.think)
        self._minutes = terms.think_minutes
        self._progress = progress
        self._failures = 0  # in a row
        self._rest = 0  # rounds in which it is not asked
        self._open: _Open | None = None

    def think(self) -> Thought | None:
        """Ask for an experiment; None where it had none in time, or what it did is refused.

        ^C ends the command and is raised.
        """
        if self._command is None or self._is_resting():
            return None
        try:
            self._forget()
            thought = self._asked(self._command)
        except NoThought as e:
            self._failed(str(e))
            return None
        except GitcollabError as e:  # the disk is full
            self._failed(e.message)
            return None
        return thought

    def tell(self, report: RunReport) -> None:
        """Say what became of its thought; it may write what it learned.

        Only a thought that was run is worth a call; of others its next briefing tells. A report of
        something else says that the thought was not run.
        """
        if self._command is None or self._open is None:
            return
        thought, room, self._open = self._open.thought, self._open.room, None
        try:
            why = self._told(self._command, room, thought, report)
        except GitcollabError as e:
            why = e.message
        if why:
            words = self._words(room.log("learn"))
            self._note(f"the mind learned nothing: {why} ({words})")

    def _told(self, command: Command, room: Room, thought: Thought, report: RunReport) -> str:
        """Tell it; why that failed, or ""."""
        if not is_of(thought, report):
            self._not_run(room, thought)
            return ""
        if report.result is not None or report.outcome == "failed":
            self._failures = 0
        outcome = outcome_of(self._member, thought, report)
        room.remember(outcome)
        if report.result is None:
            if report.outcome == "refused":
                self._tire()
            return ""
        write_whole(room.outcome, as_json(outcome))
        write_whole(room.briefing, telling.lesson(self._member, outcome).encode())
        return self._called(command, room, "learn")

    def _forget(self) -> None:
        """Of a thought that nobody told of it is known that it was not run."""
        if self._open is not None:
            left, self._open = self._open, None
            self._not_run(left.room, left.thought)

    def _not_run(self, room: Room, thought: Thought) -> None:
        """Others had the thought, or nobody can run it: that is no better than none."""
        room.remember(not_run(self._member, thought))
        self._tire()

    def _is_resting(self) -> bool:
        resting, self._rest = self._rest > 0, max(0, self._rest - 1)
        return resting

    def _asked(self, command: Command) -> Thought:
        """What it thinks of. Raises NoThought, and GitcollabError where it cannot be asked."""
        base, room = self._prepared()
        try:
            if why := self._called(command, room, "think"):
                raise NoThought(why)
            workspace, *others = self._member.places()
            places = {workspace: ".", **dict.fromkeys(others, "~")}
            thought, notes = thought_in(room, base, places)
        except NoThought as e:
            room.remember({"outcome": "no thought", "base": base.id, "error": line(str(e))})
            raise NoThought(f"{e} ({self._words(room.log('think'))})") from e
        for note in notes:
            self._note(f"the mind: {note}")
        self._open = _Open(thought, room)
        return thought

    def _prepared(self) -> tuple[Base, Room]:
        """The program to change, and the room with all that the mind is given."""
        member = self._member
        with suppress(OfflineError):  # what it thinks of takes minutes: it should know the newest
            member.store.refresh()
        base = Base(*best_program(member, member.tier))
        past = outcomes(member.workspace, _REMEMBERED)
        room = new_room(member.workspace, member.clock(), member.task.program)
        write_whole(room.program, base.text.encode())
        if past:
            write_whole(room.outcome, as_json(past[0]))
        told = telling.briefing(member, base, past, self._minutes)
        write_whole(room.briefing, told.encode())
        return base, room

    def _called(self, command: Command, room: Room, phase: Phase) -> str:
        """Call it; why that failed, or "".

        What it changed in the workspace is put back, whatever befell the call.
        """
        workspace = self._member.workspace
        doing = "what to try next" if phase == "think" else "what was learned"
        self._progress(RunProgress("think", doing))

        def tick(seconds: float) -> None:
            self._progress(RunProgress("think", doing, seconds))

        guard = Guard(self._member)
        try:
            why = call(command, room, phase, workspace.root, self._minutes, tick)
        except BaseException as e:
            for one in guard.restore():
                e.add_note(f"the mind changed {one}")
            raise
        changed = guard.restore()
        found = f"files of the workspace were changed meanwhile: {_listed(changed)}"
        return found if changed else why

    def _words(self, log: Path) -> str:
        """The last line that it printed, and where the others are."""
        last = last_line(log)
        said = f"its last words: {last!r}; all: " if last else "its words: "
        return f"{said}{self._near(log)}"

    def _near(self, path: Path) -> str:
        """A file, seen from the workspace."""
        return str(path.relative_to(self._member.workspace.root))

    def _tire(self) -> None:
        """Once more it had nothing to run; after that often in a row, it is asked less."""
        self._failures += 1
        doubled = 2 ** min(self._failures - PATIENCE, 20) if self._failures >= PATIENCE else 0
        self._rest = min(doubled, MOST_ROUNDS)

    def _failed(self, why: str) -> None:
        self._tire()
        again = f"; it is asked again after {self._rest} rounds" if self._rest > 1 else ""
        again = "; it is not asked for the next" if self._rest == 1 else again
        self._note(f"the mind had no thought: {why}{again}")

    def _note(self, text: str) -> None:
        self._progress(RunProgress("note", text))


def last_line(log: Path) -> str:
    """The last line of a log that says anything, cut and without what a terminal would obey."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""
    said = [row for row in (line(_ESCAPE.sub("", row)).strip() for row in tail.splitlines()) if row]
    return textwrap.shorten(said[-1][:1000], 160, placeholder=" ...") if said else ""


def _listed(changed: Sequence[str]) -> str:
    most = 5
    more = f", and {len(changed) - most} more" if len(changed) > most else ""
    return ", ".join(changed[:most]) + more
