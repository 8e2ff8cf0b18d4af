"""Hypotheses: what somebody thinks would help, added once. Pure decisions."""

from __future__ import annotations

from datetime import datetime

from gitcollab.records import codec
from gitcollab.records.models import Hypothesis
from gitcollab.records.names import path_of
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm.identity import same_idea
from gitcollab.swarm.recogniser import Recogniser


def decide_propose(
    snapshot: Snapshot, request: Request, now: datetime, *, recogniser: Recogniser
) -> Decision:
    """Add the hypothesis in the request unless another one says the same.

    Outcomes: ``proposed``; ``duplicate`` with ``other`` (a record) and ``reason``; ``refused``.
    ``anyway`` adds what is said already.
    """
    mine = Hypothesis.model_validate(request.payload["hypothesis"])
    standing = snapshot.record(path_of("hypothesis", mine.id))
    if isinstance(standing, Hypothesis):
        if standing.nonce == mine.nonce:
            return Decision({"outcome": "proposed"}, {}, "", final=True)
        reason = f"another hypothesis has the id {mine.id}"
        return Decision({"outcome": "refused", "reason": reason}, {}, "")
    if not request.payload.get("anyway"):
        words = recogniser.on(snapshot)
        for other in snapshot.records("hypothesis").values():
            if isinstance(other, Hypothesis) and (why := same_idea(mine, other, words)):
                record = codec.to_mapping(other)
                outcome = {"outcome": "duplicate", "other": record, "reason": why}
                return Decision(outcome, {}, "")
    changes = {path_of("hypothesis", mine.id): codec.encode(mine)}
    return Decision({"outcome": "proposed"}, changes, f"hypothesis: {mine.title}")
