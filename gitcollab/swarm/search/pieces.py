"""What a question may find: results, hypotheses, insights and claims that stand, a line each.

What is forged, void or withdrawn is not among them; what waits on this host for the hub is, marked.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from gitcollab.similarity.bounds import Bound
from gitcollab.similarity.literal import NotLiteral, Value, evaluate, from_plain, plain, shown
from gitcollab.similarity.question import Subject
from gitcollab.swarm import claims
from gitcollab.swarm.changes import Changed
from gitcollab.swarm.identity import canonical_json
from gitcollab.swarm.maps.coverage import baseline_of
from gitcollab.swarm.maps.values import Values, values
from gitcollab.swarm.maps.words import started
from gitcollab.swarm.member import Member
from gitcollab.swarm.progress import Mark, mark_of
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run
from gitcollab.swarm.search.filters import Filters, Kind
from gitcollab.swarm.tracks import ANY

if TYPE_CHECKING:
    from gitcollab.records.models import Claim
    from gitcollab.swarm.ideas.hypotheses import Place
    from gitcollab.swarm.ideas.insights import Lessons
    from gitcollab.swarm.ideas.thoughts import Lesson


class Piece(NamedTuple):
    """One record: who wrote what and when (RFC 3339), and the constants that it sets.

    ``delta`` is canonical JSON. ``verdict`` is the status or outcome of a hypothesis, the standing
    of an insight, "running" for a claim; ``Pieces.mark`` tells that of a result. ``waiting``: only
    on this host.
    """

    kind: Kind
    id: str
    agent: str
    at: str
    text: str
    delta: str | None = None
    structural: bool = False
    tier: str | None = None
    metric: float | None = None
    verdict: str | None = None
    waiting: bool = False

    @property
    def key(self) -> tuple[Kind, str]:
        """What no other piece has: ids are of one kind."""
        return self.kind, self.id


class Pieces:
    """All that an agent can ask about its hub."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.snapshot = member.store.snapshot()
        self.where: Standings = member.standings()

    def of(self, kind: Kind, filters: Filters, measured: Sequence[Bound] = ()) -> list[Piece]:
        """The records of a kind that meet the filters; ``measured`` is asked of metrics."""
        match kind:
            case "result":
                return list(self._results(filters, measured))
            case "hypothesis":
                found: Iterable[Piece] = self._hypotheses()
            case "insight":
                found = self._insights()
            case "claim":
                found = self._claims(filters)
        return [one for one in found if _meets(one, filters)]

    @cached_property
    def values(self) -> Values:
        """What constants were before each change: where only words tell, as these have it."""
        kept = self._known["values"]
        changes = {of: [Changed(*one) for one in made] for of, made in kept["changes"].items()}
        return Values(changes, kept["baseline"], kept["best"], frozenset(kept["said"]))

    @cached_property
    def baseline(self) -> Mapping[str, Value]:
        """The constants of the task's own program."""
        return {name: from_plain(value) for name, value in self._known["baseline"].items()}

    @cached_property
    def constants(self) -> Mapping[str, Value]:
        """All constants that are known, with a value that each has had."""
        return {name: from_plain(value) for name, value in self._known["constants"].items()}

    @cached_property
    def _known(self) -> Mapping[str, Any]:
        """What all results tell of constants, as this host remembers it: plain JSON data."""
        known: Mapping[str, Any] = self.member.remembered("asked", self._told)
        return known

    def _told(self) -> Mapping[str, Any]:
        baseline, results = baseline_of(self.member), self.where.results
        known = dict(baseline)
        for delta in sorted({run.delta for run in results.values() if run.delta}):
            for name, value in set_by(delta).items():
                known.setdefault(name, value)
        found = values(self.where, baseline, started(results, self.member.words))
        return {
            "values": {**vars(found), "said": sorted(found.said)},
            "baseline": {name: plain(value) for name, value in baseline.items()},
            "constants": {name: plain(value) for name, value in known.items()},
        }

    def run(self, piece: Piece) -> Run:
        """The line of a result that ``of`` gave."""
        return self.where.results[piece.id]

    def mark(self, piece: Piece) -> Mark:
        """What became of a result; worked out when it is called, for there are many."""
        return mark_of(self.where, self.run(piece))

    def setting(self, subjects: Sequence[Subject], found: Iterable[Piece]) -> Iterator[Piece]:
        """Those of the pieces that set any constant of the subjects, to whatever value."""
        names = tuple(f'"{named.name}":' for subject in subjects for named in subject.names)
        for piece in found:
            if piece.delta is not None and any(name in piece.delta for name in names):
                yield piece

    def settings(self, piece: Piece, subjects: Sequence[Subject]) -> Iterator[tuple[str, str]]:
        """The constants that a piece sets as one of the subjects asks, with the values as shown."""
        if piece.delta is None:
            return
        values = set_by(piece.delta)
        for subject in subjects:
            for named in subject.names:
                if named.name not in values:
                    continue
                before = self._before(piece, named.name) if subject.bounds else None
                if subject.holds(named, values[named.name], before):
                    yield named.name, shown(values[named.name])

    def _before(self, piece: Piece, name: str) -> Value:
        """What a constant was in the base of a result; None where that is not known."""
        if piece.kind != "result":
            return self.baseline.get(name)
        for change in self.values.changes.get(piece.id, ()):
            if change.name == name and change.before is not None:
                return _value(change.before)
        return None

    def _results(self, filters: Filters, measured: Sequence[Bound]) -> Iterator[Piece]:
        where, queued = self.where, self.member.queued()
        for run in where.results.values():
            if not filters.is_of(run.agent):
                continue
            tier = where.tier_of(run)
            if filters.tiers and tier not in filters.tiers:
                continue
            if not all(run.metric is not None and b.holds(run.metric) for b in measured):
                continue
            if not _in_time(run.created_at, filters):
                continue
            if filters.marks and mark_of(where, run) not in filters.marks:
                continue
            yield Piece(
                "result", run.id, run.agent, run.created_at, run.description, run.delta,
                bool(run.structural), tier, run.metric, None, run.id in queued,
            )  # fmt: skip

    def _hypotheses(self) -> Iterator[Piece]:
        from gitcollab.swarm.ideas import hypotheses, unsent

        waiting = unsent.hypotheses(self.member)
        for place in hypotheses.board_of(self.member).places:
            yield _of_idea(place, place.guess.id in waiting)

    def _insights(self) -> Iterator[Piece]:
        from gitcollab.swarm.ideas import insights, unsent

        lessons, waiting = insights.lessons_of(self.member), unsent.insights(self.member)
        for line in lessons.lines:
            yield _of_lesson(lessons, line, line.id in waiting)

    def _claims(self, filters: Filters) -> Iterator[Piece]:
        for claim in claims.active(self.snapshot):
            if not filters.tiers or claim.tier in (*filters.tiers, ANY):
                yield _of_claim(claim)


