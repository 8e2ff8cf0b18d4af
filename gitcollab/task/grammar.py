"""A text's exact probability: choices among prefix-free alternatives, written or read back.

A *grammar* is a function ``grammar(pen)`` that produces text in two ways only: ``pen.say(text)``
for what is certain, and ``pen.pick(table)`` for a choice, whose alternatives are written at once.
No alternative of a table is a prefix of another (`Table` checks it), and what a grammar does next
depends on nothing but what was written so far. So a reader who knows the grammar can recover every
choice from the text, left to right and without looking ahead: each text has exactly one derivation,
and its probability is the product of its choices' ``weight / total``, exact fractions all.

Two pens run the same grammar: `Writer` draws the choices, `Reader` recovers them from a text.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Protocol

_MASK = (1 << 64) - 1


class NotOfThisGrammar(ValueError):  # noqa: N818 - a verdict on a text, said as one
    """The text cannot have been written by the grammar it is read with."""


class Table:
    """Alternatives of one choice: prefix-free texts with positive integer weights."""

    def __init__(self, texts: Sequence[str], weights: Sequence[int] | None = None) -> None:
        self.texts = tuple(texts)
        self.weights = tuple(weights) if weights is not None else (1,) * len(self.texts)
        if len(self.weights) != len(self.texts) or min(self.weights) < 1:
            raise ValueError("one positive weight for each alternative")
        ordered = sorted(self.texts)
        # In sorted order a prefix stands immediately before some text that it begins.
        if any(b.startswith(a) for a, b in pairwise(ordered)):
            raise ValueError(f"alternatives are not prefix-free: {ordered}")
        self.bounds = tuple(accumulate(self.weights))
        self.total = self.bounds[-1]


def falling(texts: Sequence[str]) -> Table:
    """Return a table in which earlier alternatives are likelier: weights n, n-1, ... 1."""
    return Table(texts, range(len(texts), 0, -1))


class Pen(Protocol):
    """What a grammar writes with."""

    def say(self, text: str) -> None:
        """Put text that is certain at this point."""

    def pick(self, table: Table) -> int:
        """Choose an alternative, put its text, and return its index."""


class SplitMix:
    """SplitMix64 (Steele, Lea and Flood 2014): 64-bit integers only, the same everywhere."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next(self) -> int:
        """Return the next 64-bit number."""
        self._state = z = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, n: int) -> int:
        """Return an exactly uniform number in 0..n-1 (the biased tail is drawn again)."""
        limit = (1 << 64) - (1 << 64) % n
        while (number := self.next()) >= limit:
            pass
        return number % n


class _Recorder:
    """The factors of the probability: how often each ``(weight, total)`` was chosen."""

    def __init__(self) -> None:
        self.factors: Counter[tuple[int, int]] = Counter()

    def bits(self) -> float:
        """Return -log2 of the text's probability."""
        return bits(self.factors)


class Writer(_Recorder):
    """Draws every choice from a generator; ``text()`` is what was written."""

    def __init__(self, random: SplitMix) -> None:
        super().__init__()
        self._random = random
        self._parts: list[str] = []
        self.written = 0

    def say(self, text: str) -> None:
        """Put text that is certain at this point."""
        self._parts.append(text)
        self.written += len(text)

    def pick(self, table: Table) -> int:
        """Draw an alternative by weight."""
        index = bisect_right(table.bounds, self._random.below(table.total))
        self.factors[table.weights[index], table.total] += 1
        self.say(table.texts[index])
        return index

    def text(self) -> str:
        """Return everything written so far."""
        return "".join(self._parts)


class Reader(_Recorder):
    """Recovers the choices from a text; raises `NotOfThisGrammar` where it does not fit."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self.written = 0

    def say(self, text: str) -> None:
        """Pass over text that must stand here."""
        if not self._text.startswith(text, self.written):
            raise NotOfThisGrammar(f"at {self.written}: {text!r} must stand here")
        self.written += len(text)

    def pick(self, table: Table) -> int:
        """Return the one alternative that stands here."""
        here = [i for i, t in enumerate(table.texts) if self._text.startswith(t, self.written)]
        if len(here) != 1:
            raise NotOfThisGrammar(
                f"at {self.written}: {len(here)} alternatives of {table.texts} fit"
            )
        self.factors[table.weights[here[0]], table.total] += 1
        self.written += len(table.texts[here[0]])
        return here[0]

    def finish(self) -> None:
        """Check that the text ends where the grammar ends."""
        if self.written != len(self._text):
            raise NotOfThisGrammar(f"at {self.written}: the text goes on after its end")


def bits(factors: Counter[tuple[int, int]]) -> float:
    """Return -log2 of a product of fractions, summed without loss (order does not matter)."""
    return math.fsum(n * math.log2(total / weight) for (weight, total), n in factors.items())
