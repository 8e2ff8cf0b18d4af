"""Undoing what broke the rules on a hub whose own door could not refuse it.

All commits after a good one are gone through again: those that are right on what the right ones
before them left are kept, the others are not; of one that is wrong about claims alone, the rest is.
What comes out is the hub's new state, in one commit that a maintainer signs. It may be done twice,
or by two at once: then the second finds it done.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.records import codec
from gitcollab.records.models import Retraction, Ruling, Task
from gitcollab.records.names import DERIVED, path_of
from gitcollab.records.signing import KeyPair, verify
from gitcollab.store.audit import Repository, Step
from gitcollab.store.snapshot import CLOCKS, Snapshot, utc_now
from gitcollab.store.upstream import Upstream
from gitcollab.swarm import derive, keyring, reading, rulebook, ruling
from gitcollab.swarm.roster import roster, rulings
from gitcollab.swarm.rulebook import Breach
from gitcollab.swarm.verifying import judge

_TRIES = 10  # pushes; somebody else's may come first
_FILES = 500  # that one ruling names
_LISTED = re.compile(r"[A-Za-z0-9._/-]{1,200}\Z")  # paths that a ruling can name

# What a record breaks on every hub, by what it says itself. Other rules may be broken by whoever
# copies a record of another's from where and when it was right.
_PROVING = ("owner",)


@dataclass(frozen=True)
class Mended:
    """What was done: the commit that undoes, what it undoes. No commit: there was nothing to."""

    commit: str | None
    undone: Sequence[str] = ()  # commits
    files: int = 0  # that are no agent's views
    suspended: Sequence[str] = ()  # agents


@dataclass
class _Replay:
    """The commits gone through again: what is kept of them, and who broke a rule."""

    clean: Snapshot
    after: Snapshot  # the hub with all of them, as far as their files were read
    kept: dict[str, bytes | None] = field(default_factory=dict)
    undone: list[str] = field(default_factory=list)
    offences: dict[str, datetime] = field(default_factory=dict)  # by agent, since when
    changed: set[str] = field(default_factory=set)
    unread: bool = False  # some commits' files
    late: bool = True  # whether they came some time ago

    def take(self, step: Step, now: datetime) -> None:
        """Keep the commit if it is right on what is kept."""
        self.changed.update(step.paths)
        self.after = step.after
        if not (wrong := judge(step, self.clean, now, late=self.late)):
            return self._keep(step)
        self.undone.append(step.commit)
        if all(breach.rule == "claim" for breach in wrong):
            # Who had the claim is told by clocks, which is no reason to lose a record for.
            theirs = {breach.path for breach in wrong}
            rest = {path: data for path, data in step.changes.items() if path not in theirs}
            without = replace(step, changes=rest)
            if not judge(without, self.clean, now, late=self.late):
                return self._keep(without)
        self.unread = self.unread or bool(step.faults)
        told = {breach for breach in wrong if breach.rule in _PROVING}
        if self.unread or not told:
            return None  # what was made upon unread files cannot be told
        # Wrong on what is left alone, or where it was made alone: nobody's fault.
        for breach in told & set(judge(step, step.before, now, late=self.late)):
            if (record := _proof(self.clean, step, breach, now)) is not None:
                since = min(record.created_at, now)
                self.offences[record.agent] = min(since, self.offences.get(record.agent, since))
        return None

    def _keep(self, step: Step) -> None:
        self.kept |= step.changes
        self.clean = self.clean.with_changes(step.changes)


def mend(
    repository: Repository,
    old: str | None,
    key: KeyPair | None,
    pages: derive.Pages | None,
    *,
    push: str | None = None,
    pusher: str = "",
    clock: Callable[[], datetime] = utc_now,
) -> Mended:
    """Undo on the hub what broke the rules in the commits after ``old`` (None: all of them).

    ``key`` is a maintainer's; None: one on this machine. An agent is suspended where its own
    signature on the offending record proves that it broke a rule; ``pusher`` is named otherwise.
    ``push``: what came up to that commit was one push, which is undone as a whole where it is more
    than a door lets through. Raises RefusedError, GitcollabError.
    """
    upstream, start, at = Upstream(repository), repository.snapshot(old), old
    replay = _Replay(start, start, late=push is None)
    for _ in range(_TRIES):
        tip, now = upstream.fetch(), clock()
        # What was gone through in an earlier try stays so.
        for step in repository.spans(at, tip, replay.after, push):
            replay.take(step, now)
        at = tip
        if not replay.undone and not _derived(replay, pages):
            return Mended(None)
        repair = _Repair(upstream, replay, old, tip, key, _reason(replay, pusher), now)
        mended = repair.push(pages)
        if mended is not None:
            return mended
    raise GitcollabError(f"the hub moved {_TRIES} times meanwhile", "try again")


def _derived(replay: _Replay, pages: derive.Pages | None) -> list[Breach]:
    return rulebook.derived_breaches(replay.after, replay.changed, derive.deriver(pages))


@dataclass(frozen=True)
class _Repair:
    """One try at the hub's new state."""

    upstream: Upstream
    replay: _Replay
    old: str | None
    tip: str
    key: KeyPair | None
    reason: str
    now: datetime

    def push(self, pages: derive.Pages | None) -> Mended | None:
        """Make and push it; None when the hub moved meanwhile."""
        task = reading.task_of(self.replay.clean, "this hub", "the state branch")
        maintainer = _maintainer(task, self.key)
        at = ruling.latest(self.replay.clean, self.now)
        suspensions = self._suspensions(maintainer, task, at)
        files = {path_of("ruling", r.id): codec.encode(r) for r in suspensions}
        derived = derive.deriver(pages)(self.replay.clean.with_changes(files))
        tree = self.upstream.tree(self.old, {**self.replay.kept, **files, **derived})
        differing = self.upstream.differing(self.tip, tree)
        if not differing:
            return Mended(None)
        undone = [
            (path, there)
            for path, there in ((raw.decode("utf-8", "replace"), there) for raw, there in differing)
            if _LISTED.match(path) and not DERIVED.match(path) and path not in files
        ]
        edits = self._edits(maintainer, task, at, undone)
        tree = self.upstream.with_files(
            tree, {path_of("ruling", r.id): codec.encode(r) for r in edits}
        )
        said = f"repair: {self.reason}\n\nGitcollab-Request: {secrets.token_hex(16)}\n"
        commit = self.upstream.push(tree, self.tip, said, maintainer[0], self.now)
        if commit is None:
            return None
        names = [r.subject for r in suspensions if r.subject]
        return Mended(commit, self.replay.undone, len(undone), names)

    def _suspensions(
        self, maintainer: tuple[str, KeyPair], task: Task, at: datetime
    ) -> list[Ruling]:
        people = roster(self.replay.clean)
        made = []
        for name, since in sorted(self.replay.offences.items()):
            agent = people.agents.get(name)
            if agent is not None and agent.status == "member" and name not in people.maintainers:
                about = {
                    "subject": name,
                    "since": since,
                    "reason": "its signed record broke a rule",
                }
                made.append(ruling.make(maintainer, task, at, "suspend", **about))
        return made

    def _edits(
        self,
        maintainer: tuple[str, KeyPair],
        task: Task,
        at: datetime,
        undone: Sequence[tuple[str, bool]],
    ) -> Iterator[Ruling]:
        paths = iter(undone)
        while piece := list(islice(paths, _FILES)):
            files = {path: self.replay.clean.read(path) if there else None for path, there in piece}
            yield ruling.edit(maintainer, task, at, files, self.reason)


