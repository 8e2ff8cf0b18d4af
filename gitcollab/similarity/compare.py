"""Whether two texts describe the same experiment, and why."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from gitcollab.similarity.literal import Value, shown
from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.resolving import same_delta, same_value
from gitcollab.similarity.statement import Statement
from gitcollab.similarity.tokens import Amount
from gitcollab.similarity.vocabulary import Vocabulary

By: TypeAlias = Literal["text", "change", "value", "direction", "contrast", "wording", "embedding"]
Closeness: TypeAlias = Callable[[str, str], float]

# How alike two statements must be, 0 to 1, to be the same: found on labelled pairs of real titles.
_LEAST = 0.5
_FEW = 2.5  # the weight of what a short text says
_CLOSENESS_COUNTS = 0.25  # the weight of the sentence encoder, beside the shared concepts


@dataclass(frozen=True, slots=True)
class Verdict:
    """``score`` is 0 to 1; ``by`` names what decided, ``why`` says it in words.

    ``undecided``: words alone decided, and a sentence encoder might see it otherwise.
    """

    same: bool
    by: By
    score: float
    why: str
    undecided: bool = False


def compare(
    a: Statement, b: Statement, words: Vocabulary, closeness: Closeness | None = None
) -> Verdict:
    """The verdict on two statements."""
    return (
        _by_text(a, b)
        or _by_change(a, b)
        or _by_value(a, b)
        or _by_range(a, b)
        or _by_binding(a, b)
        or _by_action(a, b)
        or _by_contrast(a, b, words)
        or _by_meaning(a, b, words, closeness)
    )


def _by_text(a: Statement, b: Statement) -> Verdict | None:
    if not a.text or a.text != b.text or a.remarks != b.remarks or a.limited != b.limited:
        return None
    return Verdict(True, "text", 1.0, "same description")


def _by_change(a: Statement, b: Statement) -> Verdict | None:
    if a.complete and b.complete:
        mine, other = _moved(a, b), _moved(b, a)
        if same_delta(mine, other):
            return Verdict(True, "change", 1.0, f"same change: {_told(a.delta)}")
        more = {n: v for n, v in (mine | other).items() if n not in mine or n not in other}
        why = f"only one of them sets {_told(more)}" if more else _apart(mine, other)
        return Verdict(False, "change", 0.0, why)
    if why := _apart(a.delta, b.delta):
        return Verdict(False, "value", 0.0, why)
    alone = a.limited != b.limited and (a.complete or b.complete)
    if alone and same_delta(a.delta, b.delta):
        return Verdict(False, "contrast", 0.1, "only one of them holds throughout and alone")
    return None


def _moved(a: Statement, b: Statement) -> dict[str, Value]:
    """The constants of ``a``, less those that keep their value and that ``b`` doesn't name."""
    moved = {k: v for k, v in a.delta.items() if k in b.delta or k not in a.kept}
    return moved or dict(a.delta)


def _apart(a: Mapping[str, Value], b: Mapping[str, Value]) -> str:
    """The constants that both set, to different values; empty where there are none."""
    names = sorted(n for n in a.keys() & b.keys() if not same_value(a[n], b[n]))
    return ", ".join(f"{name}: {shown(a[name])} is not {shown(b[name])}" for name in names)


def _told(delta: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} → {shown(delta[name])}" for name in sorted(delta))


def _by_value(a: Statement, b: Statement) -> Verdict | None:
    left, right = _unmatched(a, b), _unmatched(b, a)
    if not left and not right:
        return None
    if (_switches_off(left, b) and not right) or (_switches_off(right, a) and not left):
        return None
    odd = ", ".join(_amount(x) for x in (*left, *right)[:4])
    return Verdict(False, "value", 0.0, f"only one of them says {odd}")


def _by_range(a: Statement, b: Statement) -> Verdict | None:
    """What goes from somewhere else is another change, unless a constant says where it is."""
    if a.delta or b.delta or len(a.started) != 1 or len(b.started) != 1:
        return None
    if _agree(a.started[0], b.started[0], a, b):
        return None
    both = f"{_amount(a.started[0])} is not {_amount(b.started[0])}"
    return Verdict(False, "value", 0.0, f"where they start from: {both}")


def _by_binding(a: Statement, b: Statement) -> Verdict | None:
    """Two heads of twice the width are not twice the heads."""
    theirs = dict(b.bound)
    if len(a.bound) < 2 or len(theirs) < 2:
        return None
    for subject, amounts in a.bound:
        other = theirs.get(subject, amounts)
        if not all(any(_agree(x, y, a, b) for y in other) for x in amounts):
            both = f"{', '.join(map(_amount, amounts))} is not {', '.join(map(_amount, other))}"
            return Verdict(False, "value", 0.0, f"{' '.join(sorted(subject))}: {both}")
    return None


