"""The task of a hub without a door: whoever may push can write another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import RefusedError
from gitcollab.records import codec
from gitcollab.records.models import Task, sha256
from gitcollab.records.names import TASK_PATH, path_of
from gitcollab.swarm import governing, ruling
from gitcollab.swarm.joining import join
from gitcollab.swarm.member import utc_now
from gitcollab.swarm.swarm import Swarm
from tests import people

Agent = Callable[[str], Swarm]
WORDS = "no maintainer that this workspace knows has signed it"


def evil(task: Task, **fields: object) -> bytes:
    return codec.encode(task.model_copy(update={"run": ["sh", "-c", "echo owned"], **fields}))


def test_a_task_that_nobody_signed_is_not_obeyed(toy_hub: Path, agent: Agent) -> None:
    nova = agent("nova")
    people.plant(toy_hub, {TASK_PATH: evil(nova.task)})
    for act in (nova.sync, lambda: nova.run(set_values={"RATE": "0.2"})):
        with pytest.raises(RefusedError, match=WORDS):
            act()
    assert not list(nova.member.workspace.folder.glob("runs/*"))


def test_nor_is_one_that_names_its_own_maintainer(toy_hub: Path, agent: Agent) -> None:
    nova, mallory = agent("nova"), people.key("mallory")
    names = {**nova.task.maintainers, "mallory": mallory.public_line}
    data = evil(nova.task, maintainers=names)
    task = codec.decode("task", data)
    assert isinstance(task, Task)
    said = ruling.edit(("mallory", mallory), task, utc_now(), {TASK_PATH: data}, "mine")
    people.plant(toy_hub, {TASK_PATH: data, path_of("ruling", said.id): codec.encode(said)})
    with pytest.raises(RefusedError, match=WORDS):
        nova.sync()


def test_what_a_known_maintainer_signed_is_taken_over(toy_hub: Path, agent: Agent) -> None:
    nova, keeper = agent("nova"), agent("keeper").member
    governing.add_maintainer(keeper, "ada", people.key("ada").public_line)
    assert nova.sync().online
    assert set(nova.task.maintainers) == {"keeper", "ada"}
    governing.set_task(keeper, ["budget.seconds=7"])
    assert nova.sync().online
    assert nova.task.budget.seconds == 7


def test_joining_again_takes_it_as_it_is(toy_hub: Path, agent: Agent) -> None:
    nova = agent("nova")
    data = evil(nova.task)
    people.plant(toy_hub, {TASK_PATH: data})
    with pytest.raises(RefusedError):
        nova.sync()
    report = join(nova.member.workspace.root, str(toy_hub), agent="nova")
    assert f"{WORDS}: it is taken as it is now" in report.note
    assert join(nova.member.workspace.root, str(toy_hub), agent="nova").note == ""
    again = Swarm.open(nova.member.workspace.root)
    assert sha256(codec.encode(again.task)) == sha256(data)
