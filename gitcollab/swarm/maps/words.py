"""What the words of results without a program say beyond the constants that they set. Pure.

Where there is a program, it alone decides; these have none, and nobody can look.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gitcollab.swarm.runs import Run

if TYPE_CHECKING:  # what reads words is imported where words are to be read
    from gitcollab.similarity.library import Library
    from gitcollab.similarity.quantities import Quantity
    from gitcollab.similarity.statement import Statement
    from gitcollab.swarm.recogniser import Words


def is_bare(run: Run) -> bool:
    """Whether nobody has its program: what it changed is known by what it says alone."""
    return run.program is None


def started(results: Mapping[str, Run], words: Words) -> Mapping[str, Quantity]:
    """What results say that the constant which they set was, by id.

    That is 0.2 of "weight decay 0.2 to 0.15". Where the base has a program, that tells it.
    """
    asked = [run for run in results.values() if _may_say(run, results)]
    if not asked:
        return {}
    said = words().statements([run.description for run in asked])
    return {
        run.id: one
        for run, statement in zip(asked, said, strict=True)
        if (one := _start(statement)) is not None
    }


def _may_say(run: Run, results: Mapping[str, Run]) -> bool:
    if not is_bare(run) or run.delta is None or len(json.loads(run.delta)) != 1:
        return False
    base = results.get(run.base) if run.base else None
    return base is None or is_bare(base)


def _start(said: Statement) -> Quantity | None:
    match said.started:
        case [one] if not isinstance(one, str | tuple) and one.kind == "number":
            return one
        case _:
            return None


def speaking(
    runs: Iterable[Run], names: Collection[str], words: Words
) -> Mapping[str, Sequence[Run]]:
    """The constants that results speak of which set none, each with these results."""
    asked = [run for run in runs if is_bare(run) and run.delta is None]
    found: dict[str, list[Run]] = {}
    if asked and names:
        library = words()
        said = library.statements([run.description for run in asked])
        for run, statement in zip(asked, said, strict=True):
            for name in _spoken_of(statement, tuple(sorted(names)), library):
                found.setdefault(name, []).append(run)
    return found


def _spoken_of(said: Statement, names: tuple[str, ...], library: Library) -> Collection[str]:
    """The constants that a text speaks of, the most exact: of a short window, not of windows."""
    from gitcollab.similarity.resolving import spoken_of
    from gitcollab.similarity.tokens import own_words

    words = library.words
    forms = {
        form: name
        for form, (name, _) in spoken_of(words, names).items()
        if form <= said.concepts and not form <= words.light
    }
    exact = {name for form, name in forms.items() if not any(form < other for other in forms)}
    own = own_words(words, names).items()
    return exact | {name for of, name in own if {*of} <= {*said.terms}}
