"""What a question asks of constants, and which other words are left to be searched for.

"Learning rates" are all constants whose name ends in one; "MATRIX_LR above 0.05", "12 layers" and
"double the Muon LR" are constants with values. A question is read in the words of a vocabulary,
like the descriptions that it asks for (see ``synonyms.yaml``).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from gitcollab.similarity.bounds import Bound, Op, all_hold, as_number, text_of
from gitcollab.similarity.clauses import ACTIONS
from gitcollab.similarity.comparisons import (
    Compared,
    ahead,
    as_typed,
    compared,
    plainly,
    spelling,
    with_numbers,
)
from gitcollab.similarity.literal import Value
from gitcollab.similarity.mentions import Element, Mentions, Named
from gitcollab.similarity.quantities import NUMBER, Quantity
from gitcollab.similarity.resolving import spoken_with
from gitcollab.similarity.spellings import of_constant, spellings
from gitcollab.similarity.tokens import Token, lexed
from gitcollab.similarity.vocabulary import Vocabulary, stem, stems

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


class Metric(NamedTuple):
    """What results are measured by, and the least and the most that they come to."""

    name: str
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Question:
    """A question understood. All subjects are asked for, or any one of them: ``either``.

    Every word that tells something is in a subject or a term, or is ``missed``: not understood.
    """

    subjects: tuple[Subject, ...]
    terms: tuple[Term, ...]
    unknown: tuple[Unknown, ...] = ()
    either: bool = False
    missed: tuple[str, ...] = ()


def understood(
    text: str, words: Vocabulary, constants: Mapping[str, Value], metric: Metric | None = None
) -> Question:
    """What a question asks. ``constants`` are all known ones, with a value that each may have.

    An amount that is of nothing is of the ``metric``, where it is one that this may come to.
    Bounded: nothing counts beyond ``MAX_CHARS``.
    """
    return _Reader(words, constants, metric).read(text[:MAX_CHARS])


def general(text: str, words: Vocabulary) -> tuple[Term, ...]:
    """Words that tell little, to be searched for where a question has no others: optimizer."""
    found = (word for word in stems(text) if word in words.weak and len(word) > 3)
    left = dict.fromkeys(word for word in found if word not in _ASKING | _LINKING)
    return tuple(Term(word, (word,)) for word in left)


def tells(word: str, words: Vocabulary) -> bool:
    """Whether a word (its stem) tells something in a question, and does not only ask."""
    return not (word in words.weak or word in _ASKING or len(word) < 2)


_NUMBER = re.compile(rf"(?<![\w.]){NUMBER}\d*(?!\w)")
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
    moved: tuple[int, ...] = ()  # the elements that say where it went


@dataclass(frozen=True)
class _Spoken:
    """A concept that names no constant by itself."""

    concept: str
    term: Term


@dataclass(frozen=True)
class _Or:
    """Between what comes before and after, one is enough."""


@dataclass(frozen=True)
class _Ahead:
    """A comparison with the amount that comes after the next constant."""

    said: str
    op: Op


@dataclass(frozen=True)
class _Missed:
    """Words that tell something, and nobody knows what."""

    said: str


_Item: TypeAlias = "_Mention | _Spoken | Term | Compared | _Or | _Ahead | _Missed"


class _Reader:
    """Reads questions of these constants in these words."""

    def __init__(
        self, words: Vocabulary, constants: Mapping[str, Value], metric: Metric | None
    ) -> None:
        self._words = words
        self._constants = constants
        self._metric = metric
        self._mentions = Mentions(words, constants)

    def read(self, text: str) -> Question:
        text, endless = _without_endless(text)
        text, unknown = self._with_names(text)
        items = self._completed(list(self._items(plainly(text))))
        items = list(_turned(items))
        mentions, unbound = _bound(items)
        loose = [self._loose(one, items) for one in (() if unknown else unbound)]
        mentions += (one for one in loose if isinstance(one, _Mention))
        of_amounts = {one.of for one in loose if isinstance(one, _NotOf)}
        subjects = [m for m in mentions if m.bounds or not (endless or self._is_light(m))]
        light = (self._term(c, m.said) for m in mentions if m not in subjects for c in m.concepts)
        said = (i.term if isinstance(i, _Spoken) else i for i in items)
        terms = dict.fromkeys(
            [
                *(i for i in said if isinstance(i, Term) and i not in of_amounts),
                *light,
                *(one for one in loose if isinstance(one, Term)),
            ]
        )
        missed = [i.said for i in [*items, *loose] if isinstance(i, _Missed | _Ahead | _NotOf)]
        missed = [*(as_typed(one, text) for one in missed), *endless]
        missed += [term.said for term in [*terms][_MOST_TERMS:]]
        return Question(
            tuple(self._merged(subjects)),
            tuple(terms)[:_MOST_TERMS],
            tuple(unknown),
            any(isinstance(i, _Or) for i in items) and len(subjects) > 1,
            tuple(dict.fromkeys(missed)),
        )

    def _loose(self, one: Compared, items: Sequence[_Item]) -> _Mention | Term | _NotOf:
        """What an amount is of that is of no constant: of the metric, of a word, or a word itself.

        No text says whether what it speaks of is above 70: that is not searched for.
        """
        if all(bound.op in ("=", "≈") for bound in one.bounds):
            return Term(one.said, (one.said,))
        if self._metric is not None and any(map(self._measures, one.bounds)):
            return _Mention(one.said, (Named(self._metric.name),), [*one.bounds])
        before = items[max(0, items.index(one) - 1)]
        of = before.term if isinstance(before, _Spoken) else before
        term = of if isinstance(of, Term) else None
        asked = text_of(one.bounds)
        return _NotOf(asked if term is None else f"{term.said} {asked}", term)

    def _measures(self, bound: Bound) -> bool:
        """Whether an amount is one that the metric may come to."""
        assert self._metric is not None
        amount = bound.amount
        if not isinstance(amount, Quantity) or amount.relative:
            return False
        number = as_number(amount.readings[0])
        return number is not None and self._metric.least <= number <= self._metric.most

    def _with_names(self, text: str) -> tuple[str, list[Unknown]]:
        """The text with names as programs have them, without what only looks like one."""
        known = {_squeezed(name): name for name in self._constants}
        found: list[Unknown] = []

        def check(match: re.Match[str]) -> str:
            piece = match[0]
            concepts = [concept for concept, _ in self._words.scan(stems(piece))]
            spoken = all(concepts)
            as_code = "_" in piece and piece.isupper()
            if spoken and not (as_code and not self._mentions.of([c for c in concepts if c])):
                return piece
            if name := known.get(_squeezed(piece)):
                return name if "_" in name or piece.isupper() else piece
            if "_" not in piece:
                return piece
            near = difflib.get_close_matches(_squeezed(piece), known, _NEAR, 0.6)
            kind = f"_{piece.rpartition('_')[2].lower()}"
            alike = [one for one in self._constants if spoken and one.lower().endswith(kind)]
            found.append(Unknown(piece, tuple([known[one] for one in near] or alike[:_NEAR])))
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
        if (turned := ahead(spelt, at)) is not None:
            return turned[0], _Ahead(spelt[at : turned[0]], turned[1])
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
        found = list(self._parted(elements))
        mentions = {
            at: self._mention(elements, at, length, names) for at, length, names in found if names
        }
        known = {at for one in mentions.values() for at in one.moved}
        for at, length, names in found:
            if names and (place := self._narrowed(elements, at, length, {*mentions})):
                yield from self._narrow(mentions[at], place)
            elif names:
                yield mentions[at]
            elif (one := self._directed(elements, at, {*mentions})) is not None:
                yield one
            elif at not in known and (left := self._left(elements[at])) is not None:
                yield left

    def _parted(self, elements: Sequence[Element]) -> Iterator[tuple[int, int, tuple[Named, ...]]]:
        """Where each constant or other element begins, how many it has, and what they name."""
        at = 0
        while at < len(elements):
            length, names = self._mentions.named(elements, at)
            yield at, max(1, length), names
            at += max(1, length)

    def _narrowed(
        self, elements: Sequence[Element], at: int, length: int, mentions: set[int]
    ) -> str | None:
        """The place that makes a constant's words mean something else: WD of value embeddings."""
        if self._constants.keys() & {elements[at][0]}:
            return None  # by its name
        _, names = self._mentions.named(elements, at)
        after = at + length
        while after < len(elements) and elements[after][1][0] in _OF_PLACES:
            after += 1
        for place in (at - 1, after):
            if 0 <= place < len(elements) and place not in mentions:
                concept = elements[place][0]
                own = [spoken_with(named.name, self._words) for named in names]
                if concept in self._words.places and not any(concept in one for one in own):
                    return concept
        return None

    def _narrow(self, mention: _Mention, place: str) -> Iterator[Term]:
        """Words for a constant of one place only: together, and then alone."""
        words, own = self._words, mention.concepts
        said = f"{words.names.get(place, place)} {mention.said}"
        ways = (*spellings(said, (place, *own), words), *spellings(said, (*own, place), words))
        yield Term(said, tuple(dict.fromkeys(ways)))
        yield Term(mention.said, spellings(mention.said, own, words))

    def _directed(
        self, elements: Sequence[Element], at: int, mentions: set[int]
    ) -> _Mention | None:
        """A word that says by itself which constant is moved where: a deeper model."""
        concept, (word, *_) = elements[at]
        kind = _KIND_OF.get(word)
        near = [n for n in (at - 1, at + 1) if 0 <= n < len(elements)]
        if kind is None or concept not in _MOVES or any(elements[n][0] for n in near):
            return None
        names = self._mentions.of((kind,))
        if not names or mentions & {*near}:
            return None
        return _Mention(word, names, [Bound(_MOVES[concept])])

    def _mention(
        self, elements: Sequence[Element], at: int, length: int, names: tuple[Named, ...]
    ) -> _Mention:
        part = elements[at : at + length]
        said = " ".join(word for _, words in part for word in words)
        concepts = tuple(c for c, _ in part if c is not None and c in self._words.names)
        made = _Mention(said, names, concepts=concepts, ways=spellings(said, concepts, self._words))
        made.counted = elements[at - 1][1] in (("many",), ("number",)) if at else False
        near = [n for n in (at - 1, at + length, at + length + 1) if 0 <= n < len(elements)]
        if at and elements[at - 1][0] == "remove":
            made.bounds.append(Bound("=", Quantity((0.0,))))
            made.moved = (at - 1,)
        elif (move := next((n for n in near if elements[n][0] in _MOVES), None)) is not None:
            made.bounds.append(Bound(_MOVES[elements[move][0]]))
            made.moved = (move,)
        return made

    def _left(self, element: Element) -> Term | _Spoken | _Missed | None:
        """What is searched for of a word that names no constant."""
        concept, said = element
        word = " ".join(said)
        if concept == "except" or word in _TURNS:
            return _Missed(word)
        if concept is not None and concept not in ACTIONS:
            return _Spoken(concept, self._term(concept, word))
        if not tells(word, self._words) or concept == "add":
            return None
        return Term(word, (word,)) if concept is None else _Missed(word)

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


