"""What maintainers do: let agents in, suspend them, change the task and its files.

Each decision is a ruling: a record signed with a maintainer's key, for this hub alone. Whether it
counts is for the rule book; here it is made upon the hub as it is at this moment.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gitcollab import __version__
from gitcollab.errors import GitcollabError, OfflineError, RefusedError, UsageError
from gitcollab.records import codec, invitations
from gitcollab.records.models import MAX_PROGRAM_BYTES, AgentCard, Ruling, Task
from gitcollab.records.names import (
    MAINTAINED,
    PROGRAM_PATH,
    SYNONYMS_PATH,
    TASK_PATH,
    check_agent_name,
)
from gitcollab.records.signing import is_key
from gitcollab.similarity.constants import constants
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import keyring, presets, reading, ruling
from gitcollab.swarm.member import Member
from gitcollab.swarm.recogniser import unusable
from gitcollab.swarm.reports import AgentInfo, Invited, Ruled, TaskChange
from gitcollab.swarm.roster import Agent, roster, rulings
from gitcollab.swarm.workflows import workflows

_PATIENCE = timedelta(seconds=90)
_SKEW = timedelta(hours=1)  # of a clock that may still be an honest one

# Fields of the task that have verbs of their own, or none.
_FIXED = ("schema", "hub", "maintainers", "retired")


# -- who takes part --------------------------------------------------------------------------------


def look(member: Member) -> str:
    """Fetch the hub, so that who waits is seen; why that cannot be, "" where it was."""
    try:
        member.store.refresh()
    except OfflineError as e:
        return e.message
    return ""


def agents(member: Member) -> list[AgentInfo]:
    """All agents of the hub as last fetched, by name."""
    snapshot = member.store.snapshot()
    return [_info(snapshot, name) for name in sorted(reading.cards(snapshot))]


def agent(member: Member, name: str) -> AgentInfo:
    """One agent of the hub as last fetched; UsageError when there is none of that name."""
    snapshot = member.store.snapshot()
    _known(snapshot, name)
    return _info(snapshot, name)


def invite(member: Member, uses: int = 1, days: int = 7) -> Invited:
    """A token with which so many agents may join within so many days. Nothing is sent.

    Raises RefusedError where no maintainer's key is on this machine.
    """
    task = _task(member, member.store.snapshot())
    _, key = keyring.maintainer_key(task)
    if task.hub is None:
        raise RefusedError("this hub has no identity, so nothing can be signed for it")
    expires = (member.clock() + timedelta(days=days)).replace(microsecond=0)
    token = invitations.make(key, task.hub, uses, expires)
    return Invited(token, uses, expires, task.policy.admission)


def admit(member: Member, name: str) -> Ruled:
    """Let an agent take part whose card waits; nothing is changed where it does already."""
    snapshot = member.store.refresh()
    found = _known(snapshot, name)
    match found.status:
        case "member":
            keyring.maintainer_key(_task(member, snapshot))
            return Ruled(False, _info(snapshot, name), "it is a member already")
        case "suspended":
            raise RefusedError(f"{name} is suspended", f"gitcollab agent restore {name}")
        case "unproved":
            raise RefusedError(
                f"the card of {name} does not prove its key: nothing can be admitted"
            )
    return _on_agent(member, snapshot, "admit", name, public_key=found.key)


def suspend(
    member: Member, name: str, *, since: datetime | None = None, reason: str | None = None
) -> Ruled:
    """Take in nothing more of an agent; what it made after ``since`` (None: now) does not count."""
    snapshot = member.store.refresh()
    found = _known(snapshot, name)
    start = (since or member.now(snapshot)).replace(microsecond=0)
    if found.status == "suspended" and since in (None, found.since):
        keyring.maintainer_key(_task(member, snapshot))
        return Ruled(False, _info(snapshot, name), "it is suspended already")
    return _on_agent(member, snapshot, "suspend", name, since=start, reason=reason)


def restore(member: Member, name: str) -> Ruled:
    """Let a suspended agent take part again; all that it made counts again."""
    snapshot = member.store.refresh()
    if _known(snapshot, name).status != "suspended":
        keyring.maintainer_key(_task(member, snapshot))
        return Ruled(False, _info(snapshot, name), "it is not suspended")
    return _on_agent(member, snapshot, "restore", name)


def _on_agent(member: Member, snapshot: Snapshot, does: str, name: str, **fields: Any) -> Ruled:
    _rule(member, snapshot, does, {}, subject=name, **fields)
    return Ruled(True, _info(member.store.snapshot(), name), "")


def _known(snapshot: Snapshot, name: str) -> Agent:
    people = roster(snapshot).agents
    if (found := people.get(name)) is not None:
        return found
    near = difflib.get_close_matches(name[:60], people, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "list them: gitcollab agent list"
    raise UsageError(f"there is no agent {name[:60]!r} on this hub", hint)


def _info(snapshot: Snapshot, name: str) -> AgentInfo:
    card, found = reading.cards(snapshot)[name], roster(snapshot).agents[name]
    return AgentInfo(
        name=name,
        status=found.status,
        fingerprint=None if found.key is None else keyring.fingerprint(found.key),
        joined=card.created_at,
        since=found.since,
        admitted_by=_admitted_by(snapshot, card),
        reason=next((r.reason for r in _on(snapshot, name) if r.does == "suspend"), None),
        contact=card.contact,
        device=None if card.hardware is None else card.hardware.device,
        tier=None if card.hardware is None else card.hardware.tier,
        former_keys=len(card.former or ()),
    )


def _on(snapshot: Snapshot, name: str) -> Sequence[Ruling]:
    """The rulings on an agent, newest first."""
    return [r for r in reversed(rulings(snapshot)) if r.subject == name]


def _admitted_by(snapshot: Snapshot, card: AgentCard) -> str | None:
    """The maintainer who admitted the agent, or whose invitation it used."""
    for said in _on(snapshot, card.id):
        if said.does == "admit":
            return said.agent
    people = {key: name for name, key in roster(snapshot).maintainers.items()}
    return None if card.invitation is None else people.get(card.invitation.maintainer)


# -- the task --------------------------------------------------------------------------------------


def set_task(member: Member, sets: Iterable[str]) -> TaskChange:
    """Change fields of the task, ``KEY=VALUE`` each; UsageError for bad ones."""
    snapshot = member.store.refresh()
    old = _task(member, snapshot)
    fields = codec.to_mapping(old)
    for assignment in sets:
        if (key := assignment.partition("=")[0]).split(".")[0] in _FIXED:
            raise UsageError(f"{key[:60]!r} is not set by hand", "gitcollab task maintainer --help")
        presets.assign(fields, assignment)
    joined = [card.created_at for card in reading.cards(snapshot).values()]
    return _change_task(member, snapshot, old, _guarded(old, fields, member.now(snapshot), joined))


def _guarded(
    old: Task, fields: dict[str, Any], now: datetime, joined: Iterable[datetime]
) -> dict[str, Any]:
    """Who is a member of a hub stays one when another way of admission begins.

    ``joined`` is when the agents joined, by their own clocks, some of which may be ahead.
    """
    policy = fields.get("policy")
    was = old.policy
    if (
        isinstance(policy, dict)
        and policy.get("admission") != was.admission != "approval"
        and policy.get("admission_since") == codec.to_mapping(old)["policy"].get("admission_since")
    ):
        now = now.replace(microsecond=0)
        late = [when + timedelta(seconds=1) for when in joined if now <= when < now + _SKEW]
        policy["admission_since"] = max([now, *late])
    return fields


def add_maintainer(member: Member, name: str, key_line: str) -> TaskChange:
    """Make somebody a maintainer, by an OpenSSH public key."""
    check_agent_name(name)
    line = " ".join(key_line.split()[:2])  # what follows is a comment
    if not is_key(line):
        raise UsageError(
            "this is no ed25519 public key in OpenSSH's form",
            "as in: ssh-keygen -t ed25519, then the line in the file .pub",
        )
    snapshot = member.store.refresh()
    old = _task(member, snapshot)
    known = roster(snapshot).agents.get(name)
    if old.maintainers.get(name, line) != line or (known and known.key not in (None, line)):
        raise RefusedError(f"{name} is known by another key", "choose another name")
    people = {**codec.to_mapping(old)["maintainers"], name: line}
    return _change_task(member, snapshot, old, codec.to_mapping(old) | {"maintainers": people})


def remove_maintainer(member: Member, name: str) -> TaskChange:
    """Take a maintainer's office; what that maintainer ruled stays."""
    snapshot = member.store.refresh()
    old = _task(member, snapshot)
    key = old.maintainers.get(name)
    if key is None:
        people = ", ".join(sorted(old.maintainers))
        raise UsageError(f"{name[:60]!r} is no maintainer", f"they are: {people}")
    if len(old.maintainers) == 1:
        raise RefusedError(
            f"{name} is the last maintainer: nobody could change anything any more",
            "add another first: gitcollab task maintainer add NAME KEY",
        )
    left = {n: k for n, k in old.maintainers.items() if n != name}
    gone = [*old.retired, *([] if key in (*old.retired, *left.values()) else [key])]
    fields = codec.to_mapping(old) | {"maintainers": left, "retired": gone}
    return _change_task(member, snapshot, old, fields)


