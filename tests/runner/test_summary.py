from __future__ import annotations

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitcollab.runner.summary import (
    MAX_KEYS,
    MAX_ROWS,
    Progress,
    SummaryError,
    curve,
    parse,
    progress,
)

BLOCK = """step 1 | loss: 5.1
val_bpb: 9.0
---
val_bpb:          0.997900
training_seconds: 300.1
peak_vram_mb:     45060.2
mfu_percent:      39.80
num_steps:        953
device:           cpu
total_seconds:    3.2 s
worst:            nan
hex:              0x10
"""


def test_the_block_is_read() -> None:
    found = parse(BLOCK, "val_bpb")

    assert found.metric == 0.9979
    assert found.metrics == {
        "val_bpb": 0.9979,
        "training_seconds": 300.1,
        "peak_vram_mb": 45060.2,
        "mfu_percent": 39.8,
        "num_steps": 953.0,
    }


def test_only_the_extra_keys_asked_for_are_kept() -> None:
    assert parse(BLOCK, "val_bpb", extra=["num_steps"]).metrics == {
        "val_bpb": 0.9979,
        "num_steps": 953.0,
    }


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("\n", "\r"), ("\n", "  \n"), (":  ", ":\t")])
def test_line_ends_and_blanks_do_not_matter(change: tuple[str, str]) -> None:
    assert parse(BLOCK.replace(*change), "val_bpb") == parse(BLOCK, "val_bpb")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E+2", 100.0),
        ("-0.5", -0.5),
        ("+1.", 1.0),
        (".5", 0.5),
        ("0", 0.0),
        ("  7  ", 7.0),
    ],
)
def test_decimal_numbers_count(text: str, value: float) -> None:
    assert parse(f"---\nx:{text}\n", "x").metric == value
    assert parse(f"METRIC x={text}\n", "x").metric == value


