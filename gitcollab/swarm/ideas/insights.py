"""Insights: what was learned, and what later results say of it.

A pure function of a hub's records. A result tests an insight that it cites, or that the hypothesis
which it names has among its evidence; what the insight itself gives as evidence does not. Programs
count, not runs. A verdict as the insight foretells (``expects``) supports it, the opposite speaks
against it: better and worse are each other's, and against "within noise" are both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from gitcollab.errors import UsageError
from gitcollab.records.models import Insight
from gitcollab.records.names import path_of
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import looking, reading
from gitcollab.swarm.ideas import unsent
from gitcollab.swarm.ideas.hypotheses import only_id
from gitcollab.swarm.ideas.standing import standing_ids, verdicts
from gitcollab.swarm.ideas.thoughts import INSIGHTS, Lesson
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Verdict
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.roster import roster
from gitcollab.swarm.runs import Run

Standing: TypeAlias = Literal["untested", "supported", "contradicted", "undecided"]

_AGAINST: Mapping[str, frozenset[Verdict]] = {
    "better": frozenset({"worse"}),
    "worse": frozenset({"better"}),
    "within noise": frozenset({"better", "worse"}),
}


@dataclass(frozen=True, slots=True)
class Learned:
    """An insight with what later results say of it.

    ``support`` and ``against`` count programs; ``runs`` test it, oldest first. ``waiting``: it is
    on this host only, and delivered once the hub is back.
    """

    insight: Insight
    standing: Standing
    support: int
    against: int
    runs: Sequence[Run]
    waiting: bool = False


@dataclass(frozen=True)
class LearnedPage:
    """Insights, newest first; ``next`` is the token of the next page."""

    insights: Sequence[Learned]
    next: str | None
    total: int


class Lessons:
    """The insights of a hub that stand: signed by a member, and not withdrawn.

    ``waiting`` are insights of this host that are on their way.
    """

    def __init__(
        self, snapshot: Snapshot, where: Standings, waiting: Mapping[str, Insight] | None = None
    ) -> None:
        self._snapshot = snapshot
        self._where = where
        self._waiting = waiting or {}

    @cached_property
    def lines(self) -> Sequence[Lesson]:
        """A line each, newest first."""
        ids = standing_ids(self._snapshot, "insight")
        found = [line for line in reading.lessons(self._snapshot) if line.id in ids]
        found += [
            Lesson(one.id, *INSIGHTS.of(one))  # type: ignore[arg-type]
            for one in self._waiting.values()
            if one.id not in ids
        ]
        return sorted(found, key=lambda line: (line.created_at, line.id), reverse=True)

    def standing(self, line: Lesson) -> tuple[Standing, int, int, Sequence[Run]]:
        """Its standing, how many programs support it and speak against it, and the runs."""
        own = set(line.evidence.split())
        runs = [run for run in self._tests.get(line.id, ()) if run.id not in own]
        said = list(verdicts(self._where, runs).values())
        support = said.count(line.expects)  # type: ignore[arg-type]
        against = sum(one in _AGAINST.get(line.expects, ()) for one in said)
        if not said:
            return "untested", 0, 0, runs
        if support == against:
            return "undecided", support, against, runs
        return ("supported" if support > against else "contradicted"), support, against, runs

    def learned(self, line: Lesson) -> Learned | None:
        """The whole insight; None where it cannot be read."""
        record = self._waiting.get(line.id) or self._snapshot.record(path_of("insight", line.id))
        if not isinstance(record, Insight):
            return None
        return Learned(record, *self.standing(line), line.id in self._waiting)

    @cached_property
    def _tests(self) -> Mapping[str, Sequence[Run]]:
        """The results that count and cite an insight, directly or not, by what they cite."""
        found: dict[str, dict[str, Run]] = defaultdict(dict)
        behind = self._evidence
        for result_id, cites, hypothesis in self._snapshot.select("result", "cites", "hypothesis"):
            run = self._where.results.get(str(result_id)) if cites or hypothesis else None
            if run is not None:
                for one in (*str(cites or "").split(), *behind.get(str(hypothesis), ())):
                    found[one][run.id] = run
        return {one: sorted(runs.values(), key=_age) for one, runs in found.items()}

    @cached_property
    def _evidence(self) -> Mapping[str, Sequence[str]]:
        """What hypotheses name as evidence, by id.

        Those that were withdrawn too: whose result speaks against an insight cannot unsay it so.
        """
        known = roster(self._snapshot)
        signed = self._snapshot.signed("hypothesis", known.keys)
        return {
            one.id: one.evidence.split()
            for one in reading.guesses(self._snapshot)
            if one.evidence
            and one.id in signed
            and known.agents[one.agent].counts(datetime.fromisoformat(one.created_at))
        }


def _age(run: Run) -> tuple[str, str]:
    return run.created_at, run.id


def lessons_of(member: Member) -> Lessons:
    """The insights of the agent's hub, with what waits on this host."""
    return Lessons(member.store.snapshot(), member.standings(), unsent.insights(member))


def listed(
    member: Member,
    *,
    agent: str | None = None,
    text: str | None = None,
    standing: Standing | None = None,
    limit: int = 20,
    page: str | None = None,
) -> LearnedPage:
    """A page of insights, newest first. ``page`` is the token that an earlier page gave.

    UsageError for an unknown agent or token.
    """
    if not 1 <= limit <= looking.MAX_PAGE:
        raise UsageError(f"a page has 1 to {looking.MAX_PAGE} insights, not {limit}")
    looking.check_agent(member, agent)
    lessons = lessons_of(member)
    wanted = "" if text is None else text.casefold()
    chosen = [
        line
        for line in lessons.lines
        if agent in (None, line.agent)
        and wanted in line.text.casefold()
        and standing in (None, lessons.standing(line)[0])
    ]
    start = looking.cursor(page) if page else None
    rest = [line for line in chosen if start is None or (line.created_at, line.id) < start]
    following = f"{rest[limit - 1].created_at}~{rest[limit - 1].id}" if len(rest) > limit else None
    return LearnedPage(_whole(lessons, rest[:limit]), following, len(chosen))


def _whole(lessons: Lessons, lines: Iterable[Lesson]) -> list[Learned]:
    return [one for line in lines if (one := lessons.learned(line)) is not None]


def show(member: Member, wanted: str) -> Learned:
    """One insight with what later results say of it; part of an id is enough."""
    lessons = lessons_of(member)
    lines = {line.id: line for line in lessons.lines}
    found = lessons.learned(lines[only_id(member.store.snapshot(), "insight", lines, wanted)])
    if found is None:
        raise UsageError(f"{wanted[:80]} cannot be read", "gitcollab sync, then try again")
    return found


def find(member: Member, wanted: str) -> str:
    """The id of the insight that stands with this id, or the only one whose id holds it."""
    snapshot = member.store.snapshot()
    ids = {*standing_ids(snapshot, "insight"), *unsent.insights(member)}
    return only_id(snapshot, "insight", ids, wanted)
