"""Which task a workspace takes for its hub's: as it was joined, and as maintainers changed it.

Whoever may push to a hub without a door can write another task, name himself in it as a maintainer,
and sign it. So a workspace remembers the task that it knows, and takes another only where one of
the maintainers that this one names has signed it. What it meets when it joins it has to trust.
"""

from __future__ import annotations

from pathlib import Path

from gitcollab.errors import RefusedError
from gitcollab.records import codec
from gitcollab.records.models import Ruling, Task, sha256
from gitcollab.records.names import TASK_PATH
from gitcollab.records.signing import verify
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm.workspace import Workspace, write_whole


def require(workspace: Workspace, snapshot: Snapshot) -> None:
    """Raise RefusedError where the hub's task is not one that this workspace may take for its.

    One that maintainers signed is remembered; so is the first, where the folder is a workspace.
    """
    data, known = snapshot.read(TASK_PATH), _known(workspace)
    if data is None or data == known or not workspace.folder.is_dir():
        return
    if known is not None and not _is_signed(snapshot, known, data):
        raise RefusedError(
            "the hub's task was changed, and no maintainer that this workspace knows has signed it",
            "ask its maintainers; to take it as it is now: gitcollab join HUB --agent NAME, again",
        )
    remember(workspace, data)


def remember(workspace: Workspace, data: bytes) -> None:
    """Take this task for the hub's from now on."""
    write_whole(_place(workspace), data)


def _place(workspace: Workspace) -> Path:
    return workspace.folder / TASK_PATH


def _known(workspace: Workspace) -> bytes | None:
    """The task as it is remembered; None where none is that can be read."""
    try:
        data = _place(workspace).read_bytes()
        codec.decode("task", data)
    except (OSError, codec.InvalidRecord):
        return None
    return data


def _is_signed(snapshot: Snapshot, known: bytes, data: bytes) -> bool:
    task = codec.decode("task", known)
    assert isinstance(task, Task)
    keys = task.maintainers.values()
    return any(
        isinstance(said, Ruling)
        and said.hub == task.hub
        and said.files.get(TASK_PATH) == sha256(data)
        and any(verify(said, key) for key in keys)
        for said in snapshot.records("ruling").values()
    )
