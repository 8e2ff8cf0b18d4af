"""Many experiments, one after another: a result and the claim of what comes next are one push."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gitcollab.errors import GitcollabError, RefusedError, UsageError
from gitcollab.records.models import Claim
from gitcollab.store.requests import Request
from gitcollab.swarm.claiming import give_back
from gitcollab.swarm.claims import sweepable
from gitcollab.swarm.delivering import outcome_of, request_of
from gitcollab.swarm.engine.edits import Edits
from gitcollab.swarm.engine.guest.guest import Guest
from gitcollab.swarm.engine.mind import Mind
from gitcollab.swarm.engine.picking import Chosen, Picker
from gitcollab.swarm.engine.policy import MOST_OWN
from gitcollab.swarm.engine.tally import Tally
from gitcollab.swarm.engine.terms import FREELY, Terms
from gitcollab.swarm.ideas.linking import links
from gitcollab.swarm.ideas.unsent import submit_with_named
from gitcollab.swarm.identity import title
from gitcollab.swarm.interrupted import Interrupted
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import (
    Granted,
    Offline,
    PublishOutcome,
    Refused,
    RoundsReport,
    RunReport,
)
from gitcollab.swarm.preparing import Progress, Ready, is_promised, prepare, recover
from gitcollab.swarm.reports import Adopted, RunProgress
from gitcollab.swarm.running import Ran, conclude, perform
from gitcollab.swarm.syncing import adopt_if_unedited, is_edited
from gitcollab.swarm.workspace import Mode

MAX_FAILURES = 5  # so many in a row are no accident, where a number is to be filled
LOOK_EVERY = 60.0  # seconds, where nothing is left to run until others publish something

OnReport = Callable[[RunReport], None]

# What befalls whoever works without end: nothing of it ends the work.
_TROUBLE = (GitcollabError, OSError)


def run_many(
    member: Member,
    count: int | None = None,
    what: str | None = None,
    *,
    set_values: Mapping[str, str] | None = None,
    patch: str | None = None,
    seed: int | None = None,
    anyway: bool = False,
    sandbox: Mode | None = None,
    hypothesis: str | None = None,
    cites: Sequence[str] = (),
    terms: Terms = FREELY,
    progress: Progress = lambda _: None,
    on_report: OnReport = lambda _: None,
    guest: Guest | None = None,
    tally: Tally | None = None,
) -> RoundsReport:
    """``count`` experiments, or (None) until ^C or the ``terms`` end it; each is told as it ends.

    The first is what was asked for, what the program's edits say, or what this workspace claimed;
    what follows is chosen (see ``policy``). Where what was asked for cannot be done, nothing
    follows. What is chosen runs beside the working program. Between rounds an unedited one gives
    way to the best; an edit that says what it is and stood for a round is run as the user's own.

    Without a ``count`` nothing that goes wrong ends it: after failures in a row it waits longer and
    longer, and while another run would tell nothing it watches the hub. With one, programs that
    fail again and again end it. ^C ends as in ``run``: no claim that was taken here is left behind;
    what a killed one had claimed is gone on with, or given back. While they wait somebody may run
    something by hand. Where ``guest`` and ``tally`` are given they go on with these.
    """
    guest, tally = guest or Guest(member, terms, progress), tally or Tally()
    with guest.at_work():
        left = member.workspace.chosen()
        by_hand = {c.id for c in member.workspace.claims()} - {c.id for c in left}
        rounds = _Rounds(member, count, sandbox, terms, by_hand, progress, on_report, guest, tally)
        try:
            named = links(member, hypothesis, cites)
            notes = recover(member, member.believed_task)
            asked = any((what is not None, set_values, patch, seed is not None, hypothesis, cites))
            edited = count is not None and is_edited(member)
            if asked or edited or (by_hand and is_promised(member, member.task)):
                how = (what, set_values, patch, seed, anyway, sandbox, progress)
                ready = _prepared(member, by_hand, *how, named)
                if not isinstance(ready, RunReport):
                    return rounds.go(Chosen(ready), left, notes)
                if asked or edited:
                    return rounds.refused(ready)
            return rounds.go(None, left, notes)
        finally:
            give_back(member, *member.workspace.chosen())


def _prepared(member: Member, by_hand: Collection[str], *how: Any) -> Ready | RunReport:
    """As ``prepare``; what it claimed is marked as the rounds' own, or given back."""
    try:
        ready = prepare(member, *how)
        if isinstance(ready, Ready):
            _mark(member, ready, by_hand)
    except BaseException:
        give_back(member, *(c for c in member.workspace.claims() if c.id not in by_hand))
        raise
    return ready


def _mark(member: Member, ready: Ready, by_hand: Collection[str]) -> None:
    """Let what was claimed count as the rounds' own, which is given back at their end."""
    claimed = ready.claimed
    if isinstance(claimed, Granted) and claimed.experiment not in by_hand:
        member.workspace.hold(claimed.claim, chosen=True)


