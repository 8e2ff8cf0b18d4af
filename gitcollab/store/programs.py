"""A file as it was at the commits of somebody's git repository, which is only read."""

from __future__ import annotations

import re
from pathlib import Path

from gitcollab.errors import UsageError
from gitcollab.git import command
from gitcollab.git.failures import CacheCorrupt
from gitcollab.git.objects import ObjectStore

_COMMIT = re.compile(r"[0-9a-fA-F]{4,64}")


class Programs:
    """The file ``name`` in the repository (or checkout, or folder of one) ``repo``.

    Raises UsageError where there is none.
    """

    def __init__(self, repo: Path, name: str) -> None:
        ran = command.run_git("-C", str(repo.absolute()), "rev-parse", "--git-common-dir")
        self._git_dir = (repo.absolute() / ran.out.strip()).resolve()
        if ran.code != 0 or not ran.out.strip():
            said = ran.err.strip().partition("\n")[0].removeprefix("fatal: ")
            raise UsageError(f"{repo} cannot be read as a git repository: {said}", "give another")
        self._name = name
        self._objects = ObjectStore(self._git_dir)

    def at(self, commit: str, cap: int) -> bytes | None:
        """The file's bytes at a commit (its hash, or the beginning of one).

        None where there is no such commit, or no such file of at most ``cap`` bytes in it.
        """
        if not _COMMIT.fullmatch(commit):
            return None
        ran = command.run_git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}",
            git_dir=self._git_dir,
        )  # fmt: skip
        if ran.code != 0:
            return None
        try:
            tree = self._objects.tree(ran.out.strip())
            entry = self._objects.find(tree, self._name)
            return self._objects.blob(entry.oid, cap) if entry and entry.is_file else None
        except CacheCorrupt:
            return None
