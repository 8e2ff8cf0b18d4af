"""Tracks: which runs are compared with each other. It follows from the task's budget.

A budget of tokens or steps is as many of them on any machine, so all results are in one track. (As
many tokens are as much data; how much is in a step is the program's to say, so as many steps are as
much work only where a task keeps programs from changing that.) With a budget in seconds a faster
machine does more in a run: results are compared within a tier of hardware, and each tier is a track
of its own. Another budget is another task (its digest differs), so no ranking mixes tracks of two
budgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitcollab.records.models import Task

if TYPE_CHECKING:
    from gitcollab.swarm.runs import Run

_TIER = 8  # the place of a run's tier
ANY = "any"  # in the place of a tier, where machines of all tiers are ranked together
ALL = "all"  # in the place of a tier, where one is asked for: whatever the machine
RESERVED = frozenset((ANY, ALL))  # no tier of hardware is called so


def in_one(task: Task) -> bool:
    """Whether the results of all machines compare."""
    return task.budget.seconds is None


def track_of(task: Task, tier: str) -> str:
    """What a run on this tier of hardware is ranked in: its tier, or ``ANY``."""
    return ANY if in_one(task) else tier


def compares(track: str | None, tier: str) -> bool:
    """Whether a run on this tier of hardware is in the track; None is as ``ANY``."""
    return track in (None, ANY, tier)


def on_track(task: Task, run: Run) -> Run:
    """The run with its track in the place of its tier."""
    return moved(run, ANY) if in_one(task) and run.tier != ANY else run


def moved(run: Run, track: str) -> Run:
    """The run with this in the place of its tier; ``_replace`` takes ten times as long."""
    return tuple.__new__(type(run), (*run[:_TIER], track, *run[_TIER + 1 :]))


def budget(task: Task) -> str:
    """What a run may use: "60 s", "450,000 tokens", "1 step"."""
    if task.budget.seconds is not None:
        return f"{task.budget.seconds:,g} s"
    many, noun = task.budget.tokens or task.budget.steps or 0, "step"
    if task.budget.tokens is not None:
        noun = "token"
    return f"{many:,} {noun}{'' if many == 1 else 's'}"


def told(task: Task) -> str:
    """The track in words: "450,000 tokens a run, any machine", "60 s a run, within a tier"."""
    return f"{budget(task)} a run, {'any machine' if in_one(task) else 'within a tier'}"


def place(tier: str) -> str:
    """The track of a group in words: "any machine", "tier cpu"."""
    return named(tier) if tier == ANY else f"tier {tier}"


def named(tier: str) -> str:
    """The track of a group in a column of tiers: "any machine", "cpu"."""
    return "any machine" if tier == ANY else tier
