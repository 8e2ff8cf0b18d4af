"""Draws of Optuna's tree-structured Parzen estimator (TPE), near the program that is built on.

All constants but a few stay as they are: with few and noisy trials, whole points drawn at once are
hardly better than chance. The only module that knows Optuna.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gitcollab.swarm.engine.proposer.judging import Places, squeezed
from gitcollab.swarm.engine.proposer.space import Axis
from gitcollab.swarm.engine.proposer.trials import Trial

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_STARTUP = 5  # trials, below which TPE draws at random


def is_installed() -> bool:
    """Whether there is an Optuna to ask."""
    try:
        importlib.import_module("optuna")
    except ImportError:
        return False
    return True


class Sampler:
    """Optuna, told of all trials; ``pending`` are points whose outcome is not known yet."""

    def __init__(
        self,
        along: Sequence[Axis],
        trials: Sequence[Trial],
        pending: Sequence[Places],
        sigma: float,
    ) -> None:
        self._along = along
        self._grid = {axis.name: _distribution(axis) for axis in along}
        self._told = [self._trial(t.places, squeezed(t.loss, sigma)) for t in trials]
        self._told += [self._trial(places, None) for places in pending]

    def draw(self, at: Places, free: Sequence[Sequence[int]], seed: int) -> Iterator[Places]:
        """For each of ``free`` a point that differs from ``at`` on these axes, by number."""
        from optuna.samplers import PartialFixedSampler, TPESampler

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = self._study()
            here = self._params(at)
            for n, moved in enumerate(free):
                names = {self._along[axis].name for axis in moved}
                fixed = {name: value for name, value in here.items() if name not in names}
                tpe = TPESampler(
                    n_startup_trials=_STARTUP,
                    multivariate=True,
                    constant_liar=True,
                    seed=(seed + n) % 2**32,
                )
                study.sampler = PartialFixedSampler(fixed, tpe)
                asked = study.ask(self._grid).params
                yield tuple(
                    _place(axis, asked[axis.name]) if axis.name in names else place
                    for axis, place in zip(self._along, at, strict=True)
                )

    def _study(self) -> Study:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(direction="minimize")
        study.add_trials(self._told)
        return study

    def _trial(self, places: Places, loss: float | None) -> FrozenTrial:
        from optuna.trial import TrialState, create_trial

        return create_trial(
            params=self._params(places),
            distributions=self._grid,
            value=loss,
            state=TrialState.RUNNING if loss is None else TrialState.COMPLETE,
        )

    def _params(self, places: Places) -> dict[str, float | int]:
        return {a.name: _param(a, p) for a, p in zip(self._along, places, strict=True)}


def _distribution(axis: Axis) -> BaseDistribution:
    from optuna import distributions

    if axis.is_ordered:
        return distributions.FloatDistribution(0.0, 1.0)
    return distributions.CategoricalDistribution(tuple(range(len(axis.choices))))


def _param(axis: Axis, place: float) -> float | int:
    return min(1.0, max(0.0, place)) if axis.is_ordered else int(place)


def _place(axis: Axis, drawn: float) -> float:
    return float(drawn)
