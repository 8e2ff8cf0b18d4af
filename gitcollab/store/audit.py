"""A hub's history as it lies in a git directory, read to be judged: commit by commit, in place.

For a hub's own hook, whose new objects git keeps apart until they are accepted; for a copy, and for
a checkout. Nothing is fetched. Only accepted commits ever get into the index: what a push brings is
laid over them, so a refused one leaves no trace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from gitcollab.errors import UsageError
from gitcollab.git import command
from gitcollab.git.objects import ObjectStore
from gitcollab.git.rawtrees import MAX_BLOB_BYTES, Change, Difference, difference, path_fault
from gitcollab.records.quoting import escaped
from gitcollab.store.columns import Columns
from gitcollab.store.files import write_aside
from gitcollab.store.history import LATER, BadHistory, Link, chain, line, way
from gitcollab.store.index import Index
from gitcollab.store.past import Past
from gitcollab.store.sightings import Sighting
from gitcollab.store.snapshot import CLOCKS, Snapshot, utc_now

MAX_PUSH_BYTES = 100_000_000  # of changed files in one push
_MAX_TREE_ENTRIES = 50_000_000  # of a whole hub
MAX_MENDED_BYTES = 10 * MAX_PUSH_BYTES  # of changed files in these
_LOOKED_BACK = 200  # commits
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_POINTER_BYTES = 8192
_REMEMBERED = 64 * 200  # bytes of the newest accepted tips


class Fault(NamedTuple):
    """What is wrong with a push as git sees it, whoever wrote what."""

    path: str
    rule: str
    reason: str


@dataclass(frozen=True)
class Step:
    """One commit: the hub before it, what it changes, and what no commit may do.

    ``changes`` are the files whose contents differ, None where they are gone; none are told of a
    commit with faults. ``paths`` are all that differ and can be. ``since`` is when there was
    nothing of these commits yet, as far as history tells.
    """

    commit: str
    message: str
    before: Snapshot
    changes: Mapping[str, bytes | None]
    faults: Sequence[Fault]
    paths: Collection[str] = ()
    past: Past | None = None
    made: datetime = _LONG_AGO  # as it says
    since: datetime = _LONG_AGO

    def judged_on(self, before: Snapshot, now: datetime) -> Snapshot:
        """``before`` as this commit is judged on it.

        Where nobody remembers when claims arrived, they are as old as history says.
        """
        past = self.past
        if past is None:
            return before
        return before.arriving(past.up_to(self.commit, now))

    def moment(self, now: datetime) -> datetime:
        """When the commit was made, for who judges it later: as it says, within what can be."""
        return min(max(self.made, self.since), now)

    @property
    def after(self) -> Snapshot:
        """The hub with the commit."""
        return self.before.with_changes(self.changes)


class Repository:
    """The branch ``branch`` of a hub in the git directory ``path``.

    ``folder`` keeps the index and when commits were accepted; None: an index in memory, and claims
    are as old as the commits that put them there say. ``also`` are folders of objects that are not
    accepted yet.
    """

    def __init__(
        self,
        path: Path,
        branch: str,
        columns: Sequence[Columns] = (),
        *,
        folder: Path | None = None,
        also: Sequence[Path] = (),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.path = git_dir(path)
        self.branch = branch
        self.objects = ObjectStore(self.path, also)
        self._clock = clock
        self._accepted = None if folder is None else folder / "accepted"
        index = Path(":memory:") if folder is None else folder / "index.sqlite"
        self._past = Past(self.objects) if folder is None else None
        self._index = Index(index, lambda: self.objects, columns)

    def tip(self, *, copies: bool = True) -> str | None:
        """The branch's newest commit; with ``copies``, in a copy the one that was last fetched.

        None where there is none.
        """
        kinds = ("heads", "remotes/origin", "remotes/hub") if copies else ("heads",)
        refs = (f"refs/{kind}/{self.branch}" for kind in kinds)
        return next((tip for ref in refs if (tip := self.objects.tip(ref))), None)

    def resolve(self, name: str) -> str:
        """The commit that ``name`` (a hash, part of one, a reference) means. Raises UsageError."""
        ran = command.run_git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}",
            git_dir=self.path,
        )  # fmt: skip
        if ran.code != 0 or not ran.out.strip():
            raise UsageError(
                f"{self.path} holds no commit {name[:80]!r}",
                "fetch it first; of a shallow copy: git fetch --unshallow",
            )
        return ran.out.strip()

    def snapshot(self, commit: str | None) -> Snapshot:
        """The hub at ``commit``, which was accepted (None: there is no branch yet)."""
        seen = None if commit is None else self._seen(commit)
        return Snapshot(
            lambda: self.objects,
            self._index,
            commit,
            sighting=Sighting(seen, seen, timedelta(0)),
            clock=self._clock,
        )

    def standing(self, commit: str, now: datetime, behind: timedelta = timedelta(0)) -> Snapshot:
        """``snapshot``, to whom it is ``now``.

        Where nobody remembers how old claims are, history tells it; but for that a holder's clock
        may be so much ``behind``, see ``Past.standing``.
        """
        found = self.snapshot(commit)
        past = self._past
        return found if past is None else found.arriving(past.standing(commit, now, behind))

    def accept(self, commit: str) -> None:
        """Remember that ``commit`` became the newest one now: claims are as old as that."""
        if self._accepted is None:
            return
        line = f"{commit} {self._clock().isoformat()}\n"
        with suppress(OSError):  # only the age of claims is judged by it
            with self._accepted.open("a") as file:
                file.write(line)
            if self._accepted.stat().st_size > 2 * _REMEMBERED:
                write_aside(self._accepted, self._accepted.read_bytes()[-_REMEMBERED:])

    def steps(self, old: str | None, new: str) -> Iterator[Step]:
        """The commits after ``old`` (None: all there are) up to ``new``, each on the one before.

        Raises BadHistory where ``new`` does not follow ``old``.
        """
        links = chain(self.objects, old, new)
        left = MAX_PUSH_BYTES
        for step in self._steps(old, self.snapshot(old), links, left):
            left -= _size(step)
            if left >= 0:
                yield step
                continue
            yield replace(step, faults=[*step.faults, _too_large(MAX_PUSH_BYTES, "are pushed")])
            return

    def spans(
        self, old: str | None, new: str, before: Snapshot, push: str | None = None
    ) -> Iterator[Step]:
        """``steps``, whatever the history is like: what cannot be stepped through is at fault.

        See ``history.way``. ``before`` is the hub at ``old``. Raises BadHistory where ``new`` is no
        commit that can be read, or more came after ``old`` than is gone through at once.
        """
        left = MAX_MENDED_BYTES
        for step in self._steps(old, before, way(self.objects, old, new, push), MAX_PUSH_BYTES):
            left -= _size(step)
            if left < 0:
                raise BadHistory(f"more than {MAX_MENDED_BYTES} bytes were changed since", LATER)
            yield step

    def _steps(
        self, old: str | None, before: Snapshot, links: Sequence[Link], cap: int
    ) -> Iterator[Step]:
        """A step for each; one of more than ``cap`` bytes is at fault."""
        tree = None if old is None else self.objects.tree(old)
        # Who stands at the door judges by its own clock, see ``Step.moment``.
        since = _LONG_AGO if self._past is None else self._latest(old)
        latest = self._clock() + CLOCKS
        for commit, after, _, made, odd in links:
            found = difference(self.objects, tree, after)
            faults = [*([Fault("", "history", odd)] if odd else []), *_told(found)]
            if tree == after:
                faults.append(Fault("", "history", "it changes nothing"))
            if made > latest:
                faults.append(Fault("", "history", "it says it was made in the future"))
            # What is at fault is refused or undone whatever it holds: that is not read.
            changes = {} if faults else self._changes(found.changes, cap)
            paths, message = _paths(found), self._message(commit)
            step = Step(commit, message, before, changes, faults, paths, self._past, made, since)
            if _size(step) > cap:
                step = replace(step, changes={}, faults=[_too_large(cap, "are committed")])
            yield step
            before, tree = step.after, after

    def _message(self, commit: str) -> str:
        fields = self.objects.commit_fields(commit, math.inf)
        return "" if fields is None else fields.message

    def _latest(self, commit: str | None) -> datetime:
        """The latest time at which one of the newest commits up to ``commit`` was made.

        One alone may say what it likes; the others were made before it all the same.
        """
        now = self._clock()
        times = (link.made for link in islice(line(self.objects, commit), _LOOKED_BACK))
        return max((time for time in times if time <= now), default=_LONG_AGO)

    def tree_faults(self, commit: str) -> list[Fault]:
        """What is wrong with the whole tree of ``commit``, whoever did it."""
        tree = self.objects.tree(commit)
        return _told(difference(self.objects, None, tree, _MAX_TREE_ENTRIES, _MAX_TREE_ENTRIES))

    def _changes(self, changes: Sequence[Change], cap: int) -> dict[str, bytes | None]:
        """The contents that differ, at paths that can be; at most ``cap`` bytes and one file."""
        found: dict[str, bytes | None] = {}
        for change in changes:
            was, now = (e if e is not None and e.is_file else None for e in change[1:])
            same = was is not None and now is not None and was.oid == now.oid
            if path_fault(change.path) or same or cap < 0:
                continue
            data = None
            if now is not None and now.mode == b"100644" and self.objects.header(now.oid):
                data = self.objects.blob(now.oid, MAX_BLOB_BYTES)
            if data is not None or was is not None:
                found[change.path.decode()] = data
                cap -= len(data or b"")
        return found

    def _seen(self, commit: str) -> datetime | None:
        if self._accepted is None:
            return None
        with suppress(OSError, ValueError):
            for line in reversed(self._accepted.read_text().splitlines()):
                if line.startswith(commit):
                    return datetime.fromisoformat(line.split(" ")[1])
        return None


def git_dir(path: Path) -> Path:
    """The git directory that ``path`` is, or that the checkout ``path`` has. Raises UsageError.

    Of one of several work trees of a repository, it is the repository's.
    """
    if (found := _git_dir(path)) is None:
        raise UsageError(f"{path} is no git repository", "give a bare repository, or a checkout")
    return found


def is_git_dir(place: Path) -> bool:
    """Whether ``place`` itself is a git directory: a bare repository, or a checkout's .git."""
    return (place / "HEAD").is_file() and (place / "objects").is_dir()


