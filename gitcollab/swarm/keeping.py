"""Keeping a hub in order without being an agent of it: its derived files, its stale claims.

From any clone, or in the hub itself. Whoever does it comes to the same: nothing is signed, and the
rule book lets anybody do it. Each is one commit on the hub's tip, made again where that moved, and
none where there is nothing to do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gitcollab.errors import GitcollabError
from gitcollab.store.audit import Repository
from gitcollab.store.snapshot import CLOCKS, Snapshot, utc_now
from gitcollab.store.upstream import upstream_of
from gitcollab.swarm import claims, derive

WHO = "gitcollab"  # the author of these commits: nobody's work
_TRIES = 20  # pushes; somebody else's may come first


@dataclass(frozen=True)
class Kept:
    """What was done: the commit, and what it changed. No commit: there was nothing to do."""

    commit: str | None
    changed: Sequence[str] = ()


@dataclass(frozen=True)
class _Found:
    """What is to be done: the changes, the commit's subject, and what to tell of them."""

    changes: Mapping[str, bytes | None]
    subject: str
    told: Sequence[str]


def rebuild_views(
    repository: Repository,
    pages: derive.Pages | None,
    *,
    clock: Callable[[], datetime] = utc_now,
) -> Kept:
    """Rebuild the derived files of the hub; ``changed`` are the paths.

    ``repository`` is the hub, or a clone whose remote ``origin`` it is. Raises OfflineError,
    RefusedError, GitcollabError.
    """
    derived = derive.deriver(pages)

    def find(state: Snapshot) -> _Found:
        changes = derived(state)
        return _Found(changes, "rebuild the derived files", sorted(changes))

    return _keep(repository, find, clock)


def sweep(repository: Repository, *, clock: Callable[[], datetime] = utc_now) -> Kept:
    """Remove claims of the hub that are stale or nobody's; ``changed`` are their experiments.

    As for ``rebuild_views``. In a clone a claim is as old as its history tells: a shallow one finds
    fewer of them void, and none too early. Where nobody but its holder has written there since, it
    goes a day later: that clock alone says when it came, and may be behind.
    """

    def find(state: Snapshot) -> _Found:
        gone = claims.sweepable(state)
        return _Found(claims.removal(gone), claims.sweep_message(gone), gone)

    return _keep(repository, find, clock)


def _keep(
    repository: Repository, find: Callable[[Snapshot], _Found], clock: Callable[[], datetime]
) -> Kept:
    """Do what is found to do at the hub's tip, and again where that moved meanwhile."""
    upstream = upstream_of(repository)
    for _ in range(_TRIES):
        tip, now = upstream.fetch(), clock()
        found = find(repository.standing(tip, now, behind=CLOCKS))
        tree = upstream.tree(tip, found.changes)
        if tree == repository.objects.tree(tip):
            return Kept(None)
        # Its own name keeps equal commits of one second apart.
        said = f"{found.subject}\n\nGitcollab-Request: {secrets.token_hex(16)}\n"
        if commit := upstream.push(tree, tip, said, WHO, now):
            return Kept(commit, found.told)
    raise GitcollabError(f"the hub moved {_TRIES} times meanwhile", "try again")
