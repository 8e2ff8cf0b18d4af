"""The page of the agents: who takes part, with what, how much, and what each is running now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.pages import render
from gitcollab.records.models import AgentCard, Claim, rfc3339
from gitcollab.swarm.credit import AgentRow
from gitcollab.swarm.roster import Agent, roster
from gitcollab.swarm.views import ranked_agents

MOST, MOST_CLAIMS = 500, 3
DAYS = 28  # of a sparkline
_STEP, _WIDE, _HIGH = 3, 2, 24  # of its bars


@dataclass(frozen=True)
class Bar:
    """A day of a sparkline."""

    x: int
    y: float
    wide: int
    high: float


@dataclass(frozen=True)
class Row:
    """An agent. ``status`` is said where it is not simply a member."""

    name: str
    done: AgentRow
    card: AgentCard | None
    status: str
    last: str | None  # when it last published something
    claims: Sequence[Claim]
    bars: Sequence[Bar]
    busiest: int  # experiments on the day of the highest bar


def files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    """The page."""
    done = {row.agent: row for row in ranked_agents(facts.where)}
    idle = [name for name in facts.cards if name not in done]
    names = [*done, *idle]
    rows = _rows(facts, names[:MOST], done)
    page = "agents.html"
    more = {"rows": rows, "total": len(names), "days": DAYS, "claims": MOST_CLAIMS}
    more |= {"wide": DAYS * _STEP, "running": any(row.claims for row in rows)}
    yield page, render(page, facts, page, **more)


def _rows(facts: Facts, names: Sequence[str], done: Mapping[str, AgentRow]) -> list[Row]:
    people = roster(facts.snapshot).agents
    last, days = _activity(facts)
    return [
        Row(
            name=name,
            done=done.get(name) or AgentRow(name, None, 0, 0, 0, 0, 0),
            card=facts.cards.get(name),
            status=_status(people.get(name)),
            last=last.get(name),
            claims=[claim for claim in facts.claims if claim.agent == name],
            bars=_bars(days.get(name, Counter())),
            busiest=max(days.get(name, Counter({0: 0})).values(), default=0),
        )
        for name in names
    ]


def _activity(facts: Facts) -> tuple[Mapping[str, str], Mapping[str, Counter[int]]]:
    """By agent, when it last published, and its experiments on each of the last days.

    Day 0 is the first that is shown; the last is that of the newest experiment.
    """
    last: dict[str, str] = {}
    days: dict[str, Counter[int]] = {}
    runs = facts.progress.runs
    until = facts.where.credit.newest
    newest = datetime.fromisoformat(until) if until else facts.as_of
    midnight = newest.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight - timedelta(days=DAYS - 1)
    since = rfc3339(begin)
    for run in runs:
        last[run.agent] = run.created_at  # they come in the order of time
        if until and since <= run.created_at <= until:
            day = (datetime.fromisoformat(run.created_at) - begin).days
            days.setdefault(run.agent, Counter())[day] += 1
    return last, days


def _bars(days: Counter[int]) -> Sequence[Bar]:
    most = max(days.values(), default=1)
    highs = {day: round(max(2.0, _HIGH * n / most), 1) for day, n in sorted(days.items())}
    return [Bar(day * _STEP, round(_HIGH - high, 1), _WIDE, high) for day, high in highs.items()]


def _status(agent: Agent | None) -> str:
    if agent is None:
        return "no card"
    if agent.status == "suspended" and agent.since is not None:
        return f"suspended since {agent.since:%Y-%m-%d}"
    return {"waiting": "waits to be admitted", "unproved": "proves no key"}.get(
        agent.status, agent.status if agent.status != "member" else ""
    )
