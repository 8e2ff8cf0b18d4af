"""What to try next: the seam where a search for better programs belongs.

For now nothing new is tried: another run of what deserves one tells luck from progress.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Claim, Result
from gitcollab.records.names import PROGRAM_PATH, folder_of
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import looking
from gitcollab.swarm.claims import active
from gitcollab.swarm.identity import key_of
from gitcollab.swarm.member import Member
from gitcollab.swarm.proposal import Proposal, propose
from gitcollab.swarm.ranking import ENOUGH_RUNS, Group, Standings
from gitcollab.swarm.syncing import program_text
from gitcollab.swarm.workspace import Base

MOST_OWN = 5  # runs of one program by one agent; more tell nothing that others need to know

# Programs looked at in one order: strangers can report any number that nobody can run.
_MOST = 100


@dataclass(frozen=True)
class Past:
    """What an agent knows beside what its host does.

    ``result`` was measured just now, of the text ``program``, and may not have been delivered yet.
    ``crashed`` are fingerprints of programs that crashed here, ``refused`` keys of experiments that
    could not be claimed just now.
    """

    result: Result | None = None
    program: str = ""
    crashed: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


def choose(member: Member, past: Past) -> Proposal:
    """The next experiment, from what this host knows; nothing is asked of the hub.

    Another run, with the next free seed, of the most promising program that has too few on this
    machine's tier; of the best where none has; of the task's baseline where nothing else can be
    run, be it claimed or not. Runs that others have claimed count as done.
    """
    where = member.standings([past.result] if past.result else [])
    mine = {claim.nonce for claim in member.workspace.claims()}
    running = [c for c in active(member.store.snapshot()) if c.nonce not in mine]
    for base in _bases(member, where, past, running):
        if plan := _another_run(member, base, past, running):
            return plan
    baseline = looking.program_text(member, None)
    return _rerun(member, Base(None, baseline), past)


def is_of_use(member: Member, plan: Proposal, past: Past) -> bool:
    """Whether another run of the program by this agent tells more than those that it has made."""
    runs = _runs_of(member, plan.experiment.fingerprint or "", past)
    return sum(run.agent == member.config.agent for run in runs) < MOST_OWN


def _bases(
    member: Member, where: Standings, past: Past, running: Sequence[Claim]
) -> Iterator[Base]:
    """The programs to run again, in the order of their merit."""
    tier = member.tier
    claimed = Counter(c.fingerprint for c in running if c.replicates and c.tier == tier)
    few = (
        group
        for group in where.worth_replicating
        if group.tier == tier and group.n + claimed[group.fingerprint] < ENOUGH_RUNS
    )
    orders = (few, where.by_tier.get(tier, ()), where.ranked)
    # What was imported from a log need not have a program, and there can be any number of it.
    runnable = ((g for g in order if g.first.program is not None) for order in orders)
    for group in chain.from_iterable(islice(order, _MOST) for order in runnable):
        if group.fingerprint not in past.crashed and (base := _base(member, where, group, past)):
            yield base


def _base(member: Member, where: Standings, group: Group, past: Past) -> Base | None:
    """The group's program, if its text is there and is the program that the records speak of."""

    def read(path: str) -> bytes | None:
        if past.result and path == f"{folder_of(past.result.id)}/{PROGRAM_PATH}":
            return past.program.encode()
        return member.read(path)

    text = program_text(where, group, read)
    with suppress(GitcollabError):  # too complex to be looked through
        if text is not None and fingerprint(text) == group.fingerprint:
            return Base(group.first.id, text)
    return None


def _another_run(
    member: Member, base: Base, past: Past, running: Sequence[Claim]
) -> Proposal | None:
    """A run of the program with the next seed that nobody has used or claimed."""
    try:
        plan = _rerun(member, base, past)
    except GitcollabError:  # what others published need not be a program
        return None
    used = {run.seed for run in _runs_of(member, plan.experiment.fingerprint or "", past)}
    taken = past.refused.union(claim.id for claim in running)
    seeds = range(plan.seed, plan.seed + len(used) + len(taken) + 1)
    for seed in seeds:
        if seed not in used and key_of(plan.experiment, seed) not in taken:
            return replace(plan, seed=seed)
    return None


def _rerun(member: Member, base: Base, past: Past) -> Proposal:
    python = member.task.program.endswith(".py")
    return propose(base.text, base, lambda f: _runs_of(member, f, past), python=python)


def _runs_of(member: Member, fingerprint: str, past: Past) -> list[Result]:
    task, fresh = member.task, past.result
    runs = member.runs_of(task, fingerprint)
    if fresh and fresh.fingerprint == fingerprint and fresh.task == task.digest:
        runs.append(fresh)
    return runs
