"""What this workspace claimed and has yet to run: a bare run carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from gitcollab.errors import UsageError
from gitcollab.records.models import Claim, Experiment, Task
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm.claims import stands
from gitcollab.swarm.ideas.linking import Links, links
from gitcollab.swarm.identity import key_of, same_claim
from gitcollab.swarm.member import Member
from gitcollab.swarm.proposal import Proposal, carried, propose
from gitcollab.swarm.workspace import Base

_MOST_NAMED = 3  # of the claims that are left


@dataclass(frozen=True)
class Due:
    """The change that a claim announced, on the workspace's base, and what it is done for."""

    plan: Proposal
    claim: Claim
    named: Links


def due(member: Member, task: Task, text: str, seed: int | None, named: Links) -> Due | None:
    """What the one claim of this workspace says that sets constants and nothing else.

    None where there is none, or several, or the hypothesis that it is for was withdrawn. ``text``
    is the working program, unedited; ``named`` is what its run is said to name: where that is a
    hypothesis, only claims for it count.
    """
    known = [claim for claim in _held(member) if _is_known(claim)]
    if named.hypothesis is not None:
        known = [claim for claim in known if claim.hypothesis == named.hypothesis.id]
    if len(known) != 1:
        return None
    (claim,) = known
    base = member.workspace.base() or Base(None, text)
    with suppress(UsageError):
        found = links(member, claim.hypothesis)
        made = carried(text, claim)
        if fingerprint(made) == fingerprint(base.text):
            return None
        plan = propose(
            made,
            base,
            lambda print_of: member.runs_of(task, print_of),
            claim.description if claim.base == base.id else None,  # "double": it was of that base
            seed=seed,
            python=task.program.endswith(".py"),
        )
        return Due(plan, claim, replace(found, cites=named.cites))
    return None


def left_over(
    member: Member, experiment: Experiment, seed: int | None, spoken: Claim | None
) -> tuple[str, ...]:
    """A note on the claims that a bare run of the experiment does not carry out.

    ``spoken`` is the one that it does.
    """
    key, own = key_of(experiment, seed), spoken and spoken.id
    held = (claim for claim in _held(member) if claim.id != own)
    left = [claim for claim in held if not same_claim(experiment, claim, key)]
    if not left:
        return ()
    said = [repr(claim.description[:60]) for claim in left[:_MOST_NAMED]]
    more = f" and {len(left) - len(said)} more" if len(left) > len(said) else ""
    them = "it" if len(left) == 1 else "them"
    edit = f"edit {member.task.program} and run"
    if spoken and len(left) == 1 and _is_known(left[0]):
        edit = "gitcollab run, again"
    do = f"{edit}, or give {them} back: gitcollab release"
    return (f"you still hold the claim of {', '.join(said)}{more}: {do}",)


def _held(member: Member) -> Sequence[Claim]:
    snapshot, task = member.store.snapshot(), member.task
    return [one for one in member.workspace.claims() if stands(snapshot, one, task)]


def _is_known(claim: Claim) -> bool:
    return bool(claim.delta) and not claim.structural and claim.replicates is None
