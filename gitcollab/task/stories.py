"""The embedded corpus's grammar: short stories whose every later word may hang on an earlier one.

Two people are introduced with invented names, things, a number of fruits and a secret word; a
declared number of events follows; the ending tells what one of them is left with. What a model can
gain from: verbs and pronouns that agree with who was named; names, things and the word, spelled
once and needed much later; things that change hands; fruits that are found, lost and counted again;
counting aloud; spelling backwards; sums, products and rankings of numbers; quotes within quotes
that close in order and tell the truth about the state; events that end at the declared number. All
of it is certain once it is understood, and none of it is within reach of short contexts.

Every story ends in a newline and has no other. Stories are independent of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from gitcollab.task.grammar import Pen, Table, falling


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(", ") if ", " in text else text.split())


_UNITS = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = _words("- - twenty thirty forty fifty sixty seventy eighty ninety")

_PLACES = _words(
    "old mill, river, market, harbour, green hill, tower, bridge, castle, garden, forest, cave, "
    "chapel, bakery, lake, stone barn, school, island, quarry, meadow, city gate, library, swamp, "
    "orchard, lighthouse"
)
_MATERIALS = _words("brass tin silver wooden glass copper paper ivory golden leather")
_NOUNS = _words(
    "key drum lamp bell map coin whistle mirror ring box comb flute sword cup chain mask"
)
_FRUITS = _words("apples pears plums cherries figs lemons nuts grapes")
_TEMPERS = _words("clever proud quiet brave lazy gentle hungry young tired honest merry strange")

# The consonants and vowels of invented names. No name may begin as a pronoun does (He, I, We).
_INITIALS = _words("M B T R L D S K N P G V F J Z C")
_VOWELS = _words("a e i o u")
_MIDDLES = _words("r l n m d v k t b s z g")
_LETTERS = _words("t r n s l k m d b p g f v z")


@dataclass(frozen=True)
class _Kind:
    """How a person, or a pair of persons, is spoken of."""

    roles: Table
    endings: Table
    pronoun: str
    plural: bool = False
    article: str = ""

    def verb(self, stem: str) -> str:
        if self.plural:
            return stem
        return stem.removesuffix("y") + "ies" if stem.endswith("ly") else stem + "s"

    @property
    def has(self) -> str:
        return "have" if self.plural else "has"


_SHE = _Kind(
    falling(_words("girl queen widow weaver nurse aunt")), falling(["a", "ina", "essa"]), "she"
)
_HE = _Kind(falling(_words("boy king monk miller uncle sailor")), falling(["us", "or", "en"]), "he")
_THEY = _Kind(
    falling(_words("brothers sisters friends cousins thieves")),
    falling(["ells", "ocks", "arns"]),
    "they",
    plural=True,
    article="the ",
)
_SINGULAR = tuple(_SHE.roles.texts + _HE.roles.texts)


@dataclass
class _Person:
    kind: _Kind
    name: str
    place: str = ""
    fruit: str = ""
    count: int = 0
    things: list[str] = field(default_factory=list)

    @property
    def called(self) -> str:
        return self.kind.article + self.name

    @property
    def subject(self) -> str:
        return self.called[0].upper() + self.called[1:]


@dataclass
class _World:
    people: tuple[_Person, _Person]
    word: str
    last: _Person | None = None

    def other(self, person: _Person) -> _Person:
        first, second = self.people
        return second if person is first else first


def number(n: int) -> str:
    """Return 0..99 in words."""
    if n < len(_UNITS):
        return _UNITS[n]
    tens, unit = divmod(n, 10)
    return _TENS[tens] if unit == 0 else f"{_TENS[tens]} {_UNITS[unit]}"


def story(pen: Pen) -> None:
    """Write one story."""
    world = _introduction(pen)
    events = 1 + pen.pick(_EVENT_COUNTS)
    for ordinal in _ORDINALS[:events]:
        pen.say(f" {ordinal}, ")
        _event(pen, world)
    _ending(pen, world)
    pen.say("\n")


_EVENT_COUNTS = Table(
    ["One thing happens.", "Two things happen.", "Three things happen.", "Four things happen."],
    [2, 4, 3, 1],
)
_ORDINALS = ("First", "Second", "Third", "Fourth")


# The introduction


def _introduction(pen: Pen) -> _World:
    pen.say("At the ")
    home = _choose(pen, _places_but(""))
    pen.say(" there ")
    first = _person(pen, home, _IS_OR_ARE, "")
    pen.say(" with ")
    second = _person(pen, home, _ONE_OR_TWO, first.name[0])
    pen.say(". ")
    for person in (first, second):
        _belongings(pen, person, first)
    pen.say("The word is ")
    word = "".join(_choose(pen, table) for table in _WORD)
    pen.say(". ")
    return _World((first, second), word)


_WORD = [falling(_LETTERS), Table(_VOWELS), falling(_LETTERS), Table(_VOWELS), falling(_LETTERS)]


def _person(pen: Pen, home: str, how_many: Table, taken: str) -> _Person:
    plural = pen.pick(how_many) == 1
    pen.pick(_TEMPER)
    pen.say(" ")
    if plural:
        kind = _THEY
        pen.pick(kind.roles)
    else:
        kind = _SHE if _choose(pen, _SINGULAR_ROLES) in _SHE.roles.texts else _HE
    pen.say(", " + kind.article)
    name = _choose(pen, _initials_but(taken))
    for table in (_VOWEL, _MIDDLE, kind.endings):
        name += _choose(pen, table)
    return _Person(kind, name, home)


_IS_OR_ARE = Table(["is one ", "are two "], [3, 1])
_ONE_OR_TWO = Table(["one ", "two "], [3, 1])
_TEMPER = falling(_TEMPERS)
_SINGULAR_ROLES = Table(_SINGULAR, _SHE.roles.weights + _HE.roles.weights)
_VOWEL = Table(_VOWELS)
_MIDDLE = falling(_MIDDLES)


def _belongings(pen: Pen, person: _Person, first: _Person) -> None:
    pen.say(f"{person.subject} {person.kind.has} the ")
    material = _choose(pen, _MATERIAL)
    pen.say(" ")
    noun = _choose(pen, _nouns_but(tuple(thing.split()[1] for thing in first.things)))
    person.things.append(f"{material} {noun}")
    pen.say(" and ")
    person.count = 2 + pen.pick(_numbers(2, 12, " "))
    person.fruit = _choose(pen, _fruits_but(first.fruit))
    pen.say(". ")


_MATERIAL = falling(_MATERIALS)


# The events: each begins with a verb that tells which it is.


def _event(pen: Pen, world: _World) -> None:
    person = _subject(pen, world)
    pen.say(" ")
    options = [(verb, w, act) for verb, w, possible, act in _EVENTS if possible(person)]
    table = _table(tuple(person.kind.verb(o[0]) for o in options), tuple(o[1] for o in options))
    act = options[pen.pick(table)][2]
    pen.say(" ")
    act(pen, world, person)
    world.last = person


def _subject(pen: Pen, world: _World) -> _Person:
    """Name who acts; who acted last may be a pronoun instead."""
    people = list(world.people)
    if world.last is None:
        return people[pen.pick(_table(tuple(p.called for p in people), (1, 1)))]
    texts = (*(p.called for p in people), world.last.kind.pronoun)
    index = pen.pick(_table(texts, (2, 2, 3)))
    return world.last if index == 2 else people[index]


def _give(pen: Pen, world: _World, person: _Person) -> None:
    pen.say("the ")
    thing = _choose(pen, _table(tuple(person.things), (1,) * len(person.things)))
    other = world.other(person)
    pen.say(f" to {other.called}.")
    person.things.remove(thing)
    other.things.append(thing)


def _find(pen: Pen, world: _World, person: _Person) -> None:
    person.count += 2 + pen.pick(_numbers(2, 9, " more "))
    _recount(pen, person)


def _lose(pen: Pen, world: _World, person: _Person) -> None:
    person.count -= 2 + pen.pick(_numbers(2, min(9, person.count - 2), " "))
    _recount(pen, person)


def _recount(pen: Pen, person: _Person) -> None:
    kind = person.kind
    pen.say(f"{person.fruit}, so {kind.pronoun} {kind.has} {number(person.count)}.")


def _walk(pen: Pen, world: _World, person: _Person) -> None:
    pen.say("to the ")
    person.place = _choose(pen, _places_but(person.place))
    pen.say(".")


def _count(pen: Pen, world: _World, person: _Person) -> None:
    pen.say("from ")
    start = 2 + pen.pick(_numbers(2, 30, " to "))
    end = start + 1 + pen.pick(_numbers(start + 1, start + 4, ": "))
    pen.say(", ".join(number(n) for n in range(start, end + 1)) + ".")


def _add(pen: Pen, world: _World, person: _Person) -> None:
    first = 100 + pen.pick(_THREE_DIGITS)
    pen.say(" and ")
    second = 100 + pen.pick(_THREE_DIGITS)
    pen.say(f" to get {first + second}.")


def _multiply(pen: Pen, world: _World, person: _Person) -> None:
    first = 10 + pen.pick(_TWO_DIGITS)
    pen.say(" by ")
    second = 10 + pen.pick(_TWO_DIGITS)
    pen.say(f" to get {first * second}.")


def _rank(pen: Pen, world: _World, person: _Person) -> None:
    numbers = [10 + pen.pick(_TWO_DIGITS)]
    for _ in range(3):
        pen.say(", ")
        numbers.append(10 + pen.pick(_TWO_DIGITS))
    pen.say(" as " + ", ".join(str(n) for n in sorted(numbers)) + ".")


_TWO_DIGITS = Table([str(n) for n in range(10, 100)])
_THREE_DIGITS = Table([str(n) for n in range(100, 500)])


def _spell(pen: Pen, world: _World, person: _Person) -> None:
    pen.say(f"the word backwards: {world.word[::-1]}.")


def _say(pen: Pen, world: _World, person: _Person) -> None:
    _quote(pen, world, person, depth=0)


_Possible = Callable[[_Person], bool]
_Act = Callable[[Pen, _World, _Person], None]

# Verb, weight, whether the person can, what is written.
_EVENTS: tuple[tuple[str, int, _Possible, _Act], ...] = (
    ("give", 4, lambda person: bool(person.things), _give),
    ("find", 4, lambda person: True, _find),
    ("lose", 3, lambda person: person.count > 3, _lose),
    ("walk", 3, lambda person: True, _walk),
    ("say", 5, lambda person: True, _say),
    ("count", 2, lambda person: True, _count),
    ("add", 2, lambda person: True, _add),
    ("multiply", 1, lambda person: True, _multiply),
    ("rank", 1, lambda person: True, _rank),
    ("spell", 2, lambda person: True, _spell),
)


def _quote(pen: Pen, world: _World, speaker: _Person, depth: int) -> None:
    """A true statement in quotes, or a quote of the other's: three deep at most."""
    mark = "\"'"[depth % 2]
    pen.say(mark)
    i_have, i_am, me = (
        ("We have", "We are", "us") if speaker.kind.plural else ("I have", "I am", "me")
    )
    other = world.other(speaker)
    texts, weights = ["The word", f"{i_have} only", f"{i_am} at"], [2, 2, 2]
    if speaker.things:
        texts, weights = [*texts, f"{i_have} the"], [*weights, 2]
    if depth < 2:
        texts, weights = [*texts, f"{other.subject} told {me}"], [*weights, 4]
    said = texts[pen.pick(_table(tuple(texts), tuple(weights)))]
    if "told" in said:
        pen.say(", ")
        _quote(pen, world, other, depth + 1)
    elif said == "The word":
        pen.say(f" is {world.word}.")
    elif said.endswith("only"):
        pen.say(f" {number(speaker.count)} {speaker.fruit}.")
    elif said.endswith("at"):
        pen.say(f" the {speaker.place}.")
    else:
        pen.say(" ")
        pen.pick(_table(tuple(speaker.things), (1,) * len(speaker.things)))
        pen.say(".")
    pen.say(mark)


