"""A file as it was at the commits of somebody's git repository, which is only read.

The repository may be a stranger's: its objects are read in process, and none of its settings.
"""

from __future__ import annotations

import re
from pathlib import Path

from gitcollab.errors import UsageError
from gitcollab.git import command
from gitcollab.git.failures import CacheCorrupt
from gitcollab.git.objects import ForeignObjects

_COMMIT = re.compile(r"[0-9a-fA-F]{4,40}")


class Programs:
    """The file ``name`` in the repository (or checkout, or folder of one) ``repo``.

    ``incomplete`` tells whether the repository lacked an object that was looked for, or had a
    damaged one. Raises UsageError where there is no repository.
    """

    def __init__(self, repo: Path, name: str) -> None:
        self._name = name
        self._objects = _objects(repo)
        self.incomplete = False

    def at(self, commit: str, cap: int) -> bytes | None:
        """The file's bytes at a commit (its hash, or the beginning of one; never a branch).

        None where there is no such commit, or no such file of at most ``cap`` bytes in it.
        """
        if not _COMMIT.fullmatch(commit):
            return None
        try:
            name = self._objects.commit_named(commit)
            if name is None:
                return None
            entry = self._objects.find(self._objects.tree(name), self._name)
            return self._objects.blob(entry.oid, cap) if entry and entry.is_file else None
        except CacheCorrupt:
            self.incomplete = True
            return None


def _objects(repo: Path) -> ForeignObjects:
    """Where git finds the repository, which looks at whose it is too, and runs nothing for it."""
    asked = ("rev-parse", "--git-common-dir", "--show-object-format")
    ran = command.run_git("-C", str(repo.absolute()), "-c", "protocol.allow=never", *asked)
    folder, _, form = ran.out.rstrip("\n").rpartition("\n")
    if ran.code != 0 or not folder:
        said = ran.err.strip().partition("\n")[0].removeprefix("fatal: ")
        raise UsageError(f"{repo} cannot be read as a git repository: {said}", "give another")
    if form != "sha1":
        raise UsageError(f"{repo} names its objects by {form}, which is not read", "give another")
    try:
        return ForeignObjects((repo.absolute() / folder).resolve())
    except CacheCorrupt as e:
        raise UsageError(f"{repo} cannot be read as a git repository", "give another") from e
