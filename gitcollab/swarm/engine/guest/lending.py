"""Lending a machine: rounds of experiments that outlive a pause, or that the machine slept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.swarm.engine import rounds
from gitcollab.swarm.engine.guest.guest import Guest
from gitcollab.swarm.engine.guest.presence import noting
from gitcollab.swarm.engine.guest.watching import watching
from gitcollab.swarm.engine.tally import Tally
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
    not been done is done then. ``terms.hours`` are from now on, whatever is waited for.
    """
    if count is not None and count < 1:
        raise UsageError("the number of experiments is to be at least 1", "as in --count 1")
    member.nice = terms.nice or 0
    progress = noting(member.workspace, progress)
    guest, tally = Guest(member, terms, progress), Tally()
    with guest.at_work():
        while True:
            if why := guest.wait(stalls=tally.stalls):
                return _ended(tally, why)
            try:
                return rounds.run_many(
                    member,
                    count,
                    what,
                    guest=guest,
                    tally=tally,
                    terms=terms,
                    progress=watching(member, progress),
                    on_report=on_report,
                    **how,
                )
            except Interrupted as e:
                guest.interrupted()
                tally.stalls += e.is_stall
                progress(RunProgress("note", e.told))
            if count is not None and tally.rounds >= count:
                return tally.report("")
            if tally.rounds:
                what, how = None, how | _FRESH


class NothingBegun(GitcollabError):  # noqa: N818
    """There is no time for an experiment."""


def _ended(tally: Tally, why: str) -> RoundsReport:
    if not tally.rounds:
        raise NothingBegun(f"no experiment was begun: {why}", "lend it for longer")
    return tally.report(why)
