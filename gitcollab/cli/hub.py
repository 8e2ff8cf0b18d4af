"""Verbs about a hub as a whole: init, join, sync."""

from __future__ import annotations

import platform
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import START, Json, verb
from gitcollab.cli.choices import Sandbox
from gitcollab.cli.choices import sandbox as chosen_sandbox
from gitcollab.cli.context import open_swarm, pages, reading
from gitcollab.cli.text import without_credentials
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.swarm.hooks import Installed
    from gitcollab.swarm.reports import InitReport, SyncReport

_REFUSED = 4
_TOKENS = "give the file that holds it, or - to paste it: a word that begins with gitcollab-invite-"
_MOST_OF_A_TOKEN = 10_000  # characters; one that is longer is none


@verb(
    START,
    "gitcollab init ~/hubs/gpt.git",
    "gitcollab init git@github.com:me/gpt.git --preset autoresearch",
    "gitcollab init toy.git --task toy/task.yaml --set budget.seconds=20",
    "gitcollab init --serve /srv/hubs/gpt.git",
)
def init(
    hub: Annotated[
        str | None,
        typer.Argument(
            metavar="HUB", help="Address or path; a path that does not exist is created."
        ),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="A ready task: micro, autoresearch.")] = None,
    task: Annotated[Path | None, typer.Option(help="A task file of your own.")] = None,
    branch: Annotated[str, typer.Option(help="The branch that holds the state.")] = "swarm",
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a field of the task."),
    ] = None,
    maintainer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who maintains it: your name there. [default: keeper]"),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Have pushes to it checked: HUB is a path here.")
    ] = False,
    json: Json = False,
) -> None:
    """Create a hub, or seed an empty repository to be one.

    Without HUB it makes one for this folder alone, in .gitcollab/. On a hub that has been seeded
    it changes nothing and says so. Whoever seeds a hub maintains it, with a key on this machine:
    who may join (--set policy.admission=open, invite or approval), what the task is.
    """
    from gitcollab.swarm.seeding import init_hub

    if serve:
        _check_served(hub)
    report = init_hub(
        hub,
        preset=preset,
        task_file=task,
        branch=branch,
        sets=sets or [],
        maintainer=maintainer,
        folder=Path(),
        pages=pages,
    )
    door = _served(report) if serve else None
    if json:
        told = {"hook": str(door.hook)} if door else {}
        return jsonout.emit(jsonout.flat(report) | told)
    shown = without_credentials(report.hub)
    if report.seeded:
        render.say("seeded", shown, f"(branch {report.branch}) with the task {report.task}")
        render.say(f"{report.maintainers[0]} maintains it, by the key {report.key}: keep a copy")
    else:
        render.say(shown, f"is a hub, with the task {report.task}")
    _note(report.note)
    if door:
        _tell_door(door)
    elif hub is None:
        render.say("next: gitcollab run")
    else:
        render.say(f"next, in a folder for it: gitcollab join {shlex.quote(shown)} --agent NAME")
    if how := _ADMITTING.get(report.admission):
        render.say(how)
    return None


_ADMITTING = {
    "invite": "others need an invitation to join; once you have joined: gitcollab invite > FILE",
    "approval": "others who join wait for you; once you have joined: gitcollab admit NAME",
}


def _check_served(hub: str | None) -> None:
    if hub is None or "://" in hub or ":" in hub.partition("/")[0]:
        raise UsageError("--serve is for a hub on this machine", "gitcollab init PATH --serve")


def _served(report: InitReport) -> Installed:
    from gitcollab.swarm.hooks import install

    return install(Path(report.hub), report.branch, alone=report.created)


def _tell_door(door: Installed) -> None:
    render.say("every push is checked by", str(door.hook))
    render.say("after it the hub is brought up to date by", str(door.keeper))
    render.say(f"agents of this machine: gitcollab join {door.hub} --agent NAME")
    render.say(f"others, by ssh: gitcollab join USER@{platform.node()}:{door.hub} --agent NAME")


