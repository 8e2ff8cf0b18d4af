"""Verbs that keep a hub in order: views, sweep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import KEEP, Json, verb
from gitcollab.cli.choices import Branch, GitDir, branch_of
from gitcollab.cli.context import open_swarm, pages
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitcollab.store.audit import Repository


@verb(KEEP, "gitcollab views", "gitcollab views --git-dir CLONE")
def views(git_dir: GitDir = None, branch: Branch = None, json: Json = False) -> None:
    """Rebuild the hub's derived files and push what differs.

    They are best/, leaderboard.json and the pages: what anybody can compute from the records.
    With --git-dir no workspace, agent or key is needed: DIR is a git clone of the hub, whose remote
    `origin` gets what differs, or the hub itself.
    """
    from gitcollab.swarm import keeping

    if (repository := _opened(git_dir, branch)) is None:
        changed: Sequence[str] = open_swarm().views()
    else:
        changed = keeping.rebuild_views(repository, pages).changed
    if json:
        return jsonout.emit({"changed": list(changed)})
    if not changed:
        render.say("the views are right; nothing was changed")
    for path in changed:
        render.say("rebuilt", path)
    return None


@verb(KEEP, "gitcollab sweep", "gitcollab sweep --git-dir CLONE")
def sweep(git_dir: GitDir = None, branch: Branch = None, json: Json = False) -> None:
    """Remove claims that nobody renews from the hub.

    A claim that has expired holds nothing; this takes it off the hub's pages. `sync` does it too.
    With --git-dir as for `views`.
    """
    from gitcollab.swarm import keeping

    if (repository := _opened(git_dir, branch)) is None:
        swept: Sequence[str] = open_swarm().sweep()
    else:
        swept = keeping.sweep(repository).changed
    if json:
        return jsonout.emit({"swept": list(swept)})
    if not swept:
        render.say("no claim is stale")
    for experiment in swept:
        render.say("swept", experiment)
    return None


def _opened(git_dir: Path | None, branch: str | None) -> Repository | None:
    """The hub, or the clone of one, in ``git_dir``; None: the hub of this workspace is meant."""
    from gitcollab.store.hubs import check_branch
    from gitcollab.swarm.verifying import open_hub

    if git_dir is None:
        if branch is not None:
            raise UsageError("--branch goes with --git-dir", "a workspace knows its hub's branch")
        return None
    return open_hub(git_dir, check_branch(branch_of(git_dir, branch)))
