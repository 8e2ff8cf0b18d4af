"""A hub from one of its clones: a whole state of it made and pushed, on condition of its tip.

For what cannot be said as changes to files: a state without what no file may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.git import command
from gitcollab.git.rawtrees import difference
from gitcollab.git.remote import Landed, Moved, Refused, Remote, Unreachable
from gitcollab.store.audit import Repository
from gitcollab.store.plan import signature
from gitcollab.store.serving import setting

_MAX_FILES = 1_000_000


class Upstream:
    """The hub that ``repository`` is a clone of: its remote ``origin``, or else itself."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._objects = repository.objects
        url = setting(repository.path, "remote.origin.url") or str(repository.path)
        self._remote = Remote(repository.path, url, repository.branch)

    def fetch(self) -> str:
        """The hub's tip, brought here. Raises HubUnreachable, HubEmpty."""
        self._remote.fetch()
        tip = self._objects.tip(self._remote.tracking)
        if tip is None:
            raise GitcollabError("the fetched tip is not there", "try again")
        return tip

    def holds(self, commit: str) -> bool:
        """Whether the hub, as last fetched, has the commit on its branch."""
        asked = ("merge-base", "--is-ancestor", commit, self._remote.tracking)
        return command.run_git(*asked, git_dir=self._repository.path).code == 0

    def tree(self, base: str | None, changes: Mapping[str, bytes | None]) -> str:
        """The tree of the commit ``base`` (None: empty) with ``changes``."""
        below = None if base is None else self._objects.tree(base)
        return self._objects.write_tree(below, changes)

    def with_files(self, tree: str, changes: Mapping[str, bytes | None]) -> str:
        """The tree ``tree`` with ``changes``."""
        return self._objects.write_tree(tree, changes)

    def differing(self, commit: str, tree: str) -> list[tuple[bytes, bool]]:
        """The paths at which ``tree`` differs from that of ``commit``; whether a file is there."""
        found = difference(self._objects, self._objects.tree(commit), tree, _MAX_FILES, 10**9)
        return [(change.path, change.now is not None) for change in found.changes]

    def push(self, tree: str, tip: str, message: str, author: str, now: datetime) -> str | None:
        """Make ``tree`` the hub's state, in one commit on ``tip``; None when the tip has moved.

        Raises RefusedError, or GitcollabError when there was no answer.
        """
        people = signature(author)
        commit = self._objects.commit(tree, tip, message, people, people, now)
        match self._remote.push(commit, expect=tip):
            case Landed():
                return commit
            case Moved():
                return None
            case Refused(reason=reason):
                raise RefusedError(f"the hub refused it: {reason}")
            case Unreachable(reason=reason, hint=hint):
                raise GitcollabError(f"the hub cannot be reached: {reason}", hint)
