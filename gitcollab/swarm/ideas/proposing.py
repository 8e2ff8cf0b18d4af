"""Hypotheses and insights: what somebody thinks or has learned, added once. Pure decisions.

What says the same as an older one that stands is not added again: floods of one idea would bury the
others. What was withdrawn, or was not signed by its agent, is in nobody's way.
"""

from __future__ import annotations

from datetime import datetime

from gitcollab.records import codec
from gitcollab.records.models import Hypothesis, Insight, Task
from gitcollab.records.names import path_of
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.flooding import has_room
from gitcollab.swarm.ideas.sameness import learned_before, said_before
from gitcollab.swarm.recogniser import Recogniser


def decide_propose(
    snapshot: Snapshot, request: Request, now: datetime, *, recogniser: Recogniser
) -> Decision:
    """Add the hypothesis in the request unless an older one that stands says the same.

    Outcomes: ``proposed``; ``duplicate`` with ``other`` (a record) and ``reason``; ``refused``,
    where its agent has too many open ones, too. ``anyway`` adds what is said already.
    """
    mine = Hypothesis.model_validate(request.payload["hypothesis"])
    if done := _is_there(snapshot, mine, "hypothesis", "proposed"):
        return done
    anyway, words = bool(request.payload.get("anyway")), recogniser.on(snapshot)
    if not anyway and (found := said_before(snapshot, mine, words)):
        return _duplicate(*found)
    if why := too_many(snapshot, reading.task_of(snapshot, "the hub", "it"), mine.agent):
        return Decision({"outcome": "refused", "reason": why}, {}, "")
    changes = {path_of("hypothesis", mine.id): codec.encode(mine)}
    return Decision({"outcome": "proposed"}, changes, f"hypothesis: {mine.title}")


def decide_learn(
    snapshot: Snapshot, request: Request, now: datetime, *, recogniser: Recogniser
) -> Decision:
    """Add the insight in the request unless an older one that stands says the same.

    Outcomes: ``learned``; ``duplicate`` with ``other`` (a record) and ``reason``; ``refused``.
    ``anyway`` adds what is said already.
    """
    mine = Insight.model_validate(request.payload["insight"])
    if done := _is_there(snapshot, mine, "insight", "learned"):
        return done
    anyway, words = bool(request.payload.get("anyway")), recogniser.on(snapshot)
    if not anyway and (found := learned_before(snapshot, mine, words)):
        return _duplicate(*found)
    changes = {path_of("insight", mine.id): codec.encode(mine)}
    return Decision({"outcome": "learned"}, changes, f"insight: {mine.text.split(chr(10))[0]}")


def _is_there(
    snapshot: Snapshot, mine: Hypothesis | Insight, kind: str, outcome: str
) -> Decision | None:
    standing = snapshot.record(path_of(kind, mine.id))
    if not isinstance(standing, Hypothesis | Insight):
        return None
    if standing.nonce == mine.nonce:
        return Decision({"outcome": outcome}, {}, "", final=True)
    reason = f"another {kind} has the id {mine.id}"
    return Decision({"outcome": "refused", "reason": reason}, {}, "")


def _duplicate(other: Hypothesis | Insight, why: str) -> Decision:
    record = codec.to_mapping(other)
    return Decision({"outcome": "duplicate", "other": record, "reason": why}, {}, "")


def too_many(snapshot: Snapshot, task: Task, agent: str, waiting: int = 0) -> str | None:
    """Why the agent may propose no more for now, when so many of its wait; None when it may."""
    if has_room(snapshot, task, agent, waiting + 1):
        return None
    most = task.policy.limits.open_hypotheses
    held = f" ({waiting} of them wait for the hub)" if waiting else ""
    open_ones = "hypothesis" if most == 1 else "hypotheses"
    return f"{agent} has {most} open {open_ones}{held}, and no more may be open here"
