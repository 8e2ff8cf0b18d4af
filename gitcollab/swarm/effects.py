"""What a run did to the standing of its program."""

from __future__ import annotations

from gitcollab.swarm.outcomes import Effect, Standing
from gitcollab.swarm.ranking import Group, Standings, standings
from gitcollab.swarm.runs import Run


def effect(where: Standings, run: Run) -> Effect | None:
    """How well its program is known with the run and without; None where it does not count."""
    group = where.group_of(run)
    if group is None:
        return None
    before = _before(where, run, group)
    return Effect(group.standing, before, group.n, len(group.agents), group.no_better_than)


def _before(where: Standings, run: Run, group: Group) -> Standing | None:
    if group.n == 1:
        return None
    if group.n == 2:
        return "provisional"  # as whatever was run once
    others = (one for one in where.results.values() if one.id != run.id)
    then = standings(where.task, others, (), where.baseline)
    known = next((then.results[one] for one in group.runs if one != run.id), None)
    earlier = None if known is None else then.group_of(known)
    return None if earlier is None else earlier.standing
