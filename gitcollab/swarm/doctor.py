"""What may be wrong between an agent and its hub: each part examined, nothing mended.

Every check tells a state, what was found, and for what is not well the next step. None raises.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from gitcollab.errors import GitcollabError
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Task
from gitcollab.records.names import SYNONYMS_PATH, TASK_PATH, path_of
from gitcollab.runner import environment, places, sandbox
from gitcollab.similarity.embedding import ModelUnavailable, located
from gitcollab.store import health
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import keyring, reading, trust
from gitcollab.swarm.confinement import trial
from gitcollab.swarm.datasets import check_data
from gitcollab.swarm.home import home, key_path
from gitcollab.swarm.member import Member
from gitcollab.swarm.recogniser import configured_model, unusable
from gitcollab.swarm.workspace import Mode, NotJoined, Workspace

State = Literal["ok", "warn", "fail"]

HUB_SECONDS = 15.0  # a hub that says nothing for so long is away
_COPY_SECONDS = 5.0  # for reading a large copy; what is left over is not looked at
_SKEW = timedelta(minutes=2)
_WARN_BYTES, _FAIL_BYTES = 1_000_000_000, 100_000_000


@dataclass(frozen=True)
class Check:
    """One part that was examined: how it is, what was found, and what to do unless it is ok."""

    name: str
    state: State
    found: str
    todo: str = ""


Examined = Iterable[Check]


def examine(folder: Path, *, seconds: float = HUB_SECONDS) -> list[Check]:
    """Examine this machine and, if ``folder`` is in one, the workspace and its hub.

    The hub has ``seconds`` to answer. Nothing is changed, on the hub or here.
    """
    checks = _checked("git", _git)
    folders = {"gitcollab's files": home()}
    mode: Mode = "auto"
    try:
        workspace = Workspace.find(folder)
        member = Member(workspace, workspace.config)
        _ = member.store
    except NotJoined as e:
        found = "this folder is none: only the machine was examined"
        checks.append(Check("workspace", "warn", found, e.hint))
    except (GitcollabError, OSError) as e:
        checks.append(_failed("workspace", e))
    else:
        folders["the workspace"] = workspace.root
        mode = workspace.config.mode
        checks += _of_workspace(member, seconds)
    checks += _checked("python", _python)
    checks += _checked("disk", lambda: _disk(folders))
    checks += _checked("sandbox", lambda: _sandbox(mode))
    return checks


def _of_workspace(member: Member, seconds: float) -> list[Check]:
    found = f"{member.workspace.root}, of {member.config.agent}"
    checks = [
        Check("workspace", "ok", found),
        *_checked("hub", lambda: _hub(member, seconds)),
        *_checked("copy", lambda: _copy(member)),
    ]
    known = _known(member)
    if known is not None:
        checks += _checked("task", lambda: _task(member, known))
        checks += _checked("words", lambda: _words(known))
    checks += _checked("clock", lambda: _clock(member))
    checks += _checked("outbox", lambda: _outbox(member))
    checks += _checked("key", lambda: _key(member, known))
    return checks


def _known(member: Member) -> Snapshot | None:
    """The hub as last fetched, None where that cannot be read: the check of the copy says why."""
    with suppress(GitcollabError, OSError):
        snapshot = member.store.known()
        if snapshot.tip is not None:
            snapshot.read(TASK_PATH)
            return snapshot
    return None


def _checked(name: str, check: Callable[[], Examined]) -> list[Check]:
    """What a check found; what it raises is its finding."""
    checks: list[Check] = []
    try:
        checks.extend(check())
    except (GitcollabError, OSError) as e:
        checks.append(_failed(name, e))
    return checks


def _failed(name: str, e: GitcollabError | OSError) -> Check:
    if isinstance(e, GitcollabError):
        return Check(name, "fail", e.message, e.hint)
    where = f"{e.filename}: " if e.filename else ""
    return Check(name, "fail", f"{where}{e.strerror or e}", "check that file and its permissions")


# -- the machine -----------------------------------------------------------------------------------


def _git() -> Examined:
    yield Check("git", "ok", health.git_version())


def _python() -> Examined:
    found = environment.versions()
    if importlib.util.find_spec("torch") is None:
        yield Check(
            "python",
            "warn",
            f"{found.python}, without torch: a program that imports it will crash",
            "pip install 'gitcollab[agent]', in the environment that gitcollab is in",
        )
    else:
        yield Check("python", "ok", f"{found.python}, torch {found.torch or 'of unknown version'}")


def _disk(folders: dict[str, Path]) -> Iterator[Check]:
    seen: set[int] = set()
    for what, path in folders.items():
        there = next(p for p in (path, *path.parents) if p.exists())
        if not there.is_dir():
            yield Check("disk", "fail", f"{there} is a file", _move(what))
            continue
        if reason := _unwritable(there):
            yield Check("disk", "fail", f"{path} cannot be written: {reason}", _move(what))
            continue
        device = there.stat().st_dev
        if device not in seen:
            seen.add(device)
            yield _room(there)


def _room(path: Path) -> Check:
    free = shutil.disk_usage(path).free
    state: State = "fail" if free < _FAIL_BYTES else "warn" if free < _WARN_BYTES else "ok"
    todo = "" if state == "ok" else "free some space: results, copies of hubs and data need it"
    return Check("disk", state, f"{_bytes(free)} free at {path}", todo)


def _unwritable(folder: Path) -> str:
    """Why nothing can be written there, "" when it can: tried, with a file that has no name."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as e:
        return e.strerror or str(e)


