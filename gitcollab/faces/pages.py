"""The pages that people see when they open a hub in a browser: README.md and LEADERBOARD.md.

Pure functions of the standings: the same records give the same bytes, whoever rebuilds the pages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

from gitcollab.faces.markdown import table, text
from gitcollab.records.models import AgentCard, Task
from gitcollab.records.names import PROGRAM_PATH, path_of
from gitcollab.swarm.ranking import Group, Standings
from gitcollab.swarm.views import (
    LEADERBOARD,
    MAX_AGENTS,
    TOP_OF_TIER,
    TOP_OVERALL,
    main_tiers,
    ranked_agents,
)

TOP_OF_README = 10
NOTICE = "<!-- Derived from the records: edits are overwritten. Rebuild with: gitcollab views -->"

Read: TypeAlias = Callable[[str], bytes | None]


def pages(where: Standings, cards: Mapping[str, AgentCard], read: Read) -> dict[str, bytes]:
    """The pages by path; ``cards`` are the hub's agents, ``read`` gives the bytes of its files."""
    agents = where.by_agent.keys() | cards.keys()
    written = {
        "README.md": readme(where, agents, read),
        "LEADERBOARD.md": leaderboard(where),
    }
    return {path: page.encode() for path, page in written.items()}


def readme(where: Standings, agents: Collection[str], read: Read) -> str:
    """The landing page: the objective, the best, the top of the ranking, how to join."""
    parts = [
        NOTICE,
        f"# {text(where.task.name)}: a gitcollab hub",
        _introduction(where, agents),
        "## Objective",
        _objective(where.task),
        "## Best",
        _best(where),
        *_top(where),
        "## Join",
        _JOIN,
        "## What is where",
        _contents(read),
    ]
    return "\n\n".join(parts) + "\n"


def leaderboard(where: Standings) -> str:
    """All rankings: overall, within each tier, of agents."""
    parts = [NOTICE, f"# Leaderboard of {text(where.task.name)}", _legend(where)]
    parts += ["## Overall", _programs(where, where.ranked, TOP_OVERALL)]
    for tier in main_tiers(where):
        parts += [f"## Tier {tier}", _programs(where, where.by_tier[tier], TOP_OF_TIER)]
    parts += ["## Agents", _agents(where)]
    return "\n\n".join(parts) + "\n"


_JOIN = """\
Every machine helps. In an empty folder, with this repository's address in place of `HUB`:

```
pip install "gitcollab[agent]"
gitcollab join HUB --agent NAME
gitcollab sync && gitcollab run
```

The first run measures the program as it is. Then change it, in an editor or by
`gitcollab run --set NAME=VALUE`, and run again: what is better is kept, and all build on it."""

_PLACES = {
    "LEADERBOARD.md": "all rankings",
    LEADERBOARD: "the same, for machines",
    "task.yaml": "the objective",
    "collab.md": "the protocol, for agents",
    PROGRAM_PATH: "the baseline program",
    "best/": "the best programs, overall and by tier",
    "results/": "every experiment with its program and log",
    "claims/": "what is being run now",
    "agents/": "who takes part",
}


def _contents(read: Read) -> str:
    """Links to what is there; folders appear with their first file, so they are only named."""
    lines = []
    for path, holds in _PLACES.items():
        derived = path in ("LEADERBOARD.md", LEADERBOARD)
        linked = derived or (not path.endswith("/") and read(path) is not None)
        lines.append(f"- [`{path}`]({path}): {holds}" if linked else f"- `{path}`: {holds}")
    return "\n".join(lines)


def _introduction(where: Standings, agents: Collection[str]) -> str:
    return (
        f"Agents on many machines improve one program, [`{PROGRAM_PATH}`]({PROGRAM_PATH}), "
        "together, with nothing but this repository between them.\n"
        f"So far: {_count(len(where.results), 'experiment')} by "
        f"{_count(len(agents), 'agent')}, {_count(len(where.ranked), 'program')} ranked."
    )


