"""What an agent sees when it chooses: the standings, who works on what, what it did itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, islice

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Experiment, Result
from gitcollab.records.names import PROGRAM_PATH, folder_of
from gitcollab.similarity.literal import Value
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import looking
from gitcollab.swarm.changes import values_of
from gitcollab.swarm.claims import active, is_in, runs_of
from gitcollab.swarm.engine import allocation, policy
from gitcollab.swarm.engine.belief import beliefs
from gitcollab.swarm.grouping import Runs, base_fingerprint_of
from gitcollab.swarm.ideas import unsent
from gitcollab.swarm.ideas.board import Board
from gitcollab.swarm.identity import key_of, only_words, same_finished, same_now
from gitcollab.swarm.member import Member
from gitcollab.swarm.proposal import Proposal, propose
from gitcollab.swarm.ranking import Group, Standings
from gitcollab.swarm.runs import Run
from gitcollab.swarm.syncing import program_text
from gitcollab.swarm.tracks import compares
from gitcollab.swarm.workspace import Base

# Whoever has not been seen for so long, or for some experiments, is not there.
_LATELY = timedelta(hours=1)
_EXPERIMENTS = 4


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


class Scene:
    """What this host knows when an agent chooses; nothing is asked of the hub."""

    def __init__(self, member: Member, past: Past) -> None:
        self.member = member
        self.past = past
        self.task = member.task
        self.tier = member.tier
        self.where: Standings = member.standings([past.result] if past.result else [])
        mine = {claim.nonce for claim in member.workspace.claims()}
        self.running = [c for c in active(member.store.snapshot()) if c.nonce not in mine]

    @cached_property
    def claimed(self) -> Mapping[str, int]:
        """How many runs of a program, by its fingerprint, others have under way on the tier."""
        here = (claim for claim in self.running if is_in(claim, self.tier))
        return Counter(c.fingerprint for c in here if c.fingerprint is not None)

    @cached_property
    def alone(self) -> bool:
        """Whether no other agent works on the tier: it has no claim there, and no recent result."""
        me = self.member.config.agent
        if any(c.agent != me and is_in(c, self.tier) for c in self.running):
            return False
        since = self.member.now(self.member.store.snapshot()) - self._lately
        return not any(
            run.agent != me
            and compares(self.tier, run.tier)
            and datetime.fromisoformat(run.created_at) > since
            for run in self.where.results.values()
        )

    @property
    def _lately(self) -> timedelta:
        return max(_LATELY, timedelta(seconds=_EXPERIMENTS * self.task.timeout_seconds))

    @cached_property
    def of_policy(self) -> policy.Scene:
        """What the policy has to know of it."""
        believed = beliefs(self.where, self.tier)
        me = self.member.config.agent
        return policy.Scene(me, self.tier, self.claimed, self.alone, believed)

    @cached_property
    def base(self) -> Base:
        """The program to build on: what is believed to be the tier's best, of those that can be
        read and did not fail here; the best of all; the baseline.

        The baseline, too, where what was tried on the tier has failed and nothing has ended: what
        is the best elsewhere may be too large for it.
        """
        led = islice(allocation.leaders(self.where, self.tier), policy.MOST)
        others = () if self.is_only_failing else islice(self.where.ranked, policy.MOST)
        for group in chain(led, others):
            if self.fails(group.fingerprint) is None and (found := self.base_of(group)) is not None:
                return found
        return self.baseline

    @cached_property
    def is_new(self) -> bool:
        """Whether nothing that counts was measured on the tier."""
        return not self.where.by_tier.get(self.tier)

    @property
    def is_only_failing(self) -> bool:
        """Whether programs failed on the tier, and none has ended."""
        return self.is_new and bool(self._failures)

    def fails(self, fingerprint: str | None) -> str | None:
        """Why a program is not run here again unasked: it failed here, or with all others."""
        if fingerprint in self.past.crashed or fingerprint in self._failed_here:
            return "it crashed here"
        failing = self._broken.get(fingerprint or "")
        return None if failing is None else policy.said_of_broken(failing)

    @cached_property
    def _failures(self) -> Mapping[str, Set[str]]:
        return allocation.failures(self.where, self.tier)

    @cached_property
    def _broken(self) -> Mapping[str, Collection[str]]:
        return allocation.broken(self.where, self.tier)

    @cached_property
    def _failed_here(self) -> Set[str]:
        """Programs that this agent's runs on the tier all failed of: restarted, it knows it yet."""
        me = self.member.config.agent
        failed = {one for one, agents in self._failures.items() if me in agents}
        drafts = {one: self.where.drafts.get((one, self.tier)) for one in failed}
        return {
            one
            for one, draft in drafts.items()
            if draft is None or all(run.agent != me for run in draft.runs)
        }

    @cached_property
    def run_changes(self) -> Mapping[str, Run]:
        """The changes of constants that were run on the base on this tier, each with one."""
        where, base = self.where, fingerprint(self.base.text)
        return {
            run.change: run
            for run in where.results.values()
            if run.change is not None
            and compares(self.tier, run.tier)
            and base_fingerprint_of(run, where.results) == base
        }

    @cached_property
    def base_values(self) -> Mapping[str, Value]:
        """The constants of the base."""
        return values_of(self.base.text)

    @cached_property
    def base_draft(self) -> Runs | None:
        """What was measured of the base on this tier, and may count; None where that is nothing."""
        key = fingerprint(self.base.text), self.tier
        return None if key in self.where.flagged else self.where.drafts.get(key)

    @cached_property
    def board(self) -> Board:
        """The hypotheses, with what waits on this host."""
        snapshot = self.member.store.snapshot()
        now, waiting = self.member.now(snapshot), unsent.hypotheses(self.member)
        return Board(snapshot, self.where, now, waiting)

    @cached_property
    def baseline(self) -> Base:
        """The task's own program."""
        return Base(None, looking.program_text(self.member, None))

    def base_of(self, group: Group) -> Base | None:
        """The group's program, if its text is there and is the program that the records speak of.

        What was imported from a log need not have one.
        """
        if group.first.program is None:
            return None
        text = program_text(self.where, group, self._read)
        with suppress(GitcollabError):  # too complex to be looked through
            if text is not None and fingerprint(text) == group.fingerprint:
                return Base(group.first.id, text)
        return None

    def _read(self, path: str) -> bytes | None:
        fresh = self.past.result
        if fresh and path == f"{folder_of(fresh.id)}/{PROGRAM_PATH}":
            return self.past.program.encode()
        return self.member.read(path)

    def runs(self, fingerprint: str) -> list[Result]:
        """All results of a program."""
        task, fresh = self.task, self.past.result
        found = self.member.runs_of(task, fingerprint)
        if fresh and fresh.fingerprint == fingerprint and fresh.task == task.digest:
            found.append(fresh)
        return list({run.id: run for run in found}.values())

    def known_runs(self, fingerprint: str) -> int:
        """How many runs of a program on this tier are done or under way, as far as is known."""
        done, _ = runs_of(self.member.store.snapshot(), fingerprint, self.tier, self.task)
        here = (r for r in self.runs(fingerprint) if compares(self.tier, r.hardware.tier))
        return len({*done, *(r.id for r in here)}) + self.claimed.get(fingerprint, 0)

    def plan(
        self,
        base: Base,
        text: str | None = None,
        what: str | None = None,
        *,
        set_values: Mapping[str, str] | None = None,
    ) -> Proposal:
        """What a program is as an experiment on ``base``; that itself where no text is given."""
        python = self.task.program.endswith(".py")
        text = base.text if text is None else text
        return propose(text, base, self.runs, what, set_values=set_values, python=python)

    def in_the_way(self, plan: Proposal) -> str | None:
        """Why an experiment is sure not to be granted, or to fail, as far as this host knows."""
        experiment = plan.experiment
        if why := self.fails(experiment.fingerprint):
            return why
        if (key := key_of(experiment, plan.seed)) in self.past.refused:
            return "it was refused just now"
        return self._claimed(experiment, key) or self._done(experiment, key)

    def _claimed(self, experiment: Experiment, key: str) -> str | None:
        for other in self.running:
            if experiment.hypothesis is not None and other.hypothesis == experiment.hypothesis:
                return f"claimed by {other.agent}"
            # Words are compared where it is decided: a model may have to be loaded for them.
            if not only_words(other) and same_now(experiment, other, key, self.member.words):
                return f"claimed by {other.agent}"
        return None

    def _done(self, experiment: Experiment, key: str) -> str | None:
        if experiment.replicates:
            return None
        fresh = [self.past.result] if self.past.result else []
        for result in (*self.member.related(experiment), *fresh):
            same = same_finished(experiment, result, self.tier, self.task.digest, self.member.words)
            if same:
                return f"{result.agent} has done it: {result.id}"
        return None

    def free_seed(self, plan: Proposal) -> int | None:
        """The next seed of another run that nobody has used or claimed."""
        used = {run.seed for run in self.runs(plan.experiment.fingerprint or "")}
        taken = self.past.refused.union(claim.id for claim in self.running)
        for seed in range(plan.seed, plan.seed + len(used) + len(taken) + 1):
            if seed not in used and key_of(plan.experiment, seed) not in taken:
                return seed
        return None
