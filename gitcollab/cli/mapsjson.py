"""What ``--json`` prints of the maps of the search; see ``jsonout``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from gitcollab.cli import jsonout
from gitcollab.cli.jsonout import JsonObject

if TYPE_CHECKING:
    from gitcollab.swarm.maps.analysis import Analysis
    from gitcollab.swarm.maps.coverage import Coverage, Tried
    from gitcollab.swarm.maps.frontier import Frontier
    from gitcollab.swarm.maps.lineage import Lineage, Link


def coverage(found: Coverage) -> JsonObject:
    """What was tried of each constant, and what nobody touched, with the values it has."""
    return {
        "experiments": found.experiments,
        "structural": found.structural,
        "by_words": found.by_words,
        "noise": found.noise,
        "constants": [
            {
                "name": one.name,
                "baseline": one.baseline,
                "now": one.now,
                "said": one.said,
                "experiments": one.experiments,
                "tried": [_tried(value) for value in one.tried],
            }
            for one in found.constants
        ],
        "untouched": [{"name": name, "now": value} for name, value in found.untouched],
        "worded": [
            {
                "name": one.name,
                "baseline": one.baseline,
                "experiments": one.experiments,
                "ids": list(one.results),
            }
            for one in found.worded
        ],
    }


def _tried(one: Tried) -> JsonObject:
    told = asdict(one)
    return {**{name: told[name] for name in told if name != "results"}, "ids": list(one.results)}


def lineage(line: Lineage) -> JsonObject:
    """A line of programs, oldest first; ``origin`` says what is before it."""
    return {
        "tier": line.tier,
        "origin": line.origin,
        "gain": line.gain,
        "noise": line.noise,
        "links": [_link(link) for link in line.links],
        "credits": [asdict(one) for one in line.credits],
    }


def _link(link: Link) -> JsonObject:
    group = link.group
    return {
        "id": link.run.id,
        "agent": link.run.agent,
        "created_at": link.run.created_at,
        "description": link.run.description,
        "metric": None if group is None else group.mean,
        "n": 0 if group is None else group.n,
        "standing": None if group is None else group.standing,
        "builds_on_refuted": None if group is None else group.builds_on_refuted,
        "gain": link.gain,
        "error": link.error,
        "back": link.back,
        "transfers": [] if group is None else list(group.transfers),
    }


def frontier(found: Frontier) -> JsonObject:
    """Programs that nobody has built on; ``total`` and ``counts`` are of all there are.

    ``bare`` counts those that nobody can build on, since nobody has them.
    """
    leaves = [
        jsonout.ranked(leaf.entry)
        | {"verdict": leaf.verdict, "claimed": leaf.claimed, "age_days": leaf.age_days}
        for leaf in found.leaves
    ]
    counts = dict(found.counts)
    return {"leaves": leaves, "total": found.total, "counts": counts, "bare": found.bare}


def analysis(found: Analysis) -> JsonObject:
    """Where the swarm stands; ``hypotheses`` are the open ones, ``counts`` of all by status."""
    return {
        "best": jsonout.best(found.best),
        "by_tier": {tier: jsonout.best(one) for tier, one in found.by_tier.items()},
        "active": [one._asdict() for one in found.active],
        "kept": [asdict(one) for one in found.kept],
        "failed": [asdict(one) for one in found.failed],
        "trend": asdict(found.trend),
        "diversity": asdict(found.diversity),
        "replicate": [jsonout.best(one) for one in found.replicate],
        "bare": found.bare,
        "leaves": found.leaves,
        "transfers": [jsonout.best(one) for one in found.transfers],
        "hypotheses": {
            "open": [
                (jsonout.record(idea.hypothesis) or {}) | {"score": idea.score}
                for idea in found.hypotheses.ideas
            ],
            "counts": dict(found.hypotheses.counts),
        },
        "insights": [
            (jsonout.record(one.insight) or {})
            | {"standing": one.standing, "support": one.support, "against": one.against}
            for one in found.insights.insights
        ],
        "claims": jsonout.records(found.claims),
    }
