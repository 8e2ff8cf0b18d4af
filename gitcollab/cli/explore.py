"""Verbs that show where programs came from, and where nobody has gone on: lineage, frontier."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, known, mapsjson, render
from gitcollab.cli.app import THINK, Json, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.sparkline import bars_of_terminal, drawn
from gitcollab.cli.strip import bar
from gitcollab.cli.table import Column, table
from gitcollab.cli.text import can_show, symbol

if TYPE_CHECKING:
    from gitcollab.records.models import Task
    from gitcollab.swarm.maps.frontier import Frontier, Leaf
    from gitcollab.swarm.maps.lineage import Lineage, Link

_BAR, _COURSE = 8, 40  # cells

Tier = Annotated[str | None, typer.Option(help="On this hardware tier: cpu, small, ..., xl.")]


@verb(THINK, "gitcollab lineage", "gitcollab lineage 1a2b3c4d --tier cpu")
def lineage(
    wanted: Annotated[
        str | None, typer.Argument(metavar="ID", help="A result, or part of its id; else the best.")
    ] = None,
    tier: Tier = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The last so many changes.")] = 40,
    json: Json = False,
) -> None:
    """Show how a program came about, change by change, gain by gain.

    A gain is over the program before it, by all runs of both on the tier; it is "noise" below two
    standard errors (±): a step that small may be luck, many such steps can be more. The bar is how
    much of the whole gain was reached. A program that nobody has run on the tier has no number, and
    the next one's gain is over the last that has one.
    """
    swarm = open_swarm()
    line = swarm.lineage(wanted, tier)
    if json:
        return jsonout.emit(None if line is None else mapsjson.lineage(line))
    if line is None:
        where = f" on the tier {tier}" if tier else ""
        render.say(f"nothing is ranked yet{where}; gitcollab run makes the first result")
        return None
    _tell_line(line, swarm.task, limit)
    return None


_ORIGINS = {
    "begun": "since the task's own program",
    "unknown": "since a program whose own base is not here",
    "circle": "since programs that say they come from each other",
}


def _tell_line(line: Lineage, task: Task, limit: int) -> None:
    from gitcollab.swarm.tracks import place

    first, last = line.began, line.links[-1].group
    assert last is not None
    whole = "" if line.gain is None else f" ({render.signed_figure(line.gain)})"
    render.say(
        f"{task.metric.name} {render.metric(first.mean)} {_course(line)} "
        f"{render.metric(last.mean)}{whole}"
    )
    changes = render.count(len(line.links) - 1, "change")
    render.say(f"{changes} {_ORIGINS[line.origin]} ({place(line.tier)})")
    if len(line.links) > 1:
        formula = "2σ√2" if can_show("σ√", sys.stdout) else "2 sigma sqrt 2"
        render.say(
            f"noise is a step below {line.noise:.2g} ({formula} of two single runs); many together "
            "can be more"
        )
    print()
    columns = (
        Column("#", 5, "right"),
        Column(task.metric.name, 11, "right"),
        Column("gain", 11, "right"),
        Column(symbol("±"), 7, "right", drop=2),
        Column("verdict", 8),
        Column("runs", 8),
        Column("so far", _BAR, drop=1),
        Column("agent", 39, least=8),
        Column("id", 10),
        Column("change", None),
    )
    shown = [(at, link) for at, link in enumerate(line.links)][-limit:]
    table(columns, [_link(line, at, link, task.sign) for at, link in shown])
    if len(line.links) > limit:
        render.say(f"before these are {len(line.links) - limit} more (--limit)")
    for meaning in known.legend(link.group for _, link in shown if link.group):
        render.say(meaning)
    _tell_credits(line)


def _course(line: Lineage) -> str:
    """The metric of each program of the line that was run on the tier; of many, some."""
    means = [link.group.mean for link in line.links if link.group is not None]
    every = -(-len(means) // _COURSE)
    return drawn([*means[:-1:every], means[-1]], bars_of_terminal())


def _link(line: Lineage, at: int, link: Link, sign: int) -> Sequence[str]:
    group = link.group
    over = f" (over {at - link.back})" if link.back > 1 else ""
    reached = None if group is None else (line.began.mean - group.mean) * sign
    return (
        str(at),
        "not run" if group is None else render.figure(group.mean),
        "" if link.gain is None else render.signed_figure(link.gain),
        "" if link.error is None else f"{link.error:.2g}",
        _verdict(link),
        "" if group is None else known.runs(group),
        bar(reached / line.gain, _BAR) if reached is not None and line.gain else "",
        link.run.agent,
        render.short_id(link.run.id),
        f"{link.run.description}{over}",
    )


def _verdict(link: Link) -> str:
    from gitcollab.swarm.ranking import NOISE_WIDTH

    if link.gain is None or link.error is None:
        return ""
    if abs(link.gain) < NOISE_WIDTH * link.error:
        return "noise"
    return "keep" if link.gain > 0 else "discard"


def _tell_credits(line: Lineage) -> None:
    """Whose changes they were; where a line began is nobody's gain."""
    gained = [one for one in line.credits if one.error]
    told = [
        f"{one.agent} {render.signed_figure(one.gain)} {symbol('±')} {one.error:.2g} "
        f"({render.count(one.changes, 'program')})"
        for one in gained[:5]
    ]
    if len(gained) > 1:
        rest = len(gained) - len(told)
        render.say("by whom:", "; ".join(told), f"and {rest} more" if rest else "")


