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
from gitcollab.cli.text import fitted, without_credentials
from gitcollab.cli.worker import name

if TYPE_CHECKING:
    from gitcollab.swarm.engine.guest.summary import Footing, Lent
    from gitcollab.swarm.engine.tally import Count
    from gitcollab.swarm.engine.terms import Terms
    from gitcollab.swarm.outcomes import RoundsReport, RunReport
    from gitcollab.swarm.reports import RunProgress
    from gitcollab.swarm.swarm import Swarm

# What kinds of choices are called, in the order of what they are worth telling.
_KINDS = {
    "asked": "asked for",
    "edit": "your edits",
    "thought": "thoughts of --think",
    "replication": "runs to confirm finds",
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
    from gitcollab.cli.crew import WorkerLine, leave
    from gitcollab.swarm.engine.guest.lending import NothingBegun
    from gitcollab.swarm.engine.guest.summary import Ended

    with (WorkerLine if name() else LiveLine)(sys.stderr, quiet=json) as live:
        if count is None and not json and not name():
            tell_lent(swarm, how["terms"], gpus)
        shown = _Shown(swarm, live, tell_one, json=json)
        tally = shown.tally
        try:
            with as_guest(swarm, how["terms"], gpus):
                report = swarm.run_many(
                    count, what, on_report=shown.told, progress=shown.show, **how
                )
        except KeyboardInterrupt as e:
            if not tally.kinds:
                raise
            why = ": ".join(("interrupted", *getattr(e, "__notes__", ())))
            live.clear()
            if not json:
                outcome.tell_counts(tally.report(why))
            shown.sum_up(tally.report(why))
            tell_stopped("" if json else why)
            return getattr(e, "exit_code", INTERRUPTED)
        except NothingBegun:
            leave(Ended(tally, whole=True))
            raise
        except BaseException:
            if tally.kinds:
                shown.sum_up(tally.report("an error"))
            raise
        leave(Ended(tally, whole=True, failing=report.failing))
        live.clear()
        if not json:
            outcome.tell_rounds(report)
        shown.sum_up(report)
    return outcome.rounds_code(report)


def tell_lent(swarm: Swarm, terms: Terms, gpus: tuple[int, ...]) -> None:
    """What begins, and how it is ended or held: before the first experiment is told."""
    long = "" if terms.hours is None else f"for {render.length(3600 * terms.hours)}, or "
    idle = ", while it is idle" if terms.when_idle else ""
    on = f", on GPU {', '.join(map(str, gpus))}" if gpus else ""
    who = f"as {swarm.agent} on {without_credentials(swarm.hub)}"
    back = "to have it back for a while: gitcollab pause"
    render.say(f"lent {long}until ^C {who}{idle}{on}; {back}")
    sys.stdout.flush()


class _Shown:
    """What experiments do and have done, as it is shown: on a live line, then in a summary."""

    def __init__(
        self, swarm: Swarm, live: LiveLine, tell_one: Callable[[RunReport], None], *, json: bool
    ) -> None:
        from gitcollab.swarm.engine.tally import Tally

        self.tally = Tally()
        self._swarm = swarm
        self._live = live
        self._tell_one = tell_one
        self._json = json
        self._watch, self._before = Stopwatch(), swarm.footing()

    def show(self, seen: RunProgress) -> None:
        """Where it stands; with --json only notes are told, a line each."""
        if self._json and seen.phase == "note":
            jsonout.emit_line({"note": seen.description})
        else:
            self._live.show_run(seen)

    def told(self, report: RunReport) -> None:
        """An experiment has ended."""
        from gitcollab.cli.crew import leave
        from gitcollab.swarm.engine.guest.summary import Ended

        self._live.clear()
        self.tally.note(report)
        leave(Ended(self.tally))
        self._tell_one(report)

    def sum_up(self, report: RoundsReport) -> None:
        """What all came to: of a worker who began it tells that, but for --json."""
        from gitcollab.swarm.engine.guest.summary import Lent

        self._live.clear()
        lent = Lent(self.tally, self._watch.seconds, self._before, self._swarm.footing())
        if self._json:
            jsonout.emit_line({**jsonout.rounds(report), "lent": as_json(lent)})
        elif not name():
            tell(lent, self._swarm.task.metric.name)


def tell(lent: Lent, metric_name: str) -> None:
    """The summary, as a table and a few lines."""
    total = lent.tally.total
    if total.experiments == 0:
        return
    sys.stdout.flush()
    rows = [_row(_KINDS.get(kind, kind), count) for kind, count in _ordered(lent.tally.kinds)]
    if len(rows) > 1:
        rows.append(_row("all", total))
    titles = ("experiments", "keeps", "replications", "crashed", "queued", "not published")
    columns = [Column("", 24), *(Column(title, 13, "right") for title in titles)]
    used = [n for n in range(7) if n in (0, 1, 2, 4) or any(row[n] != "-" for row in rows)]
    print()
    table([columns[n] for n in used], [[row[n] for n in used] for row in rows])
    print()
    render.pairs(
        [
            ("time", f"{render.length(lent.seconds)}, {_each(lent)} an experiment"),
            ("agent's credit", _credit(lent)),
            ("told", _told(lent)),
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
    numbers = asdict(count).values()
    return [title, *(str(number) if number else "-" for number in numbers)]


def _each(lent: Lent) -> str:
    return render.length(lent.seconds / lent.tally.total.experiments)


def _credit(lent: Lent) -> str:
    names = {
        "kept": ("program better than its base", "programs better than their base"),
        "confirmed": ("of them confirmed by others",) * 2,
        "replications": ("run of others' programs", "runs of others' programs"),
    }
    grown = [
        f"{n:+d} {said[abs(n) != 1]}" for name, said in names.items() if (n := lent.credit[name])
    ]
    return ", ".join(grown) or "as before"


def _told(lent: Lent) -> str | None:
    """What the agent told others meanwhile."""
    insights = lent.after.insights - lent.before.insights
    ideas = lent.after.hypotheses - lent.before.hypotheses
    said = [render.count(insights, "insight")] if insights > 0 else []
    said += [render.count(ideas, "hypothesis", "hypotheses")] if ideas > 0 else []
    return ", ".join(said) or None


def _best(before: Footing, after: Footing) -> str | None:
    if after.best is None:
        return None
    if before.best is None:
        if after.baseline is None or after.baseline == after.best:
            return f"{render.metric(after.best)}, the first here"
        return f"{render.metric(after.baseline)} the baseline, {render.metric(after.best)} now"
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
