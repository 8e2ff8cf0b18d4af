"""The verb that asks the swarm what it knows: ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import THINK, Json, verb
from gitcollab.cli.choices import Where
from gitcollab.cli.context import open_swarm
from gitcollab.cli.render import Table
from gitcollab.cli.table import LAST, Row
from gitcollab.cli.text import symbol
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.swarm.changes import Changed
    from gitcollab.swarm.progress import Mark
    from gitcollab.swarm.search.asking import Answer, Hit
    from gitcollab.swarm.search.asking import Where as Records
    from gitcollab.swarm.search.tried import Value

_VALUES = 12  # rows of values; --json gives more
_MARKS: tuple[Mark, ...] = ("keep", "noise", "discard", "crash")
_GIVEN = "that is the baseline's own value, which nobody had to set"
_NOTHING_ASKED = (
    "there is nothing in that to look for; ask as in:",
    'gitcollab ask "what learning rates have been tried?"',
    'gitcollab ask "what failed with a deeper model"',
    'gitcollab ask --in insights "attention"',
)
_MISSED = "not understood: "
_FILTERS = ("since: ", "before: ", "gain: ", "verdict: ", "status: ", "agent: ", "tier: ")
_COUNTS = ("keep", "noise", "disc.", "crash")
_WHERE: dict[Where, Records] = {
    Where.results: "results",
    Where.hypotheses: "hypotheses",
    Where.insights: "insights",
    Where.claims: "claims",
}


@verb(
    THINK,
    'gitcollab ask "what learning rates have been tried?"',
    'gitcollab ask "what failed with MATRIX_LR above 0.05" --in results',
)
def ask(
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", help="In plain words.")],
    where: Annotated[Where | None, typer.Option("--in", help="Only these records.")] = None,
    tier: Annotated[
        str | None, typer.Option(help="Only results of this tier: cpu, small, ..., xl.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Answers on a page.")] = 20,
    page: Annotated[
        str | None, typer.Option(help="The page's token, as the page before gave it.")
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="By constants and words alone: no sentence model.")
    ] = False,
    meaning: Annotated[
        bool, typer.Option("--meaning", help="Ask the sentence model, whatever words find.")
    ] = False,
    json: Json = False,
) -> None:
    """Ask what the swarm knows: results, hypotheses, insights, claims.

    Constants are understood, by name or in words, with what is asked of their values ("MATRIX_LR
    above 0.05", "12 layers", "double the batch"); so are verdicts ("what failed"), agents ("by
    nova"), tiers ("on cpu"). Other words are searched for, in all ways that the field writes them;
    where these find little, a sentence model looks for what is meant. What was understood is said
    below the answers. Of a constant, the figures are those of coverage: so many experiments tried a
    value, "alone" of them changed nothing else, and "gain" is the mean of these over their bases.
    """
    if words and meaning:
        raise UsageError("--words and --meaning do not go together", "leave one of them out")
    asked = " ".join(question)
    swarm = open_swarm()
    found = swarm.ask(
        asked,
        where=None if where is None else _WHERE[where],
        limit=limit,
        page=page,
        meaning=True if meaning else False if words else None,
        tier=tier,
    )
    if json:
        return jsonout.emit(jsonout.answer(found))
    metric = swarm.task.metric.name
    if page is None:
        _tell_values(found, metric)
    if found.hits:
        render.table(*_answers(found.hits, metric))
    elif found.nothing_asked:
        for said in _NOTHING_ASKED:
            render.say(said)
        return None
    elif not found.other_values and not found.pointers:
        render.say("nothing found")
    _tell_understood(found)
    if found.next:
        options = {"in": where and where.value, "tier": tier, "limit": limit, "page": found.next}
        options |= {"words": words, "meaning": meaning}
        render.next_page(len(found.hits), found.total, ["ask", asked], options)
    return None


def _tell_values(found: Answer, metric: str) -> None:
    """What was tried of the constants that are asked about, the most telling values."""
    if not found.tried:
        return
    if found.other_values:
        given = any(one.asked for one in found.now)
        render.say(f"{_GIVEN if given else 'nobody has tried that'}; what has been tried:")
    from gitcollab.swarm.search.tried import telling

    shown = telling(found.tried, _VALUES)
    rows = [_value(value) for value in shown]
    columns = (
        render.Column("constant", 40, least=8),
        render.Column("value", 16),
        render.Column("tried", 5, "right"),
        render.Column("alone", 5, "right"),
        *(render.Column(title, 5, "right", drop=2) for title in _COUNTS),
        render.Column("gain", 11, "right"),
        render.Column(symbol("±"), 8, "right", drop=2),
        render.Column(f"best {metric}", 16, "right", short="best", drop=1),
    )
    told = [at for at, one in enumerate(columns) if one.title not in _COUNTS or _any(rows, at)]
    render.table([columns[at] for at in told], [[row[at] for at in told] for row in rows])
    if found.values > len(shown):
        more = f"... and {found.values - len(shown)} more values"
        render.say(f"{more}: gitcollab coverage {shown[0].constant}")
    print()


def _any(rows: Sequence[Row], at: int) -> bool:
    """Whether any value came to that: what is nowhere needs no room."""
    return any(row[at] for row in rows)


def _value(one: Value) -> Row:
    return (
        one.constant,
        one.value,
        str(one.n),
        str(one.alone or ""),
        *(str(one.verdicts.get(mark) or "") for mark in _MARKS),
        "" if one.gain is None else render.signed_figure(one.gain),
        "" if one.error is None else f"{one.error:.2g}",
        render.figure(one.best),
    )


def _answers(hits: Sequence[Hit], metric: str) -> Table:
    several = len({hit.kind for hit in hits}) > 1
    measured = any(hit.kind == "result" for hit in hits)
    columns = [
        *([render.Column("kind", 10, least=6)] if several else []),
        *([render.Column(metric, 11, "right")] if measured else []),
        render.Column("verdict" if measured else "status", 12),
        render.Column("agent", 39, least=8, drop=LAST),
        render.Column("id", 10),
        render.Column("change" if measured else "text", None, under=True),
    ]
    return columns, [_answer(hit, several, measured) for hit in hits]


def _answer(hit: Hit, several: bool, measured: bool) -> Row:
    here = " (waits here)" if hit.waiting else ""
    return [
        *([hit.kind] if several else []),
        *([render.figure(hit.metric)] if measured else []),
        hit.verdict or "-",
        hit.agent,
        render.short_id(hit.id),
        f"{_said(hit)}{here}",
    ]


def _said(hit: Hit) -> str:
    """What a record says, and before that what it changes, where the words do not tell."""
    changes = ", ".join(map(_change, hit.changes))
    return f"{changes}: {hit.text}" if changes and not hit.says_changes else hit.text


def _change(one: Changed) -> str:
    return f"{one.name} {one.before or ''} → {one.after}".replace("  ", " ")


def _tell_understood(found: Answer) -> None:
    print()
    for one in found.now:
        render.say("now:", one.text)
    for command in found.pointers:
        render.say("see:", command)
    if not found.hits and not found.pointers:
        render.say("next:", _next(found))
    for said in found.understood:
        render.say(said if said.startswith(_MISSED) else f"understood: {said}")
    if not found.understood:
        render.say("understood: nothing in particular, so all is listed")
    if found.meaning and not found.meaning.startswith("not "):
        render.say("meaning:", found.meaning)


def _next(found: Answer) -> str:
    """What else may be asked where nothing was found."""
    if any(said.startswith(_MISSED) for said in found.understood):
        return "say in other words what was not understood"
    words = [said for said in found.understood if said.startswith("words: ")]
    if words and any(said.startswith(_FILTERS) for said in found.understood):
        return f"leave out words that no record has ({words[0]}), or what narrows the question"
    narrow = [said for said in found.understood if said.startswith(_FILTERS)]
    if narrow:
        return f"leave out what narrows the question ({'; '.join(narrow)})"
    return "other words; gitcollab results lists all there is, gitcollab coverage all values"
