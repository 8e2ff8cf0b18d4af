"""Rows of a log as experiments."""

from __future__ import annotations

import pytest

from gitcollab.errors import UsageError
from gitcollab.swarm.logbook import Entry, entries
from gitcollab.swarm.tables import Fault, parsed

HEAD = "commit\tscore\tmemory_gb\tstatus\tdescription\n"


def read(text: str, metric: str = "score") -> tuple[list[Entry], list[Fault]]:
    return entries(parsed(text, "log"), metric, "log")


def one(row: str, head: str = HEAD) -> Entry:
    (entry,), faults = read(head + row)
    assert not faults
    return entry


def test_columns_go_by_name() -> None:
    a = one("a1b2\t0.5\t44.0\tkeep\tLR up\n")
    b = one("LR up,keep,a1b2,44.0,0.5\n", "Description,STATUS,commit,memory_gb,Score\n")
    assert (a.commit, a.metric, a.kept, a.description) == ("a1b2", 0.5, True, "LR up")
    assert a.metrics == b.metrics == {"memory_gb": 44.0}
    assert a.identity == b.identity


@pytest.mark.parametrize(
    "row",
    [
        "a\t0.000000\t0.0\tcrash\tx\n",
        "a\t0.000000\t0.0\tdiscard\tx\n",
        "a\t-0e0\t0.0\t\tx\n",
        "a\t1.5\t0.0\tCrash\tx\n",
        "a\tnan\t0.0\tdiscard\tx\n",
        "a\t\t0.0\tkeep\tx\n",
    ],
)
def test_crashes_have_no_metric_and_are_not_built_on(row: str) -> None:
    entry = one(row)
    assert (entry.status, entry.metric, entry.kept, entry.metrics) == ("crash", None, False, {})


def test_a_zero_that_was_kept_or_exported_is_one() -> None:
    entry = one("a\t0.0\t0.0\tkeep\tx\n")
    assert (entry.metric, entry.kept, entry.is_zero) == (0.0, True, True)
    ours = "score\tstatus\tdescription\tid\tbase\n0.000000\t{}\tx\tnova/x-1\t\n"
    assert one("", ours.format("discard")).metric == 0.0
    assert one("", ours.format("crash")).metric is None


def test_other_numbers_become_metrics_of_valid_names() -> None:
    entry = one("x\t1\t2\t3.5\tword\t4\n", "description\tscore\t% of peak\t_of_peak\tnotes\t2nd\n")
    assert entry.metrics == {"_of_peak": 2.0, "_of_peak_2": 3.5, "_2nd": 4.0}


def test_rows_that_cannot_be_read_are_told() -> None:
    found, faults = read(
        HEAD + "a\tx\t0\tkeep\tx\nb\t1\t0\tperhaps\tx\nc\t1\t0\tkeep\nd\t1\t0\tok\tx\n"
    )
    assert [entry.commit for entry in found] == ["d"]
    assert faults == [
        Fault(2, "'x' is no number"),
        Fault(3, "its status 'perhaps' is none of keep, discard, crash"),
        Fault(4, "it has 4 cells, the header 5"),
    ]


def test_rows_that_say_the_same_are_two() -> None:
    found, _ = read(HEAD + 2 * "a\t1\t0\tkeep\tx\n")
    assert len({entry.identity for entry in found}) == 2


def test_descriptions_do_nothing_and_fit() -> None:
    entry = one("a\t1\t0\tkeep\t\x1b[31mred \u202egpj " + "x" * 600 + "\n")
    assert entry.description.startswith("\\x1b[31mred \\u202egpj x")
    assert len(entry.description) == 500
    assert one("abcdef\t1\t0\tkeep\t\n").description == "commit abcdef"
    assert (
        len(one("a\t1\t0\tkeep\t" + "\u0958" * 400 + "\n").description) == 500
    )  # NFC makes it longer


def test_only_a_csv_has_guards() -> None:
    row = "a\t1\tkeep\t'=1+1\t'@home\n"
    head = "commit\tscore\tstatus\tdescription\tdevice\n"
    tsv, csv = one(row, head), one(row.replace("\t", ","), head.replace("\t", ","))
    assert (tsv.description, tsv.device) == ("'=1+1", "'@home")
    assert (csv.description, csv.device) == ("=1+1", "@home")


def past(*rows: tuple[str, str]) -> list[tuple[str, str | None]]:
    """The ids and bases of the rows with these."""
    lines = "".join(f"1\tx\t{known}\t{base}\n" for known, base in rows)
    found, faults = read(f"score\tdescription\tid\tbase\n{lines}")
    assert not faults
    assert len(found) == len(rows)
    return [(entry.known, entry.base) for entry in found]


def test_none_comes_before_what_it_builds_on() -> None:
    a, b, c = ("nova/a-1", "nova/b-1"), ("nova/b-1", "nova/c-1"), ("nova/c-1", "")
    assert past(a, b, c) == past(c, b, a) == [c, b, a]
    around = ("nova/c-1", "nova/a-1")
    assert set(past(a, b, around)) == {a, b, around}
    myself = ("nova/a-1", "nova/a-1")
    assert past(myself, myself) == [myself, myself]
    many = [(f"nova/x-{n}", f"nova/x-{n + 1}") for n in range(5000)]
    assert past(*many) == many[::-1]


def test_columns_of_others_that_are_called_like_ours() -> None:
    assert past(("17", "main"), ("18", "")) == [("17", None), ("18", None)]


@pytest.mark.parametrize(
    ("description", "is_one"),
    [
        ("baseline", True),
        ("Baseline (default config)", True),
        ("the baseline run.", True),
        ("baseline + SwiGLU", False),
        ("baselines of 3 seeds", False),
    ],
)
def test_what_is_called_the_baseline(description: str, is_one: bool) -> None:
    assert one(f"a\t1\t0\tkeep\t{description}\n").is_baseline is is_one


def test_missing_columns() -> None:
    with pytest.raises(UsageError, match="log has no column val_bpb") as caught:
        read(HEAD, "val_bpb")
    assert "--metric" in caught.value.hint
    with pytest.raises(UsageError, match="no column description"):
        read("score\tstatus\n")
