"""What can be wrong with a hub or a task, told in one line with a next step."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError, OfflineError, UsageError
from gitcollab.git.command import run_git
from gitcollab.git.remote import create_bare
from gitcollab.records import codec
from gitcollab.swarm.joining import join
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm
from tests import toy

Agent = Callable[[str], Swarm]


def told(error: GitcollabError, *words: str) -> None:
    """One clear line that holds the words, and a next step."""
    assert "\n" not in error.message
    for word in words:
        assert word in error.message
    assert error.hint
    assert "\n" not in error.hint


def put(hub: Path, files: dict[str, bytes | None]) -> None:
    """Commit files to the hub's branch with plain git plumbing."""
    listing = run_git("ls-tree", "-r", "swarm", git_dir=hub)
    entries = {}
    if listing.code == 0:
        for line in listing.out.splitlines():
            meta, path = line.split("\t")
            entries[path] = meta.split()[2]

    def git(*argv: str, data: bytes = b"") -> str:
        ran = subprocess.run(
            ["git", "--git-dir", str(hub), "-c", "user.name=x", "-c", "user.email=x@x", *argv],
            input=data,
            capture_output=True,
            check=True,
        )
        return ran.stdout.decode().strip()

    index = "".join(f"0 {'0' * 40}\t{path}\n" for path, data in files.items() if data is None)
    for path, data in files.items():
        if data is not None:
            blob = git("hash-object", "-w", "--stdin", data=data)
            index += f"100644 {blob}\t{path}\n"
    if entries:
        git("read-tree", "swarm")
    git("update-index", "--index-info", data=index.encode())
    parent = ["-p", "swarm"] if entries else []
    commit = git("commit-tree", git("write-tree"), *parent, "-m", "by hand")
    git("update-ref", "refs/heads/swarm", commit)


def test_a_hub_that_cannot_be_reached(tmp_path: Path) -> None:
    with pytest.raises(OfflineError) as caught:
        join(tmp_path / "w", f"file://{tmp_path}/nothing.git", agent="nova")
    told(caught.value, "nothing.git")
    assert not (tmp_path / "w" / ".gitcollab").exists()


def test_an_empty_repository(tmp_path: Path) -> None:
    create_bare(tmp_path / "empty.git")
    with pytest.raises(GitcollabError) as caught:
        join(tmp_path / "w", str(tmp_path / "empty.git"), agent="nova")
    told(caught.value, "swarm")
    assert "gitcollab init" in caught.value.hint


def test_a_repository_that_is_no_hub(tmp_path: Path) -> None:
    create_bare(tmp_path / "other.git")
    put(tmp_path / "other.git", {"README": b"something else\n"})
    with pytest.raises(GitcollabError) as caught:
        join(tmp_path / "w", str(tmp_path / "other.git"), agent="nova")
    told(caught.value, "not a gitcollab hub")
    with pytest.raises(GitcollabError) as caught:
        init_hub(str(tmp_path / "other.git"))
    told(caught.value, "something else lives there")


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    with pytest.raises(GitcollabError) as caught:
        join(tmp_path / "w", str(tmp_path / "folder"), agent="nova")
    told(caught.value, "folder")


def test_a_hub_of_a_newer_schema(toy_hub: Path, agent: Agent, tmp_path: Path) -> None:
    nova = agent("nova")
    put(toy_hub, {"task.yaml": toy.TASK.replace("schema: 1", "schema: 2").encode()})
    with pytest.raises(GitcollabError) as caught:
        join(tmp_path / "w", str(toy_hub), agent="atlas")
    told(caught.value, "schema 2")
    assert "upgrade" in caught.value.hint
    with pytest.raises(GitcollabError, match="schema 2"):
        nova.sync()


def test_a_task_with_a_field_that_only_a_newer_version_knows(toy_hub: Path, tmp_path: Path) -> None:
    put(toy_hub, {"task.yaml": f"{toy.TASK}\nof_the_future: 1\n".encode()})
    with pytest.raises(GitcollabError) as caught:
        join(tmp_path / "w", str(toy_hub), agent="atlas")
    told(caught.value, "task made by a newer gitcollab")
    assert "pip install -U gitcollab" in caught.value.hint


@pytest.mark.parametrize(
    "task",
    [
        b"\xff\xfe",
        b"a: &x 1\nb: *x\n",
        b"schema: 1\nschema: 1\n",
        toy.TASK.replace("sigma: 0.002", "sigma: no").encode(),
        toy.TASK.replace("sigma: 0.002", "sigma: 2**18").encode(),
        b"x" * 100_000,
    ],
)
def test_a_task_that_cannot_be_read(toy_hub: Path, tmp_path: Path, task: bytes) -> None:
    put(toy_hub, {"task.yaml": task})
    with pytest.raises(GitcollabError) as caught:
        join(tmp_path / "w", str(toy_hub), agent="atlas")
    told(caught.value, "task")


