"""Before an experiment is run: what it is, whose code it would run, and the claim on it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records.models import Claim, Task
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import carrying, claiming, confinement, holding, patching, trials
from gitcollab.swarm.authorship import PATCHER, additions_by
from gitcollab.swarm.confinement import Confinement
from gitcollab.swarm.datasets import check_data
from gitcollab.swarm.ideas.linking import NONE, Links, reserved
from gitcollab.swarm.ideas.testing import is_executable
from gitcollab.swarm.ideas.trying import attempt
from gitcollab.swarm.identity import title
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    Duplicate,
    Granted,
    Offline,
    Refused,
    RunReport,
    Taken,
)
from gitcollab.swarm.proposal import (
    NothingToTry,
    Proposal,
    announced_change,
    contradiction,
    first_of,
    propose,
    says_a_change,
)
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.roster import roster
from gitcollab.swarm.workspace import Base, Mode

Progress = Callable[[RunProgress], None]


@dataclass(frozen=True)
class Ready:
    """An experiment that is to be run: claimed; or not claimed, and worth a run all the same.

    That is so when the hub is away, and for another run of a program that somebody is running.
    ``before`` is the working program that the experiment may change; None leaves it alone.
    """

    task: Task
    plan: Proposal
    claimed: Granted | Offline | Taken
    confinement: Confinement
    before: str | None = None
    notes: tuple[str, ...] = ()
    by: tuple[str, ...] = ()  # others who wrote what the program adds to its base
    base: Base | None = None  # of the workspace, before the run
    began: str = ""  # the program that it was changed from, where that is not ``before``


def prepare(
    member: Member,
    what: str | None,
    set_values: Mapping[str, str] | None,
    patch: str | None,
    seed: int | None,
    anyway: bool,
    sandbox: Mode | None,
    progress: Progress,
    named: Links = NONE,
) -> Ready | RunReport:
    """Claim what the working program changes; a report when somebody else has it or did it.

    Where nothing is changed, it is what the hypothesis says that is ``named``, or what this
    workspace has claimed and can be done as it is.
    """
    task = member.believed_task
    recovered = recover(member, task)
    before, base = member.workspace.program(task), member.workspace.base()
    bare, chosen = not (what or set_values or patch or is_changed(member, before)), None
    if bare:
        chosen = _as_said(member, task, before, seed, named)
        chosen = chosen or _as_claimed(member, task, before, seed, named)
    if chosen is None:
        chosen = _as_changed(member, task, before, what, set_values, patch, seed, anyway, named)
    if bare:
        plan = chosen.plan
        left = carrying.left_over(member, plan.experiment, plan.seed, chosen.spoken)
        chosen = replace(chosen, notes=(*chosen.notes, *left))
    named, spoken = chosen.named, chosen.spoken
    plan = replace(chosen.plan, experiment=named.named_in(chosen.plan.experiment, spoken))
    confined = confinement.decide(member, plan.experiment, sandbox, by=chosen.by)
    progress(RunProgress("claim", title(plan.experiment)))
    claimed = _claim(member, plan, spoken, anyway)
    if not isinstance(claimed, Granted | Offline):
        return replace(not_claimed(claimed), notes=(*recovered, *named.notes))
    notes = (*recovered, *named.notes, *chosen.notes, *confined.notes)
    if chosen.began is not None:
        return Ready(task, plan, claimed, confined, None, notes, chosen.by, base, chosen.began)
    return Ready(task, plan, claimed, confined, before, notes, chosen.by, base)


def recover(member: Member, task: Task) -> tuple[str, ...]:
    """Put right what a run that was cut off left; notes on that.

    What is missing here for any run is better said before anything is claimed: GitcollabError.
    """
    put_back = (*member.put_back, *holding.recover_own(member.workspace))
    member.put_back = ()
    found = member.workspace.program(task)
    notes = (*put_back, *trials.recover(member.workspace, task))
    if found != member.workspace.program(task):
        notes = (*notes, *_give_back(member, found))
    check_data(member, task)
    return notes


def is_promised(member: Member, task: Task) -> bool:
    """Whether a bare run would do what this workspace has claimed (see ``prepare``)."""
    text = member.workspace.program(task)
    if is_changed(member, text):
        return False
    return (
        _as_said(member, task, text, None, NONE) or _as_claimed(member, task, text, None, NONE)
    ) is not None


@dataclass(frozen=True)
class _Chosen:
    """What is to be run, what that names, and the claim that announced it.

    ``by`` are others who wrote what it adds. ``began`` is the program that it was changed from
    where the working one has no part in it.
    """

    plan: Proposal
    named: Links
    spoken: Claim | None
    by: tuple[str, ...]
    notes: tuple[str, ...]
    began: str | None = None


def _as_said(
    member: Member, task: Task, text: str, seed: int | None, named: Links
) -> _Chosen | None:
    """What the hypothesis says that is named, or else one that this workspace has claimed.

    Of one in words, what this workspace has claimed for it.
    """
    claim = None
    if named.hypothesis is None:
        claim, named = reserved(member, named, text) or (None, named)
    elif not is_executable(named.hypothesis) and (
        found := _as_claimed(member, task, text, seed, named)
    ):
        return found
    if named.hypothesis is None:
        return None
    tried = attempt(member, task, named.hypothesis, text, seed)
    began = None if tried.here else tried.base.text
    return _Chosen(tried.plan, named, claim, tried.by, tried.notes, began)


def _as_claimed(
    member: Member, task: Task, text: str, seed: int | None, named: Links
) -> _Chosen | None:
    """The change of constants that this workspace has claimed, if it is one."""
    found = carrying.due(member, task, text, seed, named)
    if found is None:
        return None
    base = member.workspace.base() or Base(None, text)
    doubts = found.named.doubts(found.plan.experiment, base.text, task.program)
    return _Chosen(found.plan, found.named, found.claim, (), doubts)


def _as_changed(
    member: Member,
    task: Task,
    text: str,
    what: str | None,
    set_values: Mapping[str, str] | None,
    patch: str | None,
    seed: int | None,
    anyway: bool,
    named: Links,
) -> _Chosen:
    """What the user has changed, or says."""
    spoken = spoken_claim(member, text) if not (set_values or patch) else None
    if what is None and spoken is not None:
        what = spoken.description
    plan = proposal_of(
        member, task, text, what, set_values, patch, seed, again=anyway, title=named.title
    )
    by = (*additions_by(member, text, plan.experiment), *((PATCHER,) if patch else ()))
    base = member.workspace.base() or Base(None, text)
    doubts = named.doubts(plan.experiment, base.text, task.program)
    return _Chosen(plan, named, spoken, by, (*notes_on(member, plan, what), *doubts))


def _give_back(member: Member, program: str) -> list[str]:
    """Release the claim of a run of ``program`` that was cut off; a note where there was one."""
    print_of = fingerprint(program)
    left = [claim for claim in member.workspace.claims() if claim.fingerprint == print_of]
    for claim in left:
        claiming.give_back(member, claim)
    return [f"its claim was given back: {claim.description}" for claim in left]


def spoken_claim(member: Member, text: str) -> Claim | None:
    """The claim in words that an edited program carries out."""
    return claiming.announced(member) if is_changed(member, text) else None


def is_changed(member: Member, text: str) -> bool:
    """Whether a program is another than the workspace's base, in more than form."""
    base = member.workspace.base()
    return base is None or fingerprint(base.text) != fingerprint(text)


