"""Importing: the rows of a log of experiments become results of an agent on the hub."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from gitcollab.errors import GitcollabError, OfflineError, RefusedError, UsageError
from gitcollab.records.models import Hardware, Task
from gitcollab.records.names import PROGRAM_PATH, check_agent_name
from gitcollab.records.signing import KeyPair
from gitcollab.similarity.program import fingerprint
from gitcollab.store.requests import Outcome
from gitcollab.swarm import authorship, copying, keyring, logbook, logs, looking, posting
from gitcollab.swarm.drafting import Built, Draft, Lineage, Source, brought, id_of, times
from gitcollab.swarm.imported import Brought
from gitcollab.swarm.logbook import Entry
from gitcollab.swarm.logs import Log
from gitcollab.swarm.member import Member
from gitcollab.swarm.posting import Progress
from gitcollab.swarm.reports import Imported
from gitcollab.swarm.roster import roster
from gitcollab.swarm.workspace import Base, is_tier

Direction: TypeAlias = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Wanted:
    """How a log is to be imported. None: by the workspace's agent, in its tier, and so on."""

    agent: str | None = None
    tier: str | None = None
    device: str | None = None
    metric: str | None = None  # the name of its column
    direction: Direction | None = None  # which way the log's own keep and discard go
    repo: Path | None = None  # the git repository that its commits are of
    started: datetime | None = None  # when its first run began


def import_log(
    member: Member,
    path: Path,
    wanted: Wanted = Wanted(),
    *,
    dry_run: bool = False,
    progress: Progress = lambda _, __: None,
) -> Imported:
    """Publish each row of the log at ``path`` as a result; what was there before stays as it is.

    An agent that is not on the hub yet joins it; its key is made on this machine. Results without
    a program need a maintainer's key here. Programs, which come from a repository, are code of
    others from then on (see ``authorship``). Without the hub results wait in the outbox.
    ``dry_run`` changes nothing and says what would come of it. Raises UsageError for a file that is
    no such log, RefusedError where the hub would not have it.
    """
    author, task = _author(member, wanted.agent), member.believed_task
    _check(wanted, task)
    log = logs.read(path, task, wanted.metric)
    if wanted.repo is not None:
        log.find_programs(wanted.repo, task.program)
    away = _meet(author, dry_run)
    ids, known = _ids(author, log), author.runs()
    try:
        maintainer = _word(task, log, [e for e in log.entries if ids[e.line] not in known])
    except RefusedError as e:
        if dry_run:
            return _refusal(_outlook(author, log, ids, away), e)
        raise
    log.note_bases([e for e in log.entries if ids[e.line] not in known], known)
    report = _outlook(author, log, ids, away)
    if report.ids:
        _check_flood(author, task, len(report.ids))
    if dry_run and author.registered is not None:
        _ = author.key
        _check_admission(author, maintainer is not None)
    if dry_run or not report.ids:
        return replace(report, imported=len(report.ids), dry_run=dry_run)
    source = _source(author, task, path.name, log, wanted)
    registered = _register(author, Hardware(device=source.device or "unknown", tier=source.tier))
    _check_admission(author, maintainer is not None)
    drafts = _drafts(author, task, log, ids, progress)
    results = _signed(author, drafts, source, set(report.ids))
    _mark(author, results)
    outcomes = posting.deliver(author, task, maintainer, results, progress)
    return replace(_told(report, results, outcomes), registered=registered)


def _outlook(author: Member, log: Log, ids: Mapping[int, str], away: str) -> Imported:
    """What is to be done: ``ids`` are of the results that are not there yet."""
    known, queued = author.runs(), author.queued()
    fresh = [entry for entry in log.entries if ids[entry.line] not in known]
    waiting = sum(ids[entry.line] in queued for entry in log.entries)
    return Imported(
        agent=author.config.agent,
        rows=len(log.entries),
        imported=0,
        there=len(log.entries) - len(fresh) - waiting,
        waiting=waiting,
        queued=0,
        crashes=sum(entry.status != "ok" for entry in fresh),
        refused=[],
        left=log.left,
        notes=log.notes,
        ids=[ids[entry.line] for entry in fresh],
        reason=away,
    )


