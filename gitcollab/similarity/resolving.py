"""Which constants the clauses of a text are about, and the values that they are to have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from gitcollab.similarity.clauses import ACTIONS, Clause
from gitcollab.similarity.literal import Value, canonical
from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.tokens import WINDOWS
from gitcollab.similarity.vocabulary import Vocabulary, stems

_KIBI = 1024


def settle_meaning(clause: Clause, words: Vocabulary) -> None:
    """What comes to the same: "no schedule" and "constant"."""
    for pattern, meant in words.equivalents * 2:  # one may lead to another
        if pattern <= set(clause.concepts) and pattern != meant:
            clause.concepts = [c for c in clause.concepts if c not in pattern]
            clause.concepts += sorted(meant)


def resolve(
    clauses: list[Clause], words: Vocabulary, base: Mapping[str, Value]
) -> tuple[dict[str, Value], bool]:
    """The constants' values after, and whether the clauses say nothing else.

    A clause that is about a constant is told so.
    """
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
        value = _value(clause, name, now if part is None else _item(now, part), words)
        if value is None or (name in delta and part is None):
            complete = False
            continue
        clause.constant = name
        delta[name] = value[0] if part is None else _with_item(now, part, value[0])
        complete = complete and not clause.words
        complete = complete and {*clause.concepts} <= spoken_with(name, words) | ACTIONS
    return delta, complete


def _constant(
    clause: Clause, words: Vocabulary, base: Mapping[str, Value]
) -> tuple[str, int | None] | None:
    """The constant that a clause is about, and the index where it is an item of a tuple."""
    if clause.constant is not None:
        value = base[clause.constant]
        spoken = words.core(c for c in clause.concepts if c not in ACTIONS)
        for name, index, form in words.parts:
            if name == clause.constant and form & spoken and _has_item(value, index):
                return name, index
        return clause.constant, None
    subject = words.core(c for c in clause.concepts if c not in ACTIONS)
    return spoken_of(words, tuple(base)).get(subject) if subject else None


def spoken_with(constant: str, words: Vocabulary) -> set[str]:
    """The concepts that a constant may be spoken of with.

    Others beside its value say more than that: of the last layer, with cosine decay.
    """
    ways = [about(constant, words), *words.parameters.get(constant, ())]
    ways += [form for name, _, form in words.parts if name == constant]
    solved = {concept for concept, factors, _ in words.derived if factors[-1:] == (constant,)}
    own = words.closure(solved.union(*ways))
    return own.union(*(words.natural.get(concept, ()) for concept in own))


def follows(
    clause: Clause, delta: Mapping[str, Value], words: Vocabulary, base: Mapping[str, Value]
) -> bool:
    """Whether a clause only says what follows from the constants.

    "Depth 10, dim 640" where that comes to 640; "depth 9, aspect 57, same width" where it does.
    """
    for concept, factors, multiple in words.derived:
        if clause.constant or not delta.keys() & {*factors}:
            continue
        if [c for c in clause.concepts if c not in ACTIONS] != [concept]:
            continue
        now = _product({**base, **delta}, factors, multiple)
        if now is None:
            continue
        if clause.after:
            return all(isinstance(a, Quantity) and a.agrees(now) for a in clause.after)
        before = _product(base, factors, multiple)
        return clause.concepts == [concept] and before is not None and before.agrees(now)
    return False


def _product(
    values: Mapping[str, Value], factors: tuple[str, ...], multiple: str
) -> Quantity | None:
    """What constants come to: the next multiple first, then the plain product."""
    numbers = [float(v) for v in map(values.get, factors) if isinstance(v, int | float)]
    step = values.get(multiple)
    if len(numbers) < len(factors) or not isinstance(step, int) or step < 1:
        return None
    product = math.prod(numbers)
    return Quantity((math.ceil(product / step) * float(step), product))


def solve(
    clauses: list[Clause], delta: Mapping[str, Value], words: Vocabulary, base: Mapping[str, Value]
) -> None:
    """What follows from constants gives the last of them: depth 12, dim 384 is aspect ratio 32."""
    for concept, factors, _ in words.derived:
        *others, last = factors
        known = [delta.get(name, base.get(name)) for name in others]
        numbers = [float(v) for v in known if isinstance(v, int | float) and v]
        if last in delta or last not in base or len(numbers) < len(others):
            continue
        said = {c for clause in clauses for c in clause.concepts}
        if any(said & about(name, words) and name not in delta for name in others):
            continue
        for clause in clauses:
            subject = [c for c in clause.concepts if c not in ACTIONS]
            match clause.after:
                case [Quantity(readings=(value,), kind="number")] if subject == [concept]:
                    wanted = value / math.prod(numbers)
                    if clause.constant is None and wanted.is_integer():
                        clause.constant = last
                        clause.after = [Quantity((wanted,))]
                        clause.before = []


def _of_a_kind(value: Value, now: Value) -> bool:
    """Whether a value may take the place of another one: text of text, a number of a number."""
    if isinstance(value, str) or isinstance(now, str):
        return isinstance(value, str) and isinstance(now, str)
    numbers = isinstance(value, int | float) and isinstance(now, int | float)
    return numbers and not isinstance(now, bool)


def _setting(
    clause: Clause, words: Vocabulary, base: Mapping[str, Value]
) -> tuple[str, Value] | None:
    """The constant and value that a clause says without naming either."""
    if clause.after or clause.constant:
        return None
    said = frozenset(c for c in clause.concepts if c not in ACTIONS or c == "remove")
    if not words.conditions.isdisjoint({*said, *clause.words}):
        return None  # except in the last layer
    for setting in words.settings:
        if _of_a_kind(setting.value, base.get(setting.constant)) and setting.concepts <= said:
            alike = (s.concepts for s in words.settings if s.same_value(setting))
            if not said - words.light - words.closure(frozenset().union(*alike)):
                return setting.constant, setting.value
    return None


@lru_cache(maxsize=64)
def spoken_of(
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


def about(constant: str, words: Vocabulary) -> frozenset[str]:
    """The concepts that a constant's name is made of."""
    return words.concepts_in(constant.replace("_", " "))