def proposal_of(
    member: Member,
    task: Task,
    text: str,
    what: str | None = None,
    set_values: Mapping[str, str] | None = None,
    patch: str | None = None,
    seed: int | None = None,
    *,
    again: bool = False,
    title: str | None = None,
) -> Proposal:
    """What the program ``text``, patched, is as an experiment against this workspace's base.

    ``again``: a program that was published, as it is, is another run of it, whatever the base.
    ``title`` describes a change that neither words nor constants do.
    """
    base = member.workspace.base() or Base(None, text)
    if patch is not None:
        title = (_title_of(member, patch) if text == base.text else None) or title
        text = patching.applied(patch, text, task.program)
    elif again and not set_values and (published := _published(member, task, text, base)):
        base, what = published, None
    try:
        plan = propose(
            text,
            base,
            lambda fingerprint: member.runs_of(task, fingerprint),
            what,
            set_values=set_values,
            seed=seed,
            python=task.program.endswith(".py"),
            title=title,
        )
    except NothingToTry:
        _expect_no_change(member, base, what)
        raise
    if plan.unchanged:
        _expect_no_change(member, base, what)
    return plan


def _title_of(member: Member, patch: str) -> str | None:
    """What the result is called whose change a patch says that it is."""
    found = member.result(patching.source(patch) or "")
    return None if found is None else found.description


