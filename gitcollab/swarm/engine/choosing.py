"""What to run next, from what this host knows: the first few that may be had, and all that not."""

from __future__ import annotations

from collections.abc import Iterable

from gitcollab.errors import GitcollabError
from gitcollab.swarm.engine.candidates import Candidate, Candidates
from gitcollab.swarm.engine.choice import Choice, Outlook, Passed
from gitcollab.swarm.engine.policy import Note
from gitcollab.swarm.engine.scene import Past, Scene
from gitcollab.swarm.member import Member
from gitcollab.swarm.preparing import is_changed, proposal_of, spoken_claim
from gitcollab.swarm.syncing import is_edited
from gitcollab.swarm.workspace import Mode

__all__ = ["Past", "edit", "first", "outlook"]


def outlook(
    member: Member, *, count: int = 5, past: Past | None = None, sandbox: Mode | None = None
) -> Outlook:
    """What this agent would run next, the first first; nothing is claimed, written or asked.

    What an external mind would think is not known before it is asked.
    """
    passed: list[Passed] = []
    scene = Scene(member, past or Past())
    mine = edit(scene, passed.append)
    found = Candidates(scene, sandbox, passed.append)
    chosen = [] if mine is None else [mine]
    chosen += [one.choice for one in first(found.all(), count - len(chosen))]
    if not chosen and (last := found.last_resort()) is not None:
        chosen.append(last.choice)
    return Outlook(chosen, passed)


def first(candidates: Iterable[Candidate], number: int) -> list[Candidate]:
    """The first of the candidates, of each program and each experiment once."""
    rest, found = iter(candidates), list[Candidate]()
    seen: set[str | None] = set()
    while len(found) < number and (one := next(rest, None)) is not None:
        names = {one.wanted.key, one.choice.plan.experiment.fingerprint}
        if not names & seen:
            seen |= names
            found.append(one)
    return found


def edit(scene: Scene, note: Note) -> Choice | None:
    """The user's own edit of the program, as an experiment; None where it is none, or cannot be."""
    member, task = scene.member, scene.task
    if not is_edited(member):
        return None
    text = member.workspace.program(task)
    try:
        if not is_changed(member, text):
            note(Passed("edit", task.program, "your edits change only its form"))
            return None
        spoken = spoken_claim(member, text)
        plan = proposal_of(member, task, text, None if spoken is None else spoken.description)
    except GitcollabError as e:
        note(Passed("edit", task.program, f"{e.message}; it is left as it is"))
        return None
    if why := scene.in_the_way(plan):
        note(Passed("edit", plan.experiment.description, why))
        return None
    base = member.workspace.base() or scene.base
    return Choice("edit", plan, f"{task.program} has your edits", base)
