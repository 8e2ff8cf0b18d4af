"""Results as rankings and searches see them: a line each, so that a hundred thousand are no burden.

The store keeps these columns beside every result (see ``store.columns``); a whole Result is read
only where it is shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gitcollab.records.models import Experiment, Result, rfc3339
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.store.columns import Columns, Scalar
from gitcollab.swarm.identity import canonical_json


class Run(NamedTuple):
    """One result, without its text. Times are RFC 3339, which sorts as it is."""

    id: str
    agent: str
    created_at: str
    description: str
    status: str
    metric: float | None
    task: str
    dataset: str | None  # the digest of the data it says it measured on
    tier: str
    program: str | None  # the digest of its train.py
    fingerprint: str  # what identifies its program, see fingerprint_of
    base: str | None
    base_fingerprint: str | None
    replicates: str | None
    changed: int  # whether its program differs from its base

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Run:
        """The line with these columns: ``_make`` without its check, for a hundred thousand."""
        return tuple.__new__(cls, row)

    @classmethod
    def of(cls, result: Result) -> Run:
        """The line of a result."""
        return cls(
            id=result.id,
            agent=result.agent,
            created_at=rfc3339(result.created_at),
            description=result.description,
            status=result.status,
            metric=result.metric,
            task=result.task,
            dataset=result.environment.dataset,
            tier=result.hardware.tier,
            program=result.files.get(PROGRAM_PATH),
            fingerprint=fingerprint_of(result),
            base=result.base,
            base_fingerprint=result.base_fingerprint,
            replicates=result.replicates,
            changed=int(bool(result.delta) or result.structural),
        )


def fingerprint_of(result: Result) -> str:
    """What identifies the result's program; a result that does not say is a program of its own."""
    return result.fingerprint or result.files.get(PROGRAM_PATH) or result.id


def change_of(experiment: Experiment) -> str | None:
    """What identifies a change of constants; None for what changes more than these."""
    if experiment.structural or not experiment.delta:
        return None
    return canonical_json(experiment.delta)


def _values(result: Result) -> tuple[Scalar, ...]:
    log = result.files.get("log.txt")
    return (*Run.of(result)[1:], change_of(result), log, result.hypothesis)


COLUMNS = Columns(
    kind="result",
    names=(*Run._fields[1:], "change", "log", "hypothesis"),
    keyed=("agent", "fingerprint", "change", "log"),
    of=_values,
    version=3,
)
