"""Many experiments, one after another: a result and the claim of what comes next are one push."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from gitcollab.errors import OfflineError, RefusedError
from gitcollab.swarm import confinement
from gitcollab.swarm.claiming import Wanted, claim, claim_first, give_back
from gitcollab.swarm.confinement import Confinement
from gitcollab.swarm.delivering import outcome_of, publish, request_of
from gitcollab.swarm.engine.choosing import MOST_OWN, Past, choose, is_of_use
from gitcollab.swarm.engine.terms import FREELY, Terms
from gitcollab.swarm.ideas.linking import links
from gitcollab.swarm.identity import key_of, title
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    Granted,
    Offline,
    PublishOutcome,
    Refused,
    RoundsReport,
    RunReport,
    Taken,
)
from gitcollab.swarm.preparing import Progress, Ready, not_claimed, prepare
from gitcollab.swarm.proposal import Proposal
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.running import Ran, conclude, perform
from gitcollab.swarm.syncing import adopt_if_unedited, is_edited
from gitcollab.swarm.workspace import Mode

MAX_FAILURES = 5  # so many in a row are no accident
MAX_TRIES = 4  # experiments that are asked for by name before a seed of one's own is taken

LOOK_EVERY = 60.0  # seconds, where nothing is left to run until others publish something
pause = time.sleep

OnReport = Callable[[RunReport], None]


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
) -> RoundsReport:
    """``count`` experiments, or (None) until something stops them; each is reported as it ends.

    The first is what ``run`` would do; what follows is chosen (see ``choosing``). Where that was
    asked for and cannot be done, nothing follows. Between them an
    unedited working program gives way to the best; an edited one ends the rounds, as do programs
    that fail again and again. Without a ``count`` they wait while another run would tell nothing.
    ^C ends as in ``run``: no claim that was taken here is left behind.
    """
    with member.workspace.one_run():
        before = {c.id for c in member.workspace.claims()}
        rounds = _Rounds(member, count, sandbox, progress, on_report)
        try:
            named = links(member, hypothesis, cites)
            how = (what, set_values, patch, seed, anyway, sandbox, progress)
            first = prepare(member, *how, named)
            asked = (
                what is not None
                or set_values
                or patch
                or seed is not None
                or hypothesis is not None
                or is_edited(member)
            )
            if isinstance(first, RunReport):
                if asked:
                    return rounds.refused(first)
                first = rounds.claim_another()
            return rounds.go(first)
        finally:
            for left in member.workspace.claims():
                if left.id not in before:
                    give_back(member, left)


class _Rounds:
    """Where the rounds stand."""

    def __init__(
        self,
        member: Member,
        count: int | None,
        sandbox: Mode | None,
        progress: Progress,
        on_report: OnReport,
    ) -> None:
        self._member = member
        self._count = count
        self._sandbox = sandbox
        self._progress = progress
        self._on_report = on_report
        self._counts: Counter[str] = Counter()
        self._failures = 0  # in a row
        self._past = Past()
        self._next: Ready | None = None  # claimed in advance
        self._nothing_left = False

    def go(self, ready: Ready | RunReport) -> RoundsReport:
        """Rounds, until one is the last."""
        while True:
            report = ready if isinstance(ready, RunReport) else self._round(ready)
            self._note(report)
            try:
                stopped = self._why_stop(report)
                if stopped is None and (adopted := adopt_if_unedited(self._member)[0]):
                    report = replace(report, adopted=adopted)
            finally:
                self._on_report(report)
            if stopped is None and self._next is None:
                stopped = self._wait()
            if stopped is not None:
                failing = self._failures >= MAX_FAILURES
                return RoundsReport(report, self._counts.total(), self._counts, stopped, failing)
            ready, self._next = self._next or self.claim_another(), None

    def refused(self, report: RunReport) -> RoundsReport:
        """What was asked for is not to be done: there are no rounds."""
        self._note(report)
        self._on_report(report)
        stopped = "" if self._count == 1 else "what was asked for is not to be done"
        return RoundsReport(report, self._counts.total(), self._counts, stopped, False)

    def _wait(self) -> str | None:
        """Until there is a run that tells something; why the rounds end instead, if they do."""
        while self._choose() is None:
            why = f"nothing to run that this agent has not run {MOST_OWN} times; the hub is watched"
            self._progress(RunProgress("wait", why))
            try:
                pause(LOOK_EVERY)
            except KeyboardInterrupt as e:
                e.add_note("nothing was running, so nothing is lost")
                raise
            with suppress(OfflineError):
                self._member.store.refresh()
            if is_edited(self._member):
                return self._edited
        return None

    def _choose(self) -> Proposal | None:
        """What comes next; None where no number is to be filled and a run would tell nothing."""
        plan = choose(self._member, self._past)
        if self._count is None and not is_of_use(self._member, plan, self._past):
            return None
        return plan

    @property
    def _edited(self) -> str:
        return f"{self._member.task.program} has your edits and is left as it is"

    def claim_another(self) -> Ready | RunReport:
        """Choose and claim an experiment on its own; a report when none can be had."""
        for tries in range(MAX_TRIES + 1):
            plan = choose(self._member, self._past)
            confined = self._confine(plan)
            refused = key_of(plan.experiment, plan.seed) in self._past.refused
            if last_resort := refused or tries == MAX_TRIES:
                plan = self._with_own_seed(plan)
            self._progress(RunProgress("claim", title(plan.experiment)))
            claimed = claim(self._member, plan.experiment, seed=plan.seed)
            if last_resort and plan.unchanged and isinstance(claimed, Taken):
                # A baseline nobody has finished yet.
                task = self._member.believed_task
                return Ready(task, plan, claimed, confined, notes=confined.notes)
            if ready := self._ready(plan, claimed, confined):
                return ready
        self._nothing_left = True
        assert not isinstance(claimed, Granted | Offline)
        return not_claimed(claimed)

    def _with_own_seed(self, plan: Proposal) -> Proposal:
        """In a crowd the next free seed is everybody's: take one that nobody else will think of."""
        return replace(plan, seed=int(self._member.nonce()[:7], 16))

    def _confine(self, plan: Proposal) -> Confinement:
        return confinement.decide(
            self._member, plan.experiment, self._sandbox, fresh=self._past.result
        )

    def _ready(self, plan: Proposal, claimed: ClaimOutcome, confined: Confinement) -> Ready | None:
        if isinstance(claimed, Granted | Offline):
            self._past = replace(self._past, refused=frozenset())
            return Ready(self._member.believed_task, plan, claimed, confined, notes=confined.notes)
        self._past = replace(self._past, refused=self._past.refused | {claimed.experiment})
        return None

    def _round(self, ready: Ready) -> RunReport:
        ran = perform(self._member, ready, self._progress)
        if isinstance(ran, RunReport):
            return ran
        crashed = self._past.crashed
        if ran.result.status != "ok":
            crashed |= {ran.result.fingerprint or ""}
        self._past = Past(ran.result, ready.plan.program, crashed)
        outcome = self._deliver(ran)
        if isinstance(outcome, Refused) and self._next is not None:  # it may build on the refused
            if isinstance(self._next.claimed, Granted):
                give_back(self._member, self._next.claimed.claim)
            self._next = None
            self._past = Past(crashed=crashed)
        return conclude(self._member, ran, outcome)

    def _deliver(self, ran: Ran) -> PublishOutcome:
        """Publish the result, and in the same push claim what comes next."""
        member = self._member
        try:
            plan = self._choose() if self._goes_on(ran) else None
            confined = self._confine(plan) if plan else None
        except RefusedError:  # it is said when this round has been told
            plan = confined = None
        except BaseException:  # what was measured is not lost, whatever befalls the choosing
            publish(member, ran.result, ran.files)
            raise
        self._progress(RunProgress("publish", title(ran.result)))
        if plan is None or confined is None:
            return publish(member, ran.result, ran.files)
        request = request_of(member, ran.result, ran.files)
        wanted = [Wanted(plan.experiment, plan.seed)]
        (answer,), picked = claim_first(member, wanted, [request], [ran.result])
        self._next = self._ready(plan, picked.answer, confined)
        return outcome_of(member, ran.result, answer)

    def _goes_on(self, ran: Ran) -> bool:
        """Whether another round can follow this one, as far as is known before its end."""
        if self._counts.total() + 1 == self._count:
            return False
        if ran.result.status != "ok" and self._failures + 1 >= MAX_FAILURES:
            return False
        member, ready = self._member, ran.ready
        return not is_edited(member) or member.workspace.program(ready.task) == ready.plan.program

    def _note(self, report: RunReport) -> None:
        crashed = report.result is not None and report.result.status != "ok"
        failed = crashed or report.outcome in ("refused", "failed")
        self._failures = self._failures + 1 if failed else 0
        self._counts["crashed" if crashed else report.outcome] += 1

    def _why_stop(self, report: RunReport) -> str | None:
        """Why no other round follows: empty when all are done; None when one does."""
        if self._counts.total() == self._count:
            return ""
        if self._nothing_left:
            return "nothing else can be claimed now"
        if report.outcome == "failed":
            return "the program could not be started"
        if self._failures >= MAX_FAILURES:
            return f"{self._failures} experiments in a row failed: {report.error}"
        if is_edited(self._member):
            return self._edited
        return None
