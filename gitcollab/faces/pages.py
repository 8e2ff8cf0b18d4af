"""The pages that people see when they open a hub in a browser, and the landing page itself.

Pure functions of the standings: the same records give the same bytes, whoever rebuilds the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

from gitcollab.faces.board import LEADERBOARD, address, error, finder, leaderboard, standing
from gitcollab.faces.chart import CHART, chart, on_tier
from gitcollab.faces.markdown import NOTICE, table, text
from gitcollab.faces.numbers import count, number
from gitcollab.faces.objective import objective
from gitcollab.records.models import AgentCard, Task
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.swarm import views
from gitcollab.swarm.progress import Progress, progress
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.tracks import budget, in_one, place

TOP_OF_README = 10
MOST_ACTIVE = 12

Read: TypeAlias = Callable[[str], bytes | None]


def pages(where: Standings, cards: Mapping[str, AgentCard], read: Read) -> dict[str, bytes]:
    """The pages by path; ``cards`` are the hub's agents, ``read`` gives the bytes of its files."""
    agents, search = where.by_agent.keys() | cards.keys(), progress(where)
    led = {step.program.fingerprint for step in search.steps if step.new}
    return {
        "README.md": readme(where, search, agents, read).encode(),
        LEADERBOARD: leaderboard(where, led).encode(),
        CHART: chart(where, search),
    }


def readme(where: Standings, search: Progress, agents: Collection[str], read: Read) -> str:
    """The landing page: the objective, the best, the top of the ranking, how to join."""
    parts = [
        NOTICE,
        f"# {text(where.task.name)}: a gitcollab hub",
        _introduction(where),
        "## Best",
        _best(where),
        f"![{_picture(search)}]({CHART})",
        *_top(where),
        *_active(where, agents),
        "## Join",
        _JOIN,
        "## What is where",
        _contents(read),
    ]
    return "\n\n".join(parts) + "\n"


_JOIN = """\
Every machine helps. In an empty folder, with this repository's address in place of `HUB`:

```
pip install "gitcollab[agent]"
gitcollab join HUB --agent NAME
gitcollab sync && gitcollab run
gitcollab run --forever   # lend this machine
```

The first run measures the program as it is. Then change it, in an editor or by
`gitcollab run --set NAME=VALUE`, and run again: what is better is kept, and all build on it.
A machine that is lent finds by itself what to run, until ^C."""

_PLACES = {
    LEADERBOARD: "all rankings",
    views.LEADERBOARD: "the same, for machines",
    CHART: "how the search went",
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
        derived = path in (LEADERBOARD, views.LEADERBOARD, CHART)
        linked = derived or (not path.endswith("/") and read(path) is not None)
        lines.append(f"- [`{path}`]({path}): {holds}" if linked else f"- `{path}`: {holds}")
    return "\n".join(lines)


def _introduction(where: Standings) -> str:
    return (
        f"Agents on many machines improve one program, [`{PROGRAM_PATH}`]({PROGRAM_PATH}), "
        "together, with nothing but this repository between them.\n"
        f"What counts: {text(objective(where.task), 400)}.\n"
        f"What compares: {_compares(where.task)}.\n"
        f"So far: {count(len(where.results), 'experiment')} by "
        f"{count(len(where.by_agent), 'agent')}, {count(where.programs, 'program')} ranked."
    )


def _compares(task: Task) -> str:
    """Which results are ranked together."""
    if in_one(task):
        return f"results of all machines, whatever their speed: a run is {budget(task)} on each"
    return "results of one tier of hardware: in the same time, faster machines do more"


def _metric(task: Task) -> str:
    return text(task.metric.name)


def _best(where: Standings) -> str:
    best = where.best
    if best is None:
        return "Nothing is measured yet: the first run of the baseline is the first result."
    first = best.first
    program = "[`best/train_py`](best/train_py)"
    if first.program is None:
        program = "not on the hub (it was imported from a log)"
    return (
        f"**{number(best.mean)}** {_metric(where.task)} (± {error(best)}), found by "
        f"{finder(where, best)}: [{text(where.finder(best).description)}]({address(best)})\n\n"
        f"Standing: {standing(best)} ({count(best.n, 'run')} by "
        f"{count(len(best.agents), 'agent')}, {place(best.tier)}). Its program is "
        f"{program}, its numbers are in "
        "[`best/metadata.yaml`](best/metadata.yaml)."
    )


def _picture(search: Progress) -> str:
    """What is read where the picture is not seen."""
    if not search.steps:
        return "Nothing is measured yet"
    first, last = search.compared[0], search.compared[-1]
    return (
        f"The best of {count(len(search.runs), 'experiment')} as it was known after each: "
        f"from {number(first.value)} to {number(last.value)}{on_tier(search)}"
    )


def _top(where: Standings) -> Sequence[str]:
    if not where.ranked:
        return ()
    titles = ("#:", f"{_metric(where.task)}:", "change", "agent", "runs:", "standing", "tier")
    columns = titles if len(where.by_tier) > 1 else titles[:-1]
    rows = [
        (
            str(rank),
            number(group.mean),
            f"[{text(where.finder(group).description)}]({address(group)})",
            where.finder(group).agent,
            str(group.n),
            standing(group),
            group.tier,
        )[: len(columns)]
        for rank, group in enumerate(where.ranked[:TOP_OF_README], 1)
    ]
    more = f"More, and the rankings of tiers and agents, are in [{LEADERBOARD}]({LEADERBOARD})."
    return (f"## Top {TOP_OF_README}", table(columns, rows), more)


def _active(where: Standings, agents: Collection[str]) -> Sequence[str]:
    """Who has results in the week up to the newest one: a page of records has no other clock."""
    active = where.credit.active()
    if not active:
        return ()
    rows = [
        (one.agent, str(one.experiments), str(one.kept), str(one.replications))
        for one in active[:MOST_ACTIVE]
    ]
    more, others = len(active) - len(rows), len(agents) - len(active)
    rest = [f"{more:,} more are active"] if more else []
    rest += [f"{count(others, 'other agent')} took part before, or joined"] if others else []
    newest = (where.credit.newest or "")[:10]
    parts = [
        "## Active agents",
        f"In the seven days up to the newest result, of {newest}:",
        table(("agent", "experiments:", "kept:", "replications:"), rows),
    ]
    return parts if not rest else [*parts, f"{'; '.join(rest)}."]
