"""The board of hypotheses: what was proposed, who is on it, what its tests said, what to try first.

A pure function of a hub's records. A hypothesis is *open* until somebody claims an experiment that
names it, and *tested* once a result that tests it (see ``testing``) was judged against its base.
Programs count, not runs: it is *supported* where more of them are better than their base than
worse, *refuted* where fewer are, *undecided* where as many are, and within noise where all are.
What waits for another agent to confirm it says nothing yet. One that a machine can try has
*crashed* while each of its tests did, so that nobody runs it again unasked; one in words can always
be written better.

Those that say the same are one idea (see ``folding``): what names any of them counts for it. Open
ones are ranked by ``weighing``, by the best of their hypotheses, which speaks for all. All is done
on lines; only what is shown is read whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.records.models import Claim, Hypothesis, Task
from gitcollab.records.names import path_of
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import claims
from gitcollab.swarm.derive import standings_of
from gitcollab.swarm.ideas.fitting import unknown
from gitcollab.swarm.ideas.folding import folded
from gitcollab.swarm.ideas.lessons import Lessons
from gitcollab.swarm.ideas.standing import standing_guesses, verdicts
from gitcollab.swarm.ideas.testing import Tests
from gitcollab.swarm.ideas.thoughts import HYPOTHESES, Guess
from gitcollab.swarm.ideas.weighing import Scales, constants_of
from gitcollab.swarm.outcomes import Verdict
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run

Status: TypeAlias = Literal["open", "claimed", "tested"]
Outcome: TypeAlias = Literal["supported", "refuted", "undecided", "within noise", "crashed"]
STATUSES: Sequence[Status] = ("open", "claimed", "tested")


@dataclass(frozen=True, slots=True)
class Idea:
    """A hypothesis with what became of it. ``outcome`` is None until it is tested.

    ``runs`` test it, oldest first, crashes too; ``related`` name it, and are of something else.
    ``claims`` are in force. ``also`` are the ids of hypotheses that say the same; ``score`` is its
    usefulness, while it is not tested (see ``weighing``). ``waiting``: it is on this host only, and
    delivered once the hub is back. ``unknown`` are constants that it sets and no program has: it
    cannot be tried.
    """

    hypothesis: Hypothesis
    status: Status
    outcome: Outcome | None
    claims: Sequence[Claim]
    runs: Sequence[Run]
    also: Sequence[str] = ()
    score: float = 0.0
    waiting: bool = False
    related: Sequence[Run] = ()
    unknown: Sequence[str] = ()


class Place(NamedTuple):
    """An idea as a line: the hypothesis that speaks for it, and the ids of the others.

    That is the one with the best score; of what was tested, the one that most results name.
    """

    guess: Guess
    also: Sequence[str]
    status: Status
    outcome: Outcome | None
    claims: Sequence[Claim]
    runs: Sequence[Run]
    score: float
    related: Sequence[Run] = ()

    @property
    def ids(self) -> Sequence[str]:
        """Of all that say it: the one that speaks for it, then the others from the oldest on."""
        return (self.guess.id, *self.also)


class Board:
    """The ideas of a hub that stand: signed by a member, and not withdrawn.

    ``now`` is when ages are told; ``waiting`` are hypotheses of this host that are on their way.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        where: Standings,
        now: datetime,
        waiting: Mapping[str, Hypothesis] | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._where = where
        self._now = now
        self._waiting = waiting or {}

    @cached_property
    def places(self) -> Sequence[Place]:
        """Open ideas first, then claimed, then tested.

        The first two by score, the tested by when they last were, the newest first.
        """
        scores = self._scores([idea for idea, place in self._placed if place.status != "tested"])
        found = [self._spoken(idea, place, scores) for idea, place in self._placed]
        found.sort(key=lambda place: place.guess.id)
        found.sort(key=lambda place: place.runs[-1].created_at if place.runs else "", reverse=True)
        return sorted(found, key=lambda p: (STATUSES.index(p.status), -p.score))

    @cached_property
    def lines(self) -> Mapping[str, Guess]:
        """The hypotheses that stand, or wait here, by id."""
        found = {guess.id: guess for guess in standing_guesses(self._snapshot)}
        return found | {one.id: line_of(one) for one in self._waiting.values()}

    @cached_property
    def ids(self) -> Mapping[str, Place]:
        """The idea of every hypothesis that stands, by its id."""
        return {one: place for place in self.places for one in place.ids}

    @cached_property
    def judged(self) -> Collection[str]:
        """Ids of the hypotheses whose idea was judged by a test: a crash tells nothing of it."""
        done = (idea for idea, place in self._placed if place.outcome not in (None, "crashed"))
        return frozenset(guess.id for idea in done for guess in idea)

    @cached_property
    def tried(self) -> Collection[str]:
        """Ids of the hypotheses whose idea was judged by a test, or crashed."""
        done = (idea for idea, place in self._placed if place.outcome is not None)
        return frozenset(guess.id for idea in done for guess in idea)

    def idea(self, place: Place, hypothesis_id: str | None = None) -> Idea | None:
        """The whole idea, in the words of the one that speaks for it, unless another is wanted.

        None where it cannot be read.
        """
        wanted = hypothesis_id or place.guess.id
        record = self.hypothesis(wanted)
        if record is None:
            return None
        also = tuple(one for one in place.ids if one != wanted)
        return Idea(
            record,
            place.status,
            place.outcome,
            place.claims,
            place.runs,
            also,
            place.score,
            wanted in self._waiting,
            place.related,
            self._unknown.get(wanted, ()),
        )

    def ideas(self, places: Iterable[Place]) -> list[Idea]:
        """The whole ideas of these lines."""
        return [idea for place in places if (idea := self.idea(place)) is not None]

    def hypothesis(self, hypothesis_id: str) -> Hypothesis | None:
        """The record of one that stands, or waits here."""
        if hypothesis_id in self._waiting:
            return self._waiting[hypothesis_id]
        found = self._snapshot.record(path_of("hypothesis", hypothesis_id))
        return found if isinstance(found, Hypothesis) else None

    # -- inside ------------------------------------------------------------------------------------

    @cached_property
    def _placed(self) -> Sequence[tuple[Sequence[Guess], Place]]:
        """The ideas, the hypotheses of each from the oldest on, with what became of it."""
        ideas = folded(self.lines.values(), self._first_test)
        return [(idea, self._place(idea)) for idea in ideas]

    @cached_property
    def _runs(self) -> Mapping[str, Sequence[Run]]:
        """The results that count and name a hypothesis, by what they name, oldest first."""
        found: dict[str, list[Run]] = defaultdict(list)
        for result_id, hypothesis in self._snapshot.select("result", "hypothesis"):
            if hypothesis and result_id in self._where.results:
                found[hypothesis].append(self._where.results[result_id])
        return {one: sorted(runs, key=_age) for one, runs in found.items()}

    @cached_property
    def _tests(self) -> Tests:
        return Tests(self._snapshot, self.hypothesis, self._where.task.program)

    @cached_property
    def _claims(self) -> Mapping[str, Sequence[Claim]]:
        found: dict[str, list[Claim]] = defaultdict(list)
        for claim in claims.active(self._snapshot):
            if claim.hypothesis is not None:
                found[claim.hypothesis].append(claim)
        return found

    def _first_test(self, guess: Guess, says: Guess) -> str | None:
        """When the first result was made that names a hypothesis and tries its idea.

        It judges it, or crashed where a machine can try it: that may go well on another base.
        """
        runs = self._runs.get(guess.id, ())
        made = (run for run in self._named_tests(guess, says, runs) if self._tries(says, run))
        return next((run.created_at for run in made), None)

    def _tries(self, says: Guess, run: Run) -> bool:
        if run.status != "ok":
            return says.executable
        return self._where.judgement(run) not in (None, "unconfirmed")

    def _named_tests(self, guess: Guess, says: Guess, runs: Sequence[Run]) -> Sequence[Run]:
        """Those of the runs, which name a hypothesis, that test it; in words it is what ``says``
        its idea that is tested.
        """
        return self._tests.among(guess if guess.executable else says, runs) if runs else ()

    def _place(self, idea: Sequence[Guess]) -> Place:
        ids = [guess.id for guess in idea]
        named = sorted((run for one in ids for run in self._runs.get(one, ())), key=_age)
        runs = sorted(self._tests_of(idea), key=_age)
        tests = {run.id for run in runs}
        running = [claim for one in ids for claim in self._claims.get(one, ())]
        running.sort(key=lambda claim: (claim.created_at, claim.id))
        outcome = _outcome(verdicts(self._where, runs).values())
        if outcome is None and _says(idea).executable and _only_crashed(runs):
            outcome = "crashed"
        status: Status = "tested" if outcome else "claimed" if running else "open"
        related = [run for run in named if run.id not in tests]
        return Place(idea[0], tuple(ids[1:]), status, outcome, running, runs, 0.0, related)

    def _tests_of(self, idea: Sequence[Guess]) -> Iterator[Run]:
        """The tests of an idea: of what a machine can try, in whatever words it is said, too."""
        for guess in idea:
            yield from self._named_tests(guess, _says(idea), self._runs.get(guess.id, ()))

    def _spoken(self, idea: Sequence[Guess], place: Place, scores: Mapping[str, float]) -> Place:
        """The place with the hypothesis that speaks for the idea, and the idea's score."""
        if place.status == "tested":
            speaks = max(idea, key=lambda guess: len(self._runs.get(guess.id, ())))
        else:
            speaks = max(idea, key=lambda guess: scores[guess.id])
        also = tuple(guess.id for guess in idea if guess is not speaks)
        return place._replace(guess=speaks, also=also, score=scores.get(speaks.id, 0.0))

    def _scores(self, untested: Sequence[Sequence[Guess]]) -> Mapping[str, float]:
        return self._scales(untested).scores(untested, self._now) if untested else {}

    def _scales(self, untested: Sequence[Sequence[Guess]]) -> Scales:
        where = self._where
        changed: Counter[str] = Counter()
        run: set[tuple[str, str | None]] = set()
        for one in where.results.values():
            if one.delta is not None:
                changed.update(constants_of(one.delta))
                if not one.structural:
                    run.add((one.delta, one.base))
        named = {one for idea in untested for guess in idea for one in guess.evidence.split()}
        results = [where.results[one] for one in named & where.results.keys()]
        return Scales(
            kept={one.id for one in results if where.judgement(one) == "better"},
            supported=self._supported(named),
            changed=changed,
            run=run,
            lost=self._unknown.keys(),
        )

    def _supported(self, named: Set[str]) -> Set[str]:
        """Those of the hypotheses and insights that tests support."""
        found = (idea for idea, place in self._placed if place.outcome == "supported")
        ids = {guess.id for idea in found for guess in idea}
        return (ids & named) | Lessons(self._snapshot, self._where).supported(named)

    @cached_property
    def _unknown(self) -> Mapping[str, Sequence[str]]:
        """The constants that a hypothesis sets and no program has, by its id.

        What waits on this host was looked at when it was told.
        """
        told = (one for one in self.lines.values() if one.id not in self._waiting)
        return unknown(self._snapshot, self._where, told)


