"""A folder of the user's is read by tasks of this machine and by those that know its digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitcollab.errors import RefusedError
from gitcollab.runner import sandbox
from gitcollab.swarm import confinement, doctor
from gitcollab.swarm.datasets import data_of
from gitcollab.task import data
from tests import toy
from tests.swarm.factories import make_task
from tests.swarm.machines import Machines, member_of, run

LOOK = """
import glob, os
for path in glob.glob(os.environ.get("GITCOLLAB_HOME", "") + "/data/text-*/*"): print("read", path)
"""


@pytest.fixture
def texts(tmp_path: Path) -> Iterator[Path]:
    """A folder of the user's; what is known of it is forgotten afterwards."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "letter.txt").write_text("Private. " * 20)
    yield folder
    data.dataset_digest.cache_clear()


def hub_on(machines: Machines, toy_task: Path, texts: Path, digest: str = "") -> Path:
    named = f", sha256: '{digest}'" if digest else ""
    toy_task.write_text(f"{toy.TASK}dataset: {{name: 'text:{texts}'{named}}}\n")
    program = toy_task.parent / "train.py"
    program.write_text(program.read_text() + LOOK)
    return machines.hub()


def test_a_task_of_others_cannot_name_a_folder_of_this_machine(
    machines: Machines, toy_task: Path, texts: Path
) -> None:
    hub = hub_on(machines, toy_task, texts)
    machines.at("victim")
    data.prepare(f"text:{texts}")
    victim = member_of(hub, "victim")
    with pytest.raises(RefusedError) as refused:
        run(victim)
    assert refused.value.message == (
        f"the hub's task would read text:{texts}, a folder of yours, and does not say its sha256"
    )
    assert f"gitcollab data prepare text:{texts}" in refused.value.hint
    assert victim.workspace.claims() == []
    with pytest.raises(RefusedError):
        confinement.box(victim, victim.task, victim.workspace.root)
    checks = {check.name: check for check in doctor.examine(victim.workspace.root)}
    assert (checks["data"].state, checks["data"].found) == ("fail", refused.value.message)


def test_who_knows_the_digest_has_the_data(machines: Machines, toy_task: Path, texts: Path) -> None:
    machines.at("victim")
    digest = data.prepare(f"text:{texts}")
    hub = hub_on(machines, toy_task, texts, digest)
    machines.at("victim")
    assert run(member_of(hub, "victim")) == "published"


def test_a_task_of_this_machine_reads_what_it_names(
    machines: Machines, toy_task: Path, texts: Path
) -> None:
    hub = hub_on(machines, toy_task, texts)
    data.prepare(f"text:{texts}")
    member = member_of(hub, "nova")
    assert run(member) == "published"
    if sandbox.lacking() is None:
        (log,) = (member.workspace.folder / "runs").glob("*/log.txt")
        assert log.read_text().count("read /tmp/gitcollab/data/text-") >= 2


def test_no_name_leads_out_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path))
    (tmp_path / "keys").mkdir()
    (tmp_path / "data" / "embedded").mkdir(parents=True)
    for name in ("embedded/../../keys", "embedded/.."):
        assert data_of(make_task(dataset={"name": name})) == {}
