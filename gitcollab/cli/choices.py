"""Words that options choose from, and options that several verbs have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

GitDir = Annotated[
    Path | None, typer.Option("--git-dir", metavar="DIR", help="A hub, or a clone of one.")
]
Branch = Annotated[str | None, typer.Option(help="The branch that holds the state.")]

What = Annotated[
    str | None,
    typer.Argument(
        metavar="WHAT",
        help="The change in words. Left out, it is read from what differs from the base.",
    ),
]
Hypothesis = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The hypothesis that it tests; part of the id is enough."),
]
Cites = Annotated[
    list[str] | None, typer.Option(metavar="INSIGHT", help="An insight that it tests, by its id.")
]
Seed = Annotated[
    # What torch and numpy take both.
    int | None, typer.Option(min=0, max=2**32 - 1, help="The random seed of the run.")
]


def branch_of(git_dir: Path, branch: str | None) -> str:
    """The branch that is meant: the one given, else the one that a hub's door guards."""
    from gitcollab.store.audit import git_dir as place_of
    from gitcollab.store.serving import guarded_branch

    return branch or guarded_branch(place_of(git_dir))


class By(StrEnum):
    """What is ranked."""

    overall = "overall"
    tier = "tier"
    agent = "agent"


class Ended(StrEnum):
    """How a run ended."""

    ok = "ok"
    crash = "crash"
    timeout = "timeout"


def ended(chosen: Ended) -> Literal["ok", "crash", "timeout"]:
    """The choice in the word that records use."""
    match chosen:
        case Ended.ok:
            return "ok"
        case Ended.crash:
            return "crash"
        case Ended.timeout:
            return "timeout"


class Direction(StrEnum):
    """Which way a metric gets better."""

    minimize = "minimize"
    maximize = "maximize"


def way(chosen: Direction) -> Literal["minimize", "maximize"]:
    """The choice in the word that tasks use."""
    return "minimize" if chosen is Direction.minimize else "maximize"


class Where(StrEnum):
    """What a question is put to."""

    results = "results"
    hypotheses = "hypotheses"
    insights = "insights"
    claims = "claims"


class Format(StrEnum):
    """How results are handed to other tools."""

    tsv = "tsv"
    csv = "csv"
    jsonl = "jsonl"
    parquet = "parquet"


class Sandbox(StrEnum):
    """When programs run in the sandbox."""

    required = "required"
    auto = "auto"
    off = "off"


def sandbox(chosen: Sandbox | None) -> Literal["required", "auto", "off"] | None:
    """The choice in the word that workspaces use; None where none was made."""
    match chosen:
        case None:
            return None
        case Sandbox.required:
            return "required"
        case Sandbox.auto:
            return "auto"
        case Sandbox.off:
            return "off"


class Judged(StrEnum):
    """A verdict, in the words that people use."""

    keep = "keep"
    discard = "discard"
    noise = "noise"
    unconfirmed = "unconfirmed"
