"""How the outcome of a claim or a run is told, and which exit code it has."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from gitcollab.cli import known, render
from gitcollab.cli.text import fitted

if TYPE_CHECKING:
    from gitcollab.records.models import Result
    from gitcollab.swarm.outcomes import ClaimOutcome, RoundsReport, RunReport

_REFUSED, _QUEUED = 4, 5
_WHERE = {
    "published": "published",
    "queued": "queued",
    "refused": "refused",
    "failed": "not published",
}
_ENDS = ("published", "queued", "crashed", "refused", "failed")


def claim_code(answer: ClaimOutcome) -> int:
    """0 granted, 5 offline, 4 any no."""
    return {"Granted": 0, "Offline": _QUEUED}.get(type(answer).__name__, _REFUSED)


def run_code(report: RunReport) -> int:
    """0 published, 1 failed (published or not), 4 refused, 5 queued."""
    if report.outcome == "published":
        failed = report.error or (report.result is not None and report.result.status != "ok")
        return 1 if failed else 0
    return {"queued": _QUEUED, "refused": _REFUSED}.get(report.outcome, 1)


def rounds_code(report: RoundsReport) -> int:
    """1 when too many failed, else as the last experiment alone."""
    return 1 if report.failing else run_code(report.last)


def tell_claim(answer: ClaimOutcome, typed: str) -> None:
    """A claim's outcome on standard output; a no comes with what may be done next.

    ``typed`` is the command that asked for it.
    """
    from gitcollab.swarm.identity import change_text, only_words, title
    from gitcollab.swarm.outcomes import Duplicate, Granted, Offline, Refused, Taken

    match answer:
        case Granted(claim=claim, notes=notes):
            render.say("granted:", title(claim))
            change = change_text(claim.delta) if claim.delta and not claim.structural else None
            again = claim.replicates is not None  # the change is its program's, made before
            render.pairs(
                [
                    ("program", claim.description if again else None),
                    ("change", None if again or change == claim.description else change),
                    ("experiment", claim.id),
                    ("lasts", f"{render.left(claim.expires_at)} unless renewed"),
                    ("repeats", claim.anyway),
                ]
            )
            for note in notes:
                render.say("note:", note)
            _next(f"{'make its change, then: ' if only_words(claim) else ''}gitcollab run")
        case Taken(other=other):
            render.say("taken:", answer.reason)
            render.pairs(
                [
                    ("doing", other.description),
                    ("experiment", other.id),
                    ("by", other.agent),
                    ("free in", render.left(other.expires_at)),
                ]
            )
            _next("try another change; gitcollab status shows what is being done")
        case Duplicate(other=other):
            render.say("duplicate:", answer.reason)
            found = render.metric(other.metric) if other.status == "ok" else other.status
            render.pairs(
                [
                    ("done", other.description),
                    ("result", other.id),
                    ("by", other.agent),
                    ("found", found),
                ]
            )
            what = "that program" if answer.reason == "same program" else "it"
            seen = f"gitcollab show {render.short_id(other.id)}"
            asked = f"{typed} --anyway" if typed else "the same command with --anyway"
            _next(f"{seen}; to {_asks(typed)} {what} again: {asked}")
        case Offline(reason=reason):
            render.say("nothing is claimed:", reason)
            _next("run it alone all the same: what it finds is queued for the hub")
        case Refused(reason=reason, hint=hint):
            render.say("refused:", reason)
            _next(hint)


def tell_run(report: RunReport, metric_name: str, program: str, typed: str) -> None:
    """A run's outcome: the result and its verdict on standard output, what failed on the other.

    ``typed`` is the command that ran it, "" where it cannot be typed again as it was.
    """
    result = report.result
    if result is not None:
        render.say(_headline(report, result, metric_name))
        render.pairs(
            [
                ("program" if result.replicates else "change", result.description),
                ("result", result.id),
                ("standing", None if report.effect is None else known.after(report.effect)),
                ("hub", _WHERE[report.outcome]),
                (program, "kept" if report.kept else None),
            ]
        )
    elif report.outcome == "refused" and (claim := report.claim) and claim_code(claim) == _REFUSED:
        for note in report.notes:
            render.say("note:", note)
        tell_claim(claim, typed)
        return
    for note in report.notes:
        render.say("note:", note)
    if report.adopted:
        render.say("adopted", render.adopted(report.adopted))
    if report.error and not (result and result.failure):
        sys.stdout.flush()
        print(fitted(f"error: {report.error}", sys.stderr), file=sys.stderr)
    if report.hint:
        _next(report.hint)


def tell_rounds(report: RoundsReport) -> None:
    """What several experiments came to, in one line; why they stopped early, in another."""
    tell_counts(report)
    if report.stopped:
        sys.stdout.flush()
        print(fitted(f"stopped: {report.stopped}", sys.stderr), file=sys.stderr)


def tell_counts(report: RoundsReport) -> None:
    """How many experiments there were, and how they ended."""
    ended = ", ".join(f"{report.counts[how]} {how}" for how in _ENDS if report.counts.get(how))
    if report.rounds:
        render.say(f"{render.count(report.rounds, 'experiment')}: {ended}")


def head(number: int, report: RunReport) -> str:
    """The line above what became of an experiment of several: when, what kind it is of, and why."""
    when = f"{render.now().astimezone():%H:%M}"
    why = f": {report.why}" if report.why else ""
    return f"#{number} {when} {report.kind or 'asked for'}{why}"


class Away:
    """Whether the hub is away, which is told once when it goes, and once when it is back."""

    def __init__(self) -> None:
        self._is_away = False

    def heard(self, report: RunReport) -> RunReport:
        """The report, without what was said of the hub after the experiment before."""
        if report.outcome == "queued":
            if self._is_away:
                notes = (n for n in report.notes if not n.endswith("gitcollab sync delivers it"))
                return replace(report, notes=tuple(n for n in notes if "ran unclaimed" not in n))
            self._is_away = True
        elif report.outcome == "published" and self._is_away:
            self._is_away = False
            return replace(report, notes=("the hub is back", *report.notes))
        return report


def _headline(report: RunReport, result: Result, metric_name: str) -> str:
    if result.status != "ok":
        return f"{result.status}: {result.failure or 'the run gave no metric'}"
    if result.replicates:
        said = f"another run of {result.replicates}"
    else:
        said = _said(report.verdict)
    best = ""
    if report.is_best:
        best = "; it leads the ranking" if report.kept is False else "; the best so far"
    return f"{metric_name} {render.metric(result.metric)}: {said}{best}"


def _asks(typed: str) -> str:
    """The verb of a command."""
    return typed.split()[1] if typed else "run"


def _said(verdict: str | None) -> str:
    return {
        "better": "keep (better than its base)",
        "worse": "discard (worse than its base)",
        "within noise": "within noise of its base",
    }.get(verdict or "", "nothing to compare it with yet")


def _next(hint: str) -> None:
    sys.stdout.flush()
    print(fitted(f"next: {hint}", sys.stderr), file=sys.stderr)
