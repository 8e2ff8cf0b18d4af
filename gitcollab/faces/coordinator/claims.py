"""Claiming experiments by what they are called or by their keys."""

from __future__ import annotations

from gitcollab.faces.coordinator import shapes
from gitcollab.faces.swarm import Swarm
from gitcollab.records.names import short_hash
from gitcollab.swarm import proposal
from gitcollab.swarm.claims import active
from gitcollab.swarm.identity import key_of, normal_words, same_now
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import ClaimOutcome, Duplicate, Granted, Offline, Refused, Taken
from gitcollab.swarm.runs import Run
from gitcollab.swarm.workspace import Base

_NEWEST = 50  # results of one's own


def is_claimed(member: Member, experiment: str) -> bool:
    """Whether the experiment with this key is being done, or has a result that counts."""
    if any(claim.id == experiment for claim in active(member.store.snapshot())):
        return True
    if finished(member, experiment):
        return True
    return experiment.removeprefix("results/") in member.standings().results


def finished(member: Member, experiment: str) -> list[str]:
    """The results of the experiment with this key, the newest first.

    A key ends in what identifies the experiment, so that few records need be read to find out;
    one in words may be of a result that is told in others, which is looked for among one's own.
    """
    runs = sorted(
        member.standings().results.values(), key=lambda run: (run.created_at, run.id), reverse=True
    )
    mine = [run for run in runs if run.agent == member.config.agent][:_NEWEST]
    alike = [run for run in runs if _may_be(experiment, run)]
    found = []
    for run in dict.fromkeys((*alike, *mine)):
        result = member.result(run.id)
        if result and experiment in (result.experiment, key_of(result, result.seed)):
            found.append(run.id)
    return found


def _may_be(experiment: str, run: Run) -> bool:
    plain = experiment.partition("-again-")[0]
    known = (run.change, run.fingerprint, normal_words(run.description))
    if plain.rpartition("-")[2] in {short_hash(part) for part in known if part}:
        return True
    return run.replicates is not None and plain.startswith("replicate-")


def similar(member: Member, description: str) -> list[dict[str, object]]:
    """The claims in force that are of the same experiment, the surest first."""
    base = member.workspace.base() or Base(None, member.workspace.program(member.task))
    mine = proposal.from_words(base, description, member.words)
    key, others = key_of(mine), active(member.store.snapshot())
    scores = dict(member.words().alike(description, [claim.description for claim in others]))
    found = [
        (scores[place].score if place in scores else 1.0, claim)
        for place, claim in enumerate(others)
        if place in scores or same_now(mine, claim, key, member.words)
    ]
    found.sort(key=lambda one: (-one[0], one[1].created_at, one[1].id))
    return [
        {"description": claim.description, "score": score, "agent": claim.agent}
        for score, claim in found
    ]


def told(answer: ClaimOutcome) -> str:
    """A claim's outcome in a line."""
    match answer:
        case Granted(claim=claim):
            return f"claimed {claim.id}: {claim.description}"
        case Taken(other=other, reason=why):
            return f"taken: {other.agent} is doing it now ({why}): {other.description}"
        case Duplicate(other=other, reason=why):
            return f"done: {other.agent} has a result of it ({why}): {other.id}"
        case Offline(reason=why):
            return f"nothing is claimed, the hub cannot be reached: {why}"
        case Refused(reason=why, hint=hint):
            return f"the claim was refused: {why}; next: {hint}"


def listed(swarm: Swarm) -> list[shapes.Fields]:
    """The claims in force, the newest first."""
    task = swarm.task
    seconds = task.budget.seconds or task.timeout_seconds
    found = active(swarm.member.store.snapshot())
    return [shapes.claim(one, seconds) for one in reversed(found)]
