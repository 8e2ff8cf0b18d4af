"""What a text says is to be changed: constants and their values as far as they can be told, and
the concepts, words and numbers that it says it with."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gitcollab.similarity.literal import Value, canonical
from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.tokens import Amount, Kind, Token, tokens
from gitcollab.similarity.vocabulary import Vocabulary
from gitcollab.similarity.wording import judges, take_apart

ACTIONS = frozenset({"increase", "decrease", "add", "remove", "drop", "multiply", "divide"})


@dataclass(slots=True)
class Clause:
    """One change of several: what it is about, and the amounts it names."""

    constant: str | None = None
    concepts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    after: list[Amount] = field(default_factory=list)
    counted: list[Amount] = field(default_factory=list)  # one, two: perhaps no amount at all
    before: list[Amount] = field(default_factory=list)
    closed: bool = False  # it has a subject, and a value after it

    @property
    def empty(self) -> bool:
        """Nothing was said."""
        return not (self.constant or self.concepts or self.words or self.after or self.before)


@dataclass(frozen=True, slots=True)
class Statement:
    """A text understood.

    ``delta`` gives constants and their values after; it is all that the text says when it is
    ``complete``. ``terms`` are the concepts and unknown words in order, ``remarks`` those that
    stand in brackets; amounts likewise.
    """

    text: str
    delta: Mapping[str, Value]
    complete: bool
    terms: tuple[str, ...]
    core: frozenset[str]  # the terms, remarks and all that they imply: what is not shared differs
    concepts: frozenset[str]
    actions: frozenset[str]
    after: tuple[tuple[str | None, Amount], ...]  # each with the constant it is a value of
    counted: tuple[Amount, ...]
    before: tuple[Amount, ...]
    remarks: frozenset[str]
    remarked: tuple[Amount, ...]
    kept: frozenset[str]  # constants of the delta that keep the value they have


def understand(
    text: str, words: Vocabulary, constants: Mapping[str, Value] | None = None
) -> Statement:
    """What the text says, against the values that the constants have now.

    Bounded: see ``wording.MAX_CHARS``.
    """
    base = dict(constants or {})
    said = take_apart(text, words.verdicts.__contains__)
    main = _reading(said.change, words, base)
    asides = [
        _reading(remark, words, base)
        for remark in said.remarks[:8]
        if not judges(remark, words.verdicts.__contains__)
    ]
    judged = [
        _reading(remark, words, base)
        for remark in said.remarks[:8]
        if judges(remark, words.verdicts.__contains__)
    ]
    return _stated(said.change, main, asides, judged, words, base)


@dataclass(slots=True)
class _Reading:
    clauses: list[Clause]
    delta: dict[str, Value]
    complete: bool
    named: bool  # a constant by its own name
    changes: bool  # from one value to another


def _reading(text: str, words: Vocabulary, base: Mapping[str, Value]) -> _Reading:
    found = tokens(text, words, base)
    clauses = list(_clauses(found))
    for clause in clauses:
        _settle_action(clause)
        _settle_amounts(clause, found)
    delta, complete = _resolve(clauses, words, base)
    if not complete:
        _solve(clauses, delta, words, base)
        delta, complete = _resolve(clauses, words, base)
    if delta and not complete:
        clauses = [c for c in clauses if not _follows(c, delta, words, base)]
        delta, complete = _resolve(clauses, words, base)
    for clause in clauses:
        if clause.constant is None:
            _settle_meaning(clause, words)
    named = any(t.kind is Kind.CONSTANT for t in found)
    changes = any(t.kind is Kind.VALUE and t.before for t in found)
    return _Reading(clauses, delta, complete and bool(clauses), named, changes)


def _stated(
    text: str,
    main: _Reading,
    asides: list[_Reading],
    judged: list[_Reading],
    words: Vocabulary,
    base: Mapping[str, Value],
) -> Statement:
    values = any(c.after for c in main.clauses)
    for aside in asides:
        if not values and _acts(aside) and not _acts(main):  # plain (non-cautious)
            main.clauses += aside.clauses
            continue
        amounts = [a for c in aside.clauses for a in c.after]
        more = aside.complete and aside.changes and not aside.delta.keys() & main.delta.keys()
        if main.complete and more:
            main.delta |= aside.delta
            continue
        new = any(not same_value(v, base[k]) for k, v in aside.delta.items())
        if not main.complete and aside.complete and new and (aside.named or not main.delta):
            main.delta, main.complete = {**main.delta, **aside.delta}, True
        elif len(amounts) == 1 and main.clauses and (not values or _all_relative(main)):
            _adopt(main, aside)
            main.delta, main.complete = _resolve(main.clauses, words, base)
    concepts = {c for clause in main.clauses for c in clause.concepts}
    concepts |= {
        c for clause in main.clauses if clause.constant for c in _about(clause.constant, words)
    }
    terms = tuple(_terms(main.clauses, words))
    remarks = frozenset(t for r in asides for t in _terms(r.clauses, words))
    return Statement(
        text=text.casefold(),
        delta=main.delta,
        complete=main.complete,
        terms=terms,
        core=frozenset(words.closure({*terms, *remarks})),
        concepts=frozenset(concepts - ACTIONS),
        actions=frozenset(concepts & ACTIONS),
        after=tuple((c.constant, a) for c in main.clauses for a in c.after),
        counted=tuple(a for c in main.clauses for a in c.counted),
        before=tuple(a for c in main.clauses for a in c.before)
        + tuple(a for r in judged for c in r.clauses for a in (*c.after, *c.before)),
        remarks=remarks,
        remarked=tuple(a for r in asides for c in r.clauses for a in (*c.after, *c.before)),
        kept=frozenset(k for k, v in main.delta.items() if same_value(v, base[k])),
    )


def _terms(clauses: Iterable[Clause], words: Vocabulary) -> Iterator[str]:
    for clause in clauses:
        if clause.constant:
            yield from sorted(_about(clause.constant, words))
        yield from (c for c in clause.concepts if c not in ACTIONS)
        yield from clause.words


def _acts(reading: _Reading) -> bool:
    return any(c in ("add", "remove") for clause in reading.clauses for c in clause.concepts)


def _all_relative(reading: _Reading) -> bool:
    amounts = [a for c in reading.clauses for a in c.after]
    return all(isinstance(a, Quantity) and a.relative for a in amounts)


def _adopt(main: _Reading, aside: _Reading) -> None:
    """ "up 50% (0.04 to 0.06)": the remark gives the value."""
    clause = next((c for c in main.clauses if c.after), main.clauses[-1])
    clause.after = [a for c in aside.clauses for a in c.after]
    clause.before += [a for c in aside.clauses for a in c.before]


def _clauses(found: list[Token]) -> Iterator[Clause]:
    """The changes that a text lists: between commas, and where a value ends and a name begins."""
    parts: list[Clause] = []
    clause = Clause()
    for at, token in enumerate(found):
        if token.kind is Kind.COMMA or _begins(clause, token, found[at:]):
            parts.append(clause)
            clause = Clause()
        _take(clause, token)
    parts.append(clause)
    yield from _joined(part for part in parts if not part.empty)


def _begins(clause: Clause, token: Token, rest: list[Token]) -> bool:
    """Whether the token begins another change: the one before has its value, and this one too."""
    if token.before:
        return False
    if token.text == "same":  # depth 9 same width
        return bool(clause.after)
    if token.kind is Kind.WITH:  # widen to 640 by raising the aspect ratio
        return len(rest) > 1 and rest[1].text in ACTIONS and bool(clause.after)
    if token.kind is Kind.CONSTANT:
        return bool(clause.after or clause.constant)
    return token.kind in (Kind.CONCEPT, Kind.WORD) and clause.closed and _has_value(rest)


def _has_value(rest: list[Token]) -> bool:
    for token in rest:
        if token.kind in (Kind.COMMA, Kind.FROM):
            return False
        if token.kind is Kind.VALUE and not token.before:
            return True
    return False


def _take(clause: Clause, token: Token) -> None:
    if token.before:
        clause.before.append(token.amount if token.amount is not None else token.text)
    elif token.kind is Kind.CONSTANT:
        clause.constant = token.text
    elif token.kind is Kind.VALUE and token.amount is not None:
        few = token.text in ("one", "single", "two")
        (clause.counted if few else clause.after).append(token.amount)
        clause.closed = bool(clause.concepts or clause.constant) and not few
    elif token.kind is Kind.CONCEPT:
        clause.concepts.append(token.text)
    elif token.kind is Kind.WORD:
        clause.words.append(token.text)


def _joined(parts: Iterable[Clause]) -> Iterator[Clause]:
    """Clauses with both a subject and a value; what lacks one belongs to the one before it."""
    last: Clause | None = None
    for part in parts:
        if last is not None and (_dangles(part) or _waits(last, part)):
            last.constant = last.constant or part.constant
            last.concepts += part.concepts
            last.words += part.words
            last.after += part.after
            last.counted += part.counted
            last.before += part.before
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last


def _dangles(part: Clause) -> bool:
    """Without a subject it is about what the clause before it is about."""
    if part.after:
        return not (part.constant or part.concepts or part.words)
    return not part.constant and not set(part.concepts) - ACTIONS


def _waits(last: Clause, part: Clause) -> bool:
    return not last.after and not (last.constant and part.constant)


def _settle_action(clause: Clause) -> None:
    """ "Drop" removes, but with an amount it lowers."""
    if "drop" in clause.concepts:
        action = "decrease" if clause.after else "remove"
        clause.concepts = [action if c == "drop" else c for c in clause.concepts]
    actions = ACTIONS & set(clause.concepts)
    if clause.counted and not clause.after and actions:  # add two layers, one layer fewer
        sign = -1 if actions & {"remove", "decrease"} else 1
        more = [a for a in clause.counted if isinstance(a, Quantity)]
        clause.after = [Quantity(tuple(sign * r for r in a.readings), "added") for a in more]
        clause.concepts = [c for c in clause.concepts if c not in ACTIONS]
        clause.concepts.append("increase" if sign > 0 else "decrease")
        clause.counted = []


def _settle_amounts(clause: Clause, found: list[Token]) -> None:
    """Percentages beside a direction are changes; a change beside a value says nothing more."""
    directions = ACTIONS & set(clause.concepts)
    pointed = any(t.kind in (Kind.ARROW, Kind.EQUALS) for t in found)
    settled = [_as_change(a, directions, pointed, clause, found) for a in clause.after]
    absolute = [a for a in settled if not (isinstance(a, Quantity) and a.relative)]
    clause.after = (
        absolute
        if absolute
        and len(absolute) < len(settled)
        and (len(settled) - len(absolute) == 1 and (clause.before or _said_in_words(found)))
        else settled
    )


def _said_in_words(found: list[Token]) -> bool:
    return any(
        t.kind is Kind.VALUE
        and isinstance(t.amount, Quantity)
        and t.amount.relative
        and (t.text.isalpha() or t.text.rstrip()[-1:] in "%x")
        for t in found
    )


def _as_change(
    amount: Amount,
    directions: set[str] | frozenset[str],
    pointed: bool,
    clause: Clause,
    found: list[Token],
) -> Amount:
    """ "raise by 10%" is the factor 1.1, "cut in half" 0.5, "one more layer" 1 added."""
    if not isinstance(amount, Quantity) or amount.relative:
        return amount
    at = next(i for i, t in enumerate(found) if t.amount is amount)
    led = next((t.text for t in found[:at][::-1] if t.text not in ("a", "an", "up", "down")), "")
    by = led in ("by", "increase", "decrease", "drop")
    sign = 1 if "increase" in directions else -1
    spelled = found[at].text.isalpha()
    if amount.kind == "fraction":
        if spelled and not by and _of_what_was(found[at + 1 : at + 6]):
            return Quantity(amount.readings, "factor")  # half the learning rate
        if directions & {"increase", "decrease"} and (by or (not pointed and not spelled)):
            return Quantity(tuple(1 + sign * r for r in amount.readings), "factor")
        if directions & {"decrease"} and "half" in found[at].text and not pointed:
            return Quantity(amount.readings, "factor")  # cut in half
    if by and "multiply" in clause.concepts:
        return Quantity(amount.readings, "factor")
    if by and "divide" in clause.concepts and all(amount.readings):
        return Quantity(tuple(1 / r for r in amount.readings), "factor")
    if spelled and at + 1 < len(found) and found[at + 1].text in ("increase", "decrease"):
        return Quantity(tuple(sign * r for r in amount.readings), "added")  # two more layers
    return amount


def _of_what_was(rest: list[Token]) -> bool:
    """ "half the rate", "a quarter of the default rate", not "half of the run"."""
    weak = list(itertools.takewhile(lambda t: t.kind is Kind.WEAK, rest))
    if not weak or weak[0].text not in ("the", "of") or len(weak) == len(rest):
        return False
    known = {"the", "of", "default", "base", "usual", "current", "token", "all"}
    named = rest[len(weak)].kind in (Kind.CONCEPT, Kind.CONSTANT)
    return named and all(t.text in known for t in weak)


def _settle_meaning(clause: Clause, words: Vocabulary) -> None:
    """What comes to the same: "no schedule" and "constant"."""
    for pattern, meant in words.equivalents * 2:  # one may lead to another
        if pattern <= set(clause.concepts) and pattern != meant:
            clause.concepts = [c for c in clause.concepts if c not in pattern]
            clause.concepts += sorted(meant)


def _resolve(
    clauses: list[Clause], words: Vocabulary, base: Mapping[str, Value]
) -> tuple[dict[str, Value], bool]:
    delta: dict[str, Value] = {}
    complete = bool(clauses)
    for clause in clauses:
        if (setting := _setting(clause, words, base)) is not None:
            clause.constant = setting[0]
            delta[setting[0]] = setting[1]
            continue
        found = _constant(clause, words, base)
        if found is None:
            complete = False
            continue
        name, part = found
        now = delta.get(name, base[name])
        value = _value(clause, now if part is None else _item(now, part))
        if value is None or (name in delta and part is None):
            complete = False
            continue
        clause.constant = name
        delta[name] = value[0] if part is None else _with_item(now, part, value[0])
        complete = complete and not clause.words
    return delta, complete


def _constant(
    clause: Clause, words: Vocabulary, base: Mapping[str, Value]
) -> tuple[str, int | None] | None:
    """The constant that a clause is about, and the index where it is an item of a tuple."""
    if clause.constant is not None:
        value = base[clause.constant]
        about = words.core(c for c in clause.concepts if c not in ACTIONS)
        for name, index, form in words.parts:
            if name == clause.constant and form & about and _has_item(value, index):
                return name, index
        return clause.constant, None
    subject = words.core(c for c in clause.concepts if c not in ACTIONS)
    return _spoken_of(words, tuple(base)).get(subject) if subject else None


def _follows(
    clause: Clause, delta: Mapping[str, Value], words: Vocabulary, base: Mapping[str, Value]
) -> bool:
    """Whether a clause only says what follows from the constants: "depth 10, dim 640"."""
    about = [c for c in clause.concepts if c not in ACTIONS]
    for concept, factors, multiple in words.derived:
        if clause.constant or about != [concept] or not delta.keys() & {*factors}:
            continue
        values = [delta.get(name, base.get(name)) for name in factors]
        step = delta.get(multiple, base.get(multiple))
        if all(isinstance(v, int | float) for v in values) and isinstance(step, int) and step > 0:
            product = math.prod(float(v) for v in values if isinstance(v, int | float))
            follows = Quantity((math.ceil(product / step) * float(step), product))
            return all(isinstance(a, Quantity) and a.agrees(follows) for a in clause.after)
    return False


def _solve(
    clauses: list[Clause], delta: Mapping[str, Value], words: Vocabulary, base: Mapping[str, Value]
) -> None:
    """ "depth 12, dim 384" says the aspect ratio: what follows from constants gives the last one."""
    for concept, factors, _ in words.derived:
        *others, last = factors
        known = [delta.get(name, base.get(name)) for name in others]
        numbers = [float(v) for v in known if isinstance(v, int | float) and v]
        if last in delta or last not in base or len(numbers) < len(others):
            continue
        said = {c for clause in clauses for c in clause.concepts}
        if any(said & _about(name, words) and name not in delta for name in others):
            continue
        for clause in clauses:
            about = [c for c in clause.concepts if c not in ACTIONS]
            match clause.after:
                case [Quantity(readings=(value,), kind="number")] if about == [concept]:
                    wanted = value / math.prod(numbers)
                    if clause.constant is None and wanted.is_integer():
                        clause.constant = last
                        clause.after = [Quantity((wanted,))]
                        clause.before = []


def _setting(
    clause: Clause, words: Vocabulary, base: Mapping[str, Value]
) -> tuple[str, Value] | None:
    """The constant and value that a clause says without naming either."""
    if clause.after or clause.constant:
        return None
    said = frozenset(c for c in clause.concepts if c not in ACTIONS or c == "remove")
    for setting in words.settings:
        if setting.constant in base and setting.concepts <= said:
            alike = (s.concepts for s in words.settings if s.same_value(setting))
            if not said - words.light - words.closure(frozenset().union(*alike)):
                return setting.constant, setting.value
    return None


@lru_cache(maxsize=64)
def _spoken_of(
    words: Vocabulary, names: tuple[str, ...]
) -> dict[frozenset[str], tuple[str, int | None]]:
    """The constants, and items of them, by the concepts that they are spoken of with."""
    found: dict[frozenset[str], tuple[str, int | None]] = {}
    for name in names:
        own = words.concepts_in(name.replace("_", " "))
        for form in (own, *words.parameters.get(name, ())):
            if form:
                found.setdefault(form, (name, None))
    for name, index, form in words.parts:
        if name in names:
            found.setdefault(form, (name, index))
    return found


def _about(constant: str, words: Vocabulary) -> frozenset[str]:
    """The concepts that a constant's name is made of."""
    return words.concepts_in(constant.replace("_", " "))


