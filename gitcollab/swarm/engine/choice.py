"""What may be run next, and why: a value, made before anything is claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gitcollab.records.models import Hypothesis
from gitcollab.swarm.proposal import Proposal
from gitcollab.swarm.workspace import Base

# In the order in which they are taken, but for ``rerun``: where nothing else is left to do.
Kind: TypeAlias = Literal["edit", "thought", "replication", "hypothesis", "proposal", "rerun"]


@dataclass(frozen=True)
class Choice:
    """An experiment that could be next.

    ``why`` says in a line, in the project's own words, what makes it so; ``base`` is the program
    that it is changed from, ``by`` are others who wrote what it adds to that.
    """

    kind: Kind
    plan: Proposal
    why: str
    base: Base
    hypothesis: Hypothesis | None = None
    by: tuple[str, ...] = ()
