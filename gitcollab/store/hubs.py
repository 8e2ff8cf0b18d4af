"""Addresses of hubs, and making a local one."""

from __future__ import annotations

import re
from pathlib import Path

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.git import remote

address = remote.address

DEFAULT_BRANCH = "swarm"

# A sober part of what git-check-ref-format(1) allows.
_BRANCH = re.compile(
    r"(?!.*(?:\.\.|//|\.lock(?:/|\Z)|[./]\Z|/\.))[A-Za-z0-9][A-Za-z0-9._/-]{0,99}\Z"
)


def check_branch(branch: str) -> str:
    """The branch, if it can be one; otherwise a UsageError."""
    if _BRANCH.match(branch):
        return branch
    raise UsageError(
        f"{branch[:60]!r} cannot be a branch", "use a name such as swarm or research/swarm"
    )


def check_exists(hub: str) -> None:
    """Refuse a local path where no repository is: no waiting brings that hub back."""
    place = address(hub)
    path = Path(place)
    if "://" in place or not path.is_absolute():
        return
    if not path.is_file() and not (path / "HEAD").exists() and not (path / ".git").exists():
        if path.is_dir() and any(path.iterdir()):
            raise UsageError(f"{place} is a folder, and no repository", "check the path")
        raise UsageError(
            f"there is no hub at {place}", f"check the path, or make one: gitcollab init {place}"
        )


def create_if_missing(hub: str, branch: str) -> bool:
    """Make a bare repository at a local path where there is nothing; whether one was made.

    Raises GitcollabError when the path is a file.
    """
    place = address(hub)
    path = Path(place)
    if "://" in place or not path.is_absolute():
        return False
    if path.exists() and not path.is_dir():
        raise GitcollabError(f"{path} is no folder, so no repository", "choose another path")
    if path.exists() and any(path.iterdir()):
        return False
    remote.create_bare(path, branch)
    return True
