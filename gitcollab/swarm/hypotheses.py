"""Hypotheses: what was proposed, who is on it, what its tests said, and what to try first.

A pure function of a hub's records. A hypothesis is *open* until somebody claims an experiment that
names it, and *tested* once a result that names it was judged against its base. Programs count, not
runs: it is *supported* where more of them are better than their base than worse, *refuted* where
fewer are, and else within noise. What waits for another agent to confirm it says nothing yet.

Those that say the same are one idea (see ``folding``): what names any of them counts for it. Open
ones are ranked by ``weighing``. Everything is done on lines; only what is shown is read whole.
"""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.errors import UsageError
from gitcollab.records.models import Claim, Hypothesis
from gitcollab.records.names import path_of
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import claims, looking, reading, unsent
from gitcollab.swarm.folding import folded
from gitcollab.swarm.grouping import Key, key_of
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Verdict
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.retracting import withdrawn
from gitcollab.swarm.roster import roster
from gitcollab.swarm.runs import Run
from gitcollab.swarm.thoughts import HYPOTHESES, Guess, Lesson
from gitcollab.swarm.weighing import Scales, constants_of

Status: TypeAlias = Literal["open", "claimed", "tested"]
Outcome: TypeAlias = Literal["supported", "refuted", "within noise"]
STATUSES: Sequence[Status] = ("open", "claimed", "tested")
_NAMED = 4  # ids that an error gives


@dataclass(frozen=True, slots=True)
class Idea:
    """A hypothesis with what became of it. ``outcome`` is None until it is tested.

    ``runs`` name it, oldest first, crashes too; ``claims`` are in force. ``also`` are the ids of
    hypotheses that say the same; ``score`` is its usefulness, while it is not tested (see
    ``weighing``). ``waiting``: it is on this host only, and delivered once the hub is back.
    """

    hypothesis: Hypothesis
    status: Status
    outcome: Outcome | None
    claims: Sequence[Claim]
    runs: Sequence[Run]
    also: Sequence[str] = ()
    score: float = 0.0
    waiting: bool = False


@dataclass(frozen=True)
class IdeaPage:
    """Hypotheses, the most useful first; ``next`` is the token of the next page.

    ``counts`` are of all that match but for their status, ``total`` of those with it, too.
    """

    ideas: Sequence[Idea]
    next: str | None
    total: int
    counts: Mapping[Status, int]


