"""The data a task measures on: whether it is here, and its digests for the record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.records.models import Environment, Task
from gitcollab.runner import environment
from gitcollab.swarm.authorship import is_own_task
from gitcollab.swarm.member import Member
from gitcollab.task import harness

_FOLDER = "text:"  # the user's own texts, and nobody's else


def check_data(member: Member, task: Task) -> None:
    """Refuse data that a run of the hub's task lacks here, or may not read.

    A folder of texts is the user's: a stranger's task cannot have it by its name alone, since what
    programs read they can print. Who knows its digest has it already.
    """
    environment_of(task)
    data = task.dataset
    if data is None or not data.name.startswith(_FOLDER) or data.sha256 or is_own_task(member):
        return
    raise RefusedError(
        f"the hub's task would read {data.name}, a folder of yours, and does not say its sha256",
        "ask the hub's maintainers to give its sha256 in the task; they see it with: "
        f"gitcollab data prepare {data.name}",
    )


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


def data_of(task: Task) -> Mapping[str, Path]:
    """The folders of prepared data that a run of the task reads, by their names in the data folder.

    The embedded corpus is made where it is missing: a program in the sandbox could keep no copy.
    """
    from gitcollab.task import embedded
    from gitcollab.task.storage import data_folder, sha256

    name = task.dataset.name if task.dataset else None
    if name is not None and name.startswith(_FOLDER):
        # The harness names its copy by the folder's path without links; inside, there is no link
        # to be followed, so that it looks for the path as the task has it.
        place = Path(name.removeprefix(_FOLDER))
        names = [f"text-{sha256(str(form).encode())[:16]}" for form in (place.resolve(), place)]
        return {inside: data_folder() / names[0] for inside in names}
    if name == "embedded":
        for split in embedded.STORIES:
            embedded.load(split)
    used = name or "embedded"  # what programs read that are told no data
    place = data_folder() / used
    return {used: place} if place.is_dir() and place.parent == data_folder() else {}
