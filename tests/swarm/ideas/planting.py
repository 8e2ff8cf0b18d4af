"""Records of hypotheses, insights and their tests, put on a hub past all doors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gitcollab.records import codec
from gitcollab.records.models import Hypothesis, Insight, Result, Retraction
from gitcollab.records.names import path_of
from gitcollab.swarm.outcomes import TellOutcome, Told
from tests import people
from tests.faces.dashboards import facts_of

NOW = datetime.now(UTC).replace(microsecond=0)


class Planted:
    """A hub that records are put on by whoever can write there; it has a baseline of 1.0."""

    def __init__(self, hub: Path) -> None:
        self.hub = hub
        self.number = 0
        self.task = facts_of(hub).task
        people.plant(hub, people.cards(["nova", "vega", "lyra"], NOW - timedelta(days=9)))
        self.baseline = self.run("base", 1.0)

    def own(self) -> dict[str, Any]:
        """What a record has of its own: a time, after those before it, and a nonce."""
        self.number += 1
        when = NOW - timedelta(hours=5) + timedelta(minutes=self.number)
        return {"created_at": when, "nonce": f"{self.number:032x}"}

    def put(self, kind: str, record: Any, *, signed: bool = True) -> Any:
        """Put a record on the hub."""
        record = people.signed(record) if signed else record
        people.plant(self.hub, {path_of(kind, record.id): codec.encode(record)})
        return record

    def run(self, stem: str, metric: float | None, **fields: Any) -> Result:
        """A run of vega's of the program ``stem``, which was changed from the baseline."""
        fields = {
            "id": f"vega/{stem}-{self.number}",
            "agent": "vega",
            "description": stem,
            "status": "crash" if metric is None else "ok",
            "metric": metric,
            "fingerprint": people.sha256(stem.encode()),
            "base_fingerprint": people.sha256(b"base"),
            "task": self.task.digest,
            "hardware": {"device": "cpu", "tier": "cpu"},
        } | fields
        return self.put("result", Result(**(self.own() | fields)))  # type: ignore[no-any-return]

    def withdraw(self, kind: str, record_id: str, by: str | None = None) -> None:
        """Have the record's agent, or another, withdraw it."""
        stem = record_id.split("/")[1]
        agent = by or record_id.split("/")[0]
        path = path_of(kind, record_id)
        gone = Retraction(id=f"{agent}/gone-{stem}", agent=agent, target=path, **self.own())
        self.put("retraction", gone)


def told(answer: TellOutcome) -> Hypothesis | Insight:
    """What was told; that it was is asserted."""
    assert isinstance(answer, Told), answer
    return answer.record
