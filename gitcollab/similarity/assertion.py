"""What an insight asserts beside what it is about: on which side of an amount, which way, how good.

Descriptions of changes are the same where they do the same. Insights may speak of the same and say
the opposite: "RATE above 0.3 helps", "RATE helps up to 0.3". What they assert has to agree before
words decide whether they are about the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from gitcollab.similarity.bounds import Bound
from gitcollab.similarity.comparisons import compared, plainly, spelling
from gitcollab.similarity.quantities import Quantity
from gitcollab.similarity.tokens import Amount, lexed
from gitcollab.similarity.vocabulary import Vocabulary
from gitcollab.similarity.wording import plain_words

Good: TypeAlias = Literal["helps", "hurts", "does nothing"]

_NOTHING = (
    r"(?:has|have|makes?|is of|shows?|gives?) (?:no|little|hardly any) (?:effect|difference|use"
    r"|influence|impact|gain|benefit)|do(?:es)? (?:nothing|little)|do(?:es)? not (?:matter|count)"
    r"|neutral|(?:within|is|are|only|just|pure) (?:the )?noise|noop|no-op|useless"
)
_HELPS = (
    r"help(?:s|ed|ful)?|improve(?:s|d|ment)?|improving|gain(?:s|ed)?|better|best|benefit(?:s|ed|ial)?"
    r"|good|great|wins?|won|works?|worked|pays? off|optimal|beats?"
)
_HURTS = (
    r"hurt(?:s|ful)?|harm(?:s|ed|ful)?|worse|worst|worsens?|worsened|degrade(?:s|d)?|degrading|bad"
    r"|regress(?:es|ed)?|regressions?|diverge(?:s|d)?|diverging|fail(?:s|ed)?|crash(?:es|ed)?"
    r"|unstable|instability|explode(?:s|d)?|costs?|los(?:es|t)"
)
_NOT = r"(?:not|never|no|hardly|nor|neither|without|nothing)"
_VERDICTS: tuple[tuple[Good | None, re.Pattern[str]], ...] = (
    ("does nothing", re.compile(rf"\b(?:{_NOTHING})\b", re.IGNORECASE)),
    (None, re.compile(rf"\b{_NOT} (?:\w+ ){{0,2}}?(?:{_HELPS}|{_HURTS})\b", re.IGNORECASE)),
    ("helps", re.compile(rf"\b(?:{_HELPS})\b", re.IGNORECASE)),
    ("hurts", re.compile(rf"\b(?:{_HURTS})\b", re.IGNORECASE)),
)
_DENIED = re.compile(rf"\b{_NOT}\b", re.IGNORECASE)
_UP = re.compile(
    r"\b(?:higher|larger|bigger|greater|longer|deeper|wider|more|rais(?:e|es|ed|ing)|increas\w+"
    r"|doubl\w+|grow\w*)\b(?! than\b)",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\b(?:lower|smaller|less|fewer|shorter|shallower|narrower|lower(?:s|ed|ing)|decreas\w+|reduc\w+"
    r"|halv\w+|shrink\w*)\b(?! than\b)",
    re.IGNORECASE,
)
# What tells nothing of the subject: verdicts, the side of an amount, and words that only join.
_BESIDE = re.compile(
    rf"\b(?:{_NOTHING}|{_HELPS}|{_HURTS}|above|over|beyond|past|exceed(?:s|ing|ed)?|below|under"
    r"|up to|at (?:least|most)|about|around|an?|the|is|are|was|be|does|do"
    r"|(?:more|higher|greater|larger|bigger|less|lower|smaller|fewer) than)\b|[<>≤≥]=?",
    re.IGNORECASE,
)
_SHORTENED = re.compile(r"n['’]?t\b|['’]")  # else there is nothing to spell out: it takes time
_JOINS = frozenset(
    ("a", "an", "and", "are", "at", "be", "by", "for", "from", "in", "is", "it", "of", "on", "or")
) | {"the", "this", "to", "was", "with"}
_Side: TypeAlias = "tuple[str, str, Amount | None]"  # the word before an amount, the side, it


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a text asserts. ``denied``: something in it is not so."""

    good: frozenset[str]
    denied: bool
    ways: frozenset[str]  # "up", "down"
    sides: tuple[
        tuple[str, str, Amount | None], ...
    ]  # of each amount: the word before it, the side

    def agrees(self, other: Assertion) -> bool:
        """Whether both assert the same, of whatever it is."""
        alike = (self.good, self.denied, self.ways) == (other.good, other.denied, other.ways)
        return alike and _same_sides(self.sides, other.sides)


def asserted(text: str, words: Vocabulary) -> Assertion:
    """What a text asserts, as ``words`` has amounts."""
    good, left = _judged(plain_words(text))
    ways = {way for way, pattern in (("up", _UP), ("down", _DOWN)) if pattern.search(left)}
    denied = _DENIED.search(left) is not None
    return Assertion(frozenset(good), denied, frozenset(ways), tuple(_sides(left, words)))


@lru_cache(maxsize=20_000)
def subject(text: str) -> str:
    """What a text is about: it without verdicts and sides, whose amounts stay."""
    said = plain_words(text) if _SHORTENED.search(text) else text
    return " ".join(_BESIDE.sub(" ", said).split())


def _judged(text: str) -> tuple[set[str], str]:
    """The verdicts in a text, and the rest of it."""
    found: set[str] = set()
    for verdict, pattern in _VERDICTS:
        if pattern.search(text):
            found |= {verdict or "not so"}
            if verdict is None:  # not helping is not hurting: which of them is denied counts
                found |= {m[0].split()[-1].casefold()[:4] for m in pattern.finditer(text)}
            text = pattern.sub(" ", text)
    return found, text


def _sides(text: str, words: Vocabulary) -> Iterator[_Side]:
    """Each amount of a text, in order."""
    tokens = list(lexed(plainly(text), words, {}))
    spelt, at, before = spelling(tokens), 0, ""
    while at < len(spelt):
        found = compared(spelt, at, tokens)
        if found is not None:
            yield from ((before, _side(one), one.amount) for one in found.bounds)
            at = found.end + 1
            continue
        word, _, _ = spelt[at:].partition(" ")
        at += len(word) + 1
        if word[:1].isalpha() and word not in _JOINS:
            before = word


def _side(bound: Bound) -> str:
    return {"≥": ">", "≤": "<", "≈": "="}.get(bound.op, bound.op)


def _same_sides(a: Sequence[_Side], b: Sequence[_Side]) -> bool:
    """Whether the amounts agree with their sides; of several, with what each is of, too."""
    if len(a) != len(b):
        return False
    left = list(b)
    for one in a:
        match = next((two for two in left if _same_side(one, two, alone=len(a) == 1)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _same_side(a: _Side, b: _Side, *, alone: bool) -> bool:
    if a[1] != b[1] or not (alone or a[0] == b[0]):
        return False
    if isinstance(a[2], Quantity) and isinstance(b[2], Quantity):
        return a[2].agrees(b[2])
    return a[2] == b[2]
