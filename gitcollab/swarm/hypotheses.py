"""The board of hypotheses: what was proposed, who is on it, and what its tests said.

A pure function of a hub's records. A hypothesis is *open* until somebody claims an experiment that
names it, and *tested* once a result that names it was judged against its base. Programs count, not
runs: it is *supported* where more of them are better than their base than worse, *refuted* where
fewer are, and else within noise. What waits for another agent to confirm it says nothing yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gitcollab.records.models import Claim, Hypothesis
from gitcollab.records.names import path_of
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import claims, reading
from gitcollab.swarm.grouping import Key, key_of
from gitcollab.swarm.outcomes import Verdict
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.roster import roster
from gitcollab.swarm.runs import Run

Status: TypeAlias = Literal["open", "claimed", "tested"]
Outcome: TypeAlias = Literal["supported", "refuted", "within noise"]


@dataclass(frozen=True, slots=True)
class Idea:
    """A hypothesis with what became of it. ``outcome`` is None until it is tested.

    ``runs`` name it, oldest first, crashes too; ``claims`` are in force.
    """

    hypothesis: Hypothesis
    status: Status
    outcome: Outcome | None
    claims: Sequence[Claim]
    runs: Sequence[Run]


def board(snapshot: Snapshot, where: Standings) -> list[Idea]:
    """The hypotheses that stand: signed by a member, and not withdrawn.

    Open ones first, then claimed, then tested; within these by priority (1 is first), then by age.
    """
    running: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims.active(snapshot):
        running[claim.hypothesis or ""].append(claim)
    tested = _tests(snapshot, where)
    found = [
        _idea(where, one, running.get(one.id, ()), tested.get(one.id, ()))
        for one in _standing(snapshot)
    ]
    order = ("open", "claimed", "tested")
    return sorted(
        found,
        key=lambda i: (
            order.index(i.status),
            i.hypothesis.priority,
            i.hypothesis.created_at,
            i.hypothesis.id,
        ),
    )


def _idea(
    where: Standings, hypothesis: Hypothesis, running: Sequence[Claim], runs: Sequence[Run]
) -> Idea:
    verdicts = _verdicts(where, runs)
    status: Status = "tested" if verdicts else "claimed" if running else "open"
    return Idea(hypothesis, status, _outcome(verdicts.values()), running, runs)


def _verdicts(where: Standings, runs: Iterable[Run]) -> Mapping[Key, Verdict]:
    """What the programs of the runs were found to be; a replication of its base says nothing."""
    judged = ((key_of(run), where.judgement(run)) for run in runs)
    return {key: said for key, said in judged if said is not None and said != "unconfirmed"}


def _outcome(verdicts: Iterable[Verdict]) -> Outcome | None:
    counts = Counter(verdicts)
    if not counts:
        return None
    if counts["better"] == counts["worse"]:
        return "within noise"
    return "supported" if counts["better"] > counts["worse"] else "refuted"


def _tests(snapshot: Snapshot, where: Standings) -> Mapping[str, Sequence[Run]]:
    """The results that count and name a hypothesis, by what they name."""
    found: dict[str, list[Run]] = defaultdict(list)
    for result_id, hypothesis in snapshot.select("result", "hypothesis"):
        if hypothesis and result_id in where.results:
            found[hypothesis].append(where.results[result_id])
    for runs in found.values():
        runs.sort(key=lambda run: (run.created_at, run.id))
    return found


def _standing(snapshot: Snapshot) -> list[Hypothesis]:
    known = roster(snapshot)
    signed = snapshot.signed("hypothesis", known.keys)
    gone = _withdrawn(snapshot)
    found = (r for r in snapshot.records("hypothesis").values() if isinstance(r, Hypothesis))
    return [
        one
        for one in found
        if one.id in signed
        and known.agents[one.agent].counts(one.created_at)
        and path_of("hypothesis", one.id) not in gone
    ]


def _withdrawn(snapshot: Snapshot) -> frozenset[str]:
    """The paths of the hypotheses that their own agents have withdrawn."""
    signed = snapshot.signed("retraction", roster(snapshot).keys)
    return frozenset(
        record.target
        for record_id, record in reading.retractions(snapshot).items()
        if record_id in signed and record.target.startswith(f"hypotheses/{record.agent}/")
    )
