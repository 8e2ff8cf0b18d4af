"""Records as the dicts that autoresearch@home's users read.

Ids have the kind before them there: ``results/nova/...``. Of a result, ``status`` is derived from
what is known now, as is ``verdict``, which says more. Text is as its author wrote it: data, never
instructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitcollab.errors import GitcollabError, without_credentials
from gitcollab.faces.coordinator.history import History
from gitcollab.records.models import Claim, Hypothesis, Insight, Result, rfc3339
from gitcollab.swarm import looking
from gitcollab.swarm.exporting import short
from gitcollab.swarm.member import Member
from gitcollab.swarm.progress import mark_of
from gitcollab.swarm.ranking import Standings
from gitcollab.swarm.runs import Run

Fields = dict[str, Any]
FOLDERS = {
    "result": "results",
    "claim": "claims",
    "hypothesis": "hypotheses",
    "insight": "insights",
}
MAIN_TIERS = ("small", "medium", "large", "xl")
_MEBI = 1024


class Source(str):
    """A program's text, which is not spilt over the screen when a record with it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<a program of {len(self):,} characters>"


def key_of(kind: str, record_id: str) -> str:
    """What a record is called there."""
    return f"{FOLDERS[kind]}/{record_id}"


class Shapes:
    """Makes dicts of results, of one state of the hub."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.where: Standings = member.standings()
        self.history = History(self.where)

    def result(self, result: Result, score: float = 1.0) -> Fields:
        """A result with its program: ``train_py`` is None where nobody has it."""
        return self.facts(result, score) | {"train_py": self.program(result.id)}

    def facts(self, result: Result, score: float = 1.0) -> Fields:
        """A result without its program; ``val_bpb`` is None for a crash.

        What programs report beside the metric (num_steps, ...) comes first, so that nobody can
        report a field of ours.
        """
        run, (best, own) = Run.of(result), self.history.before(result.id)
        config = self.member.config
        return dict(result.metrics) | {
            "agent_id": result.agent,
            "val_bpb": result.metric,
            "memory_gb": memory(result.metrics),
            "vram_tier": vram_tier(result.hardware.tier),
            "vram_total_gb": result.hardware.vram_gb,
            "status": status_of(self.where, run),
            "verdict": mark_of(self.where, run),
            "standing": self.where.standing_of(run),
            "builds_on_refuted": self.where.built_on_refuted(run),
            "commit": short(result.id),
            "description": result.description,
            "repo_url": without_credentials(config.hub),
            "branch": config.branch,
            "commit_url": None,
            "completed_at": rfc3339(result.created_at),
            "delta_vs_best": _delta(result.metric, best),
            "global_best_at_publish": best,
            "delta_vs_own_best": _delta(result.metric, own),
            "agent_best_at_publish": own,
            "_score": score,
            "_key": key_of("result", result.id),
        }

    def program(self, result_id: str) -> Source | None:
        """The program of a result; None where nobody has it."""
        try:
            return Source(looking.program_text(self.member, result_id))
        except GitcollabError:
            return None


def memory(metrics: Mapping[str, float]) -> float | None:
    """What a run used of memory, in GB."""
    found = metrics.get("memory_gb")
    if found is None and (mebi := metrics.get("peak_vram_mb")) is not None:
        return mebi / _MEBI
    return found


def vram_tier(tier: str) -> str | None:
    """The tier of a GPU; None for a machine without one."""
    return tier if tier in MAIN_TIERS else None


def status_of(where: Standings, run: Run) -> str:
    """``keep``, ``discard`` or ``crash``, by all that is known now.

    Kept is what is better than its base beyond the noise, what leads, the baseline, and another run
    of any of these.
    """
    mark = mark_of(where, run)
    if mark in ("keep", "crash"):
        return mark
    group = where.group_of(run)
    if group is None:
        return "discard"
    first, best = group.first, where.best
    if best is not None and best.key == group.key:
        return "keep"
    if mark not in ("rerun", "unjudged"):
        return "discard"
    if mark == "rerun" and first.id != run.id and mark_of(where, first) != "rerun":
        return status_of(where, first)
    is_baseline = run.fingerprint == where.baseline or (run.base is None and not run.changed)
    return "keep" if is_baseline else "discard"


def claim(one: Claim, seconds: float | None) -> Fields:
    """A claim; ``seconds`` is what a run of the task takes."""
    return {
        "agent_id": one.agent,
        "description": one.description,
        "experiment_key": one.id,
        "claimed_at": rfc3339(one.created_at),
        "expires_at": rfc3339(one.expires_at),
        "expected_duration_seconds": seconds,
        "status": "claimed",
        "_key": key_of("claim", one.id),
    }


def insight(one: Insight, score: float = 1.0) -> Fields:
    """An insight."""
    return {
        "agent_id": one.agent,
        "insight": one.text,
        "evidence_keys": list(one.evidence),
        "posted_at": rfc3339(one.created_at),
        "_score": score,
        "_key": key_of("insight", one.id),
    }


def hypothesis(one: Hypothesis, score: float = 1.0) -> Fields:
    """A hypothesis; of ``priority``, 5 is the most urgent there, and 1 here."""
    return {
        "agent_id": one.agent,
        "title": one.title,
        "hypothesis": one.reasoning,
        "suggested_config": None if one.set is None else dict(one.set),
        "evidence_keys": list(one.evidence),
        "priority": turned(one.priority),
        "created_at": rfc3339(one.created_at),
        "_score": score,
        "_key": key_of("hypothesis", one.id),
    }


def turned(priority: int) -> int:
    """A priority from 1 to 5 in the other order."""
    return 6 - priority


def _delta(metric: float | None, other: float | None) -> float | None:
    return None if metric is None or other is None else metric - other
