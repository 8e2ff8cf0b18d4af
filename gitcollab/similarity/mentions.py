"""Which constants the words of a question speak of: one by its name, or all of a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from gitcollab.similarity.clauses import ACTIONS
from gitcollab.similarity.literal import Value
from gitcollab.similarity.resolving import about, spoken_of
from gitcollab.similarity.tokens import own_words
from gitcollab.similarity.vocabulary import Vocabulary, Words, stems

_MOST = 4  # concepts that together name constants
# Between these a name goes on: the learning rate of the embeddings.
_JOINS = frozenset(("of", "for", "the", "in"))


class Named(NamedTuple):
    """A constant, or an item of one that is a tuple."""

    name: str
    item: int | None = None

    def of(self, value: Value) -> Value:
        """What is meant of the constant's value; None where there is none."""
        if self.item is None:
            return value
        if isinstance(value, tuple) and self.item < len(value):
            return value[self.item]
        return None

    @property
    def text(self) -> str:
        """The name, as in a program."""
        return self.name if self.item is None else f"{self.name}[{self.item}]"


Element: TypeAlias = tuple[str | None, Words]  # a concept and its words, or None and a word


@dataclass(frozen=True)
class Mentions:
    """Finds constants in words. ``constants`` are all that are known, with a value of each."""

    words: Vocabulary
    constants: Mapping[str, Value]

    def elements(self, run: Sequence[str]) -> list[Element]:
        """The concepts, constants' own words and other words of a run of stems, in order."""
        found: list[Element] = []
        at = 0
        while at < len(run):
            found.append(self._element(run, at))
            at += len(found[-1][1])
        return found

    def _element(self, run: Sequence[str], at: int) -> Element:
        for length in range(min(self._longest, len(run) - at), 0, -1):
            if (name := self._own.get(tuple(run[at : at + length]))) is not None:
                return name, tuple(run[at : at + length])
        concept, said = next(self.words.scan(list(run[at : at + self.words.longest])))
        if len(said) > 1 and said[0] in self.words.weak and self._is_constant(said[1:]):
            return None, said[:1]  # what failed with depth 12
        return concept, said

    def _is_constant(self, said: Words) -> bool:
        concept = self.words.concepts.get(said)
        return concept is not None and len(self.of((concept,))) == 1

    def named(self, elements: Sequence[Element], at: int) -> tuple[int, tuple[Named, ...]]:
        """The constants that the elements from ``at`` on name, and how many elements do so."""
        concept, _ = elements[at]
        if concept in self.constants and concept in self._own.values():
            return 1, (Named(str(concept)),)
        best: tuple[int, tuple[Named, ...]] = 0, ()
        concepts: list[str] = []
        for length, (one, said) in enumerate(elements[at:], 1):
            if one is None:
                if concepts and said[0] in _JOINS:
                    continue
                break
            if one in ACTIONS or one in self._own.values() or len(concepts) == _MOST:
                break
            concepts.append(one)
            if found := self.of(concepts):
                best = length, found
        return best

    def of(self, concepts: Sequence[str]) -> tuple[Named, ...]:
        """The constant that is spoken of so, else all of that kind: no, one, several."""
        core = self.words.core(concepts)
        if (exact := spoken_of(self.words, tuple(self.constants)).get(core)) is not None:
            return (Named(*exact),)
        return tuple(Named(name) for name, forms in self._forms.items() if core in forms)

    @cached_property
    def _own(self) -> Mapping[Words, str]:
        return own_words(self.words, tuple(self.constants))

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._own), default=0)

    @cached_property
    def _forms(self) -> Mapping[str, frozenset[frozenset[str]]]:
        """For each constant the concepts that tell its kind, perhaps with others of its name.

        The kind is what its name ends in: EMBEDDING_LR is a learning rate, and no embedding.
        """
        return {name: frozenset(self._kinds(name)) for name in self.constants}

    def _kinds(self, name: str) -> Iterator[frozenset[str]]:
        spoken = [c for c, _ in self.words.scan(stems(name.replace("_", " "))) if c]
        if not spoken:
            return
        kind = spoken[-1]
        for form in (about(name, self.words), *self.words.parameters.get(name, ())):
            others = sorted(form - {kind})
            if kind in form:
                yield frozenset((kind,))
                yield from (frozenset((kind, other)) for other in others)
