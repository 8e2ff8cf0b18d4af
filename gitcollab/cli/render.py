"""What people read: small formats, pairs of label and value, the tables of records.

Strangers' text is inert. Without a terminal there are no colours.
"""

from __future__ import annotations

import shlex
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from gitcollab.cli import known
from gitcollab.cli.table import LAST, Column, Row, table, width
from gitcollab.cli.text import fitted, is_wide, line, lines, symbol
from gitcollab.records.quoting import BAR, STANDING, quoted
from gitcollab.runner.clock import length

if TYPE_CHECKING:
    from gitcollab.records.models import Claim, Result
    from gitcollab.swarm.reports import Adopted, AgentEntry, Entry

__all__ = ["Column", "length", "table"]

_FIGURE = 11  # cells of a metric in a table

# How a verdict is said to people; a run without a metric has its status instead.
_VERDICTS = {
    "better": "keep",
    "worse": "discard",
    "within noise": "within noise",
    "unconfirmed": "unconfirmed",
}


def metric(value: float | None) -> str:
    """A metric as this field writes it: six decimals for numbers of ordinary size."""
    if value is None:
        return "-"
    return f"{value:.6f}" if 1e-3 <= abs(value) < 1000 or value == 0 else f"{value:.7g}"


def figure(value: float | None) -> str:
    """A metric in at most 11 cells, for a table."""
    shown = metric(value)
    return shown if value is None or len(shown) <= _FIGURE else f"{value:.4g}"


def signed_figure(gain: float) -> str:
    """A gain as metrics are written, with its sign: six decimals where these say anything."""
    return f"{gain:+.6f}" if gain == 0 or 1e-5 <= abs(gain) < 1000 else f"{gain:+.3g}"


def error_of_mean(entry: Entry) -> str:
    """The standard error of the mean, to two digits."""
    return f"{entry.sigma / entry.n**0.5:.2g}"


def span(seconds: float) -> str:
    """An age, in its largest unit: 45s, 12m, 3h, 5d. (A length of time is told by ``length``.)"""
    seconds = max(0.0, seconds)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def left(until: datetime) -> str:
    """The time until then, to the nearest minute where it is one or more."""
    seconds = (until - now()).total_seconds()
    return length(round(seconds / 60) * 60 if seconds >= 60 else round(seconds))


def clock(seconds: float) -> str:
    """A running time: 0:07, 12:34, 1:02:03."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def duration(seconds: float) -> str:
    """A length of time as it was measured: 0.4s, 59.9s, 12:34."""
    return f"{seconds:.1f}s" if seconds < 60 else clock(seconds)


def short_id(record_id: str) -> str:
    """The hash at the end of an id, which ``show`` and ``diff`` take for the whole."""
    last = record_id.rpartition("-")[2]
    return last if len(last) >= 6 else record_id


# What a request brings to the hub.
_NOUNS = {
    "publish": "result",
    "join": "agent card",
    "release": "release of a claim",
    "renew": "renewal of a claim",
    "sweep": "sweep of stale claims",
    "propose": "hypothesis",
    "learn": "insight",
    "retract": "withdrawal",
    "views": "rebuilt views",
    "import": "imported results",
}


def noun(kind: str) -> str:
    """What a request of this kind brings, in people's words."""
    return _NOUNS.get(kind, kind)


def records(number: int, results: int) -> str:
    """So many records of which, together, so many results are: an import has many in one."""
    more = f" ({count(results, 'result')})" if results > number else ""
    return count(number, "record") + more


def gist(words: str) -> str:
    """Why something was refused, in what may be read at a glance: of a traceback its last line."""
    if words.startswith("Traceback"):
        words = words.rstrip().rpartition("\n")[2]
    return textwrap.shorten(words, 500, placeholder=" ...")


def judgement(result: Result, verdict: str | None) -> str:
    """What became of a run, in one or two words."""
    if result.status != "ok":
        return result.status
    if verdict is None and result.replicates is not None:
        return "another run"
    return _VERDICTS.get(verdict or "", "-")


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: 1 run, 3 runs."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def pairs(rows: Iterable[tuple[str, str | None]]) -> None:
    """Print labels and values, one a line, long values wrapped below themselves."""
    for shown in paired(rows, width()):
        print(shown)