def _change_task(
    member: Member, snapshot: Snapshot, old: Task, fields: Mapping[str, Any]
) -> TaskChange:
    try:
        new = codec.from_mapping("task", fields)
    except codec.InvalidRecord as e:
        raise UsageError(e.message, e.hint or "gitcollab task show") from e
    assert isinstance(new, Task)
    before, after = _flat(codec.to_mapping(old)), _flat(codec.to_mapping(new))
    changes = [
        (key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    keyring.maintainer_key(old)
    same = old.digest == new.digest
    unranked = 0 if same else _ranked(member)
    if changes:
        _edit(member, snapshot, {TASK_PATH: codec.encode(new)}, ", ".join(k for k, _, _ in changes))
    searched = any(key.split(".")[0] == "space" for key, _, _ in changes)
    unknown = _unknown(snapshot, new) if searched else ()
    return TaskChange(changes, same, unranked, 0 if same else _ranked(member), unknown)


def _unknown(snapshot: Snapshot, task: Task) -> Sequence[str]:
    """The names in a task's space that its program has no constant of; none where it has none."""
    data = snapshot.read(PROGRAM_PATH)
    try:
        known = constants((data or b"").decode(errors="replace"))
    except GitcollabError:
        return []
    return [name for name in task.space or {} if known and name not in known]


def _ranked(member: Member) -> int:
    """How many results are ranked under the task as it is on the hub."""
    return sum(len(group.runs) for group in member.standings().eligible)


def _flat(fields: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in fields.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {above + key: value}
    return found


def put(member: Member, path: str, data: bytes) -> bool:
    """Make ``data`` the hub's file at ``path``, one that is no agent's; False: it is so already.

    These are the baseline train.py, collab.md, synonyms.yaml, and workflows.
    """
    _check_file(path, data)
    snapshot = member.store.refresh()
    task = _task(member, snapshot)
    if path == PROGRAM_PATH:
        presets.check_baseline(task, data)
    keyring.maintainer_key(task)
    if snapshot.read(path) == data:
        return False
    _edit(member, snapshot, {path: data}, f"a new {path}")
    return True


def put_workflows(member: Member, *, replace: bool = False) -> tuple[list[str], list[str]]:
    """Put the workflows that come with gitcollab on the hub, in one ruling; which were put.

    The second are those that are there and differ: they stay, unless ``replace``, since maintainers
    may have changed them.
    """
    snapshot = member.store.refresh()
    keyring.maintainer_key(_task(member, snapshot))
    ours = workflows(member.config.branch)
    there = {path: snapshot.read(path) for path in ours}
    differing = [path for path in ours if there[path] not in (None, ours[path])]
    missing = [path for path in ours if there[path] is None]
    chosen = sorted(missing + (differing if replace else []))
    if chosen:
        files = {path: ours[path] for path in chosen}
        _edit(member, snapshot, files, f"the workflows of gitcollab {__version__}")
    return chosen, [path for path in differing if path not in chosen]


def _check_file(path: str, data: bytes) -> None:
    if path == TASK_PATH:
        raise UsageError(f"{path} is changed field by field", "gitcollab task set KEY=VALUE")
    if not MAINTAINED.match(path):
        raise UsageError(
            f"{path[:80]!r} is no file that maintainers keep",
            f"{PROGRAM_PATH}, collab.md, {SYNONYMS_PATH} or .github/workflows/NAME.yml",
        )
    if len(data) > MAX_PROGRAM_BYTES:
        raise UsageError(f"{path} has {len(data)} bytes, more than {MAX_PROGRAM_BYTES}")
    presets.text_of(data, path)
    if path == SYNONYMS_PATH and (why := unusable(data)):
        raise UsageError(f"{path}: {why}", "as in: concepts: {engram: [engram memory, engram]}")


# -- rulings ---------------------------------------------------------------------------------------


def _task(member: Member, snapshot: Snapshot) -> Task:
    return reading.task_of(snapshot, member.config.hub, member.config.branch)


def _edit(member: Member, snapshot: Snapshot, files: ruling.Files, reason: str) -> None:
    _rule(member, snapshot, "edit", files, reason=reason[:200])


def _rule(
    member: Member, snapshot: Snapshot, does: str, files: ruling.Files, **fields: Any
) -> None:
    """Sign and deliver a ruling that is made upon ``snapshot``.

    Raises OfflineError when the hub is away, RefusedError when a rule says no.
    """
    task = _task(member, snapshot)
    maintainer = keyring.maintainer_key(task)
    at = ruling.latest(snapshot, member.now(snapshot))
    if does == "edit":
        said = ruling.edit(maintainer, task, at, files, fields["reason"])
    else:
        said = ruling.make(maintainer, task, at, does, **fields)
    before = {path: snapshot.read(path) for path in files}
    asked = ruling.payload(said, files, before)
    request = member.request("rule", asked, when_offline="drop", patience=_PATIENCE)
    outcome = member.submit(replace(request, agent=said.agent))[0]
    match outcome["outcome"]:
        case "ruled":
            return
        case "offline":
            raise OfflineError(
                f"nothing is decided: {outcome['reason']}", "try again when the hub takes something"
            )
    raise RefusedError(f"the hub refused it: {outcome.get('reason', '')}", "gitcollab sync")