def _ending(pen: Pen, world: _World) -> None:
    """Tell what one of the two is left with: who it is, is the last choice."""
    names = _table(tuple(p.called for p in world.people), (1, 1))
    pen.say(" In the end ")
    person = world.people[pen.pick(names)]
    holds = [f"{number(person.count)} {person.fruit}", *(f"the {t}" for t in person.things)]
    pen.say(f" {person.kind.has} {' and '.join(holds)}.")


# Tables: made once for each set of alternatives.


def _choose(pen: Pen, table: Table) -> str:
    return table.texts[pen.pick(table)]


@cache
def _table(texts: Sequence[str], weights: Sequence[int]) -> Table:
    return Table(texts, weights)


@cache
def _numbers(low: int, high: int, after: str) -> Table:
    """Numbers in words; what follows is part of each, since seven begins seventeen."""
    return Table([number(n) + after for n in range(low, high + 1)])


@cache
def _places_but(place: str) -> Table:
    return falling([p for p in _PLACES if p != place])


@cache
def _initials_but(letter: str) -> Table:
    return falling([c for c in _INITIALS if c != letter])


@cache
def _nouns_but(nouns: tuple[str, ...]) -> Table:
    return falling([n for n in _NOUNS if n not in nouns])


@cache
def _fruits_but(fruit: str) -> Table:
    return falling([f for f in _FRUITS if f != fruit])