def paired(rows: Iterable[tuple[str, str | None]], cells: int) -> list[str]:
    """The lines that ``pairs`` prints; words are whole where a line has more ``cells``."""
    shown = [(_label(label), line(value)) for label, value in rows if value is not None]
    wide = max((len(label) for label, _ in shown), default=0) + 2
    room = max(20, cells - wide)
    found = []
    for label, value in shown:
        wrapped = textwrap.wrap(
            value,
            room // 2 if is_wide(value) else room,
            break_long_words=False,  # ids and addresses stay whole
            break_on_hyphens=False,
        )
        for i, part in enumerate(wrapped or [""]):
            found.append(f"{'' if i else label:{wide}}{part}".rstrip())
    return found


def _label(text: str) -> str:
    """A label, whose blanks align what stands in it."""
    return lines(text).replace("\n", " ")


def say(*parts: str) -> None:
    """Print one line of strangers' or our own words."""
    print(fitted(" ".join(part for part in parts if part), sys.stdout))


def next_page(
    shown: int, total: int, command: Sequence[str], options: Mapping[str, object]
) -> None:
    """Print how many of all are shown, and the command that shows what follows.

    It is whole, so that it can be copied; options of no value, and those not chosen, are left out.
    """
    say(f"{shown} of {total}; the next page:")
    given = {n: value for n, value in options.items() if value is not None and value is not False}
    words = [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]
    print(line(shlex.join(["gitcollab", *command, *words])))


def quote(text: str, author: str, what: str) -> None:
    """Print a stranger's text of many lines, fenced (see ``records.quoting``)."""
    wide = width() if sys.stdout.isatty() else None
    print(quoted(text, author, what, wide=wide))


def hand_over(text: str, author: str, what: str, *, fenced: bool) -> None:
    """Print a text alone: fenced, on a terminal always; else unchanged, byte for byte.

    Then a line on standard error says what it is: who reads both together reads this first.
    """
    if fenced or sys.stdout.isatty():
        return quote(text, author, what)
    sys.stdout.flush()
    print(line(f"note: {what} of {author}, unchanged ({STANDING})"), file=sys.stderr, flush=True)
    sys.stdout.buffer.write(text.encode(errors="replace"))
    return None


def difference(diff: str, author: str, *, fenced: bool) -> None:
    """Print a unified diff: fenced, and coloured on a terminal; else as it is."""
    if not sys.stdout.isatty():
        return hand_over(diff, author, "difference", fenced=fenced)
    from rich.console import Console
    from rich.text import Text

    console = Console(markup=False, emoji=False, highlight=False, width=width())
    title, *rows = quoted(diff, author, "difference", wide=width()).split("\n")
    console.print(Text(title))
    for row in rows:
        part = row.removeprefix(BAR)
        heading = part.startswith(("--- ", "+++ "))
        style = "bold" if heading else {"+": "green", "-": "red", "@": "cyan"}.get(part[:1], "")
        console.print(Text(row, style), soft_wrap=True)
    return None


Table: TypeAlias = tuple[Sequence[Column], Sequence[Row]]

_AGENT = Column("agent", 39, least=8)
_ID = Column("id", 10, drop=LAST + 1)
_CHANGE = Column("change", None)


def _ranked(drop: int = LAST) -> Column:
    """The mean with its noise held against it."""
    return Column("ranks at", _FIGURE, "right", drop=drop)


def ranking(rows: Sequence[Entry] | Sequence[AgentEntry], metric_name: str) -> None:
    """A ranking, of programs or of agents."""
    from gitcollab.swarm.reports import AgentEntry, Entry

    programs = [row for row in rows if isinstance(row, Entry)]
    table(*_programs(programs, metric_name))
    for meaning in known.legend(programs):
        say(meaning)
    table(*_agents([row for row in rows if isinstance(row, AgentEntry)], metric_name))


def _programs(entries: Sequence[Entry], metric_name: str) -> Table:
    columns = (
        Column("#", 5, "right"),
        Column(metric_name, _FIGURE, "right"),
        Column(symbol("±"), 7, "right", drop=2),  # "ranks at" has it, too
        _ranked(),
        Column("runs", 8),
        Column("standing", drop=1),  # the marks say it, too
        _AGENT,
        _ID,
        _CHANGE,
    )
    return columns, [_program(entry) for entry in entries]


def _program(entry: Entry) -> Row:
    return (
        str(entry.rank),
        figure(entry.metric),
        error_of_mean(entry),
        figure(entry.pessimistic),
        known.runs(entry),
        entry.standing,
        entry.agent,
        short_id(entry.id),
        entry.description,
    )


