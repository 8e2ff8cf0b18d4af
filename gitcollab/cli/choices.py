"""Words that options choose from."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


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