def _switches_off(amounts: list[Amount], other: Statement) -> bool:
    """0 in one, and "remove" in the other."""
    zero = [x for x in amounts if isinstance(x, Quantity) and x.readings == (0.0,)]
    return bool(amounts) and len(zero) == len(amounts) and "remove" in other.actions


def _unmatched(a: Statement, b: Statement) -> list[Amount]:
    """The amounts of ``a`` that ``b`` doesn't name."""
    settled = a.delta.keys() & b.delta.keys()
    offered = [*(x for _, x in b.after), *b.counted, *b.remarked]
    return [
        amount
        for constant, amount in a.after
        if constant not in settled and not any(_agree(amount, x, a, b) for x in offered)
    ]


def _agree(x: Amount, y: Amount, a: Statement, b: Statement) -> bool:
    if isinstance(x, Quantity) and isinstance(y, Quantity):
        if x.agrees(y):
            return True
        if x.relative != y.relative:
            change, value, known = (x, y, b) if x.relative else (y, x, a)
            olds = [q for q in known.before if isinstance(q, Quantity)]
            return any(
                Quantity(change.applied(r)).agrees(value) for old in olds for r in old.readings
            )
        return False
    if isinstance(x, str) and isinstance(y, str):
        return x.casefold() == y.casefold()
    return x == y


def _amount(x: Amount) -> str:
    if isinstance(x, Quantity):
        text = f"{x.readings[-1]:g}"
        return f"{text}x" if x.kind == "factor" else text
    return str(x)


_OPPOSITES = (("add", "remove"), ("increase", "decrease"))


def _by_action(a: Statement, b: Statement) -> Verdict | None:
    for one, other in _OPPOSITES:
        for x, y in ((a, b), (b, a)):
            opposed = one in x.actions and other in y.actions
            both = one in y.actions or other in x.actions
            if opposed and not both and not (x.after and one in ("increase", "decrease")):
                return Verdict(False, "direction", 0.0, f"{one} is not {other}")
    for x, y in ((a, b), (b, a)):
        if "remove" in x.actions and "remove" not in y.actions and not _zero(y):
            return Verdict(False, "direction", 0.1, "one removes, the other doesn't")
    if ("except" in a.concepts) != ("except" in b.concepts):
        return Verdict(False, "contrast", 0.1, "only one of them makes an exception")
    return None


def _zero(a: Statement) -> bool:
    return "zero" in a.concepts or any(
        isinstance(x, Quantity) and x.readings == (0.0,) for _, x in a.after
    )


def _by_contrast(a: Statement, b: Statement, words: Vocabulary) -> Verdict | None:
    all_a, all_b = words.closure(a.concepts), words.closure(b.concepts)
    for group in words.contrasts:
        only_a, only_b = (a.concepts & group) - all_b, (b.concepts & group) - all_a
        if (only_a and b.concepts & group) or (only_b and a.concepts & group):
            odd = " and ".join(sorted(words.names.get(c, c) for c in (*only_a, *only_b)))
            return Verdict(False, "contrast", 0.1, f"only one of them is about {odd}")
        left, right = a.remarks & group, b.remarks & group
        if left and right and left.isdisjoint(right):
            odd = " and ".join(sorted(words.names.get(c, c) for c in (*left, *right)))
            return Verdict(False, "contrast", 0.1, f"only one of them is about {odd}")
    if _exchanged(a, b, words):
        return Verdict(False, "contrast", 0.1, "what goes with what is exchanged")
    return None


def _pairing(a: Statement, one: frozenset[str], other: frozenset[str]) -> dict[str, str]:
    """Which concept of ``other`` follows each of ``one``: Adam for attention, Muon for the MLP."""
    pairs: dict[str, str] = {}
    for at, term in enumerate(a.terms):
        if term in one:
            found = next((t for t in a.terms[at + 1 :] if t in other), None)
            if found is not None:
                pairs.setdefault(term, found)
    return pairs


def _order(a: Statement, words: Vocabulary) -> tuple[str, ...]:
    said = (t for t in a.terms if t in words.contrasted and t not in ("before", "after"))
    return tuple(dict.fromkeys(said))


def _exchanged(a: Statement, b: Statement, words: Vocabulary) -> bool:
    """Whether two texts name the same things and pair or order them differently."""
    if a.concepts != b.concepts:
        return False
    if not a.concepts.isdisjoint(("before", "after")):  # attention before the MLP
        order_a, order_b = _order(a, words), _order(b, words)
        if len(order_a) > 1 and order_a == order_b[::-1]:
            return True
    groups = [g for g in words.contrasts if len(g & a.concepts) > 1]
    for one, other in itertools.permutations(groups, 2):
        if one & other:
            continue
        left, right = _pairing(a, one, other), _pairing(b, one, other)
        whole = len(set(left.values())) == len(left) > 1 and left.keys() == right.keys()
        if whole and left != right and set(left.values()) == set(right.values()):
            return True
    return False


