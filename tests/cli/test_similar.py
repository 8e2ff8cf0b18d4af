"""similar: what people and programs read of a verdict, and files of labelled pairs."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_toys import HOSTILE, Ran

Cli = Callable[..., Ran]
DATA = Path(__file__).parents[2].parent / "shared" / "data"
BASE = "MATRIX_LR: 0.04\nDEPTH: 8\n"
SAME = ("MATRIX_LR 0.04 → 0.05", "raise Muon LR to 5e-2 (worse)")
# Words that mean nothing to the field: half of them shared, so that a sentence model is asked.
UNCLEAR = ("zib zob zub nar nir", "zib zob zub mel mol")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of any workspace, without a sentence model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITCOLLAB_EMBEDDING_MODEL", str(tmp_path / "nowhere"))
    (tmp_path / "base.yaml").write_text(BASE)


def write(name: str, *rows: tuple[str, ...], end: str = "\n") -> None:
    Path(name).write_bytes("".join("\t".join(row) + end for row in rows).encode())


def test_a_verdict_for_people(cli: Cli) -> None:
    ran = cli("similar", *SAME, "--base", "base.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "verdict  same",
        "by       change: both set constants, and nothing else",
        "score    1.00",
        "why      same change: MATRIX_LR → 0.05",
        "",
        "A        MATRIX_LR 0.04 → 0.05",
        "sets     MATRIX_LR → 0.05, and nothing else",
        "was      0.04",
        "",
        "B        raise Muon LR to 5e-2 (worse)",
        "counts   raise muon lr to 5e-2",
        "sets     MATRIX_LR → 0.05, and nothing else",
        "does     increase",
    ]


def test_another_verdict_is_no_failure(cli: Cli) -> None:
    ran = cli(
        "similar", "remove VE (both layers)", "VE on 3 layers, DEPTH 9", "--base", "base.yaml"
    )
    assert ran.code == 0
    told = dict(row.split(None, 1) for row in ran.out.splitlines() if row)
    assert told["verdict"] == "different"
    assert "value embedding" in told["about"]
    assert told["sets"] == "DEPTH → 9"
    assert told["does"] == "remove"
    assert told["says"] == "3"
    assert told["aside"]


def test_a_verdict_for_programs(cli: Cli) -> None:
    ran = cli("similar", *SAME, "--base", "base.yaml", "--json")
    assert ran.code == 0
    understood = ran.json.pop("understood")
    told = ran.json
    del told["understood"]
    assert told == {
        "a": SAME[0],
        "b": SAME[1],
        "same": True,
        "by": "change",
        "score": 1.0,
        "why": "same change: MATRIX_LR → 0.05",
        "model": None,
        "model_missing": "",
    }
    assert [said["constants"] for said in understood] == [{"MATRIX_LR": 0.05}] * 2
    assert [said["complete"] for said in understood] == [True, True]
    assert understood[1]["text"] == "raise muon lr to 5e-2"


def test_the_same_by_constants_needs_the_constants(cli: Cli) -> None:
    assert not cli("similar", "double DEPTH", "DEPTH 16", "--json").json["same"]
    assert cli("similar", "double DEPTH", "DEPTH 16", "--base", "base.yaml", "--json").json["same"]


def test_a_program_gives_constants(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("DEPTH = 2**3\n")
    assert cli("similar", "double DEPTH", "DEPTH 16", "--base", "base.py", "--json").json["same"]


def test_in_a_workspace_the_base_program_gives_them(cli: Cli, join: Callable[[str], Path]) -> None:
    folder = join("nova")
    told = cli("similar", "double LR", "LR 0.2", "--json", cwd=folder).json
    assert (told["same"], told["why"]) == (True, "same change: LR → 0.2")
    assert not cli("similar", "double LR", "LR 0.2", "--json", cwd=folder.parent).json["same"]


def test_a_missing_model_is_said_in_one_line(cli: Cli) -> None:
    ran = cli("similar", *UNCLEAR)
    assert ran.code == 0
    note = ran.out.splitlines()[-1]
    assert note.startswith("note: words alone decided, no sentence model could be had (")
    assert "nowhere" in note
    assert "next: correct GITCOLLAB_EMBEDDING_MODEL" in note
    told = cli("similar", *UNCLEAR, "--json").json
    assert told["model"] is None
    assert "nowhere" in told["model_missing"]
    assert "note:" not in cli("similar", *SAME).out


def test_a_file_for_people(cli: Cli) -> None:
    rows = [("same", "x", *SAME), ("different", "y", *SAME), ("same", "z", "DEPTH 9", "DEPTH 10")]
    write("pairs.tsv", ("label", "id", "b", "a"), *rows)
    ran = cli("similar", "--pairs", "pairs.tsv", "--base", "base.yaml")
    assert (ran.code, ran.err) == (0, "")
    title, right, *wrong, scores = ran.out.splitlines()
    assert title.split() == ["verdict", "by", "a", "b"]
    assert right.startswith("same       change  ")
    assert "WRONG" not in right
    assert [row.split()[2] for row in wrong] == ["WRONG", "WRONG"]
    assert scores == "accuracy 0.333, precision 0.500, recall 0.500: 2 of 3 pairs wrong"


def test_a_file_for_programs(cli: Cli) -> None:
    write("pairs.tsv", ("b", "label", "a"), (SAME[1], "same", SAME[0]), end="\r\n\r\n")
    told = cli("similar", "--pairs", "pairs.tsv", "--base", "base.yaml", "--json").json
    (pair,) = told.pop("pairs")
    assert told == {
        "accuracy": 1.0,
        "precision": 1.0,
        "recall": 1.0,
        "model": None,
        "model_missing": "",
    }
    assert pair == {
        "a": SAME[0],
        "b": SAME[1],
        "same": True,
        "by": "change",
        "score": 1.0,
        "why": "same change: MATRIX_LR → 0.05",
        "label": "same",
    }


def test_a_file_without_labels_has_no_scores(cli: Cli) -> None:
    write("pairs.tsv", ("a", "b"), UNCLEAR, SAME)
    told = cli("similar", "--pairs", "pairs.tsv", "--json").json
    assert told.keys() == {"pairs", "model", "model_missing"}
    assert "nowhere" in told["model_missing"]
    assert [pair.keys() for pair in told["pairs"]] == [{"a", "b", "same", "by", "score", "why"}] * 2
    out = cli("similar", "--pairs", "pairs.tsv").out
    assert "accuracy" not in out
    assert "note: words alone decided" in out


def test_what_cannot_be_divided_is_null(cli: Cli) -> None:
    write("pairs.tsv", ("a", "b", "label"))
    told = cli("similar", "--pairs", "pairs.tsv", "--json").json
    assert [told[name] for name in ("accuracy", "precision", "recall")] == [None] * 3
    out = cli("similar", "--pairs", "pairs.tsv").out
    assert out == "accuracy -, precision -, recall -: 0 of 0 pairs wrong\n"


def test_of_many_pairs_the_wrong_ones_come_first(cli: Cli) -> None:
    rows = [("same", *SAME)] * 600
    write("pairs.tsv", ("label", "a", "b"), *rows, ("different", "no warmup", "no warmup"))
    out = cli("similar", "--pairs", "pairs.tsv", "--base", "base.yaml").out.splitlines()
    assert "WRONG" in out[1]
    assert "WRONG" not in out[2]
    assert out[-2] == "... and 101 more (--json gives all)"


def test_progress_at_a_terminal(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    write("pairs.tsv", ("a", "b"), *[SAME] * 60)
    assert cli("similar", "--pairs", "pairs.tsv").err == ""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    assert cli("similar", "--pairs", "pairs.tsv", "--json").code == 0
    assert "judging 60 pairs" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize("file", [False, True])
def test_strangers_text_is_inert(cli: Cli, file: bool) -> None:
    text = " ".join(HOSTILE.split())
    write("pairs.tsv", ("a", "b"), (text, "x"))
    argv = ["--pairs", "pairs.tsv"] if file else [text, "x"]
    shown, told = cli("similar", *argv), cli("similar", *argv, "--json")
    assert shown.code == told.code == 0
    for out in (shown.out, told.out):
        assert not {"\x1b", "\u202e", "\u200b", "\x07"} & {*out}
    pair = told.json["pairs"][0] if file else told.json
    assert pair["a"] == text


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "two descriptions are needed"),
        (["x"], "two descriptions are needed"),
        (["x", "y", "--pairs", "pairs.tsv"], "do not go with --pairs"),
        (["x", "--pairs", "pairs.tsv"], "do not go with --pairs"),
        (["x", ""], "B is empty"),
        (["x" * 501, "y"], "A has 501 characters"),
        (["x", "y", "--base", "missing.yaml"], "missing.yaml cannot be read: No such file"),
        (["x", "y", "--base", "."], "cannot be read: Is a directory"),
        (["x", "y", "--base", "pairs.tsv"], "pairs.tsv gives no constants: "),
        (["--pairs", "missing.tsv"], "missing.tsv cannot be read: No such file"),
        (["--pairs", "."], "cannot be read: Is a directory"),
        (["--pairs", "base.yaml"], "base.yaml has no column a and no b"),
        (["--pairs", "pairs.tsv"], "pairs.tsv, line 3: the label 'so so' is neither"),
    ],
)
def test_misuse(cli: Cli, argv: list[str], says: str) -> None:
    write("pairs.tsv", ("a", "b", "label"), ("x", "y", "same"), ("x", "y", "so so"))
    ran = cli("similar", *argv)
    assert (ran.code, ran.out) == (2, "")
    error, hint = ran.err.splitlines()
    assert says in error
    assert hint.startswith("next: ")
    assert cli("similar", *argv, "--json").json["exit"] == 2


@pytest.mark.skipif(not DATA.is_dir(), reason="the labelled pairs are not here")
def test_labelled_pairs_of_real_experiments(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITCOLLAB_EMBEDDING_MODEL")
    base = DATA / "experiment-pairs-base.yaml"
    argv = ["--pairs", str(DATA / "experiment-pairs.tsv"), "--base", str(base), "--json"]
    told = cli("similar", *argv).json
    assert len(told["pairs"]) == 110
    assert told["accuracy"] >= 0.96
    assert told["precision"] >= 0.97
    assert told["model_missing"] == ""


def test_a_sentence_model_decides_where_words_leave_doubt(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITCOLLAB_EMBEDDING_MODEL")
    told = cli("similar", *UNCLEAR, "--json").json
    assert told["by"] == "embedding"
    assert told["model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert told["model_missing"] == ""
