"""What of the search space was tried: per constant which values, on which bases, to what effect.

A pure function of the standings, and of words where there is no program. An *experiment* is one
change of one program on one tier; running it again is none, nor is setting a constant to the value
that it has. It says what a constant does only where it changed nothing else.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from gitcollab.errors import GitcollabError
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.similarity.constants import UnknownConstant, Value, constants
from gitcollab.swarm.changes import Changed
from gitcollab.swarm.grouping import Key, Runs, base_fingerprint_of, key_of
from gitcollab.swarm.maps.values import values
from gitcollab.swarm.maps.words import is_bare, speaking, started
from gitcollab.swarm.progress import Mark, mark_of
from gitcollab.swarm.ranking import Standings, noise_between
from gitcollab.swarm.runs import Run

if TYPE_CHECKING:
    from gitcollab.swarm.member import Member
    from gitcollab.swarm.recogniser import Words

MOST_IDS = 10  # of a value


@dataclass(frozen=True, slots=True)
class Tried:
    """A value that a constant was set to.

    ``n`` experiments set it, on ``bases`` programs, ``alone`` of them and nothing else. What is
    neither kept nor discarded, noise nor crashed has no base to be compared with, waits to be
    confirmed, or is no believable measurement. ``gain`` is the mean gain over their base of those
    that set it alone, in the metric's unit, positive is better; ``error`` its standard error.
    """

    value: str  # as Python writes it
    before: Sequence[str]  # the values that it was changed from, where they are known
    n: int
    bases: int
    alone: int
    kept: int
    discarded: int
    noise: int
    crashed: int
    gain: float | None
    error: float | None
    best: float | None  # the metric of the first of ``results``, whatever else it changed
    rank: int | None  # that one's place among all programs, 1 is the best; None: it has none
    results: Sequence[str]  # ids, as they rank, ``MOST_IDS`` at most
    transfers: Sequence[str]  # the tiers that the change, alone, was kept on, if two or more


@dataclass(frozen=True, slots=True)
class Explored:
    """A constant that was changed; its value in the task's program, and in the best one."""

    name: str
    baseline: str | None
    now: str | None
    tried: Sequence[Tried]  # by value, numbers first
    experiments: int
    said: bool  # ``now`` is what words say: that line did not begin with the task's program


