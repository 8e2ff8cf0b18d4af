"""The verb that explains how experiments are recognised by their descriptions: similar."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import LOOK, Json, verb
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.swarm.comparing import Comparison, Judged, Understood
    from gitcollab.swarm.pairs import Pair

_MANY = 50  # pairs; fewer are judged within a second
_SHOWN = 500  # rows of a table; --json gives all


@verb(
    LOOK,
    'gitcollab similar "raise Muon LR to 5e-2" "MATRIX_LR 0.04 → 0.05"',
    "gitcollab similar --pairs pairs.tsv --base base.yaml --json",
)
def similar(
    a: Annotated[str | None, typer.Argument(metavar="A", help="A change in words.")] = None,
    b: Annotated[str | None, typer.Argument(metavar="B", help="Another one.")] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Judge the pairs in a tab-separated file."),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The constants: YAML, or a program (.py)."),
    ] = None,
    json: Json = False,
) -> None:
    """Explain whether two descriptions say the same.

    Says what decided, and what was understood of each. In a workspace they are read in the words
    of its hub, as this host knows them, and against the constants of its base program.

    --pairs takes a file whose first line names its columns: a, b and perhaps label (same or
    different), which gives accuracy, and precision and recall of "same". Other columns do not
    count. The exit code is 0 whatever the verdict.
    """
    if pairs is not None and (a is not None or b is not None):
        raise UsageError("A and B do not go with --pairs", "leave them out, or --pairs")
    if pairs is not None:
        return _judge_file(pairs, base, json)
    if a is None or b is None:
        raise UsageError(
            "two descriptions are needed, or --pairs",
            'as in gitcollab similar "halve the LR" "LR x0.5"',
        )
    return _explain(a, b, base, json)


def _explain(a: str, b: str, base: Path | None, json: bool) -> None:
    from gitcollab.swarm.comparing import comparison
    from gitcollab.swarm.pairs import Pair

    judge = comparison(Path(), base)
    judged, understood = judge.explain(Pair(a, b))
    if json:
        return jsonout.emit(jsonout.explained(judged, understood) | jsonout.model(judge))
    verdict = judged.verdict
    render.pairs(
        [
            ("verdict", "same" if verdict.same else "different"),
            ("by", f"{verdict.by}: {_DECIDES[verdict.by]}"),
            ("score", f"{verdict.score:.2f}"),
            ("why", verdict.why),
            *_told("A", a, understood[0]),
            *_told("B", b, understood[1]),
        ]
    )
    _tell_notes(judge)
    return None


_DECIDES = {
    "text": "the words are the same",
    "change": "both set constants, and nothing else",
    "value": "they name other values",
    "direction": "they do opposite things",
    "contrast": "they are about different things",
    "wording": "how much both say, of what either says",
    "embedding": "how much both say, and a sentence model",
}


def _told(letter: str, text: str, said: Understood) -> list[tuple[str, str | None]]:
    """What was understood of a text, below it; what there is nothing of is left out."""
    from gitcollab.similarity.literal import shown

    cut = None if _same_line(said.text, text) else said.text
    sets = [f"{name} → {shown(value)}" for name, value in said.constants.items()]
    sets += ["and nothing else"] if said.complete else []
    return [
        ("", ""),
        (letter, text),
        ("counts", cut),
        ("sets", ", ".join(sets) or None),
        ("does", ", ".join(said.actions) or None),
        ("about", None if said.complete else ", ".join(said.about) or None),
        ("aside", ", ".join(said.remarks) or None),
        ("says", ", ".join(said.numbers) or None),
        ("was", ", ".join(said.before) or None),
    ]


def _same_line(a: str, b: str) -> bool:
    return " ".join(a.casefold().split()) == " ".join(b.casefold().split())


def _judge_file(path: Path, base: Path | None, json: bool) -> None:
    from gitcollab.swarm.comparing import comparison
    from gitcollab.swarm.pairs import read_pairs

    file = read_pairs(path)
    judge = comparison(Path(), base)
    judged = _judged(judge, file.pairs)
    if json:
        return jsonout.emit(jsonout.judged(judged, file.labelled) | jsonout.model(judge))
    _table(judged, file.labelled)
    if file.labelled:
        _tell_scores(judged)
    _tell_notes(judge)
    return None


def _judged(judge: Comparison, pairs: Sequence[Pair]) -> list[Judged]:
    from gitcollab.cli.progress import LiveLine

    with LiveLine(sys.stderr, quiet=True) as live:

        def show(done: int, total: int) -> None:
            if total >= _MANY:
                live.show_share(f"judging {total:,} pairs", done / total)

        return judge.judge(pairs, show)


def _table(judged: Sequence[Judged], labelled: bool) -> None:
    """A row a pair; where there are too many, the wrong ones come first."""
    shown = judged
    if len(judged) > _SHOWN:
        shown = sorted(judged, key=lambda one: not one.wrong)[:_SHOWN]
    columns = [render.Column("verdict", 9), render.Column("by", 9)]
    columns += [render.Column("", 5)] if labelled else []
    columns += [render.Column("a", None), render.Column("b", None)]
    render.table(columns, [_row(one, labelled) for one in shown])
    if len(judged) > len(shown):
        render.say(f"... and {len(judged) - len(shown):,} more (--json gives all)")


def _row(one: Judged, labelled: bool) -> list[str]:
    verdict = "same" if one.verdict.same else "different"
    mark = ["WRONG" if one.wrong else ""] if labelled else []
    return [verdict, one.verdict.by, *mark, one.pair.a, one.pair.b]


def _tell_scores(judged: Sequence[Judged]) -> None:
    from gitcollab.swarm.comparing import scores

    told = ", ".join(
        f"{name} {'-' if share is None else f'{share:.3f}'}"
        for name, share in vars(scores(judged)).items()
    )
    wrong = sum(one.wrong for one in judged)
    render.say(f"{told}: {wrong} of {render.count(len(judged), 'pair')} wrong")


def _tell_notes(judge: Comparison) -> None:
    if judge.note:
        render.say("note:", judge.note)
    if judge.model_missing:
        why = f"no sentence model could be had ({judge.model_missing})"
        render.say(f"note: words alone decided, {why}; next: {judge.model_hint}")
