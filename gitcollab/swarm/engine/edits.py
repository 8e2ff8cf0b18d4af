"""The user's own edits, while a machine works by itself: when they are an experiment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from gitcollab.errors import GitcollabError, UsageError
from gitcollab.swarm.engine.picking import Chosen
from gitcollab.swarm.member import Member
from gitcollab.swarm.outcomes import Duplicate, RunReport
from gitcollab.swarm.preparing import Progress, is_changed, prepare
from gitcollab.swarm.reports import RunProgress
from gitcollab.swarm.syncing import is_edited
from gitcollab.swarm.workspace import Mode

# Until edits are tried again that could not be run: somebody else may be through by then.
LATER = timedelta(minutes=10)


class Edits:
    """Edits of the working program that nobody has asked to run.

    One that stood unchanged since there was last a look is an experiment, if it can say what it is:
    by its constants, or by a claim that announced it. Each is run once; where it could not be had,
    since somebody else runs it or the hub is away, it is tried again later, and where it could not
    say what it is, or was done before, once the user claims something.
    """

    def __init__(self, member: Member, sandbox: Mode | None, progress: Progress) -> None:
        self._member = member
        self._sandbox = sandbox
        self._progress = progress
        self._seen: str | None = None  # the edited program, when there was last a look
        # When each is tried again, if ever; hashes of texts: there may be many, and large ones.
        self._tried: dict[int, datetime | None] = {}
        # The user's claims when that could not be run which is not to be tried again by itself.
        self._without: dict[int, Collection[str]] = {}
        self._last = 0  # the hash of what was tried last
        self._said: set[int] = set()  # hashes of texts and notes on them

    def is_due(self) -> bool:
        """Whether the program has edits that ``take`` would try, or has tried to no avail."""
        text = self._edited()
        return text is not None and text == self._seen and not self._was_tried(text)

    def take(self, *, at_once: bool = False) -> Chosen | RunReport | None:
        """The experiment that the edits are, claimed; or why it is not to be done.

        None where there is none. ``at_once``: they need not have stood for a while.
        """
        text = self._edited()
        due = at_once or text == self._seen
        self._seen = text
        if text is None or not due or self._was_tried(text):
            return None
        self._last = hash(text)
        self._without.pop(self._last, None)
        self._tried[self._last] = self._member.clock() + LATER
        why = f"{self._member.task.program} has your edits"
        try:
            if not is_changed(self._member, text):
                self._tried[self._last] = None
                return None
            how = (None, None, None, None, False, self._sandbox, self._progress)
            ready = prepare(self._member, *how)
        except UsageError as e:
            self._leave()
            self._say(f"{why} and is left as it is: {e.message}")
            return None
        except GitcollabError as e:
            self._say(f"{why}, which cannot be run: {e.message}")
            return None
        if isinstance(ready, RunReport):
            if isinstance(ready.claim, Duplicate):
                self._leave()
            return replace(ready, kind="edit", why=why)
        self._tried[self._last] = None
        return Chosen(ready, "edit", why)

    def try_again(self) -> None:
        """Let what was tried last be tried again: its run was ended for nothing of its own."""
        self._tried.pop(self._last, None)

    def _was_tried(self, text: str) -> bool:
        """Whether it was tried, and is not to be tried again yet."""
        if hash(text) not in self._tried:
            return False
        held = self._without.get(hash(text))
        if held is not None and not self._by_hand().issubset(held):
            return False  # a claim may say now what it is
        again = self._tried[hash(text)]
        return again is None or self._member.clock() < again

    def _leave(self) -> None:
        """Let what was tried last not be tried again, unless the user claims something."""
        self._tried[self._last] = None
        self._without[self._last] = self._by_hand()

    def _by_hand(self) -> frozenset[str]:
        """The claims that the user took."""
        workspace = self._member.workspace
        own = {claim.id for claim in workspace.chosen()}
        return frozenset(claim.id for claim in workspace.claims() if claim.id not in own)

    def _edited(self) -> str | None:
        """The working program where it is edited; one that is no text says nothing."""
        try:
            if is_edited(self._member):
                return self._member.workspace.program(self._member.task)
        except GitcollabError:
            return None
        return None

    def _say(self, what: str) -> None:
        said = hash((self._last, what))
        if said not in self._said:  # once is enough
            self._said.add(said)
            self._progress(RunProgress("note", what))