def is_repository(path: Path) -> bool:
    """Whether ``path`` is a git directory, or a checkout that has one."""
    return _git_dir(path) is not None


def _git_dir(path: Path) -> Path | None:
    for place in (path, path / ".git"):
        with suppress(OSError, ValueError):  # what it points to is no path
            if is_git_dir(found := _pointed_to(place)):
                return found.absolute()
    return None


def _pointed_to(place: Path) -> Path:
    """Where the objects and branches are of the git directory ``place``: of a work tree (see git
    worktree), in the repository that it was made from. See gitrepository-layout(5).
    """
    if place.is_file():
        with place.open("rb") as file:
            said = file.read(_POINTER_BYTES).decode()
        pointer, _, rest = said.partition("gitdir: ")
        if pointer or not rest:
            return place
        place = (place.parent / rest.rstrip("\n")).resolve()
    common = place / "commondir"
    return (place / common.read_text().rstrip("\n")).resolve() if common.is_file() else place


def _told(found: Difference) -> list[Fault]:
    return [Fault(_inert(fault.path), "tree", fault.reason) for fault in found.faults]


def _paths(found: Difference) -> list[str]:
    return [change.path.decode() for change in found.changes if not path_fault(change.path)]


def _size(step: Step) -> int:
    """The bytes that a commit brings, as far as they were read."""
    return len(step.message) + sum(len(data) for data in step.changes.values() if data is not None)


def _too_large(cap: int, what: str) -> Fault:
    return Fault("", "size", f"more than {cap} bytes {what} at once")


def _inert(path: bytes) -> str:
    return escaped(path[:300].decode("utf-8", "backslashreplace"))
