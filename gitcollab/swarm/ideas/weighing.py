"""How useful it is to try a hypothesis: one number, from what anybody can check. Pure.

    score = (priority + evidence + novelty) · 2^(−age / 14 days)

- *priority*: what its author says, from 1 for the most urgent to 0 for the least: (5 − p) / 4.
- *evidence*: 1 − 2^(−e). Of what it names as evidence, a result that was kept counts 1; a
  hypothesis or an insight of another agent ¼, where tests support it; anything else nothing. What
  nobody has tested adds nothing, so ideas that name each other in a circle gain nothing.
- *novelty*: 1/√(1 + t), where t is how often, on average over the constants that it sets, results
  have changed them or other, older open ideas would. 0 where this very change was run on this base,
  and ½ for what changes more than constants or says its change in words: what is new in it is not
  known.
- *age*: from its making to now. The order of two ideas does not depend on when one looks.

Each part is at most 1, so nobody's word on its own importance outweighs the rest. What cannot be
tried, since there are no such constants, is worth nothing. Where several hypotheses are one idea,
each has a score of its own, and the idea has the best of them: another that says the same, with
whatever date, makes it no worse.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from gitcollab.swarm.ideas.thoughts import Guess

HALF_LIFE_DAYS = 14.0
KEPT, THOUGHT = 1.0, 0.25
UNKNOWN_NOVELTY = 0.5
_DAY = 86_400.0


@dataclass(frozen=True)
class Scales:
    """What ideas are weighed against.

    ``kept`` are the ids of results that were kept, ``supported`` of hypotheses and insights that
    tests support; ``changed`` says how many results changed a constant, ``run`` which changes
    (canonical JSON) were run on which base. ``lost`` are the ids of hypotheses that set what is no
    constant.
    """

    kept: Collection[str]
    supported: Collection[str]
    changed: Mapping[str, int]
    run: Collection[tuple[str, str | None]]
    lost: Collection[str] = ()

    def scores(self, open_ideas: Iterable[Sequence[Guess]], now: datetime) -> dict[str, float]:
        """The score of every hypothesis by its id; ``open_ideas`` are those that say one thing.

        Which ideas are older says their own date.
        """
        said = [(guess, n) for n, idea in enumerate(open_ideas) for guess in idea]
        found: dict[str, float] = {}
        begun: set[int] = set()
        seen = Counter(self.changed)
        for guess, n in sorted(said, key=lambda one: (one[0].created_at, one[0].id)):
            found[guess.id] = self.score(guess, seen, now, counted=n in begun)
            if n not in begun and guess.id not in self.lost:
                begun.add(n)
                seen.update(constants_of(guess.change))
        return found

    def score(
        self, guess: Guess, changed: Mapping[str, int], now: datetime, *, counted: bool = False
    ) -> float:
        """The score of a hypothesis where constants have been ``changed`` so often.

        ``counted``: once of these it is by its own idea.
        """
        if guess.id in self.lost:
            return 0.0
        age = (now - datetime.fromisoformat(guess.created_at)).total_seconds() / _DAY
        age = max(age, -1.0)  # clocks that differ by more are broken
        worth = (5 - guess.priority) / 4 + self.evidence(guess)
        worth += self.novelty(guess, changed, counted=counted)
        return worth * math.exp2(-age / HALF_LIFE_DAYS)

    def evidence(self, guess: Guess) -> float:
        """How well it is founded, from 0 to 1."""
        named = set(guess.evidence.split())
        kept = sum(one in self.kept for one in named)
        told = sum(one in self.supported and agent_of(one) != guess.agent for one in named)
        return 1 - math.exp2(-(KEPT * kept + THOUGHT * told))

    def novelty(self, guess: Guess, changed: Mapping[str, int], *, counted: bool = False) -> float:
        """How little is known of what it changes, from 0 to 1."""
        if guess.change is None or guess.patch is not None:
            return UNKNOWN_NOVELTY
        if (guess.change, guess.base) in self.run:
            return 0.0
        names = constants_of(guess.change)
        often = sum(changed.get(name, 0) - counted for name in names) / max(1, len(names))
        return 1 / math.sqrt(1 + often)


@lru_cache(maxsize=20_000)
def constants_of(change: str | None) -> tuple[str, ...]:
    """The constants that a change sets, from its canonical JSON."""
    return () if change is None else tuple(json.loads(change))


def agent_of(record_id: str) -> str:
    """Whose record it is."""
    return record_id.partition("/")[0]