def _published(member: Member, task: Task, text: str, base: Base) -> Base | None:
    """The program as its own base, of the first result that measured it; None where none did.

    The workspace's own base is what it is.
    """
    try:
        its_print = fingerprint(text)
        if its_print == fingerprint(base.text):
            return None
    except GitcollabError:  # it is no program: whoever proposes it says so
        return None
    trusts = roster(member.store.snapshot()).trusts
    runs = [r for r in member.runs_of(task, its_print) if r.status == "ok" and trusts(r)]
    return Base(first_of(runs).id, text) if runs else None


def _expect_no_change(member: Member, base: Base, what: str | None) -> None:
    """Words that say a change are not a description of an unchanged program."""
    if what is None:
        return
    change = announced_change(base, what, member.words)
    if change:
        sets = " ".join(f"--set {shlex.quote(f'{name}={v}')}" for name, v in change.items())
        hint = f"if this is what they mean: gitcollab run {sets}"
    elif says_a_change(what, member.words):
        hint = "edit the program, or leave the words out to run it as it is"
    else:
        return
    raise UsageError("the program is unchanged, and the words say a change", hint)


def notes_on(member: Member, plan: Proposal, what: str | None) -> tuple[str, ...]:
    """What the user should know of a description: that it contradicts the code."""
    mine = plan.experiment
    if what is None or plan.unchanged:
        unused = what is not None and mine.replicates and what != mine.description
        return (f"your words are left out: this is {title(mine)}",) if unused else ()
    base = member.workspace.base() or Base(None, plan.program)
    return contradictions(member, plan, what, base)


def contradictions(member: Member, plan: Proposal, what: str, base: Base) -> tuple[str, ...]:
    """A note where a description of what was changed in ``base`` contradicts the code."""
    found = contradiction(what, plan.experiment, base, member.words)
    return (f"{found}: the code decides",) if found else ()


def _claim(member: Member, plan: Proposal, spoken: Claim | None, anyway: bool) -> ClaimOutcome:
    """Claim the experiment, or use the claim that announced it in words.

    What was claimed beside what others do or have done is run beside it.
    """
    anyway = anyway or bool(spoken and spoken.anyway)
    if spoken and not plan.unchanged and spoken.description == plan.experiment.description:
        return claiming.refine(member, spoken, plan.experiment, anyway=anyway)
    return claiming.claim(member, plan.experiment, seed=plan.seed, anyway=anyway)


def not_claimed(claimed: Taken | Duplicate | Refused) -> RunReport:
    """The report of an experiment that may not be run now."""
    match claimed:
        case Taken(other=other, reason=why):
            error = f"{other.agent} is running this experiment now ({why})"
            hint = "change something else, or wait until its claim expires"
        case Duplicate(other=other, reason=why):
            error = f"{other.agent} has done this experiment ({why}): {other.id}"
            hint = f"read it with: gitcollab show {other.id}; to repeat it, add --anyway"
        case Refused(reason=why, hint=hint):
            error = f"the claim was refused: {why}"
    return RunReport("refused", error=error, hint=hint, claim=claimed)
