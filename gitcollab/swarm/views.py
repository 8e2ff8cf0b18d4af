"""The derived files for machines: the best programs and the leaderboard.

A pure function of the standings, so that whoever rebuilds them gets the same bytes: no clock, no
order of arrival, numbers rounded to nine significant digits. What strangers can make many is
bounded, so that no file grows past what hubs carry well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from gitcollab.records import codec
from gitcollab.records.models import sha256
from gitcollab.records.names import PROGRAM_PATH, folder_of
from gitcollab.swarm import tracks
from gitcollab.swarm.credit import AgentRow
from gitcollab.swarm.ranking import Group, Standings

LEADERBOARD = "leaderboard.json"
TOP_OVERALL = 100
TOP_OF_TIER = 20
MAX_TIERS = 12
MAX_AGENTS = 1000
MAX_SHOWN_DESCRIPTION = 100

Read: TypeAlias = Callable[[str], bytes | None]
Fields: TypeAlias = dict[str, Any]


def all_files(
    where: Standings, read: Read, existing: Iterable[str] = ()
) -> dict[str, bytes | None]:
    """Path -> bytes of every derived file for machines; None for what is to be removed.

    ``read`` gives the bytes of a file of the hub, ``existing`` the hub's paths; of these, files
    below ``best/`` that have no place any more (a tier without a best, say) are removed.
    """
    files: dict[str, bytes | None] = {p: None for p in sorted(existing) if p.startswith("best/")}
    return files | best_files(where, read) | {LEADERBOARD: leaderboard(where)}


def best_files(where: Standings, read: Read) -> dict[str, bytes | None]:
    """The best program overall and of each tier, each with what is known of it; of each agent."""
    chosen = {"best": where.best}
    chosen |= {f"best/tier/{tier}": where.by_tier[tier][0] for tier in main_tiers(where)}
    files: dict[str, bytes | None] = {}
    for folder, group in chosen.items():
        if group is None:
            continue
        program = program_of(where, group, read)
        if program is not None:
            files[f"{folder}/train_py"] = program
        # Where the program was never on the hub, what is known of it is all there is.
        if program is not None or where.results[group.first.id].program is None:
            files[f"{folder}/metadata.yaml"] = metadata(group)
    for row in ranked_agents(where)[:MAX_AGENTS]:
        if row.best is not None:
            files[f"best/agent/{row.agent}.yaml"] = metadata(row.best)
    return files


def program_of(where: Standings, group: Group, read: Read) -> bytes | None:
    """The text of the group's program, from the run that stands for it or else another one.

    A file that is not what its result was signed with is passed over.
    """
    for run in (group.first.id, *group.runs):
        data = read(f"{folder_of(run)}/{PROGRAM_PATH}")
        if data is not None:
            signed = where.results[run].program
            if signed is None or signed == sha256(data):
                return data
    return None


def metadata(group: Group) -> bytes:
    """What is known of a program, as YAML; ``metric`` is the mean of its ``n`` runs."""
    return codec.dump({"schema": codec.SCHEMA} | _entry(group))


def leaderboard(where: Standings) -> bytes:
    """The ranking as JSON (ASCII): the first of all programs and of each tier, and the agents.

    Each ``total`` says how many there are; long descriptions are cut, results have them whole.
    """
    metric, best = where.task.metric, where.best
    value = {
        "schema": codec.SCHEMA,
        "task": where.task.name,
        "track": tracks.told(where.task),
        "metric": metric.model_dump(mode="json"),
        "sigma": rounded(where.sigma),
        "results": len(where.results),
        "total": len(where.ranked),
        "best": _ranked(1, best) if best else None,
        "entries": [_ranked(n, g) for n, g in enumerate(where.ranked[:TOP_OVERALL], 1)],
        "tiers": {tier: _tier(where.by_tier[tier]) for tier in main_tiers(where)},
        "agents": _agents(where),
    }
    return (json.dumps(value, indent=0, allow_nan=False) + "\n").encode("ascii")


def main_tiers(where: Standings) -> list[str]:
    """The tiers with the most programs, by name: anybody can name a tier, so not all of them.

    None where all machines are ranked together.
    """
    if tracks.in_one(where.task):
        return []
    busiest = sorted(where.by_tier, key=lambda tier: (-len(where.by_tier[tier]), tier))
    return sorted(busiest[:MAX_TIERS])


def ranked_agents(where: Standings) -> list[AgentRow]:
    """Agents by the rank of the best program they found; those without one after them, by name."""
    place = {draft.key: n for n, draft in enumerate(where.eligible)}

    def order(row: AgentRow) -> tuple[int, str]:
        return place[row.best.key] if row.best else len(place), row.agent

    return sorted(where.by_agent.values(), key=order)


def rounded(value: float) -> float:
    """Nine significant digits: more than any measurement has, and no noise of addition."""
    return float(f"{value:.9g}")


def _entry(group: Group) -> Fields:
    return {
        "id": group.first.id,
        "agent": group.first.agent,
        "description": group.first.description,
        "metric": rounded(group.mean),
        "n": group.n,
        "sigma": rounded(group.sigma),
        "pessimistic": rounded(group.pessimistic),
        "standing": group.standing,
        "no_better_than": group.no_better_than,
        "builds_on_refuted": group.builds_on_refuted,
        "tier": group.tier,
        "fingerprint": group.fingerprint,
        "created_at": group.first.created_at,
    }


def _ranked(rank: int, group: Group) -> Fields:
    shown = {"description": shortened(group.first.description), "transfers": [*group.transfers]}
    return {"rank": rank} | _entry(group) | shown


def shortened(text: str, limit: int = MAX_SHOWN_DESCRIPTION) -> str:
    """The text, cut to ``limit`` characters with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _tier(groups: Sequence[Group]) -> Fields:
    top = [_ranked(n, g) for n, g in enumerate(groups[:TOP_OF_TIER], 1)]
    return {"total": len(groups), "entries": top}


def _agents(where: Standings) -> Fields:
    rows = ranked_agents(where)
    top = [_agent(n, row) for n, row in enumerate(rows[:MAX_AGENTS], 1)]
    return {"total": len(rows), "entries": top}


def _agent(rank: int, row: AgentRow) -> Fields:
    best: Mapping[str, Any] | None = None
    if row.best is not None:
        kept = ("id", "metric", "n", "pessimistic", "standing", "tier")
        best = {name: value for name, value in _entry(row.best).items() if name in kept}
    return {
        "rank": rank,
        "agent": row.agent,
        "experiments": row.experiments,
        "kept": row.kept,
        "confirmed": row.confirmed,
        "replications": row.replications,
        "crashes": row.crashes,
        "best": best,
    }