@dataclass(frozen=True, slots=True)
class Worded:
    """A constant that no experiment is known to have set, of which words alone speak."""

    name: str
    baseline: str  # in the task's program
    experiments: int
    results: Sequence[str]  # ids, as they rank, ``MOST_IDS`` at most


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was tried, and what nobody has touched."""

    constants: Sequence[Explored]  # the most explored first
    untouched: Sequence[tuple[str, str]]  # names with the values they have
    worded: Sequence[Worded]  # the most spoken of first
    structural: int  # experiments that changed more than constants, or have nothing but words
    by_words: int  # of these, those that have nothing but words
    experiments: int  # all that tried something new
    noise: float  # below this, a difference between two single runs is noise


class _Experiment(NamedTuple):
    run: Run
    changes: Sequence[Changed]
    mark: Mark
    mine: Runs | None  # None: it does not count
    base: Runs | None
    rank: int | None  # of its program

    @property
    def alone(self) -> bool:
        return len(self.changes) == 1 and not self.run.structural

    def place(self, sign: int) -> tuple[float, float, str, str]:
        """As they rank; then what waits to be confirmed; what does not count at the end."""
        mean = math.inf if self.mine is None else self.mine.mean * sign
        return self.rank or math.inf, mean, self.run.created_at, self.run.id


_Setting: TypeAlias = Sequence[tuple[Changed, _Experiment]]


def of_member(member: Member, constant: str | None = None) -> Coverage:
    """What the swarm tried; of one constant alone where it is named.

    Raises UnknownConstant where neither the task's program has it nor any experiment set it.
    """
    kept = member.remembered("coverage", lambda: asdict(_now(member)))
    found = _read(kept)
    return found if constant is None else of_constant(found, constant)


def of_constant(found: Coverage, wanted: str) -> Coverage:
    """Of what was found, only the constant; small letters will do. Raises UnknownConstant."""
    names = [one.name for one in found.constants] + [one.name for one in found.worded]
    names += [name for name, _ in found.untouched]
    name = wanted if wanted in names else wanted.strip().upper()
    if name not in names:
        raise UnknownConstant(wanted, dict.fromkeys(names))
    return replace(
        found,
        constants=[one for one in found.constants if one.name == name],
        untouched=[one for one in found.untouched if one[0] == name],
        worded=[one for one in found.worded if one.name == name],
    )


def coverage(
    where: Standings, baseline: Mapping[str, Value], words: Words | None = None
) -> Coverage:
    """What was tried; ``baseline`` are the constants of the task's own program.

    ``words`` read what experiments say of which nobody has the program.
    """
    known = values(where, baseline, {} if words is None else started(where.results, words))
    experiments = list(_experiments(where, known.changes, where.results.values()))
    found = _by_value(experiments)
    explored = [
        Explored(
            name=name,
            baseline=known.baseline.get(name),
            now=known.best.get(name),
            tried=[_tried(where, value, of[value]) for value in sorted(of, key=size_of)],
            experiments=sum(map(len, of.values())),
            said=name in known.said,
        )
        for name, of in found.items()
    ]
    rest = {n: v for n, v in sorted(known.baseline.items()) if n not in found}
    worded = [] if words is None else _worded(where, experiments, rest, words)
    spoken = {one.name for one in worded}
    return Coverage(
        constants=sorted(explored, key=lambda one: (-one.experiments, one.name)),
        untouched=[(name, value) for name, value in rest.items() if name not in spoken],
        worded=worded,
        structural=sum(one.run.change is None for one in experiments),
        by_words=sum(is_bare(one.run) and one.run.delta is None for one in experiments),
        experiments=len(experiments),
        noise=noise_between(where.sigma, 1, 1),
    )


def _worded(
    where: Standings,
    experiments: Sequence[_Experiment],
    names: Mapping[str, str],
    words: Words,
) -> list[Worded]:
    """Of these constants, those that experiments speak of."""
    ordered = [one.run for one in sorted(experiments, key=lambda one: one.place(where.task.sign))]
    found = [
        Worded(name, names[name], len(runs), [run.id for run in runs[:MOST_IDS]])
        for name, runs in speaking(ordered, names, words).items()
    ]
    return sorted(found, key=lambda one: (-one.experiments, one.name))


def _now(member: Member) -> Coverage:
    return coverage(member.standings(), baseline_of(member), member.words)


def baseline_of(member: Member) -> Mapping[str, Value]:
    """The constants of the task's own program; none where it cannot be read as one."""
    data = member.store.snapshot().read(PROGRAM_PATH)
    try:
        known = {} if data is None else constants(data.decode(errors="replace"))
    except GitcollabError:
        return {}
    return {name: one.value for name, one in known.items()}


def _read(kept: Mapping[str, Any]) -> Coverage:
    explored = [
        Explored(**{**one, "tried": [Tried(**value) for value in one["tried"]]})
        for one in kept["constants"]
    ]
    untouched = [(name, value) for name, value in kept["untouched"]]
    worded = [Worded(**one) for one in kept["worded"]]
    return Coverage(**{**kept, "constants": explored, "untouched": untouched, "worded": worded})


def tried_by(
    where: Standings, changes: Mapping[str, Sequence[Changed]], runs: Iterable[Run]
) -> Mapping[tuple[str, str], Callable[[], Tried]]:
    """By constant and value, what came of it in these runs alone, worked out when it is called.

    ``changes`` are those of ``values``.
    """
    found = _by_value(_experiments(where, changes, runs))
    return {
        (name, value): partial(_tried, where, value, setting)
        for name, of in found.items()
        for value, setting in of.items()
    }


