"""What people read: small formats, pairs of label and value, tables. Strangers' text is inert.

Rich is imported for tables and colours only; without a terminal there are no colours.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from gitcollab.cli.text import fitted, is_wide, line, lines
from gitcollab.records.quoting import BAR, STANDING, quoted

if TYPE_CHECKING:
    from rich.console import Console

    from gitcollab.records.models import Claim, Result
    from gitcollab.swarm.reports import Adopted, AgentEntry, Entry

_NARROW = 12  # cells that a column gets which takes what the others leave

# How a verdict is said to people; a run without a metric has its status instead.
_VERDICTS = {"better": "keep", "worse": "discard", "within noise": "within noise"}
_STYLES = {
    "keep": "green",
    "discard": "red",
    "within noise": "yellow",
    "crash": "magenta",
    "timeout": "magenta",
    "void": "red",
}


def metric(value: float | None) -> str:
    """A metric as this field writes it: six decimals for numbers of ordinary size."""
    if value is None:
        return "-"
    return f"{value:.6f}" if 1e-3 <= abs(value) < 1000 or value == 0 else f"{value:.7g}"


def error_of_mean(entry: Entry) -> str:
    """The standard error of the mean, to two digits."""
    return f"{entry.sigma / entry.n**0.5:.2g}"


def span(seconds: float) -> str:
    """A length of time in its largest unit: 45s, 12m, 3h, 5d."""
    seconds = max(0.0, seconds)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def left(until: datetime) -> str:
    """The time until then, to the nearest minute where it is one or more."""
    seconds = (until - now()).total_seconds()
    return span(round(seconds / 60) * 60 if seconds >= 60 else seconds)


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
    "views": "rebuilt views",
}


def noun(kind: str) -> str:
    """What a request of this kind brings, in people's words."""
    return _NOUNS.get(kind, kind)


def gist(words: str) -> str:
    """Why something was refused, in what may be read at a glance: of a traceback its last line."""
    if words.startswith("Traceback"):
        words = words.rstrip().rpartition("\n")[2]
    return textwrap.shorten(words, 500, placeholder=" ...")


def judgement(result: Result, verdict: str | None) -> str:
    """What became of a run, in one or two words."""
    if result.status != "ok":
        return result.status
    return _VERDICTS.get(verdict or "", "-")


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: 1 run, 3 runs."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def pairs(rows: Iterable[tuple[str, str | None]]) -> None:
    """Print labels and values, one a line, long values wrapped below themselves."""
    shown = [(_label(label), line(value)) for label, value in rows if value is not None]
    wide = max((len(label) for label, _ in shown), default=0) + 2
    for label, value in shown:
        room = max(20, _width() - wide)
        wrapped = textwrap.wrap(
            value,
            room // 2 if is_wide(value) else room,
            break_long_words=False,  # ids and addresses stay whole
            break_on_hyphens=False,
        )
        for i, part in enumerate(wrapped or [""]):
            print(f"{'' if i else label:{wide}}{part}".rstrip())


def _label(text: str) -> str:
    """A label, whose blanks align what stands in it."""
    return lines(text).replace("\n", " ")


def say(*parts: str) -> None:
    """Print one line of strangers' or our own words."""
    print(fitted(" ".join(part for part in parts if part), sys.stdout))


def quote(text: str, author: str, what: str) -> None:
    """Print a stranger's text of many lines, fenced (see ``records.quoting``)."""
    wide = _width() if sys.stdout.isatty() else None
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


