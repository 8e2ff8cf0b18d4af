"""Lending a machine: rounds of experiments that outlive a pause, or that the machine slept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gitcollab.errors import GitcollabError
from gitcollab.runner.clock import awake
from gitcollab.swarm.engine import rounds
from gitcollab.swarm.engine.guest.guest import Guest
from gitcollab.swarm.engine.guest.summary import ASKED
from gitcollab.swarm.engine.guest.watching import watching
from gitcollab.swarm.engine.terms import FREELY, Terms
from gitcollab.swarm.interrupted import Interrupted
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import RoundsReport, RunReport
from gitcollab.swarm.preparing import Progress
from gitcollab.swarm.reports import RunProgress

OnReport = Callable[[RunReport], None]
_FRESH: dict[str, Any] = {
    "set_values": None,
    "patch": None,
    "seed": None,
    "anyway": False,
    "hypothesis": None,
    "cites": (),
}


def run_many(
    member: Member,
    count: int | None = None,
    what: str | None = None,
    *,
    terms: Terms = FREELY,
    progress: Progress = lambda _: None,
    on_report: OnReport = lambda _: None,
    **how: Any,
) -> RoundsReport:
    """As ``rounds.run_many``, begun anew after whatever ends an experiment that is not to blame.

    That is `gitcollab pause --now`, and a machine that slept meanwhile. What was asked for and has
    not been done is done then.
    """
    member.nice = terms.nice or 0
    until = None if terms.hours is None else awake() + 3600 * terms.hours
    done: list[RunReport] = []

    def told(report: RunReport) -> None:
        done.append(report)
        on_report(report)

    while True:
        if why := Guest(member, terms, progress).wait():
            return _ended(done, why)
        before = len(done)
        try:
            report = rounds.run_many(
                member,
                None if count is None else count - before,
                what,
                terms=terms,
                progress=watching(member, progress),
                on_report=told,
                **how,
            )
        except Interrupted as e:
            progress(RunProgress("note", e.told))
        else:
            return _whole(report, done[:before])
        if done:
            what, how = None, how | _FRESH
        if until is not None:
            terms = replace(terms, hours=max(0.0, until - awake()) / 3600)


def _whole(last: RoundsReport, before: list[RunReport]) -> RoundsReport:
    """The report of the last rounds, and of what was done in rounds before them."""
    if not before:
        return last
    counts, kinds = Counter(map(_end, before)), Counter(one.kind or ASKED for one in before)
    return replace(
        last,
        rounds=last.rounds + len(before),
        counts=counts + Counter(last.counts),
        kinds=kinds + Counter(last.kinds),
        keeps=last.keeps + sum(one.is_keep for one in before),
        replications=last.replications + sum(one.is_replication for one in before),
    )


def _ended(done: list[RunReport], why: str) -> RoundsReport:
    if not done:
        raise GitcollabError(f"no experiment was begun: {why}", "lend it for longer")
    return _whole(RoundsReport(done[-1], 0, {}, why), done)


def _end(report: RunReport) -> str:
    """How an experiment ended, as in the counts of RoundsReport."""
    crashed = report.result is not None and report.result.status != "ok"
    return "crashed" if crashed else report.outcome
