"""What a mind may not touch: the files of the workspace, which are its user's.

The working program, what says whose it is, and the claims are put back as they were; what stood
there instead is kept aside. Of what else lies in the workspace's folder (see ``survey``) it is told
that it was changed. So it is for what the user changed in the meantime: nobody can tell whose hand
it was.

A worker's workspace lies in another: of that the configuration, which workers are set up from, is
put back; of changes of its program it is told, but for what an experiment there does.

A program that was adopted meanwhile (``gitcollab sync``) is nobody's edit. Pausing stays the
user's, whoever does it: a mind that pauses the machine does no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gitcollab.errors import GitcollabError, OfflineError
from gitcollab.swarm import holding, looking
from gitcollab.swarm.engine.guest.pausing import outer
from gitcollab.swarm.engine.mind.survey import Survey, changes, survey
from gitcollab.swarm.member import Member
from gitcollab.swarm.regular import Unreadable
from gitcollab.swarm.workspace import FOLDER, Base, Workspace

_OWN = ("config.yaml", "base.json", "trial.json")


class Guard:
    """The workspace's files as they are now; on disk, too, until ``restore``.

    Raises GitcollabError where what is to be held is no readable regular file: nobody could put it
    back, so nothing may be begun that might change it.
    """

    def __init__(self, member: Member) -> None:
        self._member = member
        self._workspace = workspace = member.workspace
        self._around = outer(workspace)
        self._program = workspace.program_path(member.task)
        own = (self._program, *(workspace.folder / name for name in _OWN), *_claims(workspace))
        around = [self._around.folder / "config.yaml"] if self._around else []
        self._held = {path: _content(path) for path in (*own, *around)}
        self._others = self._look()
        self._seen = self._look_around()
        holding.remember(workspace, self._held)

    def restore(self) -> list[str]:
        """Put back what is held; what was changed, file by file, in words for the user."""
        adopted = (self._program, self._workspace.folder / "base.json")
        spared = adopted if self._was_adopted() else ()
        put_back = [
            holding.put_back(self._workspace, path, before)
            for path, before in self._held.items()
            if path not in spared
        ]
        holding.forget(self._workspace)
        found = [*filter(None, put_back), *self._new_claims()]
        found += changes(self._workspace.root, self._others, self._look())
        return [*found, *self._changed_around()]

    # -- adopted meanwhile -------------------------------------------------------------------------

    def _was_adopted(self) -> bool:
        """Whether another program of the hub's has taken the place of the working one.

        Only what stands as it was published is: whoever writes one text in two files adopts none.
        """
        workspace = self._workspace
        if (workspace.folder / "trial.json").exists():
            return False
        base = workspace.base()
        if base is None or base.by:
            return False
        try:
            return holding.content(self._program) == base.text.encode() and self._is_known(base)
        except (GitcollabError, Unreadable, ValueError):
            return False

    def _is_known(self, base: Base) -> bool:
        member = self._member
        if base.id is not None and member.result(base.id) is None:
            with suppress(OfflineError):
                member.store.refresh()
            if member.result(base.id) is None:
                return False
        return looking.program_text(member, base.id) == base.text

    # -- what is only looked at --------------------------------------------------------------------

    def _look(self) -> Survey:
        return survey(self._workspace.root, {self._member.task.program, FOLDER})

    def _new_claims(self) -> Iterator[str]:
        """Claims that were made meanwhile. They count for nothing that the hub does not know."""
        for path in _claims(self._workspace):
            if path not in self._held:
                yield f"{path.relative_to(self._workspace.root)} (new)"

    def _look_around(self) -> Survey:
        return {} if self._around is None else survey(self._around.root, {FOLDER})

    def _changed_around(self) -> Iterator[str]:
        """What was changed of the workspace that this one is a worker's of."""
        if self._around is None:
            return
        runs, program = self._around.is_running(), self._member.task.program
        for one in changes(self._around.root, self._seen, self._look_around()):
            if not (runs and one.split(" (")[0] == program):
                yield f"{one} of the workspace around it"


def _claims(workspace: Workspace) -> list[Path]:
    return sorted((workspace.folder / "claims").glob("*"))[:1000]


def _content(path: Path) -> bytes | None:
    try:
        return holding.content(path)
    except Unreadable as e:
        raise GitcollabError(
            f"no mind is asked while {path.name} could not be put back after it: it {e}",
            f"make {path} a regular file",
        ) from e