@dataclass(frozen=True)
class _NotOf:
    """An amount that nothing is known to have; ``of`` are the words that it was said of."""

    said: str
    of: Term | None


# What a constant's words are joined to the place by that they are said of.
_OF_PLACES = frozenset(("of", "for", "the", "in", "on", "to", "a", "an", "with"))
# Words that say which constant they move, too.
_KIND_OF = {
    **dict.fromkeys(("deeper", "deepen", "shallower"), "depth"),
    **dict.fromkeys(("wider", "widen", "narrower", "slimmer"), "aspect"),
}
# Words that turn or compare what comes after them, where they are not understood.
_TURNS = frozenset(("never", "not", "neither", "nor", "above", "below", "beyond"))
# Words that ask or tell, beside those that tell nothing apart in any text.
_ASKING = frozenset(
    stem(word)
    for word in re.findall(
        r"\w+",
        """
        what which who whom whose how why where when has have had been being were did does doing
        done there any anybody anyone anything every everybody everyone everything nothing nobody
        all some give show list tell find search look me my mine us about know known far yet ever
        learn learned learnt happen happened many much please can could should would will may might
        if people agent swarm somebody someone they them their you your think say said see seen
        good idea question answer experiment result effect impact outcome influence matter between
        vs compared compare than more most less least very really help with
        write writes writing wrote written made make making gave give gives given giving get got
        getting something someone thing things right since one ones here up each other work works
        worked working want wants need needs look looks looking call called do
        perform performs performed report reports reported mention mentions mentioned talk talked
        read thought thoughts claim claims found finds finding his her hers its these those
            """,
    )
)


