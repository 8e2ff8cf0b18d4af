"""Results, agent cards and the hub's seed: records that are added once. Pure decisions."""

from __future__ import annotations

from datetime import datetime

from gitcollab.errors import GitcollabError
from gitcollab.records import codec
from gitcollab.records.models import (
    MAX_CURVE_BYTES,
    MAX_LOG_BYTES,
    MAX_PROGRAM_BYTES,
    AgentCard,
    Result,
    Task,
)
from gitcollab.records.names import PROGRAM_PATH, TASK_PATH, folder_of, path_of
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm.claims import release_path

LIMITS = {"train.py": MAX_PROGRAM_BYTES, "log.txt": MAX_LOG_BYTES, "curve.csv": MAX_CURVE_BYTES}


def decide_publish(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Add the result with its files, and release the claim it was run under, in one commit."""
    result = Result.model_validate(request.payload["result"])
    path = path_of("result", result.id)
    standing = snapshot.record(path)
    if isinstance(standing, Result):
        if standing.nonce == result.nonce:
            return Decision({"outcome": "published"}, {}, "", final=True)
        return _refused(f"another result has the id {result.id}")
    files: dict[str, str] = request.payload["files"]
    for name, text in files.items():
        if len(text.encode()) > LIMITS.get(name, 0):
            return _refused(f"{name} has more than the {LIMITS.get(name, 0)} bytes allowed")
    folder = folder_of(result.id)
    changes: dict[str, bytes | None] = {path: codec.encode(result)}
    changes |= {f"{folder}/{name}": text.encode() for name, text in files.items()}
    if claim := release_path(snapshot, result.experiment, result.claim):
        changes[claim] = None
    shown = result.status if result.metric is None else f"{result.metric:.6f}"
    return Decision({"outcome": "published"}, changes, f"result {shown}: {result.description}")


def _refused(reason: str) -> Decision:
    return Decision({"outcome": "refused", "reason": reason}, {}, "")


def decide_join(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Register an agent's card; the same name with another key is refused."""
    card = AgentCard.model_validate(request.payload["card"])
    path = path_of("agent", card.id)
    if snapshot.read(path) is None:
        return Decision({"outcome": "joined"}, {path: codec.encode(card)}, f"join: {card.id}")
    standing = snapshot.record(path)
    if isinstance(standing, AgentCard) and standing.public_key == card.public_key:
        return Decision({"outcome": "member"}, {}, "", final=True)
    return _refused(f"the name {card.id} is registered with another key")


def decide_rotate(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Put the renewed card in the place of the one it was made from.

    Outcomes: ``rotated``; ``refused`` where another card stands there by now.
    """
    card = AgentCard.model_validate(request.payload["card"])
    path = path_of("agent", card.id)
    standing = snapshot.record(path)
    if isinstance(standing, AgentCard) and standing.public_key == card.public_key:
        return Decision({"outcome": "rotated"}, {}, "", final=True)
    former = card.former[-1].public_key if card.former else None
    if not isinstance(standing, AgentCard) or standing.public_key != former:
        return _refused(f"the key of {card.id} was changed meanwhile")
    return Decision({"outcome": "rotated"}, {path: codec.encode(card)}, f"a new key: {card.id}")


def decide_seed(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Write the task and its files to a hub that has none; a seeded hub is left as it is."""
    if snapshot.read(TASK_PATH) is not None:
        return Decision({"outcome": "present"}, {}, "", final=True)
    if snapshot.tip is not None:
        return _refused("the branch exists and holds no task.yaml: something else lives there")
    files: dict[str, str] = request.payload["files"]
    changes = {path: text.encode() for path, text in files.items()}
    return Decision({"outcome": "seeded"}, changes, f"a hub for the task {request.payload['name']}")


def seed_files(task: Task, program: bytes, protocol: bytes) -> dict[str, str]:
    """The files of a new hub: task, baseline, protocol."""
    if len(program) > MAX_PROGRAM_BYTES:
        raise GitcollabError(
            f"the baseline program has {len(program)} bytes, more than {MAX_PROGRAM_BYTES}"
        )
    try:
        return {
            TASK_PATH: codec.encode(task).decode(),
            PROGRAM_PATH: program.decode(),
            "collab.md": protocol_for(task, protocol.decode()),
        }
    except UnicodeDecodeError as e:
        raise GitcollabError("the baseline program is not UTF-8 text") from e


# What collab.md says of the task in general, and is said anew for each hub.
OBJECTIVE = "(`val_bpb` after a fixed budget; lower is better)"


def protocol_for(task: Task, protocol: str) -> str:
    """gitcollab's own protocol, in the words of a hub's task."""
    better = "lower" if task.metric.direction == "minimize" else "higher"
    said = f"(`{task.metric.name}` after a fixed budget; {better} is better)"
    own = protocol.replace(OBJECTIVE, said).replace("`train.py`", f"`{task.program}`")
    return own.replace("val_bpb", task.metric.name)  # in samples
