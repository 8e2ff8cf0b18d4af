"""What is believed of points that nobody has run: a Gaussian process over all trials.

The loss is a sum of functions of one constant, and of smaller ones of two (D. Duvenaud et al.,
"Additive Gaussian Processes", 2011): so what was learned of each constant with others in play is
put together, and noise is told from progress, which one number of one run cannot do. How large and
how wiggly these functions are is what makes the trials most likely. The unit of all losses is the
noise of one run.

Most changes make it worse, and the more the further they go. So before anything is measured each
changed constant is expected to cost ``_COST`` of a function's size, as far as it is changed; what
has been measured outweighs that. And a constant whose change to one side cost much is expected to
gain by one to the other: a part of each function is a straight line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from gitcollab.swarm.engine.proposer.space import Axis
from gitcollab.swarm.engine.proposer.trials import Trial

if TYPE_CHECKING:
    import numpy as np

    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]

Places: TypeAlias = tuple[float, ...]

_SIZES = (0.5, 1.0, 2.0, 4.0, 8.0)  # of the functions
_LENGTHS = (0.25, 0.5, 1.0)  # over which they change, in ranges
_FITTED = 100  # trials that size and length are chosen by
_COST = 1.0  # of a constant that is changed as far as its function reaches, in sizes
_TREND = 5.0  # the variance of the straight lines, by the square of a range
_PAIRS = 0.3  # of the variance of all, what is of two constants
_OTHER = 0.3  # how alike are two choices that have no order
_BOLDNESS = 1.0  # how far the world that a sample is of strays from what is expected
_LEAST = 0.01  # variance, however often a program was run
_FAR = 8.0  # worse than that is bad, however bad
_FAILED = 16.0  # what a crash counts as


@dataclass(frozen=True)
class Belief:
    """The posterior; ``size`` and ``length`` are those of its kernel, ``at`` is the base."""

    along: Sequence[Axis]
    at: Places
    seen: Numbers  # a row for each trial, as it is placed
    size: float
    length: float
    weights: Numbers
    covariance: Numbers  # of what was measured at them

    def mean(self, points: Sequence[Places]) -> Numbers:
        """How much worse than the base each point is expected to be; below 0: better."""
        return self._between(points) @ self.weights + self._cost(points)

    def sample(self, points: Sequence[Places], seed: int) -> Numbers:
        """One world that the trials allow: how much worse each point is in it."""
        import numpy as np

        across = self._between(points)
        own = self.size**2 * kernel(self.along, rows(points), rows(points), self.length)
        spread = own - across @ np.linalg.solve(self.covariance, across.T)
        spread[np.diag_indices_from(spread)] += 1e-6 * self.size**2 * len(self.along) + 1e-18
        drawn = np.random.default_rng(seed).standard_normal(len(points))
        strayed = _BOLDNESS * (np.linalg.cholesky(spread) @ drawn)
        return across @ self.weights + self._cost(points) + strayed

    def _cost(self, points: Sequence[Places]) -> Numbers:
        return self.size * cost(self.along, self.at, rows(points), self.length)

    def _between(self, points: Sequence[Places]) -> Numbers:
        return self.size**2 * kernel(self.along, rows(points), self.seen, self.length)


def believed(
    along: Sequence[Axis], at: Places, trials: Sequence[Trial], pending: Sequence[Places]
) -> Belief:
    """What the trials make one believe; of ``pending`` points it is taken as it is expected.

    There has to be a trial.
    """
    import numpy as np

    losses = np.array([squeezed(trial.loss) for trial in trials])
    noise = np.array([trial.variance for trial in trials]) + _LEAST
    places = rows([trial.places for trial in trials])
    size, length = _likeliest(along, at, places[:_FITTED], losses[:_FITTED], noise[:_FITTED])
    belief = _posterior(along, at, places, losses, noise, size, length)
    if not pending:
        return belief
    # As if each had come out as expected: what one of them will tell need not be asked twice.
    return _posterior(
        along,
        at,
        np.concatenate([places, rows(pending)]),
        np.concatenate([losses, belief.mean(pending)]),
        np.concatenate([noise, np.ones(len(pending))]),
        size,
        length,
    )


def _likeliest(
    along: Sequence[Axis], at: Places, places: Numbers, losses: Numbers, noise: Numbers
) -> tuple[float, float]:
    """The size and the length under which the losses are most likely."""
    import numpy as np

    best = -math.inf, _SIZES[0], _LENGTHS[0]
    for length in _LENGTHS:
        shape, costs = kernel(along, places, places, length), cost(along, at, places, length)
        for size in _SIZES:
            root = np.linalg.cholesky(size**2 * shape + np.diag(noise))
            rest = np.linalg.solve(root, losses - size * costs)
            likely = -0.5 * float(rest @ rest) - float(np.log(np.diag(root)).sum())
            best = max(best, (likely, size, length))
    return best[1:]


def squeezed(loss: float | None) -> float:
    """A loss, with what is far worse than the base brought nearer: it must not drown the rest."""
    return _FAR * math.asinh((_FAILED if loss is None else loss) / _FAR)


def cost(along: Sequence[Axis], at: Places, points: Numbers, length: float) -> Numbers:
    """What a change from ``at`` to each point is expected to cost, in sizes."""
    import numpy as np

    found = np.zeros(len(points))
    for n, axis in enumerate(along):
        found += 1 - _alike(axis, points[:, n] - at[n], length)
    return _COST * found


def kernel(along: Sequence[Axis], a: Numbers, b: Numbers, length: float) -> Numbers:
    """How alike points are: 1 on each axis for equal places; the sum over axes and their pairs,
    and what straight lines add.
    """
    import numpy as np

    first = np.zeros((len(a), len(b)))
    squares = np.zeros((len(a), len(b)))
    for n, axis in enumerate(along):
        alike = _alike(axis, a[:, n, None] - b[None, :, n], length)
        first += alike
        squares += alike**2
    pairs = (first**2 - squares) / max(1, len(along) - 1)  # of as large a sum as the first
    ordered = [n for n, axis in enumerate(along) if axis.is_ordered]
    lines = (a[:, ordered] - 0.5) @ (b[:, ordered] - 0.5).T
    return (1 - _PAIRS) * first + _PAIRS * pairs + _TREND * lines


def _alike(axis: Axis, gap: Numbers, length: float) -> Numbers:
    """How alike places on an axis are, by how far they lie apart."""
    import numpy as np

    smooth: Numbers = np.exp(-0.5 * (gap / length) ** 2)
    return smooth if axis.is_ordered else np.where(gap == 0, 1.0, _OTHER)


def rows(points: Sequence[Places]) -> Numbers:
    """The points as a matrix, a row each."""
    import numpy as np

    return np.array(points, dtype=float)


def _posterior(
    along: Sequence[Axis],
    at: Places,
    places: Numbers,
    losses: Numbers,
    noise: Numbers,
    size: float,
    length: float,
) -> Belief:
    import numpy as np

    covariance = size**2 * kernel(along, places, places, length) + np.diag(noise)
    weights = np.linalg.solve(covariance, losses - size * cost(along, at, places, length))
    return Belief(along, at, places, size, length, weights, covariance)
