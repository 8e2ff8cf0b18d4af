"""The constants of programs, from the changes along their lines of bases; no program is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gitcollab.similarity.literal import Value, from_plain
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run


@dataclass(frozen=True)
class Line:
    """What is known of a program's constants.

    Two programs of one ``structure`` differ in constants alone. ``base`` is the program that the
    structure was made from by a change of more than constants; "" where there is none.
    """

    structure: str
    values: Mapping[str, Value] = field(default_factory=dict)
    base: str = ""


@dataclass
class Lines:
    """The lines of all programs, each followed when it is asked for, and each but once.

    ``baseline`` are constants of the task's own program, ``names`` those that matter.
    """

    where: Standings
    baseline: Mapping[str, Value]
    names: frozenset[str]
    _known: dict[str, Line] = field(default_factory=dict, init=False)

    def of(self, program: str) -> Line:
        """The line of a program (its fingerprint): to the task's own, or to where it is lost."""
        todo: dict[str, None] = {}  # in order
        at: str | None = program
        while at is not None and at not in self._known and at not in todo:
            todo[at] = None
            at = self._base(self._made.get(at))
        # A circle of bases, which no honest record makes, is cut open where it was entered.
        line = self._known.get(at) if at is not None else None
        for one in reversed(todo):
            line = self._known[one] = self._next(one, line)
        return self._known[program]

    @cached_property
    def _made(self) -> Mapping[str, Run]:
        """The run that says how a program was made: the first that is no replication."""
        found: dict[str, Run] = {}
        for run in self.where.results.values():
            known = found.get(run.fingerprint)
            if known is None or _order(run) < _order(known):
                found[run.fingerprint] = run
        return found

    def _base(self, run: Run | None) -> str | None:
        """The program that a run's was changed from, if it says so."""
        if run is None:
            return None
        named = self.where.results.get(run.base) if run.base else None
        base = named.fingerprint if named else run.base_fingerprint
        return None if base == run.fingerprint else base

    def _next(self, program: str, base: Line | None) -> Line:
        run = self._made.get(program)
        if base is None:
            base = self._root(program, run)
        if run is None or not run.changed:
            return base
        values = {**base.values, **self._set_by(run)}
        if run.structural:
            return Line(program, values, self._base(run) or "")
        return Line(base.structure, values, base.base)

    def _root(self, program: str, run: Run | None) -> Line:
        """What a line begins with: the task's program, or one that nothing is known of."""
        own, known = program == self.where.baseline, self.where.baseline
        if run is not None and run.base is None:  # it is the task's, or was changed from that
            said = run.base_fingerprint
            own = own or (known is None and said in (None, program))
            own = own or (said is None and bool(run.changed))
        return Line("", self.baseline) if own else Line(program)

    def _set_by(self, run: Run) -> dict[str, Value]:
        said = json.loads(run.delta) if run.delta else {}
        return {name: from_plain(said[name]) for name in said.keys() & self.names}


def _order(run: Run) -> tuple[bool, str, str]:
    return run.replicates is not None, run.created_at, run.id