# How it is said of hypotheses and insights that were tested.
_TESTED = frozenset(
    ("supported", "refuted", "within noise", "crashed", "contradicted", "undecided")
)


@lru_cache(maxsize=20_000)
def set_by(delta: str) -> Mapping[str, Value]:
    """The constants that a delta sets, by name."""
    return {name: from_plain(value) for name, value in json.loads(delta).items()}


@lru_cache(maxsize=20_000)
def _value(text: str) -> Value:
    try:
        return evaluate(ast.parse(text, mode="eval").body)
    except (NotLiteral, SyntaxError):
        return None


def _meets(piece: Piece, filters: Filters) -> bool:
    if not filters.is_of(piece.agent):
        return False
    if not _in_time(piece.at, filters):
        return False
    states = set[str | None](filters.states)
    if "tested" in states:
        states |= _TESTED
    return not states or piece.kind == "claim" or piece.verdict in states


def _in_time(at: str, filters: Filters) -> bool:
    """Whether a time is in the window that is asked for; times in RFC 3339 sort as they are."""
    late = filters.since is None or at >= filters.since
    return late and (filters.before is None or at < filters.before)


def _of_idea(place: Place, waiting: bool) -> Piece:
    guess = place.guess
    verdict = place.outcome or place.status
    return Piece(
        "hypothesis", guess.id, guess.agent, guess.created_at, guess.title, guess.change,
        guess.patch is not None, None, None, verdict, waiting,
    )  # fmt: skip


def _of_lesson(lessons: Lessons, line: Lesson, waiting: bool) -> Piece:
    standing = lessons.standing(line)[0]
    return Piece(
        "insight", line.id, line.agent, line.created_at, line.text, verdict=standing,
        waiting=waiting,
    )  # fmt: skip


def _of_claim(claim: Claim) -> Piece:
    from gitcollab.records.models import rfc3339

    delta = canonical_json(claim.delta) if claim.delta else None
    return Piece(
        "claim", claim.id, claim.agent, rfc3339(claim.created_at), claim.description, delta,
        claim.structural, claim.tier, None, "running",
    )  # fmt: skip
