"""Verbs that look at all there is: status, best, leaderboard, results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import exchange, jsonout, known, render
from gitcollab.cli.app import LOOK, Json, verb
from gitcollab.cli.choices import By, Ended, Format, Judged
from gitcollab.cli.context import open_swarm
from gitcollab.cli.present import presence_json, presence_pairs
from gitcollab.cli.sparkline import summary
from gitcollab.cli.text import line, without_credentials
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from gitcollab.swarm.outcomes import Judgement
    from gitcollab.swarm.reports import Adopted, AgentEntry, Entry, Status
    from gitcollab.swarm.swarm import Swarm
    from gitcollab.swarm.trend import Course

_FEW = 5  # of what waits, in status; the outbox lists all
_NO_PROGRAM = "not on the hub (imported without it): nobody can run it"
_SKEW_SECONDS = 120  # a clock that is further off than this is worth a word

Tier = Annotated[str | None, typer.Option(help="Only this hardware tier: cpu, small, ..., xl.")]
Agent = Annotated[str | None, typer.Option(help="Only this agent.")]


_VERDICTS: dict[Judged, Judgement] = {
    Judged.keep: "better",
    Judged.discard: "worse",
    Judged.noise: "within noise",
    Judged.unconfirmed: "unconfirmed",
}


@verb(LOOK, "gitcollab status", "gitcollab status --online --json")
def status(
    online: Annotated[bool, typer.Option("--online", help="Ask the hub first.")] = False,
    json: Json = False,
) -> None:
    """Show where this workspace stands.

    The hub, the best program, who claims what, and what waits to be delivered: what this host
    knows, without asking the hub. --online asks it.
    """
    swarm = open_swarm()
    report = swarm.status(ask=online)
    if json:
        return jsonout.emit(jsonout.status(report) | {"lent": presence_json(swarm)})
    from gitcollab.swarm.tracks import told

    task, went = swarm.task, swarm.course()
    lower = "lower" if task.metric.direction == "minimize" else "higher"
    render.pairs(
        [
            ("hub", f"{without_credentials(report.hub)} (branch {report.branch})"),
            ("agent", _agent(report)),
            ("task", f"{task.name}: {task.metric.name}, {lower} is better; {told(task)}"),
            ("best", render.best(report.best)),
            ("results", _counted(report, went)),
            ("trend", _trend(went)),
            (task.program, report.program),
            ("sandbox", _sandbox(report)),
            *presence_pairs(swarm),
            ("online", _online(report)),
            ("clock", _skew(report)),
            ("to admit", _to_admit(report)),
            ("waiting", _waiting(report)),
        ]
    )
    _tell_kept(report)
    if report.claims:
        print()
        render.claims(report.claims)
    return None


def _counted(report: Status, went: Course | None) -> str:
    """How many results there are, and how many of them the trend is of where it is not of all."""
    waits = report.results_waiting
    total = report.results + waits
    text = f"{total}, {waits} of them waiting here" if waits else str(total)
    if went is None or went.experiments == total:
        return text
    if went.experiments > total:
        return f"{text}; {went.experiments - total} on the way to the hub"
    return f"{text}; {went.experiments} count (of this task, not withdrawn or void)"


def _trend(went: Course | None) -> str | None:
    """The running best, and whether the search gets anywhere."""
    shown = summary(went)
    if went is None or shown is None:
        return None
    from gitcollab.swarm.trend import trend

    return f"{shown}; {trend(went, render.now()).word}"


def _sandbox(report: Status) -> str:
    if not report.sandbox_lacking:
        return report.sandbox
    left = "nothing runs" if report.sandbox == "required" else "only your own code runs, without"
    return f"{report.sandbox}, and {report.sandbox_lacking}: {left}"


def _online(report: Status) -> str | None:
    if report.online is None:
        return None
    return "yes" if report.online else f"no: {report.reason}"


def _to_admit(report: Status) -> str | None:
    if not report.to_admit:
        return None
    as_of = "" if report.online else ", as of the last sync"
    return f"{', '.join(report.to_admit)} (gitcollab admit NAME{as_of})"


def _agent(report: Status) -> str:
    """The agent, and what is in its way."""
    said = {
        "waiting": " (waits for a maintainer to admit it; what it finds is queued until then)",
        "suspended": " (suspended by a maintainer: gitcollab sync says what to do)",
        "unproved": " (its card does not prove its key: gitcollab doctor)",
        None: " (not registered: gitcollab join)",
    }
    return report.agent + said.get(report.admission, "")


def _tell_kept(report: Status) -> None:
    """What is on this host and not on the hub."""
    alike: dict[tuple[str, str], list[datetime]] = {}
    for item in report.queued:
        alike.setdefault((item.kind, item.reason), []).append(item.since)
    for (kind, reason), since in list(alike.items())[:_FEW]:
        age = render.span((render.now() - min(since)).total_seconds())
        many = f"{len(since)} × " if len(since) > 1 else ""
        render.say(f"- {many}{render.noun(kind)}, for {age}: {reason}")
    for item in report.refused[:_FEW]:
        said = render.gist(item.reason)
        render.say(f"- {render.noun(item.kind)}, refused and kept on this host: {said}")
    if report.refused or len(alike) > _FEW:
        render.say("next: gitcollab outbox (lists what is kept; retry, drop)")


def _skew(report: Status) -> str | None:
    skew = report.skew_seconds
    if abs(skew) < _SKEW_SECONDS:
        return None
    side = "behind" if skew > 0 else "ahead of"
    return f"this machine is {render.span(abs(skew))} {side} another agent's: check its time"


def _waiting(report: Status) -> str:
    if not report.queued:
        return "nothing"
    records = render.records(len(report.queued), report.results_waiting)
    return f"{records} for the hub; gitcollab sync delivers"


@verb(LOOK, "gitcollab best", "gitcollab best --adopt", "gitcollab best --tier all --adopt")
def best(
    tier: Annotated[
        str | None, typer.Option(help="Of this hardware tier: cpu, small, ..., xl; or all.")
    ] = None,
    agent: Agent = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Make it this workspace's program.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the best program so far, or adopt it.

    The best is the one whose metric is best even when its noise is held against it. --adopt takes
    the best of this machine's tier, or of all where that has none yet; --tier all takes the best of
    all. An edited program is kept aside in .gitcollab/ before another takes its place. Says whose
    code it is, whether that agent signed it, and how many lines are new: `gitcollab diff ID` shows
    them.
    """
    if adopt and agent:
        raise UsageError("--adopt and --agent do not go together", "leave one of them out")
    swarm = open_swarm()
    change = swarm.adopt(tier) if adopt else None
    entry = swarm.best(tier, agent) if change is None else swarm.leading(tier)
    signed = None if entry is None else swarm.signed(entry.id)
    bare = entry is not None and not swarm.has_program(entry.id)
    of_all = tier in (None, "all") and agent is None and change is None
    if json:
        if change is None:
            return jsonout.emit(jsonout.best_of_all(entry, signed))
        return jsonout.emit(jsonout.adopted(entry, signed, change))
    if entry is None:
        render.say(_no_best(tier, agent))
    else:
        render.pairs(
            [
                *_described(entry, swarm.task.metric.name),
                ("signed", render.signed(signed)),
                ("trend", _trend(swarm.course()) if of_all else None),
                ("program", _NO_PROGRAM if bare else None),
            ]
        )
    if change is not None:
        if bare:
            render.say("the best cannot be adopted: its program is not on the hub; instead:")
        _tell_adopted(change)
    return None