def _by_meaning(
    a: Statement, b: Statement, words: Vocabulary, closeness: Closeness | None
) -> Verdict:
    if swapped := _one_swapped(a, b, words):
        return Verdict(False, "contrast", 0.2, swapped)
    if narrower := _narrowed(a, b, words) or _narrowed(b, a, words):
        return Verdict(False, "contrast", 0.2, narrower)
    shared = overlap(a, b, words)
    low = (1 - _CLOSENESS_COUNTS) * shared
    if closeness is None or not low < _LEAST <= low + _CLOSENESS_COUNTS:
        undecided = low < _LEAST <= low + _CLOSENESS_COUNTS
        same = shared >= _LEAST if undecided else low >= _LEAST
        return Verdict(same, "wording", round(shared, 3), _shared(a, b, words), undecided)
    meant = max(0.0, closeness(spelled(a, words), spelled(b, words)))
    score = low + _CLOSENESS_COUNTS * meant
    why = f"{_shared(a, b, words)}; meanings alike to {meant:.2f}"
    return Verdict(score >= _LEAST, "embedding", round(score, 3), why)


def _shared(a: Statement, b: Statement, words: Vocabulary) -> str:
    """What both are about, in words."""
    common = dict.fromkeys(words.names.get(t, t) for t in a.terms if t in b.core)
    return f"both about {', '.join([*common][:6])}" if common else "about different things"


def spelled(a: Statement, words: Vocabulary) -> str:
    """The statement with its abbreviations written out, for a sentence encoder."""
    actions = sorted(a.actions)
    return " ".join([*actions, *(words.names.get(t, t) for t in a.terms)])


def overlap(a: Statement, b: Statement, words: Vocabulary) -> float:
    """How much of what is said by either is said by both, 0 to 1.

    What only one of them says counts against it, and more so where each says something of its own:
    a paraphrase adds or leaves out, another experiment has something else in its place.
    """
    shared_a, missing_a = _shared_weight(a, b, words)
    shared_b, missing_b = _shared_weight(b, a, words)
    shared = (shared_a + shared_b) / 2
    missing = (missing_a + missing_b) / 2 + min(missing_a, missing_b)
    if not a.after and not b.after:
        missing += 0.3 * len((a.actions ^ b.actions) & {"increase", "decrease"})
    if "remove" in a.actions | b.actions:  # what is removed is all that is said
        missing *= 1.5
    return shared / (shared + missing) if shared else 0.0


def _shared_weight(x: Statement, y: Statement, words: Vocabulary) -> tuple[float, float]:
    """The weight of what x says that y says too, and of what it doesn't say."""
    shared = missing = 0.0
    for term in set(x.terms):
        weight = _weight(term, words)
        if term in y.core:
            shared += weight
        elif not _implied_by_others(term, x, words):
            more_exact = not words.implies.get(term, frozenset()).isdisjoint(y.terms)
            missing += weight / 2 if more_exact else weight
    return shared, missing


def _implied_by_others(term: str, x: Statement, words: Vocabulary) -> bool:
    return any(term in words.implies.get(other, ()) for other in x.terms if other != term)


def _weight(term: str, words: Vocabulary) -> float:
    if term in words.light:
        return 0.4
    return 1.0 if term in words.names else 0.6


def _narrowed(a: Statement, b: Statement, words: Vocabulary) -> str | None:
    """ "weight decay 0.1" and "weight decay 0.1 on the value embeddings" are two experiments."""
    said = sum(_weight(term, words) for term in set(a.terms))
    if said > _FEW or any(term not in b.core for term in a.terms):
        return None
    for term in b.terms:
        new = term not in a.core and not _implied_by_others(term, b, words)
        exact = words.implies.get(term, frozenset()).isdisjoint(a.terms)
        limit = term in words.conditions - {"only"} and not _natural(term, b, words)
        telling = term not in words.light or limit
        if new and exact and term in words.names and telling:
            return f"only one of them is about {words.names[term]}"
    return None


def _natural(condition: str, b: Statement, words: Vocabulary) -> bool:
    """Whether a condition limits nothing: a warmup is of the first steps."""
    return any(condition in words.natural.get(term, ()) for term in b.core)


def _one_swapped(a: Statement, b: Statement, words: Vocabulary) -> str | None:
    """Two texts of the same wording but for one word are about two things."""
    matcher = SequenceMatcher(None, a.terms, b.terms, autojunk=False)
    edits = [op for op in matcher.get_opcodes() if op[0] != "equal"]
    alike = sum(block.size for block in matcher.get_matching_blocks())
    if len(edits) == 1 and alike >= 1:
        tag, i, j, k, m = edits[0]
        if (
            tag == "replace"
            and j - i == 1
            and m - k == 1
            and alike >= max(len(a.terms), len(b.terms)) - 1
        ):
            x, y = a.terms[i], b.terms[k]
            if y not in words.closure(a.terms) and x not in words.closure(b.terms):
                return f"{words.names.get(x, x)} is not {words.names.get(y, y)}"
    return None
