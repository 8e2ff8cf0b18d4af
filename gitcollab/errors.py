"""The error family: what went wrong in one line, what to do next, and the exit code.

An error is raised deep, where the facts are, and shown once, at the command line. Expected
outcomes (a claim that is taken, a duplicate) are values, not errors.
"""

from __future__ import annotations


class GitcollabError(Exception):
    """An expected failure: ``message`` is one clear line, ``hint`` the next step for the user."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(GitcollabError):
    """The command was called with arguments that cannot be meant."""

    exit_code = 2


class RefusedError(GitcollabError):
    """A rule, of the hub or of the protocol, says no."""

    exit_code = 4


class OfflineError(GitcollabError):
    """The hub cannot be reached, and what was asked cannot be done without it."""

    exit_code = 5