def _no_best(tier: str | None, agent: str | None) -> str:
    asked = [f"{kind} {name}" for kind, name in (("tier", tier), ("agent", agent)) if name]
    return f"none yet for {' and '.join(asked)}" if asked else render.best(None)


def _described(entry: Entry, metric_name: str) -> list[tuple[str, str | None]]:
    return [
        (metric_name, known.measured(entry)),
        ("change", entry.description),
        ("agent", entry.agent),
        ("standing", known.told(entry)),
        ("builds on", known.built_on(entry.builds_on_refuted)),
        ("kept on", f"the tiers {', '.join(entry.transfers)}" if entry.transfers else None),
        ("id", entry.id),
    ]


def _tell_adopted(change: Adopted) -> None:
    if not change.changed:
        render.say(change.path.name, "is", change.id or "the baseline", "already")
        return
    from gitcollab.swarm.tracks import place

    led = f"(the best of {place(change.tier)})" if change.tier else ""
    render.say(change.path.name, "is now", render.adopted(change), led)
    if change.kept_aside is not None:
        render.say("what was there before:", str(change.kept_aside))


@verb(LOOK, "gitcollab leaderboard", "gitcollab leaderboard --by agent")
def leaderboard(
    by: Annotated[By, typer.Option(help="What is ranked.")] = By.overall,
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help="Rows in a table. --json gives all.")
    ] = 20,
    json: Json = False,
) -> None:
    """Rank programs, overall or by hardware tier, or agents.

    A program's place is decided by its metric with its noise held against it ("ranks at"): one
    standard error of the mean, ±; two where it was run once, since most of what leads by one run is
    luck. (A task's z other than 1 multiplies both.) A program that one agent has run is
    provisional; ✓ is confirmed: two agents have. ✗ is refuted: more runs took back what it was
    believed for. ! is built on a refuted one, and not confirmed better than the last sound program
    below that. Of an agent's programs, "kept" are better than their base, and "confirmed" those of
    them that another agent has run; "replicated" are its runs of others' programs. ⇄ is a change
    that was kept on two tiers or more, here or on another base. Where the task's budget is in
    tokens or steps, all machines are ranked together. A narrow terminal shortens titles (conf.,
    repl.), then leaves columns out; --json has all.
    """
    from gitcollab.swarm.tracks import told

    swarm = open_swarm()
    if json:
        rows = swarm.leaderboard(by.value)
        return jsonout.emit(jsonout.leaderboard(by.value, rows, told(swarm.task)))
    parts = _parts(swarm, by)
    if not parts:
        render.say(render.best(None))
    elif by is By.overall:
        render.say(*filter(None, (_trend(swarm.course()), f"({told(swarm.task)})")))
        print()
    for i, (title, part) in enumerate(parts.items()):
        if title:
            print("\n" * (i > 0) + line(title))
        render.ranking(part[:limit], swarm.task.metric.name)
        if len(part) > limit:
            render.say(f"... and {len(part) - limit} more (--limit)")
    return None