def _value(clause: Clause, name: str, now: Value, words: Vocabulary) -> tuple[Value] | None:
    """The value after, as the constant's own kind has it; None when there is not exactly one."""
    if not clause.after:
        off = "remove" in clause.concepts and isinstance(now, float) and abs(now) < 1
        return (0,) if off else None
    if len(clause.after) != 1:
        return None
    match clause.after[0]:
        case Quantity() as amount if isinstance(now, int | float) and not isinstance(now, bool):
            value = _number(amount, now, share=_is_share(name, now, words))
            sound = value is not None and _sound(value, now, clause)
            return (value,) if sound else None
        case str() as text if isinstance(now, str):
            return (text,)
        case tuple() as items if isinstance(now, tuple) and len(items) == len(now):
            return (items,)
        case _:
            return None


def _is_share(constant: str, now: float, words: Vocabulary) -> bool:
    """Whether a constant is a part of a whole, so that 5% is a value for it."""
    return 0 <= now <= 1 and not words.shares.isdisjoint(stems(constant))


def _number(amount: Quantity, now: int | float, *, share: bool) -> int | float | None:
    """What a number comes to for a constant that is ``now``; None where that is not clear."""
    if amount.relative and now == 0 and amount.kind == "factor":
        return None
    if amount.kind == "fraction" and not share:
        if isinstance(now, float):
            return None  # 10% of what it was, or 0.1?
        amount = Quantity(amount.readings, "factor")  # half the batch
    value = _nearest_kind(amount.applied(float(now)), now)
    if value is None:
        return None
    broken = isinstance(now, int) and not isinstance(value, int)
    if broken and (amount.relative or value < 1 < now):
        return None
    return None if share and not 0 <= value <= 1 else value


def _sound(value: int | float, now: int | float, clause: Clause) -> bool:
    """Whether a value agrees with what else is said of it: where it goes, and that it goes."""
    if value < 0 < now and not clause.before:
        return False  # -2: less by two, or a dash
    if "remove" in clause.concepts and value:
        return False  # not 0.05
    old = [a for a in clause.before if isinstance(a, Quantity) and not a.relative]
    if any(not a.agrees(old[0]) for a in old):
        return False  # 0.04 → 0.05 → 0.06
    befores = old[0].readings if old else (now,)
    for change in clause.changes:  # double MATRIX_LR 0.05: it does not come to that
        reached = (after for before in befores for after in change.applied(before))
        if not any(math.isclose(after, value, rel_tol=0.02) for after in reached):
            return False
    was = befores[0]
    if (
        clause.constant is None
        and now > 1
        and not all(1 / 64 <= v / now <= 64 for v in (value, was))
    ):
        return False  # batch 64: another constant is meant
    directions = {"increase", "decrease"} & set(clause.concepts)
    return len(directions) != 1 or value == was or (value > was) == ("increase" in directions)


def _nearest_kind(readings: tuple[float, ...], now: int | float) -> int | float | None:
    """Of several readings the power of two, where the value is one now; else the plain one.

    None where 49K may be 49,000 or, since such values are whole numbers of 1,024 now, 49,152.
    """
    powers = [r for r in readings if r >= 1 and math.log2(r).is_integer()]
    binary = now >= 1 and math.log2(now).is_integer()
    if len(readings) > 1 and not powers and now >= _KIBI and now % _KIBI == 0:
        return None
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
    """Equal in effect: but for rounding in arithmetic, and for the period of a pattern."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same_value, a, b))
    numbers = (int, float)
    if isinstance(a, numbers) and isinstance(b, numbers) and not isinstance(a, bool):
        return not isinstance(b, bool) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-15)
    if isinstance(a, str) and isinstance(b, str):
        return _shortest_period(a) == _shortest_period(b)
    return canonical(a) == canonical(b)


def _shortest_period(text: str) -> str:
    """A pattern of window sizes is repeated over the layers: LLLL is L."""
    period = (text + text).find(text, 1)
    return text[:period] if WINDOWS.fullmatch(text) and len(text) % period == 0 else text
