"""Agents for tests that write records themselves: keys, cards and signatures, by name."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypeVar

from gitcollab.git.objects import ObjectStore
from gitcollab.records import codec
from gitcollab.records.models import AgentCard, Result, Signed, sha256
from gitcollab.records.names import folder_of, path_of
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


def plant(hub: Path, files: Mapping[str, bytes | None], branch: str = "swarm") -> None:
    """Change the hub's files as whoever writes to the repository itself does: past all doors."""
    objects = ObjectStore(hub)
    tip = objects.tip(f"refs/heads/{branch}")
    assert tip is not None
    who = "mallory", "mallory@example.org"
    tree = objects.write_tree(objects.tree(tip), files)
    commit = objects.commit(tree, tip, "planted", who, who, objects.commit_time(tip))
    objects.set_tip(f"refs/heads/{branch}", commit)


def files_of(result: Result, **texts: str) -> dict[str, bytes]:
    """The files of a result, signed by its agent, and of the agent's card; ``texts`` by stem."""
    beside = {f"{stem}.py": text.encode() for stem, text in texts.items()}
    made = signed(result.model_copy(update={"files": {n: sha256(d) for n, d in beside.items()}}))
    found = {path_of("result", made.id): codec.encode(made)} | cards([made.agent])
    return found | {f"{folder_of(made.id)}/{name}": data for name, data in beside.items()}
