"""How texts write what is meant: every way of a concept, and of several concepts together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

from gitcollab.similarity.vocabulary import Vocabulary, stems

MOST = 12  # ways that are searched for
_EACH = 3  # of each concept, where several stand together


def spellings(said: str, concepts: Sequence[str], words: Vocabulary) -> tuple[str, ...]:
    """How texts write these concepts, one after the other; as it was ``said`` first."""
    if len(concepts) == 1:
        found = _written(concepts[0], words)
    else:
        each = [_written(concept, words)[:_EACH] for concept in concepts]
        found = [" ".join(way) for way in itertools.product(*each) if way]
    return tuple(dict.fromkeys([said, *found]))[:MOST]


def narrower(said: str, words: Vocabulary) -> tuple[str, ...]:
    """The kinds of what is said, as they are best written: swiglu and gelu are activations."""
    (concept, *others) = words.concepts_in(said) or [None]
    if concept is None or others:
        return ()
    kinds = (one for one, implied in words.implies.items() if concept in implied)
    return tuple(words.names.get(one, one) for one in kinds)[:MOST]


def of_constant(name: str, words: Vocabulary) -> tuple[str, ...]:
    """How texts write a constant's name: MATRIX_LR is the matrix learning rate, too."""
    spoken = name.replace("_", " ").lower()
    found = list(words.scan(stems(spoken)))
    concepts = [concept for concept, _ in found if concept is not None]
    return spellings(spoken, concepts if len(concepts) == len(found) else [], words)


def _written(concept: str, words: Vocabulary) -> list[str]:
    """The ways in which a concept is written, in the vocabulary's order; a square is one, too."""
    ways = [" ".join(way) for way, one in words.concepts.items() if one == concept]
    squares = [f"{way[:-1]}²" for way in ways if way.endswith("2")]
    return [*squares, *ways]


@lru_cache(maxsize=50_000)
def in_full(text: str, words: Vocabulary) -> str:
    """A text, and once more with what it abbreviates written out, and without its numbers.

    "WD follows LR schedule (weight decay follows learning rate schedule)": so a sentence model
    reads the words of a field that it knows little of.
    """
    plain = (
        words.names.get(concept, concept) if concept is not None else " ".join(said)
        for concept, said in words.scan(stems(text))
        if concept is not None or not said[0].isdigit()
    )
    written = " ".join(plain)
    return f"{text} ({written})" if written else text
