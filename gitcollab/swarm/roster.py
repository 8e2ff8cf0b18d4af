"""Who takes part in a hub: agents with their proven keys, maintainers, and what these decided.

A pure function of the hub's records. Nothing counts for what it says of itself: a card proves its
keys, a maintainer is who the task names, a ruling is what such a key signed for this very hub.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gitcollab.records import invitations
from gitcollab.records.models import AgentCard, Policy, Result, Ruling, Signed, Task, rfc3339
from gitcollab.records.names import TASK_PATH, path_of
from gitcollab.records.signing import keys_of, verify
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.runs import is_nameless

Status = Literal["member", "waiting", "suspended", "unproved"]

_DEPENDS = (TASK_PATH, "agents/", "rulings/")


@dataclass(frozen=True)
class Agent:
    """An agent of the hub.

    ``keys`` are OpenSSH public lines that its card proves, the present one last. ``status``:
    "unproved" has no key, "waiting" was not admitted yet, "suspended" is so ``since`` (None: from
    the beginning).
    """

    name: str
    keys: tuple[str, ...]
    status: Status
    since: datetime | None = None

    @property
    def key(self) -> str | None:
        """The present key."""
        return self.keys[-1] if self.keys else None

    def counts(self, made: datetime) -> bool:
        """Whether what it made then counts."""
        if self.status == "suspended":
            return self.since is not None and made < self.since
        return self.status == "member"


@dataclass(frozen=True)
class Roster:
    """All agents and maintainers by name."""

    agents: Mapping[str, Agent]
    maintainers: Mapping[str, str]  # name -> the OpenSSH public line

    @property
    def keys(self) -> Mapping[str, tuple[str, ...]]:
        """Every agent's keys."""
        return {name: agent.keys for name, agent in self.agents.items()}

    def signed(self, record: Signed) -> bool:
        """Whether a key that its agent has or had signed the record."""
        agent = self.agents.get(record.agent)
        return agent is not None and any(verify(record, key) for key in reversed(agent.keys))

    def trusts(self, record: Signed) -> bool:
        """Whether the record counts: its agent's, signed, and of a member at that time."""
        agent = self.agents.get(record.agent)
        return agent is not None and agent.counts(record.created_at) and self.signed(record)

    def remedy(self, name: str) -> str:
        """What an agent can do that takes no part: the next step; "" where it does."""
        agent = self.agents.get(name)
        people = ", ".join(sorted(self.maintainers)) or "there is none"
        match agent.status if agent else None:
            case "member":
                return ""
            case "waiting":
                return f"ask a maintainer ({people}) for: gitcollab admit {name}"
            case "suspended":
                return f"ask a maintainer ({people}) for: gitcollab agent restore {name}"
        return "gitcollab doctor"


def roster(snapshot: Snapshot) -> Roster:
    """Who takes part, as the snapshot has it; nobody where its task cannot be read."""
    return snapshot.once("roster", _DEPENDS, lambda: _roster(snapshot))


def rulings(snapshot: Snapshot) -> list[Ruling]:
    """The maintainers' rulings for this hub, oldest first; others do not count."""
    return snapshot.once("rulings", _DEPENDS, lambda: _rulings(snapshot, _task(snapshot)))


def ruled(snapshot: Snapshot) -> Mapping[str, str | None]:
    """The digests of files by the last rulings on them; None: there is to be none."""
    return snapshot.once("ruled", _DEPENDS, lambda: _ruled(snapshot))


def unvouched(snapshot: Snapshot) -> frozenset[str]:
    """Ids of the results that do not say which program was measured, with no maintainer's word.

    The rule book lets none in; but not every hub has a door.
    """
    depends = (*_DEPENDS, "results/")
    return snapshot.once("unvouched", depends, lambda: frozenset(_unvouched(snapshot)))


def uncounted(snapshot: Snapshot) -> frozenset[str]:
    """Ids of the results that do not count: withdrawn, unsigned, of no member, ``unvouched``."""
    depends = (*_DEPENDS, "results/", "retractions/")
    return snapshot.once("uncounted", depends, lambda: _uncounted(snapshot))


def why_void(snapshot: Snapshot, result: Result) -> str | None:
    """Why a result does not count, in a few words; None when it may."""
    known = roster(snapshot)
    agent, made = known.agents.get(result.agent), rfc3339(result.created_at)
    if why := _why_void(agent, result.agent, made, known.signed(result)):
        return "unsigned" if result.signature is None else why
    if is_nameless(result) and not _vouched(snapshot, [result.id]):
        return "names no program, and no maintainer vouches for it"
    return "withdrawn" if result.id in _withdrawn(snapshot) else None


def _uncounted(snapshot: Snapshot) -> frozenset[str]:
    known = roster(snapshot)
    agents, signed = known.agents, snapshot.signed("result", known.keys)
    return (
        _withdrawn(snapshot)
        | unvouched(snapshot)
        | {
            result_id
            for result_id, agent, made in snapshot.select("result", "agent", "created_at")
            if _why_void(agents.get(agent), agent, made, result_id in signed)
        }
    )


def _why_void(agent: Agent | None, name: str, made: str, signed: bool) -> str | None:
    """Why what the agent ``name`` made then does not count, in a few words."""
    if agent is None or agent.status == "unproved":
        return f"{name} has no card that proves a key"
    if not signed:
        return f"not signed by {name}"
    if agent.status == "member" or agent.counts(datetime.fromisoformat(made)):
        return None
    return f"{name} {'is suspended' if agent.status == 'suspended' else 'waits'}"


