"""What a run that was cut off has left in the working program: found by the next, and undone."""

from __future__ import annotations

from dataclasses import replace

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Task
from gitcollab.swarm.member import Member


def recover(member: Member, task: Task) -> tuple[str, ...]:
    """Undo what a run that was cut off has left in the working program; a note where it did.

    Raises GitcollabError, once, where the program has been edited since: that is for its user.
    """
    workspace = member.workspace
    left = workspace.trial()
    if left is None or (now := workspace.program(task)) == left.before:
        workspace.end_trial()
        return ()
    if now != left.program:
        aside = workspace.set_aside(left.before, "before-a-run-cut-off").relative_to(workspace.root)
        workspace.end_trial()
        raise GitcollabError(
            f"a run that was cut off has changed {task.program}, which was edited since",
            f"look through it (as it was before: {aside}), then run the same command again",
        )
    aside = workspace.set_aside(now, "of-a-run-cut-off").relative_to(workspace.root)
    workspace.write_program(task, left.before)
    if (base := workspace.base()) is not None and base.by != left.by:
        workspace.set_base(replace(base, by=left.by))
    workspace.end_trial()
    return (f"a run that was cut off left its change in {task.program}: undone, kept in {aside}",)
