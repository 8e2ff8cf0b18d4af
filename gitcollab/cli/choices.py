"""Words that options choose from."""

from __future__ import annotations

from enum import StrEnum


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


class Judged(StrEnum):
    """A verdict, in the words that people use."""

    keep = "keep"
    discard = "discard"
    noise = "noise"
