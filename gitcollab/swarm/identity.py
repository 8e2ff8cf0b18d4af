"""When two experiments are the same one, and the key that names an experiment.

Strongest first: equal programs; equal changes of constants; words that say the same. Where both
sides have code, it alone decides, whatever the words say. Every decision about duplicates asks here
and nowhere else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from gitcollab.records.models import Claim, Experiment, Result
from gitcollab.records.names import short_hash, slug
from gitcollab.similarity import literal
from gitcollab.similarity.delta import values_json
from gitcollab.swarm.recogniser import Words
from gitcollab.swarm.tracks import compares


def key_of(experiment: Experiment, seed: int | None = None) -> str:
    """The experiment's key: readable, and equal for equal experiments whoever asks."""
    if experiment.replicates:
        return _key(f"replicate-{experiment.description}", f"{experiment.fingerprint} {seed}")
    if experiment.delta and not experiment.structural:
        return _key(change_text(experiment.delta), canonical_json(experiment.delta))
    if experiment.fingerprint:
        return _key(experiment.description, experiment.fingerprint)
    words = normal_words(experiment.description)
    return _key(words, words)


def _key(readable: str, identity: str) -> str:
    return f"{slug(readable)}-{short_hash(identity)}"


def canonical_json(delta: Mapping[str, object]) -> str:
    """The identity of a change of constants: sorted, 8 and 8.0 the same, True and 1 not."""
    return values_json({name: literal.from_plain(value) for name, value in delta.items()})


def change_text(delta: Mapping[str, object]) -> str:
    """The change in words, without what was there before: ``DEPTH → 9, MATRIX_LR → 0.05``."""
    return ", ".join(
        f"{name} → {literal.shown(literal.from_plain(delta[name]))}" for name in sorted(delta)
    )


def read_ahead(mine: Experiment, others: Iterable[Experiment], words: Words) -> None:
    """Have the descriptions at hand that ``same_now`` will compare, all at once."""
    spoken = [o.description for o in others if only_words(mine) or only_words(o)]
    if spoken:
        words().statements([mine.description, *spoken])


def title(experiment: Experiment) -> str:
    """What is done, for people: a change, or another run of what was measured before."""
    again = experiment.replicates
    return experiment.description if again is None else f"another run of {again}"


def only_words(experiment: Experiment) -> bool:
    """Whether nothing is known of an experiment but its description."""
    return not (experiment.fingerprint or experiment.delta or experiment.structural)


def normal_words(text: str) -> str:
    """Text as it is compared: case, punctuation at the ends and spacing do not count."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s+", " ", folded).strip(" .!;,")


def same_now(mine: Experiment, other: Claim, key: str, words: Words) -> str | None:
    """Why a running claim is the same experiment, whatever its base; None when it is another."""
    if other.id == key:
        return "same experiment"
    if mine.replicates or other.replicates:
        return None  # another seed of a program is another experiment
    same = _same_program(mine, other) or _same_change(mine, other)
    return same or _same_words(mine, other, words)


def same_claim(mine: Experiment, other: Claim, key: str) -> bool:
    """Whether a claim of one's own is for exactly this: the same key, program or change."""
    if other.id == key:
        return True
    if mine.replicates or other.replicates:
        return False
    return bool(_same_program(mine, other) or _same_change(mine, other))


def same_finished(
    mine: Experiment, other: Result, tier: str | None, task: str, words: Words
) -> str | None:
    """Why a finished result answers this experiment already; None when it does not.

    Only runs of the same task in the same track (``tier``) compare; a change that was tried on
    another base may be tried again on this one. A baseline that crashed may always be run again:
    without one there is nothing to compare with.
    """
    if other.status != "ok" and mine.fingerprint and mine.fingerprint == mine.base_fingerprint:
        return None
    if other.task != task or not compares(tier, other.hardware.tier):
        return None
    if same := _same_program(mine, other):
        return same
    if not same_base(mine.base, mine.base_fingerprint, other.base, other.base_fingerprint):
        return None
    return _same_change(mine, other) or _same_words(mine, other, words)


def _same_program(mine: Experiment, other: Experiment) -> str | None:
    if mine.fingerprint and mine.fingerprint == other.fingerprint:
        return "same program"
    return None


def _same_change(mine: Experiment, other: Experiment) -> str | None:
    if mine.structural or other.structural or not mine.delta:
        return None
    if mine.delta.keys() != other.delta.keys():  # cheap, and mostly so
        return None
    if canonical_json(mine.delta) == canonical_json(other.delta):
        return f"same change: {change_text(mine.delta)}"
    return None


def _same_words(mine: Experiment, other: Experiment, words: Words) -> str | None:
    """Words decide only where one side has nothing better."""
    if not only_words(mine) and not only_words(other):
        return None
    return _said_alike(mine.description, other.description, words)


def _said_alike(mine: str, other: str, words: Words) -> str | None:
    if normal_words(mine) == normal_words(other):
        return "same description"
    found = words().alike(mine, [other])
    return f"same in other words: {found[0][1].why}" if found else None


def same_base(
    mine: str | None, my_print: str | None, other: str | None, other_print: str | None
) -> bool:
    """Whether two experiments start from one program: by its fingerprint, else by its result."""
    if my_print and other_print:
        return my_print == other_print
    return mine == other
