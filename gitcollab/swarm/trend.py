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
from gitcollab.swarm.ranking import NOISE_WIDTH, Standings

RECENT = 20  # experiments; a hub that does more in a day is judged by the day
_DAY = timedelta(hours=24)

Word: TypeAlias = Literal["improving", "flat", "stuck", "falling back", "too early to say"]


class Point(NamedTuple):
    """The best after a change of it."""

    number: int  # of the experiment that changed it; 1 is the first
    at: str  # when that experiment was done: RFC 3339
    value: float  # the metric, as it was known then
    new: bool  # whether another program took the lead; else more was known of the same one


@dataclass(frozen=True, slots=True)
class Course:
    """How the best of a task went; metrics are in the task's own unit."""

    experiments: int  # that stand: crashes, replications and what does not count included
    sign: int  # 1 where lower is better, -1 where higher is
    sigma: float  # the standard deviation of one run
    last_at: str | None  # when the last experiment was done: RFC 3339
    points: Sequence[Point]  # oldest first; empty while there is no best


@dataclass(frozen=True, slots=True)
class Trend:
    """How the best moved of late.

    The *window* is the last 24 hours or the last ``recent`` experiments, whichever reaches further
    back. ``word`` is

    - "too early to say" where the hub has no best from before the window;
    - "improving" where the best gained more than ``noise`` in the window, "falling back" where it
      lost as much (replicates disproved what led);
    - else "stuck" where no other program took the lead in the window, and "flat" where one did,
      by no more than noise.
    """

    word: Word
    best: float | None  # as it is known now
    gain_day: float | None  # in 24 hours: metric's unit, positive is better; None: no best before
    gain_recent: float | None  # the same over the last ``recent`` experiments
    gain: float | None  # the same over the window, which ``word`` is about
    noise: float  # what a difference has to exceed: 2 sigma of one run
    recent: int  # experiments
    experiments: int  # all there are
    since: int | None  # experiments since another program took the lead; None: there is no best
    led_at: str | None  # when that was: RFC 3339
    last_at: str | None  # when the last experiment was done: RFC 3339


def course(where: Standings, went: Progress) -> Course:
    """What the progress of ``where`` comes to."""
    runs = went.runs
    points = [Point(s.number, s.by.created_at, s.value, s.new) for s in went.steps]
    last = runs[-1].created_at if runs else None
    return Course(len(runs), where.task.sign, where.sigma, last, points)


def trend(went: Course, now: datetime, recent: int = RECENT) -> Trend:
    """How the best moved until ``now``, which is the clock that "24 hours ago" is told by."""
    yesterday = rfc3339(now - _DAY)
    day = [p for p in went.points if p.at <= yesterday]
    few = [p for p in went.points if p.number <= went.experiments - recent]
    before = min(day, few, key=len)
    gain = _gain(went, before)
    lead = next((p for p in reversed(went.points) if p.new), None)
    noise = NOISE_WIDTH * went.sigma
    return Trend(
        word=_word(gain, noise, any(p.new for p in went.points[len(before) :])),
        best=went.points[-1].value if went.points else None,
        gain_day=_gain(went, day),
        gain_recent=_gain(went, few),
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


def _word(gain: float | None, noise: float, led: bool) -> Word:
    if gain is None:
        return "too early to say"
    if abs(gain) > noise:
        return "improving" if gain > 0 else "falling back"
    return "flat" if led else "stuck"
