"""An agent's folder: the working program, and what ``.gitcollab/`` remembers beside it.

    .gitcollab/config.yaml    hub, branch, agent (and tier and sandbox, when the user sets them)
    .gitcollab/base.json      which result the working program started from, and its text;
                              who else may have written what it adds to that
    .gitcollab/trial.json     what a run has changed in the working program (see ``trials``)
    .gitcollab/held.json      what a mind may not change, while it is called (see ``holding``)
    .gitcollab/claims/        the claims this workspace holds, one file each; a .chosen beside it
                              says that rounds of experiments took it, and not somebody by hand
    .gitcollab/task.json      the task's settings, for programs run by hand
    .gitcollab/runs/          one folder a run: program, log; the newest 50
    .gitcollab/seen           how many results of others there were at the last sync
    .gitcollab/setup.json     what agents' files were before setup wrote in them
    .gitcollab/aside/         replaced programs, dropped records; nothing is ever lost

Files are written aside and moved into place, so that a killed process leaves the old or the new.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from gitcollab.errors import GitcollabError
from gitcollab.records import codec
from gitcollab.records.models import Claim, Task
from gitcollab.records.names import check_agent_name
from gitcollab.store.files import write_aside
from gitcollab.swarm import tracks

FOLDER = ".gitcollab"
EMBEDDED = "hub.git"  # in it: a hub of the workspace's own
SOMEBODY = "somebody unknown"
Mode = Literal["required", "auto", "off"]  # of the sandbox, see ``confinement``
KEPT_RUNS = 50
_RUN = re.compile(r"\d{8}T\d{6}-")
_TIER = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def is_tier(text: str) -> bool:
    """Whether a tier of hardware may be called so."""
    return _TIER.fullmatch(text) is not None and text not in tracks.RESERVED


class NotJoined(GitcollabError):  # noqa: N818 - reads as what it is
    """The folder is no agent's workspace."""


@dataclass(frozen=True)
class Config:
    """What a workspace was joined as."""

    hub: str
    branch: str
    agent: str
    tier: str | None = None
    sandbox: Mode | None = None  # None: auto

    @property
    def mode(self) -> Mode:
        """When programs run in the sandbox."""
        return self.sandbox or "auto"


@dataclass(frozen=True)
class Base:
    """The program that the agent's changes are measured against."""

    id: str | None  # None: the task's baseline
    text: str
    by: tuple[str, ...] = ()  # others who may have written what the working program adds to it


