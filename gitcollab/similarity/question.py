"""What a question asks of constants, and which other words are left to be searched for.

"Learning rates" are all constants whose name ends in one; "MATRIX_LR above 0.05", "12 layers" and
"double the Muon LR" are constants with values. A question is read in the words of a vocabulary,
like the descriptions that it asks for (see ``synonyms.yaml``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from gitcollab.similarity.bounds import Bound, Op, all_hold, text_of
from gitcollab.similarity.clauses import ACTIONS
from gitcollab.similarity.comparisons import Compared, compared, plainly, spelling, with_numbers
from gitcollab.similarity.literal import Value
from gitcollab.similarity.mentions import Element, Mentions, Named
from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.spellings import of_constant, spellings
from gitcollab.similarity.tokens import Token, lexed
from gitcollab.similarity.vocabulary import Vocabulary, stems

MAX_CHARS = 500  # of a question; what is longer is cut
_MOST_TERMS = 24
_NEAR = 3  # known names that are offered for one that is not


class Term(NamedTuple):
    """Words to search for: as they were said, and every way in which that is written."""

    said: str
    ways: tuple[str, ...]


class Unknown(NamedTuple):
    """What looks like a constant's name and is none, with known names that are near it."""

    name: str
    near: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """Constants that a question is about (any of ``names``), and what is asked of their values."""

    said: str
    names: tuple[Named, ...]
    bounds: tuple[Bound, ...] = ()
    ways: tuple[str, ...] = ()  # how texts write of them

    def holds(self, named: Named, value: Value, before: Value = None) -> bool:
        """Whether a constant that is set to ``value`` is as asked; ``before`` None: not known."""
        if not self.bounds:
            return True
        old = None if before is None else named.of(before)
        return all_hold(self.bounds, named.of(value), old)

    @property
    def text(self) -> str:
        """The subject in words: ``MATRIX_LR above 0.05``."""
        names = ", ".join(one.text for one in self.names)
        return f"{names} {text_of(self.bounds)}".rstrip()


@dataclass(frozen=True, slots=True)
class Question:
    """A question understood. All subjects are asked for, or any one of them: ``either``."""

    subjects: tuple[Subject, ...]
    terms: tuple[Term, ...]
    unknown: tuple[Unknown, ...] = ()
    either: bool = False


def understood(text: str, words: Vocabulary, constants: Mapping[str, Value]) -> Question:
    """What a question asks. ``constants`` are all known ones, with a value that each may have.

    Bounded: nothing counts beyond ``MAX_CHARS``.
    """
    return _Reader(words, constants).read(text[:MAX_CHARS])


_PIECE = re.compile(r"\b[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*\b")
_MOVES: Mapping[str | None, Op] = {"increase": "raised", "decrease": "lowered"}
_NAMED = re.compile(r"@(\d+)(?= |$)")
_OR = re.compile(r"or(?= |$)")
_PARTS = re.compile(r"(?:[,=→]|and)(?= |$)")


@dataclass
class _Mention:
    said: str
    names: tuple[Named, ...]
    bounds: list[Bound] = field(default_factory=list)
    concepts: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    counted: bool = False  # how many: then it is asked for, however it is called


@dataclass(frozen=True)
class _Spoken:
    """A concept that names no constant by itself."""

    concept: str
    term: Term


@dataclass(frozen=True)
class _Or:
    """Between what comes before and after, one is enough."""


_Item: TypeAlias = "_Mention | _Spoken | Term | Compared | _Or"


