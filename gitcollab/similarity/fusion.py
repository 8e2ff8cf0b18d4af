"""Several rankings of the same things as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

_Item = TypeVar("_Item", bound=Hashable)

_K = 60  # the constant of the paper: how little the first places differ


def fused(rankings: Iterable[Sequence[_Item]]) -> dict[_Item, float]:
    """The score of each item by reciprocal rank fusion: Σ 1/(60 + its place), places from 1.

    Scores of different rankings need not compare. (G. V. Cormack, C. L. A. Clarke, S. Büttcher,
    "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR'09.)
    """
    scores: defaultdict[_Item, float] = defaultdict(float)
    for ranking in rankings:
        for place, item in enumerate(dict.fromkeys(ranking), 1):
            scores[item] += 1 / (_K + place)
    return dict(scores)
