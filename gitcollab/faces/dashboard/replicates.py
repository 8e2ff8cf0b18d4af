"""The runs of one program as a strip: each run, their mean with its error, and the base's mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from gitcollab.faces import axes
from gitcollab.faces.dashboard.plots import Scale, Spot, Tick, ticks
from gitcollab.swarm.ranking import Group
from gitcollab.swarm.runs import Run

WIDE, HIGH = 440, 104
_LEFT, _RIGHT = 16, 424
_ROW, _LIFT = 30.0, (0.0, -7.0, 7.0)  # dots that would cover each other lie on three levels
_NEAR = 4.0  # spreads beyond which a base would squeeze the runs into a point


class Strip(NamedTuple):
    """The picture: dots of runs (the last is the run that it is drawn for), and lines."""

    others: Sequence[Spot]
    mine: Spot | None
    mean: float
    low: float  # the mean less its standard error
    high: float
    base: float | None  # the base's mean, where it is near enough to be shown
    across: Sequence[Tick]


def strip(run: Run, runs: Sequence[Run], group: Group, base: Group | None) -> Strip:
    """The ``runs`` of a group, or some; ``run`` is the one that stands out.

    The noise is taken to two digits, as it is told: whatever others run does not move the picture.
    """
    shown = [one for one in runs if one.metric is not None]
    error = float(f"{group.sigma / math.sqrt(group.n):.2g}")
    values = [one.metric or 0.0 for one in shown] + [group.mean - error, group.mean + error]
    wide = max(max(values) - min(values), error)
    near = base is not None and abs(base.mean - group.mean) <= _NEAR * wide
    if near and base is not None:
        values.append(base.mean)
    axis = axes.measured(min(values), max(values))
    x = Scale(axis.low, axis.high, _LEFT, _RIGHT)
    dots = [(x(one.metric or 0.0), _ROW + _LIFT[n % 3]) for n, one in enumerate(shown)]
    mine = next((dot for one, dot in zip(shown, dots, strict=True) if one.id == run.id), None)
    return Strip(
        [dot for one, dot in zip(shown, dots, strict=True) if one.id != run.id],
        mine,
        x(group.mean),
        x(group.mean - error),
        x(group.mean + error),
        x(base.mean) if near and base is not None else None,
        ticks(axis, x, 5),
    )
