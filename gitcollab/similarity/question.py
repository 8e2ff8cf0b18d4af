"""What a question asks of constants, and which other words are left to be searched for.

"Learning rates" are all constants whose name ends in one; "MATRIX_LR above 0.05", "12 layers" and
"double the Muon LR" are constants with values. A question is read in the words of a vocabulary,
like the descriptions that it asks for (see ``synonyms.yaml``).
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from gitcollab.similarity.bounds import Bound, Op, all_hold, text_of
from gitcollab.similarity.clauses import ACTIONS
from gitcollab.similarity.literal import Value
from gitcollab.similarity.mentions import Element, Mentions, Named
from gitcollab.similarity.quantities import NUMBER, Quantity
from gitcollab.similarity.tokens import Amount, Kind, Token, lexed
from gitcollab.similarity.vocabulary import Vocabulary, stems

MAX_CHARS = 500  # of a question; what is longer is cut
_MOST_WAYS = 12  # in which a concept is searched for
_MOST_WAYS_EACH = 3  # where several concepts together are searched for
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


# -- amounts and what is asked of them -------------------------------------------------------------

# Marks that texts are compared with, as words: the lexer knows only those of descriptions.
_WORDS_FOR = (
    (r"!=|≠|<>", " other than "),
    (r">=|≥", " at least "),
    (r"<=|≤", " at most "),
    (r"(?<![-=])>", " above "),
    (r"<", " below "),
    (r"≈|~", " about "),
)
_PIECE = re.compile(r"\b[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*\b")
_TURNED = {"<": ">", "<=": ">=", "≤": ">=", ">": "<", ">=": "<=", "≥": "<="}
_NUMBER_FIRST = re.compile(rf"(?<![\w.])({NUMBER}[kKmM]?)\s*(<=|>=|<|>|≤|≥)\s*(?=[A-Za-z])")
_SPAN = re.compile(rf"(?<![\w.])({NUMBER}[kKmM]?)\s*(?:-|–|—|\.\.\.?)\s*(?={NUMBER})")

_MORE = "more|higher|above|over|up|larger|bigger|greater|beyond|longer|deeper|wider"
_LESS = "less|lower|below|under|down|smaller|fewer|shorter|narrower|shallower"
# What is said of amounts (#, by number), most telling first; words as their stems.
_RULES: tuple[tuple[str, tuple[Op | Literal["→"], ...]], ...] = (
    (r"(?:any ?where )?between #(\d+) (?:and|to|,) #(\d+)", ("≥", "≤")),
    (r"(?:from )?#(\d+) → #(\d+)", ("→",)),
    (r"(?:from )?#(\d+) (?:up to|to|through|until) #(\d+)", ("≥", "≤")),
    (r"(?:at least|no less than|not (?:below|under)|minimum of) #(\d+)", ("≥",)),
    (r"(?:at most|up to|no more than|not (?:above|over)|maximum of) #(\d+)", ("≤",)),
    (rf"#(\d+) (?:or|and) (?:{_MORE})\b", ("≥",)),
    (rf"#(\d+) (?:or|and) (?:{_LESS})\b", ("≤",)),
    (rf"(?:above|over|beyond|past|exceed(?:ing|ed)?|(?:{_MORE}) than) #(\d+)", (">",)),
    (rf"(?:below|under|(?:{_LESS}) than) #(\d+)", ("<",)),
    (r"(?:about|around|near|roughly|approximately|close to) #(\d+)", ("≈",)),
    (r"(?:not|other than|except|but not) #(\d+)", ("≠",)),
    (r"(?:(?:=|is|was|at|of|to|set|equal|→) )*#(\d+)", ("=",)),
)
_COMPARISONS = tuple((re.compile(rf"{pattern}(?= |$)"), ops) for pattern, ops in _RULES)
_TRUTHS = re.compile(r"(?:= )+(true|false|none)(?= |$)")


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


class _Or(NamedTuple):
    """Between what comes before and after, one is enough."""


_Item: TypeAlias = "_Mention | _Spoken | Term | tuple[Bound, ...] | _Or | Unknown"


class _Reader:
    """Reads questions of these constants in these words."""

    def __init__(self, words: Vocabulary, constants: Mapping[str, Value]) -> None:
        self._words = words
        self._constants = constants
        self._mentions = Mentions(words, constants)

    def read(self, text: str) -> Question:
        text, unknown = self._with_names(text)
        items = self._completed(list(self._items(_plainly(text))))
        mentions = _bound(items)
        subjects = [m for m in mentions if m.bounds or not self._is_light(m)]
        light = (self._term(c, m.said) for m in mentions if m not in subjects for c in m.concepts)
        said = (i.term if isinstance(i, _Spoken) else i for i in items)
        terms = [*(i for i in said if isinstance(i, Term)), *light]
        return Question(
            tuple(_merged(subjects)),
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
        found = list(lexed(text, self._words, self._constants))
        tokens = [self._counted(found, at) for at in range(len(found))]
        spelt = " ".join(_spelt(token, at) for at, token in enumerate(tokens))
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
        for pattern, ops in _COMPARISONS:
            if found := pattern.match(spelt, at):
                amounts = [tokens[int(number)].amount for number in found.groups()]
                return found.end(), tuple(_bounds(ops, amounts))
        if found := _TRUTHS.match(spelt, at):
            return found.end(), (Bound("=", found[1]),)
        if found := re.compile(r"@(\d+)(?= |$)").match(spelt, at):
            name = tokens[int(found[1])].text
            return found.end(), _Mention(name, (Named(name),))
        if found := re.compile(r"or(?= |$)").match(spelt, at):
            return found.end(), _Or()
        if found := re.compile(r"(?:[,=→]|and)(?= |$)").match(spelt, at):
            return found.end(), None
        return at, None

    def _counted(self, found: Sequence[Token], at: int) -> Token:
        """Words that are numbers as numbers: twelve, double, half; not the second half."""
        token = found[at]
        if token.kind is not Kind.WORD:
            return token
        word, words = token.text, self._words
        amount: Amount | None = None
        if words.numbers.get(word, 0) > 1:
            amount = Quantity((words.numbers[word],))
        elif word in words.factors:
            amount = Quantity((words.factors[word],), "factor")
        elif word in ("half", "quarter") and not self._is_part(found, at):
            amount = Quantity((words.fractions.get(word, 0.5),), "fraction")
        return token if amount is None else Token(Kind.VALUE, word, amount)

    def _is_part(self, found: Sequence[Token], at: int) -> bool:
        """Whether a word is part of a phrase with the one before or after it."""
        pairs = (found[max(0, at - 1) : at + 1], found[at : at + 2])
        phrases = (tuple(t.text for t in pair) for pair in pairs)
        return any(len(p) > 1 and p in self._words.concepts for p in phrases)

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
        made = _Mention(said, names, concepts=concepts, ways=self._ways(said, concepts))
        made.counted = elements[at - 1][1] in (("many",), ("number",)) if at else False
        around = {c for c, _ in (*elements[max(0, at - 1) : at], *elements[at + length :][:2])}
        if "remove" in {c for c, _ in elements[max(0, at - 1) : at]}:
            made.bounds.append(Bound("=", Quantity((0.0,))))
        elif len(moves := around & {"increase", "decrease"}) == 1:
            made.bounds.append(Bound("raised" if "increase" in moves else "lowered"))
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

    def _ways(self, said: str, concepts: Sequence[str]) -> tuple[str, ...]:
        """How texts write what these concepts mean together, as it was said first."""
        each = [self._written(concept)[:_MOST_WAYS_EACH] for concept in concepts]
        if len(each) == 1:
            each = [self._written(concepts[0])]
        together = (" ".join(way) for way in itertools.product(*each) if way)
        return tuple(dict.fromkeys([said, *together]))[:_MOST_WAYS]

    def _written(self, concept: str) -> list[str]:
        """The ways in which a concept is written, the shortest first."""
        ways = [" ".join(way) for way, one in self._words.concepts.items() if one == concept]
        ways += [f"{way[:-1]}²" for way in ways if way.endswith("2")]
        return sorted(ways, key=lambda way: (len(way), way))

    def _term(self, concept: str, said: str) -> Term:
        return Term(said, tuple(dict.fromkeys([said, *self._written(concept)]))[:_MOST_WAYS])

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


def _bounds(ops: Sequence[Op | Literal["→"]], amounts: Sequence[Amount | None]) -> Iterator[Bound]:
    if ops == ("→",):
        yield Bound("=", amounts[1], was=amounts[0])
        return
    for op, amount in zip(ops, amounts, strict=True):
        if op != "→":
            yield Bound(op, amount)


def _squeezed(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _plainly(text: str) -> str:
    """The text with marks of comparison as words, in the order in which they are spoken."""
    text = _NUMBER_FIRST.sub(lambda found: f"{_TURNED[found[2]]} {found[1]} ", text)
    text = _SPAN.sub(r"\1 to ", text)
    for mark, word in _WORDS_FOR:
        text = re.sub(mark, word, text)
    return text


def _spelt(token: Token, at: int) -> str:
    match token.kind:
        case Kind.VALUE:
            return f"#{at}"
        case Kind.CONSTANT:
            return f"@{at}"
        case Kind.ARROW:
            return "→"
        case Kind.EQUALS:
            return "="
        case Kind.COMMA:
            return ","
    return token.text


def _bound(items: Sequence[_Item]) -> list[_Mention]:
    """The mentions with their bounds: an amount is of what comes before it, else after it."""
    found: list[_Mention] = []
    waiting: list[Bound] = []
    for at, item in enumerate(items):
        if isinstance(item, _Mention):
            item.bounds = [*waiting, *(() if waiting else item.bounds)]
            waiting = []
            found.append(item)
        elif isinstance(item, tuple) and item and isinstance(item[0], Bound):
            bounds = [one for one in item if isinstance(one, Bound)]
            if not found or (found[-1].bounds and _is_led_to(items[at + 1 :])):
                waiting += bounds
            else:
                _settle(found[-1], bounds)
    return found


def _settle(mention: _Mention, bounds: Sequence[Bound]) -> None:
    """An amount says more than a direction: raised to 0.05."""
    mention.bounds = [one for one in mention.bounds if one.amount is not None] + [*bounds]


def _is_led_to(rest: Sequence[_Item]) -> bool:
    """Whether the amount before is of the next constant: DEPTH 12, 0.05 for MATRIX_LR."""
    following = next((i for i in rest if not isinstance(i, Term | _Spoken | _Or)), None)
    if not isinstance(following, _Mention):
        return False
    after = rest[rest.index(following) + 1 :]
    return not any(isinstance(i, tuple) and i and isinstance(i[0], Bound) for i in after[:1])


def _merged(mentions: Sequence[_Mention]) -> Iterator[Subject]:
    """One subject for each set of constants."""
    together: dict[tuple[Named, ...], _Mention] = {}
    for one in mentions:
        if one.names in together:
            together[one.names].bounds += one.bounds
        else:
            together[one.names] = one
    for names, one in together.items():
        spelt = (named.name.replace("_", " ").lower() for named in names)
        ways = tuple(dict.fromkeys([*spelt, one.said.replace("_", " ").lower(), *one.ways]))
        yield Subject(one.said, names, tuple(dict.fromkeys(one.bounds)), ways)
