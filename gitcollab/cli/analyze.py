"""The verb that says where the swarm stands, and what would help it most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from gitcollab.cli import jsonout, known, mapsjson, render
from gitcollab.cli.app import THINK, Json, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.sparkline import summary
from gitcollab.cli.table import Column, table
from gitcollab.cli.text import symbol

if TYPE_CHECKING:
    from gitcollab.records.models import Task
    from gitcollab.swarm.ideas.hypotheses import IdeaPage
    from gitcollab.swarm.ideas.insights import Learned
    from gitcollab.swarm.maps.analysis import Analysis, Diversity, Outcome
    from gitcollab.swarm.reports import Entry
    from gitcollab.swarm.trend import Trend

_AGENTS, _TIERS, _CLAIMS = 6, 6, 5
_AGENT = Column("agent", 39, least=8)
_ID = Column("id", 10)
_CHANGE = Column("change", None)


@verb(THINK, "gitcollab analyze", "gitcollab analyze --json")
def analyze(json: Json = False) -> None:
    """Say where the swarm stands, and what would help it most.

    The trend is of the best over a day or 20 experiments, whichever is more, held against the
    noise. Diversity is of the last 50 experiments, baselines left out: what they were about
    (constants that they set, or code; where nobody has it, they are known by words alone). In
    --json "effective" is how many subjects tried equally often would be as diverse. Worth another
    run are the programs of which one would tell most.
    """
    swarm = open_swarm()
    found = swarm.analyze()
    if json:
        return jsonout.emit(mapsjson.analysis(found))
    task = swarm.task
    render.pairs(_facts(found, task))
    for title, columns, rows in _tables(found, task):
        if rows:
            print()
            print(title)
            table(columns, rows)
    if found.bare and not found.replicate:
        print()
        render.say(f"worth another run: none; {_without_program(found.bare)}")
    print()
    render.say("next:", _next(found))
    return None


def _without_program(number: int) -> str:
    """Why nobody can run so many results again."""
    without = "was imported without its program", "were imported without their programs"
    return f"{render.count(number, 'result')} {without[number != 1]}"


def _facts(found: Analysis, task: Task) -> list[tuple[str, str | None]]:
    from gitcollab.swarm.tracks import told

    side = "lower" if task.metric.direction == "minimize" else "higher"
    return [
        ("task", f"{task.name}: {task.metric.name}, {side} is better; {told(task)}"),
        ("best", render.best(found.best)),
        ("tiers", _tiers(found) if len(found.by_tier) > 1 else None),
        ("trend", _trend(found, found.trend)),
        ("active", _active(found)),
        ("diversity", _diversity(found.diversity) if found.diversity.experiments else None),
        ("running", _running(found)),
        ("ideas", _ideas(found.hypotheses)),
    ]


def _tiers(found: Analysis) -> str:
    told = [
        f"{tier} {render.metric(one.metric)} ({one.agent}, {render.short_id(one.id)})"
        for tier, one in list(found.by_tier.items())[:_TIERS]
    ]
    rest = len(found.by_tier) - len(told)
    return "; ".join(told) + (f"; and {rest} more" if rest else "")


def _trend(found: Analysis, trend: Trend) -> str | None:
    shown = summary(found.course)
    if shown is None:
        return None
    moved = ""
    if trend.gain is not None and trend.noise is not None:
        moved = f" ({render.signed_figure(trend.gain)}; noise is {trend.noise:.2g})"
    led = f"; the lead is {render.count(trend.since, 'experiment')} old" if trend.since else ""
    return f"{shown}; {trend.word}{moved}{led}"


def _active(found: Analysis) -> str | None:
    if not found.active:
        return None
    told = [f"{one.agent} {one.experiments} ({one.kept} kept)" for one in found.active[:_AGENTS]]
    rest = len(found.active) - len(told)
    return (
        ", ".join(told)
        + (f", and {rest} more" if rest else "")
        + ", published in the newest 7 days"
    )


def _diversity(of: Diversity) -> str:
    from gitcollab.swarm.maps.analysis import CODE, WORDS

    last = f"last {render.count(of.experiments, 'experiment')}"
    if of.most is None:
        return f"{last}: nothing new, all were reruns"
    about = {CODE: "changed code", WORDS: "known by words alone"}.get(of.most, f"set {of.most}")
    rest = " of the others" if of.reruns else ""
    told = [render.count(of.reruns, "rerun")] if of.reruns else []
    told += [f"{of.most_share:.0%}{rest} {about}"]
    told += [f"{render.count(of.constants, 'constant')} tried"]
    return f"{last}: {', '.join(told)}"


def _running(found: Analysis) -> str | None:
    if not found.claims:
        return None
    told = [f"{one.agent}: {one.description}" for one in found.claims[-_CLAIMS:]]
    rest = len(found.claims) - len(told)
    return "; ".join(told) + (f"; and {rest} more" if rest else "")


def _ideas(found: IdeaPage) -> str | None:
    told = [f"{number} {status}" for status, number in found.counts.items() if number]
    return f"{', '.join(told)} (gitcollab hypothesis list)" if told else None


def _tables(
    found: Analysis, task: Task
) -> Iterator[tuple[str, Sequence[Column], Sequence[Sequence[str]]]]:
    now = render.now()
    kept, failed = (_outcomes(rows, now) for rows in (found.kept, found.failed))
    yield "kept of late", _outcome_columns(task), kept
    yield "failed of late (crashed, or worse beyond the noise)", _outcome_columns(task), failed
    programs = (
        Column(task.metric.name, 11, "right"),
        Column("runs", 8),
        Column("tier", 12, least=5),
        _AGENT,
        _ID,
        _CHANGE,
    )
    yield "worth another run", programs, [_program(one) for one in found.replicate]
    across = f"{symbol('⇄')} kept on two tiers or more"
    kept_on = (Column("tiers", 20, least=8), _AGENT, _ID, _CHANGE)
    yield (
        across,
        kept_on,
        [
            (", ".join(e.transfers), e.agent, render.short_id(e.id), e.description)
            for e in found.transfers
        ],
    )
    open_ones = (Column("priority", 8, "right", short="prio"), _AGENT, _ID, Column("title", None))
    yield (
        "open hypotheses",
        open_ones,
        [
            (
                str(idea.hypothesis.priority),
                idea.hypothesis.agent,
                render.short_id(idea.hypothesis.id),
                idea.hypothesis.title,
            )
            for idea in found.hypotheses.ideas
        ],
    )
    said = (Column("standing", 12), _AGENT, _ID, Column("insight", None))
    yield "new insights", said, [_insight(one) for one in found.insights.insights]


def _outcome_columns(task: Task) -> Sequence[Column]:
    return (
        Column("age", 5, "right"),
        Column(task.metric.name, 11, "right"),
        Column("gain", 11, "right"),
        Column(symbol("±"), 7, "right", drop=1),
        Column("tier", 12, least=5, drop=2),
        _AGENT,
        _ID,
        _CHANGE,
    )


def _outcomes(rows: Sequence[Outcome], now: datetime) -> list[Sequence[str]]:
    from gitcollab.swarm.tracks import named

    return [
        (
            render.span((now - datetime.fromisoformat(one.created_at)).total_seconds()),
            one.status if one.metric is None else render.figure(one.metric),
            "" if one.gain is None else render.signed_figure(one.gain),
            "" if one.error is None else f"{one.error:.2g}",
            named(one.tier),
            one.agent,
            render.short_id(one.id),
            one.description,
        )
        for one in rows
    ]


def _program(one: Entry) -> Sequence[str]:
    from gitcollab.swarm.tracks import named

    metric = render.figure(one.metric)
    return (
        metric,
        known.runs(one),
        named(one.tier),
        one.agent,
        render.short_id(one.id),
        one.description,
    )


def _insight(one: Learned) -> Sequence[str]:
    said = " ".join(one.insight.text.split())
    return one.standing, one.insight.agent, render.short_id(one.insight.id), said


def _next(found: Analysis) -> str:
    """What would help most, in one line."""
    if found.best is None:
        return "gitcollab run (the first result is the baseline)"
    executable = [
        idea.hypothesis
        for idea in found.hypotheses.ideas
        if idea.hypothesis.set or idea.hypothesis.patch
    ]
    if executable:
        short = render.short_id(executable[0].id)
        front = "gitcollab frontier, " if found.leaves else ""
        return f"gitcollab run --hypothesis {short}; or {front}gitcollab coverage"
    if not found.leaves:
        return "gitcollab coverage (what was tried), gitcollab run (which others can build on)"
    return "gitcollab coverage (what was tried), gitcollab frontier (what to build on)"
