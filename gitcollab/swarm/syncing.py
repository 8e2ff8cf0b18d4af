"""Keeping a workspace and its hub together: sync, adopt the best, rebuild the derived files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain

from gitcollab.errors import GitcollabError, OfflineError, RefusedError
from gitcollab.records.models import Experiment, sha256
from gitcollab.records.names import PROGRAM_PATH, folder_of, path_of, slug
from gitcollab.similarity.program import fingerprint
from gitcollab.store.differences import difference
from gitcollab.store.requests import Outcome
from gitcollab.swarm import looking, trials
from gitcollab.swarm.claims import stale
from gitcollab.swarm.member import Member
from gitcollab.swarm.ranking import Group, Standings
from gitcollab.swarm.reports import Adopted, SyncReport
from gitcollab.swarm.roster import roster
from gitcollab.swarm.standing import glaring
from gitcollab.swarm.views import Read
from gitcollab.swarm.workspace import Base


def sync(member: Member) -> SyncReport:
    """Fetch, deliver what is queued, sweep stale claims, adopt the best where nothing is edited."""
    try:
        member.store.refresh()
    except OfflineError as e:
        return _offline(member, e.message)
    before = member.queued()
    outcomes = member.store.flush()
    swept = _sweep(member)
    member.workspace.write_settings(member.believed_task)
    adoption, edited = adopt_if_unedited(member)
    notes = [edited, not_here(member, adoption), suspension(member)]
    total = _results_of_others(member)
    fresh = total - member.workspace.seen(total)
    refused = [str(o.get("reason", "")) for o in outcomes if o["outcome"] in ("refused", "failed")]
    given_up = sum(o["outcome"] == "offline" for o in outcomes)
    queued = [o for o in outcomes if o["outcome"] == "queued"]
    waiting = [o for o in queued if "waits" not in o]
    held = Counter(str(o.get("reason", "")) for o in queued if "waits" in o)
    known = said_before(outcomes)
    notes.append(f"not told, since it was said before: {', '.join(known[:5])}" if known else "")
    return SyncReport(
        online=not waiting,
        reason=str(waiting[0].get("reason", "")) if waiting else "",
        delivered=len(outcomes) - len(refused) - len(queued) - len(known) - given_up,
        refused=refused,
        swept=swept,
        new_results=max(0, fresh),
        best=member.rankings.best(),
        adopted=adoption.id if adoption else None,
        note="; ".join(filter(None, (*notes, *_waiting(held), _damage(member)))),
        adoption=adoption,
        delivered_results=sum(_is_there(member, result_id) for result_id in before),
    )


def _is_there(member: Member, result_id: str) -> bool:
    """Whether a result is on the hub, as last fetched."""
    return member.store.snapshot().record(path_of("result", result_id)) is not None


def _waiting(held: Mapping[str, int]) -> list[str]:
    """How many records stay here, and why."""
    return [
        f"{number} record{' waits' if number == 1 else 's wait'} on this host: {why}"
        for why, number in held.items()
    ]


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
        fetched=False,
    )


def _results_of_others(member: Member) -> int:
    snapshot = member.store.snapshot()
    return snapshot.count("result") - len(snapshot.select("result", agent=member.config.agent))


def not_here(member: Member, adoption: Adopted | None) -> str:
    """Why a program that was adopted does not run on this machine as it is set up."""
    from gitcollab.swarm import confinement  # who adopts nothing needs none of it

    if adoption is None:
        return ""
    print_of = fingerprint(member.workspace.program(member.task))
    adopted = Experiment(
        description="?", fingerprint=print_of, base=adoption.id, base_fingerprint=print_of
    )
    try:
        confinement.decide(member, adopted)
    except RefusedError as e:
        return f"{adoption.path.name} will not run here: {e.message}; {e.hint}"
    return ""


def said_before(outcomes: Sequence[Outcome]) -> list[str]:
    """The hypotheses and insights that say what some which waited here say: these are not told."""
    others = (o["other"] for o in outcomes if o["outcome"] == "duplicate")
    return [str(other["id"]) for other in others if {"title", "text"} & other.keys()]


def suspension(member: Member) -> str:
    """That this agent is suspended, and what it can do."""
    people, name = roster(member.store.snapshot()), member.config.agent
    if name in people.agents and people.agents[name].status == "suspended":
        return f"{name} is suspended, and nothing of it is taken in; {people.remedy(name)}"
    return ""


def _damage(member: Member) -> str:
    """What is wrong with the hub, as far as that shows at a glance."""
    if number := glaring(member.store.snapshot()):
        return f"{number} of the hub's files break its rules; gitcollab verify lists them"
    return ""


def _sweep(member: Member) -> list[str]:
    if not stale(member.store.snapshot()):
        return []
    return _swept(_ask_to_sweep(member))


def _ask_to_sweep(member: Member) -> Outcome:
    return member.submit(member.request("sweep", {}, when_offline="drop"))[0]


def _swept(outcome: Outcome) -> list[str]:
    return [str(key) for key in outcome.get("experiments", [])]


def sweep(member: Member) -> list[str]:
    """Remove stale claims from the hub; their experiments.

    Raises OfflineError, RefusedError.
    """
    member.store.refresh()
    outcome = _ask_to_sweep(member)
    if outcome["outcome"] == "offline":
        raise OfflineError(
            f"nothing is swept: {outcome['reason']}", "try again when the hub takes something"
        )
    if outcome["outcome"] != "swept":
        raise RefusedError(f"the hub refused the sweep: {outcome.get('reason', '')}")
    return _swept(outcome)


def is_edited(member: Member) -> bool:
    """Whether somebody works on the program: it is not its base."""
    workspace, task = member.workspace, member.task
    base = workspace.base()
    return workspace.program_path(task).exists() and (
        base is None or workspace.program(task) != base.text
    )


def adopt_if_unedited(member: Member) -> tuple[Adopted | None, str]:
    """Make the best program the working one; what was adopted, and a note when edits forbid it."""
    workspace, task = member.workspace, member.task
    if whose := trials.holds(workspace, task):
        return None, f"{whose}: the next run undoes it"
    if is_edited(member):
        return None, f"{task.program} has your edits and is left as it is"
    base = workspace.base()
    target, text, tier = _leading(member, member.tier)
    standing = base is not None and (base.id, base.text) == (target, text)
    if standing and workspace.program_path(task).exists():
        return None, ""
    return take(member, target, text, tier), ""


def best_program(member: Member, tier: str | None) -> tuple[str | None, str]:
    """The id and text of the best program: the tier's, else the best of all, else the baseline.

    Programs that are missing, or are not what their records say, are passed over.
    """
    return _leading(member, tier)[:2]


def _leading(member: Member, tier: str | None) -> tuple[str | None, str, str | None]:
    """As ``best_program``, with the tier that the program was chosen on; None for the baseline."""
    where = member.standings()
    tiers = where.by_tier.get(tier, ()) if tier is not None else ()
    for group in chain(tiers, where.ranked):
        if found := _program(where, group, member.read):
            return *found, group.tier
    return None, looking.program_text(member, None), None


def program_text(where: Standings, group: Group, read: Read) -> str | None:
    """The text of the group's program; None when no run of it has one that is right."""
    found = _program(where, group, read)
    return found[1] if found else None


