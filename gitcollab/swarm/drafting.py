"""What the rows of a log are as results: what each builds on, what it changes, its program.

A log keeps no programs. A row builds on what it says, by ids as our exports have them, or else on
the last one before it that was kept. What it says and nobody here has is its base by name alone.
What its words are understood to change is laid over the constants as the rows that it builds on
have left them, starting from the hub's baseline. Where programs are known, code decides.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Environment, Experiment, Hardware, Result, Task, sha256
from gitcollab.records.names import PROGRAM_PATH, slug
from gitcollab.records.quoting import line, lines
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm.imported import Brought
from gitcollab.swarm.logbook import Entry
from gitcollab.swarm.proposal import carried, changed, only_from_words
from gitcollab.swarm.recogniser import Words
from gitcollab.swarm.workspace import Base

_SPAN = 80_000  # seconds, that a log's results lie in at most: within a day
_RAW = 4000  # characters of a row that are kept


@dataclass(frozen=True)
class Draft:
    """A row as an experiment; ``program`` is its text where it is known."""

    entry: Entry
    id: str
    experiment: Experiment
    program: str | None


def id_of(agent: str, entry: Entry) -> str:
    """What the row's result is called: the same in every import of what it says."""
    return f"{agent}/{slug(entry.description)}-{_nonce(agent, entry)[:10]}"


def _nonce(agent: str, entry: Entry) -> str:
    said = "\0".join((agent, entry.identity))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


class Built(NamedTuple):
    """A program that rows may build on; ``print`` is its fingerprint, where that is known."""

    base: Base
    print: str | None


class Lineage:
    """Goes through a log's rows in order, and tells what each is.

    ``baseline`` is the text of the hub's own program, ``ids`` what the rows' results are called,
    ``on_hub`` knows the results that are there already, by their ids.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        ids: Mapping[int, str],
        baseline: str,
        words: Words,
        on_hub: Callable[[str], Built | None],
        *,
        python: bool,
    ) -> None:
        self._on_hub = on_hub
        self._ids = ids
        self._words = words
        self._python = python
        self._start = Built(Base(None, baseline), _print_of(baseline))
        self._last: Built | None = None  # that was kept
        self._named = {e.known: ids[e.line] for e in reversed(entries) if e.base is not None}
        # How many rows are still to come that build on a row, and what that one is.
        self._wanted = Counter(e.base for e in entries if e.base)
        self._built: dict[str, Built] = {}
        self._known: dict[str, str] = {}  # fingerprint -> the first result that ran it

    def draft(self, entry: Entry, program: str | None) -> Draft:
        """The next row."""
        result_id = self._ids[entry.line]
        found = self._taken(entry)
        experiment = self._experiment(entry, found, program)
        self._keep(entry, found or self._start, experiment, program)
        if experiment.fingerprint:
            self._known.setdefault(experiment.fingerprint, result_id)
        return Draft(entry, result_id, experiment, program)

    def _taken(self, entry: Entry) -> Built | None:
        """What the row builds on; None where it begins anew, or on what is not there."""
        if entry.base is None:
            return None if entry.is_baseline else self._last
        found = self._built.get(entry.base)
        self._wanted[entry.base] -= 1
        if self._wanted[entry.base] < 1:
            self._built.pop(entry.base, None)
        return found or (self._on_hub(entry.base) if entry.base not in self._named else None)

    def _keep(self, entry: Entry, on: Built, experiment: Experiment, program: str | None) -> None:
        """Have the row's program where rows to come may build on it."""
        wanted = entry.base is not None and self._wanted[entry.known] > 0
        kept = entry.kept or (self._last is None and entry.status == "ok")
        if not (wanted or kept):
            return
        text = carried(on.base.text, experiment) if program is None else program
        made = Built(Base(self._ids[entry.line], text), experiment.fingerprint)
        self._last = made  # what others build on was kept
        if wanted:
            self._built.setdefault(entry.known, made)

    def _experiment(self, entry: Entry, found: Built | None, program: str | None) -> Experiment:
        said = entry.description
        again = self._named.get(entry.replicates) if entry.replicates != entry.known else None
        if entry.base and found is None:
            return self._astray(entry, again, program)
        base, base_print = found or self._start
        if program is None and found is None:
            return self._beginning(entry, again)
        if program is None or base_print is None:
            change = only_from_words(base, said, self._words)
        else:
            change = changed(base.text, program, Experiment(description=said), python=self._python)
        print_of = None if program is None else fingerprint(program)
        return change.model_copy(
            update={
                "fingerprint": print_of,
                "base": base.id,
                "base_fingerprint": base_print,
                "replicates": self._known.get(print_of) if print_of else again,
            }
        )

    def _astray(self, entry: Entry, again: str | None, program: str | None) -> Experiment:
        """A row whose base is named and not there: that is not taken for the baseline."""
        change = only_from_words(self._start.base, entry.description, self._words)
        print_of = None if program is None else fingerprint(program)
        again = self._known.get(print_of) if print_of else again
        return change.model_copy(
            update={
                "fingerprint": print_of,
                "base": entry.base,
                "base_fingerprint": None,
                "structural": not (change.delta or again),
                "replicates": again,
            }
        )

    def _beginning(self, entry: Entry, again: str | None) -> Experiment:
        """A row that builds on what may be another baseline than the hub's, if not one itself."""
        experiment = Experiment(description=entry.description)
        if entry.base is not None and not (entry.kept or again):  # it says that it is none
            experiment = only_from_words(self._start.base, entry.description, self._words)
            experiment = experiment.model_copy(update={"structural": not experiment.delta})
        return experiment.model_copy(update={"replicates": again, "base_fingerprint": None})


