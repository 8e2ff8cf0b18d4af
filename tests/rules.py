"""Signed records as honest agents of a small hub make them, for tests that then break them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gitcollab.records import codec
from gitcollab.records.models import (
    AgentCard,
    Claim,
    Hypothesis,
    Insight,
    Result,
    Retraction,
    Ruling,
    Signed,
    sha256,
)
from gitcollab.records.names import path_of
from gitcollab.similarity.program import fingerprint
from tests import people, toy

NOW = datetime.now(UTC).replace(microsecond=0)  # doors judge by their own clock
HUB = "ab" * 16
TASK = toy.TASK + f"hub: {HUB}\nmaintainers: {{keeper: {people.key('keeper').public_line}}}\n"
COMMON: dict[str, Any] = {"created_at": NOW, "nonce": "0123456789abcdef"}
PROGRAM = "RATE = 0.2\nprint(RATE)\n"
Files = Mapping[str, bytes | None]

KINDS = {
    AgentCard: "agent",
    Claim: "claim",
    Hypothesis: "hypothesis",
    Insight: "insight",
    Result: "result",
    Retraction: "retraction",
    Ruling: "ruling",
}


def file(record: Signed) -> dict[str, bytes]:
    """The record's file by path."""
    return {path_of(KINDS[type(record)], record.id): codec.encode(record)}  # type: ignore[attr-defined]


def result(agent: str = "nova", stem: str = "r-1", program: str = PROGRAM, **fields: Any) -> Result:
    """A result of ``program``, which its folder holds."""
    made = Result.model_validate(
        COMMON
        | {
            "id": f"{agent}/{stem}",
            "agent": agent,
            "description": "RATE → 0.2",
            "fingerprint": fingerprint(program),
            "status": "ok",
            "metric": 1.01,
            "task": "sha256:" + "0" * 64,
            "hardware": {"device": "cpu", "tier": "cpu"},
            "files": {"train.py": sha256(program.encode())},
        }
        | fields
    )
    return people.signed(made)


def published(made: Result, program: str = PROGRAM) -> dict[str, bytes]:
    """All files of a result."""
    return file(made) | {f"results/{made.id}/train.py": program.encode()}


def claim(agent: str = "nova", minutes: float = 15, **fields: Any) -> Claim:
    """A claim that holds for so many minutes."""
    given = COMMON | {
        "id": "rate-0.2-12ab",
        "agent": agent,
        "description": "RATE → 0.2",
        "expires_at": NOW + timedelta(minutes=minutes),
    }
    return people.signed(Claim.model_validate(given | fields))


def ruling(agent: str = "keeper", **fields: Any) -> Ruling:
    """A ruling, of the maintainer's unless said otherwise."""
    given = COMMON | {"id": f"{agent}/ruling-1", "agent": agent, "hub": HUB}
    return people.signed(Ruling.model_validate(given | fields))
