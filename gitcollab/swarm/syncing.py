"""Keeping a workspace and its hub together: sync, adopt the best, rebuild the derived files."""

from __future__ import annotations

from itertools import chain

from gitcollab.errors import GitcollabError, OfflineError
from gitcollab.records.names import slug
from gitcollab.swarm import looking
from gitcollab.swarm.claims import stale
from gitcollab.swarm.member import Member
from gitcollab.swarm.ranking import Group, Standings
from gitcollab.swarm.reports import Adopted, SyncReport
from gitcollab.swarm.views import Read, program_of
from gitcollab.swarm.workspace import Base


def sync(member: Member) -> SyncReport:
    """Fetch, deliver what is queued, sweep stale claims, adopt the best where nothing is edited."""
    try:
        member.store.refresh()
    except OfflineError as e:
        return _offline(member, e.message)
    outcomes = member.store.flush()
    swept = _sweep(member)
    member.workspace.write_settings(member.task)
    adopted, note = adopt_if_unedited(member)
    total = member.store.snapshot().count("result")
    fresh = total - member.workspace.seen(total)
    refused = [str(o.get("reason", "")) for o in outcomes if o["outcome"] in ("refused", "failed")]
    given_up = sum(o["outcome"] == "offline" for o in outcomes)
    waiting = [o for o in outcomes if o["outcome"] == "queued"]
    return SyncReport(
        online=not waiting,
        reason=str(waiting[0].get("reason", "")) if waiting else "",
        delivered=len(outcomes) - len(refused) - len(waiting) - given_up,
        refused=refused,
        swept=swept,
        new_results=max(0, fresh),
        best=member.rankings.best(),
        adopted=adopted,
        note=note,
    )


def _offline(member: Member, reason: str) -> SyncReport:
    return SyncReport(
        online=False,
        reason=reason,
        delivered=0,
        refused=[],
        swept=[],
        new_results=0,
        best=member.rankings.best(),
        adopted=None,
        note="",
    )


def _sweep(member: Member) -> list[str]:
    if not stale(member.store.snapshot()):
        return []
    request = member.request("sweep", {}, when_offline="drop")
    outcome = member.submit(request)[0]
    return [str(key) for key in outcome.get("experiments", [])]


def is_edited(member: Member) -> bool:
    """Whether somebody works on the program: it is not its base."""
    workspace, task = member.workspace, member.task
    base = workspace.base()
    return workspace.program_path(task).exists() and (
        base is None or workspace.program(task) != base.text
    )


def adopt_if_unedited(member: Member) -> tuple[str | None, str]:
    """Make the best program the working one; what was adopted, and a note when edits forbid it."""
    workspace, task = member.workspace, member.task
    if is_edited(member):
        return None, f"{task.program} has your edits and is left as it is"
    base = workspace.base()
    target, text = best_program(member, member.tier)
    if base is not None and base.id == target and workspace.program_path(task).exists():
        return None, ""
    workspace.write_program(task, text)
    workspace.set_base(Base(target, text))
    return target, ""


def best_program(member: Member, tier: str | None) -> tuple[str | None, str]:
    """The id and text of the best program: the tier's, else the best of all, else the baseline.

    Programs that are missing, or are not what their records were signed with, are passed over.
    """
    where = member.standings()
    tiers = where.by_tier.get(tier, ()) if tier is not None else ()
    for group in chain(tiers, where.ranked):
        if (text := program_text(where, group, member.read)) is not None:
            return group.first.id, text
    return None, looking.program_text(member, None)


def program_text(where: Standings, group: Group, read: Read) -> str | None:
    """The text of the group's program (see ``views.program_of``); None when there is none."""
    data = program_of(where, group, read)
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None


def adopt(member: Member, tier: str | None = None) -> Adopted:
    """Make the best program the working one; an edited one is kept aside first.

    Without a tier it is the best of this machine's tier, else of all. Raises GitcollabError when
    the named tier has no best.
    """
    if tier is not None and member.rankings.best(tier) is None:
        raise GitcollabError(f"the tier {tier!r} has no best yet", "see: gitcollab leaderboard")
    workspace, task = member.workspace, member.task
    target, text = best_program(member, tier or member.tier)
    path = workspace.program_path(task)
    old = workspace.program(task) if path.exists() else None
    aside = None
    base = workspace.base()
    if old is not None and old != text and (base is None or old != base.text):
        aside = workspace.set_aside(old, slug(f"before-{target or 'baseline'}"))
    if old != text:
        workspace.write_program(task, text)
    workspace.set_base(Base(target, text))
    return Adopted(target, path, aside, changed=old != text)


def views(member: Member) -> list[str]:
    """Rebuild the derived files on the hub; the paths that changed."""
    request = member.request("views", {}, when_offline="drop")
    outcome = member.submit(request)[0]
    if outcome["outcome"] == "offline":
        raise OfflineError(
            f"the hub is away: {outcome['reason']}", "try again when it can be reached"
        )
    if outcome["outcome"] != "rebuilt":
        raise GitcollabError(f"the hub refused the derived files: {outcome.get('reason', '')}")
    return [str(path) for path in outcome["paths"]]
