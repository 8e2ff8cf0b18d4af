"""A trial: the change that ``run --set`` or ``--patch`` makes to the working program.

It stands there until its run is over; ``.gitcollab/trial.json`` says what was there before. So a
run may be cut off between any two writes, and the next one knows what to do:

    trial.json  working program      base       when                    the next run
    none        any                  any        no run has changed it   finds nothing
    there       as before the run    as before  begun, or undone        ends it
    there       the trial's          as before  running, or published   puts it aside, undoes it
    there       its base's           as before  reverted                ends it
    there       anything else        as before  edited by its user      asks the user, once
    there       any                  another    kept, or one adopted    ends it

    begin    trial.json, who wrote in it (``base.by``), working program
    undo     working program, ``base.by``, end
    keep     base, end
    revert   working program, end
    end      what the user had there before and has no more goes aside, then trial.json goes

"As before" is but for ``base.by``. Each is written whole, in the order given, and the working
program only where it is still what it was when that was decided.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Task
from gitcollab.swarm.workspace import Base, Workspace, write_whole

_BEFORE = "before-a-run"
Standing: TypeAlias = Literal["untouched", "changed", "reverted", "edited", "decided"]


@dataclass(frozen=True)
class Trial:
    """What a run has put in the place of the working program, and what was there before."""

    before: str
    program: str
    base: Base | None  # before the run


def begin(
    workspace: Workspace, task: Task, before: str, program: str, by: tuple[str, ...] = ()
) -> None:
    """Put ``program``, in which ``by`` may have written, in the place of ``before``.

    Raises GitcollabError, and changes nothing, where that is not the working program any more.
    """
    trial = Trial(before, program, workspace.base())
    write_whole(_path(workspace), json.dumps(asdict(trial)).encode() + b"\n")
    workspace.add_authors(by)
    if workspace.program(task) != before:
        _authors_as_before(workspace, trial)
        _path(workspace).unlink()
        raise GitcollabError(f"{task.program} was edited meanwhile", "run the same command again")
    workspace.write_program(task, program)


def undo(workspace: Workspace, task: Task) -> Standing | None:
    """Take the change of a run back, unless its user has edited it since; how it stood.

    None is where there is no trial.
    """
    trial = _found(workspace)
    if trial is None:
        return None
    stood = _standing(workspace, task, trial)
    if stood == "edited":
        return stood
    if stood == "changed":
        workspace.write_program(task, trial.before)
    if stood in ("changed", "untouched"):
        _authors_as_before(workspace, trial)
    end(workspace, task)
    return stood


def keep(workspace: Workspace, task: Task, base: Base) -> tuple[str, ...]:
    """The working program becomes ``base``; a note where edits went aside."""
    workspace.set_base(base)
    return end(workspace, task)


def revert(workspace: Workspace, task: Task, base: Base) -> tuple[str, ...]:
    """The working program is its base again; a note where edits went aside."""
    workspace.write_program(task, base.text)
    return end(workspace, task)


def end(workspace: Workspace, task: Task) -> tuple[str, ...]:
    """What is in the working program is to stay; a note where edits went aside.

    Those are what it had before the run and has no more.
    """
    now = workspace.program(task) if workspace.program_path(task).exists() else None
    base, trial = workspace.base(), _found(workspace)
    if base is not None and base.by and base.text == now:
        workspace.set_base(replace(base, by=()))  # nothing is added that they could have written
    notes: tuple[str, ...] = ()
    if trial and trial.before not in (now, trial.base and trial.base.text):
        aside = workspace.set_aside(trial.before, _BEFORE).relative_to(workspace.root)
        notes = (f"{task.program} as it was before the run is in {aside}",)
    _path(workspace).unlink(missing_ok=True)
    return notes


def recover(workspace: Workspace, task: Task) -> tuple[str, ...]:
    """Undo what a run that was cut off has left in the working program; a note where it did.

    Raises GitcollabError, once, where the program has been edited since: that is for its user.
    """
    trial = _found(workspace)
    stood = trial and _standing(workspace, task, trial)
    if trial is None or stood == "untouched":
        undo(workspace, task)
        return ()
    if stood == "changed":
        aside = workspace.set_aside(trial.program, "of-a-run-cut-off").relative_to(workspace.root)
        undo(workspace, task)
        change = f"a run that was cut off left its change in {task.program}"
        return (f"{change}: undone, kept in {aside}",)
    if stood == "edited":
        before = workspace.set_aside(trial.before, _BEFORE).relative_to(workspace.root)
        end(workspace, task)
        raise GitcollabError(
            f"a run has changed {task.program}, which was edited since",
            f"look through it (as it was before: {before}), then run the same command again",
        )
    return end(workspace, task)


def holds(workspace: Workspace, task: Task) -> str:
    """Whose change the working program is, where it is no edit of its user's; else nothing."""
    trial = _found(workspace) if workspace.program_path(task).exists() else None
    if trial is None or _standing(workspace, task, trial) != "changed":
        return ""
    return f"{task.program} has the change of a run that goes on, or was cut off"


def users_program(workspace: Workspace, task: Task, otherwise: str = "") -> str:
    """The working program as its user has made it; GitcollabError while it is a run's.

    ``otherwise`` is what the user can do besides waiting.
    """
    if why := holds(workspace, task):
        hint = "wait until the run has ended; one that was cut off is undone by the next"
        raise GitcollabError(why, f"{hint}; {otherwise}" if otherwise else hint)
    return workspace.program(task)


def _standing(workspace: Workspace, task: Task, trial: Trial) -> Standing:
    base, now = workspace.base(), workspace.program(task)
    if not same_base(base, trial.base):
        return "decided"
    if now == trial.before:
        return "untouched"
    if now == trial.program:
        return "changed"
    return "reverted" if base is not None and now == base.text else "edited"


def same_base(one: Base | None, other: Base | None) -> bool:
    """Whether they are one base, whoever may have written in the working program."""
    if one is None or other is None:
        return one is other
    return (one.id, one.text) == (other.id, other.text)


def _authors_as_before(workspace: Workspace, trial: Trial) -> None:
    base = workspace.base()
    if base is not None and trial.base is not None and base.by != trial.base.by:
        workspace.set_base(replace(base, by=trial.base.by))


def _path(workspace: Workspace) -> Path:
    return workspace.folder / "trial.json"


def _found(workspace: Workspace) -> Trial | None:
    """The trial of a run that is under way, or was cut off."""
    try:
        fields = json.loads(_path(workspace).read_bytes())
        before, program, base = fields["before"], fields["program"], fields["base"]
        if base is not None:
            base = Base(base["id"], base["text"], tuple(base["by"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if isinstance(before, str) and isinstance(program, str):
        return Trial(before, program, base)
    return None