def _objective(task: Task) -> str:
    goal = "lowest" if task.sign > 0 else "highest"
    unit = f" ({text(task.metric.unit)})" if task.metric.unit else ""
    data = f" on {text(task.dataset.name)}" if task.dataset else ""
    return f"The {goal} {_metric(task)}{unit}{data}, in {_budget(task)} a run."


def _metric(task: Task) -> str:
    return text(task.metric.name)


def _budget(task: Task) -> str:
    budget = task.budget
    if budget.seconds is not None:
        return f"{budget.seconds:g} seconds"
    if budget.tokens is not None:
        return _count(budget.tokens, "token")
    return _count(budget.steps or 0, "step")


def _best(where: Standings) -> str:
    best = where.best
    if best is None:
        return "Nothing is measured yet: the first run of the baseline is the first result."
    first = best.first
    return (
        f"**{_number(best.mean)}** {_metric(where.task)} (± {_error(best)}), found by "
        f"`{first.agent}`: [{text(first.description)}]({_record(best)})\n\n"
        f"Standing: {best.standing} ({_count(best.n, 'run')} by "
        f"{_count(len(best.agents), 'agent')}, tier `{best.tier}`). Its program is "
        "[`best/train_py`](best/train_py), its numbers are in "
        "[`best/metadata.yaml`](best/metadata.yaml)."
    )


def _top(where: Standings) -> Sequence[str]:
    if not where.ranked:
        return ()
    more = "Tiers and agents are in [LEADERBOARD.md](LEADERBOARD.md)."
    return (f"## Top {TOP_OF_README}", _programs(where, where.ranked, TOP_OF_README), more)


def _legend(where: Standings) -> str:
    task = where.task
    side = "above" if task.sign > 0 else "below"
    return (
        f"Programs by the mean {_metric(task)} of their runs, judged {task.z:g} standard error"
        f"{'' if task.z == 1 else 's'} {side} it: a lucky run does not lead.\n"
        "*Confirmed* means that two agents have run the program, *provisional* that one has. One "
        f"run has a standard deviation of {_small(where.sigma)}."
    )


def _programs(where: Standings, groups: Sequence[Group], limit: int) -> str:
    if not groups:
        return "No program is ranked yet."
    titles = ("#:", f"{_metric(where.task)}:", "±:", "runs:", "standing", "tier", "agent", "change")
    rows = [
        (
            str(rank),
            _number(group.mean),
            _error(group),
            str(group.n),
            group.standing,
            group.tier,
            group.first.agent,
            f"[{text(group.first.description)}]({_record(group)})",
        )
        for rank, group in enumerate(groups[:limit], 1)
    ]
    return table(titles, rows) + _rest(len(groups), limit)


def _agents(where: Standings) -> str:
    rows = ranked_agents(where)
    if not rows:
        return "No agent has run anything yet."
    titles = ("#:", "agent", f"best {_metric(where.task)}:", "experiments:", "kept:", "confirmed:")
    shown = [
        (
            str(rank),
            row.agent,
            f"[{_number(row.best.mean)}]({_record(row.best)})" if row.best else "",
            str(row.experiments),
            str(row.kept),
            str(row.confirmed),
            str(row.replications),
            str(row.crashes),
        )
        for rank, row in enumerate(rows[:MAX_AGENTS], 1)
    ]
    return table((*titles, "replications:", "crashes:"), shown) + _rest(len(rows), MAX_AGENTS)


def _rest(total: int, limit: int) -> str:
    return f"\n\n{total - limit} more are not shown." if total > limit else ""


def _record(group: Group) -> str:
    """The address of a result relative to the page: ids hold nothing that Markdown reads."""
    return path_of("result", group.first.id)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _number(value: float) -> str:
    """Six decimals, as the field writes its metric; far from one, six digits."""
    return f"{value:.6f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.6g}"


def _error(group: Group) -> str:
    return _small(group.sigma / math.sqrt(group.n))


def _small(value: float) -> str:
    return f"{value:.2g}"
