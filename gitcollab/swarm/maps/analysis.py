"""Where the swarm stands and what would help it most: what a newcomer has to know first.

Facts that follow from the standings alone are kept with them; what depends on the time (trend,
claims, what is open) is asked each time.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from gitcollab.records.models import Claim
from gitcollab.swarm import claims
from gitcollab.swarm.credit import Activity
from gitcollab.swarm.engine import allocation
from gitcollab.swarm.grouping import Runs, base_fingerprint_of, key_of
from gitcollab.swarm.maps.coverage import is_new
from gitcollab.swarm.maps.frontier import leaves
from gitcollab.swarm.maps.words import is_bare
from gitcollab.swarm.progress import is_rerun, mark_of
from gitcollab.swarm.ranking import ENOUGH_RUNS, Standings
from gitcollab.swarm.rankings import entry, entry_of
from gitcollab.swarm.reports import Entry
from gitcollab.swarm.runs import Run
from gitcollab.swarm.transfers import made_by, subject
from gitcollab.swarm.trend import Course, Trend, trend

if TYPE_CHECKING:
    from gitcollab.swarm.ideas.hypotheses import IdeaPage
    from gitcollab.swarm.ideas.insights import LearnedPage
    from gitcollab.swarm.member import Member

RECENT = 50  # experiments that diversity is about
KEPT, FAILED, OPEN, NEW, AGAIN, ACROSS = 5, 5, 5, 5, 5, 5  # lines of each
MOST_AGENTS, MOST_TIERS = 100, 50
# What an experiment was about that changed more than constants, or has no program to look at.
CODE, WORDS = "(code)", "(words)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An experiment and what came of it.

    ``gain`` is over its base, in the metric's unit, positive is better; None where it has none.
    """

    id: str
    agent: str
    created_at: str  # RFC 3339
    description: str
    tier: str
    status: str  # "ok", "crash", "timeout"
    metric: float | None  # the mean of all runs of its program on the tier
    gain: float | None
    error: float | None  # the standard error of the gain


@dataclass(frozen=True, slots=True)
class Diversity:
    """How widely the swarm has searched of late: over its last ``experiments``, without baselines.

    ``reruns`` are further runs of a program. The others were about the constants that they set, a
    constant of k counting 1/k, or about the code; where nobody has the program, words alone tell
    what else was changed. ``effective`` is how many equal subjects would be as diverse: exp(H) of
    Shannon's entropy H of their shares (M. O. Hill, "Diversity and Evenness", Ecology 54, 1973: the
    number of order 1).
    """

    experiments: int
    reruns: int
    structural: int  # that changed more than constants, or have nothing but words
    constants: int  # distinct ones
    bases: int  # distinct programs that were changed
    most: str | None  # the subject that most was about: a constant, "(code)" or "(words)"
    most_share: float  # of what was no rerun, 0 to 1
    effective: float


@dataclass(frozen=True)
class Analysis:
    """The state of the swarm. Lists are short: what they are cut from is on the other verbs."""

    best: Entry | None
    by_tier: Mapping[str, Entry]  # the best of each tier, by name
    active: Sequence[Activity]  # in the days before the newest result, the busiest first
    kept: Sequence[Outcome]  # the last experiments that were better than their base, newest first
    failed: Sequence[Outcome]  # the last that crashed or were worse beyond noise, newest first
    course: Course
    trend: Trend
    diversity: Diversity
    replicate: Sequence[Entry]  # what needs another run on this machine's tier (``allocation``)
    transfers: Sequence[Entry]  # changes kept on several tiers, each in its best program
    hypotheses: IdeaPage  # open ones, the most useful first; its counts are of all
    insights: LearnedPage  # the newest
    claims: Sequence[Claim]  # in force, oldest first
    bare: int = 0  # programs that were run too seldom, and that nobody has to run them again
    leaves: int = 0  # programs that can be built on, and that nobody has built on: the frontier


def of_member(member: Member) -> Analysis:
    """How things stand by this machine's clock."""
    from gitcollab.swarm.ideas import hypotheses, insights

    rankings, course = member.rankings, member.rankings.course
    tier = member.tier
    kept = member.remembered(f"analysis {tier}", lambda: facts(member.standings(), tier))
    return Analysis(
        best=rankings.best(),
        by_tier={tier: one[0] for tier, one in list(rankings.tiers.items())[:MOST_TIERS] if one},
        active=[Activity(*one) for one in kept["active"]],
        kept=[Outcome(**one) for one in kept["kept"]],
        failed=[Outcome(**one) for one in kept["failed"]],
        course=course,
        trend=trend(course, member.clock()),
        diversity=Diversity(**kept["diversity"]),
        replicate=[entry_of(one) for one in kept["replicate"]],
        bare=kept["bare"],
        leaves=kept["leaves"],
        transfers=[entry_of(one) for one in kept["transfers"]],
        hypotheses=hypotheses.listed(member, status="open", limit=OPEN),
        insights=insights.listed(member, limit=NEW),
        claims=claims.active(member.store.snapshot()),
    )