def key_in(secret: str) -> KeyPair:
    """The private key in the text of an OpenSSH key file. Raises GitcollabError; tells nothing."""
    with TemporaryDirectory(prefix="gitcollab-") as folder:
        path = Path(folder) / "key"
        path.touch(mode=0o600)
        path.write_text(secret.strip().replace("\r\n", "\n") + "\n")
        try:
            return KeyPair.load(path)
        except GitcollabError:
            raise GitcollabError(
                "GITCOLLAB_MAINTAINER_KEY holds no ed25519 private key in OpenSSH's form",
                "put the whole text of a maintainer's key file into the secret",
            ) from None


def _maintainer(task: Task, key: KeyPair | None) -> tuple[str, KeyPair]:
    if key is None:
        return keyring.maintainer_key(task)
    for name, line in sorted(task.maintainers.items()):
        if line == key.public_line:
            return name, key
    raise RefusedError(
        "the key is no maintainer's of this hub",
        f"theirs are: {', '.join(sorted(task.maintainers))}",
    )


def _proof(clean: Snapshot, step: Step, breach: Breach, now: datetime) -> Retraction | None:
    """The record that its agent signed and that breaks the rule whoever put it there.

    Who the agent is, and what was decided, is as in ``clean``: whoever broke the rules before may
    have written anything since. In doubt there is none. (A ruling proves nothing: its maker may
    have been a maintainer in a history that somebody has taken away.)
    """
    record = step.after.record(breach.path)
    if not isinstance(record, Retraction):
        return None
    agent = roster(clean).agents.get(record.agent)
    if agent is None or agent.key is None or not verify(record, agent.key):
        return None
    if abs(record.created_at - step.moment(now)) > CLOCKS or clean.read(breach.path) is not None:
        return None
    if any(r.subject == agent.name and r.created_at >= record.created_at for r in rulings(clean)):
        return None  # maintainers know of it
    return record


def _reason(replay: _Replay, pusher: str) -> str:
    undone = ", ".join(commit[:12] for commit in replay.undone[:5]) or "derived files"
    more = f" and {len(replay.undone) - 5} more" if len(replay.undone) > 5 else ""
    name = re.sub(r"[^A-Za-z0-9_.\[\]-]+", "", pusher)[:60]
    by = f", pushed by {name}" if name and not replay.offences else ""
    return f"undoes {undone}{more}, which broke the rules{by}"
