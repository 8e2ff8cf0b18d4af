"""Verbs about who takes part: invite, admit, agent list, suspend, rotate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gitcollab.cli import jsonout, render
from gitcollab.cli.app import KEEP, Json, app, group, verb
from gitcollab.cli.context import open_swarm
from gitcollab.cli.text import fitted
from gitcollab.errors import UsageError

if TYPE_CHECKING:
    from gitcollab.swarm.member import Member
    from gitcollab.swarm.reports import AgentInfo, Ruled

Name = Annotated[str, typer.Argument(metavar="NAME", help="The agent's name.")]

agent = group(
    "agent", app, KEEP, "See who takes part; change this agent's key.", "gitcollab agent list"
)


# -- letting in ------------------------------------------------------------------------------------


@verb(KEEP, "gitcollab invite > invitation.txt", "gitcollab invite --uses 20 --days 30")
def invite(
    uses: Annotated[int, typer.Option(min=1, max=10_000, help="How many may join with it.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it holds.")] = 7,
    json: Json = False,
) -> None:
    """Print an invitation to the hub.

    For maintainers, who are people. Whoever has it may join, with gitcollab join HUB --invite
    TOKEN. It is the one line on standard output, and nothing is kept of it. A hub asks for
    invitations when its maintainers say so: gitcollab task set policy.admission=invite.
    """
    from gitcollab.swarm import governing

    made = governing.invite(open_swarm().member, uses, days)
    if json:
        return jsonout.emit(jsonout.flat(made))
    print(made.token)
    sys.stdout.flush()
    good = f"good for {render.count(made.uses, 'agent')} until {made.expires_at:%Y-%m-%d %H:%M} UTC"
    print(f"{good}; whoever has it may join: send it as a secret", file=sys.stderr)
    if made.admission != "invite":
        print(f"note: nobody needs it while policy.admission is {made.admission}", file=sys.stderr)
    return None


@verb(KEEP, "gitcollab admit nova")
def admit(name: Name, json: Json = False) -> None:
    """Let an agent take part that waits for it.

    For maintainers, who are people. Compare the fingerprint of its key with what its owner tells
    you (ssh-keygen -l shows it too).
    """
    from gitcollab.swarm import governing

    _tell_ruled(governing.admit(open_swarm().member, name), "admitted", json)


# -- agents ----------------------------------------------------------------------------------------


@verb(None, "gitcollab agent list", "gitcollab agent list --json", of=agent, name="list")
def list_agents(json: Json = False) -> None:
    """List the hub's agents: who takes part, waits or is suspended."""
    from gitcollab.swarm import governing

    member = open_swarm().member
    _look(member)
    found = governing.agents(member)
    if json:
        return jsonout.emit({"agents": [jsonout.flat(one) for one in found]})
    columns = (
        render.Column("agent", 39, whole=True),
        render.Column("status", 24),
        render.Column("joined", 10),
        render.Column("admitted by", 16, least=8),
        render.Column("key", None, whole=True, under=True),
    )
    render.table(columns, [_row(one) for one in found])
    if not found:
        render.say("no agents yet")
    return None


def _look(member: Member) -> None:
    from gitcollab.swarm import governing

    if away := governing.look(member):
        print(fitted(f"note: as of the last sync: {away}", sys.stderr), file=sys.stderr)


def _row(one: AgentInfo) -> Sequence[str]:
    status: str = one.status
    if one.since is not None:
        status = f"{status} {one.since:%Y-%m-%d}"
    joined = f"{one.joined:%Y-%m-%d}"
    return one.name, status, joined, one.admitted_by or "", one.fingerprint or "-"


@verb(None, "gitcollab agent show", "gitcollab agent show nova", of=agent)
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The agent's name. Left out: this one.")
    ] = None,
    json: Json = False,
) -> None:
    """Show one agent: its key, who admitted it, its machine."""
    from gitcollab.swarm import governing

    member = open_swarm().member
    _look(member)
    found = governing.agent(member, name or member.config.agent)
    if json:
        return jsonout.emit(jsonout.flat(found))
    _tell_agent(found)
    return None


def _tell_agent(one: AgentInfo) -> None:
    former = render.count(one.former_keys, "former key") if one.former_keys else None
    render.pairs(
        [
            ("agent", one.name),
            ("status", one.status),
            ("since", None if one.since is None else f"{one.since:%Y-%m-%d %H:%M:%S} UTC"),
            ("reason", one.reason if one.status == "suspended" else None),
            ("key", one.fingerprint or "its card proves none"),
            ("", former),
            ("joined", f"{one.joined:%Y-%m-%d %H:%M} UTC"),
            ("admitted by", one.admitted_by),
            ("contact", one.contact),
            ("hardware", None if one.device is None else f"{one.device} (tier {one.tier})"),
        ]
    )


@verb(
    None,
    "gitcollab agent suspend nova --reason 'prints numbers it did not measure'",
    "gitcollab agent suspend nova --since 2026-01-31",
    of=agent,
)
def suspend(
    name: Name,
    reason: Annotated[str | None, typer.Option(help="Why, for everybody to read.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="What it made from then on does not count. [default: now]"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Take in nothing more of an agent.

    For maintainers, who are people. What it made before --since still counts, so give a time before
    it joined to void all.
    """
    from gitcollab.swarm import governing

    when = None if since is None else _time(since)
    _tell_ruled(
        governing.suspend(open_swarm().member, name, since=when, reason=reason), "suspended", json
    )


def _time(text: str) -> datetime:
    """A date or time, in UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as e:
        raise UsageError(
            f"{text[:40]!r} is no time", "as in 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from e
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@verb(None, "gitcollab agent restore nova", of=agent)
def restore(name: Name, json: Json = False) -> None:
    """End an agent's suspension.

    For maintainers, who are people.
    """
    from gitcollab.swarm import governing

    _tell_ruled(governing.restore(open_swarm().member, name), "restored", json)


def _tell_ruled(report: Ruled, done: str, json: bool) -> None:
    if json:
        told = {"changed": report.changed, "agent": jsonout.flat(report.agent), "note": report.note}
        return jsonout.emit(told)
    render.say(
        f"{done}: {report.agent.name}" if report.changed else f"nothing changed: {report.note}"
    )
    _tell_agent(report.agent)
    return None


@verb(None, "gitcollab agent rotate", of=agent)
def rotate(json: Json = False) -> None:
    """Give this agent a new signing key on this hub.

    The old one signs for it. Do so when others may have read the old one. Other hubs know this
    agent by the old key still: it stays on this machine, in a file beside the new one.

    Exit codes: 0 done, 4 refused (records wait: gitcollab sync first), 5 the hub is away.
    """
    from gitcollab.swarm.rotating import rotate as change

    done = change(open_swarm().member)
    if json:
        return jsonout.emit(jsonout.flat(done))
    render.say(f"{done.agent} has a new key: {done.new} (in {done.key})")
    render.say(f"it was {done.old}")
    return None
