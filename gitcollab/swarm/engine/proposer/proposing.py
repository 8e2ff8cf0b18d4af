"""The proposer's door: what to try next that nobody has proposed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Claim, Dimension
from gitcollab.records.names import short_hash
from gitcollab.similarity.constants import constants, edit
from gitcollab.similarity.delta import values_json
from gitcollab.similarity.literal import from_plain, same, spell
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import looking
from gitcollab.swarm.changes import values_of
from gitcollab.swarm.engine.guest.pausing import outer
from gitcollab.swarm.engine.proposer import sampling
from gitcollab.swarm.engine.proposer.space import Point, axes
from gitcollab.swarm.engine.proposer.trials import Seen
from gitcollab.swarm.grouping import Runs, base_fingerprint_of
from gitcollab.swarm.member import Member
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import change_of
from gitcollab.swarm.workspace import Base

_PENDING = 64  # claims whose outcome is thought of


@dataclass(frozen=True)
class Suggestion:
    """Constants to set on ``base``, as Python writes their values; ``why`` is a line for people."""

    base: Base
    values: Mapping[str, str]
    why: str


def why_none(member: Member) -> str | None:
    """Why nothing can ever be suggested here, and what to do; None where something can."""
    if not member.task.program.endswith(".py"):
        return "the task's program is not Python: its constants are not known"
    if not member.task.space:
        return "the task names no search space: a maintainer can set it (gitcollab task set space=)"
    if not sampling.is_installed():
        return "Optuna is not installed: pip install 'gitcollab[propose]'"
    return None


def suggestions(
    member: Member,
    where: Standings,
    running: Collection[Claim],
    base: Base,
    draft: Runs | None,
) -> Iterator[Suggestion]:
    """What this agent would try on a base, the most promising first; each is another experiment.

    ``running`` are claims in force, whose outcome is not known; ``draft`` is what was measured of
    the base on this tier. Nothing where that is nothing, for there is nothing to be better than, or
    where the task has no search space or Optuna is not installed. The same standings, claims in
    force, waiting requests of this host and tip of the hub give the same agent the same; each
    worker of an agent gets its own.
    """
    if why_none(member) is None and draft is not None:
        yield from _Proposer(member, where, running, draft, base).suggestions()


class _Proposer:
    """Suggestions on one base."""

    def __init__(
        self,
        member: Member,
        where: Standings,
        running: Collection[Claim],
        group: Runs,
        base: Base,
    ) -> None:
        self._member, self._where, self._running = member, where, running
        self._group, self._base = group, base
        self._known = {name: one.value for name, one in constants(base.text).items()}

    def suggestions(self) -> Iterator[Suggestion]:
        """The moves, as the program takes them."""
        from gitcollab.swarm.engine.proposer.searching import moves

        space: Mapping[str, Dimension] = self._member.task.space or {}
        along = axes(space, self._known)
        at = {axis.name: axis.now for axis in along}
        baseline = values_of(looking.program_text(self._member, None))
        start = {name: value for name, value in baseline.items() if name in at}
        seen = Seen(self._where, self._group, at, along, start)
        for move in moves(
            seen, list(islice(self._pending(seen), _PENDING)), self._is_taken, self._seed()
        ):
            values = {name: spell(value) for name, value in move.values.items()}
            yield Suggestion(self._base, values, move.why)

    def _seed(self) -> int:
        """Another for each agent and each of its workers, and for each state of the hub."""
        member = self._member
        who = [member.config.agent]
        if outer(member.workspace) is not None:
            who.append(member.workspace.root.name)
        tip, queued = member.store.snapshot().tip, sorted(member.queued())
        return int(short_hash(*who, str(tip), *queued, length=12), 16)

    def _pending(self, seen: Seen) -> Iterator[Point]:
        """Where the claims in force will lead, as far as their constants tell."""
        for claim in self._running:
            if claim.replicates is None and claim.delta and not claim.structural:
                base = claim.base_fingerprint
                point = seen.point_of(base)[1] if base else seen.at
                delta = {name: from_plain(value) for name, value in claim.delta.items()}
                yield {**point, **{name: delta[name] for name in delta.keys() & seen.at}}

    def _is_taken(self, point: Point) -> bool:
        """Whether the change was run on this base, or is run on any; and so with its program."""
        known = self._known
        changed = {name: value for name, value in point.items() if not same(value, known[name])}
        if values_json(changed) in self._changes:
            return True
        try:
            text = edit(self._base.text, {name: spell(value) for name, value in changed.items()})
            return fingerprint(text) in self._programs
        except GitcollabError:
            return True  # it cannot be made

    @cached_property
    def _changes(self) -> Collection[str | None]:
        """The changes of constants that were run on this base, or are run on any."""
        results, (program, tier) = self._where.results, self._group.key
        done = {
            run.change
            for run in results.values()
            if run.tier == tier and base_fingerprint_of(run, results) == program
        }
        return done | {change_of(claim) for claim in self._running if claim.replicates is None}

    @cached_property
    def _programs(self) -> Collection[str | None]:
        """The programs that were run on this tier, or are run on any."""
        tier = self._group.key[1]
        done = {run.fingerprint for run in self._where.results.values() if run.tier == tier}
        return done | {claim.fingerprint for claim in self._running}
