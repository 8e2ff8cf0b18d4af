"""Typed reading of a snapshot: which records of a kind stand in it."""

from __future__ import annotations

from gitcollab.errors import GitcollabError
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Claim, Result, Retraction, Task
from gitcollab.records.names import TASK_PATH
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


def task_of(snapshot: Snapshot, hub: str, branch: str) -> Task:
    """The hub's task, or an error that says what is at that address instead."""
    data = snapshot.read(TASK_PATH)
    if data is None:
        raise GitcollabError(
            f"the branch {branch} of {hub} holds no task.yaml: it is not a gitcollab hub",
            "check the address and --branch, or make a hub with: gitcollab init HUB",
        )
    try:
        task = codec.decode("task", data)
    except codec.NewerSchema as e:
        raise GitcollabError(f"{hub} holds a {e.message}", e.hint) from e
    except codec.InvalidRecord as e:
        raise GitcollabError(
            f"the task of {hub} cannot be read: {e.message}", "tell the hub's maintainers"
        ) from e
    assert isinstance(task, Task)
    return task
