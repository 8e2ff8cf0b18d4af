"""Limits against floods: what one agent may add in a day, and keep open.

A record lies in the days around the time that it says it was made at, which is between its agent's
joining and now (the rule book sees to that): nobody adds more than a limit for each day of taking
part.
"""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import accumulate

from gitcollab.records.models import (
    MAX_CURVE_BYTES,
    MAX_LOG_BYTES,
    MAX_PROGRAM_BYTES,
    Claim,
    Hypothesis,
    Owned,
    Signed,
    Task,
)
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading

MAX_CLAIMS = 200  # of one agent at a time
_DAY = timedelta(days=1)
_LARGEST = MAX_PROGRAM_BYTES + MAX_LOG_BYTES + MAX_CURVE_BYTES + 64 * 1024  # of a result in all


def floods(
    after: Snapshot, task: Task, agent: str, added: Iterable[Signed], now: datetime
) -> Iterator[str]:
    """What of ``agent`` in ``after`` is more than the task allows, as far as ``added`` has a part.

    ``added`` are the records of one commit, which are in ``after``.
    """
    mine = [r for r in added if r.agent == agent]
    limits = task.policy.limits
    owned = [r for r in mine if isinstance(r, Owned)]
    if owned:
        # What is dated ahead counts for today: it would be in no day's way otherwise.
        results = {name: min(made, now) for name, made in _results(after, agent).items()}
        others = [min(made, now) for made in _others(after, agent)]
        new = {min(r.created_at, now) for r in owned}
        made = [(time, 1) for time in (*results.values(), *others)]
        if _most(made, new) > limits.records_per_day:
            yield f"{agent} adds more than {limits.records_per_day} records a day"
        most = limits.bytes_per_day
        if len(results) * _LARGEST > most:
            sizes = after.sizes(f"results/{agent}")
            if _most([(time, sizes.get(name, 0)) for name, time in results.items()], new) > most:
                yield f"{agent} adds more than {most:,} bytes a day"
    if any(isinstance(r, Hypothesis) for r in owned) and not has_room(after, task, agent):
        yield f"{agent} has more than {limits.open_hypotheses} open hypotheses"
    if any(isinstance(r, Claim) for r in mine):
        number = sum(claim.agent == agent for claim in reading.claims(after).values())
        if number > MAX_CLAIMS:
            yield f"{agent} has more than {MAX_CLAIMS} claims at a time"


def joining(before: Snapshot, task: Task, new: int, now: datetime) -> str | None:
    """Why no more agents may join now; None when they may, or none does."""
    if not new:
        return None
    most = task.policy.limits.agents_per_day
    joined = [card.created_at for card in reading.cards(before).values()]
    # Cards that say they were made yesterday may be of today: at worst twice as many join.
    for days in (1, 2):
        if sum(made > now - days * _DAY for made in joined) + new > days * most:
            return f"more than {most} agents join within a day"
    return None


def _results(snapshot: Snapshot, agent: str) -> dict[str, datetime]:
    """When the agent's results were made, by the names of their folders."""
    rows = snapshot.select("result", "created_at", agent=agent)
    return {str(i).partition("/")[2]: datetime.fromisoformat(str(made)) for i, made in rows}


def _others(snapshot: Snapshot, agent: str) -> Iterator[datetime]:
    """When the agent's other records were made; only these are read."""
    for kind in ("hypothesis", "insight"):
        for _, made in snapshot.select(kind, "created_at", agent=agent):
            yield datetime.fromisoformat(str(made))
    records = snapshot.records("retraction")
    for record_id in records:
        if record_id.startswith(f"{agent}/"):
            record = records[record_id]
            if isinstance(record, Owned):
                yield record.created_at


def _most(amounts: Iterable[tuple[datetime, int]], new: Iterable[datetime]) -> int:
    """The largest sum of ``amounts`` in a day that holds one of the ``new`` ones."""
    ordered = sorted(amounts)
    times = [time for time, _ in ordered]
    until = [0, *accumulate(amount for _, amount in ordered)]
    ends = {
        end
        for time in new
        for end in times[bisect_left(times, time) : bisect_left(times, time + _DAY)]
    }
    return max((until[bisect(times, e)] - until[bisect(times, e - _DAY)] for e in ends), default=0)


def has_room(snapshot: Snapshot, task: Task, agent: str, more: int = 0) -> bool:
    """Whether the agent keeps no more hypotheses open than the task allows, with ``more`` of them.

    Open are those that stand and that no test has judged, as the board has it. Where its agent has
    no more than that in all, nothing else is looked at.
    """
    from gitcollab.swarm.ideas.board import judged
    from gitcollab.swarm.ideas.standing import standing_ids

    room = task.policy.limits.open_hypotheses - more
    mine = {str(row[0]) for row in snapshot.select("hypothesis", agent=agent)}
    if len(mine) > room:
        mine &= frozenset(standing_ids(snapshot, "hypothesis"))
    if len(mine) > room:
        mine -= frozenset(judged(snapshot, task))
    return len(mine) <= room