@verb(THINK, "gitcollab frontier", "gitcollab frontier --tier cpu --limit 5")
def frontier(
    tier: Tier = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows.")] = 20,
    json: Json = False,
) -> None:
    """List the programs that nobody has built on, the best first.

    What was kept or has no verdict comes first, then noise, then what was discarded; within these,
    programs are by rank, their place on the leaderboard. What nobody has the program of (it was
    imported without) is counted alone: nobody can build on it. "claims" are experiments under way
    that build on one. Build on one by its change: `gitcollab diff ID --raw | gitcollab run --patch
    -`.
    """
    swarm = open_swarm()
    found = swarm.frontier(tier, limit)
    if json:
        return jsonout.emit(mapsjson.frontier(found))
    if not found.leaves:
        render.say(f"none: {_why_none(found)}")
        return None
    render.say(_counted(found))
    print()
    columns = (
        Column("rank", 5, "right"),
        Column(swarm.task.metric.name, 11, "right"),
        Column("verdict", 11),
        Column("runs", 8),
        Column("claims", 6, "right", drop=1),
        Column("age", 5, "right"),
        Column("tier", 12, least=5, drop=2),
        Column("agent", 39, least=8),
        Column("id", 10),
        Column("change", None),
    )
    table(columns, [_leaf(leaf) for leaf in found.leaves])
    for meaning in known.legend(leaf.entry for leaf in found.leaves):
        render.say(meaning)
    if found.total > len(found.leaves):
        render.say(f"... and {found.total - len(found.leaves)} more (--limit)")
    if found.bare:
        told = render.count(found.bare, "result")
        render.say(f"left out: {told} imported without a program to build on")
    return None


def _why_none(found: Frontier) -> str:
    if found.bare:
        told = render.count(found.bare, "result")
        return f"what nobody has built on was imported without its program ({told})"
    return "either nothing is ranked, or others have built on all of it"


def _counted(found: Frontier) -> str:
    told = ", ".join(f"{number} {mark}" for mark, number in found.counts.items())
    return f"nobody has built on {render.count(found.total, 'program')}: {told}"


def _leaf(leaf: Leaf) -> Sequence[str]:
    from gitcollab.swarm.tracks import named

    entry = leaf.entry
    return (
        str(entry.rank),
        render.figure(entry.metric),
        leaf.verdict,
        known.runs(entry),
        str(leaf.claimed or ""),
        render.span(leaf.age_days * 86_400),
        named(entry.tier),
        entry.agent,
        render.short_id(entry.id),
        entry.description,
    )
