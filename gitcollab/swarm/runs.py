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
    delta: str | None  # the constants that it set, as ``identity.canonical_json``
    structural: int  # whether it changed more than these

    @property
    def change(self) -> str | None:
        """What identifies its change of constants; None for what changes more than these."""
        return None if self.structural else self.delta

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
            delta=canonical_json(result.delta) if result.delta else None,
            structural=int(result.structural),
        )


def fingerprint_of(result: Result) -> str:
    """What identifies the result's program.

    A result that does not say goes by the id of the one that it ran again, else by its own. So it
    is with that one where that is nameless too, and apart from it where that names its program.
    """
    named = result.fingerprint or result.files.get(PROGRAM_PATH)
    return named or result.replicates or result.id


def change_of(experiment: Experiment) -> str | None:
    """What identifies a change of constants; None for what changes more than these."""
    if experiment.structural or not experiment.delta:
        return None
    return canonical_json(experiment.delta)


def is_nameless(result: Result) -> bool:
    """Whether it was measured and does not say which program it is: nobody can run that again."""
    return result.status == "ok" and result.fingerprint is None


def _values(result: Result) -> tuple[Scalar, ...]:
    log = result.files.get("log.txt")
    run, cites = Run.of(result), " ".join(result.cites) if result.cites else None
    more = (run.change, log, result.hypothesis, 1 if is_nameless(result) else None, cites)
    return (*run[1:], *more)


COLUMNS = Columns(
    kind="result",
    names=(
        *Run._fields[1:],
        *("change", "log", "hypothesis", "nameless", "cites"),
    ),
    keyed=("agent", "fingerprint", "change", "log", "nameless"),
    of=_values,
    version=7,
    text=lambda result: " ".join(filter(None, (result.description, result.failure))),
)
