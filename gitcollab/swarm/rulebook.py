"""The rule book: what a commit may do to a hub. One implementation, asked at every door.

The client asks it before a push, a self-hosted hub in its pre-receive hook, a hosted one in its
workflow. Pure: a commit's changes are judged by the state before it, the commit's message and the
time. Everything is proved by signatures on records, never by who pushed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from gitcollab.errors import GitcollabError
from gitcollab.records import names
from gitcollab.records.codec import has_comment
from gitcollab.records.models import (
    AgentCard,
    Claim,
    Hypothesis,
    Owned,
    Record,
    Result,
    Retraction,
    Ruling,
    Signed,
    sha256,
)
from gitcollab.records.names import BESIDE, DERIVED, MAINTAINED, kind_of
from gitcollab.records.quoting import line
from gitcollab.records.signing import release, verify, verify_bytes
from gitcollab.similarity.program import fingerprint
from gitcollab.similarity.source import ProgramTooComplex
from gitcollab.store.decoding import Broken
from gitcollab.store.requests import NOT_DERIVED
from gitcollab.store.snapshot import CLOCKS, Snapshot
from gitcollab.swarm import admitting, claims, tracks
from gitcollab.swarm.commit import Commit, Reasons
from gitcollab.swarm.publishing import LIMITS
from gitcollab.swarm.roster import roster

_MOST_RECORDS = 100  # in one commit; a client makes one for each of its agents' records
_COSTLY = ("fingerprint", "patch")  # rules that cost most to judge: one breach is enough
_ADDED = ("result", "hypothesis", "insight", "retraction", "ruling")
_RELEASE = re.compile(
    rf"^{claims.RELEASE}: (\S{{1,100}}) (\S{{1,64}}) (\S{{1,100}})$", re.MULTILINE
)

Rebuild = Callable[[Snapshot], Mapping[str, bytes | None]]


class Breach(NamedTuple):
    """A rule that was broken: where, its name, and why in one line."""

    path: str
    rule: str
    reason: str


def breaches(
    before: Snapshot,
    changes: Mapping[str, bytes | None],
    message: str,
    now: datetime,
    *,
    most: int | None = None,
) -> list[Breach]:
    """The rules that a commit breaks which makes ``changes`` (None removes) to ``before``.

    ``most`` are enough: then the rest is not looked at. Derived files are passed over: they are
    judged at the newest commit, see ``derived_breaches``.
    """
    return list(islice(_Judge(before, changes, message, now).breaches(), most))


def rules(
    before: Snapshot, changes: Mapping[str, bytes | None], message: str, now: datetime
) -> list[str]:
    """``breaches`` in a line each: what the client's store asks before it pushes."""
    return [f"{b.reason} ({b.path})" for b in breaches(before, changes, message, now)]


def derived_breaches(after: Snapshot, changed: Collection[str], rebuild: Rebuild) -> list[Breach]:
    """Which of the ``changed`` derived files are not what anybody gets from the records.

    Those that a push leaves alone may be out of date: whoever writes them next mends them.
    """
    touched = [path for path in changed if DERIVED.match(path)]
    if not touched:
        return []
    wrong = rebuild(after)
    reason = f"{NOT_DERIVED} (another version of gitcollab, or made by hand)"
    return [Breach(path, "derived", reason) for path in sorted(touched) if path in wrong]


