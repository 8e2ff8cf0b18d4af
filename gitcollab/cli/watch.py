"""The verb watch: a hub on a screen that is drawn again as time goes by."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render, table
from gitcollab.cli.app import LOOK, Json, verb
from gitcollab.cli.context import open_swarm, reading
from gitcollab.cli.text import without_credentials

if TYPE_CHECKING:
    from gitcollab.runner.usage import Usage
    from gitcollab.swarm.watching import Watched

_LEAST = 20  # cells of a line


@verb(LOOK, "gitcollab watch", "gitcollab watch --once")
def watch(
    every: Annotated[
        float, typer.Option(min=10, max=86_400, help="Seconds between two reads of the hub.")
    ] = 15,
    once: Annotated[bool, typer.Option("--once", help="Show one plain frame, and end.")] = False,
    json: Json = False,
) -> None:
    """Watch the best, who runs what, and new results, live.

    With the trend, what waits on this host, and how busy its GPUs are. On a terminal it goes on
    until q or ^C, which is no failure (exit code 0); in a pipe it shows one frame. It reads the
    hub now and then, and writes nothing.

    The trend is "improving" or "falling back" where the best changed by as much as counts between
    two programs (two standard errors of their difference) in the last 24 hours or 20 experiments,
    whichever is more, or since the first best of a younger hub; else "flat", or "stuck" where no
    other program took the lead.
    """
    from gitcollab.cli.frame import Screen, frame
    from gitcollab.swarm.watching import Watch

    hears = _Reading()
    hub = Watch(open_swarm(progress=hears).member, every)
    if table.is_able() and not once and not json:
        from gitcollab.cli.screen import keep_drawing

        return keep_drawing(hub, every, hears.no_more)
    seen, used, now = hub.ask(), _usage(), render.now()
    if json:
        return jsonout.emit(_document(seen, used, now))
    print("\n".join(frame(seen, used, now, Screen(table.width(_LEAST)))))
    return None


class _Reading:
    """Shows how far the reading of the hub is, until there is a screen that it would disturb."""

    def __init__(self) -> None:
        self._told = True

    def __call__(self, done: int, total: int) -> None:
        if self._told:
            reading(done, total)

    def no_more(self) -> None:
        """Be silent from now on."""
        self._told = False


def _usage() -> Usage:
    from gitcollab.runner.usage import usage

    return usage()


def _document(seen: Watched, used: Usage, now: datetime) -> jsonout.JsonObject:
    """All that a frame is made of, for programs."""
    from gitcollab.swarm.trend import trend

    return {
        "hub": without_credentials(seen.hub),
        "branch": seen.branch,
        "agent": seen.agent,
        "task": seen.task.name,
        "metric": seen.task.metric.name,
        "direction": seen.task.metric.direction,
        "asked": seen.asked,
        "away": None if seen.away is None else jsonout.flat(seen.away),
        "best": jsonout.best(seen.best),
        "trend": jsonout.flat(trend(seen.course, now)),
        "running": [
            (jsonout.record(one.claim) or {}) | {"until": one.until} for one in seen.running
        ],
        **jsonout.results(seen.results),
        "queued": [jsonout.flat(item) for item in seen.queued],
        "refused": [jsonout.flat(item) for item in seen.refused],
        "machine": jsonout.flat(used) | {"gpus": [jsonout.flat(gpu) for gpu in used.gpus]},
    }
