"""The options that say how a machine is lent, and what they mean together."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from gitcollab.cli.lengths import length_of
from gitcollab.errors import UsageError
from gitcollab.swarm.engine.terms import THINK_MINUTES, Terms

LENT_NICE = 10  # of programs on a machine that is lent until it is taken back
MAX_NICE = 19
_MOST_HOURS = 24 * 366 * 10.0


def _hours(text: str | float) -> float:
    """Hours, as a number or as a length of time; NaN for what is neither."""
    try:
        return float(text)
    except ValueError:
        length = length_of(str(text))
        return math.nan if length is None else length.total_seconds() / 3600


Hours = Annotated[
    float | None,
    typer.Option(
        parser=_hours, metavar="H", help="Do one after another for H hours; as --forever, but ends."
    ),
]
WhenIdle = Annotated[
    bool,
    typer.Option(
        "--when-idle", help="Begin only while CPU and GPU have little else to do; as --forever."
    ),
]
Gpus = Annotated[
    str | None,
    typer.Option(
        "--gpu", metavar="GPUS", help="The GPUs to work on, as in 0 or 0,1 or all: a worker each."
    ),
]
Nice = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=MAX_NICE,
        help=f"How far programs step back behind others; {LENT_NICE} with --forever.",
    ),
]
Think = Annotated[
    str | None,
    typer.Option(metavar="CMD", help="A command that is asked what to try before each experiment."),
]
ThinkMinutes = Annotated[
    float | None,
    typer.Option(metavar="M", help=f"How long it may take; {THINK_MINUTES:g} unless given."),
]


def terms_of(
    *,
    hours: float | None,
    when_idle: bool,
    nice: int | None,
    think: str | None,
    think_minutes: float | None,
    forever: bool,
) -> Terms:
    """The terms that the options make; UsageError for what cannot be meant.

    ``forever``: the machine is lent until it is taken back.
    """
    if hours is not None and not 0 < hours <= _MOST_HOURS:  # not so of NaN, either
        most = f"at most {_MOST_HOURS:.0f}"
        raise UsageError(
            f"--hours is to be a number above 0, {most}", "as in --hours 8, --hours 0.5 or 90m"
        )
    if think_minutes is not None and think is None:
        raise UsageError("--think-minutes is for a --think command", "give --think CMD, too")
    minutes = THINK_MINUTES if think_minutes is None else think_minutes
    if not (minutes > 0 and math.isfinite(minutes)):
        raise UsageError("--think-minutes is to be a number above 0", "as in --think-minutes 15")
    if nice is None and forever:
        nice = LENT_NICE
    if think is not None:
        from gitcollab.swarm.engine.mind.calling import Command

        think = Command.parse(think).typed  # before anything is begun, and from this folder
    return Terms(hours, when_idle, nice, think, minutes)


def typed_terms(
    *,
    hours: float | None,
    when_idle: bool,
    gpus: str | None,
    nice: int | None,
    think: str | None,
    think_minutes: float | None,
) -> list[str]:
    """These options, to be typed again."""
    given = [] if hours is None else ["--hours", f"{hours:g}"]
    given += ["--when-idle"] if when_idle else []
    given += [] if gpus is None else ["--gpu", gpus]
    given += [] if nice is None else ["--nice", str(nice)]
    given += [] if think is None else ["--think", think]
    return given + ([] if think_minutes is None else ["--think-minutes", f"{think_minutes:g}"])