def _unvouched(snapshot: Snapshot) -> Iterable[str]:
    nameless = [result_id for (result_id,) in snapshot.select("result", nameless=1)]
    return set(nameless) - _vouched(snapshot, nameless)


def _vouched(snapshot: Snapshot, ids: Iterable[str]) -> set[str]:
    """Those of the results of which a maintainer ruled that they are as they stand there."""
    said = ruled(snapshot)
    named = {result_id: said.get(path_of("result", result_id)) for result_id in ids}
    there = snapshot.digests("result", [result_id for result_id in named if named[result_id]])
    return {result_id for result_id, digest in there.items() if digest == named[result_id]}


def _withdrawn(snapshot: Snapshot) -> frozenset[str]:
    """Ids of the results that their agents have withdrawn."""
    depends = (*_DEPENDS, "retractions/")
    return snapshot.once("withdrawn", depends, lambda: frozenset(_retracted(snapshot)))


def _retracted(snapshot: Snapshot) -> Iterable[str]:
    signed = snapshot.signed("retraction", roster(snapshot).keys)
    for record_id, record in reading.retractions(snapshot).items():
        target = record.target.removeprefix("results/").removesuffix("/result.yaml")
        if record_id in signed and target.split("/")[0] == record.agent:
            yield target


def _task(snapshot: Snapshot) -> Task | None:
    try:
        return reading.task_of(snapshot, "this hub", "the state branch")
    except reading.NoTask:
        return None


def _rulings(snapshot: Snapshot, task: Task | None) -> list[Ruling]:
    if task is None or task.hub is None:
        return []
    found = [r for r in snapshot.records("ruling").values() if isinstance(r, Ruling)]
    keys = {r.agent: _of_maintainer(task, r.agent) for r in found}
    signed = snapshot.signed("ruling", keys)
    ours = [r for r in found if r.hub == task.hub and r.id in signed]
    return sorted(ours, key=lambda r: (r.created_at, r.id))


def _ruled(snapshot: Snapshot) -> dict[str, str | None]:
    said: dict[str, str | None] = {}
    for ruling in rulings(snapshot):
        said |= dict.fromkeys(ruling.removes) | ruling.files
    return said


def _of_maintainer(task: Task, name: str) -> tuple[str, ...]:
    """The keys that may have signed rulings by that name, the present one last."""
    present = task.maintainers.get(name)
    return (*task.retired, present) if present is not None else tuple(task.retired)


def _roster(snapshot: Snapshot) -> Roster:
    task = _task(snapshot)
    if task is None:
        return Roster({}, {})
    cards = reading.cards(snapshot)
    said = rulings(snapshot)
    keys = _proven(snapshot, cards)
    verdicts = {r.subject: r for r in said if r.does in ("suspend", "restore")}
    let_in = _let_in(task, cards, keys, said)
    agents = {}
    for name in cards:
        status: Status = "member" if name in let_in else "waiting"
        since = None
        verdict = verdicts.get(name)
        if not keys[name]:
            status = "unproved"
        elif verdict is not None and verdict.does == "suspend":
            status, since = "suspended", verdict.since
        agents[name] = Agent(name, keys[name], status, since)
    return Roster(agents, dict(task.maintainers))


def _proven(snapshot: Snapshot, cards: Mapping[str, AgentCard]) -> dict[str, tuple[str, ...]]:
    """The keys that each card proves; those of plain cards are checked once on this host."""
    signed = snapshot.signed("agent", {name: (card.public_key,) for name, card in cards.items()})
    return {
        name: (keys_of(card) if card.former else (card.public_key,)) if name in signed else ()
        for name, card in cards.items()
    }


def _let_in(
    task: Task,
    cards: Mapping[str, AgentCard],
    keys: Mapping[str, tuple[str, ...]],
    said: Iterable[Ruling],
) -> set[str]:
    """The names of those who may take part, were none suspended."""
    found = {
        r.subject
        for r in said
        if r.does == "admit" and r.subject and r.public_key in (None, *keys.get(r.subject, ()))
    }
    found |= {name for name, key in task.maintainers.items() if key in keys.get(name, ())}
    found |= {name for name, card in cards.items() if _joined_before(task.policy, card)}
    if task.policy.admission == "invite":
        found |= _invited(task, cards)
    return {name for name in found if name in cards}


def _joined_before(policy: Policy, card: AgentCard) -> bool:
    since = policy.admission_since
    return policy.admission == "open" or (since is not None and card.created_at < since)


def _invited(task: Task, cards: Mapping[str, AgentCard]) -> set[str]:
    used: dict[str, list[AgentCard]] = {}
    for card in cards.values():
        if card.invitation is not None and invited(task, card):
            used.setdefault(card.invitation.key, []).append(card)
    found: set[str] = set()
    for users in used.values():
        users.sort(key=lambda card: (card.created_at, card.id))
        uses = users[0].invitation.uses if users[0].invitation else 0
        found |= {card.id for card in users[:uses]}
    return found


def invited(task: Task, card: AgentCard) -> bool:
    """Whether the card shows an invitation of a maintainer of this hub, used in its time.

    How often it was used is for who knows the other cards.
    """
    shown = card.invitation
    if shown is None or shown.hub != task.hub or card.created_at > shown.expires_at:
        return False
    if shown.maintainer not in (*task.maintainers.values(), *task.retired):
        return False
    first = card.former[0].public_key if card.former else card.public_key
    return invitations.holds(shown, card.id, first)