def _move(what: str) -> str:
    if what == "the workspace":
        return "check its permissions, or join the hub in another folder"
    return "check its permissions, or set GITCOLLAB_HOME to a folder that can be written"


def _sandbox(mode: Mode) -> Examined:
    """Whether it works: a program in it tries to get out."""
    if lacking := sandbox.lacking():
        found, todo = lacking
        what = {
            "off": "it is off: programs of others run unprotected",
            "auto": "programs of others do not run here",
            "required": "nothing runs here",
        }[mode]
        yield Check("sandbox", "warn", f"{found}: {what}", todo)
        return
    faults = trial()
    passed = ", ".join(path.name for path in places.gpus()) or "no GPU is here"
    if faults:
        todo = "run no program of others here; upgrade bubblewrap"
        yield Check("sandbox", "fail", f"a program in it {'; '.join(faults)}", todo)
    elif mode == "off":
        found = "it works, but is off in this workspace: programs of others run unprotected"
        yield Check("sandbox", "warn", found, "gitcollab join HUB --agent NAME --sandbox auto")
    else:
        found = "tried: no network, no keys, nothing of this machine to write or to signal"
        yield Check("sandbox", "ok", f"{found}; passed on: {passed}")


# -- the hub and what is here of it ----------------------------------------------------------------


def _hub(member: Member, seconds: float) -> Iterator[Check]:
    config, store = member.config, member.store
    access = store.access(seconds)
    if access.tip is None:
        found = f"it answers, but has no branch {config.branch!r}"
        todo = "check the branch in .gitcollab/config.yaml, or seed the hub with gitcollab init"
        yield Check("hub", "fail", found, todo)
    else:
        yield Check("hub", "ok", f"it answers: {config.hub}, branch {config.branch}")
    if access.closed is None:
        yield Check("push", "ok", "allowed, as far as the hub tells without one")
    else:
        todo = access.closed.hint or "ask the hub's owner for write access"
        yield Check("push", "fail", access.closed.reason, todo)


def _task(member: Member, known: Snapshot) -> Iterator[Check]:
    task = reading.task_of(known, member.config.hub, member.config.branch)
    trust.require(member.workspace, known)
    yield Check("task", "ok", f"{task.name}, measured by {task.metric.name}")
    yield from _checked("data", lambda: _data(member, task))


def _data(member: Member, task: Task) -> Iterator[Check]:
    if task.dataset is None:
        yield Check("data", "ok", "the task names none")
        return
    check_data(member, task)
    yield Check("data", "ok", f"{task.dataset.name} is here, or makes itself")


