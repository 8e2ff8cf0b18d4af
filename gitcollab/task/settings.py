"""What a run is to do: the dataset, the budget and the seed, handed over by whoever started it."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

from gitcollab.task.errors import TaskError

_BUDGET_FORM = 'a budget is one of {"seconds": 60}, {"tokens": 1000000} or {"steps": 100}'


@dataclass(frozen=True)
class Budget:
    """How long training goes on: ``amount`` of ``unit`` ("seconds", "tokens" or "steps")."""

    unit: str
    amount: float


@dataclass(frozen=True)
class Settings:
    """One task, as far as the harness needs it."""

    name: str
    dataset: str
    budget: Budget


MICRO = Settings("micro", "embedded", Budget("seconds", 60.0))


class Clock:
    """How much of a budget is used: of tokens and steps never more than there are.

    A budget in seconds ends with the step that uses it up.

    A budget in tokens ends where another step of the last one's size would exceed it: who takes
    larger batches gets no more. Raises `TaskError` where a step did.

    The first ``free_steps`` steps of a budget in seconds are not counted: they are when kernels
    are compiled and caches fill, which says nothing about a program.
    """

    def __init__(self, budget: Budget, free_steps: int = 0) -> None:
        self.budget = budget
        self.steps = 0
        self.tokens = 0
        self.seconds = 0.0  # without the free steps
        self.counted_tokens = 0  # without those of the free steps
        self._free_steps = free_steps
        self._last = 0  # the tokens of the last step

    def step(self, seconds: float, tokens: int) -> None:
        """Count one training step."""
        self.steps += 1
        self.tokens += tokens
        self._last = tokens
        if self.budget.unit == "tokens" and self.tokens > self.budget.amount:
            raise TaskError(
                f"a run may use {self.budget.amount:,.0f} tokens, this one used {self.tokens:,}",
                "use smaller batches",
            )
        if self.steps > self._free_steps:
            self.seconds += seconds
            self.counted_tokens += tokens

    @property
    def share(self) -> float:
        """The used share of the budget, 0.0 to 1.0."""
        used = {"seconds": self.seconds, "tokens": self.tokens, "steps": self.steps}
        return min(used[self.budget.unit] / self.budget.amount, 1.0)

    @property
    def remaining(self) -> float:
        """Seconds left; for a budget in tokens or steps an estimate from the pace so far."""
        if self.budget.unit == "seconds":
            return max(self.budget.amount - self.seconds, 0.0)
        return self.seconds * (1 - self.share) / self.share if self.share > 0 else math.inf

    @property
    def done(self) -> bool:
        """Whether the budget is used up."""
        if self.budget.unit == "tokens" and self.tokens + self._last > self.budget.amount:
            return True
        return self.share >= 1.0


def load_settings(folder: Path | None = None) -> Settings:
    """Return this run's task.

    It is read from the file that ``GITCOLLAB_TASK`` names, else from ``.gitcollab/task.json`` in
    ``folder`` (default: the working directory) or the nearest parent that has one; else it is the
    micro task. Raises `TaskError` when the file cannot be understood.
    """
    path = _find(folder or Path.cwd())
    if path is None:
        return MICRO
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaskError(
            f"cannot read the task file {path}: {error}", "check GITCOLLAB_TASK"
        ) from error
    return parse_settings(content, str(path))


def _find(folder: Path) -> Path | None:
    if named := os.environ.get("GITCOLLAB_TASK"):
        return Path(named)
    places = (place / ".gitcollab" / "task.json" for place in (folder, *folder.parents))
    return next((path for path in places if path.is_file()), None)


def parse_settings(content: object, source: str) -> Settings:
    """Return the settings of a decoded task file; keys that are not the harness's are ignored."""
    if not isinstance(content, dict):
        raise TaskError(f"{source}: a task is a JSON object")
    name, dataset = content.get("name", MICRO.name), content.get("dataset", MICRO.dataset)
    if not isinstance(name, str) or not isinstance(dataset, str):
        raise TaskError(f"{source}: the task's name and dataset are texts")
    return Settings(name, dataset, _budget(content.get("budget", {"seconds": 60.0}), source))


def _budget(content: object, source: str) -> Budget:
    units = ("seconds", "tokens", "steps")
    given = [unit for unit in units if unit in content] if isinstance(content, dict) else []
    if not isinstance(content, dict) or len(given) != 1:
        raise TaskError(f"{source}: the budget is not understood", _BUDGET_FORM)
    amount = content[given[0]]
    number = isinstance(amount, int | float) and not isinstance(amount, bool)
    if not number or not math.isfinite(amount) or amount <= 0:
        raise TaskError(f"{source}: the budget {amount!r} is not a positive number", _BUDGET_FORM)
    return Budget(given[0], amount)


def seed() -> int:
    """Return the run's seed, ``GITCOLLAB_SEED`` (default 0)."""
    text = os.environ.get("GITCOLLAB_SEED", "0")
    try:
        return int(text)
    except ValueError as error:
        raise TaskError(f"GITCOLLAB_SEED is not a whole number: {text!r}") from error
