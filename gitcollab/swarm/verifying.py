"""The rule book at a door: a range of commits, or a hub as it stands, judged and told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitcollab.store.audit import Repository, Step
from gitcollab.store.history import BadHistory
from gitcollab.store.serving import ALONE_KEY, setting
from gitcollab.store.snapshot import Snapshot, utc_now
from gitcollab.swarm import reading, rulebook, standing
from gitcollab.swarm.rulebook import Breach

if TYPE_CHECKING:
    from gitcollab.swarm.derive import Pages
    from gitcollab.swarm.member import Member

FOLDER = "gitcollab"  # in a hub's git directory: what its door remembers
NOBODY = "0" * 40  # how git writes that there is no commit
_ENOUGH = 200  # breaches; more need not be told
_SAID = 17  # of them to who pushes


class Found(NamedTuple):
    """A breach, or a flag, with the commit that made it (None: the hub as it stands)."""

    commit: str | None
    path: str
    rule: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """What was found. ``breaches`` break the rules; ``flags`` stand, and are to be replicated."""

    breaches: Sequence[Found]
    flags: Sequence[Found]
    commits: int = 0  # that were judged


def judge(step: Step, before: Snapshot, now: datetime, *, late: bool = False) -> list[Breach]:
    """The rules that a commit breaks on the hub ``before``; faults of its trees say enough.

    ``late``: it is not of now.
    """
    if step.faults:
        return [Breach(*fault) for fault in step.faults]
    state, moment = step.judged_on(before, now), step.moment(now) if late else now
    return rulebook.breaches(state, step.changes, step.message, moment, most=_ENOUGH)


def verify_range(
    repository: Repository,
    old: str | None,
    new: str,
    pages: Pages | None,
    now: datetime,
    *,
    flagging: bool = True,
    late: bool = False,
) -> Verdict:
    """Judge the commits after ``old`` (None: all) up to ``new``, each on the state before it.

    ``late``: they came some time ago, and are judged as of then.
    ``flagging`` tells results that nobody has to believe, too, which takes all results there are.
    """
    found: list[Found] = []
    changed: set[str] = set()
    after, commits = repository.snapshot(old), 0
    try:
        for step in repository.steps(old, new):
            commits += 1
            wrong = judge(step, step.before, now, late=late)
            found += (Found(step.commit, *breach) for breach in wrong)
            changed.update(step.changes)
            after = step.after
            if len(found) > _ENOUGH:
                break
    except BadHistory as e:
        found.append(Found(None, "", "history", f"{e.message}; {e.hint}" if e.hint else e.message))
    if found:
        return Verdict(found[:_ENOUGH], [], commits)
    wrong = rulebook.derived_breaches(after, changed, lambda state: _rebuild(state, pages))
    flagged = [flag for flag in standing.flags(after) if flag.path in changed] if flagging else []
    return Verdict(_told(new, wrong), _told(None, flagged), commits)


def _rebuild(state: Snapshot, pages: Pages | None) -> Mapping[str, bytes | None]:
    from gitcollab.swarm import derive  # what renders is imported when something is

    return derive.deriver(pages)(state)


def verify_all(repository: Repository, snapshot: Snapshot, pages: Pages | None) -> Verdict:
    """Judge the hub as it stands at the snapshot's tip, whoever did it.

    Derived files that are only out of date are breaches, too, here: ``gitcollab views`` mends them.
    """
    tip = snapshot.tip
    if tip is None:
        return Verdict([], [])
    wrong = [Breach(*fault) for fault in repository.tree_faults(tip)]
    wrong += standing.state_breaches(snapshot)
    stale = _rebuild(snapshot, pages)
    wrong += rulebook.derived_breaches(snapshot, stale, lambda _: stale)
    return Verdict(_told(None, wrong), _told(None, standing.flags(snapshot)))


def open_hub(
    hub: Path,
    branch: str,
    *,
    remembers: bool = True,
    also: Sequence[Path] = (),
    clock: Callable[[], datetime] = utc_now,
) -> Repository:
    """The hub in the git directory ``hub``; with what its door ``remembers``, if it has one."""
    repository = Repository(hub, branch, reading.COLUMNS, also=also, clock=clock)
    folder = repository.path / FOLDER
    if not (remembers and folder.is_dir()):
        return repository
    return Repository(hub, branch, reading.COLUMNS, folder=folder, also=also, clock=clock)


def copy_of(member: Member) -> Repository:
    """This host's copy of a member's hub."""
    return Repository(member.store.folder / "repo.git", member.config.branch, reading.COLUMNS)


# -- a hub's own door ------------------------------------------------------------------------------


def refusals(
    repository: Repository,
    pushed: Iterable[str],
    pages: Pages | None,
    ready: Callable[[], None] = lambda: None,
) -> list[str]:
    """Why a push is refused, in lines for who pushes; none when it is let through.

    ``pushed`` are the lines ``old new reference`` that git gives its hook (githooks(5)). ``ready``
    is called when the hub as it is has been read: what comes then is the push's own cost.
    """
    mine = f"refs/heads/{repository.branch}"
    found: list[str] = []
    for line in filter(str.strip, pushed):
        old, new, ref = line.split(maxsplit=2)
        if ref.casefold().rstrip() == mine.casefold():
            found += _refusals(repository, old, new, ref.rstrip() == mine, pages, ready)
        elif new != NOBODY and setting(repository.path, ALONE_KEY) == "true":
            return [f"this repository takes nothing but the branch {repository.branch}"]
    return found


def _refusals(
    repository: Repository,
    old: str,
    new: str,
    spelt: bool,
    pages: Pages | None,
    ready: Callable[[], None],
) -> list[str]:
    if not spelt or new == NOBODY:
        return [
            f"the branch {repository.branch} is the swarm's memory: it is not deleted or aliased"
        ]
    tip = repository.tip(copies=False)  # what else was pushed to the hub is not its branch
    if (tip or NOBODY) != old:
        return [MOVED]
    repository.snapshot(tip).note_arrivals()
    ready()
    verdict = verify_range(repository, tip, new, pages, utc_now(), flagging=False)
    if not verdict.breaches:
        repository.accept(new)
    return list(_said(verdict.breaches))


MOVED = "the branch moved; fetch, and build on its tip"


def _said(breaches: Sequence[Found]) -> Iterator[str]:
    if not breaches:
        return
    for one in breaches[:_SAID]:
        yield f"refused: {one.path}: {one.reason}" if one.path else f"refused: {one.reason}"
    if len(breaches) > _SAID:
        yield f"... and {len(breaches) - _SAID} more"
    yield "nothing was written; the rules are in collab.md, and `gitcollab verify` tells them too"


def _told(commit: str | None, breaches: Iterable[Breach]) -> list[Found]:
    return [Found(commit, *breach) for breach in breaches]