def _parts(swarm: Swarm, by: By) -> Mapping[str, Sequence[Entry] | Sequence[AgentEntry]]:
    """The tables of a ranking under their titles."""
    if by is By.tier:
        from gitcollab.swarm.tracks import place

        return {place(tier): rows for tier, rows in swarm.by_tier().items()}
    rows = swarm.leaderboard(by.value)
    return {"": rows} if rows else {}


@verb(
    LOOK,
    "gitcollab results --agent nova --verdict keep",
    'gitcollab results --text "softcap" --limit 10',
    "gitcollab results --format tsv > results.tsv",
)
def results(
    limit: Annotated[
        int | None, typer.Option(min=1, help="Results on a page. Default: 50; with --format, all.")
    ] = None,
    page: Annotated[
        str | None, typer.Option(help="The page's token, as the page before gave it.")
    ] = None,
    agent: Agent = None,
    tier: Tier = None,
    status: Annotated[Ended | None, typer.Option(help="Only runs that ended so.")] = None,
    verdict: Annotated[Judged | None, typer.Option(help="Only results judged so.")] = None,
    text: Annotated[str | None, typer.Option(help="Only results whose text has this.")] = None,
    format: Annotated[  # noqa: A002 - the word that users type
        Format | None,
        typer.Option(help="Give all that match, oldest first, to other tools."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where --format writes, instead of here.")
    ] = None,
    json: Json = False,
) -> None:
    """List results, newest first, with filters.

    A verdict is of all runs known by now: others may have changed it since a run ended. What is too
    good to be believed of one agent is "unconfirmed" until another has run it.
    --format tsv begins with the columns of the field's own logs, which `gitcollab import` reads
    (csv as spreadsheets like it; jsonl has all of each record; parquet needs pyarrow). Its status
    is keep for what is better than its base, for the baseline and for what others build on.
    """
    filters = {
        "agent": agent,
        "tier": tier,
        "status": None if status is None else status.value,
        "verdict": None if verdict is None else _VERDICTS[verdict],
        "text": text,
    }
    if format is not None:
        if json or page:
            raise UsageError(
                "--format goes with neither --json nor --page", "leave one of them out"
            )
        return exchange.export(format, out, limit, filters)
    if out is not None:
        raise UsageError("--out says where --format writes", "as in --format tsv --out FILE")
    swarm = open_swarm()
    found = swarm.results(limit=50 if limit is None else limit, page=page, **filters)
    if json:
        return jsonout.emit(jsonout.results(found))
    if not found.results:
        render.say("no results")
        return None
    name = swarm.task.metric.name
    render.results(found.results, found.void, name, render.now(), found.programs)
    if found.next:
        word = None if verdict is None else verdict.value
        options = {**filters, "verdict": word, "limit": limit, "page": found.next}
        render.next_page(len(found.results), found.total, ["results"], options)
    return None
