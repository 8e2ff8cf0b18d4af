"""Refuted programs, and what was built on them. A pure function of the standings.

A program is believed because of what was known when it was run, and more runs may take that back.
It was believed if it

- took the lead of its track by a run of its own, from what led before it; or
- was better than its base (the verdict), as known at one of its own runs.

It is *refuted* when it has ``LEAST_RUNS`` runs or more, is not better than its base (the verdict),
and is behind the one that it was believed to be better than: what it (first) took the lead from,
if it ever took one, else its base. Behind means that the mean of its runs is no better, and that
of its reruns, without the run that stands for it, is worse by a standard error of the difference
or more, σ·√(1/(n−1) + 1/m). (In simulated campaigns one in eight so marked is truly better, by
half a σ; where the means alone decide, one in five.) What leads its track now is not refuted, and
later programs that are better refute nobody.

As in ``progress``, runs are taken in the order of their dates (ties by id), while noise,
withdrawals and what is flagged are as known now; but what a program's own runs say of noise is not
held against what was believed of it, or the runs that refute it would hide that. Dates are their
agents' word: no rerun counts before the run that it is a rerun of, no program took the lead from
one that was made from it, and they decide only what once was believed. What refutes are the means
of today, which no date changes. A program that was run once is never refuted, whatever others say
of their own.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from gitcollab.swarm.grouping import Key, Mean, Runs, base_fingerprint_of, key_of, mean_of
from gitcollab.swarm.noise import Noise
from gitcollab.swarm.ranking import margin, noise_between, order
from gitcollab.swarm.runs import Run

if TYPE_CHECKING:
    from gitcollab.swarm.ranking import Standings

LEAST_RUNS = 2  # of a refuted program: whoever made them, each counts in its mean

_Place: TypeAlias = tuple[float, str, str]
_When: TypeAlias = tuple[str, str, str, str]  # two for the time, two for the order at that time


def refuted(where: Standings) -> dict[Key, Key]:
    """The refuted programs, each with the one that it turned out to be no better than."""
    often = [draft for draft in where.eligible if len(draft.runs) >= LEAST_RUNS]
    if not often:
        return {}
    noise, means = where.noise, _Known()
    displaced = _displaced(where, often, noise)
    leaders: dict[str, Key] = {}
    for draft in where.eligible:
        leaders.setdefault(draft.key[1], draft.key)
    found: dict[Key, Key] = {}
    for draft in often:
        if leaders[draft.key[1]] == draft.key or where.verdict(draft.first) == "better":
            continue
        led = (where.drafts[key] for key in displaced.get(draft.key, ()))
        before = next((one for one in led if not _stands_on(where, one, draft.key)), None)
        if before is None:
            before = _base(where, draft)
            if before is None or not _was_better(where, draft, before, means, noise):
                continue
        if _is_behind(where, draft, before):
            found[draft.key] = before.key
    return found


def _is_behind(where: Standings, draft: Runs, other: Runs) -> bool:
    """Whether it is no better, by all its runs and by its reruns alone.

    Its first run was believed because it was good: it tells less than those that nobody chose.
    """
    sign, beside = where.task.sign, len(other.runs)
    reruns = [run.metric or 0.0 for run in draft.runs if run.id != draft.first.id]
    behind = (mean_of(reruns) - other.mean) * sign
    enough = behind >= where.sigma * math.sqrt(1 / len(reruns) + 1 / beside)
    return enough and draft.mean * sign >= other.mean * sign


def _stands_on(where: Standings, draft: Runs, key: Key) -> bool:
    """Whether a program was made from that one, as any of its runs or of its bases' runs says."""
    seen, waiting = {draft.key}, [draft]
    while waiting:
        for run in waiting.pop().runs:
            base = base_fingerprint_of(run, where.results), run.tier
            if base == key:
                return True
            if base not in seen and base in where.drafts:
                waiting.append(where.drafts[base])
            seen.add(base)
    return False


def _base(where: Standings, draft: Runs) -> Runs | None:
    base = where.base_draft(draft.first)
    return None if base is None or base.key == draft.key else base