class _Rounds:
    """Where the rounds stand. ``by_hand`` are the claims that somebody took, and that stay."""

    def __init__(
        self,
        member: Member,
        count: int | None,
        sandbox: Mode | None,
        terms: Terms,
        by_hand: Collection[str],
        progress: Progress,
        on_report: OnReport,
        guest: Guest,
        tally: Tally,
    ) -> None:
        self._member = member
        self._count = count
        self._by_hand = by_hand
        self._progress = progress
        self._on_report = on_report
        self._tally = tally
        self._next: Chosen | None = None  # claimed in advance
        self._guest = guest
        self._mind = Mind(member, terms, progress)
        self._thinks = terms.think is not None
        self._picker = Picker(member, sandbox, progress, endless=count is None)
        self._edits = Edits(member, sandbox, progress)

    def go(self, first: Chosen | None, left: Sequence[Claim], notes: Sequence[str]) -> RoundsReport:
        """Rounds, until one is the last. ``left`` is what killed ones had claimed."""
        now = first or self._begin()
        kept = None if isinstance(now, str | RunReport) else now.ready.claimed.experiment
        give_back(self._member, *(claim for claim in left if claim.id != kept))
        while not isinstance(now, str):
            stopped = None
            report = now if isinstance(now, RunReport) else self._round(now)
            if report is not None:
                stopped = self._end(replace(report, notes=(*notes, *report.notes)))
                notes = ()
            if stopped is not None:
                return self._tally.report(stopped, failing=self._is_failing())
            now = self._following()
        return self._tally.report(now)

    def refused(self, report: RunReport) -> RoundsReport:
        """What was asked for is not to be done: there are no rounds."""
        self._tally.note(report)
        self._on_report(report)
        stopped = "" if self._count == 1 else "what was asked for is not to be done"
        return self._tally.report(stopped)

    # -- between two rounds ------------------------------------------------------------------------

    def _begin(self) -> Chosen | RunReport | str:
        """The first experiment, of somebody who asked for none."""
        if self._count is None:
            with suppress(*_TROUBLE):
                self._member.store.refresh()
            try:
                if (edit := self._edits.take(at_once=True)) is not None:
                    return edit
            except _TROUBLE as e:
                self._bear(e)
        return self._following()

    def _following(self) -> Chosen | RunReport | str:
        """The next experiment, claimed, once it may begin; or why none will.

        A report is of what could not be claimed.
        """
        while True:
            failures = self._tally.failures if self._count is None else 0
            # What was claimed in advance is others' while we wait: it may be for hours.
            before = self._give_back_next
            stop = self._guest.wait(failures, self._tally.stalls, before=before)
            if stop is not None:
                return stop
            try:
                found = self._take()
            except _TROUBLE as e:
                self._bear(e)
                continue
            if isinstance(found, Chosen):
                return found
            if found is not None and (self._count or isinstance(found.claim, Refused)):
                return found
            if self._count is not None:
                return "nothing else can be claimed now"
            if (stop := self._watch()) is not None:
                return stop

    def _take(self) -> Chosen | RunReport | None:
        own = {claim.id for claim in self._member.workspace.chosen()}
        # The user may have claimed something since there was last a look.
        self._by_hand = {claim.id for claim in self._member.workspace.claims()} - own
        if (edit := self._edits.take()) is not None:
            if isinstance(edit, Chosen):
                _mark(self._member, edit.ready, self._by_hand)
            self._give_back_next()
            return edit
        if (claimed := self._next) is not None:
            self._next = None
            if (still := self._picker.still(claimed)) is not None:
                return still
        return self._picker.pick(self._mind.think() if self._thinks else None)

    def _watch(self) -> str | None:
        """Wait until the hub may have something new; why the rounds end instead, if they do."""
        why = f"nothing to run that this agent has not run {MOST_OWN} times; the hub is watched"
        self._progress(RunProgress("wait", why))
        stop = self._guest.sleep(LOOK_EVERY)
        self._picker.look_again()
        with suppress(*_TROUBLE):
            self._member.store.refresh()
        return stop

    def _bear(self, e: GitcollabError | OSError) -> None:
        """Say what went wrong, where the rounds have no end; raised where they have.

        So is what somebody has to put right, as long as nothing was run: it is better known.
        """
        to_be_known = isinstance(e, RefusedError | UsageError) and not self._tally.rounds
        if self._count is not None or to_be_known:
            raise e
        self._tally.note_trouble()
        self._progress(RunProgress("note", _said(e)))

    def _give_back_next(self) -> None:
        claimed = None if self._next is None else self._next.ready.claimed
        if isinstance(claimed, Granted):
            own = self._member.workspace.chosen()
            give_back(self._member, *(one for one in own if one.id == claimed.experiment))
        self._next = None

    # -- a round -----------------------------------------------------------------------------------

    def _round(self, chosen: Chosen) -> RunReport | None:
        """Run it and publish what came of it; None where it was ended for nothing of its own."""
        claimed = chosen.ready.claimed
        _mark(self._member, chosen.ready, self._by_hand)
        try:
            report = self._run(chosen.ready)
        except Interrupted as e:
            if chosen.kind is None:  # what was asked for is begun anew: see ``guest.lending``
                raise
            self._guest.interrupted()
            self._tally.stalls += e.is_stall
            if chosen.kind == "edit":
                self._edits.try_again()
            self._progress(RunProgress("note", f"{e}; nothing was published"))
            return None
        except _TROUBLE as e:
            if self._count is not None:
                raise
            report = RunReport("failed", error=_said(e), claim=claimed)
        return replace(report, kind=chosen.kind, why=chosen.why)

    def _run(self, ready: Ready) -> RunReport:
        ran = perform(self._member, ready, self._progress)
        if isinstance(ran, RunReport):
            return ran
        request = request_of(self._member, ran.result, ran.files)
        with suppress(*_TROUBLE):  # told when it is delivered
            self._member.store.keep(request)  # choosing takes a while, and we may be killed
        self._picker.note(ran.result, ready.plan.program)
        outcome = self._deliver(ran, request)
        if isinstance(outcome, Refused):  # what was claimed may build on it
            self._give_back_next()
            self._picker.forget()
        return conclude(self._member, ran, outcome)

    def _deliver(self, ran: Ran, request: Request) -> PublishOutcome:
        """Publish the result, and in the same push claim what comes next."""
        try:
            candidates = self._picker.candidates() if self._goes_on(ran) else []
        except BaseException as e:  # what was measured is not lost, whatever befalls the choosing
            if self._count is not None or not isinstance(e, _TROUBLE):
                self._publish(ran, request)
                raise
            candidates = []
        if not candidates:
            return self._publish(ran, request)
        self._progress(RunProgress("publish", title(ran.result)))
        requests = [request, *self._sweep()]
        try:
            (answer, *_), picked = self._picker.claim(candidates, requests, [ran.result])
        except _TROUBLE:
            if self._count is not None:
                raise
            return self._publish(ran, request)
        self._next = picked if isinstance(picked, Chosen) else None
        return outcome_of(self._member, ran.result, answer)

    def _sweep(self) -> list[Request]:
        """The request that removes stale claims, where there are any."""
        if not sweepable(self._member.store.snapshot()):
            return []
        return [self._member.request("sweep", {}, when_offline="drop")]

    def _publish(self, ran: Ran, request: Request) -> PublishOutcome:
        """Publish alone; without end a result is kept until there is room for it."""
        while True:
            self._progress(RunProgress("publish", title(ran.result)))
            try:
                (answer,) = submit_with_named(self._member, [ran.result], request)
                return outcome_of(self._member, ran.result, answer)
            except _TROUBLE as e:
                if self._count is not None:
                    raise
                self._tally.note_trouble()
                said = f"{_said(e)}; the result is kept, and delivered later"
                self._progress(RunProgress("note", said))
                if self._guest.wait(self._tally.failures, hold=True) is not None:
                    raise

    def _goes_on(self, ran: Ran) -> bool:
        """Whether what comes next is to be claimed now: it begins when this round has ended."""
        failures = self._tally.failures + 1 if ran.result.status != "ok" else 0
        if self._count is not None:
            if self._tally.rounds + 1 >= self._count or failures >= MAX_FAILURES:
                return False
            failures = 0  # they end the rounds, and nothing is waited for
        return not self._thinks and self._guest.is_free(failures) and not self._edits.is_due()

    def _end(self, report: RunReport) -> str | None:
        """Tell of a round that is over; why no other follows: empty when all are done."""
        self._tally.note(report)
        try:
            stopped = self._why_stop(report)
            if stopped is None and (adopted := self._adopt()):
                report = replace(report, adopted=adopted)
        finally:
            self._on_report(report)
        if self._thinks:
            self._tell_mind(report)
        return stopped

    def _tell_mind(self, report: RunReport) -> None:
        try:
            self._mind.tell(report)
        except Interrupted as e:  # the experiment is over
            self._progress(RunProgress("note", str(e)))

    def _adopt(self) -> Adopted | None:
        """An unedited working program gives way to the best."""
        try:
            return adopt_if_unedited(self._member)[0]
        except _TROUBLE as e:
            self._bear(e)
            return None

    def _is_failing(self) -> bool:
        return self._count is not None and self._tally.failures >= MAX_FAILURES

    def _why_stop(self, report: RunReport) -> str | None:
        """Why no other round follows: empty when all are done; None when one does."""
        if self._count is None:
            return None
        if self._tally.rounds >= self._count:
            return ""
        not_had = report.outcome == "refused" and not isinstance(report.claim, Granted | Offline)
        if not_had and report.kind != "edit":
            return "nothing else can be claimed now"
        if report.outcome == "failed":
            return "the program could not be started"
        if self._is_failing():
            return f"{self._tally.failures} experiments in a row failed: {report.error}"
        return None


def _said(e: GitcollabError | OSError) -> str:
    return e.message if isinstance(e, GitcollabError) else str(e)
