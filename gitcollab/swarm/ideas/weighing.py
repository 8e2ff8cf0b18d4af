"""How useful it is to try a hypothesis: one number, from what anybody can check. Pure.

    score = (priority + evidence + novelty) · 2^(−age / 14 days)

- *priority*: what its author says, from 1 for the most urgent to 0 for the least: (5 − p) / 4.
- *evidence*: 1 − 2^(−e). Of what it names as evidence, a result that was kept counts 1, any other
  result that counts ½, a hypothesis or an insight that stands ¼, and what does not exist nothing.
  Nothing counts for what it names itself, so ideas that name each other in a circle gain nothing.
- *novelty*: 1/√(1 + t), where t is how often, on average over the constants that it sets, results
  have changed them or older open ideas would. 0 where this very change was run on this base, and ½
  for what changes more than constants or says its change in words: what is new in it is not known.
- *age*: from its making to now. The order of two ideas does not depend on when one looks.

Each part is at most 1, so nobody's word on its own importance outweighs the rest.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gitcollab.swarm.ideas.thoughts import Guess

HALF_LIFE_DAYS = 14.0
KEPT, OTHER_RESULT, THOUGHT = 1.0, 0.5, 0.25
UNKNOWN_NOVELTY = 0.5
_DAY = 86_400.0


@dataclass(frozen=True)
class Scales:
    """What ideas are weighed against.

    ``kept``, ``results``, ``thoughts`` are the ids that count as evidence; ``changed`` says how
    many results changed a constant, ``run`` which changes (canonical JSON) were run on which base.
    """

    kept: Collection[str]
    results: Collection[str]
    thoughts: Collection[str]
    changed: Mapping[str, int]
    run: Collection[tuple[str, str | None]]

    def scores(self, open_ideas: Iterable[Guess], now: datetime) -> dict[str, float]:
        """The score of each idea by its id; which are older says their own date."""
        found: dict[str, float] = {}
        seen = Counter(self.changed)
        for guess in sorted(open_ideas, key=lambda g: (g.created_at, g.id)):
            found[guess.id] = self.score(guess, seen, now)
            seen.update(constants_of(guess.change))
        return found

    def score(self, guess: Guess, changed: Mapping[str, int], now: datetime) -> float:
        """The score of an idea where constants have been ``changed`` so often."""
        age = (now - datetime.fromisoformat(guess.created_at)).total_seconds() / _DAY
        age = max(age, -1.0)  # clocks that differ by more are broken
        worth = (5 - guess.priority) / 4 + self.evidence(guess) + self.novelty(guess, changed)
        return worth * math.exp2(-age / HALF_LIFE_DAYS)

    def evidence(self, guess: Guess) -> float:
        """How well it is founded, from 0 to 1."""
        named = set(guess.evidence.split()) - {guess.id}
        return 1 - math.exp2(-math.fsum(map(self._weight, named)))

    def _weight(self, record_id: str) -> float:
        if record_id in self.kept:
            return KEPT
        if record_id in self.results:
            return OTHER_RESULT
        return THOUGHT if record_id in self.thoughts else 0.0

    def novelty(self, guess: Guess, changed: Mapping[str, int]) -> float:
        """How little is known of what it changes, from 0 to 1."""
        if guess.change is None or guess.patch is not None:
            return UNKNOWN_NOVELTY
        if (guess.change, guess.base) in self.run:
            return 0.0
        names = constants_of(guess.change)
        often = sum(changed.get(name, 0) for name in names) / max(1, len(names))
        return 1 / math.sqrt(1 + often)


def constants_of(change: str | None) -> list[str]:
    """The constants that a change sets, from its canonical JSON."""
    return [] if change is None else list(json.loads(change))
