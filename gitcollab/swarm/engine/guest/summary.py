"""What a machine that was lent did: experiments by what made them, and what came of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitcollab.swarm import looking, reading
from gitcollab.swarm.engine.tally import Count, Tally
from gitcollab.swarm.member import Member
from gitcollab.swarm.reports import Entry
from gitcollab.swarm.workspace import write_whole


@dataclass(frozen=True)
class Ended:
    """What a worker leaves for who began it: what it did so far, and whether that is all.

    ``failing``: it gave up, since too many experiments failed.
    """

    tally: Tally
    whole: bool = False
    failing: bool = False

    def write(self, path: Path) -> None:
        """Leave it for ``read``."""
        kinds = {kind: vars(count) for kind, count in self.tally.kinds.items()}
        counted = {"kinds": kinds, "ends": self.tally.ends}
        fields = {**counted, "whole": self.whole, "failing": self.failing}
        write_whole(path, json.dumps(fields).encode() + b"\n")

    @classmethod
    def read(cls, path: Path) -> Ended:
        """What ``write`` left; nothing where it left none."""
        with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
            found = json.loads(path.read_bytes())
            kinds = {str(kind): Count(**count) for kind, count in found["kinds"].items()}
            tally = Tally(kinds, Counter(found["ends"]))
            return cls(tally, found["whole"] is True, found["failing"] is True)
        return cls(Tally())


@dataclass(frozen=True)
class Footing:
    """Where an agent stands: its credit, and the metric of the best program of its tier."""

    kept: int = 0  # its programs that are better than their base
    confirmed: int = 0  # those of them that another agent has confirmed
    replications: int = 0  # runs of programs that others found
    best: float | None = None
    best_id: str | None = None
    baseline: float | None = None  # of the task's own program on the best's tier
    insights: int = 0  # that it told
    hypotheses: int = 0


def footing(member: Member) -> Footing:
    """Where the agent stands, as far as this host knows."""
    best = looking.leading(member)
    where: dict[str, Any] = {
        "insights": _told(member, "insight"),
        "hypotheses": _told(member, "hypothesis"),
    }
    if best is not None:
        where |= {"best": best.metric, "best_id": best.id, "baseline": _baseline(member, best)}
    for row in member.rankings.ranked("agent"):
        if row.agent == member.config.agent:
            where |= {name: getattr(row, name) for name in ("kept", "confirmed", "replications")}
            return Footing(**where)
    return Footing(**where)


def _baseline(member: Member, best: Entry) -> float | None:
    """The metric of the task's own program, where it was run on the tier of the best."""
    own = reading.baseline(member.store.snapshot())
    tier = [one for one in member.rankings.ranked("tier") if isinstance(one, Entry)]
    return next((e.metric for e in tier if (e.fingerprint, e.tier) == (own, best.tier)), None)


def _told(member: Member, kind: str) -> int:
    """How many of them on the hub are the agent's."""
    return len(member.store.snapshot().select(kind, "agent", agent=member.config.agent))


@dataclass(frozen=True)
class Lent:
    """What a machine did while it was lent: how long it was, and the agent's footing then."""

    tally: Tally
    seconds: float
    before: Footing
    after: Footing

    @property
    def credit(self) -> Mapping[str, int]:
        """By how much each kind of credit grew; by less than 0 where a replication took some."""
        names = ("kept", "confirmed", "replications")
        return {name: getattr(self.after, name) - getattr(self.before, name) for name in names}
