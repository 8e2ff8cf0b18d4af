"""Joining: a folder becomes an agent's workspace, and the agent is registered on the hub."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from gitcollab.errors import GitcollabError, OfflineError, RefusedError, UsageError
from gitcollab.records import codec, invitations
from gitcollab.records.models import AgentCard, Hardware, Invitation, Task
from gitcollab.records.names import TASK_PATH, check_agent_name
from gitcollab.records.quoting import lines
from gitcollab.store import hubs
from gitcollab.store.index import Progress
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import codenames, keyring, presets, publishing, trust
from gitcollab.swarm.home import key_path
from gitcollab.swarm.member import Member, Pages, utc_now
from gitcollab.swarm.reports import Adopted, JoinReport
from gitcollab.swarm.roster import roster
from gitcollab.swarm.syncing import best_program, not_here, suspension, take
from gitcollab.swarm.workspace import (
    FOLDER,
    Base,
    Config,
    Mode,
    Workspace,
    write_whole,
)

_PATIENCE = timedelta(seconds=90)


def join(
    folder: Path,
    hub: str,
    *,
    agent: str | None = None,
    branch: str = hubs.DEFAULT_BRANCH,
    sandbox: Mode | None = None,
    invitation: str | None = None,
    pages: Pages | None = None,
    clock: Callable[[], datetime] = utc_now,
    progress: Progress | None = None,
) -> JoinReport:
    """Make ``folder`` an agent's workspace of the hub and register the agent there.

    Without a name the agent gets a codename. ``sandbox`` says when programs run in one; None
    leaves it as it is, at first "auto". ``invitation`` is a maintainer's token, which is used and
    not kept; where a maintainer's key is on this machine none is needed. A program that is there
    already is kept. ``clock`` is this host's; ``progress`` hears how many of
    the hub's records have been read, of how many. Raises UsageError for a bad name, OfflineError
    when the hub is away, RefusedError when a rule says no (the name is registered with another key,
    the hub takes in only whom it invited), GitcollabError when the address is no
    hub.
    """
    hubs.check_branch(branch)
    hubs.check_exists(hub)
    workspace = Workspace(folder.absolute())
    name = check_agent_name(agent) if agent is not None else _name_for(workspace)
    _refuse_other_membership(workspace, hub, branch, name)
    before = _config_before(workspace)
    config = _config_of(before, Config(hubs.address(hub), branch, name, sandbox=sandbox))
    member = Member(workspace, config, pages, clock, progress=progress)
    changed = _trusted_anew(workspace, member.store.refresh())
    task = member.task
    with _prepared(workspace):  # or an agent would be registered that has no workspace
        registered = register(member, name, invitation)
    workspace.create(member.config)
    trust.require(workspace, member.store.snapshot())
    workspace.write_settings(task)
    protocol = member.store.snapshot().read("collab.md")
    notes = [changed if before else "", _place_protocol(workspace, task, protocol)]
    program, adoption = _place_program(member, task)
    if program == "kept":
        notes.append(f"your {task.program} was kept; the best is one `gitcollab best --adopt` away")
    notes += [not_here(member, adoption), suspension(member)]
    known = roster(member.store.snapshot())
    return JoinReport(
        member.config.hub,
        branch,
        name,
        workspace.root,
        registered,
        program,
        "; ".join(n for n in notes if n),
        known.agents[name].status if name in known.agents else "unproved",
        sorted(known.maintainers),
        config.mode,
        before.mode if before and before.mode != config.mode else None,
        adoption,
    )


@contextmanager
def _prepared(workspace: Workspace) -> Iterator[None]:
    """A place for the workspace's files, which goes again where it is new and the block fails."""
    new = not workspace.folder.exists()
    workspace.prepare()
    try:
        yield
    except BaseException:
        if new:
            shutil.rmtree(workspace.folder, ignore_errors=True)
        raise


def _trusted_anew(workspace: Workspace, snapshot: Snapshot) -> str:
    """Take the hub's task as it is, whoever changed it; what there is to be said of that."""
    try:
        trust.require(workspace, snapshot)
    except RefusedError as e:
        trust.remember(workspace, snapshot.read(TASK_PATH) or b"")
        return f"{e.message}: it is taken as it is now"
    return ""


