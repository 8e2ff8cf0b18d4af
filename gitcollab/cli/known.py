"""How well a program is known, as people are told: provisional, confirmed, refuted.

One vocabulary for all verbs: the words where there is room, marks in tables, and what they mean
below the tables that have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gitcollab.cli import render
from gitcollab.cli.text import symbol

if TYPE_CHECKING:
    from gitcollab.swarm.outcomes import Effect
    from gitcollab.swarm.ranking import Group
    from gitcollab.swarm.reports import Entry

_BUILT = "!"
_MARKS = {"provisional": "", "confirmed": "✓", "refuted": "✗"}


def runs(entry: Entry | Group) -> str:
    """How many runs a program has, with its marks: ``3 ✓``."""
    return f"{entry.n}{marks(entry)}"


def marks(entry: Entry | Group) -> str:
    """The marks of a program, each after a blank; none for a provisional one."""
    found = [symbol(mark) if (mark := _MARKS[entry.standing]) else ""]
    found += [_BUILT if entry.builds_on_refuted else ""]
    found += [symbol("⇄") if entry.transfers else ""]
    return "".join(f" {mark}" for mark in found if mark)


def legend(entries: Iterable[Entry | Group]) -> Iterator[str]:
    """What the marks mean that these have and that not everybody guesses, one a line."""
    rows = list(entries)
    if any(one.standing == "refuted" for one in rows):
        yield f"{symbol('✗')} refuted: more runs took back what it was believed for"
    if any(one.builds_on_refuted for one in rows):
        yield f"{_BUILT} builds on a refuted program (gitcollab lineage ID shows which)"
    if any(one.transfers for one in rows):
        yield f"{symbol('⇄')} kept on two tiers or more"


def built_on(ancestor: str | None) -> str | None:
    """The refuted program that another was built on, in words."""
    return None if ancestor is None else f"{ancestor}, which is refuted"


def told(entry: Entry) -> str:
    """How well a metric is known, in words: ``confirmed, 3 runs, tier cpu``."""
    from gitcollab.swarm.tracks import place

    less = f" (no better than {entry.no_better_than})" if entry.no_better_than else ""
    return f"{entry.standing}{less}, {render.count(entry.n, 'run')}, {place(entry.tier)}"


def after(one: Effect) -> str:
    """What a run did to the standing of its program."""
    by = f"{render.count(one.n, 'run')} by {render.count(one.agents, 'agent')}"
    if one.n == 1:
        return "provisional: one run; confirmed once another agent re-runs it"
    changed = one.standing != one.before
    match one.standing:
        case "refuted":
            less = f"{by}, no better than {one.no_better_than}"
            return f"this run refuted it: {less}" if changed else f"still refuted: {less}"
        case "confirmed":
            was = " (it was refuted before)" if one.before == "refuted" else ""
            return f"this run confirmed it: {by}{was}" if changed else f"still confirmed: {by}"
        case _:
            return f"still provisional: {by}; confirmed once another agent re-runs it"


def measured(entry: Entry) -> str:
    """The mean with its standard error."""
    return f"{render.metric(entry.metric)} {symbol('±')} {render.error_of_mean(entry)}"
