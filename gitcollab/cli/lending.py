"""What is told while a machine is lent: each experiment as it ends, and in the end a summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gitcollab.cli import jsonout, outcome, render
from gitcollab.cli.boundary import INTERRUPTED
from gitcollab.cli.progress import LiveLine
from gitcollab.cli.table import Column, table
from gitcollab.cli.text import fitted

if TYPE_CHECKING:
    from gitcollab.swarm.engine.guest.summary import Footing, Lent
    from gitcollab.swarm.engine.tally import Count
    from gitcollab.swarm.engine.terms import Terms
    from gitcollab.swarm.outcomes import RunReport
    from gitcollab.swarm.swarm import Swarm

# What kinds of choices are called, in the order of what they are worth telling.
_KINDS = {
    "asked": "asked for",
    "edit": "your edits",
    "thought": "thoughts of --think",
    "replication": "replications",
    "hypothesis": "hypotheses",
    "proposal": "own proposals",
    "rerun": "other runs",
    "baseline": "the baseline",
}


@contextmanager
def as_guest(swarm: Swarm, terms: Terms, gpus: tuple[int, ...] = ()) -> Iterator[None]:
    """Within the block the workspace's machine is lent, which `gitcollab status` tells."""
    from gitcollab.cli.signals import pausing
    from gitcollab.swarm.engine.guest.presence import Lease

    now = render.now()
    until = None if terms.hours is None else now + timedelta(hours=terms.hours)
    lease = Lease(os.getpid(), now, until, terms.when_idle, gpus)
    with swarm.lent(lease), pausing(swarm):
        yield


def run_many(
    swarm: Swarm,
    count: int | None,
    what: str | None,
    how: Mapping[str, Any],
    gpus: tuple[int, ...],
    json: bool,
    tell_one: Callable[[RunReport], None],
) -> int:
    """Experiments, each told as it ends, then what all of them came to; the exit code.

    ^C and SIGTERM end in the summary, too, where there is something to sum up.
    """
    from gitcollab.cli.crew import WorkerLine, leave, name
    from gitcollab.swarm.engine.guest.summary import Ended, Lent
    from gitcollab.swarm.engine.tally import Tally

    watch, tally, before = Stopwatch(), Tally(), swarm.footing()
    line_of = WorkerLine if name() else LiveLine

    def told(report: RunReport) -> None:
        live.clear()
        tally.note(report)
        leave(Ended(tally))
        tell_one(report)

    def sum_up(summary: Mapping[str, Any]) -> None:
        live.clear()
        lent = Lent(tally, watch.seconds, before, swarm.footing())
        if json:
            jsonout.emit_line({**summary, "lent": as_json(lent)})
        elif not name():  # who began this worker sums up
            tell(lent, swarm.task.metric.name)

    with line_of(sys.stderr, quiet=json) as live:
        try:
            with as_guest(swarm, how["terms"], gpus):
                report = swarm.run_many(count, what, on_report=told, progress=live.show_run, **how)
        except KeyboardInterrupt as e:
            if not tally.kinds:
                raise
            why = ": ".join(("interrupted", *getattr(e, "__notes__", ())))
            sum_up({"rounds": tally.total.experiments, "stopped": why})
            tell_stopped("" if json else why)
            return getattr(e, "exit_code", INTERRUPTED)
        except BaseException:
            if tally.kinds:
                sum_up({"rounds": tally.total.experiments, "stopped": "an error"})
            raise
        leave(Ended(tally, whole=True, failing=report.failing))
        live.clear()
        if not json:
            outcome.tell_rounds(report)
        sum_up(jsonout.rounds(report))
    return outcome.rounds_code(report)


def tell(lent: Lent, metric_name: str) -> None:
    """The summary, as a table and a few lines."""
    total = lent.tally.total
    if total.experiments == 0:
        return
    sys.stdout.flush()
    rows = [_row(_KINDS.get(kind, kind), count) for kind, count in _ordered(lent.tally.kinds)]
    if len(rows) > 1:
        rows.append(_row("all", total))
    titles = ("experiments", "keeps", "crashed", "queued", "not published")
    columns = [Column("", 24), *(Column(title, 13, "right") for title in titles)]
    used = [0, 1, 2, 3, *(n for n in (4, 5) if any(row[n] != "-" for row in rows))]
    print()
    table([columns[n] for n in used], [[row[n] for n in used] for row in rows])
    print()
    render.pairs(
        [
            ("time", f"{render.span(lent.seconds)}, {_each(lent)} an experiment"),
            ("credit", _credit(lent)),
            (f"best {metric_name}", _best(lent.before, lent.after)),
        ]
    )


def tell_stopped(why: str) -> None:
    """Why no more was done, where that was not what was asked for."""
    if why:
        sys.stdout.flush()
        print(fitted(f"stopped: {why}", sys.stderr), file=sys.stderr)


def as_json(lent: Lent) -> Mapping[str, Any]:
    """The summary for programs."""
    return {
        "seconds": round(lent.seconds, 1),
        **asdict(lent.tally.total),
        "kinds": {kind: asdict(count) for kind, count in lent.tally.kinds.items()},
        "credit": dict(lent.credit),
        "best_before": lent.before.best,
        "best_after": lent.after.best,
    }


def _ordered(kinds: Mapping[str, Count]) -> list[tuple[str, Count]]:
    order = list(_KINDS)
    return sorted(kinds.items(), key=lambda one: order.index(one[0]) if one[0] in order else 99)


def _row(title: str, count: Count) -> list[str]:
    numbers = (count.experiments, count.keeps, count.crashed, count.queued, count.unpublished)
    return [title, *(str(number) if number else "-" for number in numbers)]


def _each(lent: Lent) -> str:
    return render.span(lent.seconds / lent.tally.total.experiments)


def _credit(lent: Lent) -> str:
    names = {
        "kept": "better than their base",
        "confirmed": "confirmed by others",
        "replications": "runs for others",
    }
    grown = [f"{lent.credit[name]:+d} {said}" for name, said in names.items() if lent.credit[name]]
    return ", ".join(grown) or "as before"


def _best(before: Footing, after: Footing) -> str | None:
    if after.best is None:
        return None
    if before.best is None:
        return f"{render.metric(after.best)}, the first here"
    if before.best_id == after.best_id and before.best == after.best:
        return f"{render.metric(after.best)}, as before"
    return f"{render.metric(before.best)} before, {render.metric(after.best)} now"


class Stopwatch:
    """How long it is since it was made, in seconds that pass while the machine sleeps, too."""

    def __init__(self) -> None:
        from gitcollab.runner.clock import awake

        self._now = awake
        self._began = awake()

    @property
    def seconds(self) -> float:
        """Seconds since then."""
        return self._now() - self._began
