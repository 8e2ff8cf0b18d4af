"""The swarm as one object: the verbs of the command line, for programs.

Each verb imports what it needs when it is called: looking must not wait for what runs programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gitcollab.records.models import Claim, Task
from gitcollab.store.index import Progress
from gitcollab.swarm import holding, looking
from gitcollab.swarm.member import Member, Pages
from gitcollab.swarm.outcomes import (
    ClaimOutcome,
    RoundsReport,
    RunReport,
    TellOutcome,
    Withdrawn,
)
from gitcollab.swarm.reports import (
    Adopted,
    AgentEntry,
    Compared,
    Dropped,
    Entry,
    Imported,
    OutboxReport,
    ResultPage,
    Retried,
    RunProgress,
    Shown,
    Status,
    SyncReport,
)
from gitcollab.swarm.trend import Course
from gitcollab.swarm.workspace import Mode, NotJoined, Workspace

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from gitcollab.swarm.engine.choice import Outlook
    from gitcollab.swarm.engine.guest.pausing import Pause
    from gitcollab.swarm.engine.guest.presence import Lease, Presence
    from gitcollab.swarm.engine.guest.summary import Footing
    from gitcollab.swarm.engine.terms import Terms
    from gitcollab.swarm.exporting import Exported
    from gitcollab.swarm.ideas.hypotheses import Idea, IdeaPage
    from gitcollab.swarm.ideas.insights import Learned, LearnedPage
    from gitcollab.swarm.importing import Wanted
    from gitcollab.swarm.maps.analysis import Analysis
    from gitcollab.swarm.maps.coverage import Coverage
    from gitcollab.swarm.maps.frontier import Frontier
    from gitcollab.swarm.maps.lineage import Lineage
    from gitcollab.swarm.naming import Kind
    from gitcollab.swarm.runs import Run
    from gitcollab.swarm.search.asking import Answer


class Swarm:
    """One agent's view of its hub, from its workspace.

    Expected outcomes come back as values (``Granted``, ``Taken``, ...); GitcollabError, with a
    message and a next step, is raised for what cannot be done. Without the hub, looking works on
    what this host last saw and writing is queued.
    """

    def __init__(self, member: Member) -> None:
        self.member = member

    @classmethod
    def open(
        cls,
        folder: Path | str = ".",
        *,
        pages: Pages | None = None,
        create_embedded: bool = False,
        progress: Progress | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> Swarm:
        """The swarm of the workspace that ``folder`` is in, or NotJoined.

        ``create_embedded`` makes a folder that is none one, with a hub of its own inside it.
        ``progress`` hears how many of the hub's records have been read, of how many; ``notice``
        in a line what else takes long.
        """
        start = Path(folder)
        try:
            workspace = Workspace.find(start)
        except NotJoined:
            if not create_embedded:
                raise
            from gitcollab.swarm.joining import join
            from gitcollab.swarm.seeding import init_hub

            hub = init_hub(None, folder=start, pages=pages).hub
            join(start, hub, pages=pages)
            workspace = Workspace.find(start)
        put_back = holding.recover(workspace)  # before anybody reads its configuration
        for note in put_back:
            notice(note)
        member = Member(workspace, workspace.config, pages, progress=progress, notice=notice)
        member.put_back = put_back
        return cls(member)

    @property
    def hub(self) -> str:
        """The hub's address."""
        return self.member.config.hub

    @property
    def branch(self) -> str:
        """The hub's state branch."""
        return self.member.config.branch

    @property
    def agent(self) -> str:
        """This agent's name."""
        return self.member.config.agent

    @property
    def workspace(self) -> Path:
        """The folder of the working program."""
        return self.member.workspace.root

    @property
    def task(self) -> Task:
        """The hub's task."""
        return self.member.task

    def status(self, *, ask: bool = False) -> Status:
        """Where this workspace stands; ``ask`` asks the hub instead of only this host."""
        return looking.status(self.member, ask=ask)

    def sync(self) -> SyncReport:
        """Fetch, deliver what is queued, sweep stale claims, adopt the best."""
        from gitcollab.swarm import syncing

        return syncing.sync(self.member)

    def claim(
        self,
        what: str | None = None,
        *,
        from_code: bool = False,
        anyway: bool = False,
        hypothesis: str | None = None,
        cites: Sequence[str] = (),
    ) -> ClaimOutcome:
        """Claim an experiment: in words, or (None) what the working program changes.

        ``from_code`` claims what the working program changes and describes it in these words.
        ``anyway`` claims what has been done or is being done; a key that is held stays taken.
        The claim names the ``hypothesis`` that it tests and the insights that it ``cites``; where
        nothing is changed or said, it is for what the hypothesis says.
        """
        from gitcollab.swarm import reserving

        return reserving.reserve(
            self.member,
            what,
            from_code=from_code,
            anyway=anyway,
            hypothesis=hypothesis,
            cites=cites,
        )

    def release(self, experiment: str | None = None) -> list[str]:
        """Give back one claim of this workspace, or all; their keys."""
        from gitcollab.swarm import claiming

        return claiming.release(self.member, experiment)

    def renew(self, experiment: str | None = None) -> list[Claim]:
        """Give one claim of this workspace, or all, their full time again."""
        from gitcollab.swarm import claiming

        return claiming.renew(self.member, experiment)

    def run(
        self,
        what: str | None = None,
        *,
        set_values: Mapping[str, str] | None = None,
        patch: str | None = None,
        seed: int | None = None,
        anyway: bool = False,
        sandbox: Mode | None = None,
        hypothesis: str | None = None,
        cites: Sequence[str] = (),
        nice: int = 0,
        progress: Callable[[RunProgress], None] | None = None,
    ) -> RunReport:
        """One experiment: claim, run, publish, keep or revert. See ``running.run``.

        ``nice``: how far its program steps back behind others.
        """
        from gitcollab.swarm.engine.guest import watching

        self.member.nice = nice
        return watching.run(
            self.member,
            what,
            set_values=set_values,
            patch=patch,
            seed=seed,
            anyway=anyway,
            sandbox=sandbox,
            hypothesis=hypothesis,
            cites=cites,
            progress=progress or (lambda _: None),
        )

    def run_many(
        self,
        count: int | None = None,
        what: str | None = None,
        *,
        set_values: Mapping[str, str] | None = None,
        patch: str | None = None,
        seed: int | None = None,
        anyway: bool = False,
        sandbox: Mode | None = None,
        hypothesis: str | None = None,
        cites: Sequence[str] = (),
        terms: Terms | None = None,
        progress: Callable[[RunProgress], None] | None = None,
        on_report: Callable[[RunReport], None] | None = None,
    ) -> RoundsReport:
        """``count`` experiments, or (None) as many as can be. See ``lending.run_many``."""
        from gitcollab.swarm.engine.guest import lending
        from gitcollab.swarm.engine.terms import FREELY

        return lending.run_many(
            self.member,
            count,
            what,
            set_values=set_values,
            patch=patch,
            seed=seed,
            anyway=anyway,
            sandbox=sandbox,
            hypothesis=hypothesis,
            cites=cites,
            terms=terms or FREELY,
            progress=progress or (lambda _: None),
            on_report=on_report or (lambda _: None),
        )

    def footing(self) -> Footing:
        """Where this agent stands: its credit, and the best that its machine can build on."""
        from gitcollab.swarm.engine.guest import summary

        return summary.footing(self.member)

    def lent(self, lease: Lease) -> AbstractContextManager[None]:
        """While it is entered, this workspace's machine is lent so; GitcollabError if it is."""
        from gitcollab.swarm.engine.guest import presence

        return presence.lent(self.member.workspace, lease)

    def presence(self) -> Presence:
        """How this workspace's machine is lent now, and whether that is paused."""
        from gitcollab.swarm.engine.guest import presence

        return presence.presence(self.member.workspace, self.member.clock())

    def pause(self, until: datetime | None = None, *, now: bool = False) -> Pause:
        """Let no experiment begin in this workspace; ``now`` ends what runs, too."""
        from gitcollab.swarm.engine.guest import pausing

        return pausing.pause(self.member.workspace, self.member.clock(), until, now=now)

    def resume(self) -> bool:
        """Let experiments begin again; whether anything was paused."""
        from gitcollab.swarm.engine.guest import pausing

        return pausing.resume(self.member.workspace)

    def next_choices(self, count: int = 5) -> Outlook:
        """What this agent would run next by itself, and why. See ``choosing.outlook``."""
        from gitcollab.swarm.engine import choosing

        return choosing.outlook(self.member, count=count)

    def publish(
        self,
        log: Path | str,
        *,
        what: str | None = None,
        program: Path | str | None = None,
        status: Literal["ok", "crash", "timeout"] | None = None,
        seed: int | None = None,
        hypothesis: str | None = None,
        cites: Sequence[str] = (),
    ) -> RunReport:
        """Publish a run made by hand, from its log. See ``byhand.publish_log``."""
        from gitcollab.swarm import byhand

        chosen = Path(program) if program is not None else None
        return byhand.publish_log(
            self.member,
            Path(log),
            what=what,
            program=chosen,
            status=status,
            seed=seed,
            hypothesis=hypothesis,
            cites=cites,
        )

    def import_log(
        self,
        log: Path | str,
        wanted: Wanted | None = None,
        *,
        dry_run: bool = False,
        progress: Callable[[str, float], None] | None = None,
    ) -> Imported:
        """Publish the rows of a log of experiments as results. See ``importing.import_log``."""
        from gitcollab.swarm import importing

        return importing.import_log(
            self.member,
            Path(log),
            wanted or importing.Wanted(),
            dry_run=dry_run,
            progress=progress or (lambda _, __: None),
        )

    def best(self, tier: str | None = None, agent: str | None = None) -> Entry | None:
        """The best program of all, of a tier, or of an agent's; None when there is none."""
        tier = None if tier == looking.ALL_TIERS else tier
        tier = looking.track(self.member, tier)
        looking.check_agent(self.member, agent)
        return self.member.rankings.best(tier, agent)

    def adopt(self, tier: str | None = None) -> Adopted:
        """Make the best program the working one; edits are kept aside."""
        from gitcollab.swarm import syncing

        return syncing.adopt(self.member, tier)

    def leading(self, tier: str | None = None) -> Entry | None:
        """The program that ``adopt`` means: see ``looking.leading``."""
        return looking.leading(self.member, tier)

    def leaderboard(self, by: str = "overall") -> Sequence[Entry] | Sequence[AgentEntry]:
        """The complete ranking: overall, within each tier, or of agents."""
        return self.member.rankings.ranked(by)

    def by_tier(self) -> Mapping[str, Sequence[Entry]]:
        """The complete ranking within each tier."""
        return self.member.rankings.tiers

    def course(self) -> Course:
        """How the best came about, experiment by experiment."""
        return self.member.rankings.course

    def results(self, **filters: Any) -> ResultPage:
        """A page of results, newest first; filters as in ``looking.results``."""
        return looking.results(self.member, **filters)

    def show(self, result_id: str) -> Shown:
        """One result with its program, log and standing; part of an id is enough."""
        return looking.show(self.member, result_id)

    def diff(self, result_id: str, other: str | None = None) -> str:
        """The unified diff of a result against its base, or of two results: a patch."""
        return self.compare(result_id, other).patch

    def compare(self, result_id: str, other: str | None = None) -> Compared:
        """As ``diff``, with whose programs they are and the size of the difference."""
        return looking.compare(self.member, result_id, other)

    def signed(self, result_id: str) -> bool | None:
        """Whether its agent signed a result and its program; None when it is unsigned."""
        return looking.program_signed(self.member, result_id)

    def has_program(self, result_id: str) -> bool:
        """Whether a result says which program it is of; one that was imported need not."""
        return looking.has_program(self.member, result_id)

    def exported(self, **filters: Any) -> Iterator[Exported]:
        """All results that match, oldest first. See ``exporting.exported``."""
        from gitcollab.swarm import exporting

        return exporting.exported(self.member, **filters)

    # -- thinking together -----------------------------------------------------------------------

    def propose(
        self,
        title: str,
        because: str,
        *,
        set_values: Mapping[str, str] | None = None,
        patch: str | None = None,
        base: str | None = None,
        evidence: Sequence[str] = (),
        priority: int = 3,
        anyway: bool = False,
    ) -> TellOutcome:
        """Tell the swarm a hypothesis. See ``telling.propose``."""
        from gitcollab.swarm.ideas import telling

        return telling.propose(
            self.member,
            title,
            because,
            set_values=set_values,
            patch=patch,
            base=base,
            evidence=evidence,
            priority=priority,
            anyway=anyway,
        )

    def learn(
        self,
        text: str,
        *,
        evidence: Sequence[str] = (),
        expects: Literal["better", "worse", "within noise"] | None = None,
        anyway: bool = False,
    ) -> TellOutcome:
        """Tell the swarm an insight. See ``telling.learn``."""
        from gitcollab.swarm.ideas import telling

        return telling.learn(self.member, text, evidence=evidence, expects=expects, anyway=anyway)

    def withdraw(
        self, wanted: str, reason: str | None = None, *, kinds: Sequence[Kind] = ()
    ) -> Withdrawn:
        """Withdraw a hypothesis, an insight or a result of this agent's; part of an id is enough.

        ``kinds`` are those that may be meant. Raises GitcollabError where it is another's or there
        is none.
        """
        from gitcollab.swarm.ideas import telling

        return telling.withdraw(self.member, wanted, reason, kinds=kinds)

    def hypotheses(self, **filters: Any) -> IdeaPage:
        """A page of hypotheses, the most useful first; filters as in ``hypotheses.listed``."""
        from gitcollab.swarm.ideas import hypotheses

        return hypotheses.listed(self.member, **filters)

    def hypothesis(self, wanted: str) -> Idea:
        """One hypothesis with what became of it; part of an id is enough."""
        from gitcollab.swarm.ideas import hypotheses

        return hypotheses.show(self.member, wanted)

    def precedents(self, idea: Idea) -> list[Run]:
        """Results that made a hypothesis's change and do not name it. See ``precedents``."""
        from gitcollab.swarm.ideas import precedents

        return precedents.of_idea(self.member, idea)

    def insights(self, **filters: Any) -> LearnedPage:
        """A page of insights, newest first; filters as in ``insights.listed``."""
        from gitcollab.swarm.ideas import insights

        return insights.listed(self.member, **filters)

    def insight(self, wanted: str) -> Learned:
        """One insight with what later results say of it; part of an id is enough."""
        from gitcollab.swarm.ideas import insights

        return insights.show(self.member, wanted)

    def ask(self, question: str, **how: Any) -> Answer:
        """What the swarm knows of a question. See ``asking.ask``."""
        from gitcollab.swarm.search import asking

        return asking.ask(self.member, question, **how)

    def coverage(self, constant: str | None = None) -> Coverage:
        """Which values of constants were tried, with what effect. See ``coverage.Coverage``."""
        from gitcollab.swarm.maps import coverage

        return coverage.of_member(self.member, constant)

    def lineage(self, result_id: str | None = None, tier: str | None = None) -> Lineage | None:
        """The line that led to a result's program, or (None) to the best; None: there is none."""
        from gitcollab.swarm.maps import lineage

        return lineage.of_member(self.member, result_id, tier)

    def frontier(self, tier: str | None = None, limit: int | None = None) -> Frontier:
        """The programs that nobody has built on, the most promising first, ``limit`` at most."""
        from gitcollab.swarm.maps import frontier

        return frontier.of_member(self.member, tier, limit)

    def analyze(self) -> Analysis:
        """Where the swarm stands, and what would help it most. See ``analysis.Analysis``."""
        from gitcollab.swarm.maps import analysis

        return analysis.of_member(self.member)

    def outbox(self) -> OutboxReport:
        """What waits on this host for the hub, and what was refused."""
        from gitcollab.swarm import waiting

        return waiting.outbox(self.member)

    def retry(self, wanted: str | None = None) -> list[Retried]:
        """Have one refused request, or all, delivered again; part of an id is enough."""
        from gitcollab.swarm import waiting

        return waiting.retry(self.member, wanted)

    def drop(self, wanted: str) -> Dropped:
        """Forget a waiting or refused request; it is kept in a file first."""
        from gitcollab.swarm import waiting

        return waiting.drop(self.member, wanted)

    def views(self) -> list[str]:
        """Rebuild the hub's derived files; the paths that changed."""
        from gitcollab.swarm import syncing

        return syncing.views(self.member)

    def sweep(self) -> list[str]:
        """Remove the hub's stale claims; their experiments."""
        from gitcollab.swarm import syncing

        return syncing.sweep(self.member)
