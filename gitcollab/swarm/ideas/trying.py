"""Trying a hypothesis without anybody who reads it: the change that it says a machine can make."""

from __future__ import annotations

from dataclasses import dataclass

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records.models import Hypothesis, Task
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import looking
from gitcollab.swarm.authorship import PATCHER, is_signed_here
from gitcollab.swarm.ideas.testing import changed, is_executable
from gitcollab.swarm.member import Member
from gitcollab.swarm.proposal import Proposal, propose
from gitcollab.swarm.workspace import Base


@dataclass(frozen=True)
class Attempt:
    """The experiment that a hypothesis says, on the program ``base``.

    ``here``: that is the workspace's own base. ``by`` are others who wrote what is added to it.
    """

    plan: Proposal
    base: Base
    here: bool
    by: tuple[str, ...]
    notes: tuple[str, ...] = ()


def attempt(
    member: Member,
    task: Task,
    hypothesis: Hypothesis,
    text: str,
    seed: int | None = None,
    *,
    base: Base | None = None,
) -> Attempt:
    """What the hypothesis would have run: on the workspace's base, or, where its change does not
    fit there, on its own.

    ``text`` is the workspace's base as the working program has it, in whatever form; another
    ``base`` may be given in its place, with its text. Raises UsageError where the hypothesis says
    no change, or one that fits neither.
    """
    if not is_executable(hypothesis):
        raise UsageError(
            f"{hypothesis.id} says no change that a machine can make",
            f"edit {task.program} to try it, then: gitcollab run --hypothesis {hypothesis.id}",
        )
    if base is None:
        base = member.workspace.base() or Base(None, looking.program_text(member, None))
    own = base.id == hypothesis.base and base.text == text
    try:
        return _on(member, task, hypothesis, Base(base.id, text), seed, here=True)
    except GitcollabError as e:
        if own:
            raise _misfit(hypothesis, e) from e
        why = e.message
    try:
        base = Base(hypothesis.base, looking.program_text(member, hypothesis.base))
        found = _on(member, task, hypothesis, base, seed, here=False)
    except GitcollabError as e:
        raise _misfit(hypothesis, e) from e
    note = (
        f"it does not fit your base ({why}), so it runs on its own, "
        f"{hypothesis.base or 'the baseline'}; {task.program} stays as it is"
    )
    return Attempt(found.plan, base, False, found.by, (note,))


def _misfit(hypothesis: Hypothesis, why: GitcollabError) -> UsageError:
    return UsageError(
        f"{hypothesis.id} cannot be tried as it is: {why.message}",
        "make its change by hand, then give --hypothesis again; or try another: "
        "gitcollab hypothesis list --status open",
    )


def _on(
    member: Member,
    task: Task,
    hypothesis: Hypothesis,
    base: Base,
    seed: int | None,
    *,
    here: bool,
) -> Attempt:
    """The attempt on a program. Raises GitcollabError where the change does not fit."""
    text = changed(hypothesis, base.text, task.program)
    if fingerprint(text) == fingerprint(base.text):
        raise GitcollabError("the program is so already")
    plan = propose(
        text,
        base,
        lambda print_of: member.runs_of(task, print_of),
        seed=seed,
        python=task.program.endswith(".py"),
        title=hypothesis.title,
    )
    return Attempt(plan, base, here, authors(hypothesis))


def authors(hypothesis: Hypothesis) -> tuple[str, ...]:
    """Others who wrote what its change adds to a program.

    A patch is its author's, or of whoever gave it to an agent of this machine; so is a text that a
    constant is set to. Numbers are what anybody writes.
    """
    texts = any(_is_text(value) for value in (hypothesis.set or {}).values())
    if is_signed_here(hypothesis):
        return (PATCHER,) if hypothesis.patch is not None else ()
    return (hypothesis.agent,) if texts or hypothesis.patch is not None else ()


def _is_text(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_is_text, value))
    return isinstance(value, str)
