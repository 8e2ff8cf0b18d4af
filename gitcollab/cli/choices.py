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


class Judged(StrEnum):
    """A verdict, in the words that people use."""

    keep = "keep"
    discard = "discard"
    noise = "noise"
