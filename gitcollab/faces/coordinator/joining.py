"""Joining a hub by what the other system calls an invite token."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from gitcollab.errors import UsageError, without_credentials
from gitcollab.faces.pages import pages
from gitcollab.records.invitations import MAX_TOKEN, PREFIX
from gitcollab.store.hubs import DEFAULT_BRANCH
from gitcollab.swarm import joining
from gitcollab.swarm.reports import JoinReport
from gitcollab.swarm.workspace import Config

_THEIRS = re.compile(r"[0-9a-fA-F]{32,}")  # a token of the other system's service


def parts(token: str) -> tuple[str | None, str | None]:
    """The hub's address and the invitation that a token holds: either, or both.

    An invitation is given as it is, or by the file that holds it. Raises UsageError for more.
    """
    hub: str | None = None
    invitation: str | None = None
    for word in token.split():
        read = _invitation(word)
        if read is not None and invitation is None:
            invitation = read
        elif read is None and hub is None:
            hub = word
        else:
            raise UsageError("a token holds one hub and one invitation", 'as in "HUB INVITATION"')
    return hub, invitation


def _invitation(word: str) -> str | None:
    if word.startswith(PREFIX):
        return word
    path = Path(word)
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(2 * MAX_TOKEN)
    return text if text.lstrip().startswith(PREFIX) else None


def join(folder: Path, token: str, name: str | None, now: Config | None) -> dict[str, Any]:
    """Join; ``now`` is what the folder is joined as. Raises GitcollabError as ``joining.join``.

    A folder that is joined needs no token of the other system: such a one changes nothing.
    """
    hub, invitation = parts(token)
    if now is not None and (hub is None or _THEIRS.fullmatch(hub)):
        hub = now.hub
    if hub is None or _THEIRS.fullmatch(hub):
        raise UsageError(
            "the token does not say where the hub is",
            'give its address, and the invitation behind it: coord.join_hub("HUB INVITATION")',
        )
    report = joining.join(
        folder,
        hub,
        agent=name or (now.agent if now is not None else None),
        branch=DEFAULT_BRANCH if now is None else now.branch,
        invitation=invitation,
        pages=pages,
    )
    return _told(report)


def _told(report: JoinReport) -> dict[str, Any]:
    plain = {f.name: getattr(report, f.name) for f in fields(report) if f.name != "adoption"}
    return plain | {
        "hub": without_credentials(report.hub),
        "workspace": str(report.workspace),
        "adopted": None if report.adoption is None else report.adoption.id,
    }