@verb(
    START,
    "gitcollab join git@github.com:me/gpt.git --agent nova",
    "gitcollab join ~/hubs/gpt.git",
    "gitcollab join git@github.com:me/gpt.git --invite invitation.txt",
)
def join(
    hub: Annotated[str, typer.Argument(metavar="HUB", help="The hub's address or path.")],
    agent: Annotated[
        str | None,
        typer.Option(help="Your agent's name: a-z, 0-9, -. Without one a name is made up."),
    ] = None,
    branch: Annotated[str, typer.Option(help="The branch that holds the state.")] = "swarm",
    sandbox: Annotated[
        Sandbox | None,
        typer.Option(help="Run programs in a sandbox: always, as far as needed (auto), or never."),
    ] = None,
    invite: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A maintainer's invitation: a file that holds it, or - to paste it.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make this folder an agent's workspace on a hub.

    Makes the agent's signing key, registers it on the hub, and puts the best program and the
    protocol (collab.md) here. A file that is there already is never overwritten. Joined again,
    the workspace takes the --sandbox that is given: auto lets no code of others run without one.
    """
    from gitcollab.swarm import joining

    report = joining.join(
        Path(),
        hub,
        agent=agent,
        branch=branch,
        sandbox=chosen_sandbox(sandbox),
        invitation=None if invite is None else _token(invite),
        pages=pages,
        progress=reading,
    )
    if json:
        adoption = jsonout.flat(report.adoption) if report.adoption else None
        return jsonout.emit(jsonout.flat(report) | {"adoption": adoption})
    done = "joined" if report.registered else "is already an agent of"
    render.say(report.agent, done, without_credentials(report.hub))
    if report.adoption:
        render.say(f"{report.adoption.path.name} is now", render.adopted(report.adoption))
    if report.sandbox_before:
        render.say(f"the sandbox is {report.sandbox} here now; it was {report.sandbox_before}")
    _note(report.note)
    if report.admission == "waiting":
        people = ", ".join(report.maintainers)
        render.say(f"it waits for a maintainer ({people}) to run: gitcollab admit {report.agent}")
        render.say("until then run experiments all the same: what they find waits on this host")
    render.say("next: gitcollab sync && gitcollab run")
    return None


def _token(given: str) -> str:
    """An invitation, which is best not given as an argument: others see those of a process."""
    if given == "-":
        return sys.stdin.read(_MOST_OF_A_TOKEN)
    if given.startswith("gitcollab-invite-"):
        return given
    try:
        with Path(given).open(encoding="utf-8") as file:
            return file.read(_MOST_OF_A_TOKEN)
    except FileNotFoundError as e:  # it is not named: a damaged token is a secret still
        raise UsageError("--invite: there is no such file, nor is it an invitation", _TOKENS) from e
    except ValueError as e:
        raise UsageError("--invite: the file holds no text", _TOKENS) from e
    except OSError as e:
        raise UsageError(f"--invite: the file cannot be read: {e.strerror}", _TOKENS) from e


@verb(START, "gitcollab sync && gitcollab run")
def sync(json: Json = False) -> int:
    """Fetch what is new, deliver what waits, adopt the best.

    Also sweeps claims that nobody renews. A program that you have changed is not overwritten.
    When the hub cannot be reached it says so and exits with 0 all the same: work goes on alone,
    and what it finds is queued until a later sync. Exit code 4 when the hub refused something.
    """
    report = open_swarm().sync()
    code = _REFUSED if report.refused else 0
    if json:
        jsonout.emit(jsonout.sync(report))
        return code
    if report.fetched:
        render.say(_news(report))
    if not report.online:
        render.say(_away(report))
    for refused in report.refused:
        render.say("refused by the hub:", render.gist(refused))
    if report.refused:
        render.say("it is kept on this host; next: gitcollab outbox")
    render.say("best", render.best(report.best))
    if report.adoption:
        render.say("adopted", render.adopted(report.adoption))
    _note(report.note)
    return code


def _away(report: SyncReport) -> str:
    if not report.fetched:
        return f"offline, going on alone: {report.reason}"
    return f"the hub took nothing: {report.reason} (what waits is kept here; gitcollab doctor)"


def _news(report: SyncReport) -> str:
    told = {
        render.count(report.new_results, "new result"): report.new_results,
        f"{render.records(report.delivered, report.delivered_results)} delivered": report.delivered,
        f"{render.count(len(report.swept), 'stale claim')} swept": len(report.swept),
    }
    return ", ".join(text for text, number in told.items() if number) or "nothing new"


def _note(note: str) -> None:
    if note:
        render.say("note:", note)