def _refusal(report: Imported, error: RefusedError) -> Imported:
    """What would come of an import that would be refused."""
    why = f"{error.message} ({error.hint})"
    return replace(report, ids=[], crashes=0, refused=[why] * len(report.ids), dry_run=True)


# -- who and what ----------------------------------------------------------------------------------


def _author(member: Member, name: str | None) -> Member:
    """Whose results they will be: this workspace's agent, or another of this machine."""
    if name is None or name == member.config.agent:
        return member
    config = replace(member.config, agent=check_agent_name(name))
    return Member(
        member.workspace, config, member.pages, member.clock, member.nonce,
        member.progress, member.notice,
    )  # fmt: skip


def _check(wanted: Wanted, task: Task) -> None:
    """Raise UsageError for what was asked that cannot be."""
    if wanted.device is not None and not logbook.shown(wanted.device, logbook.MAX_DEVICE):
        raise UsageError("the device is empty", "leave it out where it is unknown")
    if wanted.tier is not None and not is_tier(wanted.tier):
        raise UsageError(
            f"{wanted.tier[:40]!r} cannot be a tier",
            "1 to 32 of a-z, 0-9 and -, as in xl; not any or all",
        )
    ours = task.metric.direction
    if wanted.metric is None and wanted.direction not in (None, ours):
        raise UsageError(
            f"the log is of what to {wanted.direction}, the task to {ours} {task.metric.name}: "
            "these do not compare",
            f"name the column that is {task.metric.name} all the same, if it has one: "
            "--metric COLUMN",
        )


def _word(task: Task, log: Log, fresh: Sequence[Entry]) -> tuple[str, KeyPair] | None:
    """The maintainer who vouches for what nobody can run again; None where nothing needs one.

    Of the ``fresh`` rows, what nobody here can vouch for is left, where there are others.
    """
    bare = [e for e in fresh if e.status == "ok" and e.line not in log.programs]
    if not bare:
        return None
    try:
        return keyring.maintainer_key(task)
    except RefusedError as e:
        why = "nobody can run again what has no program, so only a maintainer imports it"
        if not log.programs:
            people = ", ".join(sorted(task.maintainers)) or "there is none"
            hint = f"ask a maintainer ({people}), or give the programs: --repo PATH"
            raise RefusedError(why, hint) from e
        log.leave(bare, f"it has no program, and no maintainer's key is here: {why}")
        return None


def _ids(author: Member, log: Log) -> dict[int, str]:
    """What each row's result is called, by line; one that was exported from here is that result."""
    known, agent = author.runs(), author.config.agent
    return {e.line: e.known if e.known in known else id_of(agent, e) for e in log.entries}


def _drafts(
    author: Member, task: Task, log: Log, ids: Mapping[int, str], progress: Progress
) -> list[Draft]:
    baseline = looking.program_text(author, None)
    python = task.program.endswith(".py")
    there = partial(_built, author, baseline)
    lineage = Lineage(log.entries, ids, baseline, author.words, there, python=python)
    found = []
    for number, entry in enumerate(log.entries):
        progress("reading the log", number / len(log.entries))
        found.append(lineage.draft(entry, log.programs.get(entry.line)))
    return found


def _built(author: Member, baseline: str, result_id: str) -> Built | None:
    """A result that is here, as what rows may build on; None where there is none of that name."""
    run = author.runs().get(result_id)
    if run is None:
        return None
    try:
        text = looking.program_text(author, result_id)
        return Built(Base(result_id, text), fingerprint(text))
    except GitcollabError:  # nobody has its program
        return Built(Base(result_id, baseline), None)


def _signed(
    author: Member, drafts: Sequence[Draft], source: Source, wanted: Collection[str]
) -> list[Brought]:
    """The records of those that are ``wanted``; the time of each is by its place in the log."""
    now = author.now(author.store.snapshot()).replace(microsecond=0)
    moments = times(len(drafts), now)
    made = [
        brought(draft, source, place, moments[place])
        for place, draft in enumerate(drafts)
        if draft.id in wanted
    ]
    return [Brought(author.sign(one.result), one.files) for one in made]


