"""What ``watch`` shows: a hub at a moment as lines of text, as many as there is room for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gitcollab.cli import render
from gitcollab.cli.sparkline import summary
from gitcollab.cli.table import Paint, apart, cut, laid_out, painted, plain, size, titled
from gitcollab.cli.text import line, without_credentials
from gitcollab.swarm.trend import Trend, trend

if TYPE_CHECKING:
    from gitcollab.runner.usage import Gpu, Usage
    from gitcollab.swarm.watching import Watched

_CLAIMS = 12  # lines of a plain frame, which has no last line
_RESULTS = 12
_GPUS = 8
_SHORT = 8  # cells in which an address says nothing
_BESIDE = 52  # cells that stand beside a sparkline


@dataclass(frozen=True)
class Screen:
    """What there is to draw on: cells, lines (None: as many as it takes), colours or none."""

    width: int
    height: int | None = None
    colours: bool = False

    @property
    def paint(self) -> Paint:
        """How words are coloured."""
        return painted if self.colours else plain


def frame(
    seen: Watched, used: Usage | None, now: datetime, on: Screen, foot: str = ""
) -> list[str]:
    """The lines of a frame; on a screen of some height no more than that, ``foot`` the last."""
    facts = render.paired(_facts(seen, used, now, on), on.width)
    head = [*_title(seen, now, on), *map(apart, facts)]
    if on.height is None:
        return [*head, *_running(seen, now, on, _CLAIMS), *_results(seen, now, on, _RESULTS)]
    head = head[: max(1, on.height - 1)]
    room = on.height - len(head) - 1
    running = _running(seen, now, on, max(4, room // 3))[: max(0, room)]
    results = _results(seen, now, on, room - len(running))
    body = [*head, *running, *results]
    body += [""] * (on.height - 1 - len(body))
    return [*body[: on.height - 1], cut(line(foot), on.width)]


def _title(seen: Watched, now: datetime, on: Screen) -> list[str]:
    hub = f"{without_credentials(seen.hub)} (branch {seen.branch})"
    clock = f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    room = on.width - len(clock) - 2
    if room < _SHORT:
        return [titled(cut(line(hub), on.width), on.paint)]
    shown = cut(line(hub), room)
    return [titled(f"{shown}{' ' * (room - size(shown) + 2)}{clock}", on.paint)]


def _facts(
    seen: Watched, used: Usage | None, now: datetime, on: Screen
) -> Iterable[tuple[str, str | None]]:
    moved = trend(seen.course, now)
    task = seen.task
    lower = "lower" if task.metric.direction == "minimize" else "higher"
    yield "task", f"{task.name}: {task.metric.name}, {lower} is better"
    yield "hub", _asked(seen, now)
    yield "best", render.best(seen.best)
    yield "trend", _trend(moved, now)
    yield "", summary(seen.course, max(12, min(72, on.width - _BESIDE)))
    yield "outbox", _outbox(seen)
    if used is not None:
        yield from _machine(used)


def _asked(seen: Watched, now: datetime) -> str:
    read = "not read yet" if seen.asked is None else f"read {_ago(seen.asked, now)} ago"
    if seen.away is None:
        return read
    return f"{read}; away for {_ago(seen.away.since, now)}: {render.gist(seen.away.reason)}"


def _ago(then: datetime, now: datetime) -> str:
    return render.span((now - then).total_seconds())


def _trend(moved: Trend, now: datetime) -> str | None:
    """How the best moved, in words, against the noise."""
    if moved.best is None:
        return None
    parts = [said] if (said := _gains(moved)) else []
    if moved.since is not None and moved.led_at is not None:
        led = _ago(datetime.fromisoformat(moved.led_at), now)
        others = render.count(moved.since, "experiment")
        parts.append(f"it has led for {led} and {others}")
    return f"{moved.word}: {'; '.join(parts)}"


def _gains(moved: Trend) -> str:
    """By how much the best gained, and in which time; empty where there was none before."""
    gains = {
        "in 24 h": (moved.gain_day, moved.noise_day),
        f"in {moved.recent} experiments": (moved.gain_recent, moved.noise_recent),
    }
    if moved.gain_day is None:  # a hub that is younger
        gains["since the first best"] = moved.gain, moved.noise
    when: dict[str, list[str]] = {}
    for span, (gain, noise) in gains.items():
        if gain is not None and noise is not None:
            when.setdefault(_gain(gain, noise), []).append(span)
    return ", ".join(f"{gain} {' and '.join(spans)}" for gain, spans in when.items())


def _gain(gain: float, noise: float) -> str:
    if gain == 0:
        return "no gain"
    return f"{'better' if gain > 0 else 'worse'} by {abs(gain):.3g} (counts from {noise:.2g} on)"


def _outbox(seen: Watched) -> str | None:
    if not seen.queued and not seen.refused:
        return None
    waiting = f"{render.count(len(seen.queued), 'record')} for the hub" if seen.queued else ""
    refused = f"{len(seen.refused)} refused" if seen.refused else ""
    return f"{', '.join(filter(None, (waiting, refused)))} (gitcollab outbox)"


def _machine(used: Usage) -> Iterable[tuple[str, str]]:
    for number, gpu in enumerate(used.gpus[:_GPUS]):
        yield f"GPU {number}", _gpu(gpu)
    if len(used.gpus) > _GPUS:
        yield "", f"and {len(used.gpus) - _GPUS} more GPUs"
    if not used.gpus:
        load = "" if used.load is None else f", load {used.load:.1f}"
        yield "CPUs", f"{used.cpus}{load}"


def _gpu(gpu: Gpu) -> str:
    busy = "?" if gpu.percent is None else f"{gpu.percent}%"
    memory = "" if gpu.total_gb is None else f", {gpu.used_gb or 0:.1f} of {gpu.total_gb:.0f} GiB"
    return f"{busy}{memory}, {gpu.name}"


def _running(seen: Watched, now: datetime, on: Screen, most: int) -> list[str]:
    """The running claims under a title, in at most so many lines, the blank above counted."""
    live = [one for one in seen.running if one.until > now]
    if not live:
        return []
    title = f"{render.count(len(live), 'claim')} running"
    for shown in range(len(live), -1, -1):
        rows = render.claims_table(
            ((one.claim, render.clock((one.until - now).total_seconds())) for one in live[:shown]),
            typed=False,
        )
        more = [f"... and {len(live) - shown} more"] if shown < len(live) else []
        lines = [*laid_out(*rows, on.width, folding=on.height is not None, paint=on.paint), *more]
        if len(lines) + 2 <= most or not shown:
            break
    return ["", titled(title, on.paint), *lines]


def _results(seen: Watched, now: datetime, on: Screen, most: int) -> list[str]:
    """The last results under a title, in at most so many lines, the blank above counted."""
    page = seen.results
    rows = page.results[: max(0, most - 3)]
    if not rows:
        return []
    table = render.results_table(rows, page.void, seen.task.metric.name, now)
    title = f"last of {render.count(page.total, 'result')}"
    lines = laid_out(*table, on.width, folding=on.height is not None, paint=on.paint)
    return ["", titled(title, on.paint), *lines]
