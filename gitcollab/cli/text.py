"""Strangers' text, made fit for a terminal: nothing in it can act, hide or reorder.

Titles, logs and programs come from the internet. Control characters (ANSI sequences among them),
bidirectional overrides and invisible characters are written out as escapes.
"""

from __future__ import annotations

import unicodedata

from gitcollab import errors

# Control, format, surrogate, private use: they act or are not seen. U+200D joins emoji.
_ACTIVE = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
_HARMLESS = "\u200d"


def line(text: str) -> str:
    """``text`` on one line: white space folded to single blanks, active characters escaped."""
    return _escaped(" ".join(text.split()))


def lines(text: str) -> str:
    """``text`` with its newlines; tabs become blanks, active characters are escaped."""
    return "\n".join(_escaped(part.expandtabs(4)) for part in text.split("\n"))


def _escaped(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(c) for c in text)


def _shown(char: str) -> str:
    if char in _HARMLESS or unicodedata.category(char) not in _ACTIVE:
        return char
    return char.encode("unicode_escape").decode("ascii")


def without_credentials(text: str) -> str:
    """``text`` with the user and password of every URL in it replaced by ``***``."""
    return errors.without_credentials(text, "***@")