def _mark(author: Member, results: Sequence[Brought]) -> None:
    """Remember that their programs are of somebody else, and so is what is built on them.

    A program that is the hub's own, to the letter, is nobody's; what was published here before as
    one's own stays so.
    """
    own = looking.program_text(author, None)
    keys: dict[str, None] = {}
    for result, files in results:
        text = files.get(PROGRAM_PATH, own)
        if text != own and not authorship.was_own(author, text, result.fingerprint):
            keys |= dict.fromkeys((result.id, str(result.fingerprint)))
            keys |= dict.fromkeys(copying.added(text, own).digests)
    authorship.mark((authorship.IMPORTED,), lines=keys)


def _source(author: Member, task: Task, name: str, log: Log, wanted: Wanted) -> Source:
    said = wanted.device
    return Source(
        name=name,
        columns=log.columns,
        task=task,
        tier=wanted.tier or author.hardware_tier,
        device=None if said is None else logbook.shown(said, logbook.MAX_DEVICE),
        own_tiers=wanted.tier is None,
        started=wanted.started,
    )


# -- the hub ---------------------------------------------------------------------------------------


def _meet(author: Member, dry_run: bool) -> str:
    """See the hub as it is, and deliver what waits; why that cannot be, "" where it was."""
    try:
        author.store.refresh()
        if not dry_run:
            author.store.flush()
    except OfflineError as e:
        return e.message
    return ""


def _register(author: Member, hardware: Hardware) -> bool:
    if author.registered is not None:
        _ = author.key  # where it is not on this machine, that is better said now
        return False
    from gitcollab.swarm import joining  # which imports much that an agent of old does not need

    return joining.register(author, author.config.agent, hardware=hardware)


def _check_admission(author: Member, vouched: bool) -> None:
    """Refuse results that would not count: what waits, a maintainer would have to say twice."""
    name, people = author.config.agent, roster(author.store.snapshot())
    agent = people.agents.get(name)
    if agent is None or agent.status == "member" or (agent.status == "waiting" and not vouched):
        return  # what is not vouched for is kept until its agent is admitted
    state = "waits for a maintainer to admit it" if agent.status == "waiting" else "is suspended"
    raise RefusedError(f"{name} {state}", f"{people.remedy(name)}; then import it again")


def _check_flood(author: Member, task: Task, number: int) -> None:
    """Refuse what the hub would not take in all of, before any of it is sent."""
    name, most = author.config.agent, task.policy.limits.records_per_day
    day = author.clock() - timedelta(days=1)
    lately = sum(
        run.agent == name and datetime.fromisoformat(run.created_at) > day
        for run in author.runs().values()
    )
    if number + lately > most:
        has = f", and {name} has added {lately:,} within one" if lately else ""
        raise RefusedError(
            f"{number:,} results are to be imported; the hub takes {most:,} of an agent a day{has}",
            "import it in parts, or ask a maintainer for: gitcollab task set "
            f"policy.limits.records_per_day={number + lately}",
        )


def _told(report: Imported, made: Sequence[Brought], outcomes: dict[str, Outcome]) -> Imported:
    """The report with what became of the results."""
    by_id = {one.result.id: one.result for one in made}
    published = [i for i in by_id if outcomes[i]["outcome"] == "published"]
    queued = [i for i in by_id if outcomes[i]["outcome"] in ("queued", "offline")]
    refused = [o for o in outcomes.values() if o["outcome"] in ("refused", "failed")]
    here = [i for i in by_id if i in {*published, *queued}]
    waits = (str(outcomes[i].get("reason", "")) for i in queued)
    return replace(
        report,
        imported=len(published),
        queued=len(queued),
        crashes=sum(by_id[i].status != "ok" for i in here),
        refused=[str(o.get("reason", "")) for o in refused],
        ids=here,
        reason=next(waits, ""),
    )
