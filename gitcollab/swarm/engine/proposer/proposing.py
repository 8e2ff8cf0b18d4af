"""The proposer's door: what to try next that nobody has proposed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from gitcollab.records.models import Claim, Result
from gitcollab.swarm.member import Member
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.workspace import Base


@dataclass(frozen=True)
class Suggestion:
    """Constants to set on ``base``, as Python writes their values; ``why`` is a line for people."""

    base: Base
    values: Mapping[str, str]
    why: str


def suggestions(
    member: Member,
    where: Standings,
    running: Collection[Claim],
    fresh: Result | None = None,
    program: str = "",
) -> Iterator[Suggestion]:
    """What this agent would try, the most promising first; each is another experiment.

    The same snapshot and the same agent give the same. ``running`` are claims in force, whose
    outcome is not known; ``fresh`` is a result of ``program`` that is on its way to the hub.
    Nothing where the task has no search space, or Optuna is not installed.
    """
    yield from ()
