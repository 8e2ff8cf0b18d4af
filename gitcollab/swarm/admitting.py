"""The rules on agents' cards: who may join a hub, and how a card may change."""

from __future__ import annotations

from gitcollab.errors import GitcollabError
from gitcollab.records import names
from gitcollab.records.models import AgentCard, Record, Task
from gitcollab.records.signing import keys_of
from gitcollab.store.snapshot import CLOCKS
from gitcollab.swarm import reading, tracks
from gitcollab.swarm.commit import Commit, Reasons
from gitcollab.swarm.roster import invited, roster


def card(commit: Commit, path: str, new: Record | None) -> Reasons:
    """What is wrong with ``new`` in the place of an agent's card (None: it is removed)."""
    old = commit.before.record(path)
    if not isinstance(new, AgentCard):
        yield "append-only", "an agent's card is not removed"
    elif not keys_of(new):
        yield "signature", "it does not prove the agent's key"
    elif isinstance(old, AgentCard):
        yield from _changed_card(commit, old, new)
    elif commit.before.read(path) is not None:
        yield "append-only", "what stands there is no card; a maintainer has to remove it"
    else:
        yield from _new_card(commit, new)


def _changed_card(commit: Commit, old: AgentCard, new: AgentCard) -> Reasons:
    fixed = ("created_at", "invitation")
    if old == new:
        yield "append-only", "it says nothing new"
    if any(getattr(old, name) != getattr(new, name) for name in fixed):
        yield "append-only", "when and how an agent joined does not change"
    before, after = keys_of(old), keys_of(new)
    if before and after not in (before, (*before, new.public_key)):
        yield "signature", "the agent's key did not sign for the new one"
    agent = roster(commit.before).agents.get(new.id)
    if agent is not None and agent.status == "suspended":
        yield "member", f"{new.id} is suspended"


def _new_card(commit: Commit, card: AgentCard) -> Reasons:
    try:
        names.check_agent_name(card.id)
    except GitcollabError as e:
        yield "owner", e.message
    if card.former:
        yield "signature", "a new agent has no former key"
    if abs(card.created_at - commit.now) > CLOCKS:
        yield "time", "it was not made now: check this machine's clock"
    if card.hardware is not None and card.hardware.tier in tracks.RESERVED:
        yield "schema", f"no tier of hardware is called {card.hardware.tier}"
    if _has_others_key(commit, card):
        yield "owner", "another agent has this key"
    task = commit.task
    if task is None:
        return
    since = task.policy.admission_since
    if since is not None and card.created_at < since:
        yield "time", "it says it is older than the hub's way of admission: check the clock"
    if task.maintainers.get(card.id, card.public_key) != card.public_key:
        yield "owner", f"{card.id} is a maintainer, and this is another key"
    if task.policy.admission == "invite" and card.public_key not in task.maintainers.values():
        yield from _invitation(commit, task, card)


def _invitation(commit: Commit, task: Task, card: AgentCard) -> Reasons:
    shown = card.invitation
    if shown is None:
        yield "admission", "this hub takes in only whom a maintainer has invited"
    elif shown.hub != task.hub:
        yield "admission", "the invitation is for another hub"
    elif commit.now > shown.expires_at or card.created_at > shown.expires_at:
        yield "admission", f"the invitation expired on {shown.expires_at:%Y-%m-%d %H:%M} UTC"
    elif shown.maintainer not in task.maintainers.values() or not invited(task, card):
        yield "admission", "no maintainer of this hub gave the invitation to this agent"
    elif _users(commit, task, shown.key) > shown.uses:
        times = "once" if shown.uses == 1 else f"{shown.uses} times"
        yield "admission", f"the invitation was used {times} already"


def _users(commit: Commit, task: Task, key: str) -> int:
    """How many use the invitation; who only shows what can be read on the hub does not."""
    cards = reading.cards(commit.after).values()
    shown = (c for c in cards if c.invitation is not None and c.invitation.key == key)
    return sum(invited(task, card) for card in shown)


def _has_others_key(commit: Commit, card: AgentCard) -> bool:
    return any(
        card.public_key in agent.keys
        for name, agent in commit.people.agents.items()
        if name != card.id
    )
