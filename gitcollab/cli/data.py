"""Verbs about training data: data prepare."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import KEEP, Json, app, group, verb
from gitcollab.errors import GitcollabError, UsageError

data = group(
    "data", app, KEEP, "Make or download training data.", "gitcollab data prepare climbmix"
)


@verb(
    None,
    "gitcollab data prepare embedded",
    "gitcollab data prepare climbmix --shards 8",
    "gitcollab data prepare text:/corpora/mine",
    of=data,
)
def prepare(
    name: Annotated[str, typer.Argument(metavar="NAME", help="embedded, climbmix, text:FOLDER.")],
    shards: Annotated[
        int, typer.Option(min=1, max=6542, help="Training shards of climbmix, 90 MB each.")
    ] = 8,
    json: Json = False,
) -> None:
    """Make or download a dataset, and check it.

    What is there already is kept; an interrupted download goes on where it stopped. The embedded
    corpus needs no download, and is made by the first run that uses it.
    """
    from gitcollab.cli.progress import LiveLine
    from gitcollab.task import data as datasets
    from gitcollab.task.errors import TaskError

    with LiveLine(sys.stderr, quiet=json) as live:
        try:
            digest = datasets.prepare(name, live.show_share, shards=shards)
        except TaskError as e:
            kind = GitcollabError if _exists(name) else UsageError
            raise kind(e.message, e.hint) from e
    if json:
        return jsonout.emit({"name": name, "digest": digest})
    render.say(name, "is ready:", digest)
    return None


def _exists(name: str) -> bool:
    """Whether there is a dataset of that name, prepared or not."""
    if name.startswith("text:"):
        return Path(name.removeprefix("text:")).expanduser().is_dir()
    return name in ("embedded", "climbmix")