def _value(clause: Clause, now: Value) -> tuple[Value] | None:
    """The value after, as the constant's own kind has it; None when there is not exactly one."""
    if not clause.after:
        return (0,) if "remove" in clause.concepts and isinstance(now, float) else None
    if len(clause.after) != 1:
        return None
    match clause.after[0]:
        case Quantity() as amount if isinstance(now, int | float) and not isinstance(now, bool):
            return (_nearest_kind(amount.applied(float(now)), now),)
        case str() as text if isinstance(now, str):
            return (_shortest_period(text),)
        case tuple() as items if isinstance(now, tuple) and len(items) == len(now):
            return (items,)
        case _:
            return None


def _shortest_period(text: str) -> str:
    """A pattern over layers is repeated: LLLL is L."""
    period = (text + text).find(text, 1)
    return text[:period] if len(text) % period == 0 else text


def _nearest_kind(readings: tuple[float, ...], now: int | float) -> int | float:
    """Of several readings the power of two, where the value is one now; else the plain one."""
    powers = [r for r in readings if r >= 1 and math.log2(r).is_integer()]
    binary = now >= 1 and math.log2(now).is_integer()
    value = powers[0] if binary and powers else readings[0]
    value = float(f"{value:.12g}")  # 3 * 0.1 is 0.3
    return int(value) if value.is_integer() else value


def _has_item(value: Value, index: int) -> bool:
    return isinstance(value, tuple) and index < len(value)


def _item(value: Value, index: int) -> Value:
    return value[index] if isinstance(value, tuple) and index < len(value) else None


def _with_item(value: Value, index: int, item: Value) -> Value:
    assert isinstance(value, tuple)
    return (*value[:index], item, *value[index + 1 :])


def same_delta(a: Mapping[str, Value], b: Mapping[str, Value]) -> bool:
    """The same constants with the same values."""
    return a.keys() == b.keys() and all(same_value(a[name], b[name]) for name in a)


def same_value(a: Value, b: Value) -> bool:
    """Equal as literals, but for rounding in arithmetic (0.1 * 3 and 0.3)."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same_value, a, b))
    numbers = (int, float)
    if isinstance(a, numbers) and isinstance(b, numbers) and not isinstance(a, bool):
        return not isinstance(b, bool) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-15)
    return canonical(a) == canonical(b)
