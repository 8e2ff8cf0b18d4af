"""The verb of the rule book: verify."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import KEEP, Json, verb
from gitcollab.cli.choices import Branch, GitDir, branch_of
from gitcollab.cli.context import open_swarm, pages
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.store.audit import Repository
    from gitcollab.swarm.mending import Mended
    from gitcollab.swarm.verifying import Found, Verdict

_REFUSED = 4
_REPAIR = "gitcollab verify OLD.. --repair --git-dir CLONE, a git clone of the hub"
_SHOWN = 50  # of what was found; --json gives all
_PUSH_SECONDS = 60  # that judging one push may take


@verb(
    KEEP,
    "gitcollab verify",
    "gitcollab verify HEAD~3..HEAD --git-dir ~/hubs/gpt.git",
    "gitcollab verify --all --json",
)
def verify(
    commits: Annotated[
        str | None, typer.Argument(metavar="[OLD..NEW]", help="Only these commits.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The hub as it stands. This is the default.")
    ] = False,
    git_dir: GitDir = None,
    branch: Branch = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Undo what breaks the rules; for maintainers.")
    ] = False,
    one_push: Annotated[
        bool,
        typer.Option("--one-push", help="The commits came just now, in one push: 1,000 may."),
    ] = False,
    pre_receive: Annotated[
        bool, typer.Option("--pre-receive", hidden=True, help="Be a hub's hook.")
    ] = False,
    json: Json = False,
) -> int:
    """Check a hub by the rule book.

    Signatures, who may write what, what is never changed, limits, and that no file can trick
    anybody. Results that nobody has to believe are flagged: they stand, and are to be repeated.
    With OLD..NEW each commit is judged on the state before it.

    --repair undoes on the hub (the remote `origin` of DIR) what the commits after OLD broke, in one
    commit that a maintainer signs: the key in $GITCOLLAB_MAINTAINER_KEY, or on this machine. Where
    history was rewritten, what that took away comes back.

    Exit codes: 0 nothing breaks a rule, 4 something does.
    """
    if everything and (commits or repair):
        raise UsageError("--all and a range of commits are two things", "give one of them")
    if pre_receive:
        return _pre_receive(git_dir or Path(), branch)
    if repair:
        return _repair(git_dir, branch, commits, one_push=one_push, json=json)
    verdict = _verdict(git_dir, branch, commits, late=not one_push)
    if json:
        told = ("breaches", "flags")
        rows = {name: [one._asdict() for one in getattr(verdict, name)] for name in told}
        jsonout.emit(rows | {"commits": verdict.commits})
    else:
        _tell(verdict)
    return _REFUSED if verdict.breaches else 0


def _verdict(
    git_dir: Path | None, branch: str | None, commits: str | None, *, late: bool
) -> Verdict:
    """Of the hub at ``git_dir``; None: of this workspace's, or of the clone that this folder is."""
    from gitcollab.store.audit import is_repository
    from gitcollab.swarm.workspace import NotJoined

    if git_dir is not None:
        return _in_place(git_dir, branch, commits, late=late)
    try:
        return _in_workspace(commits, late=late)
    except NotJoined:
        if not is_repository(Path()):
            raise
        return _in_place(Path(), branch, commits, late=late)


def _in_place(git_dir: Path, branch: str | None, commits: str | None, *, late: bool) -> Verdict:
    from gitcollab.swarm import verifying

    repository = verifying.open_hub(git_dir, branch_of(git_dir, branch), remembers=commits is None)
    if commits is not None:
        return _range(repository, commits, late=late)
    tip = repository.tip()
    if tip is None:
        raise UsageError(f"{git_dir} holds no branch {repository.branch}", "name it by --branch")
    return verifying.verify_all(repository, repository.snapshot(tip), pages)


def _in_workspace(commits: str | None, *, late: bool) -> Verdict:
    from gitcollab.swarm import verifying

    member = open_swarm().member
    snapshot = member.store.refresh()
    copy = verifying.copy_of(member)
    if commits is not None:  # the copy is bare, and its HEAD means nothing
        newest = re.sub(r"\bHEAD\b", snapshot.tip or "HEAD", commits)
        return _range(copy, newest, late=late)
    return verifying.verify_all(copy, snapshot, pages)


