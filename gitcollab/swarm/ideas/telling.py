"""Telling the swarm what one thinks would help, or has learned; and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import ValidationError

from gitcollab.errors import RefusedError, UsageError
from gitcollab.records import codec
from gitcollab.records.models import Hypothesis, Insight, Owned, Retraction
from gitcollab.records.names import path_of, short_hash, slug
from gitcollab.similarity import constants, delta
from gitcollab.similarity.literal import plain
from gitcollab.similarity.program import fingerprint
from gitcollab.store.requests import Outcome
from gitcollab.swarm import looking, naming, patching
from gitcollab.swarm.ideas import precedents, proposing, unsent
from gitcollab.swarm.ideas.board import line_of
from gitcollab.swarm.ideas.sameness import learned_before, said_before
from gitcollab.swarm.member import Member
from gitcollab.swarm.naming import Kind
from gitcollab.swarm.outcomes import (
    Kept,
    Known,
    NotTold,
    TellOutcome,
    Told,
    Verdict,
    Withdrawn,
)
from gitcollab.swarm.progress import mark_of
from gitcollab.swarm.roster import roster
from gitcollab.swarm.runs import Run
from gitcollab.swarm.workspace import Base

MAX_PATCH = 32_768  # characters, as records have it
_ROOM = {
    "title": "a title has 1 to 500 characters on one line",
    "reasoning": "say why in 1 to 4096 characters",
    "text": "an insight has 1 to 4096 characters",
    "evidence": "name at most 32 records",
    "priority": "a priority is 1 (most urgent) to 5",
    "set": "set at most 64 constants",
    "reason": "a reason has 1 to 500 characters on one line",
}


def propose(
    member: Member,
    title: str,
    because: str,
    *,
    set_values: Mapping[str, str] | None = None,
    patch: str | None = None,
    base: str | None = None,
    evidence: Sequence[str] = (),
    priority: int = 3,
    anyway: bool = False,
) -> TellOutcome:
    """Tell the swarm what would help, and why.

    ``set_values`` (names and texts of values) and ``patch`` are what a machine can try by itself:
    they have to fit the program of ``base``, a result's id, or (None) of the workspace's own base.
    ``evidence`` names results, hypotheses and insights; of ids a part is enough. ``anyway`` tells
    what somebody has said before, or run on this base and on this machine's tier.

    Raises UsageError for what no record may say, or does not fit; RefusedError for a patch that
    does not.
    """
    about = _base(member, base)
    fields = {
        "title": title,
        "reasoning": because.strip(),
        "set": _changes(member, about, set_values, patch),
        "patch": patch,
        "base": about.id,
        "evidence": naming.records(member, evidence),
        "priority": priority,
    }
    mine = _made(member, Hypothesis, title, fields)
    waiting = sum(one.agent == mine.agent for one in unsent.hypotheses(member).values())
    if why := proposing.too_many(member.store.snapshot(), member.task, mine.agent, waiting):
        return NotTold(why, _room(mine.agent))
    made = _made_before(member, mine)
    where = member.standings()
    done = precedents.answering(where, made, mine.base, member.tier)
    if done and not anyway and _known(member, mine) is None:
        return NotTold(
            f"it was run on this base before: {done.id} ({mark_of(where, done)})",
            f"gitcollab show {done.id}; to tell it all the same, add --anyway",
        )
    return _told(member, "propose", mine, anyway, precedents.told(where, made, mine.base))


def learn(
    member: Member,
    text: str,
    *,
    evidence: Sequence[str] = (),
    expects: Verdict | None = None,
    anyway: bool = False,
) -> TellOutcome:
    """Tell the swarm what was learned, and which records show it.

    ``expects`` is the verdict that it foretells for experiments which cite it (None: better).
    Raises UsageError for what no record may say.
    """
    fields = {
        "text": text.strip(),
        "evidence": naming.records(member, evidence),
        "expects": expects,
    }
    return _told(member, "learn", _made(member, Insight, text, fields), anyway)


def withdraw(
    member: Member, wanted: str, reason: str | None = None, *, kinds: Sequence[Kind] = ()
) -> Withdrawn:
    """Withdraw a hypothesis, an insight or a result of this agent's; part of an id is enough.

    ``kinds`` are those that may be meant; all when empty. What still waits on this host is dropped,
    unless an experiment names it: that is to find it, withdrawn. Raises UsageError where there is
    none, RefusedError where it is another's.
    """
    kind, record_id = naming.own(member, wanted, kinds or ("hypothesis", "insight", "result"))
    waiting = unsent.request_of(member, record_id)
    if waiting is not None and not unsent.is_named(member, record_id):
        member.store.drop(waiting)
        return Withdrawn(record_id, kind)
    fields = {"target": path_of(kind, record_id), "reason": reason}
    mine = _made(member, Retraction, record_id, fields)
    (answer,) = member.submit(member.request("retract", {"retraction": codec.to_mapping(mine)}))
    why = str(answer.get("reason", ""))
    match answer["outcome"]:
        case "withdrawn":
            return Withdrawn(record_id, kind)
        case "queued":
            return Withdrawn(record_id, kind, queued=True, reason=why)
    raise RefusedError(f"{record_id} is not withdrawn: {why}", _remedy(member))


# -- making ----------------------------------------------------------------------------------------


def _base(member: Member, wanted: str | None) -> Base:
    """The program that a hypothesis is about."""
    if wanted is not None:
        found = looking.find(member, wanted)
        return Base(found.id, looking.program_text(member, found.id))
    return member.workspace.base() or Base(None, looking.program_text(member, None))


def _changes(
    member: Member, about: Base, set_values: Mapping[str, str] | None, patch: str | None
) -> dict[str, Any] | None:
    """The constants that are set, as records have them; the patch has to fit, too."""
    text, task = about.text, member.task
    if patch is not None:
        if len(patch) > MAX_PATCH:
            raise UsageError(
                f"the patch has {len(patch):,} characters, more than the {MAX_PATCH:,} allowed",
                "propose a smaller change, or publish a run of it",
            )
        before, text = text, patching.applied(patch, text, task.program)
        if fingerprint(text) == fingerprint(before):
            raise UsageError(
                "the patch changes nothing but comments or form",
                "propose what a run can tell apart",
            )
    if not set_values:
        return None
    known = constants.constants(text)
    edited = constants.constants(constants.edit(text, set_values))
    same = [name for name in set_values if not _differs(known[name], edited[name])]
    if same:
        value = set_values[same[0]]
        raise UsageError(
            f"{same[0]} is {value} already in {about.id or 'the baseline'}",
            "propose another value, or another --base",
        )
    return {name: plain(edited[name].value) for name in set_values}


def _differs(old: constants.Constant, new: constants.Constant) -> bool:
    return delta.Change(old.value, old.value) != delta.Change(old.value, new.value)


def _made(member: Member, model: type[Any], words: str, fields: Mapping[str, Any]) -> Any:
    """A signed record of this agent's; UsageError says what is wrong with the words in it."""
    nonce = member.nonce()
    own = {
        "id": f"{member.config.agent}/{slug(words)}-{short_hash(nonce, length=8)}",
        "agent": member.config.agent,
        "created_at": member.now(member.store.snapshot()),
        "nonce": nonce,
    }
    try:
        record: Owned = model.model_validate(own | dict(fields))
        codec.encode(record)
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
        name = str(fault["loc"][0]) if fault["loc"] else ""
        raise UsageError(
            f"the {name or 'record'} cannot be used: {codec.plain_fault(fault)}",
            _ROOM.get(name, "say it otherwise"),
        ) from e
    return member.sign(record)