class _Judge(Commit):
    """What the rules say of one commit."""

    def breaches(self) -> Iterator[Breach]:
        """What is wrong: everything, or as much as can be told without much work."""
        if self._adds_too_much():
            yield Breach("", "size", f"one commit adds more than {_MOST_RECORDS} records")
            return
        for path, data in sorted(self.changes.items()):
            if DERIVED.match(path):
                continue
            for rule, reason in self._judge(path, data):
                yield Breach(path, rule, line(reason[:300]))
                if rule in _COSTLY:
                    return
        for agent, reason in self._floods():
            yield Breach(agent, "limit", reason)

    def _adds_too_much(self) -> bool:
        """Whether there are more new records than need be judged; those put back do not count."""
        records = [
            path for path, data in self.changes.items() if data is not None and kind_of(path)
        ]
        rulings = sum(path.startswith("rulings/") for path in records)
        return rulings > _MOST_RECORDS or len(records) > _MOST_RECORDS < sum(
            not self._is_explained(path, self.changes[path]) for path in records
        )

    # -- by place ----------------------------------------------------------------------------------

    def _judge(self, path: str, data: bytes | None) -> Reasons:
        record = self.record(path, data)
        if isinstance(record, Broken):
            yield "schema", record.reason
        elif self._is_explained(path, data):
            yield from self._judge_explained(path, data, record)
        elif isinstance(record, Signed) and has_comment(data or b""):
            yield "schema", "it holds a comment, which nobody has signed"
        elif MAINTAINED.match(path):
            yield "maintainers", "only a maintainer changes it, by a signed ruling in the commit"
        else:
            yield from self._judge_agents(path, data, record)

    def _judge_agents(self, path: str, data: bytes | None, record: Record | None) -> Reasons:
        kind, _ = kind_of(path) or ("", "")
        if kind in _ADDED:
            yield from self._judge_added(path, record)
        elif kind == "claim":
            standing = self.before.record(path)
            if isinstance(record, Claim):
                yield from self._claim(path, record, standing)
            elif isinstance(standing, Claim):
                yield from self._unclaim(standing)
        elif kind == "agent":
            yield from admitting.card(self, path, record)
        elif found := BESIDE.match(path):
            yield from self._beside(found["folder"], found["name"], data)
        elif data is not None or not _is_strange(path):
            yield "place", "nothing belongs there"

    def _is_explained(self, path: str, data: bytes | None) -> bool:
        if path not in self.explained:
            return False
        return self.explained[path] == (None if data is None else sha256(data))

    def _judge_explained(self, path: str, data: bytes | None, record: Record | None) -> Reasons:
        """Maintainers put back and take away; they do not speak for others."""
        if isinstance(record, Signed) and not self.people.signed(record):
            yield "signature", f"it is not signed by a key of {record.agent}"
        beside = BESIDE.match(path)
        if beside and record is None and data is not None:
            result = self.after.record(f"{beside['folder']}/result.yaml")
            signed = result.files.get(beside["name"]) if isinstance(result, Result) else None
            if signed != sha256(data):
                yield "signature", "it is not the file that was signed"

    def _judge_added(self, path: str, record: Record | None) -> Reasons:
        if not isinstance(record, Owned) or self.before.read(path) is not None:
            yield "append-only", "records are added once, and neither changed nor removed"
            return
        if isinstance(record, Ruling):
            yield from self.against(record)
            return
        if unproved := list(self._by_member(record)):
            yield from unproved  # and the rest costs more than whoever wrote it is owed
        elif isinstance(record, Result):
            yield from self._result(record)
        elif isinstance(record, Retraction):
            yield from self._retraction(record)
        elif isinstance(record, Hypothesis):
            yield from self._hypothesis(record)

    # -- by kind -----------------------------------------------------------------------------------

    def _by_member(self, record: Signed) -> Reasons:
        """Signed by its agent's present key, who is a member, and made in its time here."""
        agent = self.people.agents.get(record.agent)
        if agent is None or agent.key is None:
            yield "member", f"{record.agent} has no card that proves its key"
            return
        if agent.status != "member":
            waits = {"waiting": "waits for a maintainer to admit it", "suspended": "is suspended"}
            yield "member", f"{record.agent} {waits.get(agent.status, 'is no member')}"
        if not verify(record, agent.key):
            yield "signature", f"it is not signed by the key of {record.agent}"
        card = self.after.record(names.path_of("agent", record.agent))
        joined = card.created_at if isinstance(card, AgentCard) else record.created_at
        if not joined - CLOCKS <= record.created_at <= self.now + CLOCKS:
            yield "time", "it says it was made before its agent joined, or in the future"

    def _result(self, result: Result) -> Reasons:
        if result.hardware.tier in tracks.RESERVED:
            yield "schema", f"no tier of hardware is called {result.hardware.tier}"
        folder = names.folder_of(result.id)
        for name, digest in sorted(result.files.items()):
            data = self.changes.get(f"{folder}/{name}")
            if name not in LIMITS:
                yield "place", f"a result has no file {name}"
            elif data is None or sha256(data) != digest:
                yield "signature", f"{name} is not the file that was signed"
            elif len(data) > LIMITS[name]:
                yield "size", f"{name} has more than {LIMITS[name]} bytes"
        yield from self._program(result, self.changes.get(f"{folder}/{names.PROGRAM_PATH}"))
        other = self.after.record(names.path_of("result", result.replicates or "-/-"))
        if isinstance(other, Result) and other.fingerprint != result.fingerprint:
            yield "fingerprint", f"it runs another program than {other.id}, which it replicates"

    def _program(self, result: Result, data: bytes | None) -> Reasons:
        """What a program is ranked as is not its agent's to say."""
        if result.fingerprint is None:
            if result.status == "ok":
                yield "fingerprint", "it was measured and does not say which program it is"
            return
        if data is None:
            yield "fingerprint", "it names a program and does not hold it"
            return
        try:
            if fingerprint(data.decode()) != result.fingerprint:
                yield "fingerprint", "its program is another one than it says"
        except (UnicodeDecodeError, ProgramTooComplex) as e:
            yield "fingerprint", f"its program cannot be read: {e}"

    def _retraction(self, record: Retraction) -> Reasons:
        kind, target = kind_of(record.target) or ("", "")
        if kind not in _ADDED or target.split("/")[0] != record.agent:
            yield "owner", "an agent withdraws records of its own"

    def _hypothesis(self, record: Hypothesis) -> Reasons:
        if record.patch is None or self.task is None:
            return
        from gitcollab.swarm.patching import touched

        try:
            others = touched(record.patch) - set(self.task.editable)
        except GitcollabError as e:
            yield "patch", e.message
            return
        if others:
            yield "patch", f"its patch changes {', '.join(sorted(others))[:100]}"

    def _beside(self, folder: str, name: str, data: bytes | None) -> Reasons:
        """A file beside a result comes with its record, and is named there."""
        path = f"{folder}/result.yaml"
        result = self.record(path, self.changes.get(path))
        if data is None and not self._is_named(path, name):
            return  # removing what belongs to no result is a service
        if data is None or self.before.read(f"{folder}/{name}") is not None:
            yield "append-only", "a result's files are neither changed nor removed"
        elif not isinstance(result, Result):
            yield "place", "a file of a result comes together with its record"
        elif name not in result.files:
            yield "place", "its record does not name it"

    def _is_named(self, path: str, name: str) -> bool:
        standing = self.before.record(path)
        return isinstance(standing, Result) and name in standing.files

    # -- claims ------------------------------------------------------------------------------------

    def _claim(self, path: str, claim: Claim, standing: Record | None) -> Reasons:
        yield from self._by_member(claim)
        whose = (claim.nonce, claim.agent)
        same = isinstance(standing, Claim) and (standing.nonce, standing.agent) == whose
        if isinstance(standing, Claim) and same and standing.expires_at >= claim.expires_at:
            yield "claim", "a renewal lets it expire later"
        elif isinstance(standing, Claim) and not same and self._in_force(standing):
            yield "claim", f"{standing.agent} holds it"
        elif not same and self._is_over(path, claim):
            yield "claim", "it is over: it was there before, or has long expired"

    def _is_over(self, path: str, claim: Claim) -> bool:
        """Whether somebody, anybody, puts there again what its holder once signed."""
        return claim.expires_at < self.now - CLOCKS or self.before.had(path, claim.term)

    def _unclaim(self, standing: Claim) -> Reasons:
        if not self._in_force(standing) or self._published(standing) or self._released(standing):
            return
        yield "claim", f"{standing.agent} holds it, and has not given it back"

    def _in_force(self, claim: Claim) -> bool:
        known = roster(self.before)
        if self.task is None or not known.trusts(claim):
            return False
        return claims.holds(self.before, claim, self.task)

    def _published(self, claim: Claim) -> bool:
        """Whether its holder publishes the result that it was claimed for."""
        return any(
            isinstance(r, Result) and (r.experiment, r.claim) == (claim.id, claim.nonce)
            for r in self.added(claim.agent)
        )

    def _released(self, claim: Claim) -> bool:
        agent = self.people.agents.get(claim.agent)
        said = release(claim.id, claim.nonce)
        return any(
            (experiment, nonce) == (claim.id, claim.nonce)
            and any(verify_bytes(said, signature, key) for key in (agent.keys if agent else ()))
            for experiment, nonce, signature in _RELEASE.findall(self.message)[:300]
        )

    # -- floods ------------------------------------------------------------------------------------

    def _floods(self) -> Reasons:
        from gitcollab.swarm.flooding import floods, joining

        if self.task is not None and self.before.tip is not None:
            if why := joining(self.before, self.task, self._joining(), self.now):
                yield "agents/", why
            agents = {r.agent for r in self.signed() if not isinstance(r, Ruling)}
            for agent in sorted(agents):
                for reason in floods(self.after, self.task, agent, self.signed(), self.now):
                    yield agent, reason

    def _joining(self) -> int:
        """How many agents join by this commit."""
        cards = (path for path in self.changes if path.startswith("agents/"))
        return sum(self.before.read(path) is None for path in cards)


def _is_strange(path: str) -> bool:
    """Whether nothing of ours lives at the path: removing such a file is a service."""
    return not (kind_of(path) or MAINTAINED.match(path) or BESIDE.match(path))