class _Reader:
    """Reads questions of these constants in these words."""

    def __init__(self, words: Vocabulary, constants: Mapping[str, Value]) -> None:
        self._words = words
        self._constants = constants
        self._mentions = Mentions(words, constants)

    def read(self, text: str) -> Question:
        text, unknown = self._with_names(text)
        items = self._completed(list(self._items(plainly(text))))
        mentions, unbound = _bound(items)
        subjects = [m for m in mentions if m.bounds or not self._is_light(m)]
        light = (self._term(c, m.said) for m in mentions if m not in subjects for c in m.concepts)
        said = (i.term if isinstance(i, _Spoken) else i for i in items)
        terms = [
            *(i for i in said if isinstance(i, Term)),
            *light,
            *(unbound if not unknown else ()),
        ]
        return Question(
            tuple(self._merged(subjects)),
            tuple(dict.fromkeys(terms))[:_MOST_TERMS],
            tuple(unknown),
            any(isinstance(i, _Or) for i in items) and len(subjects) > 1,
        )

    def _with_names(self, text: str) -> tuple[str, list[Unknown]]:
        """The text with names as programs have them, without what only looks like one."""
        known = {_squeezed(name): name for name in self._constants}
        found: list[Unknown] = []

        def check(match: re.Match[str]) -> str:
            piece = match[0]
            if all(concept for concept, _ in self._words.scan(stems(piece))):
                return piece
            if name := known.get(_squeezed(piece)):
                return name if "_" in name or piece.isupper() else piece
            if "_" not in piece:
                return piece
            near = difflib.get_close_matches(_squeezed(piece), known, _NEAR, 0.6)
            found.append(Unknown(piece, tuple(known[one] for one in near)))
            return " "

        return _PIECE.sub(check, text), found

    def _items(self, text: str) -> Iterator[_Item]:
        tokens = with_numbers(list(lexed(text, self._words, self._constants)), self._words)
        spelt = spelling(tokens)
        at, run = 0, list[str]()
        while at < len(spelt):
            end, item = self._item_at(spelt, at, tokens)
            if end == at:
                word, _, _ = spelt[at:].partition(" ")
                run.append(word)
                at += len(word) + 1
                continue
            yield from self._spoken(run)
            run = []
            if item is not None:
                yield item
            at = end + 1
        yield from self._spoken(run)

    def _completed(self, items: list[_Item]) -> list[_Item]:
        """ "Embedding and unembedding LR": the kind of both is said once."""
        for at, (one, *rest) in enumerate(items[n:] for n in range(len(items))):
            following = next((i for i in rest if not isinstance(i, _Or)), None)
            if isinstance(one, _Spoken) and isinstance(following, _Mention) and following.concepts:
                names = self._mentions.of((one.concept, following.concepts[-1]))
                if len(names) == 1:
                    items[at] = _Mention(one.term.said, names, [*following.bounds])
        return items

    def _item_at(self, spelt: str, at: int, tokens: Sequence[Token]) -> tuple[int, _Item | None]:
        """What begins there beside words, and where it ends."""
        if (found := compared(spelt, at, tokens)) is not None:
            return found.end, found
        if named := _NAMED.match(spelt, at):
            name = tokens[int(named[1])].text
            return named.end(), _Mention(name, (Named(name),))
        if either := _OR.match(spelt, at):
            return either.end(), _Or()
        if parted := _PARTS.match(spelt, at):
            return parted.end(), None
        return at, None

    def _spoken(self, run: Sequence[str]) -> Iterator[_Item]:
        """The constants and the terms in a run of words."""
        elements = self._mentions.elements(run)
        at = 0
        while at < len(elements):
            length, names = self._mentions.named(elements, at)
            if names:
                yield self._mention(elements, at, length, names)
            elif left := self._left(elements[at]):
                yield left
            at += max(1, length)

    def _mention(
        self, elements: Sequence[Element], at: int, length: int, names: tuple[Named, ...]
    ) -> _Mention:
        part = elements[at : at + length]
        said = " ".join(word for _, words in part for word in words)
        concepts = tuple(c for c, _ in part if c is not None and c in self._words.names)
        made = _Mention(said, names, concepts=concepts, ways=spellings(said, concepts, self._words))
        made.counted = elements[at - 1][1] in (("many",), ("number",)) if at else False
        before = [c for c, _ in elements[max(0, at - 1) : at]]
        after = [c for c, _ in elements[at + length :][:2]]
        if "remove" in before:
            made.bounds.append(Bound("=", Quantity((0.0,))))
        elif move := next((c for c in (*before, *after) if c in _MOVES), None):
            made.bounds.append(Bound(_MOVES[move]))
        return made

    def _left(self, element: Element) -> Term | _Spoken | None:
        """What is searched for of a word that names no constant."""
        concept, said = element
        if concept is not None and concept not in ACTIONS:
            return _Spoken(concept, self._term(concept, " ".join(said)))
        word = said[0]
        if concept in ACTIONS or word in self._words.weak or word in _ASKING or len(word) < 2:
            return None
        return Term(word, (word,))

    def _term(self, concept: str, said: str) -> Term:
        return Term(said, spellings(said, (concept,), self._words))

    def _merged(self, mentions: Sequence[_Mention]) -> Iterator[Subject]:
        """One subject for each set of constants."""
        together: dict[tuple[Named, ...], _Mention] = {}
        for one in mentions:
            known = together.setdefault(one.names, one)
            if known is not one:
                known.bounds += one.bounds
        for names, one in together.items():
            ways = [way for named in names for way in of_constant(named.name, self._words)]
            bounds = tuple(dict.fromkeys(one.bounds))
            yield Subject(one.said, names, bounds, tuple(dict.fromkeys([*one.ways, *ways])))

    def _is_light(self, mention: _Mention) -> bool:
        """Whether words mostly name no constant: the last layer, but 12 layers."""
        light = set(mention.concepts) <= self._words.light
        return bool(mention.concepts) and light and not mention.counted


# Words that ask, beside those that tell nothing apart in any text.
_ASKING = frozenset(
    re.findall(
        r"\w+",
        """
        what which who whom whose how why where when has have had been being were did does doing
        done there any anybody anyone anything every everybody everyone everything nothing nobody
        all some give show list tell find search look me my mine us about know known far yet ever
        learn learned learnt happen happened many much please can could should would will may might
        if people agent swarm somebody someone they them their you your think say said see seen
        good idea question answer experiment result effect impact outcome influence matter between
        vs compared compare than more most less least very really help with
        """,
    )
)


def _squeezed(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _bound(items: Sequence[_Item]) -> tuple[list[_Mention], list[Term]]:
    """The mentions with their bounds: an amount is of what comes before it, else after it.

    Amounts that are of nothing are searched for like words.
    """
    found: list[_Mention] = []
    waiting: list[Compared] = []
    for at, item in enumerate(items):
        if isinstance(item, _Mention):
            item.bounds = [b for one in waiting for b in one.bounds] or item.bounds
            waiting = []
            found.append(item)
        elif isinstance(item, Compared):
            if not found or (found[-1].bounds and _is_led_to(items[at + 1 :])):
                waiting.append(item)
            else:  # an amount says more than a direction: raised to 0.05
                kept = [one for one in found[-1].bounds if one.amount is not None]
                found[-1].bounds = [*kept, *item.bounds]
    return found, [Term(one.said, (one.said,)) for one in waiting]


def _is_led_to(rest: Sequence[_Item]) -> bool:
    """Whether the amount before is of the next constant: DEPTH 12, 0.05 for MATRIX_LR."""
    telling = [i for i in rest if isinstance(i, _Mention | Compared)]
    return isinstance(next(iter(telling), None), _Mention) and not isinstance(
        next(iter(telling[1:]), None), Compared
    )
