"""What a program printed: its summary, and its progress.

A program ends its output with a line ``---`` and, below it, lines ``key: value``; or it prints
lines ``METRIC name=value`` anywhere. Programs and their output are strangers': every reading here
is bounded and linear in the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from gitcollab.errors import GitcollabError

# Of a longer text only the end is read.
MAX_CHARS = 4 * 1024 * 1024
MAX_LINE = 4096
MAX_KEYS = 64
MAX_ROWS = 2000
FENCE = "---"

_KEY = r"[A-Za-z_][A-Za-z0-9_.]{0,63}"
_PAIR = re.compile(rf"({_KEY})[ \t]*:[ \t]*(.*)")
_METRIC = re.compile(rf"METRIC[ \t]+({_KEY})[ \t]*=[ \t]*(.*)")
_DECIMAL = r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,4})?"
_NUMBER = re.compile(_DECIMAL)
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")

_STEP = re.compile(r"\b(?:step|iter|iteration)[ \t]{0,4}[:=]?[ \t]{0,4}([0-9]{1,12})\b", re.I)
_LOSS = re.compile(rf"\b(?:train_|train )?loss[ \t]{{0,4}}[:=]?[ \t]{{0,4}}({_DECIMAL}|nan)", re.I)
_SECONDS = re.compile(
    rf"\b(?:(?:elapsed|seconds|time)[ \t]{{0,4}}[:=]?|t[:=])[ \t]{{0,4}}({_DECIMAL})(?![\w.]*ms)",
    re.I,
)
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_REMAINING = re.compile(
    rf"\b(?:remaining|left|eta)[ \t]{{0,4}}[:=]?[ \t]{{0,4}}({_DECIMAL})[ \t]{{0,2}}s\b", re.I
)
_MAX_PROGRESS = 400


class SummaryError(GitcollabError):
    """The output holds no metric that counts; ``reason`` says why, in one line."""

    @property
    def reason(self) -> str:
        """The same as ``message``."""
        return self.message


@dataclass(frozen=True, slots=True)
class Summary:
    """The metric, and every finite number that was printed beside it (the metric included)."""

    metric: float
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress line: seconds since the program's start, and left of it, where it says so."""

    step: int
    loss: float | None = None
    seconds: float | None = None
    remaining: float | None = None


def parse(text: str, metric: str, extra: Collection[str] | None = None) -> Summary:
    """Read the summary of a program's output; raises SummaryError.

    The block after the last ``---`` line decides; when no block holds the metric, the ``METRIC``
    lines do. The metric must be said once: two blocks that hold it, twice in a block, or
    ``METRIC`` lines with different values are errors. Of other keys the last value counts, values
    that are no finite decimal numbers are left out, and at most MAX_KEYS are kept (only those in
    ``extra``, if given).
    """
    blocks = _blocks(text)
    holding = sum(any(key == metric for key, _ in block) for block in blocks)
    if holding > 1:
        raise SummaryError(
            f"the program printed {holding} summary blocks with {metric}",
            f"print one line `{FENCE}` and one block below it, at the very end",
        )
    if holding == 1:
        pairs = blocks[-1]
    else:
        pairs = _metric_lines(text, metric)
    return _summary(pairs, metric, extra)


def curve(text: str) -> list[tuple[int, float | None, float]]:
    """The loss over the run as rows of step, seconds (None where unknown) and loss.

    Evenly thinned to MAX_ROWS at most; losses that are not finite are left out.
    """
    rows: dict[int, tuple[int, float | None, float]] = {}
    for line in _lines(text):
        seen = progress(line)
        if seen is not None and seen.loss is not None:
            rows[seen.step] = (seen.step, seen.seconds, seen.loss)
    kept = list(rows.values())
    return kept[:: max(1, math.ceil(len(kept) / MAX_ROWS))]


def progress(line: str) -> Progress | None:
    """Read a line such as ``step 20 | loss: 3.21 | elapsed: 4.2s``; None when it is none."""
    line = _COLOUR.sub("", line[:_MAX_PROGRESS])
    step = _STEP.search(line)
    if step is None:
        return None
    return Progress(
        int(step[1]), _found(_LOSS, line), _found(_SECONDS, line), _found(_REMAINING, line)
    )


def _found(pattern: re.Pattern[str], line: str) -> float | None:
    found = pattern.search(line)
    number = float(found[1]) if found else math.nan
    return number if math.isfinite(number) else None


def _lines(text: str) -> Iterator[str]:
    """The lines of the text's end; a carriage return ends a line, as progress lines use it."""
    for line in _LINE_END.split(text[-MAX_CHARS:]):
        if len(line) <= MAX_LINE:
            yield line.rstrip()


def _blocks(text: str) -> list[list[tuple[str, str]]]:
    """The pairs below each ``---`` line, up to the next one."""
    blocks: list[list[tuple[str, str]]] = []
    for line in _lines(text):
        if line == FENCE:
            blocks.append([])
        elif blocks and (pair := _PAIR.fullmatch(line)):
            blocks[-1].append((pair[1], pair[2]))
    return blocks


def _metric_lines(text: str, metric: str) -> list[tuple[str, str]]:
    """The pairs of ``METRIC`` lines; the metric said again with the same value is dropped."""
    found = [pair for line in _lines(text) if (pair := _METRIC.fullmatch(line))]
    said = dict.fromkeys(pair[2] for pair in found if pair[1] == metric)
    others = [(pair[1], pair[2]) for pair in found if pair[1] != metric]
    return [*((metric, value) for value in said), *others]


def _summary(pairs: list[tuple[str, str]], metric: str, extra: Collection[str] | None) -> Summary:
    said = [value for key, value in pairs if key == metric]
    metrics = {metric: _the_metric(metric, said)}
    for key, value in pairs:
        if extra is not None and key not in extra:
            continue
        if key in metrics or len(metrics) < MAX_KEYS:
            metrics |= _finite(key, value)
    return Summary(metrics[metric], metrics)


def _finite(key: str, value: str) -> dict[str, float]:
    number = float(value) if _NUMBER.fullmatch(value) else math.nan
    return {key: number} if math.isfinite(number) else {}


def _the_metric(metric: str, said: list[str]) -> float:
    """The one value that was said, or SummaryError with the reason that it does not count."""
    hint = f"end the program with a line `{FENCE}` and below it `{metric}: <number>`"
    if not said:
        raise SummaryError(f"the program printed no {metric}", hint)
    if len(said) > 1:
        raise SummaryError(f"the program printed {metric} {len(said)} times", hint)
    (value,) = said
    if _NOT_FINITE.fullmatch(value):
        raise SummaryError(
            f"{metric} is {value.lower()}", "the run diverged: try a smaller step, or less change"
        )
    if not _NUMBER.fullmatch(value):
        raise SummaryError(f"{metric} is not a decimal number: {value[:40]!r}", hint)
    number = float(value)
    if not math.isfinite(number):
        raise SummaryError(f"{metric} is beyond every number: {value[:40]}", hint)
    return number
