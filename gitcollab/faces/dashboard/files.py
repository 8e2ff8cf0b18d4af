"""What lies beside a result, as its page shows it: bounded, quoted, and held against its base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gitcollab.faces.dashboard import curves
from gitcollab.faces.dashboard.differing import Shown, differing
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.replicates import Strip, strip
from gitcollab.faces.dashboard.words import words
from gitcollab.records import quoting
from gitcollab.records.models import Result, sha256
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.swarm.changes import changed
from gitcollab.swarm.runs import Run

LOG_LINES, LOG_WIDE, LOG_CHARS = 40, 240, 6_000
MOST_BASES = 64  # that are kept in memory
MOST_VALUE = 60  # characters of a constant


class Measured(NamedTuple):
    """A number that a run told of itself, beside its base's; ``gap`` is "" where either lacks."""

    name: str
    mine: str
    base: str
    gap: str


class Base(NamedTuple):
    """What a run is held against: record (None for the task's program) and files of its base."""

    result: Result | None
    program: str | None
    curve: Sequence[curves.Point]


class Bases:
    """The bases of runs, of which many in a row have the same one: the latest are kept."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._kept: dict[str | None, Base] = {}

    def of(self, run: Run) -> Base:
        """What a run's program was changed from."""
        base = self._facts.base(run)
        found = self._kept.get(base)
        if found is None:
            found = self._kept[base] = self._read(base)
            if len(self._kept) > MOST_BASES:
                del self._kept[next(iter(self._kept))]
        return found

    def _read(self, base: str | None) -> Base:
        if base is None:
            return Base(None, None, ())
        program = self._facts.program(base or None)
        if not base:
            return Base(None, program, ())
        curve = self._facts.text(self._facts.beside(base, "curve.csv"))
        return Base(self._facts.result(base), program, curves.read(curve))


@dataclass(frozen=True)
class Files:
    """A result's record and files. ``altered`` names the files that are not what was signed."""

    result: Result | None
    altered: Sequence[str]
    has_program: bool
    base_missing: bool
    constants: Sequence[tuple[str, str, str]]
    diff: Shown | None
    curve: curves.Picture | None
    strip: Strip | None
    measured: Sequence[Measured]
    compared: bool  # whether the base has told any of these, too
    log: str
    log_cut: bool

    @classmethod
    def of(cls, facts: Facts, run: Run, runs: Sequence[Run], bases: Bases) -> Files:
        """The files of a result, read now; ``runs`` are of its program on its tier."""
        result, base = facts.result(run.id), bases.of(run)
        mine, altered = _beside(facts, result, run)
        program = mine.get(PROGRAM_PATH)
        measured = list(_measured(result, base.result))
        log, cut = _tail(mine.get("log.txt", ""))
        return cls(
            result=result,
            altered=altered,
            has_program=program is not None,
            base_missing=base.program is None,
            constants=list(_constants(result, base.program)),
            diff=_diff(facts, base.program, program),
            curve=curves.picture(curves.read(mine.get("curve.csv")), base.curve),
            strip=_strip(facts, run, runs),
            measured=measured,
            compared=any(one.gap for one in measured),
            log=log,
            log_cut=cut,
        )


def _beside(
    facts: Facts, result: Result | None, run: Run
) -> tuple[Mapping[str, str], Sequence[str]]:
    """The texts beside a result, and which of them are not what its agent signed."""
    texts, altered = {}, []
    for name in (PROGRAM_PATH, "log.txt", "curve.csv"):
        data = facts.snapshot.read(facts.beside(run.id, name))
        said = None if result is None else result.files.get(name)
        if (None if data is None else sha256(data)) != said:
            altered.append(name)
        if data is not None:
            texts[name] = data.decode(errors="replace")
    return texts, altered


def _constants(result: Result | None, base: str | None) -> Iterator[tuple[str, str, str]]:
    for name, before, after in changed({} if result is None else result.delta, base):
        known = "–" if before is None else words(before, MOST_VALUE)
        yield name, known, words(after, MOST_VALUE)


def _diff(facts: Facts, base: str | None, program: str | None) -> Shown | None:
    if base is None or program is None:
        return None
    return differing(base, program, facts.task.program)


def _strip(facts: Facts, run: Run, runs: Sequence[Run]) -> Strip | None:
    group = facts.group(run.id)
    if group is None or group.n < 2:
        return None
    return strip(run, runs, group, facts.where.base_of(run))


def _measured(result: Result | None, base: Result | None) -> Iterator[Measured]:
    mine = {} if result is None else result.metrics
    other = {} if base is None else base.metrics
    for name, value in sorted(mine.items()):
        base_value = other.get(name)
        if base_value is None:
            yield Measured(name, _number(value), "–", "")
        else:
            gap = "same" if value == base_value else _gap(value - base_value)
            yield Measured(name, _number(value), _number(base_value), gap)


def _number(value: float) -> str:
    return f"{value:,.0f}" if _is_whole(value) else f"{value:,.7g}"


def _gap(value: float) -> str:
    text = f"{abs(value):,.0f}" if _is_whole(value) else f"{abs(value):,.3g}"
    return f"{'−' if value < 0 else '+'}{text}"


def _is_whole(value: float) -> bool:
    return float(value).is_integer() and abs(value) < 1e15


def _tail(log: str) -> tuple[str, bool]:
    """The end of a log, in lines that do nothing; and whether there is more of it."""
    every = log.rstrip("\n").split("\n")
    kept: list[str] = []
    room = LOG_CHARS
    for line in reversed(every[-LOG_LINES:]):
        shown = quoting.lines(line[: LOG_WIDE + 1])
        shown = shown if len(shown) <= LOG_WIDE else f"{shown[: LOG_WIDE - 1]}…"
        room -= len(shown) + 1
        if room < 0:
            break
        kept.append(shown)
    return "\n".join(reversed(kept)), len(kept) < len(every)
