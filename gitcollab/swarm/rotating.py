"""Changing an agent's key: the old one signs that the new one takes its place."""

from __future__ import annotations

from datetime import datetime, timedelta

from gitcollab.errors import GitcollabError, OfflineError, RefusedError
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, FormerKey
from gitcollab.records.names import path_of
from gitcollab.records.signing import KeyPair, keys_of, rotation
from gitcollab.swarm import keyring
from gitcollab.swarm.home import key_path
from gitcollab.swarm.member import Member
from gitcollab.swarm.reports import Rotated

# Not longer: a request that outlives its process is delivered by the next one.
_PATIENCE = timedelta(seconds=20)


def rotate(member: Member) -> Rotated:
    """Give this agent a new key on its hub.

    Both keys are on this machine until the hub has the new one, and the hub's word decides which
    is used: cut off anywhere, the agent can go on. Raises OfflineError when the hub is away,
    RefusedError when records signed with the old key wait to be delivered, or a rule says no.
    """
    name = member.config.agent
    with keyring.one_rotation(name):
        card = _card(member)
        keyring.settle(name, card.public_key)
        old = member.key
        _check(member, card, old)
        new = keyring.next_key(name)
        _deliver(member, renewed(card, old, new, member.now(member.store.snapshot())))
        keyring.settle(name, new.public_line)
    was, is_now = map(keyring.fingerprint, (card.public_key, new.public_line))
    return Rotated(name, was, is_now, key_path(name))


def renewed(card: AgentCard, old: KeyPair, new: KeyPair, now: datetime) -> AgentCard:
    """The card with the ``new`` key, signed by it, and what the ``old`` one says to that."""
    at = now.replace(microsecond=0)
    lines = old.public_line, new.public_line
    said = FormerKey(
        public_key=old.public_line,
        replaced_at=at,
        signature=old.sign_bytes(rotation(card.id, *lines, at)),
    )
    fields = {"public_key": new.public_line, "former": [*(card.former or ()), said]}
    return new.sign(card.model_copy(update=fields))


def _card(member: Member) -> AgentCard:
    """The agent's card as it is on the hub now."""
    name = member.config.agent
    card = member.store.refresh().record(path_of("agent", name))
    if isinstance(card, AgentCard) and keys_of(card):
        return card
    raise GitcollabError(
        f"the hub holds no card that proves the key of {name}",
        f"join it again: gitcollab join {member.config.hub} --agent {name}",
    )


def _check(member: Member, card: AgentCard, old: KeyPair) -> None:
    name = member.config.agent
    if old.public_line != card.public_key:
        raise GitcollabError(
            f"the key of {name} that the hub knows is not on this machine",
            f"bring it from the machine where it is, to {key_path(name)}",
        )
    if name in member.task.maintainers or old.public_line in member.task.maintainers.values():
        raise RefusedError(
            f"the key of {name} is a maintainer's, and the task names it",
            "another maintainer replaces it: gitcollab task maintainer --help",
        )
    if any(one.request.agent == name for one in member.store.pending()):
        raise RefusedError(
            f"records of {name} wait for the hub, signed with the present key",
            "deliver them first: gitcollab sync",
        )


def _deliver(member: Member, card: AgentCard) -> None:
    payload = {"card": codec.to_mapping(card)}
    request = member.request("rotate", payload, when_offline="drop", patience=_PATIENCE)
    outcome = member.submit(request)[0]
    match outcome["outcome"]:
        case "rotated":
            return
        case "offline":
            raise OfflineError(
                f"the key stays: {outcome['reason']}",
                "try again when it can be reached",
            )
    raise RefusedError(
        f"the hub refused the new key: {outcome.get('reason', '')}", "gitcollab sync"
    )
