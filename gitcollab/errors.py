"""The error family: what went wrong in one line, what to do next, and the exit code.

An error is raised deep, where the facts are, and shown once, at the command line. Expected
outcomes (a claim that is taken, a duplicate) are values, not errors.
"""

from __future__ import annotations

import re


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


_URL = re.compile(r"\b([a-zA-Z][a-zA-Z0-9+.-]*://)([^\s'\"<>]*@)([^\s'\"<>]*)")
# A token that lets whoever has it join a hub (see ``records.invitations``).
_TOKEN = re.compile(r"\b(gitcollab-invite-)[A-Za-z0-9_=-]+")
_HOST_AND_PORT = re.compile(r"[^:/?#@]*(:[0-9]*)?([/?#]|\Z)")


def without_credentials(text: str, mask: str = "") -> str:
    """``text`` with ``mask`` for what may be secret in its URLs: what is before an ``@``.

    A password may hold anything, a ``/`` or ``@`` too. Only a bare user name of ssh stays. Of
    invitations the secret goes.
    """

    def shown(url: re.Match[str]) -> str:
        scheme, user, rest = url.groups()
        if _HOST_AND_PORT.match(user):  # the @ is in the path
            return url.group()
        if not scheme.startswith("http") and re.fullmatch(r"[^:@/]+@", user):
            return url.group()
        return scheme + mask + rest

    return _TOKEN.sub(r"\1...", _URL.sub(shown, text))
