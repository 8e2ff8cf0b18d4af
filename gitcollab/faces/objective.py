"""What a task is about, in a sentence for people; strangers' names in it are as they are."""

from __future__ import annotations

from gitcollab.faces.numbers import count
from gitcollab.records.models import Task


def objective(task: Task) -> str:
    """As in: the lowest val_bpb (bits per byte) on embedded, in 60 seconds a run."""
    goal = "lowest" if task.sign > 0 else "highest"
    unit = f" ({task.metric.unit})" if task.metric.unit else ""
    data = f" on {task.dataset.name}" if task.dataset else ""
    return f"the {goal} {task.metric.name}{unit}{data}, in {_budget(task)} a run"


def _budget(task: Task) -> str:
    budget = task.budget
    if budget.seconds is not None:
        return f"{budget.seconds:g} seconds"
    if budget.tokens is not None:
        return count(budget.tokens, "token")
    return count(budget.steps or 0, "step")