def _name_for(workspace: Workspace) -> str:
    """The name this workspace has already, or a new codename."""
    if (workspace.folder / "config.yaml").is_file():
        return workspace.config.agent
    return codenames.codename(secrets.randbelow)


def _config_before(workspace: Workspace) -> Config | None:
    """What the folder was joined as before, if it was."""
    return workspace.config if (workspace.folder / "config.yaml").is_file() else None


def _config_of(old: Config | None, asked: Config) -> Config:
    """What is asked for, with what the workspace has been set to before."""
    if old is None:
        return asked
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


def _joined_at(member: Member) -> datetime:
    """Now, by whatever clock is ahead; never before the hub's present way of admission began."""
    now = member.now(member.store.snapshot())
    return max(now, member.task.policy.admission_since or now)


def register(
    member: Member, name: str, token: str | None = None, hardware: Hardware | None = None
) -> bool:
    """Add the agent's card; False when it stands there already. Its key is made where it has none.

    ``hardware`` is what the card says it runs on; None: this machine. Raises as ``join``.
    """
    new_key = not key_path(name).exists()
    try:
        if member.registered is None:
            keyring.new_agent(name)
        card = AgentCard(
            id=name,
            agent=name,
            created_at=_joined_at(member),
            nonce=member.nonce(),
            public_key=member.key.public_line,
            hardware=hardware or member.hardware,
            invitation=_invitation(member, name, token),
        )
        payload = {"card": codec.to_mapping(member.sign(card))}
        request = member.request("join", payload, when_offline="drop", patience=_PATIENCE)
        outcome = member.submit(request)[0]
        match outcome["outcome"]:
            case "joined" | "member":
                return bool(outcome["outcome"] == "joined")
            case "offline":
                why = f"{name} is not registered: {outcome['reason']}"
                raise OfflineError(why, "try again later")
        raise RefusedError(
            str(outcome.get("reason", "the hub refused the agent")), _how_to_join(member, name)
        )
    except (RefusedError, UsageError):
        if new_key:
            key_path(name).unlink(missing_ok=True)
        raise


def _invitation(member: Member, name: str, token: str | None) -> Invitation | None:
    """The invitation as the card shows it; a maintainer's machine makes itself one."""
    task = member.task
    if token is None and task.policy.admission == "invite" and task.hub is not None:
        with suppress(RefusedError):
            _, key = keyring.maintainer_key(task)
            if key.public_line != member.key.public_line:
                token = invitations.make(key, task.hub, 1, member.clock() + timedelta(hours=1))
    return None if token is None else invitations.accept(token, name, member.key.public_line)


def _how_to_join(member: Member, name: str) -> str:
    task, known = member.task, roster(member.store.snapshot())
    if name in known.agents or name in known.maintainers:
        return keyring.where_from(name)
    if task.policy.admission == "invite":
        people = ", ".join(sorted(task.maintainers))
        return f"ask a maintainer ({people}) for an invitation: gitcollab join HUB --invite FILE"
    return "gitcollab doctor"


def _place_protocol(workspace: Workspace, task: Task, protocol: bytes | None) -> str:
    path = workspace.root / "collab.md"
    if protocol is None:
        return ""
    # An agent reads it, and people at terminals; it is the hub's word for word, but for what acts.
    text = lines(protocol.decode(errors="replace"), stored=True)
    if path.is_file() and path.read_bytes() == text.encode():
        return ""
    if path.exists():
        return "your collab.md was kept; the hub's differs"
    write_whole(path, text.encode())
    own = publishing.protocol_for(task, presets.asset("collab.md").decode())
    return "" if text == own else "collab.md is this hub's own: read it before an agent follows it"


def _place_program(
    member: Member, task: Task
) -> tuple[Literal["written", "kept", "unchanged"], Adopted | None]:
    """Put the best program there and say whose it is, unless there is one: that is work."""
    workspace = member.workspace
    target, text = best_program(member, member.tier)
    if not workspace.program_path(task).exists():
        return "written", take(member, target, text)
    same = workspace.program(task) == text
    if same or workspace.base() is None:
        workspace.set_base(Base(target, text))
    return ("unchanged" if same else "kept"), None