class Workspace:
    """The files of one agent's folder. ``root`` is the folder that holds the program."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / FOLDER

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """The workspace that ``start`` is in, or NotJoined."""
        start = start.absolute()
        for folder in (start, *start.parents):
            inside = folder / FOLDER  # of one that is held, the configuration may be gone
            if (inside / "config.yaml").is_file() or (inside / "held.json").is_file():
                return cls(folder)
        raise NotJoined(f"{start} is not a gitcollab workspace", _how_to_join(start))

    @property
    def config(self) -> Config:
        """What the workspace was joined as; GitcollabError when the file is damaged."""
        path = self.folder / "config.yaml"
        try:
            return _config(codec.load(path.read_bytes()))
        except (OSError, GitcollabError) as e:
            raise GitcollabError(
                f"{path} cannot be read: {e}", "mend it, or join again: gitcollab join HUB"
            ) from e

    def create(self, config: Config) -> None:
        """Make the folder a workspace with this configuration.

        It is this user's alone: a hub's address may hold a password.
        """
        self.prepare()
        fields = {k: v for k, v in vars(config).items() if v is not None}
        path = self.folder / "config.yaml"
        write_whole(path, codec.dump(fields))
        _keep_private(path, 0o600)

    def prepare(self) -> None:
        """Make what a workspace's own files lie in. Raises GitcollabError where that cannot be."""
        make_folder(self.folder)
        _keep_private(self.folder, 0o700)
        write_whole(self.folder / ".gitignore", b"*\n")

    def program_path(self, task: Task) -> Path:
        """The working program."""
        return self.root / task.program

    def program(self, task: Task) -> str:
        """The working program's text; GitcollabError when it is missing or no UTF-8 text."""
        path = self.program_path(task)
        try:
            return path.read_bytes().decode()
        except OSError as e:
            raise GitcollabError(
                f"{path} cannot be read: {e.strerror}", "get the best one: gitcollab best --adopt"
            ) from e
        except UnicodeDecodeError as e:
            raise GitcollabError(
                f"{path} is not UTF-8 text (byte {e.start})",
                "save it as UTF-8; or gitcollab best --adopt, which keeps it in .gitcollab/aside/",
            ) from e

    def write_program(self, task: Task, text: str) -> None:
        """Replace the working program."""
        write_whole(self.program_path(task), text.encode())

    def base(self) -> Base | None:
        """The base of the working program, or None before there is one."""
        try:
            fields = json.loads((self.folder / "base.json").read_bytes())
            result_id, text, by = fields["id"], fields["text"], fields.get("by", [])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if isinstance(text, str) and (result_id is None or isinstance(result_id, str)):
            return Base(result_id, text, tuple(map(str, by)) if isinstance(by, list) else ())
        return None

    def set_base(self, base: Base) -> None:
        """Remember what the working program starts from."""
        write_whole(self.folder / "base.json", json.dumps(vars(base)).encode() + b"\n")

    def add_authors(self, names: tuple[str, ...]) -> None:
        """Remember others who write in the working program, before it is there."""
        if names and (base := self.base()) is not None:
            self.set_base(replace(base, by=tuple(dict.fromkeys((*base.by, *names)))))

    def start_from(self, task: Task, base: Base) -> None:
        """Make ``base`` the working program, which at no moment looks like this agent's edits."""
        self.add_authors((SOMEBODY,))
        self.write_program(task, base.text)
        self.set_base(base)

    def seen(self, total: int) -> int:
        """How many results of others there were at the last sync; from now on ``total``."""
        path = self.folder / "seen"
        try:
            before = int(path.read_text())
        except (OSError, ValueError):
            before = 0
        write_whole(path, b"%d\n" % total)
        return before

    def set_aside(self, content: str | bytes, label: str, suffix: str = ".py") -> Path:
        """Keep a program (or what else is about to go); an equal copy is kept once."""
        data = content if isinstance(content, bytes) else content.encode()
        for path in self._asides(label, suffix):
            if not path.exists():
                write_whole(path, data)
                return path
            if path.is_file() and path.read_bytes() == data:
                return path
        raise self._aside_full()

    def free_aside(self, label: str, suffix: str) -> Path:
        """Where something may be moved to that is no text, or too large to be read."""
        for path in self._asides(label, suffix):
            if not os.path.lexists(path):
                return path
        raise self._aside_full()

    def _asides(self, label: str, suffix: str) -> Iterator[Path]:
        folder = self.folder / "aside"
        folder.mkdir(parents=True, exist_ok=True)
        yield folder / f"{label}{suffix}"
        yield from (folder / f"{label}-{n}{suffix}" for n in range(2, 10_000))

    def _aside_full(self) -> GitcollabError:
        folder = self.folder / "aside"
        return GitcollabError(f"{folder} is full", f"remove old files from {folder}")

    def move_aside_no_text(self, task: Task, label: str) -> Path | None:
        """Where the working program is no text, keep its bytes aside, and leave none there."""
        path = self.program_path(task)
        data = path.read_bytes()
        try:
            data.decode()
        except UnicodeDecodeError:
            aside = self.set_aside(data, label)
            path.unlink()
            return aside
        return None

    def claims(self) -> list[Claim]:
        """The claims this workspace took and has not given back, oldest first."""
        found = []
        for path in sorted((self.folder / "claims").glob("*.yaml")):
            try:
                record = codec.decode("claim", path.read_bytes())
            except (OSError, codec.InvalidRecord):
                continue
            if isinstance(record, Claim):
                found.append(record)
        return sorted(found, key=lambda c: (c.created_at, c.id))

    def hold(self, claim: Claim, *, chosen: bool | None = None) -> None:
        """Remember a claim; ``chosen``: that rounds of experiments took it (None: as it was)."""
        folder = self.folder / "claims"
        folder.mkdir(parents=True, exist_ok=True)
        if chosen:
            write_whole(folder / f"{claim.id}.chosen", b"")
        elif chosen is not None:
            (folder / f"{claim.id}.chosen").unlink(missing_ok=True)
        write_whole(folder / f"{claim.id}.yaml", codec.encode(claim))

    def let_go(self, experiment: str) -> None:
        """Forget a claim."""
        for kind in ("yaml", "chosen"):
            (self.folder / "claims" / f"{experiment}.{kind}").unlink(missing_ok=True)

    def chosen(self) -> list[Claim]:
        """Those of the claims that rounds took; while none are under way, what killed ones left."""
        folder = self.folder / "claims"
        return [claim for claim in self.claims() if (folder / f"{claim.id}.chosen").exists()]

    @contextmanager
    def one_run(self) -> Iterator[None]:
        """Within the block no other process runs an experiment here: they would share a program."""
        import filelock

        lock = filelock.FileLock(self.folder / "run.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise GitcollabError(
                f"an experiment is running in {self.root} already",
                "wait for it, or join the hub in another folder",
            ) from None
        try:
            yield
        finally:
            lock.release()

    def is_running(self) -> bool:
        """Whether an experiment runs here, in whatever process."""
        try:
            with self.one_run():
                return False
        except GitcollabError:
            return True

    def begun(self, task: Task) -> str | None:
        """The program of the newest run; None where there is none, or it is gone."""
        runs = sorted(path for path in (self.folder / "runs").glob("*") if _RUN.match(path.name))
        path = runs[-1] / task.program if runs else None
        try:
            return path.read_bytes().decode() if path is not None and path.is_file() else None
        except (OSError, UnicodeDecodeError):
            return None

    def write_settings(self, task: Task) -> None:
        """Leave the task's settings where a program run by hand finds them."""
        write_whole(self.folder / "task.json", settings(task))

    def new_run(self, now: datetime, label: str) -> Path:
        """A new empty folder for a run; the oldest go. (What waits for the hub has copies.)"""
        runs = self.folder / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        _keep_private(runs, 0o700)  # a program may open its own folder, and what is in it, to all
        finished = sorted(path for path in runs.iterdir() if _RUN.match(path.name))
        for path in finished[: -(KEPT_RUNS - 1)]:
            with suppress(RecursionError):  # a program may nest folders as deeply as it likes
                shutil.rmtree(path, ignore_errors=True)
        for n in range(1, 10_000):
            path = runs / f"{now:%Y%m%dT%H%M%S}-{label}{'' if n == 1 else f'-{n}'}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
        raise GitcollabError(f"{runs} is full", f"remove old runs from {runs}")