def test_hostile_records_are_passed_over(toy_hub: Path, agent: Agent) -> None:
    nova = agent("nova")
    done = nova.run().result
    good = codec.encode(done)
    hostile = {
        "results/mallory/binary-1/result.yaml": b"\x00\xff",
        "results/mallory/alias-1/result.yaml": b"a: &a [x]\nb: *a\n",
        "results/mallory/nan-1/result.yaml": good.replace(b"metric: 1.04", b"metric: .nan"),
        "results/mallory/text-1/result.yaml": good.replace(b"metric: 1.04", b"metric: 1e-3"),
        "results/mallory/no-1/result.yaml": good.replace(b"metric: 1.04", b"metric: no"),
        "results/mallory/twice-1/result.yaml": good + b"metric: 0.1\n",
        "claims/deep.yaml": b"[" * 5000,
        "claims/huge.yaml": b"x: " + b"y" * 200_000,
        "agents/mallory.yaml": b"- 1\n",
    }
    put(toy_hub, hostile)
    report = nova.sync()
    assert report.best.id == done.id
    assert [r.id for r, _ in nova.results().results] == [done.id]
    assert nova.run(set_values={"RATE": "0.2"}).outcome == "published"


def test_a_full_disk_loses_nothing(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    nova = agent("nova")
    nova.run()
    real = os.fsync

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GitcollabError) as caught:
        nova.claim("RATE=0.2")
    told(caught.value)
    monkeypatch.setattr(os, "fsync", real)
    assert nova.run(set_values={"RATE": "0.3"}).outcome == "published"


def test_a_program_that_is_no_text(agent: Agent) -> None:
    nova = agent("nova")
    (nova.workspace / "train.py").write_bytes(b"\xff\xfe")
    with pytest.raises(GitcollabError, match="UTF-8"):
        nova.run()
    (nova.workspace / "train.py").unlink()
    with pytest.raises(GitcollabError) as caught:
        nova.run()
    told(caught.value, "train.py")


def test_data_that_is_not_prepared_is_said_before_anything_is_claimed(
    tmp_path: Path, toy_task: Path
) -> None:
    toy_task.write_text(toy.TASK + "dataset: {name: climbmix}\n")
    init_hub(str(tmp_path / "web.git"), task_file=toy_task)
    join(tmp_path / "w", str(tmp_path / "web.git"), agent="nova")
    nova = Swarm.open(tmp_path / "w")
    with pytest.raises(GitcollabError) as caught:
        nova.run()
    assert "gitcollab data prepare climbmix" in caught.value.hint + caught.value.message
    assert nova.status().claims == []


def test_data_that_is_not_the_tasks(tmp_path: Path, toy_task: Path) -> None:
    digest = "sha256:" + "0" * 64
    toy_task.write_text(toy.TASK + f"dataset: {{name: embedded, sha256: '{digest}'}}\n")
    init_hub(str(tmp_path / "other.git"), task_file=toy_task)
    join(tmp_path / "w", str(tmp_path / "other.git"), agent="nova")
    with pytest.raises(GitcollabError, match="not what the task names"):
        Swarm.open(tmp_path / "w").run()


def test_a_metric_to_maximise_in_metric_lines(tmp_path: Path, toy_task: Path) -> None:
    toy_task.write_text(
        toy.TASK.replace("name: score, direction: minimize", "name: points, direction: maximize")
    )
    program = 'GAIN = 1.0\nprint("METRIC points=%s" % GAIN)\nprint("METRIC other=3")\n'
    (toy_task.parent / "train.py").write_text(program)
    init_hub(str(tmp_path / "up.git"), task_file=toy_task)
    join(tmp_path / "w", str(tmp_path / "up.git"), agent="nova")
    nova = Swarm.open(tmp_path / "w")
    nova.run()
    assert nova.run(set_values={"GAIN": "0.5"}).verdict == "worse"
    better = nova.run(set_values={"GAIN": "2.0"})
    assert (better.verdict, better.is_best) == ("better", True)
    assert better.result.metrics == {"other": 3.0}
    assert nova.best().pessimistic < 2.0


def test_two_tasks_at_once_or_a_preset_that_is_none(tmp_path: Path, toy_task: Path) -> None:
    with pytest.raises(UsageError, match="two tasks"):
        init_hub(str(tmp_path / "hub.git"), preset="micro", task_file=toy_task)
    with pytest.raises(UsageError, match="no preset") as caught:
        init_hub(str(tmp_path / "hub.git"), preset="macro")
    assert "micro" in caught.value.hint


def test_the_presets_name_what_the_harness_holds() -> None:
    from gitcollab.swarm.presets import names, preset
    from gitcollab.task import embedded

    assert names() == ["autoresearch", "micro"]
    micro, program = preset("micro")
    assert micro.dataset.sha256 == embedded.digest()
    assert micro.plausible.min <= embedded.ENTROPY_FLOOR < micro.plausible.min + 1e-5
    assert b"\nDEPTH = 3 " in program
    large, program = preset("autoresearch")
    assert (large.dataset.name, large.budget.seconds) == ("climbmix", 300)
    assert b"\nDEPTH = 8 " in program
    assert b"\nTOTAL_BATCH_SIZE = 2**19 " in program
