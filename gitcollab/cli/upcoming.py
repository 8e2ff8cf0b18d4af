"""The verb ``next``: what this machine would run now, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import WORK, Json, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.text import symbol

if TYPE_CHECKING:
    from gitcollab.swarm.engine.choice import Choice, Outlook, Passed


@verb(
    WORK,
    "gitcollab next",
    "gitcollab next --explain    # with what is passed over, and the scores",
)
def next(  # noqa: A001 - the word that users type
    explain: Annotated[
        bool, typer.Option("--explain", help="Also what is passed over and why, and the scores.")
    ] = False,
    count: Annotated[int, typer.Option(min=1, max=50, help="So many, at most.")] = 5,
    json: Json = False,
) -> None:
    """Show what a lent machine would run now.

    What `run --count` and `run --forever` would do, the first first: your own edit; then what
    others' programs need (a replication), an open hypothesis that a machine can try, a change
    that the engine proposes. A hub's task may order these otherwise. Nothing is claimed, and the
    hub isn't asked: `gitcollab sync` first sees what is new. Where the first is claimed by
    somebody meanwhile, the next is taken.
    """
    found = open_swarm().next_choices(count)
    if json:
        return jsonout.emit(
            {
                "choices": [_choice(one) for one in found.choices],
                "passed": [_passed(one) for one in found.passed],
            }
        )
    _tell(found, explain=explain)
    return None


def _choice(one: Choice) -> jsonout.JsonObject:
    from gitcollab.swarm.identity import title

    mine = one.plan.experiment
    return {
        "kind": one.kind,
        "description": title(mine),
        "why": one.why,
        "seed": one.plan.seed,
        "base": one.base.id,
        "replicates": mine.replicates,
        "hypothesis": one.hypothesis.id if one.hypothesis else None,
        "set": mine.delta,
        "code_of": list(one.by),
        "scores": dict(one.scores),
    }


def _passed(one: Passed) -> jsonout.JsonObject:
    return {
        "kind": one.kind,
        "description": one.what,
        "why": one.why,
        "id": one.id,
        "scores": dict(one.scores),
    }


def _tell(found: Outlook, *, explain: bool) -> None:
    if not found.choices:
        render.say("nothing would be run now: the hub is watched until there is something")
    scores = (render.Column("scores", 40, drop=2),) if explain else ()
    columns = (
        render.Column("#", 3, "right"),
        render.Column("kind", 11),
        render.Column("what", None),
        render.Column("why", 80, whole=True, under=True),
        *scores,
    )
    rows = [
        (
            str(number),
            one.kind,
            _what(one),
            one.why,
            *([_scored(one.scores)] if explain else []),
        )
        for number, one in enumerate(found.choices, 1)
    ]
    if rows:
        render.table(columns, rows)
    if explain:
        _tell_passed(found)


def _tell_passed(found: Outlook) -> None:
    print()
    if not found.passed:
        return render.say("nothing was passed over")
    render.say("passed over:")
    render.table(
        (
            render.Column("kind", 11),
            render.Column("what", None),
            render.Column("why not", 80, whole=True, under=True),
            render.Column("scores", 40, drop=2),
        ),
        [(one.kind, _named(one), one.why, _scored(one.scores)) for one in found.passed],
    )
    return None


def _what(one: Choice) -> str:
    mine = one.plan.experiment
    again = f" ({render.short_id(mine.replicates)})" if mine.replicates else ""
    seed = f", seed {one.plan.seed}" if mine.replicates else ""
    return f"{mine.description}{again}{seed}"


def _named(one: Passed) -> str:
    return f"{one.what} ({render.short_id(one.id)})" if one.id else one.what


def _scored(scores: Mapping[str, float]) -> str:
    """The scores in a line: "0.9829 ± 0.0012, 2 runs"."""
    if "score" in scores:
        return f"score {scores['score']:.2f}"
    if "runs" not in scores:
        return ""
    runs = render.count(int(scores["runs"]), "run")
    if "believed" not in scores:
        return f"{render.figure(scores['mean'])}, {runs}"
    believed, error = (render.figure(scores[name]) for name in ("believed", "error"))
    return f"{believed} {symbol('±')} {error}, {runs}"
