"""A hub from one of its clones: a whole state of it made and pushed, on condition of its tip.

For what cannot be said as changes to files: a state without what no file may be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from gitcollab.errors import (
    GitcollabError,
    OfflineError,
    RefusedError,
    UsageError,
    without_credentials,
)
from gitcollab.git import command, failures
from gitcollab.git.rawtrees import difference
from gitcollab.git.remote import Landed, Moved, Refused, Remote, Unreachable
from gitcollab.store.audit import Repository
from gitcollab.store.plan import signature
from gitcollab.store.serving import BRANCH_KEY, setting

_MAX_FILES = 1_000_000
_LOCKED = re.compile(r"unable to create|File exists|cannot lock ref .* but expected", re.IGNORECASE)


class Upstream:
    """The hub that ``repository`` is a clone of: its remote ``origin``, or else itself."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._objects = repository.objects
        url = setting(repository.path, "remote.origin.url") or str(repository.path)
        self._url = without_credentials(url)
        self._remote = Remote(repository.path, url, repository.branch)

    def fetch(self) -> str:
        """The hub's tip, brought here. Raises HubUnreachable, and UsageError where it is no hub."""
        try:
            self._remote.fetch()
        except failures.HubEmpty as e:
            raise self._no_branch() from e
        tip = self._objects.tip(self._remote.tracking)
        if tip is None:
            raise GitcollabError("the fetched tip is not there", "try again")
        return tip

    def _no_branch(self) -> UsageError:
        branch = self._repository.branch
        return UsageError(f"{self._url} holds no branch {branch}", "name it by --branch")

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

        Raises RefusedError, or OfflineError when there was no answer.
        """
        commit = self._commit(tree, tip, message, author, now)
        match self._remote.push(commit, expect=tip):
            case Landed():
                return commit
            case Moved():
                return None
            case Refused(reason=reason):
                raise RefusedError(f"the hub refused it: {reason}")
            case Unreachable(reason=reason, hint=hint):
                raise OfflineError(f"the hub cannot be reached: {reason}", hint)

    def _commit(self, tree: str, tip: str, message: str, author: str, now: datetime) -> str:
        people = signature(author)
        return self._objects.commit(tree, tip, message, people, people, now)


class InPlace(Upstream):
    """The hub that ``repository`` itself is. Its door is not asked, and none of its hooks runs."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self._ref = f"refs/heads/{repository.branch}"
        if place := self._checked_out():
            raise UsageError(
                f"{place} has the branch {repository.branch} checked out, and no remote origin",
                "give a hub's git directory, or a clone of one",
            )

    def _checked_out(self) -> str | None:
        """The work tree whose files would stay as they are; None: there is none."""
        listed = command.run_git("worktree", "list", "--porcelain", git_dir=self._repository.path)
        for told in listed.out.split("\n\n"):
            lines = told.split("\n")
            if f"branch {self._ref}" in lines and not any(x.startswith("prunable") for x in lines):
                return lines[0].removeprefix("worktree ")
        return None

    def fetch(self) -> str:
        """The hub's tip. Raises UsageError where it is no hub."""
        tip = self._repository.tip(copies=False)
        if tip is None:
            raise self._no_branch()
        return tip

    def holds(self, commit: str) -> bool:
        """Whether the hub has the commit on its branch."""
        asked = ("merge-base", "--is-ancestor", commit, self._ref)
        return command.run_git(*asked, git_dir=self._repository.path).code == 0

    def push(self, tree: str, tip: str, message: str, author: str, now: datetime) -> str | None:
        """As for a clone. Raises GitcollabError where the hub cannot be written."""
        repository = self._repository
        commit = self._commit(tree, tip, message, author, now)
        # As its door does: what came so far is as old as it is, and this comes now.
        repository.snapshot(tip).note_arrivals()
        repository.accept(commit)
        ran = command.run_git("update-ref", self._ref, commit, tip, git_dir=repository.path)
        if ran.code == 0:
            return commit
        if repository.tip(copies=False) != tip or _LOCKED.search(ran.err):
            return None
        raise GitcollabError(
            f"{repository.path} cannot be written: {failures.words(ran.err)}",
            "run this as the hub's owner",
        )


def upstream_of(repository: Repository) -> Upstream:
    """The hub that ``repository`` is, or else that it is a clone of.

    One that has no remote ``origin`` is a hub, and so is one with a door, wherever it came from.
    """
    served = setting(repository.path, BRANCH_KEY) is not None
    cloned = setting(repository.path, "remote.origin.url") is not None
    return Upstream(repository) if cloned and not served else InPlace(repository)
