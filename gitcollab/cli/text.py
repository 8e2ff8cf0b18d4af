"""Text for a terminal: strangers' words inert (see ``records.quoting``), addresses without secrets.

Every word that a verb prints and that is not its own goes through here.
"""

from __future__ import annotations

import sys
from typing import TextIO

from gitcollab import errors
from gitcollab.records.quoting import line, lines

__all__ = ["can_show", "fitted", "line", "lines", "symbol", "without_credentials"]

_PLAIN = {"…": "~", "±": "+-", "✓": "*", "✗": "x", "⇄": "="}


def fitted(text: str, stream: TextIO) -> str:
    """``text`` on one line; on a terminal in rows of its width, all but the first indented.

    A terminal would begin its own rows at the margin, where words can be chosen to look like ours.
    """
    shown = line(text)
    if not stream.isatty():
        return shown
    import shutil
    import textwrap

    wide = max(40, shutil.get_terminal_size((80, 24)).columns)
    if is_wide(shown):
        wide //= 2
    return textwrap.fill(shown, wide, subsequent_indent="  ", break_on_hyphens=False)


def can_show(text: str, stream: TextIO) -> bool:
    """Whether the encoding of ``stream`` has these characters."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def symbol(char: str) -> str:
    """A character of ours, or what stands for it where standard output cannot show it."""
    return char if can_show(char, sys.stdout) else _PLAIN[char]


def is_wide(text: str) -> bool:
    """Whether some of its characters take two cells of a terminal."""
    import unicodedata

    return any(unicodedata.east_asian_width(char) in "WF" for char in text)


def without_credentials(text: str) -> str:
    """``text`` with the user and password of every URL in it replaced by ``***``."""
    return errors.without_credentials(text, "***@")
