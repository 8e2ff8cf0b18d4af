"""Typed reading of a snapshot: which records of a kind stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from gitcollab.errors import GitcollabError
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Claim, Experiment, Result, Retraction, Task
from gitcollab.records.names import PROGRAM_PATH, TASK_PATH, path_of
from gitcollab.similarity.program import fingerprint
from gitcollab.similarity.source import ProgramTooComplex
from gitcollab.store.columns import Scalar
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm.ideas.thoughts import HYPOTHESES, INSIGHTS, Guess, Lesson
from gitcollab.swarm.identity import normal_words, only_words, same_base
from gitcollab.swarm.recogniser import Words
from gitcollab.swarm.runs import COLUMNS as RESULTS
from gitcollab.swarm.runs import Run, change_of

# What stores keep of records, beside their text.
COLUMNS = (RESULTS, HYPOTHESES, INSIGHTS)


def claims(snapshot: Snapshot) -> dict[str, Claim]:
    """Claims by experiment key, expired ones included."""
    return {k: r for k, r in snapshot.records("claim").items() if isinstance(r, Claim)}


def runs(snapshot: Snapshot) -> list[Run]:
    """All results, a line each, by id."""
    return list(map(Run.from_row, snapshot.select("result", *Run._fields[1:])))


def guesses(snapshot: Snapshot) -> list[Guess]:
    """All hypotheses, a line each, by id; signed or not, withdrawn or not."""
    return list(map(Guess._make, snapshot.select("hypothesis", *Guess._fields[1:])))


def lessons(snapshot: Snapshot) -> list[Lesson]:
    """All insights, a line each, by id; signed or not, withdrawn or not."""
    return list(map(Lesson._make, snapshot.select("insight", *Lesson._fields[1:])))


def result(snapshot: Snapshot, result_id: str) -> Result | None:
    """The result with this id."""
    found = snapshot.record(path_of("result", result_id))
    return found if isinstance(found, Result) else None


def results(snapshot: Snapshot, **where: Scalar) -> Iterator[Result]:
    """The results whose columns (see ``runs``) have these values, by id."""
    for result_id, *_ in snapshot.select("result", **where):
        if (found := result(snapshot, result_id)) is not None:
            yield found


def related(snapshot: Snapshot, mine: Experiment, words: Words) -> Iterator[Result]:
    """The results that may be the same experiment: of its program, its change, its words."""
    if mine.fingerprint:
        yield from results(snapshot, fingerprint=mine.fingerprint)
    if change := change_of(mine):
        yield from results(snapshot, change=change)
    if only_words(mine):
        yield from _said_alike(snapshot, mine, words)


def _said_alike(snapshot: Snapshot, mine: Experiment, words: Words) -> Iterator[Result]:
    """The results on the same base whose descriptions say the same, the surest first."""
    columns = ("description", "base", "base_fingerprint")
    said = [
        (str(result_id), str(description))
        for result_id, description, base, its_print in snapshot.select("result", *columns)
        if same_base(mine.base, mine.base_fingerprint, base, its_print)
    ]
    exact = normal_words(mine.description)
    same_words = [i for i, text in said if normal_words(text) == exact]
    others = (said[place][0] for place, _ in words().alike(mine.description, [t for _, t in said]))
    for result_id in dict.fromkeys([*same_words, *others]):
        if (found := result(snapshot, result_id)) is not None:
            yield found


def cards(snapshot: Snapshot) -> dict[str, AgentCard]:
    """Agents' cards by name."""
    return {k: r for k, r in snapshot.records("agent").items() if isinstance(r, AgentCard)}


def baseline(snapshot: Snapshot) -> str | None:
    """The fingerprint of the task's own program; None where it has none that can be read."""
    return snapshot.once("baseline", (PROGRAM_PATH,), lambda: _baseline(snapshot))


def _baseline(snapshot: Snapshot) -> str | None:
    data = snapshot.read(PROGRAM_PATH)
    try:
        return None if data is None else fingerprint(data.decode())
    except (UnicodeDecodeError, ProgramTooComplex):
        return None


def retractions(snapshot: Snapshot) -> dict[str, Retraction]:
    """Retractions by id, signed or not."""
    return {k: r for k, r in snapshot.records("retraction").items() if isinstance(r, Retraction)}


class NoTask(GitcollabError):  # noqa: N818 - reads as what it is
    """What the hub says is no task that this version knows; nothing is wrong with the reading."""


def task_of(snapshot: Snapshot, hub: str, branch: str) -> Task:
    """The hub's task, or NoTask, which says what is at that address instead."""
    data = snapshot.read(TASK_PATH)
    if data is None:
        raise NoTask(
            f"the branch {branch} of {hub} holds no task.yaml: it is not a gitcollab hub",
            "check the address and --branch, or make a hub with: gitcollab init HUB",
        )
    try:
        task = _task(data)
    except codec.NewerSchema as e:
        raise NoTask(f"{hub} holds a {e.message}", e.hint) from e
    except codec.InvalidRecord as e:
        raise NoTask(
            f"the task of {hub} cannot be read: {e.message}", "tell the hub's maintainers"
        ) from e
    return task


@lru_cache(maxsize=4)  # it is asked for with every decision
def _task(data: bytes) -> Task:
    task = codec.decode("task", data)
    assert isinstance(task, Task)
    return task
