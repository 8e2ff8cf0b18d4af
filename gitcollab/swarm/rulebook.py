"""The rule book: what a commit may do to a hub. One implementation, asked at every door.

The client asks it before a push, a self-hosted hub in its pre-receive hook, a hosted one in its
workflow. Pure: a commit's changes are judged by the state before it, the commit's message and the
time. Everything is proved by signatures on records, never by who pushed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from gitcollab.errors import GitcollabError
from gitcollab.records import names
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
    Task,
    sha256,
)
from gitcollab.records.names import TASK_PATH, kind_of
from gitcollab.records.signing import keys_of, release, verify, verify_bytes
from gitcollab.similarity.program import fingerprint
from gitcollab.similarity.source import ProgramTooComplex
from gitcollab.store.decoding import Broken, decode_at
from gitcollab.store.requests import NOT_DERIVED
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import claims, reading
from gitcollab.swarm.publishing import LIMITS
from gitcollab.swarm.roster import Roster, invited, roster, rulings

CLOCKS = timedelta(days=1)  # clocks that differ by more are broken, not skewed

# Files that are no agent's to change.
MAINTAINED = re.compile(
    r"(task\.yaml|synonyms\.yaml|train\.py|collab\.md|\.github/workflows/[a-z0-9._-]{1,80}\.ya?ml)\Z"
)
DERIVED = re.compile(r"(README\.md|LEADERBOARD\.md|leaderboard\.json|best/.+)\Z")
_BESIDE = re.compile(r"(?P<folder>results/[^/]+/[^/]+)/(?P<name>[^/]+)\Z")
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
    before: Snapshot, changes: Mapping[str, bytes | None], message: str, now: datetime
) -> list[Breach]:
    """The rules that a commit breaks which makes ``changes`` (None removes) to ``before``.

    Derived files are passed over: they are judged at the newest commit, see ``derived_breaches``.
    """
    return list(_Commit(before, changes, message, now).breaches())


def rules(
    before: Snapshot, changes: Mapping[str, bytes | None], message: str, now: datetime
) -> list[str]:
    """``breaches`` in a line each: what the client's store asks before it pushes."""
    return [f"{b.path}: {b.reason}" for b in breaches(before, changes, message, now)]


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


def state_breaches(snapshot: Snapshot) -> list[Breach]:
    """What is wrong with a hub as it stands, whoever did it."""
    return [*_misplaced(snapshot), *_unproved(snapshot), *_unruled(snapshot)]


def flags(snapshot: Snapshot) -> list[Breach]:
    """Results that nobody has to believe: they stand, and do not rank before they are confirmed."""
    from gitcollab.swarm.grouping import counting, flagged_keys, grouped

    task = reading.task_of(snapshot, "this hub", "the state branch")
    known = {run.id: run for run in reading.runs(snapshot) if run.task == task.digest}
    counts = counting(task)
    found = [
        Breach(names.path_of("result", run.id), "plausible", "it is outside what the task believes")
        for run in known.values()
        if run.status == "ok" and not counts(run)
    ]
    drafts = grouped(run for run in known.values() if counts(run))
    for key in flagged_keys(task, drafts, known, reading.baseline(snapshot)):
        reason = "so large a step has to be confirmed by another agent"
        path = names.path_of("result", drafts[key].first.id)
        found.append(Breach(path, "plausible", reason))
    return sorted(found)


