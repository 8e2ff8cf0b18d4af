"""What may be run next, kind by kind, each as an experiment that is ready to be claimed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice

from gitcollab.errors import GitcollabError, RefusedError
from gitcollab.records.models import Hypothesis
from gitcollab.similarity.delta import values_json
from gitcollab.similarity.literal import from_plain, same
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import confinement
from gitcollab.swarm.authorship import additions_by
from gitcollab.swarm.claims import is_in
from gitcollab.swarm.competing import Wanted
from gitcollab.swarm.confinement import Confinement
from gitcollab.swarm.engine import policy
from gitcollab.swarm.engine.choice import Choice, Kind, Passed
from gitcollab.swarm.engine.mind import Thought
from gitcollab.swarm.engine.policy import MOST, MOST_OWN, Note
from gitcollab.swarm.engine.proposer.proposing import suggestions, why_none
from gitcollab.swarm.engine.scene import Scene
from gitcollab.swarm.ideas.board import Place
from gitcollab.swarm.ideas.linking import Links
from gitcollab.swarm.ideas.trying import attempt
from gitcollab.swarm.identity import title
from gitcollab.swarm.preparing import contradictions
from gitcollab.swarm.ranking import Group
from gitcollab.swarm.runs import Run
from gitcollab.swarm.workspace import Mode

_IDEAS = 40  # hypotheses whose change is made, to see whether it fits: 20 ms each
_SUGGESTIONS = 20


@dataclass(frozen=True)
class Candidate:
    """A choice, how its program would be run, and how many runs of it there may be (``Wanted``)."""

    choice: Choice
    confinement: Confinement
    most: int | None = None

    @property
    def wanted(self) -> Wanted:
        """What is asked of the hub."""
        plan = self.choice.plan
        return Wanted(plan.experiment, plan.seed, self.most)

    def with_seed(self, seed: int) -> Candidate:
        """The same program with another seed."""
        plan = replace(self.choice.plan, seed=seed)
        return replace(self, choice=replace(self.choice, plan=plan))


class Candidates:
    """What an agent may run next; what it may not is noted.

    ``endless``: no number of experiments is to be filled, so what tells nothing is not run.
    ``refusal`` is why the last one could not be run here that lacks a sandbox.
    """

    def __init__(
        self, scene: Scene, sandbox: Mode | None, note: Note, *, endless: bool = True
    ) -> None:
        self._scene = scene
        self._sandbox = sandbox
        self._note = note
        self._endless = endless
        self.refusal: RefusedError | None = None

    def all(self, thought: Thought | None = None) -> Iterator[Candidate]:
        """All of them, the first first: see ``policy``."""
        by_kind: Mapping[str, Callable[[], Iterator[Candidate]]] = {
            "replication": self._replications,
            "hypothesis": self._hypotheses,
            "proposal": self.proposals,
        }
        if thought is not None:
            yield from self._thought(thought)
        yield from self._baseline()
        for kind in policy.order(self._scene.task):
            yield from by_kind[kind]()
        yield from self._reruns()

    def proposals(self) -> Iterator[Candidate]:
        """What the engine itself would try."""
        scene = self._scene
        if why := why_none(scene.member):
            self._note(Passed("proposal", "what the engine would try", why))
        draft = scene.base_draft
        found = suggestions(scene.member, scene.where, scene.running, scene.base, draft)
        for one in islice(found, _SUGGESTIONS):
            try:
                plan = scene.plan(one.base, set_values=one.values)
            except GitcollabError as e:
                said = ", ".join(f"{name} = {value}" for name, value in one.values.items())
                self._note(Passed("proposal", said, e.message))
                continue
            if plan.unchanged:
                continue
            yield from self._free(Choice("proposal", plan, one.why, one.base))

    def last_resort(self) -> Candidate | None:
        """The baseline, be it claimed or crashed, where nothing else can be had.

        None where it may not be run here, or this agent has run it often.
        """
        scene = self._scene
        plan = scene.plan(scene.baseline)
        choice = Choice("rerun", plan, "nothing else can be had now", scene.baseline)
        runs = scene.runs(plan.experiment.fingerprint or "")
        mine = sum(run.agent == scene.member.config.agent for run in runs)
        if self._endless and mine >= MOST_OWN:
            self._note(_passed(choice, f"you have run it {mine} times"))
            return None
        return self._confined(choice)

    # -- inside ------------------------------------------------------------------------------------

    def _thought(self, thought: Thought) -> Iterator[Candidate]:
        scene = self._scene
        try:
            plan = scene.plan(thought.base, thought.program, thought.description)
        except GitcollabError as e:
            self._note(Passed("thought", thought.description or "", e.message))
            return
        by = additions_by(scene.member, thought.program, plan.experiment)
        choice = Choice("thought", plan, "what the external mind wrote", thought.base, by=by)
        words = plan.experiment.description
        notes = contradictions(scene.member, plan, words, thought.base)
        yield from self._free(replace(choice, notes=notes))

    def _baseline(self) -> Iterator[Candidate]:
        """The program to build on, where nothing that compares with what runs here was measured:
        there would be no verdicts without it.
        """
        scene = self._scene
        if not scene.is_new:
            return
        why = "nothing was measured yet"
        if scene.where.ranked:
            why = f"nothing was measured on the tier {scene.tier} yet"
        plan = scene.plan(scene.base)
        seed = scene.free_seed(plan) if plan.experiment.replicates else None
        plan = plan if seed is None else replace(plan, seed=seed)
        choice = Choice("baseline", plan, why, scene.base)
        print_of = plan.experiment.fingerprint or ""
        here = (c for c in scene.running if is_in(c, scene.tier))
        under_way = (c.agent for c in here if c.fingerprint == print_of)
        if plan.experiment.replicates and (who := next(under_way, None)):
            self._note(_passed(choice, f"claimed by {who}"))
            return
        yield from self._free(choice)

    def _replications(self) -> Iterator[Candidate]:
        scene, wonders = self._scene, 0
        for one in policy.replications(scene.where, scene.of_policy, self._note):
            if one.wonder and wonders:
                self._pass(one.group, "one that gained too much is run at a time")
                continue
            for candidate in self._again(one.group, "replication", one.why):
                wonders += one.wonder
                yield candidate

    def _again(self, group: Group, kind: Kind, why: str) -> Iterator[Candidate]:
        """Another run of a program, with the next seed that nobody has used or claimed."""
        scene = self._scene
        if why_not := scene.fails(group.fingerprint):
            self._pass(group, why_not)
            return
        base = scene.base_of(group)
        if base is None:
            self._pass(group, "its program is not there to be run")
            return
        try:
            plan = scene.plan(base)
        except GitcollabError as e:  # what others published need not be a program
            self._pass(group, e.message)
            return
        seed = scene.free_seed(plan)
        if seed is None:
            self._pass(group, "every seed of it is claimed")
            return
        scores = policy.scores_of(group, scene.of_policy)
        choice = Choice(kind, replace(plan, seed=seed), why, base, scores=scores)
        most = scene.known_runs(group.fingerprint) if kind == "replication" else None
        if (candidate := self._confined(choice)) is not None:
            yield replace(candidate, most=most)

    def _pass(self, group: Group, why: str) -> None:
        self._note(policy.passed(group, why, self._scene.of_policy))

    def _hypotheses(self) -> Iterator[Candidate]:
        board = self._scene.board
        looked = 0
        for place in board.places:
            if place.status != "open":
                if place.status == "claimed":
                    self._note(_idea(place, f"claimed by {place.claims[0].agent}"))
                    continue
                break  # those that are tested come last
            if not place.guess.executable:
                self._note(_idea(place, "it says its change in words"))
            elif run := self._run_unnamed(place):
                self._note(_idea(place, f"{run.agent} has done it: {run.id}"))
            elif looked == _IDEAS:
                self._note(_idea(place, f"{_IDEAS} better ones could not be tried"))
                break
            else:
                looked += 1
                idea = board.idea(place)
                if idea is not None and idea.unknown:
                    self._note(_idea(place, f"no program has {', '.join(idea.unknown)}"))
                elif idea is not None:
                    yield from self._tried(idea.hypothesis, place)

    def _run_unnamed(self, place: Place) -> Run | None:
        """A run on the base of what it would set, that does not name it: then it is open for ever,
        and needs no look.
        """
        scene = self._scene
        values = json.loads(place.guess.change) if place.guess.change is not None else {}
        known = scene.base_values
        if not values or not values.keys() <= known.keys():
            return None
        set_to = {name: from_plain(value) for name, value in values.items()}
        new = {name: value for name, value in set_to.items() if not same(value, known[name])}
        return scene.run_changes.get(values_json(new)) if new else None

    def _tried(self, hypothesis: Hypothesis, place: Place) -> Iterator[Candidate]:
        scene = self._scene
        try:
            tried = attempt(scene.member, scene.task, hypothesis, scene.base.text, base=scene.base)
            plan = replace(tried.plan, experiment=Links(hypothesis).named_in(tried.plan.experiment))
        except GitcollabError as e:
            self._note(_idea(place, e.message.removeprefix(f"{hypothesis.id} ")))
            return
        why = f"open hypothesis by {hypothesis.agent}, score {place.score:.2f}"
        yield from self._free(
            Choice("hypothesis", plan, why, tried.base, hypothesis, tried.by, _score(place))
        )

    def _reruns(self) -> Iterator[Candidate]:
        """Another run of the best; of what follows, where that cannot be; at last of the baseline.

        On a tier where nothing was measured none of what others measured before the baseline.
        Without end nobody runs one thing again and again.
        """
        scene, where = self._scene, self._scene.where
        if scene.is_new and not scene.fails(fingerprint(scene.baseline.text)):
            return
        orders = (where.by_tier.get(scene.tier, ()), where.ranked)
        for group in chain.from_iterable(islice(order, MOST) for order in orders):
            for candidate in self._again(group, "rerun", "nothing else is left to run"):
                mine = policy.runs_by(where, group, scene.member.config.agent)
                if self._endless and mine >= MOST_OWN:
                    self._note(_passed(candidate.choice, f"you have run it {mine} times"))
                    return
                yield candidate

    def _free(self, choice: Choice) -> Iterator[Candidate]:
        """The choice, unless something is sure to be in its way."""
        if why := self._scene.in_the_way(choice.plan):
            self._note(_passed(choice, why))
        elif (candidate := self._confined(choice)) is not None:
            yield candidate

    def _confined(self, choice: Choice) -> Candidate | None:
        """The choice with how its program would be run; None where it may not be."""
        scene = self._scene
        try:
            confined = confinement.decide(
                scene.member,
                choice.plan.experiment,
                self._sandbox,
                fresh=scene.past.result,
                by=choice.by,
            )
        except RefusedError as e:
            self.refusal = e
            self._note(_passed(choice, f"needs the sandbox: {e.message}"))
            return None
        return Candidate(choice, confined)


def _passed(choice: Choice, why: str) -> Passed:
    about = choice.hypothesis.id if choice.hypothesis else choice.plan.experiment.replicates
    return Passed(choice.kind, title(choice.plan.experiment), why, about, choice.scores)


def _idea(place: Place, why: str) -> Passed:
    return Passed("hypothesis", place.guess.title, why, place.guess.id, _score(place))


def _score(place: Place) -> Mapping[str, float]:
    return {"score": place.score}
