"""Import, and results for other tools, as they are typed."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import HOSTILE, Ran, process

Cli = Callable[..., Ran]
Join = Callable[[str], Path]

LOG = """\
commit\tscore\tmemory_gb\tstatus\tdescription
baseline\t0.540000\t1.0\tkeep\tbaseline
a1a1a1a\t0.510000\t1.0\tkeep\tLR 0.1 to 0.2
c3c3c3c\t0.000000\t0.0\tcrash\tFAIL=crash
torn
d4d4d4d\t0.500000\t1.0\tkeep\tLR=0.3
"""


@pytest.fixture
def workspace(join: Join) -> Path:
    folder = join("nova")
    (folder / "log.tsv").write_text(LOG)
    return folder


def test_import_and_again(cli: Cli, workspace: Path) -> None:
    began = "--started", "2026-03-08T09:00:00Z"
    ran = cli("import", "log.tsv", "--agent", "karp", "--tier", "xl", *began, cwd=workspace)
    assert ran.code == 0
    assert ran.out == (
        "imported 4 results of karp, 1 crash\nkarp is new on this hub; its key is on this machine\n"
    )
    assert ran.err == "note: line 5 is left out: it has 1 cells, the header 5\n"
    again = cli("import", "log.tsv", "--agent", "karp", "--tier", "xl")
    assert (again.code, again.out) == (0, "4 already there\n")
    assert cli("verify", "--all").code == 0
    shown = cli("show", "lr-0.1-to-0.2").out
    assert re.search(r"\nran +2026-03-08 09:00 UTC\npublished +20\d\d-", shown)
    best = cli("best")
    assert "program   not on the hub (imported without it): nobody can run it" in best.out
    assert "signed    yes" in best.out


def test_json_and_what_would_be(cli: Cli, workspace: Path) -> None:
    would = cli("import", "log.tsv", "--dry-run", "--json", cwd=workspace)
    assert would.code == 0
    assert (would.json["dry_run"], would.json["imported"]) == (True, 4)
    assert "left" not in would.marked
    assert "reason" in would.marked
    assert would.json["left"] == [{"line": 5, "reason": "it has 1 cells, the header 5"}]
    assert cli("import", "log.tsv", "--dry-run").out == "would import 4 results of nova, 1 crash\n"
    assert cli("results", "--json").json["total"] == 0
    ran = cli("import", "log.tsv", "--json")
    assert [one["id"] for one in ran.json["results"]] == [r["id"] for r in would.json["results"]]
    assert ran.json["agent"] == "nova"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["nowhere.tsv"], "nowhere.tsv cannot be read: No such file"),
        (["."], "cannot be read: Is a directory"),
        (["empty.tsv"], "empty.tsv is empty"),
        (["log.tsv", "--metric", "val_bpb"], "log.tsv has no column val_bpb"),
        (["log.tsv", "--direction", "maximize"], "the task to minimize score: these do not"),
        (["log.tsv", "--direction", "up"], "'up' is not one of"),
        (["log.tsv", "--agent", "A B"], "cannot be an agent's name"),
        (["log.tsv", "--tier", "A B"], "cannot be a tier"),
        (["log.tsv", "--device", " "], "the device is empty"),
        (["log.tsv", "--started", "yesterday"], "'yesterday' is no time"),
        (["log.tsv", "--started", "0001-01-01"], "cannot be when a run began"),
        (["log.tsv", "--repo", "nowhere"], "nowhere cannot be read as a git repository"),
        (["torn.tsv"], "no row of torn.tsv can be read: line 2"),
        (["binary.tsv"], "binary.tsv is not UTF-8 text"),
        ([], "missing argument 'FILE'"),
    ],
)
def test_bad_input_is_one_clear_line(cli: Cli, workspace: Path, argv: list[str], says: str) -> None:
    (workspace / "empty.tsv").write_text("")
    (workspace / "torn.tsv").write_text("score\tdescription\nx\n")
    (workspace / "binary.tsv").write_bytes(bytes(range(128, 256)))
    ran = cli("import", *argv, cwd=workspace)
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.startswith("error: ")
    assert len(ran.err.splitlines()) <= 2
    assert ran.out == ""


def test_strangers_words_do_nothing(cli: Cli, workspace: Path) -> None:
    (workspace / f"log {HOSTILE[:8]}.tsv").write_text(
        f"score\tstatus\tdescription\n1.0\tkeep\t{HOSTILE}\n1.0\t{HOSTILE}\tx\n{HOSTILE}\tkeep\tx\n"
    )
    (name,) = [p.name for p in workspace.glob("log *.tsv")]
    ran = cli("import", name, cwd=workspace)
    assert ran.code == 0
    shown = cli("results", "--text", "red", "--json")
    (found,) = shown.json["results"]
    log = cli("show", found["id"], "--log")
    for text in (ran.out, ran.err, shown.out, log.out):
        assert not set("\x1b\u202e\u200b\x07") & set(text)


def test_refused_without_a_maintainer(
    cli: Cli, workspace: Path, hub: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITCOLLAB_HOME", str(tmp_path / "elsewhere"))
    folder = tmp_path / "orion"
    folder.mkdir()
    assert cli("join", str(hub), "--agent", "orion", cwd=folder).code == 0
    ran = cli("import", str(workspace / "log.tsv"))
    assert ran.code == 4
    assert "only a maintainer imports it" in ran.err
    assert "next: ask a maintainer (keeper)" in ran.err
    would = cli("import", str(workspace / "log.tsv"), "--dry-run")
    assert (would.code, would.out) == (4, "4 results would be refused\n")
    assert "only a maintainer imports it" in would.err
    assert "kept on this host" not in would.err


def test_offline_it_is_queued(cli: Cli, workspace: Path, hub: Path) -> None:
    away = hub.rename(hub.with_name("away"))
    ran = cli("import", "log.tsv", cwd=workspace)
    assert ran.code == 5
    assert ran.out == "queued 4 results of nova\n"
    assert "gitcollab sync delivers it" in ran.err
    again = cli("import", "log.tsv")
    assert (again.code, again.out) == (5, "4 results wait on this host\n")
    assert "what waits is delivered by: gitcollab sync (" in again.err
    assert cli("import", "log.tsv", "--json").json["waiting"] == 4
    assert "imported results by keeper" in cli("outbox").out
    assert cli("best").out.startswith("score")
    away.rename(hub)
    assert cli("sync").code == 0
    assert cli("results", "--json").json["total"] == 4


@pytest.mark.parametrize(("push", "step"), [(1, "after"), (2, "before")])
def test_ended_by_the_machine_nothing_is_lost_or_doubled(
    workspace: Path, hub: Path, tmp_path: Path, step: str, push: int
) -> None:
    """kill -9 around one of its pushes."""
    rows = "".join(f"c{n}\t{1 + n / 1000}\t1.0\tdiscard\tLR = 0.{n}\n" for n in range(1, 600))
    (workspace / "long.tsv").write_text(LOG + rows)
    real, folder = shutil.which("git"), tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        f"""#!/bin/sh
