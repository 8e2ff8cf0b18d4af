"""Looking: status, rankings, results, one result, differences. Nothing here writes."""

from __future__ import annotations

import difflib
import re

from gitcollab.errors import GitcollabError, OfflineError, UsageError
from gitcollab.records.models import Result, sha256
from gitcollab.records.names import PROGRAM_PATH, folder_of, meant, path_of
from gitcollab.similarity.program import fingerprint
from gitcollab.store.differences import difference
from gitcollab.swarm import keyring, reading, tracks, trials
from gitcollab.swarm.claims import active, stands
from gitcollab.swarm.member import Member
from gitcollab.swarm.rankings import entry
from gitcollab.swarm.reports import Compared, Entry, QueuedItem, ResultPage, Shown, Status
from gitcollab.swarm.roster import roster, why_void
from gitcollab.swarm.runs import Run

MAX_PAGE = 1000
ALL_TIERS = tracks.ALL
_ID = re.compile(r"[a-z0-9-]+/[a-z0-9._-]+")


class NoProgram(GitcollabError):  # noqa: N818 - reads as what it is
    """A result's program is not on the hub, and never was."""

    def __init__(self, result_id: str) -> None:
        super().__init__(
            f"its program is not on the hub: {result_id} was published without one",
            "what is known of it: gitcollab show " + result_id,
        )


def status(member: Member, *, ask: bool = False) -> Status:
    """Where the workspace stands, from what this host knows; ``ask`` asks the hub first."""
    online: bool | None = None
    reason = ""
    if ask:
        try:
            member.store.refresh()
            online = True
        except OfflineError as e:
            online, reason = False, e.message
    snapshot = member.store.snapshot()
    queued, refused = kept_here(member)
    people = roster(snapshot)
    me = people.agents.get(member.config.agent)
    applicants = sorted(name for name, one in people.agents.items() if one.status == "waiting")
    return Status(
        hub=member.config.hub,
        branch=member.config.branch,
        agent=member.config.agent,
        online=online,
        queued=queued,
        refused=refused,
        claims=active(snapshot),
        mine=[c for c in member.workspace.claims() if stands(snapshot, c, member.task)],
        best=member.rankings.best(),
        results=snapshot.count("result"),
        skew_seconds=member.store.skew().total_seconds(),
        admission=None if me is None else me.status,
        sandbox=member.config.mode,
        sandbox_lacking=_sandbox_lacking(member),
        program=_working_program(member),
        reason=reason,
        results_waiting=len(member.queued()),
        to_admit=applicants if applicants and keyring.is_maintainers(member.task) else [],
    )


def kept_here(member: Member) -> tuple[list[QueuedItem], list[QueuedItem]]:
    """What waits on this host for the hub, and what was refused."""
    waiting = [
        QueuedItem(w.request.kind, w.request.id, w.request.created_at, w.reason or "not sent yet")
        for w in member.store.pending()
    ]
    refused = [
        QueuedItem(q.request.kind, q.request.id, q.request.created_at, q.reason)
        for q in member.store.quarantined()
    ]
    return waiting, refused


def _sandbox_lacking(member: Member) -> str:
    from gitcollab.runner import sandbox

    why = None if member.config.mode == "off" else sandbox.lacking()
    return why[0] if why else ""


def _working_program(member: Member) -> str:
    """What the working program is, in words: whose, and whether it has edits."""
    workspace, task = member.workspace, member.task
    if not workspace.program_path(task).exists():
        return "gone; gitcollab best --adopt puts the best one there"
    base, best = workspace.base(), member.rankings.best()
    try:
        if whose := trials.holds(workspace, task):
            return f"{whose.removeprefix(task.program).lstrip()}: the next run undoes it"
        text = workspace.program(task)
        if base is None:
            return "your own"
        leads = best is not None and best.fingerprint == fingerprint(base.text)
    except GitcollabError as e:
        return f"cannot be used: {e.message}; {e.hint}"
    name = f"{base.id or 'the baseline'}{', the best' if leads else ''}"
    return f"{name}, unchanged" if text == base.text else f"your edits on {name}"


