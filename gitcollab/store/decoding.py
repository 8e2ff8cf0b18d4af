"""Strangers' bytes to records: whatever they hold, the answer is a record or a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from gitcollab.records.models import Record

# Larger files are no records; nobody's snapshot reads more of one file.
READ_CAP = 1_500_000


@dataclass(frozen=True)
class Broken:
    """Bytes that are no valid record, and why."""

    reason: str


Decoded: TypeAlias = "Record | Broken"


def decode(kind: str, path: str, data: bytes | None) -> Decoded:
    """The record of ``kind`` in ``data`` (None: too large), or why there is none."""
    from gitcollab.records import codec

    if data is None:
        return Broken(f"{path}: larger than {READ_CAP} bytes, or no regular file")
    try:
        return codec.decode(kind, data)
    except codec.InvalidRecord as e:
        return Broken(e.message)
    # The codec promises InvalidRecord alone; hostile bytes may still find what it forgot.
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as e:
        return Broken(f"{type(e).__name__}: {str(e)[:200]}")
