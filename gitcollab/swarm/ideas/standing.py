"""Which hypotheses and insights stand, and what the programs that test them came to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from gitcollab.records.names import path_of
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.grouping import Key, key_of
from gitcollab.swarm.ideas.retracting import withdrawn
from gitcollab.swarm.ideas.thoughts import Guess, Lesson
from gitcollab.swarm.outcomes import Verdict
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.roster import roster
from gitcollab.swarm.runs import Run


def verdicts(where: Standings, runs: Iterable[Run]) -> Mapping[Key, Verdict]:
    """What the programs of the runs were found to be; a replication of its base says nothing."""
    judged = ((key_of(run), where.judgement(run)) for run in runs)
    return {key: said for key, said in judged if said is not None and said != "unconfirmed"}


def standing_guesses(snapshot: Snapshot) -> list[Guess]:
    """The hypotheses that stand, a line each."""
    found = reading.guesses(snapshot)
    ids = standing_ids(snapshot, "hypothesis", found)
    return [guess for guess in found if guess.id in ids]


def standing_ids(
    snapshot: Snapshot,
    kind: Literal["hypothesis", "insight"],
    lines: Sequence[Guess] | Sequence[Lesson] | None = None,
) -> Collection[str]:
    """Ids of the hypotheses or insights that count: signed by a member, and not withdrawn."""
    depends = ("task.yaml", "agents/", "rulings/", "retractions/", f"{_FOLDERS[kind]}/")
    return snapshot.once(
        f"standing-{kind}", depends, lambda: frozenset(_standing(snapshot, kind, lines))
    )


_FOLDERS = {"hypothesis": "hypotheses", "insight": "insights"}


def _standing(
    snapshot: Snapshot,
    kind: Literal["hypothesis", "insight"],
    lines: Sequence[Guess] | Sequence[Lesson] | None,
) -> Iterable[str]:
    known, gone = roster(snapshot), withdrawn(snapshot)
    signed = snapshot.signed(kind, known.keys)
    members = {name for name, agent in known.agents.items() if agent.status == "member"}
    rows = lines or snapshot.select(kind, "agent", "created_at")
    for record_id, agent, made, *_ in rows:
        if record_id not in signed or path_of(kind, record_id) in gone:
            continue
        if agent in members or known.agents[agent].counts(datetime.fromisoformat(made)):
            yield record_id
