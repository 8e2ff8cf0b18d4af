"""Strangers' bytes to records: whatever they hold, the answer is a record or a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from gitcollab.records.models import Record

# Larger files are no records; nobody's snapshot reads more of one file.
READ_CAP = 1_500_000

MISPLACED = "its id is not the one of its path"


@dataclass(frozen=True)
class Broken:
    """Bytes that are no valid record, and why."""

    reason: str


Decoded: TypeAlias = "Record | Broken"


def decode(kind: str, data: bytes | None) -> Decoded:
    """The record of ``kind`` in ``data`` (None: too large), or why there is none."""
    from gitcollab.records import codec

    if data is None:
        return Broken(f"larger than {READ_CAP} bytes, or no regular file")
    try:
        record = codec.decode(kind, data)
        record.model_dump_json()  # what cannot be written again is no record either
        return record
    except codec.InvalidRecord as e:
        return Broken(e.message)
    # The codec promises InvalidRecord alone; hostile bytes may still find what it forgot.
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as e:
        return Broken(f"{type(e).__name__}: {str(e)[:200]}")


def decode_at(identity: tuple[str, str], data: bytes | None) -> Decoded:
    """The record in ``data`` if it may lie at the path of ``identity`` (kind, id)."""
    decoded = decode(identity[0], data)
    if isinstance(decoded, Broken) or own_id(decoded) in (None, identity[1]):
        return decoded
    return Broken(MISPLACED)


def own_id(record: Record) -> str | None:
    """The id that the record itself gives, None for kinds that hold none."""
    found = getattr(record, "id", None)
    return None if found is None else str(found)