def _by_value(experiments: Iterable[_Experiment]) -> Mapping[str, Mapping[str, _Setting]]:
    """The experiments that set each constant to each value, with what that changed."""
    found: dict[str, dict[str, list[tuple[Changed, _Experiment]]]] = {}
    for one in experiments:
        for change in one.changes:
            found.setdefault(change.name, defaultdict(list))[change.after].append((change, one))
    return found


def _experiments(
    where: Standings, changes: Mapping[str, Sequence[Changed]], runs: Iterable[Run]
) -> Iterator[_Experiment]:
    """Each change of each program on each tier, as its first run has it that counts, if any."""
    found: dict[tuple[object, ...], Run] = {}
    for run in sorted(runs, key=lambda run: (run.created_at, run.id)):
        base_print = base_fingerprint_of(run, where.results)
        if not is_new(run, base_print) or (run.change and run.id not in changes):
            continue  # what it sets has that value already
        same = (*key_of(run), base_print, run.delta)
        known = found.get(same)
        if known is None or (where.is_counted(run) and not where.is_counted(known)):
            found[same] = run
    ranks = {draft.key: number for number, draft in enumerate(where.eligible, 1)}
    for run in found.values():
        mine = where.drafts.get(key_of(run)) if where.is_counted(run) else None
        base = where.drafts.get((base_fingerprint_of(run, where.results), run.tier))
        rank = None if mine is None else ranks.get(mine.key)
        yield _Experiment(run, changes.get(run.id, ()), mark_of(where, run), mine, base, rank)


def is_new(run: Run, base: str) -> bool:
    """Whether a run tried something new; ``base`` identifies the program that it started from."""
    return run.replicates is None and (bool(run.changed) or base not in ("", run.fingerprint))


def _tried(where: Standings, value: str, found: _Setting) -> Tried:
    experiments = [one for _, one in found]
    alone = [one for one in experiments if one.alone]
    marks = [one.mark for one in experiments]
    gain, error = _gain(where, alone)
    ranked = sorted(experiments, key=lambda one: one.place(where.task.sign))
    best = ranked[0].mine
    return Tried(
        value=value,
        before=sorted({c.before for c, _ in found if c.before is not None}, key=size_of),
        n=len(experiments),
        bases=len({base_fingerprint_of(one.run, where.results) for one in experiments}),
        alone=len(alone),
        kept=marks.count("keep"),
        discarded=marks.count("discard"),
        noise=marks.count("noise"),
        crashed=marks.count("crash"),
        gain=gain,
        error=error,
        best=None if best is None else best.mean,
        rank=ranked[0].rank,
        results=[one.run.id for one in ranked[:MOST_IDS]],
        transfers=list(where.transfers.get(alone[0].run.change or "", ()) if alone else ()),
    )


def _gain(
    where: Standings, experiments: Iterable[_Experiment]
) -> tuple[float | None, float | None]:
    """The mean gain of experiments, and its standard error: what they share is noise once."""
    pairs = [
        (one.base, one.mine)
        for one in experiments
        if one.mine is not None
        and one.base is not None
        and one.base.key != one.mine.key
        and not {one.base.key, one.mine.key} & where.flagged
    ]
    if not pairs:
        return None, None
    weights: dict[Key, float] = defaultdict(float)
    for base, mine in pairs:
        weights[base.key] += 1 / len(pairs)
        weights[mine.key] -= 1 / len(pairs)
    drafts = {key: where.drafts[key] for key in weights}
    gain = math.fsum((base.mean - mine.mean) / len(pairs) for base, mine in pairs)
    squares = math.fsum(w * w / len(drafts[key].runs) for key, w in weights.items())
    return gain * where.task.sign, where.sigma * math.sqrt(squares)


def size_of(value: str) -> tuple[bool, float, str]:
    """Numbers by size, and then all else by its text."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value
