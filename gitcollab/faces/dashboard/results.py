"""The page of each result: what was changed, how good it is, and whether it was kept.

What a page shows is first gathered from what rankings know, in the words in which it is shown; that
and the names of the files it is made of are its key: where both are as before, so is the page.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import NamedTuple

from gitcollab import __version__
from gitcollab.faces.dashboard.facts import Facts
from gitcollab.faces.dashboard.files import Bases, Files
from gitcollab.faces.dashboard.pages import render, result_page
from gitcollab.faces.dashboard.words import metric, signed
from gitcollab.faces.numbers import small
from gitcollab.records.names import PROGRAM_PATH
from gitcollab.swarm import reading, roster
from gitcollab.swarm.ranking import NOISE_WIDTH, Group
from gitcollab.swarm.runs import Run

MOST_RUNS, MOST_BUILT, MOST_TIERS = 40, 30, 12  # rows of tables


class Page(NamedTuple):
    """A page that is made only where it is not there yet: by ``make``, for this ``key``."""

    path: str
    key: str
    make: Callable[[], bytes]


@dataclass(frozen=True)
class Gathered:
    """What is known of a result without reading its files, in the words of its page."""

    run: Run
    void: str | None  # why it does not count at all
    mark: str
    aside: str | None  # why its number does not rank, though it counts
    leads: str  # "best" of all, of its "tier", or ""
    standing: str
    no_better_than: str | None  # of a refuted one: what it was believed to be better than
    builds_on_refuted: str | None  # the nearest refuted program in its line of bases
    tier: str  # of its hardware
    mean: str
    error: str  # of the mean
    sigma: str
    base: tuple[str, str, int] | None  # its base on its tier: id, mean, runs
    exact: tuple[float, float]  # both means
    gap: str  # between the means
    gap_noise: str  # the same in standard errors, without its sign
    is_baseline: bool  # whether its program is the task's own
    runs: Sequence[Run]  # of its program on its tier, oldest first; at most MOST_RUNS
    n: int
    tiers: Sequence[tuple[str, str, int, str]]  # elsewhere: tier, mean, runs, id
    built: Sequence[tuple[Run, str]]  # what builds on it, with its mark; at most MOST_BUILT
    built_count: int
    base_id: str | None  # of what it was changed from; see Facts.base
    has_base: bool  # whether that has a page
    has_original: bool  # whether what it replicates has one
    idea: tuple[str, str] | None  # the hypothesis that it tests: id, title


def pages(facts: Facts) -> Iterator[Page]:
    """A page for each result that stands, and for the newest of those that do not."""
    book, bases = _Book(facts), Bases(facts)
    for run in sorted(facts.paged.values(), key=lambda run: (run.created_at, run.id)):
        gathered = book.gathered(run)
        make = partial(_page, facts, gathered, bases)
        yield Page(result_page(run.id), book.key(gathered), make)


class _Book:
    """What all pages need, gone through once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._built: dict[str, list[Run]] = defaultdict(list)
        self._of_program: dict[str, list[Run]] = defaultdict(list)
        for run in facts.progress.runs:
            if run.base is not None and run.replicates is None:
                self._built[run.base].append(run)
        for group in facts.where.drafts.values():
            self._of_program[group.key[0]].append(group.first)
        best = facts.where.best
        self._baseline = reading.baseline(facts.snapshot)
        self._best = None if best is None else best.key
        self._of_tier = {groups[0].key for groups in facts.where.by_tier.values()}
        self._ideas = {
            run.id: (place.guess.id, place.guess.title)
            for place in facts.board.places
            for run in place.runs
        }
        self._gone = roster.uncounted(facts.snapshot)
        self._contents: dict[str, Mapping[str, str]] = {}
        self._common = _digest(
            _code(), facts.task.model_dump_json(), facts.hub, self._content(None)
        )

    def key(self, gathered: Gathered) -> str:
        """What identifies the page that is made of ``gathered``."""
        run = gathered.run
        of_files = (
            self._content(run.id),
            self._content(gathered.base_id) if gathered.base_id else "",
        )
        return _digest(self._common, *of_files, repr(gathered))

    def gathered(self, run: Run) -> Gathered:
        """What is known of a result."""
        facts, where = self._facts, self._facts.where
        group, base = facts.group(run.id), where.base_of(run)
        gap = base.mean - group.mean if group and base else 0.0
        noise = where.sigma * math.sqrt(1 / group.n + 1 / base.n) if group and base else 0.0
        built, base_id = self._built.get(run.id, []), facts.base(run)
        return Gathered(
            run=run,
            void=self._void(run),
            mark=facts.marks.get(run.id, "uncounted"),
            aside=self._aside(run, group),
            leads=self._leads(group),
            standing=group.standing if group else "",
            no_better_than=group.no_better_than if group else None,
            builds_on_refuted=where.built_on_refuted(run),
            tier=where.tier_of(run),
            mean=metric(group.mean if group else run.metric),
            error=small(group.sigma / math.sqrt(group.n)) if group else "",
            sigma=small(where.sigma),
            base=(base.first.id, metric(base.mean), base.n) if base else None,
            exact=(group.mean if group else 0.0, base.mean if base else 0.0),
            gap=signed(-gap),
            gap_noise=f"{abs(gap) / noise:.1f}" if noise else "",
            is_baseline=run.fingerprint == self._baseline,
            runs=[where.results[one] for one in group.runs[:MOST_RUNS]] if group else [],
            n=group.n if group else 0,
            tiers=list(self._elsewhere(run)),
            built=[(one, facts.marks[one.id]) for one in self._best_first(built)[:MOST_BUILT]],
            built_count=len(built),
            base_id=base_id,
            has_base=base_id in facts.paged,
            has_original=run.replicates in facts.paged,
            idea=self._ideas.get(run.id),
        )

    def _void(self, run: Run) -> str | None:
        if run.id in self._facts.where.results:
            return None
        if run.id not in self._gone:
            return "it was measured for another task than the hub has now"
        result = self._facts.result(run.id)
        return None if result is None else roster.why_void(self._facts.snapshot, result)

    def _aside(self, run: Run, group: Group | None) -> str | None:
        if run.id not in self._facts.where.results or run.status != "ok":
            return None
        if group is None:
            return "it is outside what the task believes, or was measured on other data"
        why = "it gains more than the task believes in one step, or fails with all others"
        return why if group.flagged else None

    def _leads(self, group: Group | None) -> str:
        if group is None or group.key not in self._of_tier:
            return ""
        return "best" if group.key == self._best else "tier"

    def _elsewhere(self, run: Run) -> Iterator[tuple[str, str, int, str]]:
        firsts = sorted(self._of_program.get(run.fingerprint, []), key=lambda one: one.tier)
        for first in [one for one in firsts if one.tier != run.tier][:MOST_TIERS]:
            group = self._facts.where.group_of(first)
            if group is not None:
                yield group.tier, metric(group.mean), group.n, first.id

    def _best_first(self, runs: Sequence[Run]) -> Sequence[Run]:
        sign = self._facts.task.sign

        def order(run: Run) -> tuple[bool, float, str]:
            counted = self._facts.where.is_counted(run)
            return not counted, sign * (run.metric or 0.0) if counted else 0.0, run.id

        return sorted(runs, key=order)

    def _content(self, result_id: str | None) -> str:
        """What identifies the files of a result, or for None the baseline."""
        folder, _, name = f"results/{result_id}".rpartition("/")
        if result_id is None:
            folder, name = "", PROGRAM_PATH
        if folder not in self._contents:
            self._contents[folder] = self._facts.snapshot.contents(folder)
        return self._contents[folder].get(name, "")


def _page(facts: Facts, gathered: Gathered, bases: Bases) -> bytes:
    """The page, for which now the files are read."""
    page = result_page(gathered.run.id)
    files = Files.of(facts, gathered.run, gathered.runs, bases)
    more = {"it": gathered, "files": files, "run": gathered.run, "enough": NOISE_WIDTH}
    return render("result.html", facts, page, **more)


@cache
def _code() -> str:
    """What identifies the version of all that makes pages."""
    import pygments

    faces = resources.files("gitcollab.faces")
    folders = (faces, faces / "dashboard", faces / "dashboard" / "templates")
    texts = [f for folder in folders for f in folder.iterdir() if f.name.endswith((".py", ".html"))]
    ordered = sorted(texts, key=lambda file: file.name)
    return _digest(__version__, pygments.__version__, *(f.read_text() for f in ordered))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]