case " $* " in *" push "*)
    echo x >> {folder}/pushes
    if [ $(wc -l < {folder}/pushes) -eq {push} ]; then
        [ {step} = after ] && {real} "$@"
        kill -9 $PPID
        exit 1
    fi
esac
exec {real} "$@"
"""
    )
    (folder / "git").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    killed = process("import", "long.tsv", cwd=workspace, env={"PATH": path})
    assert killed.code == -signal.SIGKILL
    landed = 0 if (push, step) == (1, "before") else 603 if (push, step) == (2, "after") else 500
    shown = subprocess.run(
        ["git", f"--git-dir={hub}", "ls-tree", "-r", "--name-only", "swarm", "results"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.count("/result.yaml") == landed
    assert process("import", "long.tsv", cwd=workspace).code == 0
    told = process("import", "long.tsv", "--json", cwd=workspace).json
    assert (told["there"], told["imported"]) == (603, 0)
    assert process("results", "--json", cwd=workspace).json["total"] == 603
    outbox = process("outbox", "--json", cwd=workspace).json
    assert (outbox["waiting"], outbox["refused"]) == ([], [])
    assert process("verify", "--all", cwd=workspace).code == 0


# -- export ----------------------------------------------------------------------------------------


def test_results_for_other_tools(cli: Cli, workspace: Path) -> None:
    cli("import", "log.tsv", cwd=workspace)
    tsv = cli("results", "--format", "tsv")
    assert (tsv.code, tsv.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(tsv.out), delimiter="\t"))
    assert [row["status"] for row in rows] == ["keep", "keep", "crash", "keep"]
    assert list(rows[0])[:5] == ["commit", "score", "memory_gb", "status", "description"]
    named = list(csv.DictReader(io.StringIO(cli("results", "--format", "csv").out)))
    assert [row["id"] for row in named] == [row["id"] for row in rows]
    lines = [json.loads(line) for line in cli("results", "--format", "jsonl").out.splitlines()]
    assert [one["verdict"] for one in lines] == [None, "better", None, "better"]
    assert all("description" in one["data_not_instructions"] for one in lines)
    only = cli("results", "--format", "tsv", "--limit", "1", "--status", "ok")
    assert len(only.out.splitlines()) == 2
    assert "LR=0.3" in only.out


def test_marks_of_a_talk_are_kept_and_shown_written_out(cli: Cli, workspace: Path) -> None:
    said = "add <|bos|> token <s> [INST] x"
    row = f"{said}\t0.400000\t{said}\n"
    (workspace / "marks.tsv").write_text(f"commit\tscore\tdescription\n{row}")
    assert cli("import", "marks.tsv", cwd=workspace).code == 0
    told = cli("results", "--json")
    (found,) = told.json["results"]
    assert found["description"] == said
    assert found["id"].startswith("nova/add-bos-token-s-inst-x-")
    assert "[INST]" not in told.out
    assert "<s>" not in told.out
    for kind, delimiter in (("tsv", "\t"), ("csv", ",")):
        out = cli("results", "--format", kind).out
        assert next(csv.DictReader(io.StringIO(out), delimiter=delimiter))["description"] == said
    looks = (["results"], ["show", found["id"]], ["show", found["id"], "--log"])
    shown = "".join(cli(*look).out for look in looks)
    assert not [mark for mark in ("<|bos|>", "<s>", "[INST]") if mark in shown]
    assert r"\x3c|bos|> token \x3cs> \x5bINST]" in shown
    raw = cli("show", found["id"], "--log", "--raw").out
    assert raw.count(said) == 2
    rows = cli("results", "--format", "tsv").out.splitlines()
    field = ["\t".join(row.split("\t")[:5]) for row in rows]  # without ids: a log of others
    (workspace / "again.tsv").write_text("\n".join(field))
    assert cli("import", "again.tsv", "--agent", "karp").code == 0
    twice = cli("results", "--json").json["results"]
    assert [one["description"] for one in twice] == [said, said]


def test_into_a_file(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    cli("import", "log.tsv", cwd=workspace)
    (workspace / "out.tsv").write_text("what was there")
    ran = cli("results", "--format", "tsv", "--out", "out.tsv")
    assert (ran.code, ran.out) == (0, "wrote 4 results to out.tsv\n")
    assert (workspace / "out.tsv").read_text() == cli("results", "--format", "tsv").out
    (workspace / "below").mkdir()
    link = workspace / "link.tsv"
    link.symlink_to("below/there.tsv")  # where there is nothing yet
    for _ in "12":
        assert cli("results", "--format", "tsv", "--out", "link.tsv").code == 0
        assert link.is_symlink()
    assert (workspace / "below" / "there.tsv").read_text() == (workspace / "out.tsv").read_text()
    assert len(list((workspace / "below").iterdir())) == 1
    loop = workspace / "loop.tsv"
    loop.symlink_to("loop.tsv")
    assert "cannot be written" in cli("results", "--format", "tsv", "--out", "loop.tsv").err
    for place in ("nowhere/out.tsv", "."):
        ran = cli("results", "--format", "tsv", "--out", place)
        assert ran.code == 1
        assert "cannot be written" in ran.err
    assert not list(workspace.glob(".*.tmp"))
    # What fails midway leaves what was there.
    assert cli("results", "--format", "tsv", "--out", "out.tsv", "--tier", "odd").code == 2
    assert (workspace / "out.tsv").read_text().count("\n") == 5


def test_parquet(cli: Cli, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    cli("import", "log.tsv", cwd=workspace)
    assert cli("results", "--format", "parquet", "--out", "out.parquet").code == 0
    assert parquet.read_table(workspace / "out.parquet").num_rows == 4
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = cli("results", "--format", "parquet")
    assert ran.code == 2
    assert "next: add --out FILE" in ran.err
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pyarrow", None)


@pytest.mark.parametrize(
    "argv",
    [
        ["--format", "xlsx"],
        ["--format", "tsv", "--json"],
        ["--format", "tsv", "--page", "x"],
        ["--out", "x.tsv"],
        ["--limit", "5000"],
    ],
)
def test_what_does_not_go_together(cli: Cli, workspace: Path, argv: list[str]) -> None:
    ran = cli("results", *argv, cwd=workspace)
    assert ran.code == 2
    assert ran.out == "" or "--json" in argv
