"""The user's own edits, while a machine works by itself: when they are an experiment."""

from __future__ import annotations

from dataclasses import replace

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.swarm.engine.picking import Chosen
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import RunReport
from gitcollab.swarm.preparing import Progress, is_changed, prepare
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.syncing import is_edited
from gitcollab.swarm.workspace import Mode


class Edits:
    """Edits of the working program that nobody has asked to run.

    One that stood unchanged since there was last a look is an experiment, if it can say what it is:
    by its constants, or by a claim that announced it. Each is tried once.
    """

    def __init__(self, member: Member, sandbox: Mode | None, progress: Progress) -> None:
        self._member = member
        self._sandbox = sandbox
        self._progress = progress
        self._seen: str | None = None  # the edited program, when there was last a look
        self._tried: set[int] = set()  # hashes of texts: there may be many, and large ones

    def is_due(self) -> bool:
        """Whether the program has edits that ``take`` would try, or has tried to no avail."""
        text = self._edited()
        return text is not None and text == self._seen and hash(text) not in self._tried

    def take(self, *, at_once: bool = False) -> Chosen | RunReport | None:
        """The experiment that the edits are, claimed; or why it is not to be done.

        None where there is none. ``at_once``: they need not have stood for a while.
        """
        text = self._edited()
        due = at_once or text == self._seen
        self._seen = text
        if text is None or not due or hash(text) in self._tried:
            return None
        self._tried.add(hash(text))
        why = f"{self._member.task.program} has your edits"
        try:
            if not is_changed(self._member, text):
                return None
            how = (None, None, None, None, False, self._sandbox, self._progress)
            ready = prepare(self._member, *how)
        except UsageError as e:
            self._say(f"{why} and is left as it is: {e.message}")
            return None
        except GitcollabError as e:
            self._say(f"{why}, which cannot be run: {e.message}")
            return None
        if isinstance(ready, RunReport):
            return replace(ready, kind="edit", why=why)
        return Chosen(ready, "edit", why)

    def _edited(self) -> str | None:
        """The working program where it is edited; one that is no text says nothing."""
        try:
            if is_edited(self._member):
                return self._member.workspace.program(self._member.task)
        except GitcollabError:
            return None
        return None

    def _say(self, what: str) -> None:
        self._progress(RunProgress("note", what))
