"""Results that a maintainer vouches for: of programs that are not on the hub. Pure decisions.

Nobody can run again what nobody has the program of, so an agent's own word for it is not taken.
A maintainer's is: a ruling that names the files of the results, which their agent has signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from gitcollab.records import codec
from gitcollab.records.models import Result, Ruling, Task
from gitcollab.records.names import folder_of, path_of
from gitcollab.records.signing import KeyPair
from gitcollab.store.requests import Decision, Request
from gitcollab.store.snapshot import Snapshot
from gitcollab.swarm import ruling

KIND = "import"  # of the request
MOST = 100  # results in one: as many as one commit may add


class Brought(NamedTuple):
    """A result with the texts of the files beside it, by name."""

    result: Result
    files: Mapping[str, str]

    def by_path(self) -> dict[str, bytes]:
        """All its files on the hub."""
        folder = folder_of(self.result.id)
        found = {f"{folder}/{name}": text.encode() for name, text in self.files.items()}
        return found | {path_of("result", self.result.id): codec.encode(self.result)}


def payload(
    maintainer: tuple[str, KeyPair],
    task: Task,
    now: datetime,
    brought: Sequence[Brought],
    reason: str,
) -> dict[str, Any]:
    """The request that delivers results, MOST at most, with the maintainer's word for them."""
    files: dict[str, bytes | None] = {}
    for one in brought:
        files |= one.by_path()
    said = ruling.edit(maintainer, task, now, files, reason)
    results = [{"result": codec.to_mapping(r), "files": dict(texts)} for r, texts in brought]
    return {"ruling": codec.to_mapping(said), "results": results}


def decide_import(snapshot: Snapshot, request: Request, now: datetime) -> Decision:
    """Add the results that are not there yet, and the ruling for them, in one commit."""
    said = Ruling.model_validate(request.payload["ruling"])
    changes: dict[str, bytes | None] = {}
    number = 0
    for one in request.payload["results"]:
        brought = Brought(Result.model_validate(one["result"]), one["files"])
        if snapshot.read(path_of("result", brought.result.id)) is None:
            number += 1
            changes |= brought.by_path()
    if not changes:
        return Decision({"outcome": "published"}, {}, "", final=True)
    changes[path_of("ruling", said.id)] = codec.encode(said)
    return Decision({"outcome": "published"}, changes, f"import {number} results (by {said.agent})")


def file_in(request: Request, path: str) -> bytes | None:
    """The file at this path of the hub, beside a result that a request brings."""
    folder, _, name = path.rpartition("/")
    said = request.payload
    with suppress(KeyError, TypeError, AttributeError):  # of a newer gitcollab
        for one in said["results"] if request.kind == KIND else [said]:
            if folder == folder_of(one["result"]["id"]):
                text = one["files"].get(name)
                return None if text is None else str(text).encode()
    return None


def results_in(request: Request) -> Iterator[Brought]:
    """The results that a request brings; what a newer gitcollab wrote is passed over."""
    said = request.payload
    with suppress(ValidationError, KeyError, TypeError, AttributeError):
        for one in said["results"] if request.kind == KIND else [said]:
            yield Brought(Result.model_validate(one["result"]), one["files"])
