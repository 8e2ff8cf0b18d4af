"""Strangers' text inside Markdown pages that GitHub, GitLab or Gitea render.

Whatever the text says, it is shown as text: no markup, no HTML, no links, no mentions of people or
issues, no table cells of its own, nothing invisible that reorders what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gitcollab.records.quoting import blanked
from gitcollab.swarm.views import shortened

MAX_SHOWN = 100
NOTICE = "<!-- Derived from the records: edits are overwritten. Rebuild with: gitcollab views -->"

# Entities never make structure, by CommonMark's rules, and need no care about backslashes before
# them (https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references). Braces are
# for page generators. An underscore inside a word, as in MATRIX_LR, is plain by the same rules.
_MARKUP = re.compile(r"[\\`*{}\[\]<>&|~#!$:@]|(?<![^\W_])_|_(?![^\W_])")
# References are found in the rendered text, so the character is parted from what follows.
_REFERENCE = re.compile(r"[@#!%~$&:](?=[\w/])|\b[wW]{3}(?=\.)")
_GAP = "\u200b"  # zero-width space


def text(stranger: str, limit: int = MAX_SHOWN) -> str:
    """``stranger``, cut to ``limit``, as Markdown inside a line that renders as just these words.

    It must not begin a line: what is structure only there (``- ``, ``1. ``) is not escaped.
    """
    line = shortened(blanked(stranger), limit)
    parted = _REFERENCE.sub(lambda found: found.group() + _GAP, line)
    escaped = _MARKUP.sub(lambda found: f"&#{ord(found.group())};", parted)
    return escaped.replace(_GAP, f"&#{ord(_GAP)};")


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; a title that ends in ``:`` aligns right."""
    heads = [title.removesuffix(":") for title in titles]
    rules = ["---:" if title.endswith(":") else "---" for title in titles]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows))
