"""Agents for tests that write records themselves: keys, cards and signatures, by name."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Signed
from gitcollab.records.names import path_of
from gitcollab.records.signing import KeyPair

JOINED = datetime(2026, 1, 1, tzinfo=UTC)
_Record = TypeVar("_Record", bound=Signed)


@cache
def key(name: str) -> KeyPair:
    """The agent's key, the same every time."""
    return KeyPair.from_secret(base64.b64encode(hashlib.sha256(name.encode()).digest()).decode())


def signed(record: _Record) -> _Record:
    """The record with its agent's signature."""
    return key(record.agent).sign(record)


@cache
def card(name: str, joined: datetime = JOINED) -> AgentCard:
    """The agent's card."""
    return signed(
        AgentCard(
            id=name,
            agent=name,
            created_at=joined,
            nonce=hashlib.md5(name.encode()).hexdigest(),
            public_key=key(name).public_line,
        )
    )


def cards(names: Iterable[str], joined: datetime = JOINED) -> dict[str, bytes]:
    """The files of these agents' cards."""
    return {path_of("agent", name): codec.encode(card(name, joined)) for name in names}