@pytest.mark.parametrize(
    "text",
    [
        "1_000",
        "0x10",
        "1,5",
        "1 2",
        "1%",
        "٣",
        "1e",
        "--1",
        "",
        "1e99999",
        "1" * 5000,
        "1e400",
        "no",
        "1.0 # good",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(SummaryError) as caught:
        parse(f"---\nx: {text}\n", "x")

    assert caught.value.hint
    assert len(caught.value.reason) < 200


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-inf", "+Infinity"])
def test_a_metric_that_is_not_finite_is_an_error_that_says_so(text: str) -> None:
    with pytest.raises(SummaryError, match=rf"x is {text.lower()}".replace("+", r"\+")):
        parse(f"---\nx: {text}\n", "x")
    with pytest.raises(SummaryError):
        parse(f"METRIC x={text}\n", "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x: 1\n",
        "--- \nx : 1\n".replace("---", "----"),
        "---\ny: 1\n",
        " ---\nx: 1\n",
        "---\n x: 1\n",
        "---\nx 1\n",
        "---\nxx: 1\n",
        " METRIC x=1\n",
        "METRICx=1\n",
        "METRIC y=1\n",
        "---\n" + "x" * 100 + ": 1\n",
    ],
)
def test_no_metric_is_an_error(text: str) -> None:
    with pytest.raises(SummaryError, match="printed no x"):
        parse(text, "x")


def test_two_blocks_with_the_metric_are_an_error() -> None:
    with pytest.raises(SummaryError, match="printed 2 summary blocks with x"):
        parse("---\nx: 1\n---\nx: 1\n", "x")
    with pytest.raises(SummaryError, match="printed 3 summary blocks"):
        parse("---\nx: 1\n---\nx: 1\n---\nx: 0.1\n---\n", "x")


def test_the_metric_twice_in_a_block_is_an_error() -> None:
    with pytest.raises(SummaryError, match="printed x 2 times"):
        parse("---\nx: 1\nx: 1\n", "x")


def test_other_blocks_do_not_matter_before_the_last() -> None:
    assert parse("---\ny: 1\n---\nx: 2\n", "x").metrics == {"x": 2.0}


def test_a_block_with_the_metric_that_is_not_the_last_does_not_count() -> None:
    with pytest.raises(SummaryError, match="printed no x"):
        parse("---\nx: 1\n---\ny: 2\n", "x")


def test_metric_lines_are_read_where_no_block_holds_the_metric() -> None:
    text = "METRIC loss=3\nMETRIC x=0.5\nnoise\n---\nMETRIC loss=2\n"

    assert parse(text, "x").metrics == {"loss": 2.0, "x": 0.5}


def test_metric_lines_with_the_same_value_are_one() -> None:
    assert parse("METRIC x=1\nMETRIC x=1\n", "x").metric == 1.0


def test_metric_lines_with_different_values_are_an_error() -> None:
    with pytest.raises(SummaryError, match="printed x 2 times"):
        parse("METRIC x=1\nMETRIC x=2\n", "x")


def test_a_block_wins_over_metric_lines() -> None:
    assert parse("METRIC x=1\n---\nx: 2\nMETRIC x=3\n", "x").metric == 2.0


def test_a_value_printed_again_later_counts_for_other_keys() -> None:
    text = "METRIC y=1\nMETRIC y=2\nMETRIC y=1\nMETRIC x=0\n"

    assert parse(text, "x").metrics["y"] == 1.0


def test_the_keys_are_bounded_and_the_metric_is_always_one() -> None:
    many = "".join(f"k{n}: {n}\n" for n in range(1000))

    metrics = parse(f"---\n{many}x: 1\n", "x").metrics

    assert len(metrics) == MAX_KEYS
    assert metrics["x"] == 1.0


@pytest.mark.parametrize(
    "noise",
    [
        "a" * 20_000_000,
        "---\n" * 5_000_000,
        "x:" * 10_000_000,
        "METRIC " * 3_000_000,
        "x: 1" + "0" * 10_000_000 + "\n",
        "\r\n" * 10_000_000,
        ("x: " + " " * 4000 + "\n") * 5000,
    ],
    ids=range(7),
)
def test_hostile_text_is_bounded(noise: str) -> None:
    before = time.process_time()

    assert parse(f"{noise}\n---\nx: 1\n", "x").metric == 1.0
    curve(noise)
    progress(noise)

    assert time.process_time() - before < 10  # what backtracking takes is hours


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=300), st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_comes_before_the_last_block_is_read_as_noise(noise: str, value: float) -> None:
    noise = noise.replace("x", "y")

    assert parse(f"{noise}\n---\nx: {value!r}\n", "x").metric == value


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("step 20 | loss: 3.21 | elapsed: 4.2s", Progress(20, 3.21, 4.2)),
        (
            "step 00010 (1.2%) | loss: 5.123456 | dt: 100ms | tok/sec: 1,000 | remaining: 290s",
            Progress(10, 5.123456, remaining=290.0),
        ),
        ("step=7 train_loss=2.5e0 t=3", Progress(7, 2.5, 3.0)),
        ("iter 3: loss 2.0, time 100ms", Progress(3, 2.0)),
        ("step 5 val_loss: 2", Progress(5)),
        ("step 5 loss: nan", Progress(5)),
        ("step 5 loss: 1e999", Progress(5)),
        ("\x1b[2Kstep 5 loss 1", Progress(5, 1.0)),
    ],
)
def test_progress_lines_are_read(line: str, seen: Progress) -> None:
    assert progress(line) == seen


@pytest.mark.parametrize(
    "line", ["", "loss: 3", "steps: many", "num_steps: 5", "step x", "footstep 3", "val_bpb: 1.0"]
)
def test_other_lines_are_no_progress(line: str) -> None:
    assert progress(line) is None


def test_the_curve_holds_each_step_once() -> None:
    text = (
        "step 1 loss: 3 elapsed: 0.5\rstep 2 loss: nan\rstep 3 loss: 2\nstep 1 loss: 4\n---\nx: 1\n"
    )

    assert curve(text) == [(1, None, 4.0), (3, None, 2.0)]


def test_a_long_curve_is_thinned() -> None:
    rows = curve("".join(f"step {n} loss: {n}\n" for n in range(10_000)))

    assert MAX_ROWS / 2 < len(rows) <= MAX_ROWS
    assert all(math.isfinite(loss) for _, _, loss in rows)
    assert rows == sorted(rows)