@dataclass
class _Commit:
    """One commit that is judged."""

    before: Snapshot
    changes: Mapping[str, bytes | None]
    message: str
    now: datetime
    _decoded: dict[str, Record | Broken] = field(default_factory=dict)

    def breaches(self) -> Iterator[Breach]:
        """Everything that is wrong."""
        for path, data in sorted(self.changes.items()):
            if DERIVED.match(path):
                continue
            for rule, reason in self._judge(path, data):
                yield Breach(path, rule, _line(reason))
        for agent, reason in self._floods():
            yield Breach(agent, "limit", reason)

    # -- what the rules are judged by --------------------------------------------------------------

    @cached_property
    def after(self) -> Snapshot:
        """The hub with the commit."""
        return self.before.with_changes(self.changes)

    @cached_property
    def task(self) -> Task | None:
        """The task before the commit; the new one where a hub is seeded."""
        where = self.after if self.before.read(TASK_PATH) is None else self.before
        try:
            return reading.task_of(where, "this hub", "the state branch")
        except reading.NoTask:
            return None

    @cached_property
    def people(self) -> Roster:
        """Who takes part, those who join by this commit too."""
        return roster(self.after)

    @cached_property
    def explained(self) -> dict[str, str | None]:
        """Path -> digest (None: gone) of what maintainers' new rulings say is there now."""
        found: dict[str, str | None] = {}
        for path, data in self.changes.items():
            if not path.startswith("rulings/"):
                continue
            ruling = self._record(path, data)
            new = self.before.read(path) is None
            if new and isinstance(ruling, Ruling) and not list(self._ruling(ruling)):
                found |= dict.fromkeys(ruling.removes) | ruling.files
        return found

    def _record(self, path: str, data: bytes | None) -> Record | Broken | None:
        identity = kind_of(path)
        if identity is None or data is None:
            return None
        if path not in self._decoded:
            self._decoded[path] = decode_at(identity, data)
        return self._decoded[path]

    def _added(self, agent: str) -> list[Owned]:
        """The records that the commit adds to an agent's folders."""
        made = (self._record(path, data) for path, data in self.changes.items())
        return [r for r in made if isinstance(r, Owned) and r.agent == agent]

    # -- by place ----------------------------------------------------------------------------------

    def _judge(self, path: str, data: bytes | None) -> Iterator[tuple[str, str]]:
        record = self._record(path, data)
        if isinstance(record, Broken):
            yield "schema", record.reason
        elif self._is_explained(path, data):
            yield from self._judge_explained(path, data, record)
        elif MAINTAINED.match(path):
            yield "maintainers", "only a maintainer changes it, by a signed ruling in the commit"
        else:
            yield from self._judge_agents(path, data, record)

    def _judge_agents(
        self, path: str, data: bytes | None, record: Record | None
    ) -> Iterator[tuple[str, str]]:
        kind, _ = kind_of(path) or ("", "")
        if kind in _ADDED:
            yield from self._judge_added(path, record)
        elif kind == "claim":
            standing = self.before.record(path)
            if isinstance(record, Claim):
                yield from self._claim(record, standing)
            elif isinstance(standing, Claim):
                yield from self._unclaim(standing)
        elif kind == "agent":
            yield from self._card(self.before.record(path), record, self.before.read(path))
        elif found := _BESIDE.match(path):
            yield from self._beside(found["folder"], found["name"], data)
        elif data is not None or not _is_strange(path):
            yield "place", "nothing belongs there"

    def _is_explained(self, path: str, data: bytes | None) -> bool:
        if path not in self.explained:
            return False
        return self.explained[path] == (None if data is None else sha256(data))

    def _judge_explained(
        self, path: str, data: bytes | None, record: Record | None
    ) -> Iterator[tuple[str, str]]:
        """Maintainers put back and take away; they do not speak for others."""
        if isinstance(record, Signed) and not self.people.signed(record):
            yield "signature", f"it is not signed by a key of {record.agent}"
        beside = _BESIDE.match(path)
        if beside and record is None and data is not None:
            result = self.after.record(f"{beside['folder']}/result.yaml")
            signed = result.files.get(beside["name"]) if isinstance(result, Result) else None
            if signed != sha256(data):
                yield "signature", "it is not the file that was signed"

    def _judge_added(self, path: str, record: Record | None) -> Iterator[tuple[str, str]]:
        if not isinstance(record, Owned) or self.before.read(path) is not None:
            yield "append-only", "records are added once, and neither changed nor removed"
            return
        if isinstance(record, Ruling):
            yield from self._ruling(record)
            return
        yield from self._by_member(record)
        if isinstance(record, Result):
            yield from self._result(record)
        elif isinstance(record, Retraction):
            yield from self._retraction(record)
        elif isinstance(record, Hypothesis):
            yield from self._hypothesis(record)

    # -- by kind -----------------------------------------------------------------------------------

    def _by_member(self, record: Signed) -> Iterator[tuple[str, str]]:
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

    def _ruling(self, ruling: Ruling) -> Iterator[tuple[str, str]]:
        task = self.task
        key = None if task is None else task.maintainers.get(ruling.agent)
        if task is None or key is None:
            yield "maintainers", f"{ruling.agent} is no maintainer"
        elif not verify(ruling, key):
            yield "signature", f"it is not signed by the maintainer {ruling.agent}"
        elif ruling.hub != task.hub:
            yield "maintainers", "it was made for another hub"
        elif abs(ruling.created_at - self.now) > CLOCKS:
            yield "time", "it was made too long ago, or in the future"

    def _result(self, result: Result) -> Iterator[tuple[str, str]]:
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

    def _program(self, result: Result, data: bytes | None) -> Iterator[tuple[str, str]]:
        """What a program is ranked as is not its agent's to say."""
        if result.fingerprint is None:
            return
        if data is None:
            yield "fingerprint", "it names a program and does not hold it"
            return
        try:
            if fingerprint(data.decode()) != result.fingerprint:
                yield "fingerprint", "its program is another one than it says"
        except (UnicodeDecodeError, ProgramTooComplex) as e:
            yield "fingerprint", f"its program cannot be read: {e}"

    def _retraction(self, record: Retraction) -> Iterator[tuple[str, str]]:
        kind, target = kind_of(record.target) or ("", "")
        if kind not in _ADDED or target.split("/")[0] != record.agent:
            yield "owner", "an agent withdraws records of its own"

    def _hypothesis(self, record: Hypothesis) -> Iterator[tuple[str, str]]:
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

    def _beside(self, folder: str, name: str, data: bytes | None) -> Iterator[tuple[str, str]]:
        """A file beside a result comes with its record, and is named there."""
        path = f"{folder}/result.yaml"
        result = self._record(path, self.changes.get(path))
        if data is None or self.before.read(f"{folder}/{name}") is not None:
            yield "append-only", "a result's files are neither changed nor removed"
        elif not isinstance(result, Result):
            yield "place", "a file of a result comes together with its record"
        elif name not in result.files:
            yield "place", "its record does not name it"

    # -- claims ------------------------------------------------------------------------------------

    def _claim(self, claim: Claim, standing: Record | None) -> Iterator[tuple[str, str]]:
        yield from self._by_member(claim)
        if not isinstance(standing, Claim) or not self._in_force(standing):
            return
        if (standing.nonce, standing.agent) != (claim.nonce, claim.agent):
            yield "claim", f"{standing.agent} holds it"

    def _unclaim(self, standing: Claim) -> Iterator[tuple[str, str]]:
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
            for r in self._added(claim.agent)
        )

    def _released(self, claim: Claim) -> bool:
        agent = self.people.agents.get(claim.agent)
        said = release(claim.id, claim.nonce)
        return any(
            (experiment, nonce) == (claim.id, claim.nonce)
            and any(verify_bytes(said, signature, key) for key in (agent.keys if agent else ()))
            for experiment, nonce, signature in _RELEASE.findall(self.message)[:300]
        )

    # -- agents ------------------------------------------------------------------------------------

    def _card(
        self, old: Record | None, new: Record | None, there: bytes | None
    ) -> Iterator[tuple[str, str]]:
        if not isinstance(new, AgentCard):
            yield "append-only", "an agent's card is not removed"
        elif not keys_of(new):
            yield "signature", "it does not prove the agent's key"
        elif isinstance(old, AgentCard):
            yield from self._changed_card(old, new)
        elif there is not None:
            yield "append-only", "what stands there is no card; a maintainer has to remove it"
        else:
            yield from self._new_card(new)

    def _changed_card(self, old: AgentCard, new: AgentCard) -> Iterator[tuple[str, str]]:
        fixed = ("created_at", "invitation")
        if any(getattr(old, name) != getattr(new, name) for name in fixed):
            yield "append-only", "when and how an agent joined does not change"
        before, after = keys_of(old), keys_of(new)
        if before and after not in (before, (*before, new.public_key)):
            yield "signature", "the agent's key did not sign for the new one"
        agent = roster(self.before).agents.get(new.id)
        if agent is not None and agent.status == "suspended":
            yield "member", f"{new.id} is suspended"

    def _new_card(self, card: AgentCard) -> Iterator[tuple[str, str]]:
        try:
            names.check_agent_name(card.id)
        except GitcollabError as e:
            yield "owner", e.message
        if card.former:
            yield "signature", "a new agent has no former key"
        if abs(card.created_at - self.now) > CLOCKS:
            yield "time", "it was not made now: check this machine's clock"
        if self._has_others_key(card):
            yield "owner", "another agent has this key"
        task = self.task
        if task is None:
            return
        since = task.policy.admission_since
        if since is not None and card.created_at < since:
            yield "time", "it says it is older than the hub's way of admission: check the clock"
        if task.maintainers.get(card.id, card.public_key) != card.public_key:
            yield "owner", f"{card.id} is a maintainer, and this is another key"
        if task.policy.admission == "invite" and card.public_key not in task.maintainers.values():
            yield from self._invitation(task, card)

    def _invitation(self, task: Task, card: AgentCard) -> Iterator[tuple[str, str]]:
        shown = card.invitation
        if shown is None:
            yield "admission", "this hub takes in only whom a maintainer has invited"
        elif shown.hub != task.hub:
            yield "admission", "the invitation is for another hub"
        elif self.now > shown.expires_at or card.created_at > shown.expires_at:
            yield "admission", f"the invitation expired on {shown.expires_at:%Y-%m-%d %H:%M} UTC"
        elif shown.maintainer not in task.maintainers.values() or not invited(task, card):
            yield "admission", "no maintainer of this hub gave the invitation to this agent"
        elif self._users(shown.key) > shown.uses:
            yield "admission", f"the invitation was used {shown.uses} times already"

    def _users(self, key: str) -> int:
        cards = reading.cards(self.after).values()
        return sum(1 for c in cards if c.invitation is not None and c.invitation.key == key)

    def _has_others_key(self, card: AgentCard) -> bool:
        return any(
            card.public_key in agent.keys
            for name, agent in self.people.agents.items()
            if name != card.id
        )

    # -- floods ------------------------------------------------------------------------------------

    def _floods(self) -> Iterator[tuple[str, str]]:
        from gitcollab.swarm.flooding import floods, joining

        if self.task is not None and self.before.tip is not None:
            if why := joining(self.before, self.task, self._joining(), self.now):
                yield "agents/", why
            agents = {r.agent for r in self._signed() if not isinstance(r, Ruling)}
            for agent in sorted(agents):
                for reason in floods(self.after, self.task, agent, self._signed()):
                    yield agent, reason

    def _joining(self) -> int:
        """How many agents join by this commit."""
        cards = (path for path in self.changes if path.startswith("agents/"))
        return sum(self.before.read(path) is None for path in cards)

    def _signed(self) -> list[Signed]:
        made = (self._record(path, data) for path, data in self.changes.items())
        return [r for r in made if isinstance(r, Signed)]


