"""What constants were before each change, and what they are in the best program.

A result says what it set constants to, not what they were. That follows from the changes of its
base, its base's base, and so on, down to the task's own program: no program has to be read. Pure.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitcollab.similarity.constants import Value
from gitcollab.similarity.literal import from_plain, shown
from gitcollab.swarm.changes import Changed
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run


@dataclass(frozen=True)
class Values:
    """The constants that results changed; values are as Python writes them.

    ``changes`` are by result, for those that set any; what one was before is None where a line
    does not lead to the task's program, or where another change brought the constant in.
    ``baseline`` and ``best`` are all constants, as far as known, of these two programs.
    """

    changes: Mapping[str, Sequence[Changed]]
    baseline: Mapping[str, str]
    best: Mapping[str, str]


def values(where: Standings, baseline: Mapping[str, Value]) -> Values:
    """The values along every line of programs; ``baseline`` are the task's program's constants."""
    walk = _Walk(where, {name: shown(value) for name, value in baseline.items()})
    return Values(walk.changes, walk.start, walk.best)


class _Walk:
    """Goes from each base to what was changed from it; what it is to be undone is kept beside."""

    def __init__(self, where: Standings, start: Mapping[str, str]) -> None:
        self.changes: dict[str, list[Changed]] = {}
        self.start, self.best = start, dict(start)
        self._said: dict[str, Mapping[str, str]] = {}
        self._best = where.best.first.id if where.best else None
        self._seen: set[str] = set()
        ordered = sorted(where.results.values(), key=lambda run: (run.created_at, run.id))
        roots: list[Run] = []
        self._from: dict[str, list[Run]] = defaultdict(list)
        for run in ordered:
            base = _base(where, run)
            roots.append(run) if base is None else self._from[base.id].append(run)
        for run in roots:
            self._follow(run, dict(start) if _begins(where, run) else {})
        for run in ordered:  # what is left are circles, which nothing leads into
            self._follow(run, {})

    def _follow(self, root: Run, known: dict[str, str]) -> None:
        """Take in ``root`` and all that was made from it; ``known`` is what it began with."""
        todo: list[Run | Sequence[Changed]] = [root]
        while todo:
            one = todo.pop()
            if not isinstance(one, Run):
                _undo(one, known)
            elif one.id not in self._seen:
                self._seen.add(one.id)
                todo += [self._take(one, known), *self._from.get(one.id, ())]

    def _take(self, run: Run, known: dict[str, str]) -> Sequence[Changed]:
        """Note what a run changed, in ``known`` too."""
        made = [Changed(name, known.get(name), now) for name, now in self._set_by(run)]
        if made:
            self.changes[run.id] = made
        known.update((one.name, one.after) for one in made)
        if run.id == self._best:
            self.best = dict(known)
        return made

    def _set_by(self, run: Run) -> Iterable[tuple[str, str]]:
        if run.delta is None:
            return ()
        if run.delta not in self._said:
            said = json.loads(run.delta)
            self._said[run.delta] = {n: shown(from_plain(v)) for n, v in sorted(said.items())}
        return self._said[run.delta].items()


def _undo(made: Sequence[Changed], known: dict[str, str]) -> None:
    for one in made:
        if one.before is None:
            del known[one.name]
        else:
            known[one.name] = one.before


def _base(where: Standings, run: Run) -> Run | None:
    """The result that stands for what a run was changed from, on whatever tier."""
    named = where.results.get(run.base) if run.base else None
    if named is not None or run.base_fingerprint in (None, run.fingerprint):
        return named
    return where.credit.finders.get(run.base_fingerprint or "")


def _begins(where: Standings, root: Run) -> bool:
    """Whether a run was changed from the task's own program."""
    return root.base is None and (
        root.base_fingerprint is None or where.baseline in (None, root.base_fingerprint)
    )