class Place(NamedTuple):
    """An idea as a line: the oldest hypothesis that says it, and the ids of the others."""

    guess: Guess
    also: Sequence[str]
    status: Status
    outcome: Outcome | None
    claims: Sequence[Claim]
    runs: Sequence[Run]
    score: float

    @property
    def ids(self) -> Sequence[str]:
        """Of all that say it, the oldest first."""
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
        ideas = folded(self._guesses.values(), self._first_tests())
        found = [self._place(idea) for idea in ideas]
        scores = self._scores([place.guess for place in found if place.status != "tested"])
        found = [place._replace(score=scores.get(place.guess.id, 0.0)) for place in found]
        found.sort(key=lambda place: place.guess.id)
        found.sort(key=lambda place: place.runs[-1].created_at if place.runs else "", reverse=True)
        return sorted(found, key=lambda p: (STATUSES.index(p.status), -p.score))

    @cached_property
    def ids(self) -> Mapping[str, Place]:
        """The idea of every hypothesis that stands, by its id."""
        return {one: place for place in self.places for one in place.ids}

    def idea(self, place: Place, hypothesis_id: str | None = None) -> Idea | None:
        """The whole idea, in the words of one of those that say it: the oldest, unless another is
        wanted; None where it cannot be read.
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
    def _guesses(self) -> Mapping[str, Guess]:
        found = {guess.id: guess for guess in standing_guesses(self._snapshot)}
        return found | {one.id: line_of(one) for one in self._waiting.values()}

    @cached_property
    def _runs(self) -> Mapping[str, Sequence[Run]]:
        """The results that count and name a hypothesis, by what they name."""
        found: dict[str, list[Run]] = defaultdict(list)
        for result_id, hypothesis in self._snapshot.select("result", "hypothesis"):
            if hypothesis and result_id in self._where.results:
                found[hypothesis].append(self._where.results[result_id])
        return found

    @cached_property
    def _claims(self) -> Mapping[str, Sequence[Claim]]:
        found: dict[str, list[Claim]] = defaultdict(list)
        for claim in claims.active(self._snapshot):
            if claim.hypothesis is not None:
                found[claim.hypothesis].append(claim)
        return found

    def _first_tests(self) -> Mapping[str, str]:
        return {
            hypothesis: min(run.created_at for run in runs)
            for hypothesis, runs in self._runs.items()
            if verdicts(self._where, runs)
        }

    def _place(self, idea: Sequence[Guess]) -> Place:
        ids = [guess.id for guess in idea]
        runs = [run for one in ids for run in self._runs.get(one, ())]
        runs.sort(key=lambda run: (run.created_at, run.id))
        running = [claim for one in ids for claim in self._claims.get(one, ())]
        running.sort(key=lambda claim: (claim.created_at, claim.id))
        said = verdicts(self._where, runs)
        status: Status = "tested" if said else "claimed" if running else "open"
        outcome = _outcome(said.values())
        return Place(idea[0], tuple(ids[1:]), status, outcome, running, runs, 0.0)

    def _scores(self, untested: Sequence[Guess]) -> Mapping[str, float]:
        if not untested:
            return {}
        return self._scales(untested).scores(untested, self._now)

    def _scales(self, untested: Sequence[Guess]) -> Scales:
        where = self._where
        named = {one for guess in untested for one in guess.evidence.split()}
        results = named & where.results.keys()
        changed: Counter[str] = Counter()
        run: set[tuple[str, str | None]] = set()
        for result_id, delta, structural, base in self._snapshot.select(
            "result", "delta", "structural", "base"
        ):
            if delta is not None and result_id in where.results:
                changed.update(constants_of(str(delta)))
                if not structural:
                    run.add((str(delta), base))
        return Scales(
            kept={one for one in results if where.verdict(where.results[one]) == "better"},
            results=results,
            thoughts=named & (self._guesses.keys() | standing_ids(self._snapshot, "insight")),
            changed=changed,
            run=run,
        )


def verdicts(where: Standings, runs: Iterable[Run]) -> Mapping[Key, Verdict]:
    """What the programs of the runs were found to be; a replication of its base says nothing."""
    judged = ((key_of(run), where.judgement(run)) for run in runs)
    return {key: said for key, said in judged if said is not None and said != "unconfirmed"}


def _outcome(found: Iterable[Verdict]) -> Outcome | None:
    counts = Counter(found)
    if not counts:
        return None
    if counts["better"] == counts["worse"]:
        return "within noise"
    return "supported" if counts["better"] > counts["worse"] else "refuted"


def line_of(one: Hypothesis) -> Guess:
    """The line of a hypothesis that no store keeps."""
    return Guess(one.id, *HYPOTHESES.of(one))  # type: ignore[arg-type]


def standing_guesses(snapshot: Snapshot) -> list[Guess]:
    """The hypotheses that stand, a line each."""
    found = reading.guesses(snapshot)
    return [guess for guess in found if guess.id in standing_ids(snapshot, "hypothesis", found)]


def standing_ids(
    snapshot: Snapshot,
    kind: Literal["hypothesis", "insight"],
    lines: Sequence[Guess] | Sequence[Lesson] | None = None,
) -> Collection[str]:
    """Ids of the hypotheses or insights that count: signed by a member, and not withdrawn."""
    depends = ("task.yaml", "agents/", "rulings/", "retractions/", f"{_FOLDERS[kind]}/")
    return snapshot.once(
        f"standing-{kind}", depends, lambda: frozenset(_standing(snapshot, kind, lines))
    )


_FOLDERS = {"hypothesis": "hypotheses", "insight": "insights"}


def _standing(
    snapshot: Snapshot,
    kind: Literal["hypothesis", "insight"],
    lines: Sequence[Guess] | Sequence[Lesson] | None,
) -> Iterable[str]:
    known, gone = roster(snapshot), withdrawn(snapshot)
    signed = snapshot.signed(kind, known.keys)
    members = {name for name, agent in known.agents.items() if agent.status == "member"}
    rows = lines or snapshot.select(kind, "agent", "created_at")
    for record_id, agent, made, *_ in rows:
        if record_id not in signed or path_of(kind, record_id) in gone:
            continue
        if agent in members or known.agents[agent].counts(datetime.fromisoformat(made)):
            yield record_id


# -- as an agent sees them -------------------------------------------------------------------------


def board_of(member: Member) -> Board:
    """The board of the agent's hub, with what waits on this host."""
    snapshot = member.store.snapshot()
    return Board(snapshot, member.standings(), member.now(snapshot), unsent.hypotheses(member))


