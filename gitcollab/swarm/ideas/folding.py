"""Which hypotheses say the same, so that a flood of one idea is one idea. Pure.

Two that a machine can try are the same where they set the same constants to the same values and
change the same lines, on whatever base. One in words alone is the same as an older one with the
same title. What was tested may be proposed anew for another base: that begins a new idea. Which of
them speaks for the idea is not told by dates, which are what their authors say (see ``board``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gitcollab.swarm.ideas.thoughts import Guess
from gitcollab.swarm.identity import normal_words


def identity_of(guess: Guess) -> tuple[str, ...]:
    """What is equal for equal ideas: what a machine would change, else the title."""
    if guess.executable:
        return ("does", guess.change or "", guess.patch or "")
    return ("says", normal_words(guess.title))


class _Idea:
    """The hypotheses that say one thing."""

    def __init__(self) -> None:
        self.guesses: list[Guess] = []
        self._bases: set[str | None] = set()
        self._tested: str | None = None  # when it was first

    def takes(self, guess: Guess) -> bool:
        """Whether the next one, by age, says no more than this."""
        tested = self._tested is not None and self._tested <= guess.created_at
        return guess.base in self._bases or not tested

    def add(self, guess: Guess, tested: str | None) -> None:
        self.guesses.append(guess)
        self._bases.add(guess.base)
        self._tested = min(filter(None, (self._tested, tested)), default=None)


def folded(
    guesses: Iterable[Guess], tested: Callable[[Guess, Guess], str | None]
) -> list[Sequence[Guess]]:
    """The ideas, each with the hypotheses that say it, oldest first.

    ``tested`` says when the first result was made that names a hypothesis and tests another one:
    that which says its idea, the first.
    """
    ideas: list[_Idea] = []
    standing: dict[tuple[str, ...], _Idea] = {}
    for guess in sorted(guesses, key=lambda g: (g.created_at, g.id)):
        idea = standing.get(identity_of(guess))
        if idea is None or not idea.takes(guess):
            idea = _Idea()
            ideas.append(idea)
            standing[identity_of(guess)] = idea
            standing.setdefault(("says", normal_words(guess.title)), idea)
        idea.add(guess, tested(guess, idea.guesses[0] if idea.guesses else guess))
    return [idea.guesses for idea in ideas]
