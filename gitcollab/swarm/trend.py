"""Whether the search gets anywhere: how the best moved, held against the noise.

``course`` is what the steps of the best come to, small enough to be remembered; ``trend`` reads it
at a time. Both are pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.records.models import rfc3339
from gitcollab.swarm.progress import Progress
from gitcollab.swarm.ranking import Standings, noise_between

RECENT = 20  # experiments; a hub that does more in a day is judged by the day
EARLY = 5  # experiments that say nothing yet
_DAY = timedelta(hours=24)

Word: TypeAlias = Literal["improving", "flat", "stuck", "falling back", "too early to say"]


class Point(NamedTuple):
    """The best after a change of it."""

    number: int  # of the experiment that changed it; 1 is the first
    at: str  # when that experiment was done: RFC 3339
    value: float  # the metric, as it was known then
    new: bool  # whether another program took the lead; else more was known of the same one
    n: int  # how many runs the value is the mean of


@dataclass(frozen=True, slots=True)
class Course:
    """How the best of a task went; metrics are in the task's own unit."""

    experiments: int  # that stand: crashes, replications and what does not count included
    sign: int  # 1 where lower is better, -1 where higher is
    sigma: float  # the standard deviation of one run
    last_at: str | None  # when the last experiment was done: RFC 3339
    points: Sequence[Point]  # oldest first, of the best's tier on; empty while there is no best


@dataclass(frozen=True, slots=True)
class Trend:
    """How the best moved of late.

    The *window* is the last 24 hours or the last ``recent`` experiments, whichever reaches further
    back; on a hub that is younger, all there was since its first best. ``word`` is

    - "too early to say" where there are fewer than ``EARLY`` experiments, or no best;
    - "improving" where the best gained ``noise`` or more in the window, "falling back" where it
      lost as much (replicates disproved what led);
    - else "stuck" where no other program took the lead in the window, and "flat" where one did,
      by less than noise.

    Noise is that of the verdicts: 2σ√(1/n₁ + 1/n₂) for bests that are means of n₁ and n₂ runs.
    Gains are in the metric's unit, positive is better; a gain and its noise are None where there
    was no best before.
    """

    word: Word
    best: float | None  # as it is known now
    gain_day: float | None  # in 24 hours
    noise_day: float | None
    gain_recent: float | None  # over the last ``recent`` experiments
    noise_recent: float | None
    gain: float | None  # over the window, which ``word`` is about
    noise: float | None
    recent: int  # experiments
    experiments: int  # all there are
    since: int | None  # experiments since another program took the lead; None: there is no best
    led_at: str | None  # when that was: RFC 3339
    last_at: str | None  # when the last experiment was done: RFC 3339


def course(where: Standings, went: Progress) -> Course:
    """What the progress of ``where`` comes to."""
    runs = went.runs
    points = [Point(s.number, s.by.created_at, s.value, s.new, s.n) for s in went.compared]
    last = runs[-1].created_at if runs else None
    return Course(len(runs), where.task.sign, where.sigma, last, points)


def trend(went: Course, now: datetime, recent: int = RECENT) -> Trend:
    """How the best moved until ``now``, which is the clock that "24 hours ago" is told by."""
    yesterday = rfc3339(now - _DAY)
    day = [p for p in went.points if p.at <= yesterday]
    few = [p for p in went.points if p.number <= went.experiments - recent]
    before = min(day, few, key=len) or (went.points[:1] if went.experiments >= EARLY else [])
    gain, noise = _gain(went, before), _noise(went, before)
    lead = next((p for p in reversed(went.points) if p.new), None)
    return Trend(
        word=_word(gain, noise, any(p.new for p in went.points[len(before) :])),
        best=went.points[-1].value if went.points else None,
        gain_day=_gain(went, day),
        noise_day=_noise(went, day),
        gain_recent=_gain(went, few),
        noise_recent=_noise(went, few),
        gain=gain,
        noise=noise,
        recent=recent,
        experiments=went.experiments,
        since=None if lead is None else went.experiments - lead.number,
        led_at=None if lead is None else lead.at,
        last_at=went.last_at,
    )


def _gain(went: Course, before: Sequence[Point]) -> float | None:
    """How much better the best is than at the end of ``before``; None: there was none then."""
    return (before[-1].value - went.points[-1].value) * went.sign if before else None


def _noise(went: Course, before: Sequence[Point]) -> float | None:
    """Below this, such a gain is noise."""
    return noise_between(went.sigma, before[-1].n, went.points[-1].n) if before else None


def _word(gain: float | None, noise: float | None, led: bool) -> Word:
    if gain is None or noise is None:
        return "too early to say"
    if gain and abs(gain) >= noise:
        return "improving" if gain > 0 else "falling back"
    return "flat" if led else "stuck"