def results(
    member: Member,
    *,
    limit: int = 50,
    page: str | None = None,
    agent: str | None = None,
    tier: str | None = None,
    status: str | None = None,
    verdict: str | None = None,
    text: str | None = None,
) -> ResultPage:
    """One page of results, newest first. ``page`` is the token an earlier page gave."""
    if not 1 <= limit <= MAX_PAGE:
        raise UsageError(f"a page has 1 to {MAX_PAGE} results, not {limit}")
    where = member.standings()
    chosen = selected(member, agent=agent, tier=tier, status=status, verdict=verdict, text=text)
    after = cursor(page) if page else None
    rest = [run for run in chosen if after is None or _age(run) < after]
    shown = [(member.result(run.id), where.judgement(run)) for run in rest[:limit]]
    found = [(result, judged) for result, judged in shown if result is not None]
    reasons = ((result.id, _void(member, result)) for result, _ in found)
    groups = ((run.id, where.group_of(run)) for run in rest[:limit])
    marks = ((run.id, where.built_on_refuted(run)) for run in rest[:limit])
    return ResultPage(
        found,
        _token(rest[limit - 1]) if len(rest) > limit else None,
        len(chosen),
        {result_id: why for result_id, why in reasons if why is not None},
        {result_id: entry(group) for result_id, group in groups if group is not None},
        {result_id: mark for result_id, mark in marks if mark is not None},
    )


def selected(
    member: Member,
    *,
    agent: str | None = None,
    tier: str | None = None,
    status: str | None = None,
    verdict: str | None = None,
    text: str | None = None,
) -> list[Run]:
    """All results that match, newest first. UsageError for an unknown tier or agent."""
    check_tier(member, tier)
    check_agent(member, agent)
    where = member.standings()
    return [
        run
        for run in sorted(member.runs().values(), key=_age, reverse=True)
        if _matches(run, agent, tier, status, text)
        and (verdict is None or where.judgement(run) == verdict)
    ]


def _void(member: Member, result: Result) -> str | None:
    """Why a result that is on the hub does not count; one that waits here is our own."""
    snapshot = member.store.snapshot()
    if snapshot.record(path_of("result", result.id)) is None:
        return None
    return why_void(snapshot, result)


def _age(run: Run) -> tuple[str, str]:
    return run.created_at, run.id


def _token(run: Run) -> str:
    return f"{run.created_at}~{run.id}"


def cursor(token: str) -> tuple[str, str]:
    """Where a page of records ended: when the last was made, and its id. UsageError for others."""
    when, found, result_id = token.partition("~")
    if not found:
        raise UsageError(
            f"{token[:80]!r} is no page token",
            "use what the page before gave as next, or leave --page out",
        )
    return when, result_id


def _matches(
    run: Run, agent: str | None, tier: str | None, status: str | None, text: str | None
) -> bool:
    return (
        agent in (None, run.agent)
        and tier in (None, run.tier)
        and status in (None, run.status)
        and (text is None or text.casefold() in run.description.casefold())
    )


def check_tier(member: Member, tier: str | None) -> None:
    """Refuse a tier that nothing was run in and no machine is in."""
    from gitcollab.runner.hardware import TIERS

    if tier in (None, *TIERS, member.config.tier):
        return
    known = {run.tier for run in member.runs().values()}
    if tier not in known:
        names = ", ".join(dict.fromkeys((*TIERS, *sorted(known))))
        raise UsageError(f"there is no tier {str(tier)[:40]!r}", f"tiers: {names}")


def track(member: Member, tier: str | None) -> str | None:
    """What programs of a tier that somebody named are ranked in; checked as by ``check_tier``."""
    check_tier(member, tier)
    return None if tier is None else tracks.track_of(member.task, tier)


def leading(member: Member, tier: str | None = None) -> Entry | None:
    """The best of a tier, of all for ``ALL_TIERS``; without either, of this machine's tier.

    Where that has none yet, the best of all. None where a tier that was named has none.
    """
    rankings = member.rankings
    if tier == ALL_TIERS:
        return rankings.best()
    if tier is not None:
        return rankings.best(track(member, tier))
    return rankings.best(member.tier) or rankings.best()