def _program(where: Standings, group: Group, read: Read) -> tuple[str, str] | None:
    """The first run of a group whose program is what it is ranked as; its id and that text.

    A fingerprint is only what a record says: without a look, any program could be led in the
    place of the one that others have measured.
    """
    for run in dict.fromkeys((group.first.id, *group.runs)):
        if group.fingerprint == run:
            continue  # it says of no program that it is of it
        data = read(f"{folder_of(run)}/{PROGRAM_PATH}")
        if data is None or where.results[run].program not in (None, sha256(data)):
            continue
        with suppress(UnicodeDecodeError, GitcollabError):  # no text, or too much of one
            text = data.decode()
            if group.fingerprint in (fingerprint(text), sha256(data)):
                return run, text
    return None


def adopt(member: Member, tier: str | None = None) -> Adopted:
    """Make the best program the working one; an edited one is kept aside first.

    Without a tier it is the best of this machine's tier, else of all; for "all" it is that of all,
    on whatever machine. Raises GitcollabError when the named tier has no best.
    """
    if tier == looking.ALL_TIERS:
        return take(member, *_leading(member, None))
    tier = looking.track(member, tier)
    if tier is not None and member.rankings.best(tier) is None:
        raise GitcollabError(f"the tier {tier!r} has no best yet", "see: gitcollab leaderboard")
    return take(member, *_leading(member, tier or member.tier))


def take(member: Member, target: str | None, text: str, tier: str | None = None) -> Adopted:
    """Make this program the working one, chosen as the best of ``tier``.

    An edited one is kept aside first.
    """
    workspace, task = member.workspace, member.task
    path = workspace.program_path(task)
    label = slug(f"before-{target or 'baseline'}")
    aside = workspace.move_aside_no_text(task, label) if path.is_file() else None
    if path.exists():
        trials.undo(workspace, task)  # what is kept aside is the user's
    old = workspace.program(task) if path.exists() else None
    base = workspace.base()
    if old is not None and old != text and (base is None or old != base.text):
        aside = workspace.set_aside(old, label)
    if old != text:
        workspace.start_from(task, Base(target, text))
    else:
        workspace.set_base(Base(target, text))
    trials.end(workspace, task)
    size = difference(old or "", text)
    return Adopted(
        id=target,
        path=path,
        kept_aside=aside,
        changed=old != text,
        agent=target.split("/")[0] if target else None,
        signature_ok=looking.program_signed(member, target) if target else None,
        added=size.added,
        removed=size.removed,
        also_by=_also_by(target),
        tier=tier,
    )


def _also_by(target: str | None) -> str:
    from gitcollab.swarm import authorship  # who adopts nothing needs none of it

    return "" if target is None else ", ".join(authorship.written_in(target))


def views(member: Member) -> list[str]:
    """Rebuild the derived files on the hub; the paths that changed."""
    request = member.request("views", {}, when_offline="drop")
    outcome = member.submit(request)[0]
    if outcome["outcome"] == "offline":
        raise OfflineError(
            f"nothing is rebuilt: {outcome['reason']}", "try again when the hub takes something"
        )
    if outcome["outcome"] != "rebuilt":
        raise GitcollabError(f"the hub refused the derived files: {outcome.get('reason', '')}")
    return [str(path) for path in outcome["paths"]]
