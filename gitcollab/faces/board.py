"""``LEADERBOARD.md``: all rankings, overall, within each tier, of agents.

A pure function of the standings: the same records give the same bytes, whoever rebuilds it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from gitcollab.faces.markdown import NOTICE, table, text
from gitcollab.faces.numbers import number, small
from gitcollab.records.names import path_of
from gitcollab.swarm.ranking import LUCK, Group, Standings
from gitcollab.swarm.tracks import in_one, told
from gitcollab.swarm.views import (
    MAX_AGENTS,
    TOP_OF_TIER,
    TOP_OVERALL,
    main_tiers,
    ranked_agents,
)

LEADERBOARD = "LEADERBOARD.md"


def leaderboard(where: Standings, led: Collection[str]) -> str:
    """All rankings; ``led`` are the fingerprints of the programs that have been the best."""
    parts = [NOTICE, f"# Leaderboard of {text(where.task.name)}", _legend(where)]
    parts += ["## Overall", _programs(where, where.ranked, TOP_OVERALL)]
    for tier in main_tiers(where) if len(where.by_tier) > 1 else ():
        parts += [f"## Tier {tier}", _programs(where, where.by_tier[tier], TOP_OF_TIER)]
    parts += ["## Agents", *_agents(where, led)]
    return "\n\n".join(parts) + "\n"


def _programs(where: Standings, groups: Sequence[Group], limit: int) -> str:
    if not groups:
        return "No program is ranked yet."
    metric = text(where.task.metric.name)
    titles = ["#:", f"{metric}:", "±:", "runs:", "standing", "tier", "agent", "change", "kept on"]
    shown = groups[:limit]
    across = any(group.transfers for group in shown)
    rows = [
        (
            str(rank),
            number(group.mean),
            error(group),
            str(group.n),
            standing(group),
            group.tier,
            where.finder(group).agent,
            f"[{text(where.finder(group).description)}]({address(group)})",
            ", ".join(group.transfers),
        )
        for rank, group in enumerate(shown, 1)
    ]
    left_out = [] if across else ["kept on"]
    left_out += ["tier"] if in_one(where.task) else []
    kept = [at for at, title in enumerate(titles) if title not in left_out]
    board = table([titles[at] for at in kept], [[row[at] for at in kept] for row in rows])
    return board + _rest(len(groups), limit)


def standing(group: Group) -> str:
    """How well a program is known, and whether it was built on a refuted one, and on which."""
    built = group.builds_on_refuted
    mark = f" ([builds on a refuted one]({path_of('result', built)}))" if built else ""
    return f"{group.standing}{mark}"


def error(group: Group) -> str:
    """The standard error of a program's mean."""
    return small(group.sigma / math.sqrt(group.n))


def finder(where: Standings, group: Group) -> str:
    """Who found a program, and who ran it on the tier, where that is somebody else."""
    found, first = where.finder(group), group.first
    ran = "" if found.agent == first.agent else f", run on this tier by `{first.agent}`"
    return f"`{found.agent}`{ran}"


def address(group: Group) -> str:
    """The address of a result relative to the page: ids hold nothing that Markdown reads."""
    return path_of("result", group.first.id)


def _legend(where: Standings) -> str:
    task = where.task
    side = "above" if task.sign > 0 else "below"
    tiers = (
        "Tiers are of different machines; *kept on* are those that a change was better on than its "
        "base, where these are several."
    )
    return (
        f"Programs by the mean {text(task.metric.name)} of their runs, judged {task.z:g} standard "
        f"error{'' if task.z == 1 else 's'} {side} it, and {LUCK * task.z:g} {side} that of a "
        "single run, most of whose lead is luck.\n"
        f"The track: {told(task)}. *Provisional* means that one agent has run the program, "
        "*confirmed* that two have, and *refuted* that more runs took back what it was believed "
        "for: that it leads, or is better than what it was changed from. What *builds on a refuted "
        "one* is not confirmed to be better than the last sound program before that. One run has a "
        f"standard deviation of {small(where.sigma)}. *Change* is the last one that made the "
        f"program; what it builds on has others. {'' if in_one(task) else tiers}".rstrip()
    )


_COUNTS = """\
*Experiments* are all results of an agent, crashes too. *Kept* are programs that it was the first to
run and that are better than what they were changed from, by all runs there are; *confirmed*, those
of them that another agent has run too; *confirmed bests*, those of these that have led the ranking.
*Replications* are its runs of programs that others found: they make others' numbers certain."""


def _agents(where: Standings, led: Collection[str]) -> Sequence[str]:
    rows, bests = ranked_agents(where), where.credit.confirmed_bests(led)
    if not rows:
        return ("No agent has run anything yet.",)
    best = f"best {text(where.task.metric.name)}:"
    titles = ("#:", "agent", best, "experiments:", "kept:", "confirmed:", "confirmed bests:")
    shown = [
        (
            str(rank),
            row.agent,
            f"[{number(row.best.mean)}]({address(row.best)})" if row.best else "",
            str(row.experiments),
            str(row.kept),
            str(row.confirmed),
            str(bests.get(row.agent, 0)),
            str(row.replications),
            str(row.crashes),
        )
        for rank, row in enumerate(rows[:MAX_AGENTS], 1)
    ]
    board = table((*titles, "replications:", "crashes:"), shown)
    return _COUNTS, board + _rest(len(rows), MAX_AGENTS)


def _rest(total: int, limit: int) -> str:
    return f"\n\n{total - limit} more are not shown." if total > limit else ""
