"""The changes that a text lists, each with its subject and its amounts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.tokens import Amount, Kind, Token, multiplies

_COUNTS = {(float(n),) for n in range(1, 17)}
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
    changes: list[Quantity] = field(default_factory=list)  # said beside the value that they lead to
    closed: bool = False  # it has a subject, and a value after it

    @property
    def empty(self) -> bool:
        """Nothing was said."""
        return not (self.constant or self.concepts or self.words or self.after or self.before)


def clauses_of(found: list[Token]) -> list[Clause]:
    """The changes that a text lists: between commas, and where a value ends and a name begins."""
    clauses = list(_joined(part for part in _parts(found) if not part.empty))
    for clause in clauses:
        _settle_action(clause)
        _settle_amounts(clause, found)
    return clauses


def _parts(found: list[Token]) -> Iterator[Clause]:
    clause = Clause()
    for at, token in enumerate(found):
        if token.kind is Kind.COMMA or _begins(clause, token, found[at:]):
            yield clause
            clause = Clause()
        _take(clause, token)
    yield clause


def _begins(clause: Clause, token: Token, rest: list[Token]) -> bool:
    """Whether the token begins another change: the one before has its value, and this one too."""
    if token.before:
        return False
    if token.text == "same":  # depth 9 same width
        return bool(clause.after)
    if multiplies(token):  # double the heads halve the head dim
        return bool(clause.after and clause.concepts)
    if token.kind is Kind.WITH and clause.after:
        if len(rest) > 1 and rest[1].text in ACTIONS:
            return True  # widen to 640 by raising the aspect ratio
        subject = clause.concepts or clause.constant
        return token.text == "with" and bool(subject) and _has_value(rest)
    if token.kind is Kind.CONSTANT:
        return clause.closed or clause.constant is not None
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
        few = token.text in ("one", "single", "two") or _counts(clause, token.amount)
        (clause.counted if few else clause.after).append(token.amount)
        clause.closed = bool(clause.concepts or clause.constant) and not few
    elif token.kind is Kind.CONCEPT:
        clause.concepts.append(token.text)
    elif token.kind is Kind.WORD:
        clause.words.append(token.text)


def _counts(clause: Clause, amount: Amount) -> bool:
    """ "Add 2 layers": so many more, not a value."""
    told = clause.concepts[-1:] in (["add"], ["remove"], ["drop"]) and not clause.constant
    return told and isinstance(amount, Quantity) and amount.readings in _COUNTS


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
    return not last.after and not last.counted and not (last.constant and part.constant)


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
    directions = {"increase", "decrease"} & set(clause.concepts)
    settled = [_as_change(a, directions, clause, found) for a in clause.after]
    absolute = [a for a in settled if not (isinstance(a, Quantity) and a.relative)]
    one_change = absolute and len(settled) == len(absolute) + 1
    says_no_more = one_change and (clause.before or _said_in_words(found))
    if says_no_more:
        clause.changes = [a for a in settled if isinstance(a, Quantity) and a.relative]
    clause.after = absolute if says_no_more else settled


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
    directions: set[str],
    clause: Clause,
    found: list[Token],
) -> Amount:
    """ "raise by 10%" is the factor 1.1, "cut in half" 0.5, "one more layer" 1 added."""
    if not isinstance(amount, Quantity) or amount.kind == "added":
        return amount
    at = next(i for i, t in enumerate(found) if t.amount is amount)
    before = found[at - 1] if at else None
    given = before is not None and before.kind in (Kind.ARROW, Kind.EQUALS)
    if amount.kind == "factor":
        if any(isinstance(b, Quantity) and b.kind == "factor" for b in clause.before):
            return Quantity(amount.readings)  # 4x to 3.5x: both of something else
        less = directions == {"decrease"} and min(amount.readings) > 1 and not given  # 2x lower
        return Quantity(tuple(1 / r for r in amount.readings), "factor") if less else amount
    by = _led_by_a_change(found[:at])
    spelled = found[at].text.isalpha()
    sign = 1 if "increase" in directions else -1
    if amount.kind == "fraction":
        return _fraction_as_change(
            amount, found, at, by, sign if directions else 0, given or bool(clause.before)
        )
    if by and "multiply" in clause.concepts:
        return Quantity(amount.readings, "factor")
    if by and "divide" in clause.concepts and all(amount.readings):
        return Quantity(tuple(1 / r for r in amount.readings), "factor")
    if before is not None and before.text == "by" and directions:
        return Quantity(tuple(sign * r for r in amount.readings), "added")
    if found[at].text[0] == "+" and not given:
        return Quantity(amount.readings, "added")
    if spelled and at + 1 < len(found) and found[at + 1].text in ("increase", "decrease"):
        return Quantity(tuple(sign * r for r in amount.readings), "added")  # two more layers
    return amount


def _led_by_a_change(before: list[Token]) -> bool:
    led = next((t.text for t in before[::-1] if t.text not in ("a", "an", "up", "down")), "")
    return led in ("by", "increase", "decrease", "drop")


def _fraction_as_change(
    amount: Quantity, found: list[Token], at: int, by: bool, sign: int, given: bool
) -> Quantity:
    spelled = found[at].text.isalpha()
    if spelled and not by and _of_what_was(found[at + 1 : at + 6]):
        return Quantity(amount.readings, "factor")  # half the learning rate
    if sign and (by or (not given and not spelled)):
        return Quantity(tuple(1 + sign * r for r in amount.readings), "factor")
    if sign < 0 and "half" in found[at].text and not given:
        return Quantity(amount.readings, "factor")  # cut in half
    return amount


def _of_what_was(rest: list[Token]) -> bool:
    """ "half the rate", "a quarter of the default rate", not "half of the run"."""
    weak = list(itertools.takewhile(lambda t: t.kind is Kind.WEAK, rest))
    if not weak or weak[0].text not in ("the", "of") or len(weak) == len(rest):
        return False
    known = {"the", "of", "default", "base", "usual", "current", "token", "all"}
    named = rest[len(weak)].kind in (Kind.CONCEPT, Kind.CONSTANT)
    return named and all(t.text in known for t in weak)
