"""Which of the results that name a hypothesis test it. Pure.

Anybody can name a hypothesis: what tests it follows from what it says, not from who names it.

- Where it sets constants: a result that set these to these values, with others or not, on any base.
- Where a base had some of them already, and for a patch: a result whose program is what the
  hypothesis makes of its base's.
- Where it is in words: each that names it.

What else names it is related to it, and judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Experiment, Hypothesis, sha256
from gitcollab.records.names import PROGRAM_PATH, folder_of
from gitcollab.similarity import delta, literal
from gitcollab.similarity.program import fingerprint
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import patching
from gitcollab.swarm.ideas.thoughts import Guess
from gitcollab.swarm.identity import canonical_json
from gitcollab.swarm.runs import Run

MOST_BASES = 8  # whose programs are changed, to see whether that gives a result's: 10 ms each


def changed(hypothesis: Hypothesis, text: str, program: str) -> str:
    """The text with the hypothesis's patch, then with its constants set.

    Raises GitcollabError where they do not fit.
    """
    if hypothesis.patch is not None:
        text = patching.applied(hypothesis.patch, text, program)
    values = {name: literal.from_plain(v) for name, v in (hypothesis.set or {}).items()}
    changes = {name: delta.Change(value, value) for name, value in values.items()}
    return delta.apply(text, delta.Delta(changes)) if changes else text


def is_executable(hypothesis: Hypothesis | None) -> bool:
    """Whether it says a change that a machine can make."""
    return hypothesis is not None and (bool(hypothesis.set) or hypothesis.patch is not None)


def is_test(hypothesis: Hypothesis, experiment: Experiment, base: str, program: str) -> bool:
    """Whether an experiment on the program ``base`` would test the hypothesis."""
    if not is_executable(hypothesis):
        return True
    if hypothesis.patch is None and hypothesis.set:
        made = canonical_json(experiment.delta or {})
        if holds(made, canonical_json(hypothesis.set)):
            return True
    try:
        return fingerprint(changed(hypothesis, base, program)) == experiment.fingerprint
    except GitcollabError:
        return False


def holds(change: str | None, part: str | None) -> bool:
    """Whether a change of constants (canonical JSON) has all of another one."""
    if change is None or part is None:
        return False
    values, wanted = json.loads(change), json.loads(part)
    return all(
        name in values and json.dumps(values[name]) == json.dumps(value)  # True is not 1
        for name, value in wanted.items()
    )


class Tests:
    """Tells the tests of hypotheses from what is only related to them.

    ``read`` gives the hypothesis of an id; ``program`` is what the task calls its program.
    """

    def __init__(
        self, snapshot: Snapshot, read: Callable[[str], Hypothesis | None], program: str
    ) -> None:
        self._snapshot = snapshot
        self._read = read
        self._program = program

    def among(self, guess: Guess, runs: Sequence[Run]) -> list[Run]:
        """Those of the runs, oldest first, that test what a hypothesis says; all name it."""
        if not guess.executable:
            return list(runs)
        found = {run.id for run in runs if guess.patch is None and holds(run.delta, guess.change)}
        rest = [run for run in runs if run.id not in found and _may_be_made(guess, run)]
        found.update(run.id for run in self._made(guess, rest))
        return [run for run in runs if run.id in found]

    def _made(self, guess: Guess, runs: Sequence[Run]) -> Iterator[Run]:
        """Those of the programs that it makes of their bases; its own base is looked at first."""
        hypothesis = self._read(guess.id) if runs else None
        if hypothesis is None:
            return
        bases = sorted(dict.fromkeys(run.base for run in runs), key=lambda one: one != guess.base)
        for base in bases[:MOST_BASES]:
            if (text := self._changed(hypothesis, base)) is not None:
                yield from _of_program(text, [run for run in runs if run.base == base])

    def _changed(self, hypothesis: Hypothesis, base: str | None) -> str | None:
        path = PROGRAM_PATH if base is None else f"{folder_of(base)}/{PROGRAM_PATH}"
        try:
            data = self._snapshot.read(path)
            return None if data is None else changed(hypothesis, data.decode(), self._program)
        except (GitcollabError, UnicodeDecodeError):
            return None


def _may_be_made(guess: Guess, run: Run) -> bool:
    """Whether a look at programs can tell something: cheap, and mostly no."""
    if guess.patch is not None:
        return bool(run.changed)
    return not run.structural and run.delta is not None and holds(guess.change, run.delta)


def _of_program(text: str, runs: Sequence[Run]) -> list[Run]:
    """Those of the runs that are of the program ``text``, in whatever form."""
    digest = sha256(text.encode())
    if all(run.program == digest for run in runs):
        return list(runs)
    try:
        print_of = fingerprint(text)
    except GitcollabError:
        return []
    return [run for run in runs if print_of == run.fingerprint or digest == run.program]
