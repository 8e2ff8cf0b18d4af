"""What an experiment is done for: the hypothesis that it tests, the insights that it cites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitcollab.errors import UsageError
from gitcollab.records.models import Claim, Experiment, Hypothesis
from gitcollab.swarm.ideas import hypotheses, insights
from gitcollab.swarm.ideas.hypotheses import Idea
from gitcollab.swarm.member import Member

MOST_CITED = 8  # as records have it


@dataclass(frozen=True)
class Links:
    """What an experiment names; ``notes`` are what its agent should know of that."""

    hypothesis: Hypothesis | None = None
    cites: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def named_in(self, experiment: Experiment, earlier: Claim | None = None) -> Experiment:
        """The experiment that names them; what they leave open is as the ``earlier`` claim has it.

        That is the one by which the same agent announced the experiment, if it did.
        """
        named = self.hypothesis.id if self.hypothesis else earlier and earlier.hypothesis
        cites = list(self.cites) or (earlier and earlier.cites)
        return experiment.model_copy(update={"hypothesis": named, "cites": cites})


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


def _notes(member: Member, idea: Idea) -> list[str]:
    others = sorted({claim.agent for claim in idea.claims} - {member.config.agent})
    notes = [f"{', '.join(others[:3])} {_is(others)} testing this hypothesis now"] if others else []
    if idea.outcome is not None:
        runs = f"{len(idea.runs)} run{'' if len(idea.runs) == 1 else 's'}"
        notes.append(f"this hypothesis is tested already: {idea.outcome} ({runs})")
    return notes


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
