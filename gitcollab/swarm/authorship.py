"""Whose code a run would execute: this agent's own, or strangers'.

A program is made of its bases' code. It is this machine's own when every program it descends from
is: signed by a key that lies here, down to the baseline. A baseline is own when gitcollab brought
it, when the hub is the one inside this workspace, or when one of the hub's maintainers works here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from gitcollab.errors import GitcollabError
from gitcollab.records.models import Experiment, Result, Task, sha256
from gitcollab.records.names import PROGRAM_PATH, folder_of
from gitcollab.records.signing import KeyPair, verify
from gitcollab.similarity.program import fingerprint
from gitcollab.swarm import presets
from gitcollab.swarm.home import home, key_path
from gitcollab.swarm.member import Member
from gitcollab.swarm.setup import EMBEDDED

BASELINE = "the hub's maintainers"
# A longer ancestry is not followed; a program whose beginnings are unknown is a stranger's.
MAX_BASES = 10_000
UNKNOWN = "somebody unknown"


def strangers(
    member: Member, experiment: Experiment, fresh: Result | None = None
) -> tuple[str, ...]:
    """Who wrote code that a run of the experiment executes and is nobody here; () when it is own.

    The nearest in the ancestry comes first. The program's own edits against its base are this
    agent's, and so is ``fresh``, a result that may not have been delivered.
    """
    found: dict[str, None] = {}
    task = member.task
    own_start = _is_own_start(member, task)
    if not own_start and task.run not in (["python", task.program], ["python3", task.program]):
        found[BASELINE] = None  # the command is theirs too
    at: Result | Experiment = experiment
    seen: set[str] = set()
    while (base_id := at.base) is not None:
        if base_id in seen or len(seen) == MAX_BASES:
            return (*found, UNKNOWN)
        seen.add(base_id)
        if fresh is not None and base_id == fresh.id:
            at = fresh
            continue
        base = member.result(base_id)
        if base is None:
            return (*found, UNKNOWN)
        if not _is_own(member, base):
            found[base.agent] = None
        at = base
    if not (own_start or at.base_fingerprint in shipped()):
        found[BASELINE] = None
    return tuple(found)


def _is_own(member: Member, result: Result) -> bool:
    """Whether the result, with its program as it is on the hub, is signed by a key that is here."""
    if not any(verify(result, line) for line in _public_lines(result.agent)):
        return False
    text = member.read(f"{folder_of(result.id)}/{PROGRAM_PATH}")
    return text is not None and sha256(text) == result.files.get(PROGRAM_PATH)


def _public_lines(agent: str) -> Iterator[str]:
    """The public keys of this machine's agent of that name, those of earlier days too."""
    folder = key_path(agent).parent
    for path in (key_path(agent), *sorted(folder.glob(f"{agent}.*"))):
        with suppress(GitcollabError):  # it is none
            yield KeyPair.load(path).public_line


def _is_own_start(member: Member, task: Task) -> bool:
    """Whether the hub's first program and its task are this machine's own, whatever they are."""
    if member.config.hub == str(member.workspace.folder / EMBEDDED):
        return True
    names = {path.name.partition(".")[0] for path in (home() / "keys").glob("[a-z0-9]*")}
    wanted = set(task.maintainers.values())
    return bool(wanted) and any(line in wanted for n in names for line in _public_lines(n))


@cache
def shipped() -> frozenset[str]:
    """The fingerprints of the programs that come with gitcollab."""
    return frozenset(fingerprint(presets.preset(name)[1].decode()) for name in presets.names())