def _agents(entries: Sequence[AgentEntry], metric_name: str) -> Table:
    counts = {"runs": "", "kept": "", "confirmed": "conf.", "replicated": "repl.", "crashed": ""}
    columns = (
        Column("#", 5, "right"),
        _AGENT,
        Column(metric_name, _FIGURE, "right"),
        _ranked(drop=1),
        *(
            Column(title, 10, "right", short=short, drop=LAST + n if short else 0)
            for n, (title, short) in enumerate(counts.items())
        ),
    )
    return columns, [_agent(entry) for entry in entries]


def _agent(entry: AgentEntry) -> Row:
    return (
        str(entry.rank),
        entry.agent,
        figure(entry.best.metric if entry.best else None),
        figure(entry.best.pessimistic if entry.best else None),
        str(entry.experiments),
        str(entry.kept),
        str(entry.confirmed),
        str(entry.replications),
        str(entry.crashes),
    )


def results(
    rows: Sequence[tuple[Result, str | None]],
    void: Mapping[str, str],
    metric_name: str,
    now: datetime,
    programs: Mapping[str, Entry] | None = None,
) -> None:
    """Results, as they are given; of those that are ``void`` why they do not count.

    ``programs`` are what they count for, by their ids.
    """
    table(*results_table(rows, void, metric_name, now, programs))
    for meaning in known.legend((programs or {}).values()):
        say(meaning)


def results_table(
    rows: Sequence[tuple[Result, str | None]],
    void: Mapping[str, str],
    metric_name: str,
    now: datetime,
    programs: Mapping[str, Entry] | None = None,
) -> Table:
    """What ``results`` prints."""
    having = programs or {}
    columns = (
        Column("age", 5, "right"),
        Column(metric_name, _FIGURE, "right"),
        Column("verdict", 12),
        Column("runs", 8, drop=1),
        _AGENT,
        _ID,
        _CHANGE,
    )
    return columns, [
        _result(result, verdict, void.get(result.id), now, having.get(result.id))
        for result, verdict in rows
    ]


def _result(
    result: Result, verdict: str | None, void: str | None, now: datetime, program: Entry | None
) -> Row:
    judged = "noise" if verdict == "within noise" else judgement(result, verdict)
    return (
        span((now - result.created_at).total_seconds()),
        figure(result.metric),
        judged if void is None else "void",
        known.runs(program) if program and void is None else "",
        result.agent,
        short_id(result.id),
        result.description if void is None else f"[{void}] {result.description}",
    )


def claims(values: Sequence[Claim]) -> None:
    """Running claims, with the time until each is void."""
    table(*claims_table((c, left(c.expires_at)) for c in values))


def claims_table(values: Iterable[tuple[Claim, str]], *, typed: bool = True) -> Table:
    """Claims with the time that each has left, in words; ``typed``: their ids are typed back."""
    ids = Column("experiment", whole=True, under=True)
    columns = (
        _AGENT,
        Column("left", 8, "right"),
        ids if typed else Column("experiment", 60, drop=1),
        _CHANGE,
    )
    return columns, [(c.agent, time_left, c.id, c.description) for c, time_left in values]


def best(entry: Entry | None) -> str:
    """The best in one line, or that there is none."""
    if entry is None:
        return "none yet; gitcollab run makes the first"
    told = known.told(entry)
    return f"{known.measured(entry)} by {entry.agent}: {entry.description} ({told})"


def signed(ok: bool | None) -> str:
    """Whether an agent signed its record, for people."""
    return {True: "yes", False: "NO: not the agent's key", None: "not checked"}[ok]


def adopted(change: Adopted) -> str:
    """Which program was adopted, and whose it is."""
    return f"{change.id or 'the baseline'}: {whose(change)}"


def whose(change: Adopted) -> str:
    """Whose code was adopted, whether it is signed, and how much of it is new."""
    if change.agent is None:
        who = "code of the hub's maintainers"
    else:
        how = {True: "signature right", False: "SIGNATURE WRONG", None: "unsigned"}
        others = f" and {change.also_by}" if change.also_by else ""
        who = f"code of {change.agent}{others}, {how[change.signature_ok]}"
    size = f"+{change.added} -{change.removed} lines" if change.changed else "as it was here"
    return f"{who}, {size}"


def now() -> datetime:
    """The time, for ages and for what is left."""
    return datetime.now(UTC)