# Words that name nothing, of those that tell nothing apart.
_LINKING = frozenset(
    re.findall(
        r"\w+",
        """
        with that this from into over also both during where when which then same just only still
        again rather through while instead across within about around between entirely slightly
        been were using used change changed changing tried make keep given gone went moved done
        apply applied setting switched switch base based kind type come unchanged now
        """,
    )
)


def _squeezed(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _without_endless(text: str) -> tuple[str, list[str]]:
    """The text without numbers beyond all values, and these: nothing compares with them."""
    found = [one[0] for one in _NUMBER.finditer(text) if _is_endless(one[0])]
    return _NUMBER.sub(lambda one: " " if _is_endless(one[0]) else one[0], text), found


def _is_endless(digits: str) -> bool:
    return math.isinf(float(digits.replace(",", "").replace("_", "")))


def _turned(items: Sequence[_Item]) -> Iterator[_Item]:
    """ "Above MATRIX_LR 0.05" is MATRIX_LR above 0.05."""
    waiting: _Ahead | None = None
    named = False
    for item in items:
        if isinstance(item, _Ahead):
            if waiting is not None:
                yield waiting
            waiting, named = item, False
            continue
        named = named or isinstance(item, _Mention)
        if waiting is not None and isinstance(item, Compared):
            bare = named and all(b.op == "=" and b.was is None for b in item.bounds)
            op = waiting.op
            if bare:
                turned = tuple(replace(bound, op=op) for bound in item.bounds)
                yield item._replace(bounds=turned)
            else:
                yield waiting
                yield item
            waiting = None
            continue
        yield item
    if waiting is not None:
        yield waiting


def _bound(items: Sequence[_Item]) -> tuple[list[_Mention], list[Compared]]:
    """The mentions with their bounds: an amount is of what comes before it, else after it.

    And the amounts that are of nothing.
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
    return found, waiting


def _is_led_to(rest: Sequence[_Item]) -> bool:
    """Whether the amount before is of the next constant: DEPTH 12, 0.05 for MATRIX_LR."""
    telling = [i for i in rest if isinstance(i, _Mention | Compared)]
    return isinstance(next(iter(telling), None), _Mention) and not isinstance(
        next(iter(telling[1:]), None), Compared
    )