# -- what led --------------------------------------------------------------------------------------


class _Known:
    """The means of the first runs of programs, made once for each."""

    def __init__(self) -> None:
        self._of: dict[Key, tuple[Sequence[_When], Sequence[float]]] = {}

    def __call__(self, draft: Runs) -> tuple[Sequence[_When], Sequence[float]]:
        """When each run was made, and the mean of all up to it."""
        if draft.key not in self._of:
            mean = Mean()
            values = []
            runs = sorted((_came(run, draft), run) for run in draft.runs)
            for _, run in runs:
                mean.add(run.metric or 0.0)
                values.append(mean.value)
            self._of[draft.key] = [came for came, _ in runs], values
        return self._of[draft.key]


def _was_better(where: Standings, draft: Runs, base: Runs, known: _Known, noise: Noise) -> bool:
    """Whether the verdict was "better" at one of the program's runs, by the runs until then."""
    times, means = known(draft)
    base_times, base_means = known(base)
    sigma = noise.without(draft)
    for at in times:
        now = max(at, base_times[0])  # before its base was run there was no verdict
        mine, others = bisect_right(times, now), bisect_right(base_times, now)
        gain = (base_means[others - 1] - means[mine - 1]) * where.task.sign
        if gain >= noise_between(sigma, mine, others):
            return True
    return False


def _displaced(where: Standings, often: Sequence[Runs], noise: Noise) -> dict[Key, list[Key]]:
    """By program: what it took the lead of its track from by its own runs, the first first."""
    tracks: dict[str, list[Runs]] = {draft.key[1]: [] for draft in often}
    for draft in where.eligible:
        if (drafts := tracks.get(draft.key[1])) is not None:
            drafts.append(draft)
    found: dict[Key, list[Key]] = {}
    for drafts in tracks.values():
        for key, before in _taken(where, drafts, noise):
            found.setdefault(key, []).append(before)
    return found


def _taken(where: Standings, drafts: Sequence[Runs], noise: Noise) -> Iterator[tuple[Key, Key]]:
    """Each time that a program took the lead by its own run: it, and what led before it.

    Of programs that were run once only those count which were the best of these when they came:
    they do not move.
    """
    by_key = {draft.key: draft for draft in drafts if len(draft.runs) > 1}
    sigmas = {key: noise.without(draft) for key, draft in by_key.items()}
    means: dict[Key, Mean] = {}
    moving: list[tuple[_Place, int, Key]] = []  # outdated entries stay in it
    steady: tuple[_Place, Key] | None = None
    leader: Key | None = None
    for _, run in sorted(_events(drafts)):
        key = key_of(run)
        if (draft := by_key.get(key)) is None:
            worse = margin(where.task, where.sigma, 1)
            steady = order(where.task, run.metric or 0.0, worse, run), key
        else:
            mean = means.setdefault(key, Mean())
            mean.add(run.metric or 0.0)
            worse = margin(where.task, sigmas[key], mean.n)
            place = order(where.task, mean.value, worse, draft.first)
            heapq.heappush(moving, (place, mean.n, key))
        now = _leading(steady, moving, means)
        if now == key and leader not in (None, key):
            yield key, leader
        leader = now


def _events(drafts: Sequence[Runs]) -> list[tuple[_When, Run]]:
    """The runs of programs with several, and of others those that were the best of these.

    ``drafts`` are the best first: the best single run of a time is one before all better ones.
    """
    events: list[tuple[_When, Run]] = []
    earliest: _When | None = None
    for draft in drafts:
        if len(draft.runs) > 1:
            events += ((_came(run, draft), run) for run in draft.runs)
        elif earliest is None or draft.first.created_at <= earliest[0]:
            came = _came(draft.first, draft)
            if earliest is None or came < earliest:
                earliest = came
                events.append((came, draft.first))
    return events


def _came(run: Run, draft: Runs) -> _When:
    """When a program was run: no rerun counts before the run that it is a rerun of."""
    own, first = (run.created_at, run.id), (draft.first.created_at, draft.first.id)
    return (*first, *own) if own < first else (*own, "", "")


