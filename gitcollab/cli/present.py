"""How `status` tells that a machine is lent, that this is paused, that a service does it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gitcollab.cli import render
from gitcollab.cli.jsonout import JsonObject

if TYPE_CHECKING:
    from gitcollab.swarm.engine.guest.pausing import Pause
    from gitcollab.swarm.engine.guest.presence import Lease, Presence
    from gitcollab.swarm.swarm import Swarm


def presence_pairs(swarm: Swarm) -> list[tuple[str, str | None]]:
    """Labels and values; None where there is nothing to say."""
    seen = swarm.presence()
    return [
        ("lent", None if seen.lease is None else _lease(seen.lease)),
        ("now", None if seen.lease is None else _doing(seen)),
        ("paused", None if seen.pause is None else _pause(seen.pause)),
        ("service", seen.service and "installed; gitcollab service status tells if it runs"),
    ]


def presence_json(swarm: Swarm) -> JsonObject:
    """The same for programs; ``lease`` and ``pause`` are null where there is none."""
    seen = swarm.presence()
    return {
        "lease": _fields(seen.lease),
        "pause": _fields(seen.pause),
        "running": seen.running,
        "waiting": seen.waiting,
        "service": seen.service is not None,
    }


def _fields(value: Any) -> dict[str, Any] | None:
    return None if value is None else asdict(value)


def _lease(lease: Lease) -> str:
    parts = [f"for {render.length(round((render.now() - lease.since).total_seconds()))}"]
    parts += [f"{render.left(lease.until)} more"] if lease.until else ["until it is ended"]
    parts += ["while idle"] if lease.when_idle else []
    parts += [f"GPU {', '.join(map(str, lease.gpus))}"] if lease.gpus else []
    return f"{'; '.join(parts)} (process {lease.pid})"


def _doing(seen: Presence) -> str | None:
    """What a lent machine does now."""
    if seen.waiting:
        return f"waiting: {seen.waiting}"
    return "an experiment is under way" if seen.running else None


def _pause(pause: Pause) -> str:
    if pause.until is None:
        return "until gitcollab resume"
    return f"for {render.left(pause.until)} more, or until gitcollab resume"