def _how_to_join(start: Path) -> str:
    """The next step in a folder that is no workspace: there may be a hub of its own."""
    for folder in (start, *start.parents):
        if (folder / FOLDER / EMBEDDED).is_dir():
            hub = shlex.quote(os.path.relpath(folder / FOLDER / EMBEDDED, start))
            where = "" if folder == start else f", in {folder}"
            return (
                f"it has a hub of its own: gitcollab run takes part in it{where}; "
                f"to choose a name: gitcollab join {hub} --agent NAME"
            )
    return "join a hub here with: gitcollab join HUB --agent NAME"


def _keep_private(path: Path, mode: int) -> None:
    with suppress(PermissionError):  # some file systems have no modes
        path.chmod(mode)


def _config(fields: dict[str, Any]) -> Config:
    """The configuration in these fields; GitcollabError for what a user's edit broke."""
    for name in ("hub", "branch", "agent"):
        if not isinstance(fields.get(name), str):
            raise GitcollabError(f"{name} is not text")
    tier = fields.get("tier")
    if tier is not None and not (isinstance(tier, str) and is_tier(tier)):
        raise GitcollabError("tier is not of a-z, 0-9 and -, as in large (nor any or all)")
    sandbox = fields.get("sandbox")
    if sandbox is not None and sandbox not in get_args(Mode):
        raise GitcollabError("sandbox is none of required, auto and off")
    check_agent_name(fields["agent"])
    return Config(fields["hub"], fields["branch"], fields["agent"], tier, sandbox)


def settings(task: Task) -> bytes:
    """The settings a program gets, as JSON: what ``gitcollab.task`` reads."""
    fields: dict[str, Any] = {
        "name": task.name,
        "budget": task.budget.model_dump(exclude_none=True),
    }
    if task.dataset:
        fields["dataset"] = task.dataset.name
    return (json.dumps(fields, indent=2) + "\n").encode()


def make_folder(path: Path) -> None:
    """Make a folder, and what is above it, where there is none."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise GitcollabError(
            f"the folder {path} cannot be made: {e.strerror}",
            "work in another folder, or check permissions",
        ) from e


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new."""
    try:
        write_aside(path, data, durable=True)
    except OSError as e:
        raise GitcollabError(
            f"{path} cannot be written: {e.strerror}",
            "see that the folder may be written, and that there is space on its disk",
        ) from e