def _words(known: Snapshot) -> Iterator[Check]:
    """What tells experiments by their descriptions: the hub's own words, and a sentence model."""
    own = known.read(SYNONYMS_PATH)
    if own is not None and (why := unusable(own)):
        yield Check("words", "warn", f"the hub's {SYNONYMS_PATH}: {why}", "tell its maintainers")
        return
    try:
        model = located(configured_model())
    except ModelUnavailable as e:
        found = f"descriptions are compared without a sentence model: {e.message}"
        yield Check("words", "warn", found, e.hint)
        return
    there = "is downloaded when it is first needed" if model == "hub" else f"is here ({model})"
    own_words = ", with the hub's own words" if own is not None else ""
    yield Check("words", "ok", f"the sentence model {there}{own_words}")


def _clock(member: Member) -> Iterator[Check]:
    skew = member.store.skew()
    if abs(skew) < _SKEW:
        yield Check("clock", "ok", "agrees with the hub's, as far as commits show")
        return
    side = "ahead of" if skew > timedelta(0) else "behind"
    yield Check(
        "clock",
        "warn",
        f"the hub's newest commit was {_span(abs(skew))} {side} this machine's clock",
        "set this machine's time (timedatectl); if it is right, another agent's is wrong",
    )


def _copy(member: Member) -> Iterator[Check]:
    copy = member.store.copy(_COPY_SECONDS)
    folder = member.store.folder
    if copy.fault:
        todo = f"delete {folder / 'repo.git'}; gitcollab sync makes it anew, nothing is lost"
        yield Check("copy", "fail", copy.fault, todo)
    elif copy.tip is None:
        yield Check("copy", "warn", "the hub was never fetched", "gitcollab sync")
    else:
        asked = "never"
        if copy.asked is not None:
            asked = f"{_span(member.clock() - copy.asked)} ago"
        read = "readable as far as looked" if copy.partly else "readable"
        yield Check("copy", "ok", f"{read}, {_bytes(copy.size)}, fetched {asked}: {folder}")
    if copy.index_fault:
        todo = f"delete {folder / 'index.sqlite'}: it is made anew"
        yield Check("index", "fail", f"the index is damaged: {copy.index_fault}", todo)


def _outbox(member: Member) -> Iterator[Check]:
    store = member.store
    waiting, refused, broken = store.pending(), store.quarantined(), store.broken()
    if waiting:
        age = _span(member.clock() - waiting[0].request.created_at)
        why = waiting[0].reason or "not sent yet"
        found = f"{len(waiting)} waiting, the oldest for {age}: {why}"
        yield Check("outbox", "warn", found, "gitcollab sync delivers; gitcollab outbox lists")
    if refused:
        found = f"{len(refused)} refused and kept here"
        yield Check("outbox", "warn", found, "gitcollab outbox says why; retry or drop them")
    if broken:
        found = f"files that hold no request ({len(broken)}) are in {broken[0].parent}"
        yield Check("outbox", "warn", found, "look into them, then remove them")
    if not (waiting or refused or broken):
        yield Check("outbox", "ok", "nothing waits, nothing was refused")


def _key(member: Member, known: Snapshot | None) -> Iterator[Check]:
    name = member.config.agent
    path = key_path(name)
    card = None if known is None else _card(known, name)
    keyring.agent_key(name, None if card is None else card.public_key)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Check("key", "fail", f"others may read {path}", f"chmod 600 {path}")
    if known is None:
        found = "it is here; without a copy of the hub it cannot be compared"
        yield Check("key", "warn", found, "gitcollab sync, then look again")
        return
    if card is None:
        found = "it is here, but the hub, as last fetched, holds no card of this agent"
        yield Check("key", "warn", found, f"gitcollab join {member.config.hub} --agent {name}")
    else:
        found = f"the one the agent is registered with, readable by you alone: {path}"
        yield Check("key", "ok", found)


def _card(known: Snapshot, agent: str) -> AgentCard | None:
    data = known.read(path_of("agent", agent))
    card = None if data is None else codec.decode("agent", data)
    return card if isinstance(card, AgentCard) else None


def _span(length: timedelta) -> str:
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _bytes(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"
