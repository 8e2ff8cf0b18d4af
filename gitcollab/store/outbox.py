"""The durable outbox: requests that wait, outcomes for those who asked, requests a hub refused.

    pending/<time>-<order>-<id>.json  written aside, synced, renamed: all of it or nothing
    done/<id>.json                    the outcome; written before the pending file goes
    quarantine/                       the request with the reason it was refused
    offline.json                      why the last delivery failed, until one succeeds

A request goes by its id: what was read from a file of another name (another version wrote it, a
person moved it) is moved on by the name it was read under.

Adding and looking need no lock. Moving a request on is for whoever holds the host's lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gitcollab.git.failures import local_failure
from gitcollab.store.files import write_aside
from gitcollab.store.requests import Outcome, Request, from_json, to_json

# Outcomes that nobody came for (their requester was killed) are kept this long.
_KEEP_DONE_SECONDS = 86_400.0
_TIDY_SECONDS = 3_600.0


@dataclass(frozen=True)
class Quarantined:
    """A request that was refused: why, in the words of who refused it, when, and by whom.

    ``by``: a rule of the "hub", the "rules" that a decider keeps, or a "bug" in a decider.
    """

    request: Request
    reason: str
    at: datetime
    by: str = "hub"


class Outbox:
    """The outbox in ``folder`` (made when first needed)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending = folder / "pending"
        self._done = folder / "done"
        self._quarantine = folder / "quarantine"
        self._read: dict[Path, Mapping[str, list[Path]]] = {}  # folder -> id -> files read last

    def put(self, requests: Iterable[Request]) -> None:
        """Store ``requests`` durably; on any error none of them remains. Raises DiskFull."""
        added: list[Path] = []
        try:
            for folder in (self._pending, self._done):
                folder.mkdir(parents=True, exist_ok=True)
            for request in requests:
                path = self._pending / _file_name(request)
                write_aside(path, to_json(request), durable=True)
                added.append(path)
            _sync_folder(self._pending)
        except OSError as e:
            for path in added:
                path.unlink(missing_ok=True)
            raise local_failure(e) from e

    def pending(self, *, mend: bool = False) -> list[Request]:
        """The waiting requests, oldest first. Files that hold none are passed over, or set aside
        (``mend``, with the lock held).
        """
        found = []
        read: dict[str, list[Path]] = {}
        for path in _files(self._pending):
            try:
                request = from_json(path.read_bytes())
            except FileNotFoundError:
                continue
            except ValueError:
                if mend:
                    self._set_aside(path)
                continue
            found.append(request)
            read.setdefault(request.id, []).append(path)
        self._read[self._pending] = read
        return found

    def broken(self) -> list[Path]:
        """Files that hold no request: those that were set aside, and those that are to be."""
        found = sorted((self.folder / "broken").glob("*"))
        for path in _files(self._pending):
            with contextlib.suppress(FileNotFoundError):
                try:
                    from_json(path.read_bytes())
                except ValueError:
                    found.append(path)
        return found

    def waiting(self) -> int:
        """How many requests wait: a look at names only."""
        return len(_files(self._pending))

    def is_pending(self, request: Request) -> bool:
        """Whether ``request`` still waits."""
        return any(path.exists() for path in self._paths(self._pending, request))

    def withdraw(self, requests: Iterable[Request]) -> None:
        """Forget waiting requests; one that is being delivered at this moment may still land."""
        for request in requests:
            with contextlib.suppress(OSError):
                self._forget(self._pending, request)

    def finish(self, request: Request, outcome: Outcome | None) -> None:
        """Tell the outcome (None: nobody needs to read it), and forget the request.

        On DiskFull it waits on.
        """
        if outcome is not None:
            self.tell(request, outcome)
        self._forget(self._pending, request)
        self.drop(request)  # set aside once, and let wait again by who was killed before the drop

    def tell(self, request: Request, outcome: Outcome) -> None:
        """Tell the requester an outcome while the request waits on (it is queued)."""
        try:
            self._done.mkdir(parents=True, exist_ok=True)
            # Not written aside: half of it is no JSON, and whoever waits looks again.
            (self._done / f"{request.id}.json").write_bytes(json.dumps(outcome).encode())
        except OSError as e:
            raise local_failure(e) from e

    def take(self, request: Request) -> Outcome | None:
        """The outcome of ``request`` if there is one; it is then forgotten."""
        path = self._done / f"{request.id}.json"
        value = _read_json(path)
        if value is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        return value

    def quarantine(
        self, request: Request, reason: str, outcome: Outcome | None, by: str = "hub"
    ) -> None:
        """Set a refused request aside for a person to look at; tell the outcome as ``finish``."""
        entry = {
            "request": json.loads(to_json(request)),
            "reason": reason,
            "at": datetime.now(UTC).isoformat(),
            "by": by,
        }
        try:
            self._quarantine.mkdir(parents=True, exist_ok=True)
            write_aside(
                self._quarantine / _file_name(request), json.dumps(entry).encode(), durable=True
            )
        except OSError as e:
            raise local_failure(e) from e
        if outcome is not None:
            self.tell(request, outcome)
        self._forget(self._pending, request)

    def quarantined(self) -> list[Quarantined]:
        """The requests set aside, oldest first."""
        found = []
        read: dict[str, list[Path]] = {}
        for path in _files(self._quarantine):
            with contextlib.suppress(ValueError, KeyError, TypeError, FileNotFoundError):
                entry = json.loads(path.read_bytes())
                request = from_json(json.dumps(entry["request"]).encode())
                at = datetime.fromisoformat(entry["at"])
                by = str(entry.get("by", "hub"))
                found.append(Quarantined(request, str(entry["reason"]), at, by))
                read.setdefault(request.id, []).append(path)
        self._read[self._quarantine] = read
        return found

    def retry(self, request: Request) -> None:
        """Move a quarantined request back among the waiting ones; the lock is held."""
        self.put([request])
        self.drop(request)

    def drop(self, request: Request) -> None:
        """Forget a quarantined request."""
        self._forget(self._quarantine, request)

    def set_offline(self, reason: str | None) -> None:
        """Remember why nothing can be delivered (None: it can)."""
        path = self.folder / "offline.json"
        try:
            if reason is None:
                path.unlink(missing_ok=True)
            else:
                since = datetime.now(UTC).isoformat()
                write_aside(path, json.dumps({"reason": reason, "since": since}).encode())
        except OSError as e:
            raise local_failure(e) from e

    def offline(self) -> str | None:
        """Why the last delivery failed, None when it did not."""
        value = _read_json(self.folder / "offline.json")
        return None if value is None else str(value.get("reason", ""))

    def tidy(self) -> None:
        """Forget outcomes nobody came for, and halves of files that a killed process left.

        Looks once an hour: the folders may be long.
        """
        marker = self.folder / "tidied"
        with contextlib.suppress(OSError):
            if abs(time.time() - marker.stat().st_mtime) < _TIDY_SECONDS:
                return
        with contextlib.suppress(OSError):
            marker.touch()
        limit = time.time() - _KEEP_DONE_SECONDS
        for folder in (self._done, self._pending, self._quarantine):
            for path in folder.glob("*" if folder == self._done else ".*.tmp"):
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < limit:
                        path.unlink()

    def _paths(self, folder: Path, request: Request) -> list[Path]:
        """Where ``request`` is in ``folder``, if it is: its own name, and what it was read from."""
        return [folder / _file_name(request), *self._read.get(folder, {}).get(request.id, ())]

    def _forget(self, folder: Path, request: Request) -> None:
        for path in self._paths(folder, request):
            path.unlink(missing_ok=True)

    def _set_aside(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            (self.folder / "broken").mkdir(parents=True, exist_ok=True)
            path.replace(self.folder / "broken" / path.name)


def _file_name(request: Request) -> str:
    microseconds = int(request.created_at.timestamp() * 1_000_000)
    return f"{max(microseconds, 0):017d}-{request.order:04d}-{request.id}.json"


def _files(folder: Path) -> list[Path]:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))  # noqa: PTH208
    except FileNotFoundError:
        return []
    return [folder / name for name in names]


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    except OSError as e:
        raise local_failure(e) from e
    return value if isinstance(value, dict) else None
