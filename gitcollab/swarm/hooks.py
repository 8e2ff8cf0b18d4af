"""Serving a hub oneself: its door is installed, and knows the hub as it is."""

from __future__ import annotations

import shlex
import site
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import gitcollab
from gitcollab.errors import GitcollabError
from gitcollab.store import hubs, serving
from gitcollab.store.audit import git_dir
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


@dataclass(frozen=True)
class Installed:
    """A hub's door: where its hook is, what was done, which branch it guards."""

    hub: str
    hook: Path
    branch: str
    done: Literal["installed", "renewed", "present"]


def install(hub: Path, branch: str | None = None, *, alone: bool = False) -> Installed:
    """Install the door of the hub in the git directory ``hub``; it may be repeated.

    The hook runs this very interpreter. ``branch`` None: the one it guards already, else "swarm".
    ``alone``: the repository is a hub and nothing else. Raises UsageError when it is no repository,
    GitcollabError when another hook stands there.
    """
    place = git_dir(hub)
    guarded = hubs.check_branch(branch or serving.guarded_branch(place))
    _check_importable()
    folder = serving.make_folder(place, FOLDER)
    done = serving.place_hook(place, script())
    settings = _SETTINGS | (_SERVED if alone else {}) | {serving.BRANCH_KEY: guarded}
    serving.set_settings(place, settings)
    repository = open_hub(place, guarded)
    uncounted(repository.snapshot(repository.tip(copies=False)))  # a first reading may take long
    serving.share(place, folder)
    return Installed(str(place), place / "hooks" / serving.HOOK, guarded, done)


def _check_importable() -> None:
    """The hook's Python looks at nobody's own packages. Raises GitcollabError where ours is one."""
    own = site.getusersitepackages()
    if Path(gitcollab.__file__).is_relative_to(own):
        raise GitcollabError(
            f"gitcollab is installed in {own}, where the hook of a hub does not look",
            "install it into an environment: python -m venv ENV; ENV/bin/pip install gitcollab",
        )


def script() -> bytes:
    """The hook, for this interpreter."""
    python = Path(sys.executable)
    if not python.is_absolute():
        raise GitcollabError("Python does not say where it is", "run gitcollab by its full path")
    text = presets.asset("hooks/pre-receive").decode()
    return text.replace("@PYTHON@", shlex.quote(str(python)), 1).encode()
