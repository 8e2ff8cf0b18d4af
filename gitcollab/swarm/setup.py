"""Beginnings: seeding a hub, joining one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from gitcollab.errors import GitcollabError, OfflineError, RefusedError, UsageError
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Task
from gitcollab.records.names import check_agent_name
from gitcollab.store import hubs
from gitcollab.store.index import Progress
from gitcollab.store.requests import Request
from gitcollab.swarm import codenames, presets, publishing, reading
from gitcollab.swarm.home import key_path
from gitcollab.swarm.member import Member, Pages, new_nonce, open_store, utc_now
from gitcollab.swarm.reports import InitReport, JoinReport
from gitcollab.swarm.syncing import best_program
from gitcollab.swarm.workspace import FOLDER, Base, Config, Mode, Workspace, write_whole

DEFAULT_BRANCH = "swarm"
_PATIENCE = timedelta(seconds=90)
EMBEDDED = "hub.git"


def init_hub(
    hub: str | None,
    *,
    preset: str | None = None,
    task_file: Path | None = None,
    branch: str = DEFAULT_BRANCH,
    sets: Sequence[str] = (),
    folder: Path = Path(),
    pages: Pages | None = None,
) -> InitReport:
    """Seed a hub with a task; one that has a task already is left as it is.

    ``hub`` None is the embedded hub in ``folder/.gitcollab``. A local path that does not exist
    becomes a bare repository. Raises GitcollabError for a bad task, OfflineError when the hub
    cannot be reached, RefusedError when something else lives on the branch.
    """
    hubs.check_branch(branch)
    if task_file is not None and preset is not None:
        raise UsageError("a preset and a task file are two tasks", "give --preset or --task")
    if task_file is not None:
        task, program = presets.from_file(task_file, sets)
    else:
        task, program = presets.preset(preset or presets.DEFAULT, sets)
    address = hubs.address(hub) if hub is not None else _embedded(folder)
    created = hubs.create_if_missing(address, branch)
    store = open_store(address, branch, "gitcollab", pages)
    files = publishing.seed_files(task, program, presets.asset("collab.md"))
    request = Request(
        id=new_nonce(),
        kind="seed",
        agent="gitcollab",
        created_at=utc_now(),
        payload={"files": files, "name": task.name},
        when_offline="drop",
        not_after=utc_now() + _PATIENCE,
        may_create=True,
    )
    outcome = store.submit(request)[0]
    match outcome["outcome"]:
        case "seeded":
            return InitReport(address, branch, created, True, task.name, "")
        case "present":
            standing = reading.task_of(store.snapshot(), address, branch)
            note = "the hub has a task already: nothing was changed"
            return InitReport(address, branch, created, False, standing.name, note)
        case "offline":
            raise OfflineError(
                f"the hub {address} cannot be reached: {outcome['reason']}",
                "check the address and your access, then try again",
            )
    raise RefusedError(
        f"the hub {address} cannot be seeded: {outcome.get('reason', '')}",
        "choose another branch with --branch, or another hub",
    )


def _embedded(folder: Path) -> str:
    home = folder.absolute() / FOLDER
    home.mkdir(parents=True, exist_ok=True)
    write_whole(home / ".gitignore", b"*\n")
    return str(home / EMBEDDED)


def join(
    folder: Path,
    hub: str,
    *,
    agent: str | None = None,
    branch: str = DEFAULT_BRANCH,
    sandbox: Mode | None = None,
    pages: Pages | None = None,
    clock: Callable[[], datetime] = utc_now,
    progress: Progress | None = None,
) -> JoinReport:
    """Make ``folder`` an agent's workspace of the hub and register the agent there.

    Without a name the agent gets a codename. ``sandbox`` says when programs run in one; None
    leaves it as it is, at first "auto". An existing program that differs from the hub's best
    is kept. ``clock`` is this host's; ``progress`` hears how many of the hub's records have been
    read, of how many. Raises UsageError for a bad name, OfflineError when the hub is away,
    RefusedError when the name is registered with another key, GitcollabError when the address is no
    hub.
    """
    hubs.check_branch(branch)
    hubs.check_exists(hub)
    workspace = Workspace(folder.absolute())
    name = check_agent_name(agent) if agent is not None else _name_for(workspace)
    _refuse_other_membership(workspace, hub, branch, name)
    config = _config_of(workspace, Config(hubs.address(hub), branch, name, sandbox=sandbox))
    member = Member(workspace, config, pages, clock, progress=progress)
    member.store.refresh()
    task = member.task
    registered = _register(member, name)
    workspace.create(member.config)
    workspace.write_settings(task)
    protocol = member.store.snapshot().read("collab.md")
    notes = [_place_protocol(workspace, protocol)]
    program = _place_program(member, task)
    if program == "kept":
        notes.append(f"your {task.program} was kept; the best is one `gitcollab best --adopt` away")
    return JoinReport(
        member.config.hub,
        branch,
        name,
        workspace.root,
        registered,
        program,
        "; ".join(n for n in notes if n),
    )


def _name_for(workspace: Workspace) -> str:
    """The name this workspace has already, or a new codename."""
    if (workspace.folder / "config.yaml").is_file():
        return workspace.config.agent
    return codenames.codename(secrets.randbelow)


def _config_of(workspace: Workspace, asked: Config) -> Config:
    """What is asked for, with what the workspace has been set to before."""
    if not (workspace.folder / "config.yaml").is_file():
        return asked
    old = workspace.config
    return replace(asked, tier=old.tier, sandbox=asked.sandbox or old.sandbox)


def _refuse_other_membership(workspace: Workspace, hub: str, branch: str, agent: str) -> None:
    if not (workspace.folder / "config.yaml").is_file():
        return
    old = workspace.config
    if (old.hub, old.branch, old.agent) != (hubs.address(hub), branch, agent):
        raise GitcollabError(
            f"{workspace.root} is already {old.agent}'s workspace on {old.hub} ({old.branch})",
            f"use another folder, or remove {FOLDER}/config.yaml to leave that hub",
        )


def _register(member: Member, name: str) -> bool:
    """Add the agent's card; False when it stands there already."""
    new_key = not key_path(name).exists()
    card = AgentCard(
        id=name,
        agent=name,
        created_at=member.clock(),
        nonce=member.nonce(),
        public_key=member.key.public_line,
        hardware=member.hardware,
    )
    payload = {"card": codec.to_mapping(member.sign(card))}
    request = member.request("join", payload, when_offline="drop", patience=_PATIENCE)
    outcome = member.submit(request)[0]
    match outcome["outcome"]:
        case "joined" | "member":
            return bool(outcome["outcome"] == "joined")
        case "offline":
            raise OfflineError(f"the hub cannot be reached: {outcome['reason']}", "try again later")
    if new_key:
        key_path(name).unlink(missing_ok=True)
    raise RefusedError(
        str(outcome.get("reason", "the hub refused the agent")),
        f"choose another name, or bring the key: it is in {key_path(name)} on the agent's machine",
    )


def _place_protocol(workspace: Workspace, protocol: bytes | None) -> str:
    path = workspace.root / "collab.md"
    if protocol is None or (path.is_file() and path.read_bytes() == protocol):
        return ""
    if path.exists():
        return "your collab.md was kept; the hub's differs"
    write_whole(path, protocol)
    return ""


def _place_program(member: Member, task: Task) -> Literal["written", "kept", "unchanged"]:
    """Put the best program there, unless there is one with edits."""
    workspace = member.workspace
    target, text = best_program(member, member.tier)
    path = workspace.program_path(task)
    base = workspace.base()
    if path.exists():
        now = workspace.program(task)
        if now == text:
            workspace.set_base(Base(target, text))
            return "unchanged"
        if base is None or now != base.text:
            if base is None:
                workspace.set_base(Base(target, text))
            return "kept"
    workspace.write_program(task, text)
    workspace.set_base(Base(target, text))
    return "written"
