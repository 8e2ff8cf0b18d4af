"""What is said of a log as it is read."""

from __future__ import annotations

from pathlib import Path

from gitcollab.swarm import logs
from tests.store.test_programs import commit, git, lazily
from tests.swarm.factories import make_task


def read(path: Path, text: str) -> logs.Log:
    path.write_text(text)
    return logs.read(path, make_task(), "score")


def test_zeros_are_told(tmp_path: Path) -> None:
    rows = ["1\tkeep\ta", "0\tdiscard\tb", "0.000000\t\tc", "0.0\tcrash\td", "0\tkeep\te"]
    log = read(tmp_path / "log.tsv", "\n".join(["score\tstatus\tdescription", *rows]))
    assert [entry.metric for entry in log.entries] == [1.0, None, None, None, 0.0]
    assert log.notes == [
        "a metric of 0 that no keep speaks for is a crash: line 3, line 4",
        "a metric of 0 is taken for measured, as the status says: line 6",
    ]
    many = read(tmp_path / "log.tsv", "score\tdescription\n" + "0\tx\n" * 9)
    assert many.notes[0].endswith("line 2, line 3, line 4, line 5, line 6 and 4 more")


def test_a_clone_that_is_not_whole_is_told_of(tmp_path: Path) -> None:
    whole, partial = tmp_path / "whole", tmp_path / "partial"
    whole.mkdir()
    git(whole, "init", "-q")
    first, second = commit(whole, b"A = 1\n"), commit(whole, b"A = 2\n")
    git(whole, "config", "uploadpack.allowFilter", "true")
    assert lazily(tmp_path, "clone", "--filter=blob:none", f"file://{whole}", str(partial))
    said = f"commit\tscore\tdescription\n{first}\t1\ta\n{second}\t1\tb\n"
    log = read(tmp_path / "log.tsv", said)
    log.find_programs(partial, "train.py")
    assert log.programs == {3: "A = 2\n"}
    assert log.notes == [
        f"no train.py that can be used at the commit of line 2 ({first[:12]})",
        f"{partial} lacks some of its own objects: give a whole clone of it",
    ]
