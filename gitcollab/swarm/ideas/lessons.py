"""Insights: what was learned, and what later results say of it.

A pure function of a hub's records. A result tests an insight that it cites, or that the hypothesis
which it names has among its evidence. Programs that the insight itself gives as evidence do not,
however often they are run again: the results that it names, and those that a hypothesis which it
names had when it was made. Programs count, not runs. A verdict as the insight foretells
(``expects``) supports it, the opposite speaks against it: better and worse are each other's, and
against "within noise" are both. Where as many speak for it as against it, it is undecided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, TypeAlias

from gitcollab.records.models import Insight
from gitcollab.records.names import path_of
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import reading
from gitcollab.swarm.grouping import Key, key_of
from gitcollab.swarm.ideas.standing import standing_ids, verdicts
from gitcollab.swarm.ideas.thoughts import INSIGHTS, Lesson
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
        own = set(self._shown_by(line))
        runs = [run for run in self._tests.get(line.id, ()) if key_of(run) not in own]
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

    def _shown_by(self, line: Lesson) -> Iterator[Key]:
        """The programs that the insight was learned from."""
        for one in line.evidence.split():
            if (run := self._where.results.get(one)) is not None:
                yield key_of(run)
            for run in self._naming.get(one, ()):
                if run.created_at <= line.created_at:
                    yield key_of(run)

    def supported(self, ids: Set[str]) -> set[str]:
        """Those of the insights that later results support."""
        if ids.isdisjoint(standing_ids(self._snapshot, "insight")):
            return set()
        lines = (line for line in self.lines if line.id in ids)
        return {line.id for line in lines if self.standing(line)[0] == "supported"}

    @cached_property
    def _tests(self) -> Mapping[str, Sequence[Run]]:
        """The results that count and cite an insight, directly or not, by what they cite."""
        found: dict[str, dict[str, Run]] = defaultdict(dict)
        for result_id, cites in self._snapshot.select("result", "cites"):
            run = self._where.results.get(str(result_id)) if cites else None
            if run is not None:
                for one in str(cites).split():
                    found[one][run.id] = run
        for hypothesis, evidence in self._evidence.items():
            for run in self._naming.get(hypothesis, ()):
                for one in evidence:
                    found[one][run.id] = run
        return {one: sorted(runs.values(), key=_age) for one, runs in found.items()}

    @cached_property
    def _naming(self) -> Mapping[str, Sequence[Run]]:
        """The results that count and name a hypothesis, by what they name."""
        found: dict[str, list[Run]] = defaultdict(list)
        for result_id, hypothesis in self._snapshot.select("result", "hypothesis"):
            if hypothesis and result_id in self._where.results:
                found[str(hypothesis)].append(self._where.results[str(result_id)])
        return found

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
