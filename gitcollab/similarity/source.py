"""Program text: parsing with bounds, and where a syntax node lies in the text."""

from __future__ import annotations

import ast
import re
import threading
import warnings

from gitcollab.errors import GitcollabError

MAX_CHARS = 1_000_000
# Twenty times what programs of this field have; more would take a reader seconds.
MAX_TOKENS = 100_000
_TOKEN = re.compile(r"\w+|[^\w\s]")
BOM = "\ufeff"
_PARSING = threading.Lock()
# A line that names the file's encoding, as Python finds it in one of the first two lines.
_COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
# What Python takes for the end of a line: str.splitlines() would also split at form feeds.
_LINE_END = re.compile(r"\r\n|\r|\n")


class ProgramSyntaxError(GitcollabError):
    """The program is not valid Python; ``line`` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(
            f"the program has a syntax error in line {line}: {reason}",
            f"correct line {line}, then try again",
        )
        self.line = line


class ProgramTooComplex(GitcollabError):  # noqa: N818
    """The program is larger, or nested more deeply, than is read."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the program is too complex: {reason}",
            f"keep the program below {MAX_CHARS:,} characters and its expressions shallow",
        )


class ForeignEncoding(ProgramTooComplex):
    """The program says that it is to be read otherwise than everybody here reads it."""

    def __init__(self, encoding: str) -> None:
        GitcollabError.__init__(
            self,
            f"the program says that its encoding is {encoding[:40]!r}",
            "write it in UTF-8, and without a line that says something else",
        )


def _check_encoding(source: str) -> None:
    """Refuse a program that Python reads otherwise (https://peps.python.org/pep-0263/).

    Under another encoding comments may hold code: what is shown, compared and approved would not
    be what runs.
    """
    for line in _LINE_END.split(source.removeprefix(BOM), maxsplit=2)[:2]:
        said = _COOKIE.match(line)
        if said is not None and said[1].lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise ForeignEncoding(said[1])


def parse(source: str) -> ast.Module:
    """The syntax tree; raises ProgramSyntaxError or ProgramTooComplex and nothing else."""
    if len(source) > MAX_CHARS:
        raise ProgramTooComplex(f"{len(source):,} characters")
    _check_encoding(source)
    if sum(1 for _ in _TOKEN.finditer(source)) > MAX_TOKENS:
        raise ProgramTooComplex(f"more than {MAX_TOKENS:,} words and signs")
    try:
        # Neither the warnings' filters nor, in some versions, the parser bear two threads at once.
        with _PARSING, warnings.catch_warnings():
            # Invalid escapes and the like are the program's business, not this reader's.
            warnings.simplefilter("ignore")
            return ast.parse(source.removeprefix(BOM))
    except SyntaxError as error:
        raise ProgramSyntaxError(error.lineno or 1, error.msg) from error
    except (RecursionError, MemoryError) as error:
        raise ProgramTooComplex("it is nested too deeply") from error
    except ValueError as error:  # NUL characters, lone surrogates
        raise ProgramSyntaxError(1, f"it holds a character that is not text ({error})") from error


class Positions:
    """Turns the parser's positions into offsets of characters in the source."""

    def __init__(self, source: str) -> None:
        self._source = source
        first = len(BOM) if source.startswith(BOM) else 0
        self._starts = [first, *(end.end() for end in _LINE_END.finditer(source))]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """The node's text is ``source[start:end]``."""
        end_line, end_column = node.end_lineno, node.end_col_offset
        assert end_line is not None  # the parser always sets both
        assert end_column is not None
        return self._offset(node.lineno, node.col_offset), self._offset(end_line, end_column)

    def _offset(self, line: int, column: int) -> int:
        """The parser counts columns in UTF-8 bytes; a character has at least one."""
        start = self._starts[line - 1]
        before = self._source[start : start + column]
        if before.isascii():
            return start + column
        return start + len(before.encode()[:column].decode())