def _leading(
    steady: tuple[_Place, Key] | None,
    moving: list[tuple[_Place, int, Key]],
    means: Mapping[Key, Mean],
) -> Key:
    while moving and means[moving[0][2]].n != moving[0][1]:
        heapq.heappop(moving)
    if not moving:
        return steady[1]  # type: ignore[index]  # one of both is there
    best, _, key = moving[0]
    return key if steady is None or best < steady[0] else steady[1]


# -- what was built on them ------------------------------------------------------------------------


class Origin(NamedTuple):
    """What a program stands on: the nearest refuted ancestor, if any, and the nearest sound one."""

    refuted: Key | None
    sound: Runs | None


class Foundations:
    """On what each program was built, as far as that is refuted.

    A program's line of bases is followed as ``lineage`` does: what each was changed from, as the
    run says that found it, on whatever tier. A program is marked with the nearest refuted one of
    its line, until it has earned to stand by itself: two agents have run it, and it is better
    (the verdict's noise test) than the nearest program of its line that is neither refuted nor
    marked. What is built on such a one is not marked either.
    """

    def __init__(self, where: Standings) -> None:
        self._where = where
        self._below: dict[Key, Origin] = {}
        self._ends: set[Key] = set()  # where lines end, though a base is named

    def of_group(self, draft: Runs) -> str | None:
        """The id of the nearest refuted program that a group's program was built on, or None."""
        if not self._where.refuted:
            return None
        return self._named(self._origin(draft.key).refuted)

    def of_run(self, run: Run) -> str | None:
        """As ``of_group``, of any run: what crashed was built on something, too."""
        if not self._where.refuted:
            return None
        key = run.fingerprint, run.tier
        if key in self._where.drafts:
            return self._named(self._origin(key).refuted)
        base = base_fingerprint_of(run, self._where.results)
        return self._named(self._under((base, run.tier)).refuted) if base else None

    def _named(self, key: Key | None) -> str | None:
        return None if key is None else self._where.drafts[key].first.id

    def _base(self, key: Key) -> Key | None:
        found = self._where.credit.finders.get(key[0])
        if found is None:
            return None
        base = base_fingerprint_of(found, self._where.results)
        return None if base in ("", key[0]) else (base, key[1])

    def _origin(self, key: Key) -> Origin:
        """What a program was built on; the bases first, so that no line is too long."""
        path: list[Key] = []
        walked: set[Key] = set()
        at: Key | None = key
        while at is not None and at not in self._below and at not in walked:
            path.append(at)
            walked.add(at)
            at = self._base(at)
        if at is not None and at in walked:
            path = self._cut_open(path, path.index(at))
        for one in reversed(path):
            base = None if one in self._ends else self._base(one)
            under = Origin(None, None) if base is None else self._under(base)
            self._below[one] = self._earned(one, under)
        return self._below[key]

    def _cut_open(self, path: Sequence[Key], entry: int) -> list[Key]:
        """The path, whose circle (from ``entry`` on) ends at its first key, wherever one came in.

        No honest record makes a circle of bases.
        """
        circle = path[entry:]
        end = circle.index(min(circle))
        self._ends.add(circle[end])
        return [*path[:entry], *circle[end + 1 :], *circle[: end + 1]]

    def _under(self, base: Key) -> Origin:
        """What something that is built on ``base`` stands on."""
        below = self._below.get(base) or self._origin(base)
        if base in self._where.refuted:
            return Origin(base, below.sound)
        if below.refuted is None and base not in self._where.flagged:
            return Origin(None, self._where.drafts.get(base) or below.sound)
        return below

    def _earned(self, key: Key, under: Origin) -> Origin:
        """Without the mark, where the program is confirmed better than the sound one below."""
        draft, sound = self._where.drafts.get(key), under.sound
        if under.refuted is None or draft is None or sound is None or not draft.confirmed:
            return under
        gain = (sound.mean - draft.mean) * self._where.task.sign
        noise = noise_between(self._where.sigma, len(draft.runs), len(sound.runs))
        return Origin(None, sound) if gain >= noise and sound.key != key else under
