"""Typed reading of a snapshot: which records of a kind stand in it."""

from __future__ import annotations

from gitcollab.records.models import AgentCard, Claim, Result, Retraction
from gitcollab.store.snapshot import Snapshot


def claims(snapshot: Snapshot) -> dict[str, Claim]:
    """Claims by experiment key, expired ones included."""
    return {k: r for k, r in snapshot.records("claim").items() if isinstance(r, Claim)}


def results(snapshot: Snapshot) -> dict[str, Result]:
    """Results by id."""
    return {k: r for k, r in snapshot.records("result").items() if isinstance(r, Result)}


def cards(snapshot: Snapshot) -> dict[str, AgentCard]:
    """Agents' cards by name."""
    return {k: r for k, r in snapshot.records("agent").items() if isinstance(r, AgentCard)}


def retracted(snapshot: Snapshot) -> frozenset[str]:
    """Ids of the results that their own agents withdrew."""
    found = set()
    for record in snapshot.records("retraction").values():
        if isinstance(record, Retraction):
            target = record.target.removeprefix("results/").removesuffix("/result.yaml")
            if target.split("/")[0] == record.agent:
                found.add(target)
    return frozenset(found)
