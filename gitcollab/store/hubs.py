"""Addresses of hubs, and making a local one."""

from __future__ import annotations

from pathlib import Path

from gitcollab.errors import GitcollabError
from gitcollab.git import remote

address = remote.address


def create_if_missing(hub: str, branch: str) -> bool:
    """Make a bare repository at a local path where there is nothing; whether one was made.

    Raises GitcollabError when the path is a file.
    """
    place = address(hub)
    path = Path(place)
    if "://" in place or not path.is_absolute():
        return False
    if path.is_file():
        raise GitcollabError(f"{path} is a file, not a repository", "choose another path")
    if path.exists() and any(path.iterdir()):
        return False
    remote.create_bare(path, branch)
    return True
