"""Claiming the first of several experiments that is free: what a machine chose by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitcollab.records.models import Experiment
from gitcollab.store.requests import Outcome, Request
from gitcollab.swarm.claiming import ask_for_one, held, known_done, new_claim
from gitcollab.swarm.ideas.unsent import submit_with_named
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import ClaimOutcome, Duplicate, Granted, Offline


@dataclass(frozen=True)
class Wanted:
    """An experiment that a machine chose by itself, with the seed it is to have.

    ``most``: it is another run of a program of which so many were known, done or under way, and is
    no longer wanted where there are more.
    """

    experiment: Experiment
    seed: int
    most: int | None = None

    @property
    def key(self) -> str:
        """The experiment's key."""
        return key_of(self.experiment, self.seed)


@dataclass(frozen=True)
class Picked:
    """The answer to a claim of one of several: what is ``wanted`` that it speaks of."""

    wanted: Wanted
    answer: ClaimOutcome


def claim_first(
    member: Member,
    wanted: Sequence[Wanted],
    others: Sequence[Request] = (),
    told: Sequence[Experiment] = (),
) -> tuple[list[Outcome], Picked]:
    """Ask for the first of several experiments that is free, in one push behind other requests.

    ``told`` are experiments that the others tell of. Where none is free the answer is the first
    one's. All are remembered before any is asked for, as ``chosen``, and those that were not
    granted forgotten: an interrupt must not orphan one. One that this workspace holds is granted
    again, unless one before it is free.
    """
    open_ones, kept = _before_held(member, wanted)
    unknown = [one for one in open_ones if _queued(member, one) is None]
    if not unknown:
        outcomes = submit_with_named(member, told, *others) if others else []
        if kept is not None:
            return outcomes, kept
        done = _queued(member, wanted[0])
        assert done is not None
        return outcomes, Picked(wanted[0], done)
    made = [new_claim(member, one.experiment, one.key) for one in unknown]
    chosen = {one.key: one.most for one in unknown}
    outcomes, at, answer = ask_for_one(member, made, others, told=told, chosen=chosen)
    if kept is not None and not isinstance(answer, Granted):
        return outcomes, kept
    if isinstance(answer, Offline):
        for one in unknown:
            related = member.related(one.experiment)
            if known_done(member, one.experiment, one.key, related) is None:
                return outcomes, Picked(one, Offline(one.key, answer.reason))
    return outcomes, Picked(unknown[at], answer)


def _before_held(
    member: Member, wanted: Sequence[Wanted]
) -> tuple[Sequence[Wanted], Picked | None]:
    """What is wanted more than the first that this workspace holds, and that one."""
    for at, one in enumerate(wanted):
        if (known := held(member, one.experiment, one.key)) is not None:
            return wanted[:at], Picked(one, Granted(known))
    return wanted, None


def _queued(member: Member, one: Wanted) -> Duplicate | None:
    """The result of the same experiment that waits on this host."""
    return known_done(member, one.experiment, one.key, member.queued().values())
