"""The verb that builds the dashboard: dashboard."""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import LOOK, Json, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.text import without_credentials
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.cli.progress import LiveLine
    from gitcollab.faces.dashboard.facts import Facts

_FOLDER = "dashboard"  # in a workspace's own folder
_MANY = 1000  # pages that take a while
_REMOTE = re.compile(r"(https?|ssh|git)://|[\w.-]+@[\w.-]+:")  # an address that others can use too


@verb(
    LOOK,
    "gitcollab dashboard --open",
    "gitcollab dashboard --git-dir /srv/hubs/gpt.git --out /var/www/gpt",
)
def dashboard(
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to. [default: .gitcollab/dashboard]"),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    git_dir: Annotated[
        Path | None,
        typer.Option("--git-dir", metavar="DIR", help="A hub, or a checkout of one."),
    ] = None,
    branch: Annotated[
        str | None, typer.Option(help="With --git-dir, the branch that holds the state.")
    ] = None,
    json: Json = False,
) -> None:
    """Build the dashboard: pages of the hub, for a browser.

    Static files, to be opened from a folder, a web server or GitHub Pages: the best and how it came
    about, all experiments in a chart and each on a page of its own, rankings, agents. Nothing in
    them comes from the network.
    Shows what this host knows: `gitcollab sync` first for the newest. What did not change since it
    was last built is left as it is.
    """
    from gitcollab.cli.progress import LiveLine
    from gitcollab.faces.dashboard.site import build

    if git_dir is None and branch is not None:
        raise UsageError("--branch is for --git-dir", "leave it out, or name a hub by --git-dir")
    if git_dir is not None and out is None:
        raise UsageError("where is it to be built?", "give --out DIR")
    facts, place = _of_workspace() if git_dir is None else (_in_place(git_dir, branch), Path())
    with LiveLine(sys.stderr, quiet=json) as live:
        built = build(facts, out or place, partial(_show, live))
    index = (built.folder / "index.html").resolve()
    if show:
        _open(index)
    if json:
        return jsonout.emit(jsonout.flat(built) | {"index": str(index)})
    results = render.count(built.results, "result")
    render.say(f"{index}: {results}, {render.count(built.written, 'file')} new or changed")
    return None


def _show(live: LiveLine, done: int, total: int) -> None:
    """Show how many pages are made; where it only leaves lines behind, of long work alone."""
    if live.is_live or total >= _MANY:
        live.show_share("pages", done / total)


def _of_workspace() -> tuple[Facts, Path]:
    """The hub of this workspace, as this host knows it, and where its dashboard goes."""
    from gitcollab.faces.dashboard.facts import Facts
    from gitcollab.swarm.workspace import FOLDER

    swarm = open_swarm()
    facts = Facts.of(swarm.member.store.snapshot(), _public(swarm.hub))
    return facts, swarm.workspace / FOLDER / _FOLDER


def _in_place(git_dir: Path, branch: str | None) -> Facts:
    from gitcollab.faces.dashboard.facts import Facts
    from gitcollab.store.audit import git_dir as place_of
    from gitcollab.store.serving import guarded_branch, setting
    from gitcollab.store.snapshot import utc_now
    from gitcollab.swarm.verifying import open_hub

    place = place_of(git_dir)
    name = branch or guarded_branch(place)
    repository = open_hub(place, name)
    tip = repository.tip()
    if tip is None:
        raise UsageError(f"{git_dir} holds no branch {name}", "name it by --branch")
    address = setting(place, "remote.origin.url") or ""
    return Facts.of(repository.standing(tip, utc_now()), _public(address))


def _public(address: str) -> str:
    """The address where it is of use to others: no folder of this machine, and no secret."""
    return without_credentials(address).replace("***@", "") if _REMOTE.match(address) else ""


def _open(index: Path) -> None:
    import webbrowser

    if not webbrowser.open(index.as_uri()):
        render.say("note: no browser could be opened; the page is", str(index))
