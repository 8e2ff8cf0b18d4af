"""Publishing what an agent of the other system has measured."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gitcollab.errors import UsageError
from gitcollab.faces.coordinator import given
from gitcollab.faces.numbers import number as shown
from gitcollab.faces.swarm import Swarm
from gitcollab.swarm.elsewhere import Measured, publish_measured
from gitcollab.swarm.outcomes import RunReport

_STATUSES = ("keep", "discard", "crash")
_MOST_NUMBERS = 60
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")  # of a metric
_JUDGED = {"better": "keep", "worse": "discard", "within noise": "within noise of its base"}


def measured(
    experiment: object,
    val_bpb: object,
    memory_gb: object,
    status: object,
    description: object,
    program: object,
    extra: object,
) -> tuple[Measured, list[str]]:
    """What was measured, as it is published, and notes of what was left out.

    Raises UsageError for what cannot be meant. What is said beside status, metric and program is
    left out where it is wrong: for that no measurement is lost.
    """
    if status not in _STATUSES:
        raise UsageError(f"there is no status {str(status)[:40]!r}", "keep, discard or crash")
    source = given.text(program, "train_py_source")
    if not source.strip():
        raise UsageError("the program is empty", 'give the text: open("train.py").read()')
    crashed = status == "crash"
    said, notes = _beside(description, extra)
    memory = _numbers({"memory_gb": memory_gb})
    numbers = (memory if any(memory.values()) else {}) | _numbers(said["extra_metrics"])
    seed = numbers.pop("seed", None)
    run = Measured(
        program=source,
        status="crash" if crashed else "ok",
        metric=None if crashed else given.number(val_bpb),
        description=said["description"],
        metrics=dict(list(numbers.items())[:_MOST_NUMBERS]),
        experiment=experiment if isinstance(experiment, str) else None,
        seed=int(seed) if seed is not None and seed.is_integer() and abs(seed) < 2**53 else None,
    )
    return run, notes


def _beside(description: object, extra: object) -> tuple[dict[str, Any], list[str]]:
    """What is said of a run beside its numbers, and notes of what of it is no such thing."""
    said: dict[str, Any] = {"description": "", "extra_metrics": {}}
    notes = []
    for name, value, read in (
        ("description", description, given.words),
        ("extra_metrics", extra, given.values),
    ):
        try:
            said[name] = read(value, name) or said[name]
        except UsageError as e:
            notes.append(f"left out: {e.message}")
    return said, notes


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """What of these a record holds as metrics: finite numbers with plain names."""
    return {
        name: finite
        for name, value in values.items()
        if given.is_number(value) and _NAME.fullmatch(name)
        if math.isfinite(finite := given.number(value))
    }


def publish(swarm: Swarm, run: Measured) -> RunReport:
    """Publish it. Raises as ``publish_measured``."""
    return publish_measured(swarm.member, run)


def told(report: RunReport, metric_name: str) -> list[str]:
    """What became of it, in lines."""
    result = report.result
    if result is None:
        return [f"not published: {report.error}", *filter(None, [report.hint])]
    value = result.status if result.metric is None else f"{metric_name}={shown(result.metric)}"
    verdict = _JUDGED.get(report.verdict or "", "nothing to compare it with yet")
    said = "" if result.metric is None else f" ({verdict}{'; the best' if report.is_best else ''})"
    return [f"RESULT {report.outcome}: {value}{said} {result.id}", *report.notes]
