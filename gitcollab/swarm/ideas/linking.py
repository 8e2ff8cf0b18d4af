"""What an experiment is done for: the hypothesis that it tests, the insights that it cites."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records.models import Claim, Experiment, Hypothesis
from gitcollab.swarm import looking
from gitcollab.swarm.claims import stands
from gitcollab.swarm.ideas import hypotheses, insights
from gitcollab.swarm.ideas.hypotheses import Idea
from gitcollab.swarm.ideas.testing import is_executable, is_test
from gitcollab.swarm.identity import only_words, title
from gitcollab.swarm.member import Member

MOST_CITED = 8  # as records have it


@dataclass(frozen=True)
class Links:
    """What an experiment names; ``notes`` are what its agent should know of that."""

    hypothesis: Hypothesis | None = None
    cites: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str | None:
        """The hypothesis's words for a change of code; None where it only sets constants."""
        one = self.hypothesis
        return None if one is None or (one.set and one.patch is None) else one.title

    def named_in(self, experiment: Experiment, earlier: Claim | None = None) -> Experiment:
        """The experiment that names them; what they leave open is as the ``earlier`` claim has it.

        That is the one by which the same agent announced the experiment, if it did. Raises
        UsageError where it changes nothing, and so tests no hypothesis.
        """
        if self.hypothesis and experiment.fingerprint and _changes_nothing(experiment):
            raise UsageError(
                f"this is {title(experiment)}, unchanged: it does not test {self.hypothesis.id}",
                _how(self.hypothesis),
            )
        named = self.hypothesis.id if self.hypothesis else earlier and earlier.hypothesis
        cites = list(self.cites) or (earlier and earlier.cites)
        return experiment.model_copy(update={"hypothesis": named, "cites": cites})

    def doubts(self, experiment: Experiment, base: str, program: str) -> tuple[str, ...]:
        """A note where a change of the program ``base`` is not what the hypothesis says."""
        one = self.hypothesis
        if one is None or is_test(one, experiment, base, program):
            return ()
        return (f"this is another change than {one.id} says: it names it, and does not test it",)


def _changes_nothing(experiment: Experiment) -> bool:
    return experiment.fingerprint == experiment.base_fingerprint


def _how(hypothesis: Hypothesis) -> str:
    if is_executable(hypothesis):
        return f"gitcollab run --hypothesis {hypothesis.id}, and nothing else, makes its change"
    return f"make its change first, then: gitcollab run --hypothesis {hypothesis.id}"


NONE = Links()


def links(member: Member, hypothesis: str | None, cites: Sequence[str] = ()) -> Links:
    """What these ids name, of which a part is enough. UsageError where they name nothing."""
    found = tuple(dict.fromkeys(insights.find(member, one) for one in cites))
    if len(found) > MOST_CITED:
        raise UsageError(
            f"an experiment cites {MOST_CITED} insights at most, not {len(found)}",
            "name those that it tests",
        )
    if hypothesis is None:
        return Links(cites=found)
    idea = hypotheses.show(member, hypothesis)
    return Links(idea.hypothesis, found, tuple(_notes(member, idea)))


def reserved(member: Member, named: Links, base: str) -> tuple[Claim, Links] | None:
    """The oldest claim of this workspace on a hypothesis that a machine can try, if there is one.

    With what its experiment names, where ``named`` is what its run is said to name. A claim of
    another change than the hypothesis says is none; ``base`` is the working program, unedited.
    """
    snapshot = member.store.snapshot()
    for claim in sorted(member.workspace.claims(), key=lambda one: one.created_at):
        if claim.hypothesis is None or only_words(claim):
            continue
        with suppress(UsageError):  # it was withdrawn since
            found = links(member, claim.hypothesis)
            if _says(member, found.hypothesis, claim, base) and stands(
                snapshot, claim, member.task
            ):
                return claim, replace(found, cites=named.cites)
    return None


def _says(member: Member, one: Hypothesis | None, claim: Claim, base: str) -> bool:
    """Whether a claim is of what a hypothesis says that a machine can try, on its base or ours."""
    if one is None or not is_executable(one):
        return False
    if is_test(one, claim, base, member.task.program):
        return True
    with suppress(GitcollabError):  # its base cannot be read
        theirs = looking.program_text(member, claim.base)
        return is_test(one, claim, theirs, member.task.program)
    return False


def _notes(member: Member, idea: Idea) -> list[str]:
    others = sorted({claim.agent for claim in idea.claims} - {member.config.agent})
    notes = [f"{', '.join(others[:3])} {_is(others)} testing this hypothesis now"] if others else []
    if idea.outcome is not None:
        runs = f"{len(idea.runs)} run{'' if len(idea.runs) == 1 else 's'}"
        notes.append(f"this hypothesis is tested already: {idea.outcome} ({runs})")
    return notes


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