def _is_strange(path: str) -> bool:
    """Whether nothing of ours lives at the path: removing such a file is a service."""
    return not (kind_of(path) or MAINTAINED.match(path) or _BESIDE.match(path))


def _line(reason: str) -> str:
    return "".join(c if c.isprintable() else " " for c in reason)[:300]


# -- a hub as it stands ----------------------------------------------------------------------------


def _misplaced(snapshot: Snapshot) -> Iterator[Breach]:
    for path, reason in sorted(snapshot.invalid().items()):
        yield Breach(path, "schema", _line(reason))
    for path in snapshot.list():
        beside = _BESIDE.match(path)
        known = bool(kind_of(path) or MAINTAINED.match(path) or DERIVED.match(path))
        if beside and not kind_of(path):
            result = snapshot.record(f"{beside['folder']}/result.yaml")
            known = isinstance(result, Result) and beside["name"] in result.files
        if not known:
            yield Breach(path, "place", "nothing belongs there")


def _unproved(snapshot: Snapshot) -> Iterator[Breach]:
    people = roster(snapshot)
    for name, agent in sorted(people.agents.items()):
        if agent.status == "unproved":
            yield Breach(names.path_of("agent", name), "signature", "it does not prove its key")
    for kind in ("result", "hypothesis", "insight", "retraction", "claim"):
        signed = snapshot.signed(kind, people.keys)
        for record_id, record in snapshot.records(kind).items():
            if record_id not in signed:
                reason = "it is not signed by a key of its agent"
                yield Breach(names.path_of(kind, record_id), "signature", reason)
            elif isinstance(record, Result):
                yield from _altered(snapshot, record)
    ours = {ruling.id for ruling in rulings(snapshot)}
    for ruling_id in snapshot.records("ruling"):
        if ruling_id not in ours:
            reason = "no maintainer of this hub signed it"
            yield Breach(names.path_of("ruling", ruling_id), "signature", reason)


def _altered(snapshot: Snapshot, result: Result) -> Iterator[Breach]:
    for name, digest in sorted(result.files.items()):
        path = f"{names.folder_of(result.id)}/{name}"
        data = snapshot.read(path)
        if data is None or sha256(data) != digest:
            yield Breach(path, "signature", "it is not the file that was signed")


def _unruled(snapshot: Snapshot) -> Iterator[Breach]:
    """Maintained files that are not what the last ruling on them says."""
    said: dict[str, str | None] = {}
    for ruling in rulings(snapshot):
        said |= dict.fromkeys(ruling.removes) | ruling.files
    for path in snapshot.list():
        if MAINTAINED.match(path) and said.get(path) != sha256(snapshot.read(path) or b""):
            yield Breach(path, "maintainers", "it is not what a maintainer signed")
