"""The live line, on a terminal and elsewhere."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from gitcollab.cli.progress import LiveLine, describe
from gitcollab.swarm.reports import RunProgress

AT = RunProgress("run", "LR 0.1 → 0.2", 23.4, step=412, loss=1.23456, left=36.6)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_describe() -> None:
    assert describe(AT) == "0:23  step 412  loss 1.2346  0:36 left  LR 0.1 → 0.2"
    assert describe(replace(AT, step=None, loss=None, left=None)) == "0:23  LR 0.1 → 0.2"
    assert describe(replace(AT, phase="claim")) == "claiming: LR 0.1 → 0.2"
    assert describe(replace(AT, phase="publish")) == "publishing: LR 0.1 → 0.2"
    assert describe(replace(AT, elapsed=75.0)).startswith("1:15  step 412  loss 1.2346  0:36 left")
    assert (
        describe(replace(AT, left=0.0)) == "0:23  step 412  loss 1.2346  evaluating  LR 0.1 → 0.2"
    )


def test_a_terminal_has_one_line_that_is_cleaned_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    with LiveLine(stream, quiet=True) as live:
        live.show_run(AT)
        live.show_run(replace(AT, description="長" * 60 + "\x1b[2J\n"))
    first, second, last = stream.getvalue().split("\r\x1b[K")[1:]
    assert first == "0:23  step 412  loss 1.2346  0:36 left…"[:39]
    assert "\x1b" not in second
    assert "\n" not in second
    assert last == ""


def test_nothing_shown_leaves_a_terminal_alone() -> None:
    stream = Terminal()
    with LiveLine(stream):
        pass
    assert stream.getvalue() == ""


def test_a_pipe_has_a_plain_line_now_and_then() -> None:
    stream = io.StringIO()
    with LiveLine(stream) as live:
        for elapsed in (0.0, 3.0, 9.9, 10.1, 11.0, 35.0):
            live.show_run(replace(AT, elapsed=elapsed))
        live.show_run(replace(AT, phase="publish", elapsed=36.0))
    assert [told.split("  ")[0] for told in stream.getvalue().splitlines()] == [
        *("0:00", "0:10", "0:35", "publishing: LR 0.1 → 0.2"),
    ]
    assert "\x1b" not in stream.getvalue()


def test_quiet_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with LiveLine(stream, quiet=True) as live:
        live.show_run(AT)
    assert stream.getvalue() == ""


def test_shares() -> None:
    stream = io.StringIO()
    with LiveLine(stream) as live:
        for n in range(101):
            live.show_share("shard 3", n / 100)
    assert len(stream.getvalue().splitlines()) == 11
    assert stream.getvalue().startswith("shard 3  0%\n")


def test_a_note_stays_and_the_line_goes_on_below_it() -> None:
    stream = Terminal()
    with LiveLine(stream) as live:
        live.show_run(replace(AT, phase="think", description="a command of yours"))
        live.show_run(RunProgress("note", "it changed nothing\x1b[2J"))
        live.show_run(AT)
    clear = "\r\x1b[K"
    thinking = f"{clear}0:23  thinking: a command of yours{clear}"
    assert stream.getvalue().startswith(f"{thinking}note: it changed nothing\\x1b[2J\n{clear}0:23")


def test_where_nobody_looks_there_is_no_note_either() -> None:
    stream = io.StringIO()
    with LiveLine(stream, quiet=True) as live:
        live.show_run(RunProgress("note", "it changed nothing"))
    assert stream.getvalue() == ""
