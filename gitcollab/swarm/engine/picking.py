"""Choosing and claiming in one step: the first choice that is free becomes what is run next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gitcollab.errors import RefusedError
from gitcollab.records.models import Experiment, Result
from gitcollab.store.requests import Outcome, Request
from gitcollab.swarm.claiming import renew_one
from gitcollab.swarm.claims import left
from gitcollab.swarm.competing import Picked, claim_first
from gitcollab.swarm.engine.candidates import Candidate, Candidates
from gitcollab.swarm.engine.choice import Kind, Passed
from gitcollab.swarm.engine.choosing import first
from gitcollab.swarm.engine.mind import Thought
from gitcollab.swarm.engine.scene import Past, Scene
from gitcollab.swarm.identity import title
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Duplicate, Granted, Offline, Refused, RunReport, Taken
from gitcollab.swarm.preparing import Progress, Ready, not_claimed
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.workspace import Mode

AT_ONCE = 4  # choices that are asked for in one push
_PROPOSALS = 2  # of them; each takes a while, and hardly two agents propose the same
MAX_TRIES = 4  # pushes in a row that may lose all of them
_FRESH = 2 / 3  # of its time a claim has left that needs no renewal yet


@dataclass(frozen=True)
class Chosen:
    """An experiment that is to be run, what kind of choice it is and why; None: as asked for."""

    ready: Ready
    kind: Kind | None = None
    why: str = ""


class Picker:
    """Picks what an agent runs next, again and again."""

    def __init__(
        self, member: Member, sandbox: Mode | None, progress: Progress, *, endless: bool
    ) -> None:
        self._member = member
        self._sandbox = sandbox
        self._progress = progress
        self._endless = endless
        self.past = Past()
        self.passed: Sequence[Passed] = ()  # when there was last a look
        self._refusal: RefusedError | None = None  # of then

    def note(self, result: Result, program: str) -> None:
        """Let a result count that was measured just now."""
        crashed = self.past.crashed
        if result.status != "ok":
            crashed |= {result.fingerprint or ""}
        self.past = Past(result, program, crashed)

    def forget(self) -> None:
        """Let the last result not count: the hub refused it."""
        self.past = Past(crashed=self.past.crashed)

    def look_again(self) -> None:
        """Let what was refused be asked for again: a while has gone by."""
        self.past = replace(self.past, refused=frozenset())

    def candidates(self, thought: Thought | None = None) -> list[Candidate]:
        """What is asked for next, the first first."""
        found, passed = self._look()
        chosen = first(_few(found.all(thought)), AT_ONCE)
        self.passed, self._refusal = passed, found.refusal
        return chosen

    def pick(self, thought: Thought | None = None) -> Chosen | RunReport | None:
        """Claim an experiment on its own; a report when none can be had.

        None where nothing is left that would tell anything. Raises RefusedError where all that is
        left needs a sandbox.
        """
        answer: RunReport | None = None
        for _ in range(MAX_TRIES):
            candidates = self.candidates(thought)
            if not candidates:
                break
            self._progress(RunProgress("claim", title(candidates[0].choice.plan.experiment)))
            picked = self.claim(candidates)[1]
            if isinstance(picked, Chosen):
                return picked
            answer = not_claimed(picked)
        found = self._last_resort() or answer
        if found is None and self._refusal is not None:
            raise self._refusal
        return found

    def claim(
        self,
        candidates: Sequence[Candidate],
        others: Sequence[Request] = (),
        told: Sequence[Experiment] = (),
    ) -> tuple[list[Outcome], Chosen | Taken | Refused | Duplicate]:
        """Claim the first that is free, in one push behind other requests."""
        _ = self._member.believed_task  # or nothing is claimed
        wanted = [one.wanted for one in candidates]
        outcomes, picked = claim_first(self._member, wanted, others, told)
        return outcomes, self._chosen(candidates, picked)

    def _chosen(
        self, candidates: Sequence[Candidate], picked: Picked
    ) -> Chosen | Taken | Refused | Duplicate:
        answer = picked.answer
        if not isinstance(answer, Granted | Offline):
            self.past = replace(
                self.past, refused=self.past.refused | {one.wanted.key for one in candidates}
            )
            return answer
        self.past = replace(self.past, refused=frozenset())
        got = next(one for one in candidates if one.wanted == picked.wanted)
        if isinstance(answer, Offline):
            got = self._alone(got)
            answer = replace(answer, experiment=got.wanted.key)
        return self._ready(got, answer)

    def _alone(self, got: Candidate) -> Candidate:
        """What is run while the hub is away: what nobody else will think of, if there is any."""
        if got.choice.kind in ("thought", "proposal"):
            return got
        return next(iter(first(self._look()[0].proposals(), 1)), got)

    def still(self, chosen: Chosen) -> Chosen | None:
        """What was claimed a while ago, with a claim that lasts; None where that is lost."""
        if not isinstance(chosen.ready.claimed, Granted):
            return chosen
        member, claim = self._member, chosen.ready.claimed.claim
        span = timedelta(seconds=member.task.policy.claim_ttl_seconds)
        if left(member.store.snapshot(), claim, member.task) > span * _FRESH:
            return chosen
        made, outcome = renew_one(member, claim)
        if outcome["outcome"] == "renewed":
            return replace(chosen, ready=replace(chosen.ready, claimed=Granted(made)))
        if outcome["outcome"] == "offline":
            return chosen
        member.workspace.let_go(claim.id)
        return None

    def _last_resort(self) -> Chosen | RunReport | None:
        """A run of the baseline, where nothing else can be had.

        The next free seed is everybody's in a crowd, so one is taken that nobody else will think
        of. A baseline that nobody has finished yet is run beside whoever holds its claim.
        """
        found, _ = self._look()
        plain = found.last_resort()
        self._refusal = self._refusal or found.refusal
        if plain is None:
            return None
        own = plain.with_seed(int(self._member.nonce()[:7], 16))
        asked = own if plain.choice.plan.experiment.replicates else plain
        self._progress(RunProgress("claim", title(asked.choice.plan.experiment)))
        _ = self._member.believed_task
        answer = claim_first(self._member, [asked.wanted])[1].answer
        if isinstance(answer, Taken):
            return self._ready(own, answer)
        if isinstance(answer, Granted | Offline):
            return self._ready(asked, answer)
        return not_claimed(answer)

    def _ready(self, got: Candidate, answer: Granted | Offline | Taken) -> Chosen:
        choice, confined = got.choice, got.confinement
        ready = Ready(
            self._member.believed_task,
            choice.plan,
            answer,
            confined,
            notes=(*choice.notes, *confined.notes),
            by=choice.by,
            base=self._member.workspace.base(),
            began=choice.base.text,
        )
        return Chosen(ready, choice.kind, choice.why)

    def _look(self) -> tuple[Candidates, list[Passed]]:
        passed: list[Passed] = []
        scene = Scene(self._member, self.past)
        found = Candidates(scene, self._sandbox, passed.append, endless=self._endless)
        return found, passed


def _few(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """The candidates up to the last proposal that is asked for, if there are any."""
    proposed = 0
    for one in candidates:
        yield one
        proposed += one.choice.kind == "proposal"
        if proposed == _PROPOSALS:
            return
