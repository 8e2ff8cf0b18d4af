"""Which hypotheses cannot be tried, since no program has the constants that they set. Pure.

What a machine tries is changed on the best program, on the baseline, or on the hypothesis's own
base (see ``trying``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from gitcollab.records.names import PROGRAM_PATH, folder_of
from gitcollab.similarity.constants import Value
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm.changes import values_of
from gitcollab.swarm.ideas.thoughts import Guess
from gitcollab.swarm.ideas.weighing import constants_of
from gitcollab.swarm.ranking import Standings

MOST_BASES = 32  # that are read beside the baseline and the best: anybody names what he likes


def unknown(
    snapshot: Snapshot, where: Standings, guesses: Iterable[Guess]
) -> dict[str, Sequence[str]]:
    """The constants that hypotheses set and that none of these programs has, by id.

    Of other bases only the best are read; a patch may bring its constants along.
    """
    best = where.best.first.id if where.best else None
    usual = [program_constants(snapshot, None), program_constants(snapshot, best)]
    odd = [
        guess
        for guess in guesses
        if guess.change is not None and guess.patch is None and _lacking(guess, usual)
    ]
    own = {base: program_constants(snapshot, base) for base in _bases(where, odd)}
    left = ((g, _lacking(g, [*usual, own[g.base]] if g.base in own else usual)) for g in odd)
    return {guess.id: lacking for guess, lacking in left if lacking}


def _lacking(guess: Guess, programs: Iterable[Collection[str]]) -> Sequence[str]:
    """What the program lacks that fits best; the first of several."""
    names = constants_of(guess.change)
    return min(([one for one in names if one not in known] for known in programs), key=len)


def _bases(where: Standings, guesses: Iterable[Guess]) -> list[str]:
    """The bases that may be read: of results that count, the best ones."""
    named = {guess.base for guess in guesses if guess.base is not None}
    ranked = [where.results[one] for one in named & where.results.keys()]
    measured = [run for run in ranked if run.metric is not None]
    measured.sort(key=lambda run: ((run.metric or 0.0) * where.task.sign, run.id))
    return [run.id for run in measured[:MOST_BASES]]


def program_constants(snapshot: Snapshot, result_id: str | None) -> Mapping[str, Value]:
    """The constants of the baseline (None) or of a result's program; none of what is none."""
    folder = "" if result_id is None else f"{folder_of(result_id)}/"
    data = snapshot.read(f"{folder}{PROGRAM_PATH}")
    return {} if data is None else values_of(data.decode(errors="replace"))