def facts(where: Standings, tier: str) -> dict[str, Any]:
    """What the standings alone say to a machine of this tier, as plain JSON data."""
    newest = sorted(where.results.values(), key=lambda r: (r.created_at, r.id), reverse=True)
    again = allocation.wanted(where, tier, {})
    return {
        "active": [list(one) for one in where.credit.active()[:MOST_AGENTS]],
        "kept": _first(where, newest, KEPT, lambda run: mark_of(where, run) == "keep"),
        "failed": _first(where, newest, FAILED, lambda r: mark_of(where, r) in _FAILURES),
        "diversity": asdict(diversity(where, _recent(where, newest))),
        "replicate": [asdict(entry(group, n)) for n, group in enumerate(islice(again, AGAIN), 1)],
        "bare": sum(is_bare(d.first) and len(d.runs) < ENOUGH_RUNS for d in where.drafts.values()),
        "leaves": len(leaves(where)[0]),
        "transfers": _transfers(where),
    }


_FAILURES = ("crash", "discard")


def _first(
    where: Standings, runs: Sequence[Run], most: int, wanted: Callable[[Run], bool]
) -> list[dict[str, Any]]:
    """The first of the wanted runs, each program once."""
    found: dict[object, Run] = {}
    for run in runs:
        if key_of(run) not in found and run.replicates is None and wanted(run):
            found[key_of(run)] = run
            if len(found) == most:
                break
    return [asdict(outcome(where, run)) for run in found.values()]


def outcome(where: Standings, run: Run) -> Outcome:
    """What came of an experiment."""
    mine, base = where.group_of(run), where.base_of(run)
    gain = error = None
    if mine is not None and base is not None:
        gain = (base.mean - mine.mean) * where.task.sign
        error = where.sigma * math.sqrt(1 / mine.n + 1 / base.n)
    return Outcome(
        id=run.id,
        agent=run.agent,
        created_at=run.created_at,
        description=run.description,
        tier=run.tier,
        status=run.status,
        metric=None if mine is None else mine.mean,
        gain=gain,
        error=error,
    )


def _recent(where: Standings, newest: Iterable[Run]) -> Sequence[Run]:
    """The last experiments. A baseline is none: it changes nothing, and runs nothing again."""
    return list(islice((run for run in newest if is_rerun(run) or _is_new(where, run)), RECENT))


def _is_new(where: Standings, run: Run) -> bool:
    return is_new(run, base_fingerprint_of(run, where.results))


def diversity(where: Standings, runs: Sequence[Run]) -> Diversity:
    """How diverse these runs are, none of which is a baseline."""
    changing = [run for run in runs if _is_new(where, run)]
    weights: dict[str, list[float]] = defaultdict(list)
    for run in changing:
        subjects = list(_subjects(run))
        for name in subjects:
            weights[name].append(1 / len(subjects))
    shares = {name: math.fsum(of) for name, of in weights.items()}
    total = math.fsum(shares.values())
    most = min(shares, key=lambda name: (-shares[name], name), default=None)
    entropy = -math.fsum(s / total * math.log(s / total) for s in shares.values())
    return Diversity(
        experiments=len(runs),
        reruns=len(runs) - len(changing),
        structural=sum(run.change is None for run in changing),
        constants=len(shares.keys() - {CODE, WORDS}),
        bases=len({base_fingerprint_of(run, where.results) for run in changing}),
        most=most,
        most_share=shares[most] / total if most is not None else 0.0,
        effective=math.exp(entropy) if shares else 0.0,
    )


def _subjects(run: Run) -> Iterator[str]:
    if run.delta is not None:
        yield from sorted(json.loads(run.delta))
    if run.change is None:
        yield WORDS if is_bare(run) else CODE


def _transfers(where: Standings) -> list[dict[str, Any]]:
    """The changes that were kept on several tiers, each as its best program, newest first."""
    found: dict[str, Runs] = {}
    for draft in where.eligible if where.transfers else ():
        change = subject(made_by(where, draft))
        if change in where.transfers:
            found.setdefault(change, draft)
    newest = sorted(found.values(), key=lambda d: (d.first.created_at, d.first.id), reverse=True)
    return [asdict(entry(group)) for group in where.groups_of(newest[:ACROSS])]
