"""The folder in which a mind has one thought, and what may be read of what it left there.

    .gitcollab/mind/<time>/work/train.py          the program to change
    .gitcollab/mind/<time>/work/description.txt   in a line, what was changed: the mind's to write
    .gitcollab/mind/<time>/work/briefing.md       what it was told: to think, later to learn
    .gitcollab/mind/<time>/work/outcome.json      what came of its last thought, later of this one
    .gitcollab/mind/<time>/work/scratch/          for whatever else it writes
    .gitcollab/mind/<time>/outcome.json           what came of the thought, once that is known
    .gitcollab/mind/<time>/think.log, learn.log   what it printed

The mind works in ``work``; all else is ours. Folders are named by their time, the newest are kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from gitcollab.errors import GitcollabError
from gitcollab.swarm.regular import Unreadable, read_regular
from gitcollab.swarm.workspace import Workspace, make_folder, write_whole

KEPT = 20
DESCRIPTION, BRIEFING, OUTCOME, SCRATCH = (
    "description.txt",
    "briefing.md",
    "outcome.json",
    "scratch",
)
_NAME = re.compile(r"\d{8}T\d{6}(-\d+)?")
_MOST_OUTCOME = 64_000  # bytes
_MOST_LISTED = 1000
# What tools of agents leave where they work; it goes nowhere.
_TOOLS = re.compile(r"\..*|__pycache__")


@dataclass(frozen=True)
class Room:
    """The folder of one thought, for a program of this name."""

    folder: Path
    program_name: str

    @property
    def work(self) -> Path:
        """Where the mind works."""
        return self.folder / "work"

    @property
    def program(self) -> Path:
        """The program to change."""
        return self.work / self.program_name

    @property
    def description(self) -> Path:
        """What was changed, in a line."""
        return self.work / DESCRIPTION

    @property
    def briefing(self) -> Path:
        """What the mind is told."""
        return self.work / BRIEFING

    @property
    def outcome(self) -> Path:
        """What came of a thought, for the mind."""
        return self.work / OUTCOME

    def log(self, phase: str) -> Path:
        """What the mind printed in a phase."""
        return self.folder / f"{phase}.log"

    def remember(self, outcome: Mapping[str, Any]) -> None:
        """Note what came of the thought."""
        write_whole(self.folder / OUTCOME, as_json(outcome))

    def foreign(self) -> Iterator[str]:
        """Names of what the mind made beside what it may; ``Unreadable`` where the folder is gone.

        A name of what is ours and was removed, or replaced by something else, is among them.
        """
        if self.work.is_symlink() or not self.work.is_dir():
            raise Unreadable(f"{self.work.name} is not the folder that it was")
        ours = {self.program_name, DESCRIPTION, BRIEFING, OUTCOME}
        with os.scandir(self.work) as entries:
            for entry in islice(entries, _MOST_LISTED):
                scratch = entry.name == SCRATCH and entry.is_dir(follow_symlinks=False)
                if entry.name not in ours and not scratch and not _TOOLS.fullmatch(entry.name):
                    yield entry.name


def new_room(workspace: Workspace, now: datetime, program: str) -> Room:
    """An empty room; the oldest go. Raises GitcollabError where there can be none."""
    top = workspace.folder / "mind"
    make_folder(top)
    for path in _rooms(workspace)[KEPT - 1 :]:
        with suppress(RecursionError):  # a mind may nest folders as deeply as it likes
            shutil.rmtree(path, ignore_errors=True)
    for n in range(1, 10_000):
        folder = top / f"{now:%Y%m%dT%H%M%S}{'' if n == 1 else f'-{n}'}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as e:
            raise GitcollabError(f"{folder} cannot be made: {e.strerror}", "see its disk") from e
        room = Room(folder, program)
        make_folder(room.work / SCRATCH)
        return room
    raise GitcollabError(f"{top} is full", f"remove old folders from {top}")


def outcomes(workspace: Workspace, most: int) -> list[dict[str, Any]]:
    """What came of the last thoughts of this workspace's minds, the newest first."""
    found = []
    for folder in _rooms(workspace):
        with suppress(Unreadable, ValueError, RecursionError):
            fields = json.loads(read_regular(folder / OUTCOME, _MOST_OUTCOME))
            if isinstance(fields, dict):
                found.append(fields)
        if len(found) == most:
            break
    return found


def as_json(fields: Mapping[str, Any]) -> bytes:
    """The fields as a file; in ASCII, so that whatever is in them reads as it is written."""
    return json.dumps(fields, indent=2).encode() + b"\n"


def _rooms(workspace: Workspace) -> list[Path]:
    """The folders of earlier thoughts, the newest first."""
    found = [path for path in (workspace.folder / "mind").glob("*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=_age, reverse=True)


def _age(path: Path) -> tuple[str, int]:
    time, _, number = path.name.partition("-")
    return time, int(number or 1)