@dataclass(frozen=True)
class Column:
    """A column of a table: at most ``wide`` cells, or what the others leave when None.

    What is ``whole`` is never cut: on a terminal it is wrapped, elsewhere its row is longer.
    """

    title: str
    wide: int | None = 12
    side: Literal["left", "right"] = "left"
    whole: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under titles; what does not fit ends in an ellipsis, unless it is to be whole.

    Without rows nothing is printed.
    """
    if not rows:
        return
    from rich.table import Table
    from rich.text import Text

    wrapping = sys.stdout.isatty()
    needs = _needs(columns, rows)
    filling = any(column.wide is None for column in columns)
    grid = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=filling
    )
    for column, need in zip(columns, needs, strict=True):
        long = column.whole and not wrapping
        grid.add_column(
            Text(line(column.title)),
            justify=column.side,
            no_wrap=not (column.whole and wrapping),
            overflow="fold" if column.whole else "ellipsis",
            min_width=need if long else None,
            max_width=need if long else column.wide,
            ratio=1 if column.wide is None and not long else None,
        )
    for row in rows:
        grid.add_row(*(Text(line(cell), _STYLES.get(cell, "")) for cell in row))
    console = _console()
    if not wrapping:
        console.width = max(console.width, sum(needs) + 2 * len(needs))
    with console.capture() as captured:
        console.print(grid)
    print("\n".join(part.rstrip() for part in captured.get().split("\n")[:-1]))


def _needs(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """The cells that each column needs where nothing is wrapped."""
    from rich.cells import cell_len

    needs = []
    for number, column in enumerate(columns):
        longest = max(cell_len(line(text)) for text in (column.title, *(r[number] for r in rows)))
        room = column.wide or _NARROW
        needs.append(longest if column.whole else min(longest, room))
    return needs


def difference(diff: str, author: str, *, fenced: bool) -> None:
    """Print a unified diff: fenced, and coloured on a terminal; else as it is."""
    if not sys.stdout.isatty():
        return hand_over(diff, author, "difference", fenced=fenced)
    from rich.text import Text

    console = _console()
    title, *rows = quoted(diff, author, "difference", wide=_width()).split("\n")
    console.print(Text(title))
    for row in rows:
        part = row.removeprefix(BAR)
        heading = part.startswith(("--- ", "+++ "))
        style = "bold" if heading else {"+": "green", "-": "red", "@": "cyan"}.get(part[:1], "")
        console.print(Text(row, style), soft_wrap=True)
    return None


def _console() -> Console:
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False, width=_width())


def _width() -> int:
    return max(40, shutil.get_terminal_size((80, 24)).columns)


CHANGE = Column("change", None)
RANKED = Column("ranks at", 12, "right")  # the mean with its noise held against it


def ranking(rows: Sequence[Entry] | Sequence[AgentEntry], metric_name: str) -> None:
    """A ranking, of programs or of agents."""
    from gitcollab.swarm.reports import AgentEntry, Entry

    programs([row for row in rows if isinstance(row, Entry)], metric_name)
    agents([row for row in rows if isinstance(row, AgentEntry)], metric_name)


def programs(entries: Sequence[Entry], metric_name: str) -> None:
    """The ranking of programs."""
    columns = (
        Column("#", 5, "right"),
        Column(metric_name, 12, "right"),
        Column("±", 7, "right"),
        RANKED,
        Column("runs", 6),
        Column("agent", 12),
        Column("id", 10),
        CHANGE,
    )
    table(columns, [_program(entry) for entry in entries])


def _program(entry: Entry) -> Sequence[str]:
    mark = " ✓" if entry.standing == "confirmed" else ""
    return (
        str(entry.rank),
        metric(entry.metric),
        error_of_mean(entry),
        metric(entry.pessimistic),
        f"{entry.n}{mark}",
        entry.agent,
        short_id(entry.id),
        entry.description,
    )


def agents(entries: Sequence[AgentEntry], metric_name: str) -> None:
    """The ranking of agents."""
    titles = ("runs", "kept", "confirmed", "replicated", "crashed")
    columns = (
        Column("#", 5, "right"),
        Column("agent", 24, whole=True),
        Column(metric_name, 12, "right"),
        RANKED,
        *(Column(title, 10, "right") for title in titles),
    )
    table(
        columns,
        [
            (
                str(entry.rank),
                entry.agent,
                metric(entry.best.metric if entry.best else None),
                metric(entry.best.pessimistic if entry.best else None),
                str(entry.experiments),
                str(entry.kept),
                str(entry.confirmed),
                str(entry.replications),
                str(entry.crashes),
            )
            for entry in entries
        ],
    )


def results(
    rows: Sequence[tuple[Result, str | None]],
    void: Mapping[str, str],
    metric_name: str,
    now: datetime,
) -> None:
    """Results, as they are given; of those that are ``void`` why they do not count."""
    columns = (
        Column("age", 5, "right"),
        Column(metric_name, 12, "right"),
        Column("verdict", 12),
        Column("agent", 12),
        Column("id", 10),
        CHANGE,
    )
    table(
        columns,
        [
            (
                span((now - result.created_at).total_seconds()),
                metric(result.metric),
                "void" if result.id in void else judgement(result, verdict),
                result.agent,
                short_id(result.id),
                f"[{void[result.id]}] {result.description}"
                if result.id in void
                else result.description,
            )
            for result, verdict in rows
        ],
    )


def claims(values: Sequence[Claim]) -> None:
    """Running claims, with the time until each is void."""
    experiment = Column("experiment", 24, whole=True)
    agent = Column("agent", 16, whole=True)
    columns = (agent, Column("left", 5, "right"), experiment, CHANGE)
    table(
        columns,
        [(c.agent, left(c.expires_at), c.id, c.description) for c in values],
    )


def best(entry: Entry | None) -> str:
    """The best in one line, or that there is none."""
    if entry is None:
        return "none yet; gitcollab run makes the first"
    return f"{metric(entry.metric)} by {entry.agent}: {entry.description} ({standing(entry)})"


def standing(entry: Entry) -> str:
    """How well a metric is known."""
    return f"{entry.standing}, {count(entry.n, 'run')}, tier {entry.tier}"


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
        who = f"code of {change.agent}, {how[change.signature_ok]}"
    size = f"+{change.added} -{change.removed} lines" if change.changed else "as it was here"
    return f"{who}, {size}"


def now() -> datetime:
    """The time, for ages and for what is left."""
    return datetime.now(UTC)
