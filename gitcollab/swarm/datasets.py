"""The data a task measures on: whether it is here, and its digests for the record."""

from __future__ import annotations

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Environment, Task
from gitcollab.runner import environment
from gitcollab.task import harness


def environment_of(task: Task) -> Environment:
    """The software and data that a run of the task uses here.

    Raises GitcollabError when the data is not prepared, or is not what the task names: a result on
    other data would compare with nothing.
    """
    found = environment.versions()
    bare = Environment(
        python=found.python,
        torch=found.torch,
        gitcollab=found.gitcollab,
        harness=harness.digest(),
    )
    if task.dataset is None:
        return bare
    from gitcollab.task import data
    from gitcollab.task.errors import TaskError

    name, wanted = task.dataset.name, task.dataset.sha256
    try:
        digest = data.dataset_digest(name)
    except TaskError as e:
        hint = e.hint or f"prepare it with: gitcollab data prepare {name}"
        raise GitcollabError(e.message, hint) from e
    if wanted is not None and digest != wanted:
        raise GitcollabError(
            f"the data {name} here ({digest[:15]}...) is not what the task names",
            f"upgrade gitcollab, or prepare it anew: gitcollab data prepare {name}",
        )
    return bare.model_copy(update={"dataset": digest})
