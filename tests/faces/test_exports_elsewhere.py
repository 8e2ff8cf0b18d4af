"""What one hub exports, another imports: what was found there is judged in the same way here."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from gitcollab.faces.exports import write_table
from gitcollab.faces.pages import pages
from gitcollab.swarm.importing import Wanted
from gitcollab.swarm.joining import join
from gitcollab.swarm.seeding import init_hub
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.tables import parsed

REAL = Path(__file__).parents[3] / "shared" / "data" / "autoresearch-h100-mar8.tsv"
Hub: TypeAlias = Callable[[str], Swarm]
Rows: TypeAlias = Sequence[Mapping[str, str]]
TESTED = {
    "keep\tbaseline": "1.04",
    "keep\tRATE 0.1 to 0.2": "1.01",
    "discard\tWIDTH 8 to 16": "1.0101",
    "keep\tRATE = 0.25": "1.009",  # within noise, and built on
    "crash\tWIDTH = 99": "0.000000",
    "keep\tmake it depend on the seed": "1.0",
    "discard\tRATE = 0.9": "1.5",
    "keep\tthe last, within noise": "0.9999",
}


def exported(swarm: Swarm, path: Path, delimiter: str) -> Rows:
    out = io.BytesIO()
    write_table(swarm.exported(), swarm.task.metric.name, out, delimiter=delimiter)
    path.write_bytes(out.getvalue())
    table = parsed(out.getvalue().decode(), "x")
    return [dict(zip(table.columns, row.cells, strict=True)) for row in table.rows]


def judged(rows: Rows) -> list[tuple[object, ...]]:
    """What is said of each row, wherever: ids by their places."""
    place = {row["id"]: n for n, row in enumerate(rows)} | {"": None}
    said = ("description", "status", "verdict", "memory_gb", "tier", "seed", "device")
    return [
        (*(row[name] for name in said), place[row["base"]], place[row["replicates"]])
        for row in rows
    ]


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    def make(name: str, **task: Path | str) -> Swarm:
        init_hub(str(tmp_path / f"{name}.git"), pages=pages, **task)  # type: ignore[arg-type]
        folder = tmp_path / name
        folder.mkdir()
        join(folder, str(tmp_path / f"{name}.git"), agent="atlas", pages=pages)
        return Swarm.open(folder, pages=pages)

    return make


def there_and_on(swarm: Swarm, other: Swarm, path: Path, delimiter: str) -> Rows:
    """The rows that the first hub exports, which the other has said again in the same way."""
    rows = exported(swarm, path, delimiter)
    report = other.import_log(path, Wanted(agent="karp"))
    assert (report.imported, report.notes, list(report.left)) == (len(rows), [], [])
    again = exported(other, path.with_suffix(".again"), delimiter)
    assert judged(again) == judged(rows)
    return rows


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_a_log(hub: Hub, toy_hub: Path, tmp_path: Path, delimiter: str) -> None:
    toy = tmp_path / "toy" / "task.yaml"
    first, path = hub("first", task_file=toy), tmp_path / "log.tsv"
    rows = [f"{score}\t{said}" for said, score in TESTED.items()]
    path.write_text("\n".join(["score\tstatus\tdescription", *rows]))
    first.import_log(path)
    found = there_and_on(first, hub("second", task_file=toy), path, delimiter)
    assert {row["verdict"] for row in found} == {"", "better", "worse", "within noise"}
    said = [row["status"] for row in found]
    assert said[:-1] == [words.partition("\t")[0] for words in TESTED][:-1]
    assert said[-1] == "discard"  # nobody has built on it


def test_what_agents_found(agent: Callable[[str], Swarm], hub: Hub, tmp_path: Path) -> None:
    nova, orion = agent("nova"), agent("orion")
    noise = {"NOISE": "0.0001"}
    nova.run()
    orion.run(seed=3)  # of the same program
    assert nova.run(set_values={"RATE": "0.2"} | noise, seed=1).kept
    nova.run(set_values={"RATE": "0.9"}, seed=2)
    orion.sync()
    orion.run(seed=5)
    orion.run(set_values={"WIDTH": "9"}, seed=4)
    nova.run(set_values={"RATE": "'x'"}, seed=4)  # which crashes
    elsewhere = hub("second", task_file=tmp_path / "toy" / "task.yaml")
    rows = there_and_on(nova, elsewhere, tmp_path / "all", ",")
    assert {row["agent"] for row in rows} == {"nova", "orion"}
    assert sum(row["replicates"] != "" for row in rows) == 2
    best, theirs = nova.best(), elsewhere.best()
    assert best is not None
    assert theirs is not None
    assert (theirs.description, theirs.metric, theirs.n) == (best.description, best.metric, best.n)


@pytest.mark.skipif(not REAL.exists(), reason="the real log is not here")
def test_a_real_session(hub: Hub, tmp_path: Path) -> None:
    first = hub("first", preset="autoresearch")
    first.import_log(REAL, Wanted(agent="karp", tier="xl", device="H100"))
    rows = there_and_on(first, hub("second", preset="autoresearch"), tmp_path / "all", "\t")
    kept = [row for row in parsed(REAL.read_text(), "x").rows if row.cells[3] == "keep"]
    assert sum(row["status"] == "keep" for row in rows) == len(kept)


def test_rows_of_ones_own_may_follow(hub: Hub, toy_hub: Path, tmp_path: Path) -> None:
    """An export whose reader went on, without ids."""
    toy = tmp_path / "toy" / "task.yaml"
    first, path = hub("first", task_file=toy), tmp_path / "log.tsv"
    path.write_text("score\tstatus\tdescription\n1.04\tkeep\tbaseline\n1.0\tkeep\tRATE=0.2\n")
    first.import_log(path)
    rows = exported(first, path, "\t")
    width = len(path.read_text().splitlines()[0].split("\t"))
    cells = ["", "0.9", "", "keep", "RATE=0.3", *[""] * (width - 5)]
    path.write_text(path.read_text() + "\t".join(cells) + "\n")
    second = hub("second", task_file=toy)
    assert second.import_log(path).imported == 3
    found = exported(second, path, "\t")
    assert [row["base"] for row in found] == ["", found[0]["id"], found[1]["id"]]
    assert len(rows) == 2


def test_what_an_export_leaves_out_is_a_base_that_is_not_there(
    hub: Hub, toy_hub: Path, tmp_path: Path
) -> None:
    toy = tmp_path / "toy" / "task.yaml"
    first, path = hub("first", task_file=toy), tmp_path / "log.tsv"
    rows = [f"{score}\t{said}" for said, score in TESTED.items()]
    path.write_text("\n".join(["score\tstatus\tdescription", *rows]))
    first.import_log(path)
    gone = exported(first, path, "\t")[1]["id"]
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], *lines[3:]]))  # without the first two
    second = hub("second", task_file=toy)
    assert second.import_log(path).imported == 6
    width, rate, crash, seed, *_ = exported(second, path, "\t")
    assert [row["base"] for row in (width, rate)] == [gone, gone]  # named, and not there
    assert [row["base"] for row in (crash, seed)] == [rate["id"]] * 2
    assert (width["status"], rate["status"]) == ("discard", "keep")