def _range(repository: Repository, commits: str, *, late: bool) -> Verdict:
    from gitcollab.store.snapshot import utc_now
    from gitcollab.swarm import verifying

    old, new = _ends(repository, commits)
    return verifying.verify_range(repository, old, new, pages, utc_now(), late=late)


def _ends(repository: Repository, commits: str) -> tuple[str | None, str]:
    """The commits that ``OLD..NEW`` names; OLD is None where it is empty or all zeros.

    NEW left out is the newest of the hub's branch.
    """
    from gitcollab.swarm.verifying import NOBODY

    old, dots, new = commits.partition("..")
    if not dots or "..." in commits:
        raise UsageError(f"{commits[:80]!r} is no range of commits", "as in OLD..NEW")
    new = new or repository.tip() or "HEAD"
    return None if old in ("", NOBODY) else repository.resolve(old), repository.resolve(new)


def _repair(
    git_dir: Path | None, branch: str | None, commits: str | None, *, one_push: bool, json: bool
) -> int:
    from gitcollab.store.upstream import Upstream
    from gitcollab.swarm import mending, verifying

    if commits is None:
        raise UsageError("from which commit on?", f"as in: {_REPAIR}")
    try:
        place = git_dir or Path()
        repository = verifying.open_hub(place, branch_of(place, branch), remembers=False)
    except UsageError as e:
        raise e if git_dir else UsageError("a repair takes a clone of the hub", _REPAIR) from e
    old, new = _ends(repository, commits)
    secret = os.environ.get("GITCOLLAB_MAINTAINER_KEY")
    key = mending.key_in(secret) if secret else None
    pusher = os.environ.get("GITHUB_ACTOR", "")
    push = new if one_push else None
    report = mending.mend(repository, old, key, pages, push=push, pusher=pusher)
    if json:
        jsonout.emit(jsonout.flat(report))
    else:
        _tell_repair(report, "" if Upstream(repository).holds(new) else new)
    return 0


def _tell_repair(report: Mended, elsewhere: str) -> None:
    """``elsewhere`` is the commit that was asked about where the hub does not have it."""
    if report.commit is None:
        why = f": the commit {elsewhere[:12]} is not on the hub" if elsewhere else ""
        return render.say(f"there is nothing to undo{why}")
    undone = render.count(len(report.undone), "commit")
    render.say(f"undid {undone} ({render.count(report.files, 'file')}) in {report.commit[:12]}")
    for name in report.suspended:
        render.say("suspended", name, "whose own signature is on what broke a rule")
    return None


# -- what people read ------------------------------------------------------------------------------


def _tell(verdict: Verdict) -> None:
    judged = f" in {render.count(verdict.commits, 'commit')}" if verdict.commits else ""
    if verdict.breaches:
        render.say(f"{render.count(len(verdict.breaches), 'breach', 'breaches')}{judged}")
        _table(verdict.breaches)
    else:
        render.say(f"nothing breaks a rule{judged}")
    if verdict.flags:
        print()
        render.say(f"{render.count(len(verdict.flags), 'flag')}: results to be repeated by others")
        _table(verdict.flags)


def _table(found: Sequence[Found]) -> None:
    shown = found[:_SHOWN]
    titles = (
        render.Column("rule", 14, whole=True),
        render.Column("path", None, whole=True),
        render.Column("why", None, whole=True),
    )
    render.table(titles, [(one.rule, one.path or "-", one.reason) for one in shown])
    if len(found) > len(shown):
        render.say(f"... and {len(found) - len(shown)} more (--json gives all)")


# -- a hub's own door ------------------------------------------------------------------------------


def _pre_receive(git_dir: Path, branch: str | None) -> int:
    """Judge what git hands its hook. What is printed goes to who pushes, one line a reason."""
    from gitcollab.swarm import verifying

    apart = os.environ.get("GIT_QUARANTINE_PATH") or os.environ.get("GIT_OBJECT_DIRECTORY")
    hub = verifying.open_hub(
        git_dir, branch_of(git_dir, branch), also=[Path(apart).absolute()] if apart else []
    )
    said = verifying.refusals(hub, sys.stdin.read().splitlines(), pages, _limit_time)
    for text in said:
        render.say(text)
    return _REFUSED if said else 0


def _limit_time() -> None:
    """Let the kernel end us when the time is over, whatever we are in; the hook then refuses."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_PUSH_SECONDS)