def check_agent(member: Member, agent: str | None) -> None:
    """Refuse an agent that never joined and has no result."""
    if agent in (None, member.config.agent):
        return
    cards = reading.cards(member.store.snapshot())
    if agent in cards:
        return
    known = {*cards, *(run.agent for run in member.runs().values())}
    if agent not in known:
        near = difflib.get_close_matches(str(agent)[:60], sorted(known), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "list them: gitcollab agent list"
        raise UsageError(f"there is no agent {str(agent)[:60]!r} on this hub", hint)


def find(member: Member, wanted: str) -> Result:
    """The result with this id, or the only one whose id holds it."""
    if _ID.fullmatch(wanted) and (exact := member.result(wanted)) is not None:
        return exact
    known = member.runs()
    near = meant(known, wanted)
    if len(near) == 1 and (only := member.result(near[0])) is not None:
        return only
    if near:
        raise UsageError(
            f"{len(near)} results match {wanted[:80]!r}",
            f"give more of the id, such as {', '.join(near[:4])}",
        )
    close = difflib.get_close_matches(wanted[:200], list(known)[:5000], n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else "list them with: gitcollab results"
    raise UsageError(f"there is no result {wanted[:80]!r}", hint)


def show(member: Member, wanted: str) -> Shown:
    """One result with its program, log, verdict and the ranking of its program."""
    result = find(member, wanted)
    where = member.standings()
    run = Run.of(result)
    group = where.group_of(run)
    return Shown(
        result=result,
        verdict=where.judgement(run),
        group=entry(group) if group else None,
        program=_shown_file(member, result, PROGRAM_PATH),
        log=_shown_file(member, result, "log.txt"),
        signature_ok=signature_ok(member, result),
        void=_void(member, result),
        builds_on_refuted=where.built_on_refuted(run),
    )


def signature_ok(member: Member, result: Result) -> bool | None:
    """Whether its agent signed the record; None: it is unsigned, or the agent has no card."""
    people = roster(member.store.snapshot())
    if result.signature is None or result.agent not in people.agents:
        return None
    return people.signed(result)


def program_signed(member: Member, result_id: str) -> bool | None:
    """Whether its agent signed the result and, in it, the program as the hub holds it.

    None: it is unsigned, or the agent has no card.
    """
    result = member.result(result_id)
    signed = None if result is None else signature_ok(member, result)
    if result is None or not signed:
        return signed
    data = member.read(f"{folder_of(result_id)}/{PROGRAM_PATH}")
    if data is None and PROGRAM_PATH not in result.files:
        return signed  # there is no program that it speaks of
    return data is not None and result.files.get(PROGRAM_PATH) == sha256(data)


def has_program(member: Member, result_id: str) -> bool:
    """Whether a result says which program it is of; one that was imported need not."""
    result = member.result(result_id)
    return result is None or result.fingerprint is not None or PROGRAM_PATH in result.files


def program_text(member: Member, result_id: str | None) -> str:
    """The program of a result, or the task's baseline for None; GitcollabError when it is gone."""
    path = PROGRAM_PATH if result_id is None else f"{folder_of(result_id)}/{PROGRAM_PATH}"
    data = member.read(path)
    if data is None and result_id is not None and not has_program(member, result_id):
        raise NoProgram(result_id)
    if data is None:
        raise GitcollabError(f"the hub holds no {path}", "choose another result: gitcollab results")
    return data.decode(errors="replace")


def _shown_file(member: Member, result: Result, name: str) -> str:
    data = member.read(f"{folder_of(result.id)}/{name}")
    return "" if data is None else data.decode(errors="replace")


def compare(member: Member, wanted: str, other: str | None = None) -> Compared:
    """How a result's base became it, or ``wanted`` became ``other``.

    It is a patch of the task's program (see ``patching``).
    """
    result = find(member, wanted)
    if other is None:
        old_id, new_id = result.base, result.id
    else:
        old_id, new_id = result.id, find(member, other).id
    old, new = program_text(member, old_id), program_text(member, new_id)
    found = difference(old, new, member.task.program, old_id or "baseline", new_id)
    return Compared(old_id, new_id, found.patch, found.added, found.removed)