def listed(
    member: Member,
    *,
    status: Status | None = None,
    agent: str | None = None,
    text: str | None = None,
    limit: int = 20,
    page: str | None = None,
) -> IdeaPage:
    """A page of the board. ``text`` is looked for in titles and in what they set.

    ``page`` is the token that an earlier page gave. UsageError for an unknown agent or token.
    """
    if not 1 <= limit <= looking.MAX_PAGE:
        raise UsageError(f"a page has 1 to {looking.MAX_PAGE} hypotheses, not {limit}")
    looking.check_agent(member, agent)
    board = board_of(member)
    found = [place for place in board.places if _matches(place, agent, text)]
    counts = Counter(place.status for place in found)
    chosen = [place for place in found if status in (None, place.status)]
    rest = chosen[after([place.guess.id for place in chosen], page) :]
    following = rest[limit - 1].guess.id if len(rest) > limit else None
    of_all = {one: counts[one] for one in STATUSES}
    return IdeaPage(board.ideas(rest[:limit]), following, len(chosen), of_all)


def after(ids: Sequence[str], token: str | None) -> int:
    """The place behind the one that a page's token names. UsageError where it is not there."""
    if token is None:
        return 0
    if token not in ids:
        raise UsageError(
            f"{token[:80]!r} is no page token, or what it names has moved",
            "use what the page before gave as next, or leave --page out",
        )
    return ids.index(token) + 1


def _matches(place: Place, agent: str | None, text: str | None) -> bool:
    if agent not in (None, place.guess.agent):
        return False
    wanted = "" if text is None else text.casefold()
    return wanted in f"{place.guess.title} {place.guess.change or ''}".casefold()


def show(member: Member, wanted: str) -> Idea:
    """One hypothesis, in its own words, with what became of its idea; part of an id is enough."""
    board = board_of(member)
    found = _id_of(member, board.ids, wanted)
    idea = board.idea(board.ids[found], found)
    if idea is None:
        raise UsageError(f"{found} cannot be read", "gitcollab sync, then try again")
    return idea


def find(member: Member, wanted: str) -> Hypothesis:
    """The hypothesis that stands with this id, or the only one whose id holds it."""
    snapshot, waiting = member.store.snapshot(), unsent.hypotheses(member)
    ids = {*standing_ids(snapshot, "hypothesis"), *waiting}
    found = _id_of(member, ids, wanted)
    record = waiting.get(found) or snapshot.record(path_of("hypothesis", found))
    assert isinstance(record, Hypothesis)
    return record


def _id_of(member: Member, ids: Collection[str], wanted: str) -> str:
    return only_id(member.store.snapshot(), "hypothesis", ids, wanted)


def only_id(
    snapshot: Snapshot,
    kind: Literal["hypothesis", "insight"],
    ids: Collection[str],
    wanted: str,
) -> str:
    """The id that is ``wanted``, or the only one of ``ids`` that holds it.

    UsageError, with what may be meant, where there is none or there are several.
    """
    if wanted in ids:
        return wanted
    near = sorted(one for one in ids if wanted and wanted in one)
    if len(near) == 1:
        return near[0]
    plural = {"hypothesis": "hypotheses", "insight": "insights"}[kind]
    if near:
        raise UsageError(
            f"{len(near)} {plural} match {wanted[:80]!r}", f"such as {', '.join(near[:_NAMED])}"
        )
    gone = [str(i) for i, *_ in snapshot.select(kind) if wanted and wanted in str(i)]
    if gone:
        why = "was withdrawn" if path_of(kind, gone[0]) in withdrawn(snapshot) else "does not count"
        raise UsageError(f"the {kind} {gone[0]} {why}", f"list them with: gitcollab {kind} list")
    close = difflib.get_close_matches(wanted[:200], list(ids)[:5000], n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else ""
    raise UsageError(
        f"there is no {kind} {wanted[:80]!r}", hint or f"list them with: gitcollab {kind} list"
    )


def open_executable(member: Member, limit: int) -> list[Idea]:
    """The open ideas that a machine can try by itself, the most useful first."""
    board = board_of(member)
    places = [p for p in board.places if p.status == "open" and p.guess.executable]
    return board.ideas(places[:limit])


def board(snapshot: Snapshot, where: Standings, now: datetime | None = None) -> list[Idea]:
    """All ideas of a hub, read whole."""
    made = Board(snapshot, where, now or snapshot.commit_time or datetime.now().astimezone())
    return made.ideas(made.places)
