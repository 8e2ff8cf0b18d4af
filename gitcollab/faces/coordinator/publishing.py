"""Publishing what an agent of the other system has measured."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gitcollab.errors import UsageError
from gitcollab.faces.swarm import Swarm
from gitcollab.swarm.elsewhere import Measured, publish_measured
from gitcollab.swarm.outcomes import RunReport

_STATUSES = ("keep", "discard", "crash")
_MOST_NUMBERS = 60
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")  # of a metric
_JUDGED = {"better": "keep", "worse": "discard", "within noise": "within noise of its base"}


def measured(
    experiment: str | None,
    val_bpb: float | None,
    memory_gb: float | None,
    status: str,
    description: str,
    program: str,
    extra: Mapping[str, Any] | None,
) -> Measured:
    """What was measured, as it is published. Raises UsageError for what cannot be meant."""
    if status not in _STATUSES:
        raise UsageError(f"there is no status {str(status)[:40]!r}", "keep, discard or crash")
    if not isinstance(program, str) or not program.strip():
        raise UsageError("the program is empty", 'give the text: open("train.py").read()')
    numbers = _numbers({"memory_gb": memory_gb} if memory_gb else {}) | _numbers(extra or {})
    seed = numbers.pop("seed", None)
    return Measured(
        program=program,
        status="crash" if status == "crash" else "ok",
        metric=None if status == "crash" else number(val_bpb),
        description=description,
        metrics=dict(list(numbers.items())[:_MOST_NUMBERS]),
        experiment=experiment,
        seed=int(seed) if seed is not None and seed.is_integer() and abs(seed) < 2**53 else None,
    )


def number(value: Any) -> float:
    """The metric, finite or not; what is no number at all is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """What of these a record holds as metrics: finite numbers with plain names."""
    return {
        name: finite
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and _is_name(name)
        if math.isfinite(finite := number(value))
    }


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


def publish(swarm: Swarm, run: Measured) -> RunReport:
    """Publish it. Raises as ``publish_measured``."""
    return publish_measured(swarm.member, run)


def told(report: RunReport, metric_name: str) -> list[str]:
    """What became of it, in lines."""
    result = report.result
    if result is None:
        return [f"not published: {report.error}", *filter(None, [report.hint])]
    value = result.status if result.metric is None else f"{metric_name}={result.metric:.6f}"
    verdict = _JUDGED.get(report.verdict or "", "nothing to compare it with yet")
    said = "" if result.metric is None else f" ({verdict}{'; the best' if report.is_best else ''})"
    return [f"RESULT {report.outcome}: {value}{said} {result.id}", *report.notes]
