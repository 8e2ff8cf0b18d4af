"""A hub that holds one of everything that a question may find, and much that it must not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gitcollab.records import codec
from gitcollab.records.models import Claim, Hypothesis, Insight, Result, Retraction, Signed
from gitcollab.records.names import path_of
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.presets import from_file
from tests import people, toy

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENTS = ("nova", "vega", "lyra")


class Known:
    """Puts records on a toy hub, all at once, past its doors."""

    def __init__(self, hub: Path, task_file: Path) -> None:
        self.hub = hub
        self.task = from_file(task_file)[0]
        self._files: dict[str, bytes | None] = dict(people.cards(AGENTS, BEGAN))
        self._number = 0

    def plant(self) -> None:
        """Put all that was made so far on the hub."""
        people.plant(self.hub, self._files)
        self._files = {}

    def run(self, name: str, metric: float | None, said: str = "", **fields: Any) -> Result:
        """A result; ``sets`` are constants, ``base`` is another result (None: the baseline)."""
        base: Result | None = fields.pop("base", None)
        sets = fields.pop("sets", {})
        fields = {
            "description": said or ", ".join(f"{n} → {v}" for n, v in sets.items()),
            "status": "crash" if metric is None else "ok",
            "metric": metric,
            "delta": sets,
            "fingerprint": people.sha256(name.encode()),
            "base": base.id if base else None,
            "base_fingerprint": base.fingerprint if base else fingerprint(toy.PROGRAM),
            "task": self.task.digest,
            "hardware": {"device": "cpu", "tier": fields.pop("tier", "cpu")},
        } | fields
        return self._put("result", Result, name, **fields)

    def baseline(self, metric: float) -> Result:
        """The task's own program, run once."""
        own = fingerprint(toy.PROGRAM)
        return self.run("vega/base", metric, "baseline", fingerprint=own, base_fingerprint=own)

    def idea(self, name: str, title: str, **fields: Any) -> Hypothesis:
        """A hypothesis."""
        return self._put("hypothesis", Hypothesis, name, title=title, reasoning="why", **fields)

    def insight(self, name: str, text: str, **fields: Any) -> Insight:
        """An insight."""
        return self._put("insight", Insight, name, text=text, **fields)

    def claim(self, agent: str, said: str, **fields: Any) -> Claim:
        """A claim that is in force."""
        now = datetime.now(UTC)
        one = Claim(
            id="x", agent=agent, description=said, created_at=now, nonce=self._nonce(), tier="cpu",
            expires_at=now + timedelta(minutes=10), **fields,
        )  # fmt: skip
        one = people.signed(one.model_copy(update={"id": key_of(one)}))
        self._files[path_of("claim", one.id)] = codec.encode(one)
        return one

    def withdraw(self, kind: str, record: Result | Hypothesis | Insight) -> None:
        """Its agent takes it back."""
        name = f"{record.agent}/gone-{self._number}"
        self._put("retraction", Retraction, name, target=path_of(kind, record.id))

    def _put(self, kind: str, make: Callable[..., Any], name: str, **fields: Any) -> Any:
        signed = fields.pop("signed", True)
        own = {"created_at": BEGAN + timedelta(minutes=self._number), "nonce": self._nonce()}
        record: Signed = make(**({"id": name, "agent": name.split("/")[0]} | own | fields))
        record = people.signed(record) if signed else record
        self._files[path_of(kind, name)] = codec.encode(record)
        return record

    def _nonce(self) -> str:
        self._number += 1
        return f"{self._number:032x}"


def everything(hub: Path, task_file: Path) -> Known:
    """A hub where RATE was tried much, WIDTH a little, code once, and lies were told."""
    known = Known(hub, task_file)
    known.baseline(1.04)
    up = known.run("nova/up", 1.01, sets={"RATE": 0.2})
    known.run("vega/high", 1.20, sets={"RATE": 0.5}, base=up)
    known.run("vega/both", 1.30, sets={"RATE": 0.6, "WIDTH": 16}, base=up)
    known.run("lyra/wide", 1.0405, sets={"WIDTH": 16}, tier="large")
    known.run(
        "lyra/crash", None, sets={"WIDTH": 99}, failure="exit code 1: CUDA out of memory", base=up
    )
    known.run(
        "nova/code", 1.02, "swap the squared ReLU of the MLP for SwiGLU", structural=True, base=up
    )
    known.run("nova/forged", 0.9, "RATE forged", sets={"RATE": 0.91}, signed=False)
    known.withdraw("result", known.run("nova/gone", 0.9, "RATE gone", sets={"RATE": 0.92}))
    known.idea("vega/thirds", "a third of one is best", set={"RATE": 0.3})
    known.idea("lyra/prose", "normalise the activations before attention")
    known.idea("nova/lie", "RATE 0.93 wins", set={"RATE": 0.93}, signed=False)
    known.withdraw("hypothesis", known.idea("nova/old", "RATE 0.94", set={"RATE": 0.94}))
    known.insight("lyra/limit", "RATE must not exceed 0.4, or the loss diverges")
    known.insight("nova/lie", "RATE 0.95 is always best", signed=False)
    known.claim("lyra", "RATE 0.25, in a moment", delta={"RATE": 0.25})
    known.plant()
    return known
