"""Draws of Optuna's tree-structured Parzen estimator (TPE), near the program that is built on.

All constants but a few stay as they are: with few and noisy trials, whole points drawn at once are
hardly better than chance. The only module that knows Optuna.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gitcollab.swarm.engine.proposer.judging import Places, squeezed
from gitcollab.swarm.engine.proposer.space import Axis
from gitcollab.swarm.engine.proposer.trials import Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_MOST = 100  # trials that are told
_STARTUP = 5  # trials, below which TPE draws at random


def is_installed() -> bool:
    """Whether there is an Optuna to ask."""
    try:
        importlib.import_module("optuna")
    except ImportError:
        return False
    return True


def drawn(
    along: Sequence[Axis],
    at: Places,
    free: Sequence[int],
    trials: Sequence[Trial],
    pending: Sequence[Places],
    seed: int,
) -> Places:
    """A point that differs from ``at`` on the axes with these numbers alone.

    ``pending`` are points whose outcome is not known yet; ``trials`` are the nearest first.
    """
    import optuna
    from optuna.samplers import TPESampler

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {n: _distribution(along[n]) for n in free}
    told = [_trial(space, t.places, squeezed(t.loss)) for t in trials[:_MOST]]
    told += [_trial(space, places, None) for places in pending]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it calls experimental
        tpe = TPESampler(
            n_startup_trials=_STARTUP, multivariate=True, constant_liar=True, seed=seed % 2**32
        )
        study = optuna.create_study(direction="minimize", sampler=tpe)
        study.add_trials(told)
        asked = study.ask({str(n): one for n, one in space.items()}).params
    return tuple(float(asked.get(str(n), place)) for n, place in enumerate(at))


def _trial(
    space: Mapping[int, BaseDistribution], places: Places, loss: float | None
) -> FrozenTrial:
    from optuna.trial import TrialState, create_trial

    return create_trial(
        params={str(n): _param(one, places[n]) for n, one in space.items()},
        distributions={str(n): one for n, one in space.items()},
        value=loss,
        state=TrialState.RUNNING if loss is None else TrialState.COMPLETE,
    )


def _distribution(axis: Axis) -> BaseDistribution:
    from optuna import distributions

    if axis.is_ordered:
        return distributions.FloatDistribution(0.0, 1.0)
    return distributions.CategoricalDistribution(tuple(range(len(axis.choices))))


def _param(distribution: BaseDistribution, place: float) -> float | int:
    from optuna.distributions import FloatDistribution

    is_range = isinstance(distribution, FloatDistribution)
    return min(1.0, max(0.0, place)) if is_range else int(place)
