"""Which record is meant: results, hypotheses and insights by their ids, or a part of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from gitcollab.errors import RefusedError, UsageError
from gitcollab.records.names import meant, path_of
from gitcollab.swarm.ideas import unsent
from gitcollab.swarm.ideas.hypotheses import only_id
from gitcollab.swarm.ideas.retracting import withdrawn
from gitcollab.swarm.ideas.standing import standing_ids
from gitcollab.swarm.member import Member

Kind: TypeAlias = Literal["hypothesis", "insight", "result"]


def records(member: Member, wanted: Sequence[str]) -> list[str]:
    """The ids of the results, hypotheses and insights that are meant, each once."""
    known = _known(member, ("hypothesis", "insight", "result")) if wanted else {}
    return list(dict.fromkeys(_only(known, one) for one in wanted))


def _only(known: Collection[str], wanted: str) -> str:
    """The id that is meant; UsageError where there is none, or several."""
    near = meant(known, wanted)
    if len(near) == 1:
        return near[0]
    if near:
        raise UsageError(
            f"{len(near)} records match {wanted[:80]!r}",
            f"give more of the id, such as {', '.join(near[:4])}",
        )
    raise UsageError(
        f"there is no result, hypothesis or insight {wanted[:80]!r}",
        "list them: gitcollab results, hypothesis list, insight list",
    )


def _known(member: Member, kinds: Collection[Kind]) -> dict[str, Kind]:
    """The ids of the records of these kinds that may be meant, and what they are."""
    snapshot = member.store.snapshot()
    found: dict[str, Kind] = {}
    if "result" in kinds:
        found |= dict.fromkeys(member.runs(), "result")
    if "hypothesis" in kinds:
        found |= dict.fromkeys(standing_ids(snapshot, "hypothesis"), "hypothesis")
        found |= dict.fromkeys(unsent.hypotheses(member), "hypothesis")
    if "insight" in kinds:
        found |= dict.fromkeys(standing_ids(snapshot, "insight"), "insight")
        found |= dict.fromkeys(unsent.insights(member), "insight")
    return found


def own(member: Member, wanted: str, kinds: Collection[Kind]) -> tuple[Kind, str]:
    """The record of this agent's that is meant."""
    known, agent = _known(member, kinds), member.config.agent
    gone = withdrawn(member.store.snapshot())
    known = {one: kind for one, kind in known.items() if path_of(kind, one) not in gone}
    near = meant(known, wanted)
    mine = [one for one in near if one.startswith(f"{agent}/")]
    if len(mine) == 1:
        return known[mine[0]], mine[0]
    if mine:
        raise UsageError(
            f"{len(mine)} records of yours match {wanted[:80]!r}",
            f"give more of the id, such as {', '.join(mine[:4])}",
        )
    if near:
        owner = near[0].split("/")[0]
        raise RefusedError(
            f"{near[0]} is {owner}'s: only who wrote it withdraws it",
            "say what speaks against it: gitcollab insight add, or a result that names it",
        )
    kind = next(iter(kinds)) if len(kinds) == 1 else None
    if kind in ("hypothesis", "insight"):
        only_id(member.store.snapshot(), kind, {o for o, k in known.items() if k == kind}, wanted)
    raise UsageError(
        f"there is no record {wanted[:80]!r} of yours", "list them, with --agent and your name"
    )
