"""Workspaces of workers, below their agent's own: of the same agent, on the same hub and host."""

from __future__ import annotations

from gitcollab.swarm.engine.guest.pausing import WORKERS
from gitcollab.swarm.joining import join
from gitcollab.swarm.member import Member
from gitcollab.swarm.workspace import Workspace, make_folder


def workspace_of(member: Member, name: str) -> Workspace:
    """The workspace of the worker of that name, made where there is none.

    It is set up as the one around it is now. Raises as ``join``, which asks the hub.
    """
    config = member.config
    worker = Workspace(member.workspace.folder / WORKERS / name)
    if not (worker.folder / "config.yaml").is_file():
        make_folder(worker.root)
        join(
            worker.root,
            config.hub,
            agent=config.agent,
            branch=config.branch,
            sandbox=config.sandbox,
            pages=member.pages,
            clock=member.clock,
        )
    worker.create(config)
    return worker
