"""Claiming an experiment ahead of its run: in words, as code, or as a hypothesis says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gitcollab.records.models import Experiment
from gitcollab.swarm import claiming, proposal
from gitcollab.swarm.ideas import precedents
from gitcollab.swarm.ideas.linking import Links, links
from gitcollab.swarm.ideas.testing import is_executable
from gitcollab.swarm.identity import only_words
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import ClaimOutcome, Granted
from gitcollab.swarm.runs import change_of
from gitcollab.swarm.workspace import Base


def reserve(
    member: Member,
    what: str | None = None,
    *,
    from_code: bool = False,
    anyway: bool = False,
    hypothesis: str | None = None,
    cites: Sequence[str] = (),
) -> ClaimOutcome:
    """Claim an experiment in words, or (None) what the working program changes.

    Where that changes nothing, it is what the ``hypothesis`` says: its change, or in its title's
    words. See ``Swarm.claim``.
    """
    named = links(member, hypothesis, cites)
    if what is None and not from_code and named.hypothesis is not None:
        from gitcollab.swarm import preparing, trials

        text = trials.users_program(member.workspace, member.task)
        if not preparing.is_changed(member, text):
            if is_executable(named.hypothesis):
                return _as_said(member, named, text, anyway)
            what = named.hypothesis.title
    if what is not None and not from_code:
        return _in_words(member, what, named, anyway)
    return _as_code(member, what, named, anyway)


def _in_words(member: Member, what: str, named: Links, anyway: bool) -> ClaimOutcome:
    text = member.workspace.program(member.task)
    base = member.workspace.base() or Base(None, text)
    experiment = proposal.from_words(base, what, member.words)
    answer = claiming.claim(member, named.named_in(experiment), anyway=anyway)
    unknown = proposal.unknown_constant(experiment, base)
    doubts = () if only_words(experiment) else _doubts(member, named, experiment, base)
    return _noted(member, experiment, answer, *named.notes, *filter(None, [unknown]), *doubts)


def _as_code(member: Member, what: str | None, named: Links, anyway: bool) -> ClaimOutcome:
    from gitcollab.swarm import preparing, trials

    text = trials.users_program(member.workspace, member.task)
    plan = preparing.proposal_of(member, member.task, text, what, again=anyway, title=named.title)
    notes = preparing.notes_on(member, plan, what)
    experiment = named.named_in(plan.experiment)
    answer = claiming.claim(member, experiment, seed=plan.seed, anyway=anyway)
    doubts = _doubts(member, named, experiment, member.workspace.base() or Base(None, text))
    return _noted(member, experiment, answer, *named.notes, *notes, *doubts)


def _doubts(member: Member, named: Links, experiment: Experiment, base: Base) -> tuple[str, ...]:
    return named.doubts(experiment, base.text, member.task.program)


def _as_said(member: Member, named: Links, text: str, anyway: bool) -> ClaimOutcome:
    """Claim the change that the hypothesis says a machine can make."""
    from gitcollab.swarm.ideas import trying

    assert named.hypothesis is not None
    found = trying.attempt(member, member.task, named.hypothesis, text)
    experiment = named.named_in(found.plan.experiment)
    answer = claiming.claim(member, experiment, seed=found.plan.seed, anyway=anyway)
    return _noted(member, experiment, answer, *named.notes, *found.notes)


def _noted(
    member: Member, experiment: Experiment, answer: ClaimOutcome, *notes: str
) -> ClaimOutcome:
    """The answer; a yes with these notes, and with what came of the change on other bases."""
    if not isinstance(answer, Granted):
        return answer
    change = None if experiment.replicates else change_of(experiment)
    before = precedents.precedents(member, change)
    told = precedents.told(member.standings(), before, experiment.base)
    return replace(answer, notes=(*notes, *told))
