"""How much better, or worse: what a question asks of the gain of a result over its base."""

from __future__ import annotations

import re

from gitcollab.similarity.bounds import Bound, Op
from gitcollab.similarity.quantities import NUMBER, Quantity

_MORE = r"more than|over|above|at least|beyond|>=?|≥"
_LESS = r"less than|under|below|at most|<=?|≤"
_ALIKE = r"about|around|roughly|exactly|=|≈|~"
_UP = r"better|improv(?:e[sd]?|ing|ements?)|gain(?:s|ed|ing)?|wins?|won|helped|helps"
_DOWN = r"worse|loss(?:es)?|lost|loses?|regress(?:es|ed|ions?)?|hurts?|harm(?:s|ed)?"
# A link between the word and the amount: "better 0.1" says nothing of a gain.
_ASKED = re.compile(
    rf"(?<![\w-])(?:({_UP})|({_DOWN}))\s+"
    rf"(?:(?:by|of|is|was)\s+(?:({_MORE})|({_LESS})|{_ALIKE})?|({_MORE})|({_LESS}))\s*"
    rf"([-−]?{NUMBER})(?![\w.]*\w|\s*[%x])",
    re.IGNORECASE,
)


def taken(text: str) -> tuple[str, list[Bound]]:
    """The text without the gains that it asks for, and these; positive is better."""
    found: list[Bound] = []

    def cut(match: re.Match[str]) -> str:
        up, _, more, less, more_too, less_too, digits = match.groups()
        amount = float(digits.replace("_", "").replace(",", "").replace("−", "-"))
        signed = Quantity((amount if up else -amount,))
        if more or more_too or less or less_too:
            above = bool(more or more_too) == bool(up)
            found.append(Bound(_op(more or more_too or less or less_too, above=above), signed))
            if (less or less_too) and amount > 0:  # better by less than 0.1 is better all the same
                found.append(Bound(">" if up else "<", Quantity((0.0,))))
        else:
            found.append(Bound("≈", signed))
        return " "

    return _ASKED.sub(cut, text), found


def _op(said: str, *, above: bool) -> Op:
    """The comparison, turned where a loss is meant."""
    equal = said.lower() in ("at least", "at most", ">=", "<=", "≥", "≤")
    return ("≥" if equal else ">") if above else ("≤" if equal else "<")
