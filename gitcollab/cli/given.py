"""What users give of a change: constants with their values, patches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gitcollab.errors import UsageError

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change a constant of the program."),
]
Patch = Annotated[
    Path | None,
    typer.Option(
        "--patch",
        metavar="FILE",
        help="Change the program by a unified diff; - reads it from standard input.",
    ),
]

_PATCHES = "make it by `git diff` or `gitcollab diff ID --raw`"


def assignments(texts: list[str]) -> dict[str, str]:
    """NAME=VALUE texts as a mapping; UsageError for what is none, or says a name twice."""
    values: dict[str, str] = {}
    for text in texts:
        name, found, value = (part.strip() for part in text.partition("="))
        if not (found and name and value):
            raise UsageError(f"--set {text!r} is not NAME=VALUE", "as in --set MATRIX_LR=0.02")
        if name in values:
            raise UsageError(f"--set gives {name} twice", "give each constant one value")
        values[name] = value
    return values


def patch_text(path: Path) -> str:
    """The text of a patch file, or (-) of standard input; UsageError for what is none."""
    from gitcollab.records.models import MAX_PROGRAM_BYTES

    limit = MAX_PROGRAM_BYTES + 1  # a longer one is refused, whatever it says
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(limit)
        else:
            with path.open("rb") as file:
                data = file.read(limit)
        return data.decode()
    except OSError as e:
        raise UsageError(
            f"the patch {path} cannot be read: {e.strerror}", "give a file, or - for standard input"
        ) from e
    except UnicodeDecodeError as e:
        if len(data) == limit:  # cut in the middle of a character
            return data.decode(errors="replace")
        raise UsageError(f"the patch {path} is not UTF-8 text (byte {e.start})", _PATCHES) from e


def typed_links(hypothesis: str | None, cites: list[str] | None) -> list[str]:
    """The options that say what is tested, to be typed again."""
    given = [] if hypothesis is None else ["--hypothesis", hypothesis]
    return given + [word for one in cites or [] for word in ("--cites", one)]
