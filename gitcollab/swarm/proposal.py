"""What is about to be tried: the program to run, and what it is as an experiment.

The code decides what an experiment is; the words describe it. Where the constants alone changed,
no words are needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.records.codec import plain_fault
from gitcollab.records.models import MAX_DESCRIPTION, MAX_PROGRAM_BYTES, Experiment, Result
from gitcollab.similarity import constants, delta, literal, program
from gitcollab.swarm.recogniser import Words
from gitcollab.swarm.workspace import Base

FIRST_SEED = 42
_BESIDE = re.compile(r"\s*\((?:with|and|plus)\b[^()]*\)$", re.IGNORECASE)


class NothingToTry(UsageError):  # noqa: N818
    """The program is as it was, and the words say something else."""


@dataclass(frozen=True)
class Proposal:
    """The text to run, the seed to run it with, and the experiment that it is."""

    program: str
    seed: int
    experiment: Experiment

    @property
    def unchanged(self) -> bool:
        """The program is its base: a baseline, or another run of it."""
        return self.experiment.fingerprint == self.experiment.base_fingerprint


def propose(
    text: str,
    base: Base,
    runs_of: Callable[[str], Collection[Result]],
    what: str | None = None,
    *,
    set_values: Mapping[str, str] | None = None,
    seed: int | None = None,
    python: bool = True,
    title: str | None = None,
) -> Proposal:
    """The proposal that a working program makes against its base.

    ``runs_of`` gives the finished runs of a program by its fingerprint: they tell a baseline from
    a replicate, and the next free seed. ``title`` describes what neither words nor constants do.
    Raises GitcollabError where there is nothing to try or no way to describe it.
    """
    if set_values:
        text = constants.edit(text, set_values)
    if len(text.encode()) > MAX_PROGRAM_BYTES:
        raise GitcollabError(
            f"the program has {len(text.encode()):,} bytes; {MAX_PROGRAM_BYTES:,} are allowed",
            "move data out of the program",
        )
    if python:
        constants.constants(text)  # a syntax error is better found before anything is claimed
    if what is not None:
        what = checked_description(what)
        text = _apply_words(text, base, what, python)
    change = _change(base.text, text, python)
    print_of = program.fingerprint(text)
    runs = runs_of(print_of)
    common = Experiment(
        description="?",
        fingerprint=print_of,
        base=base.id,
        base_fingerprint=program.fingerprint(base.text),
    )
    if print_of == common.base_fingerprint:
        experiment = _rerun(common, runs, what)
        if experiment.replicates and seed is not None and seed in {r.seed for r in runs}:
            raise UsageError(
                f"the program has been run with seed {seed}",
                "leave --seed out for the next free one",
            )
    else:
        experiment = _described(_with_delta(common, change), change, what, title)
    return Proposal(text, seed if seed is not None else _next_seed(runs), experiment)


def from_words(base: Base, what: str, words: Words) -> Experiment:
    """The experiment that words announce, before there is code: its change, if they say it all.

    Raises GitcollabError for a description that no record may have.
    """
    what = checked_description(what)
    common = Experiment(
        description=what, base=base.id, base_fingerprint=program.fingerprint(base.text)
    )
    change = _announced(what, base, words)
    if change is None:
        return common
    try:
        made = program.fingerprint(delta.apply(base.text, change))
    except GitcollabError:  # words for a value that the program cannot hold
        return common
    return _with_delta(common, change).model_copy(update={"fingerprint": made})


def only_from_words(base: Base, what: str, words: Words) -> Experiment:
    """As ``from_words``, of a program that there is no code of: without fingerprints.

    Of "LR 0.8 to 0.9 (with WD)" it is known what LR became, and that there is more to it.
    """
    experiment = Experiment(description=checked_description(what), base=base.id)
    change = _announced(experiment.description, base, words)
    if change is not None:
        return _with_delta(experiment, change)
    main = _BESIDE.sub("", experiment.description)
    if main == experiment.description or (change := _announced(main, base, words)) is None:
        return experiment
    return _with_delta(experiment, change).model_copy(update={"structural": True})


def _announced(what: str, base: Base, words: Words) -> delta.Delta | None:
    known = _constants_or_none(base.text)
    return delta.from_text(what, known) or _understood(what, known, words)


def carried(text: str, experiment: Experiment) -> str:
    """The program with the constants that the experiment sets; as it was where it cannot be so."""
    values = {name: literal.from_plain(value) for name, value in experiment.delta.items()}
    changes = {name: delta.Change(value, value) for name, value in values.items()}
    try:
        return delta.apply(text, delta.Delta(changes)) if changes else text
    except GitcollabError:
        return text


def changed(base: str, text: str, experiment: Experiment, *, python: bool) -> Experiment:
    """The experiment with the change that its code makes."""
    return _with_delta(experiment, _change(base, text, python))


def _understood(
    what: str, known: Mapping[str, constants.Constant], words: Words
) -> delta.Delta | None:
    """The change of constants that words come to; None where they say more, or less."""
    said = words().understood(what, {name: c.value for name, c in known.items()})
    changes = {
        name: delta.Change(known[name].value, value)
        for name, value in said.delta.items()
        if not literal.same(known[name].value, value)
    }
    return delta.Delta(changes) if said.complete and changes else None


def announced_change(base: Base, what: str, words: Words) -> dict[str, str]:
    """The constants that words come to change, and the text of their values; none: {}."""
    change = _understood(what, _constants_or_none(base.text), words)
    if change is None:
        return {}
    return {name: literal.shown(c.after) for name, c in change.changes.items()}


def says_a_change(what: str, words: Words) -> bool:
    """Whether words say more than that the program is run as it is: "baseline", "first run"."""
    library = words()
    said = library.understood(what, {})
    told = said.concepts - library.words.light - {"baseline", "seed"}
    return bool(told or said.after) and "baseline" not in said.concepts


_ASSIGNMENT = re.compile(r"\s*([A-Z_][A-Z0-9_]*)\s*=\s*\S+\s*")


def unknown_constant(experiment: Experiment, base: Base) -> str | None:
    """That words set a constant which the program does not have, and what it has; None else."""
    said = _ASSIGNMENT.fullmatch(experiment.description)
    known = _constants_or_none(base.text)
    if said is None or experiment.delta or said[1] in known:
        return None
    fault = constants.UnknownConstant(said[1], known)
    return f"{fault.message}: {fault.hint}"


def contradiction(what: str, experiment: Experiment, base: Base, words: Words) -> str | None:
    """How a description contradicts the code that it describes, in a line; None if it doesn't.

    It does where it gives a constant another value than the code does, and where all that it says
    is a change of constants and the code changes others too.
    """
    from gitcollab.similarity.resolving import same_value

    now = {name: c.value for name, c in _constants_or_none(base.text).items()}
    said = words().understood(what, now)
    code = {name: literal.from_plain(value) for name, value in experiment.delta.items()}
    for name, value in sorted(said.delta.items()):
        has = code.get(name, now[name])
        if not same_value(has, value):
            kept = " still" if name not in code else ""
            both = f"{literal.shown(value)}, the code{kept} has {literal.shown(has)}"
            return f"the words say {name} → {both}"
    more = sorted(code.keys() - said.delta.keys())
    if said.complete and more:
        return f"the words don't say that the code changes {', '.join(more[:5])}"
    if said.complete and experiment.structural:
        return "the words say a change of constants, the code changes more than these"
    return None


def checked_description(what: str) -> str:
    """The description as a record may hold it; UsageError says what is wrong with it."""
    try:
        return Experiment(description=what).description
    except ValidationError as e:
        fault = e.errors(include_url=False)[0]
        reason = plain_fault(fault)
        if fault["type"] == "string_too_long":
            reason = f"it has {len(what)} characters"
        raise UsageError(
            f"the description cannot be used: {reason}",
            f"say what is tried in 1 to {MAX_DESCRIPTION} characters on one line",
        ) from e


@lru_cache(maxsize=4)  # the rows of a log are read against the same program
def _constants_or_none(text: str) -> dict[str, constants.Constant]:
    try:
        return constants.constants(text)
    except GitcollabError:
        return {}


def _apply_words(text: str, base: Base, what: str, python: bool) -> str:
    """An unchanged program, and words that spell out a change: make that change."""
    if not python or program.fingerprint(text) != program.fingerprint(base.text):
        return text
    change = delta.from_text(what, constants.constants(text))
    return text if change is None else delta.apply(text, change)


def _change(base: str, text: str, python: bool) -> delta.Delta:
    if not python:
        return delta.Delta(structural=base != text)
    try:
        return delta.between(base, text)
    except GitcollabError:  # the base is no program: all of this one is new
        return delta.Delta(structural=True)


def _with_delta(experiment: Experiment, change: delta.Delta) -> Experiment:
    values = {name: _jsonable(c.after) for name, c in change.changes.items()}
    fields = experiment.model_dump() | {"delta": values, "structural": change.structural}
    try:
        return Experiment.model_validate(fields)
    except ValidationError:  # values too many or too long for a record: the program says it all
        return Experiment.model_validate(fields | {"delta": {}, "structural": True})


def _jsonable(value: literal.Value) -> object:
    return [_jsonable(v) for v in value] if isinstance(value, tuple) else value


def _described(
    experiment: Experiment, change: delta.Delta, what: str | None, title: str | None
) -> Experiment:
    description = what or delta.describe(change) or title
    if description is None:
        raise UsageError(
            "the program differs from its base in more than constants: it cannot describe itself",
            'say what you changed: gitcollab run "..."',
        )
    return experiment.model_copy(update={"description": description})


def _rerun(experiment: Experiment, runs: Collection[Result], what: str | None) -> Experiment:
    """The base itself: the first run of it is the baseline, every other one a replicate."""
    done = [r for r in runs if r.status == "ok"]
    if not done:
        return experiment.model_copy(update={"description": what or "baseline"})
    first = first_of(done)
    if what is not None and what != first.description:
        raise NothingToTry(
            f"the program is unchanged, so there is nothing to try for {what[:60]!r}",
            "edit the program or use --set NAME=VALUE; without a description the run replicates "
            f"{first.id}",
        )
    return experiment.model_copy(update={"description": first.description, "replicates": first.id})


def first_of(runs: Collection[Result]) -> Result:
    """The result that another run of their program replicates."""
    return min(runs, key=lambda r: (r.replicates is not None, r.created_at, r.id))


def _next_seed(runs: Collection[Result]) -> int:
    used = {r.seed for r in runs}
    return next(s for s in range(FIRST_SEED, FIRST_SEED + len(runs) + 1) if s not in used)