def judged(snapshot: Snapshot, task: Task) -> Collection[str]:
    """Ids of the hypotheses on a hub that were judged by a test, as its board has it."""
    return _done(snapshot, task)[0]


def tried(snapshot: Snapshot, task: Task) -> Collection[str]:
    """Ids of the hypotheses on a hub that were judged by a test, or crashed."""
    return _done(snapshot, task)[1]


_DEPENDS = (
    *("task.yaml", "train.py", "agents/", "rulings/", "retractions/"),
    *("hypotheses/", "results/"),
)


def _done(snapshot: Snapshot, task: Task) -> tuple[Collection[str], Collection[str]]:
    def make() -> tuple[Collection[str], Collection[str]]:
        board = Board(snapshot, standings_of(snapshot, task), datetime.now(UTC))
        return board.judged, board.tried

    return snapshot.once("ideas-done", _DEPENDS, make)


def _age(run: Run) -> tuple[str, str]:
    return run.created_at, run.id


def _says(idea: Sequence[Guess]) -> Guess:
    """The one of those that say an idea which a machine can try, if there is one."""
    return next((guess for guess in idea if guess.executable), idea[0])


def _only_crashed(runs: Sequence[Run]) -> bool:
    return bool(runs) and all(run.status != "ok" for run in runs)


def _outcome(found: Iterable[Verdict]) -> Outcome | None:
    counts = Counter(found)
    if not counts:
        return None
    if counts["better"] == counts["worse"]:
        return "undecided" if counts["better"] else "within noise"
    return "supported" if counts["better"] > counts["worse"] else "refuted"


def line_of(one: Hypothesis) -> Guess:
    """The line of a hypothesis that no store keeps."""
    return Guess(one.id, *HYPOTHESES.of(one))  # type: ignore[arg-type]
