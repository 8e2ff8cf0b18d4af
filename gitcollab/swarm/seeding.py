"""Seeding: a hub gets its task, its first maintainer and its first files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from gitcollab.errors import OfflineError, RefusedError, UsageError
from gitcollab.records import codec
from gitcollab.records.models import Task
from gitcollab.records.names import path_of
from gitcollab.records.signing import KeyPair
from gitcollab.similarity.constants import edit
from gitcollab.store import hubs
from gitcollab.store.requests import Outcome, Request
from gitcollab.store.store import Store
from gitcollab.swarm import keyring, patching, presets, publishing, reading, ruling
from gitcollab.swarm.home import key_path
from gitcollab.swarm.member import Pages, new_nonce, open_store, utc_now
from gitcollab.swarm.reports import InitReport
from gitcollab.swarm.workflows import workflows
from gitcollab.swarm.workspace import (
    EMBEDDED,
    FOLDER,
    Workspace,
    make_folder,
    write_whole,
)

DEFAULT_BRANCH = hubs.DEFAULT_BRANCH
_PATIENCE = timedelta(seconds=90)
_KEEPER = "keeper"  # a maintainer who was given no name
_NO_WORKFLOWS = (
    "the hub took no workflows: your credentials lack the scope; with others, once you have "
    "joined: gitcollab task workflows"
)


def init_hub(
    hub: str | None,
    *,
    preset: str | None = None,
    task_file: Path | None = None,
    branch: str = DEFAULT_BRANCH,
    sets: Sequence[str] = (),
    maintainer: str | None = None,
    folder: Path = Path(),
    pages: Pages | None = None,
) -> InitReport:
    """Seed a hub with a task; one that has a task already is left as it is.

    ``hub`` None is the embedded hub in ``folder/.gitcollab``. A local path that does not exist
    becomes a bare repository. ``maintainer`` is the name of the hub's first maintainer, whose key
    is made on this machine where there is none; None: one that the task names, else "keeper".
    Raises GitcollabError for a bad task, OfflineError when the hub cannot be reached, RefusedError
    when something else lives on the branch, or no maintainer's key is here.
    """
    hubs.check_branch(branch)
    if task_file is not None and preset is not None:
        raise UsageError("a preset and a task file are two tasks", "give --preset or --task")
    if task_file is not None:
        task, program = presets.from_file(task_file, sets)
    else:
        task, program = presets.preset(preset or presets.DEFAULT, sets)
    task, keeper = _maintained(task, maintainer)
    files = publishing.seed_files(task, program, presets.asset("collab.md"))
    address = hubs.address(hub) if hub is not None else _embedded(folder)
    created = hubs.create_if_missing(address, branch)
    hubs.check_exists(address)
    store = open_store(address, branch, keeper[0], pages)
    checks = {} if hub is None else {p: data.decode() for p, data in workflows(branch).items()}
    outcome = _seed(store, keeper, task, files | checks)
    without = outcome["outcome"] == "refused" and "workflow" in str(outcome.get("reason"))
    if without:  # GitHub takes workflows only by credentials that say so
        outcome = _seed(store, keeper, task, files)
    match outcome["outcome"]:
        case "seeded":
            name, place = keeper[0], keyring.place_of(keeper[1])
            note = _NO_WORKFLOWS if without else ""
            how = task.policy.admission
            return InitReport(address, branch, created, True, task.name, note, [name], how, place)
        case "present":
            standing = reading.task_of(store.snapshot(), address, branch)
            note = "the hub has a task already: nothing was changed"
            people = sorted(standing.maintainers)
            how = standing.policy.admission
            return InitReport(address, branch, created, False, standing.name, note, people, how)
        case "offline":
            hint = "check the address and your access, then try again"
            raise OfflineError(f"the hub is not seeded: {outcome['reason']}", hint)
    raise RefusedError(
        f"the hub {address} cannot be seeded: {outcome.get('reason', '')}",
        "choose another branch with --branch, or another hub",
    )


def _seed(store: Store, keeper: tuple[str, KeyPair], task: Task, files: dict[str, str]) -> Outcome:
    """Have the files of a new hub delivered, with the maintainer's word for them."""
    request = Request(
        id=new_nonce(),
        kind="seed",
        agent=keeper[0],
        created_at=utc_now(),
        payload={"files": _signed(keeper, task, files), "name": task.name},
        when_offline="drop",
        not_after=utc_now() + _PATIENCE,
        may_create=True,
    )
    return store.submit(request)[0]


def _maintained(task: Task, name: str | None) -> tuple[Task, tuple[str, KeyPair]]:
    """The task of a new hub, which no other is, with a maintainer whose key is here."""
    task = task.model_copy(update={"hub": new_nonce()})
    if name is None and task.maintainers:
        return task, keyring.maintainer_key(task)
    name = name or _KEEPER
    key = keyring.new_maintainer(name)
    if task.maintainers.get(name, key.public_line) != key.public_line:
        raise RefusedError(
            f"the task names {name} as a maintainer, with another key than {key_path(name)}",
            "choose another name with --maintainer, or bring that key",
        )
    people = {**task.maintainers, name: key.public_line}
    return task.model_copy(update={"maintainers": people}), (name, key)


def _signed(keeper: tuple[str, KeyPair], task: Task, files: dict[str, str]) -> dict[str, str]:
    """The files of a new hub with the maintainer's word for them."""
    bytes_of = {path: text.encode() for path, text in files.items()}
    said = ruling.edit(keeper, task, utc_now(), bytes_of, "a new hub")
    return files | {path_of("ruling", said.id): codec.encode(said).decode()}


def check_first_run(folder: Path, sets: Mapping[str, str], patch: str | None) -> None:
    """Whether a run could begin so with a hub of its own in ``folder``, before that is made.

    Raises GitcollabError for constants that its program does not have, and patches that do not fit.
    """
    task, baseline = presets.preset(presets.DEFAULT)
    workspace = Workspace(folder.absolute())
    there = workspace.program_path(task).exists()
    text = workspace.program(task) if there else baseline.decode()
    if patch is not None:
        text = patching.applied(patch, text, task.program)
    edit(text, sets)


def _embedded(folder: Path) -> str:
    home = folder.absolute() / FOLDER
    make_folder(home)
    write_whole(home / ".gitignore", b"*\n")
    return str(home / EMBEDDED)
