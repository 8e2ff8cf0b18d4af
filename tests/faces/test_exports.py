"""Files of results for other tools."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitcollab.errors import GitcollabError
from gitcollab.faces import exports
from gitcollab.faces.exports import write_parquet, write_table
from gitcollab.records.models import Result
from gitcollab.swarm.exporting import Exported, columns
from gitcollab.swarm.importing import Wanted
from gitcollab.swarm.swarm import Swarm
from gitcollab.swarm.tables import parsed
from tests import rules

Agent = Callable[[str], Swarm]


def one(verdict: str | None = None, void: str | None = None, **fields: object) -> Exported:
    made = Result.model_validate(rules.result().model_dump() | fields)
    return Exported(made, verdict, void)  # type: ignore[arg-type]


def table(*found: Exported, delimiter: str = "\t") -> list[dict[str, str]]:
    out = io.BytesIO()
    assert write_table(found, "score", out, delimiter=delimiter) == len(found)
    text = out.getvalue().decode()
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def test_it_begins_with_the_columns_of_the_field() -> None:
    out = io.BytesIO()
    write_table([], "val_bpb", out, delimiter="\t")
    heading = out.getvalue().decode()
    assert heading.startswith("commit\tval_bpb\tmemory_gb\tstatus\tdescription\tid\tagent\t")


@pytest.mark.parametrize(
    ("verdict", "fields", "status"),
    [
        ("better", {"base": "nova/x-1"}, "keep"),
        ("worse", {"base": "nova/x-1"}, "discard"),
        ("within noise", {"base": "nova/x-1"}, "discard"),
        (None, {"base": "nova/x-1"}, "discard"),
        (None, {}, "keep"),  # the baseline
        (None, {"delta": {"RATE": 1}}, "discard"),
        (None, {"replicates": "nova/x-1"}, "discard"),
        (None, {"status": "crash", "metric": None}, "crash"),
        (None, {"status": "timeout", "metric": None}, "crash"),
    ],
)
def test_what_became_of_it_in_the_words_of_the_field(
    verdict: str | None, fields: dict[str, object], status: str
) -> None:
    (row,) = table(one(verdict, **fields))
    assert row["status"] == status
    assert (row["score"] == "0.000000") == (status == "crash")


@pytest.mark.parametrize(("verdict", "built_on"), [("better", False), (None, True), (None, False)])
def test_what_does_not_count_is_not_kept(verdict: str | None, built_on: bool) -> None:
    counts = one(verdict)._replace(built_on=built_on)
    rows = table(counts, counts._replace(void="its agent is suspended"))
    assert [row["status"] for row in rows] == ["keep", "discard"]


def test_numbers_lose_nothing() -> None:
    metrics = [0.9979, 1 / 3, 1e-9, -2.5, 1e300]
    rows = table(*(one(metric=metric) for metric in metrics))
    assert [float(row["score"]) for row in rows] == metrics
    assert (rows[0]["score"], rows[-1]["score"]) == ("0.997900", "1e+300")
    memory = table(one(metrics={"memory_gb": 44.0}), one(metrics={"peak_vram_mb": 2048.0}), one())
    assert [row["memory_gb"] for row in memory] == ["44.0", "2.0", ""]


def test_text_does_nothing() -> None:
    said = '=HYPERLINK("x")\u202e, "quoted"'
    for delimiter, shown in (("\t", said), (",", f"'{said}")):
        (row,) = table(one(description=said), delimiter=delimiter)
        assert row["description"] == shown.replace("\u202e", "\\u202e")
    (row,) = table(one(metric=-1.0), delimiter=",")
    assert row["score"] == "-1.000000"


def test_a_metric_called_like_another_column() -> None:
    names = columns("Seed")
    assert len(names) == len({name.casefold() for name in names})


def test_parquet(monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(exports, "_PIECE", 2)
    out = io.BytesIO()
    found = [one(seed=7), one("better"), one(status="crash", metric=None)]
    assert write_parquet(found, "score", out) == 3
    rows = parquet.read_table(io.BytesIO(out.getvalue())).to_pylist()
    assert [row["score"] for row in rows] == [1.01, 1.01, None]
    assert [row["seed"] for row in rows] == [7.0, None, None]
    assert list(rows[0]) == list(columns("score"))
    empty = io.BytesIO()
    assert write_parquet([], "score", empty) == 0
    assert parquet.read_table(io.BytesIO(empty.getvalue())).num_rows == 0


def test_parquet_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(GitcollabError, match="needs pyarrow") as caught:
        write_parquet([], "score", io.BytesIO())
    assert caught.value.hint == "pip install 'gitcollab[data]'"


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_what_was_exported_is_imported_elsewhere(
    agent: Agent, tmp_path: Path, delimiter: str
) -> None:
    nova = agent("nova")
    nova.run()
    nova.run(set_values={"RATE": "0.2"}, what="=RATE → 0.2")
    path = tmp_path / "all.txt"
    with path.open("wb") as out:
        number = write_table(nova.exported(), "score", out, delimiter=delimiter)
    assert number == len(parsed(path.read_text(), "x").rows) == 2
    assert nova.import_log(path, Wanted(agent="karp")).there == 2  # these very results
    atlas = other_hub(tmp_path)
    assert atlas.import_log(path).imported == 2
    theirs, ours = (list(swarm.exported()) for swarm in (atlas, nova))
    for a, b in zip(theirs, ours, strict=True):
        assert a.result.description == b.result.description
        assert a.result.metric == b.result.metric
        assert (a.result.seed, a.result.hardware.tier) == (b.result.seed, b.result.hardware.tier)
        assert a.verdict == b.verdict


def other_hub(root: Path) -> Swarm:
    from gitcollab.faces.pages import pages
    from gitcollab.swarm.joining import join
    from gitcollab.swarm.seeding import init_hub

    init_hub(str(root / "other.git"), task_file=root / "toy" / "task.yaml", pages=pages)
    folder = root / "atlas"
    folder.mkdir()
    join(folder, str(root / "other.git"), agent="atlas", pages=pages)
    return Swarm.open(folder, pages=pages)


def test_filters_and_the_newest(agent: Agent, tmp_path: Path) -> None:
    nova, path = agent("nova"), tmp_path / "log.tsv"
    rows = [f"{n}.0\t{'crash' if n % 2 else 'discard'}\trow {n}" for n in range(1, 7)]
    path.write_text("\n".join(["score\tstatus\tdescription", *rows]))
    nova.import_log(path)
    said = [e.result.description for e in nova.exported(limit=3)]
    assert said == ["row 4", "row 5", "row 6"]
    assert [e.result.description for e in nova.exported(status="crash", text="5")] == ["row 5"]


def test_what_does_not_count_is_said_to(agent: Agent, tmp_path: Path) -> None:
    from gitcollab.swarm import governing

    nova = agent("nova")
    nova.run()
    governing.suspend(nova.member, "nova", since=rules.NOW.replace(year=2020))
    (found,) = nova.exported()
    assert found.void
    assert table(found)[0]["counts"] == "no"


def test_in_pieces_and_in_order(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gitcollab.store.overlay import Records
    from gitcollab.swarm import exporting

    monkeypatch.setattr(exporting, "_PIECE", 3)
    monkeypatch.setattr(Records, "_PIECE", 2)
    nova, path = agent("nova"), tmp_path / "log.tsv"
    rows = [f"{n}.0\trow {n}" for n in range(1, 8)]
    path.write_text("\n".join(["score\tdescription", *rows]))
    nova.import_log(path)
    hub = tmp_path / "hub.git"
    hub.rename(tmp_path / "away")
    path.write_text("score\tdescription\n9.0\tthe eighth, which waits\n")
    nova.import_log(path)
    found = [one.result.metric for one in nova.exported()]
    assert sorted(m for m in found if m) == [*(float(n) for n in range(1, 8)), 9.0]
    assert [m for m in found if m != 9.0] == [float(n) for n in range(1, 8)]


def test_how_well_a_program_is_known_stands_at_the_end() -> None:
    known = one()._replace(standing="confirmed", builds_on_refuted="nova/wonder-1")
    plain, (row, bare) = columns("score"), table(known, one())
    assert plain[-2:] == ["standing", "builds_on_refuted"]
    assert (row["standing"], row["builds_on_refuted"]) == ("confirmed", "nova/wonder-1")
    assert (bare["standing"], bare["builds_on_refuted"]) == ("", "")
