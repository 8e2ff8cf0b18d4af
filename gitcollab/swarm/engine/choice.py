"""What may be run next, and why: values, made before anything is claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gitcollab.records.models import Hypothesis
from gitcollab.swarm.proposal import Proposal
from gitcollab.swarm.workspace import Base

# In the order in which they are taken; ``rerun`` is where nothing else is left to do.
Kind: TypeAlias = Literal[
    "edit", "thought", "baseline", "replication", "hypothesis", "proposal", "rerun"
]


@dataclass(frozen=True)
class Choice:
    """An experiment that could be next.

    ``why`` says in a line, in the project's own words, what makes it so; ``base`` is the program
    that it is changed from, ``by`` are others who wrote what it adds to that. ``scores`` are the
    figures that decided, by name: of a program its ``runs`` and what is ``believed`` of it, with
    the ``error`` of that, or its runs' ``mean`` where nothing is; of a hypothesis its ``score``.
    ``notes`` are for the user, once it is run.
    """

    kind: Kind
    plan: Proposal
    why: str
    base: Base
    hypothesis: Hypothesis | None = None
    by: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Passed:
    """What is not run next though it might have been: ``what`` it is, and ``why``.

    ``what`` may be others' words; ``id`` is the result or hypothesis that it is about.
    """

    kind: Kind
    what: str
    why: str
    id: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outlook:
    """What would be run next, the first first, and what would not, as far as was looked."""

    choices: Sequence[Choice]
    passed: Sequence[Passed]
