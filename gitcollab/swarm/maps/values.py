"""What constants were before each change, and what they are in the best program.

A result says what it set constants to, not what they were. That follows from the changes of its
base, its base's base, and so on, down to the task's own program: no program has to be read. Pure.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gitcollab.similarity.constants import Value
from gitcollab.similarity.literal import from_plain, shown
from gitcollab.similarity.quantities import Quantity
from gitcollab.swarm.changes import Changed
from gitcollab.swarm.maps.words import is_bare
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run


@dataclass(frozen=True)
class Values:
    """The constants that results changed; values are as Python writes them.

    ``changes`` are by result, for those that changed any: setting a constant to what it was is no
    change. What one was before is None where a line does not lead to the task's program, or where
    another change brought the constant in. ``baseline`` and ``best`` are all constants, as far as
    known, of these two programs; ``said`` are those of the best that words alone tell.
    """

    changes: Mapping[str, Sequence[Changed]]
    baseline: Mapping[str, str]
    best: Mapping[str, str]
    said: Collection[str]


def values(
    where: Standings,
    baseline: Mapping[str, Value],
    started: Mapping[str, Quantity] = MappingProxyType({}),
) -> Values:
    """The values along every line of programs; ``baseline`` are the task's program's constants.

    ``started`` is what results of which nobody has the program say that their constant was, by id
    (see ``words.started``). That is believed: such a line began with a program of its own.
    """
    walk = _Walk(where, {name: shown(value) for name, value in baseline.items()}, started)
    return Values(dict(walk.changes()), walk.start, walk.best, walk.said)


class _Line:
    """What all programs that come from one began with, as far as they did not set it since."""

    def __init__(self, root: Run, start: Mapping[str, str]) -> None:
        self.values = dict(start)
        self.said: set[str] = set()  # what words alone tell
        self._heard: set[str] = set()
        self._is_known = not is_bare(root)

    def hear(self, name: str, said: Quantity) -> None:
        """The first that says so is believed, but not against a program."""
        if self._is_known or name in self._heard:
            return
        self._heard.add(name)
        told = _as_said(said, self.values.get(name))
        if told != self.values.get(name):
            self.said.add(name)
            self.values[name] = told


class _Walk:
    """Goes from each base to what was changed from it; what it is to be undone is kept beside."""

    def __init__(
        self, where: Standings, start: Mapping[str, str], started: Mapping[str, Quantity]
    ) -> None:
        self.start, self.best = start, dict(start)
        self.said: Collection[str] = ()
        self._started = started
        self._made: dict[str, tuple[_Line, Sequence[Changed]]] = {}
        self._deltas: dict[str, Mapping[str, str]] = {}
        self._best = where.best.first.id if where.best else None
        self._at_best: tuple[_Line, Mapping[str, str]] | None = None
        self._seen: set[str] = set()
        ordered = sorted(where.results.values(), key=lambda run: (run.created_at, run.id))
        roots: list[Run] = []
        self._from: dict[str, list[Run]] = defaultdict(list)
        for run in ordered:
            base = _base(where, run)
            roots.append(run) if base is None else self._from[base.id].append(run)
        for run in roots:
            self._follow(run, start if _begins(where, run) else {})
        for run in ordered:  # what is left are circles, which nothing leads into
            self._follow(run, {})
        if self._at_best is not None:
            line, known = self._at_best
            self.best = line.values | known
            self.said = line.said - known.keys()

    def changes(self) -> Iterator[tuple[str, Sequence[Changed]]]:
        """What each result changed, and from what."""
        for run_id, (line, made) in self._made.items():
            told = [self._told(run_id, line, one) for one in made]
            if moved := [one for one in told if one.before != one.after]:
                yield run_id, moved

    def _told(self, run_id: str, line: _Line, one: Changed) -> Changed:
        before = line.values.get(one.name) if one.before is None else one.before
        if run_id in self._started and _is_number(one.after):
            before = _as_said(self._started[run_id], before)
        return one._replace(before=before)

    def _follow(self, root: Run, start: Mapping[str, str]) -> None:
        """Take in ``root`` and all that was made from it; it began with the values of ``start``."""
        line, known = _Line(root, start), dict[str, str]()
        todo: list[Run | Sequence[Changed]] = [root]
        while todo:
            one = todo.pop()
            if not isinstance(one, Run):
                _undo(one, known)
            elif one.id not in self._seen:
                self._seen.add(one.id)
                todo += [self._take(one, line, known), *self._from.get(one.id, ())]

    def _take(self, run: Run, line: _Line, known: dict[str, str]) -> Sequence[Changed]:
        """Note what a run changed, in ``known`` too: the values that the line has set so far."""
        made = [Changed(name, known.get(name), now) for name, now in self._set_by(run)]
        if made:
            self._made[run.id] = line, made
        if run.id in self._started and made[0].before is None and _is_number(made[0].after):
            line.hear(made[0].name, self._started[run.id])
        known.update((one.name, one.after) for one in made)
        if run.id == self._best:
            self._at_best = line, dict(known)
        return made

    def _set_by(self, run: Run) -> Iterable[tuple[str, str]]:
        if run.delta is None:
            return ()
        if run.delta not in self._deltas:
            said = json.loads(run.delta)
            self._deltas[run.delta] = {n: shown(from_plain(v)) for n, v in sorted(said.items())}
        return self._deltas[run.delta].items()


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _as_said(said: Quantity, known: str | None) -> str:
    """What a value is said to be; as it is known, where that is the same."""
    if known is not None and _is_number(known) and said.agrees(Quantity((float(known),))):
        return known
    plain = said.readings[0]
    return shown(int(plain) if plain.is_integer() else plain)


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