def _print_of(text: str) -> str | None:
    try:
        return fingerprint(text)
    except GitcollabError:
        return None


@dataclass(frozen=True)
class Source:
    """Where a log's results come from, as far as its rows do not say."""

    name: str  # of the file
    columns: Sequence[str]
    task: Task
    tier: str
    device: str | None  # None: as the rows say, else unknown
    own_tiers: bool  # whether the rows say in which tier they are
    started: datetime | None  # when the first run began


def brought(draft: Draft, source: Source, place: int, made: datetime) -> Brought:
    """The draft as a record that is not signed yet; ``place`` is its row's, from 0."""
    entry, task = draft.entry, source.task
    agent = draft.id.split("/")[0]
    files = {"log.txt": _provenance(entry, source)}
    if draft.program is not None:
        files[PROGRAM_PATH] = draft.program
    tier = entry.tier if source.own_tiers and entry.tier else source.tier
    fields = draft.experiment.model_dump() | {
        "id": draft.id,
        "agent": agent,
        "created_at": made,
        "nonce": _nonce(agent, entry),
        "status": entry.status,
        "metric": entry.metric,
        "failure": None if entry.status == "ok" else "the log says that it crashed",
        "metrics": dict(entry.metrics),
        "seed": entry.seed,
        "task": task.digest,
        "hardware": Hardware(device=source.device or entry.device or "unknown", tier=tier),
        # Who imports a log of this task says by that what it was measured on.
        "environment": Environment(dataset=task.dataset.sha256 if task.dataset else None),
        "started_at": _began(source, place),
        "wall_seconds": entry.wall_seconds,
        "files": {name: sha256(text.encode()) for name, text in files.items()},
    }
    return Brought(Result.model_validate(fields), files)


def times(number: int, now: datetime) -> list[datetime]:
    """When so many results are said to be made: a second apart, the last one now."""
    span = min(max(number - 1, 0), _SPAN)
    last = max(number - 1, 1)
    return [now - timedelta(seconds=span - span * n // last) for n in range(number)]


def _began(source: Source, place: int) -> datetime | None:
    if source.started is None:
        return None
    return source.started + place * timedelta(seconds=source.task.budget.seconds or 0)


def _provenance(entry: Entry, source: Source) -> str:
    """Where the result comes from, and its row, which is text that does nothing."""
    name = line(source.name, stored=True)[:200]
    columns = line(", ".join(source.columns), stored=True)[:_RAW]
    return (
        f"imported from {name}, line {entry.line}: what it says was measured\n"
        f"columns: {columns}\n"
        f"{lines(entry.raw[:_RAW], stored=True)}\n"
    )
