"""Serving a hub oneself: its door and its keeper are installed, and know the hub as it is."""

from __future__ import annotations

import shlex
import site
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import gitcollab
from gitcollab.errors import GitcollabError, UsageError
from gitcollab.store import hubs, serving
from gitcollab.store.audit import git_dir
from gitcollab.store.lock import HostLock
from gitcollab.swarm import presets
from gitcollab.swarm.roster import uncounted
from gitcollab.swarm.verifying import FOLDER, open_hub

# What git itself refuses, before the door is asked: malformed objects, pushes that fill the disk.
# Files beyond the threshold are never held in memory.
_SETTINGS = {
    "receive.fsckObjects": "true",
    "receive.maxInputSize": "200m",
    "core.bigFileThreshold": "4m",
}
# Where a repository is a hub and nothing else, no other branch or tag is taken either.
_SERVED = {
    "receive.denyDeletes": "true",
    "receive.denyNonFastForwards": "true",
    serving.ALONE_KEY: "true",
}

_PATIENCE = 3600.0  # seconds; who is at work for longer is ended


@dataclass(frozen=True)
class Installed:
    """A hub's hooks: where they are, what was done, which branch they are for.

    ``hook`` is its door, ``keeper`` what brings it up to date after a push.
    """

    hub: str
    hook: Path
    keeper: Path
    branch: str
    done: serving.Placed


def install(hub: Path, branch: str | None = None, *, alone: bool = False) -> Installed:
    """Install door and keeper of the hub in the git directory ``hub``; it may be repeated.

    The hooks run this very interpreter. ``branch`` None: the one it guards already, else "swarm".
    ``alone``: the repository is a hub and nothing else. Raises UsageError when it is no repository,
    GitcollabError when another hook stands there.
    """
    place = git_dir(hub)
    guarded = hubs.check_branch(branch or serving.guarded_branch(place))
    _check_importable()
    serving.check_hooks(place)
    folder = serving.make_folder(place, FOLDER)
    names = (serving.DOOR, serving.KEEPER)
    done = [serving.place_hook(place, name, script(name)) for name in names]
    settings = _SETTINGS | (_SERVED if alone else {}) | {serving.BRANCH_KEY: guarded}
    serving.set_settings(place, settings)
    repository = open_hub(place, guarded)
    uncounted(repository.snapshot(repository.tip(copies=False)))  # a first reading may take long
    serving.share(place, folder)
    door, keeper = (place / "hooks" / name for name in names)
    return Installed(str(place), door, keeper, guarded, _together(done))


def _together(done: Sequence[serving.Placed]) -> serving.Placed:
    """What was done of both: one that was missing beside the other was renewed, like it."""
    return done[0] if len(set(done)) == 1 else "renewed"


@contextmanager
def turn(hub: Path) -> Iterator[bool]:
    """Be the only one at work on the hub within the block; False where another waits already.

    Who waits has not begun, so that it sees all that was done on the hub before it was asked here.
    Raises GitcollabError when it has no hooks of ours, or somebody is at work for very long.
    """
    folder = git_dir(hub) / FOLDER
    if not folder.is_dir():
        raise GitcollabError(f"{hub} is not served", f"gitcollab hooks install {hub}")
    with ExitStack() as working:
        with HostLock(folder / "waiting.lock").tried() as mine:
            if mine:
                working.enter_context(HostLock(folder / "working.lock").required(_PATIENCE))
        yield mine


def dashboard_folder(hub: Path) -> Path | None:
    """Where the hub's dashboard is to be, as its git configuration says; None: nowhere.

    Raises UsageError for a folder that depends on where, or who, the keeper is: whoever pushes is.
    """
    place = git_dir(hub)
    named = serving.setting(place, serving.DASHBOARD_KEY)
    if named and not Path(named).is_absolute():
        raise UsageError(
            f"{serving.DASHBOARD_KEY} is {named!r}, which is no full path",
            f"git --git-dir={shlex.quote(str(place))} config {serving.DASHBOARD_KEY} /FULL/PATH",
        )
    return Path(named) if named else None


def _check_importable() -> None:
    """The hook's Python looks at nobody's own packages. Raises GitcollabError where ours is one."""
    own = site.getusersitepackages()
    if Path(gitcollab.__file__).is_relative_to(own):
        raise GitcollabError(
            f"gitcollab is installed in {own}, where the hook of a hub does not look",
            "install it into an environment: python -m venv ENV; ENV/bin/pip install gitcollab",
        )


def script(name: str) -> bytes:
    """The hook of that name, for this interpreter."""
    python = Path(sys.executable)
    if not python.is_absolute():
        raise GitcollabError("Python does not say where it is", "run gitcollab by its full path")
    text = presets.asset(f"hooks/{name}").decode()
    return text.replace("@PYTHON@", shlex.quote(str(python)), 1).encode()
