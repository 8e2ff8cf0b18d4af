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


# How an address begins; the number of slashes is often mistyped.
_ADDRESS = re.compile(
    r"(\bhttps?:[/\\]*|\b(?:ssh|git|ftps?):/+|(?<![\w:@+.-])[a-z][a-z0-9+.-]*://)", re.IGNORECASE
)
_LINE = re.compile(r"[^\r\n]*")
_QUOTED = re.compile(r"[^'\"<>\r\n]*")
_HOST = re.compile(
    r"""[^:/?#@\s'"<>]*(?=[/?#\s'"<>])|[^:/?#@\s'"<>]*:(?:[0-9]*(?=[/?#])|[0-9]+(?=['"<>]))"""
)
_BARE_USER = re.compile(r"""[^\s:@/'"<>]+@""")
_QUERY = re.compile(
    r"""([?&;#][^?=&;#\s'"<>]{0,40}(?:token|pass|pwd|secret|auth|jwt|signature|credential"""
    r"""|(?<![a-z])sig(?![a-z])|(?<!mon|don|tur|hoc|joc)key(?:id)?(?![a-z]))"""
    r"""[^?=&;#\s'"<>]{0,40}=)[^&;#\s'"<>]*[^&;#\s'"<>:,.]""",
    re.IGNORECASE,
)
# A token that lets whoever has it join a hub (see ``records.invitations``).
_TOKEN = re.compile(r"\b(gitcollab-invite-)[A-Za-z0-9_=-]+")


def without_credentials(text: str, mask: str = "") -> str:
    """``text`` with ``mask`` for what may be secret in its URLs: what is before an ``@``.

    A password may hold anything, a ``/``, ``@`` or blank too. Only a bare user name of ssh stays.
    Of invitations, and of what a query calls a token, a key or a password, the secret goes.
    """
    parts = _ADDRESS.split(text)
    for at in range(2, len(parts), 2):
        if user := _user(parts[at - 1], parts[at]):
            parts[at] = mask + parts[at].removeprefix(user)
    return _TOKEN.sub(r"\1...", _QUERY.sub(r"\1...", "".join(parts)))


def _user(scheme: str, rest: str) -> str:
    """What an address has before its host, where it is secret: within its quotes, else beyond."""
    for reach in (_QUOTED, _LINE):
        within = reach.match(rest)
        user = rest[: rest.rindex("@", 0, within.end()) + 1] if within and "@" in within[0] else ""
        if user:
            is_path = _HOST.match(user)  # the @ is in the path, or behind the address
            is_name = not scheme.lower().startswith("http") and _BARE_USER.match(user)
            return "" if is_path or is_name else user
    return ""