# -- telling ---------------------------------------------------------------------------------------


def _told(
    member: Member,
    kind: Literal["propose", "learn"],
    mine: Hypothesis | Insight,
    anyway: bool,
    notes: tuple[str, ...] = (),
) -> TellOutcome:
    # What is learned here of words, perhaps from a model that loads for seconds, is kept: during
    # the decision itself other agents of this host wait.
    known = None if anyway else _known(member, mine)
    payload = {type(mine).__name__.lower(): codec.to_mapping(mine), "anyway": anyway}
    request = member.request(kind, payload)
    (answer,) = member.submit(request)
    if known is not None and answer["outcome"] == "queued":
        member.store.drop(request)
        return Known(*known)
    return _outcome(member, mine, answer, notes)


def _known(member: Member, mine: Hypothesis | Insight) -> tuple[Hypothesis | Insight, str] | None:
    """What says the same, as far as this host knows: it counts where the hub is away."""
    snapshot, words = member.store.snapshot(), member.words
    if isinstance(mine, Hypothesis):
        return said_before(snapshot, mine, words, unsent.hypotheses(member).values())
    return learned_before(snapshot, mine, words, unsent.insights(member).values())


def _outcome(
    member: Member, mine: Hypothesis | Insight, answer: Outcome, notes: tuple[str, ...]
) -> TellOutcome:
    """The store's answer as a value. Only a yes is a yes."""
    reason = str(answer.get("reason", ""))
    match answer["outcome"]:
        case "proposed" | "learned":
            return Told(mine, notes)
        case "duplicate":
            return Known(type(mine).model_validate(answer["other"]), reason)
        case "queued":
            return Kept(mine, reason)
        case other:
            return NotTold(reason or str(other), _remedy(member))


def _remedy(member: Member) -> str:
    """What to do about a refusal: what was refused is kept on this host."""
    known = roster(member.store.snapshot())
    return known.remedy(member.config.agent) or "it is kept on this host: gitcollab outbox"


def _room(agent: str) -> str:
    return (
        f"test or withdraw some of yours: gitcollab hypothesis list --agent {agent} --status open"
    )


def _made_before(member: Member, mine: Hypothesis) -> list[Run]:
    """The results that made this very change before."""
    line = line_of(mine)
    return precedents.precedents(member, line.change if line.patch is None else None)
