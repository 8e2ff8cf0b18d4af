"""What is known of records' signatures: which key made which, checked once a record and key.

A signature stays what it is whatever the tip, so what was found is kept beside the index's records
by the name of the blob.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gitcollab.records.models import Record

TABLE = """CREATE TABLE proofs (
    oid TEXT NOT NULL, key TEXT NOT NULL, made INTEGER NOT NULL, PRIMARY KEY (oid, key)
) WITHOUT ROWID"""


class Signable(NamedTuple):
    """A record whose signature is asked for: where it is, whose it says it is, what is known."""

    id: str
    oid: str
    agent: str
    known: dict[str, bool]  # key -> whether it made the signature


def signables(db: sqlite3.Connection, kind: str, valid: str) -> list[Signable]:
    """The records of ``kind`` for which the condition ``valid`` holds."""
    agent = "json_extract(json, '$.agent')" if kind == "claim" else "id"
    query = (
        f"SELECT id, placed.oid, {agent}, key, made FROM placed JOIN parsed USING (oid, kind)"
        f" LEFT JOIN proofs ON proofs.oid = placed.oid WHERE kind = ? AND {valid} ORDER BY id"
    )
    found: list[Signable] = []
    for record_id, oid, whose, key, made in db.execute(query, (kind,)):
        if not found or found[-1].id != record_id:
            found.append(Signable(record_id, oid, whose.partition("/")[0], {}))
        if key is not None:
            found[-1].known[key] = bool(made)
    return found


def unchecked(
    records: Iterable[Signable], keys: Mapping[str, Sequence[str]]
) -> list[tuple[Signable, list[str]]]:
    """Those that nothing proves yet, each with the keys of its agent that were not tried."""
    left = []
    for one in records:
        mine = keys.get(one.agent, ())
        if mine and not is_signed(one, mine):
            untried = [key for key in reversed(mine) if key not in one.known]
            if untried:
                left.append((one, untried))
    return left


def is_signed(record: Signable, keys: Sequence[str]) -> bool:
    """Whether one of ``keys`` is known to have made the signature."""
    return any(record.known.get(key) for key in keys)


def check(record: Record | None, keys: Sequence[str]) -> dict[str, bool]:
    """Which of ``keys`` made the record's signature, tried in order until one is found."""
    from gitcollab.records.models import Signed
    from gitcollab.records.signing import verify

    found: dict[str, bool] = {}
    for key in keys:
        found[key] = isinstance(record, Signed) and verify(record, key)
        if found[key]:
            break
    return found


def keep(db: sqlite3.Connection, oid: str, found: Mapping[str, bool]) -> None:
    """Remember what ``check`` found of the record in the blob ``oid``."""
    rows = [(oid, key, int(made)) for key, made in found.items()]
    db.executemany("INSERT OR REPLACE INTO proofs VALUES (?, ?, ?)", rows)


def forget(db: sqlite3.Connection, oids: Iterable[str]) -> None:
    """Forget blobs that are no longer placed anywhere."""
    query = "DELETE FROM proofs WHERE oid = ? AND NOT EXISTS (SELECT 1 FROM placed WHERE oid = ?)"
    db.executemany(query, [(oid, oid) for oid in oids])
