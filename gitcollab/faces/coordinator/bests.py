"""The best programs: of all, of a tier, of each agent; as dicts, and to be taken over."""

from __future__ import annotations

from gitcollab.errors import GitcollabError
from gitcollab.faces.coordinator.shapes import MAIN_TIERS, Fields, Shapes, vram_tier
from gitcollab.records.models import Result, rfc3339
from gitcollab.swarm import elsewhere, looking
from gitcollab.swarm.member import Member
from gitcollab.swarm.reports import Entry
from gitcollab.swarm.runs import Run
from gitcollab.swarm.syncing import best_program


def of_agents(shapes: Shapes) -> list[Fields]:
    """Every agent's best program, the best first."""
    rows = (row.best for row in shapes.member.rankings.agents)
    found = [_best(shapes, entry) for entry in rows if entry is not None]
    sign = shapes.where.task.sign
    return sorted(found, key=lambda one: one["val_bpb"] * sign)


def of_tier(shapes: Shapes, tier: str) -> Fields | None:
    """The best of a tier. Raises UsageError for one that there is none of."""
    entry = shapes.member.rankings.best(looking.track(shapes.member, tier))
    return None if entry is None else _best(shapes, entry)


def of_tiers(shapes: Shapes) -> dict[str, Fields | None]:
    """The best of each tier of GPUs."""
    return {tier: of_tier(shapes, tier) for tier in MAIN_TIERS}


def of_all(shapes: Shapes) -> Fields | None:
    """The best of all, as ``metadata`` tells it."""
    entry = shapes.member.rankings.best()
    result = None if entry is None else shapes.member.result(entry.id)
    if result is None:
        return None
    return metadata(shapes, result)


def ranked(shapes: Shapes) -> list[Fields]:
    """The complete ranking, the best first."""
    return [
        {
            "rank": entry.rank,
            "agent_id": entry.agent,
            "val_bpb": entry.metric,
            "description": entry.description,
            "vram_tier": vram_tier(entry.tier),
            "tier": entry.tier,
            "runs": entry.n,
            "standing": entry.standing,
            "no_better_than": entry.no_better_than,
            "builds_on_refuted": entry.builds_on_refuted,
            "_key": f"results/{entry.id}",
        }
        for entry in shapes.member.rankings.overall
    ]


def pull(member: Member, tier: str | None) -> tuple[str, str] | None:
    """The id and program of the best: the tier's if it has one, else of all; None: there is none.

    Remembered as what the next program published here may have been made from. Raises UsageError
    for a tier that there is none of.
    """
    result_id, text = best_program(member, looking.track(member, tier))
    if result_id is None:
        return None
    elsewhere.remember_pulled(member, result_id)
    return result_id, text


def metadata(shapes: Shapes, result: Result) -> Fields:
    """What is known of a best program, but for its text, and of the best before it.

    ``val_bpb`` is the mean of its runs. The previous best is known of the best of all.
    """
    group = shapes.where.group_of(Run.of(result))
    value = result.metric if group is None else group.mean
    best = shapes.where.best
    leads = group is not None and best is not None and best.key == group.key
    before = shapes.history.previous() if leads else None
    gain = None
    if before is not None and value is not None:
        gain = (before.value - value) * shapes.where.task.sign
    return shapes.facts(result) | {
        "val_bpb": value,
        "runs": 1 if group is None else group.n,
        "standing": None if group is None else group.standing,
        "no_better_than": None if group is None else group.no_better_than,
        "builds_on_refuted": None if group is None else group.builds_on_refuted,
        "best_val_bpb": value,
        "achieved_by": result.agent,
        "achieved_at": rfc3339(result.created_at),
        "previous_best_val_bpb": None if before is None else before.value,
        "previous_best_by": None if before is None else before.program.agent,
        "previous_best_description": None if before is None else before.program.description,
        "improvement_over_previous": gain,
    }


def whose(member: Member, result: Result) -> str:
    """Whose program it is, and whether that agent signed it, in words."""
    signed = looking.program_signed(member, result.id)
    word = {True: "signed", False: "its signature is wrong", None: "unsigned"}[signed]
    return f"by {result.agent}, {word}; what it changes: gitcollab diff {result.id}"


def _best(shapes: Shapes, entry: Entry) -> Fields:
    result = shapes.member.result(entry.id)
    if result is None:  # it was there when the ranking was made
        raise GitcollabError(f"{entry.id} is gone", "try again")
    record = shapes.facts(result)
    kept = ("agent_id", "description", "memory_gb", "vram_tier", "vram_total_gb", "_key")
    return {name: record[name] for name in kept} | {
        "val_bpb": entry.metric,
        "runs": entry.n,
        "standing": entry.standing,
        "no_better_than": entry.no_better_than,
        "builds_on_refuted": entry.builds_on_refuted,
        "achieved_at": record["completed_at"],
        "previous_best_val_bpb": record["agent_best_at_publish"],
    }
