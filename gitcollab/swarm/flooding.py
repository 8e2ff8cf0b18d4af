"""Limits against floods: what one agent may add in a day, and keep open.

A record's day is the one it says it was made in. It lies between its agent's joining and now (the
rule book sees to that), so nobody gains more than a limit for each day of taking part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from gitcollab.records.models import (
    MAX_CURVE_BYTES,
    MAX_LOG_BYTES,
    MAX_PROGRAM_BYTES,
    Claim,
    Hypothesis,
    Owned,
    Signed,
    Task,
    rfc3339,
)
from gitcollab.records.names import path_of
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading

MAX_CLAIMS = 200  # of one agent at a time
_DAY = timedelta(days=1)
_LARGEST = MAX_PROGRAM_BYTES + MAX_LOG_BYTES + MAX_CURVE_BYTES + 64 * 1024  # of a result in all
_KINDS = ("hypothesis", "insight", "retraction")


def floods(after: Snapshot, task: Task, agent: str, added: Iterable[Signed]) -> Iterator[str]:
    """What of ``agent`` in ``after`` is more than the task allows, as far as ``added`` has a part.

    ``added`` are the records of one commit, which are in ``after``.
    """
    mine = [r for r in added if r.agent == agent]
    limits = task.policy.limits
    owned = [r for r in mine if isinstance(r, Owned)]
    if owned:
        newest = max(r.created_at for r in owned)
        recent = _results_since(after, agent, newest - _DAY)
        others = _others_since(after, agent, newest - _DAY)
        if len(recent) + others > limits.records_per_day:
            yield f"{agent} adds more than {limits.records_per_day} records a day"
        most = limits.bytes_per_day
        if len(recent) * _LARGEST > most and _bytes(after, agent, recent) > most:
            yield f"{agent} adds more than {most:,} bytes a day"
    if any(isinstance(r, Hypothesis) for r in owned):
        number = _open_hypotheses(after, agent)
        if number > limits.open_hypotheses:
            yield f"{agent} has more than {limits.open_hypotheses} open hypotheses"
    if any(isinstance(r, Claim) for r in mine):
        number = sum(claim.agent == agent for claim in reading.claims(after).values())
        if number > MAX_CLAIMS:
            yield f"{agent} has more than {MAX_CLAIMS} claims at a time"


def joining(before: Snapshot, task: Task, new: int, now: datetime) -> str | None:
    """Why no more agents may join now; None when they may, or none does."""
    if not new:
        return None
    since = now - _DAY
    recent = sum(card.created_at > since for card in reading.cards(before).values())
    most = task.policy.limits.agents_per_day
    return f"more than {most} agents join within a day" if recent + new > most else None


def _results_since(snapshot: Snapshot, agent: str, since: datetime) -> list[str]:
    """Ids of the agent's results of that time and later."""
    oldest = rfc3339(since)
    rows = snapshot.select("result", "created_at", agent=agent)
    return [result_id for result_id, made in rows if made > oldest]


def _others_since(snapshot: Snapshot, agent: str, since: datetime) -> int:
    return sum(
        isinstance(record, Owned) and record.agent == agent and record.created_at > since
        for kind in _KINDS
        for record_id, record in snapshot.records(kind).items()
        if record_id.startswith(f"{agent}/")
    )


def _bytes(snapshot: Snapshot, agent: str, results: Sequence[str]) -> int:
    sizes = snapshot.sizes(f"results/{agent}")
    return sum(sizes.get(result_id.partition("/")[2], 0) for result_id in results)


def _open_hypotheses(snapshot: Snapshot, agent: str) -> int:
    """The agent's hypotheses that no result has tested and nobody has withdrawn."""
    tested = set()
    for _, hypothesis in snapshot.select("result", "hypothesis"):
        tested.add(hypothesis)
    gone = {r.target for r in reading.retractions(snapshot).values() if r.agent == agent}
    return sum(
        record_id.startswith(f"{agent}/")
        and record_id not in tested
        and path_of("hypothesis", record_id) not in gone
        for record_id in snapshot.records("hypothesis")
    )
