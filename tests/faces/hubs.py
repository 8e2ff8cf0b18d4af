"""A small hub with one of everything that pages of results show, in words that are given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gitcollab.faces.dashboard.facts import Facts
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Claim, Hypothesis, Result, Retraction, sha256
from gitcollab.records.names import folder_of, path_of
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import keyring, ruling
from gitcollab.swarm.identity import key_of
from tests import people, toy
from tests.faces.dashboards import facts_of

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENTS = ("nova", "vega", "lyra", "orion")
CURVE = "step,seconds,loss\n" + "".join(f"{n},{n / 2},{5 / n}\n" for n in range(1, 40))


class Hub:
    """A hub that records are put on as whoever writes to the repository itself does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.task = facts_of(path).task
        self.number = 0
        people.plant(path, people.cards(AGENTS, BEGAN))

    @property
    def facts(self) -> Facts:
        """What pages are made of, as the hub is now."""
        return facts_of(self.path)

    def own(self) -> dict[str, Any]:
        """A time and a nonce, each later than the ones before."""
        self.number += 1
        return {
            "created_at": BEGAN + timedelta(minutes=self.number),
            "nonce": f"{self.number:032x}",
        }

    def put(self, kind: str, record: Any, *, signed: bool = True, **files: bytes) -> Any:
        """Put a record there, and files beside it."""
        record = people.signed(record) if signed else record
        changes = {path_of(kind, record.id): codec.encode(record)}
        changes |= {f"{folder_of(record.id)}/{name}": data for name, data in files.items()}
        people.plant(self.path, changes)
        return record

    def run(
        self,
        stem: str,
        metric: float | None,
        agent: str = "nova",
        *,
        program: str | None = toy.PROGRAM,
        base: Result | None = None,
        log: bytes = b"step 1\n---\nscore: 1.0\n",
        curve: bytes = CURVE.encode(),
        signed: bool = True,
        **fields: Any,
    ) -> Result:
        """A result; without a ``program`` a maintainer has imported it from a log."""
        files = {"log.txt": log, "curve.csv": curve}
        if program is not None:
            files["train.py"] = program.encode()
        fields = {
            "id": f"{agent}/{stem}",
            "agent": agent,
            "description": stem,
            "status": "crash" if metric is None else "ok",
            "metric": metric,
            "fingerprint": None if program is None else fingerprint(program),
            "base": base.id if base else None,
            "base_fingerprint": base.fingerprint if base else fingerprint(toy.PROGRAM),
            "structural": bool(base),
            "task": self.task.digest,
            "seed": 42,
            "hardware": {"device": "NVIDIA H100", "tier": "large"},
            "metrics": {"num_steps": 953, "peak_vram_mb": 45060.25},
            "files": {name: sha256(data) for name, data in files.items()},
        } | fields
        made = Result(**(self.own() | fields))
        put: Result = self.put("result", made, signed=signed, **files)
        if program is None:
            self._vouch({path_of("result", put.id): codec.encode(put)})
        return put

    def _vouch(self, files: dict[str, bytes | None]) -> None:
        keeper = keyring.maintainer_key(self.task)
        said = ruling.edit(keeper, self.task, datetime.now(UTC), files, "an old log")
        people.plant(self.path, {path_of("ruling", said.id): codec.encode(said)})


def changed(rate: float, more: str = "") -> str:
    """The program with another RATE, and perhaps more in it."""
    return toy.PROGRAM.replace("RATE = 0.1", f"RATE = {rate}") + more


def everything(path: Path, text: str) -> Hub:
    """A hub with one of everything, in which ``text`` stands wherever a stranger may write."""
    hub = Hub(path)
    raw, line = text.encode(), text[:100]
    machine = {"device": line, "tier": "large"}
    base = hub.run("baseline", 1.04, hardware=machine)
    idea = hub.put("hypothesis", Hypothesis(
        id="lyra/idea", agent="lyra", title=text, reasoning=f"{text}\n{text}", set={"NAME": text},
        patch=f"+{text}\n", evidence=[base.id, "nova/none"], **hub.own(),
    ))  # fmt: skip
    hub.put("hypothesis", Hypothesis(
        id="lyra/open", agent="lyra", title=text, reasoning=text, evidence=[idea.id], **hub.own()
    ))  # fmt: skip
    best = hub.run(
        "best", 1.01, "vega", program=changed(0.2, f"# {text}\n"), base=base, hardware=machine,
        description=text, log=raw + b"\n\x1b[2J\0\xff<b>\r" + raw, curve=CURVE.encode() + raw,
        delta={"RATE": 0.2, "NAME": text}, hypothesis=idea.id, anyway=line,
        environment={"torch": line}, wall_seconds=331.0,
    )  # fmt: skip
    hub.run("again", 1.012, "lyra", program=changed(0.2, f"# {text}\n"), base=base,
            replicates=best.id, hardware=machine)  # fmt: skip
    hub.run("worse", 1.2, "lyra", program=changed(0.5), base=best, description=text)
    hub.run("crash", None, "orion", program=changed(9), base=best, failure=text, description=text)
    hub.run("unsigned", 0.1, "orion", program=changed(7), base=best, signed=False, description=text)
    hub.run("imported", 1.1, "orion", program=None, base=None, description=text)
    hub.run("elsewhere", 1.1, "orion", task=sha256(b"other"), description=text)
    gone = hub.run("gone", 0.5, "orion", program=changed(8), base=best, description=text)
    hub.put("retraction", Retraction(
        id="orion/gone", agent="orion", target=path_of("result", gone.id), reason=text, **hub.own()
    ))  # fmt: skip
    own = hub.own() | {"created_at": datetime.now(UTC)}
    claim = Claim(id="x", agent="lyra", description=text, hypothesis=idea.id,
                  expires_at=datetime.now(UTC) + timedelta(minutes=10), **own)  # fmt: skip
    hub.put("claim", claim.model_copy(update={"id": key_of(claim)}))
    card = people.card("nova", BEGAN).model_dump() | {"signature": None, "hardware": machine}
    hub.put("agent", AgentCard(**(card | {"contact": line})))
    return hub
