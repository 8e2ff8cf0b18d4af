"""What a program adds to another, line by line, and which of it another program has.

Lines are compared without what formatters change: blanks, quotes, commas, parentheses, comments;
and statements as wholes too, however they are wrapped. What everybody writes is left out: imports,
a constant that is set to a number, ``else:``.
"""

from __future__ import annotations

import ast
import builtins
import codecs
import hashlib
import io
import keyword
import re
import tokenize
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from tokenize import TokenInfo

from gitcollab.errors import GitcollabError
from gitcollab.similarity.source import BOM, parse

# So many characters, in whole lines that another program has too, are copied; less may be chance.
# A line that reaches out of the program is copied whatever its length.
MIN_COPIED = 100
_MIN_PART = 30  # of a statement that is looked for in the midst of others
_MIN_UNREAD = 8  # of a line that reaches out, for all we know


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Modules without a way out of the program, but for the names below; all others may have one.
_HARMLESS = _words(
    """__future__ abc bisect collections contextlib copy dataclasses datetime decimal enum fractions
    functools heapq itertools json math numbers random re statistics textwrap time typing warnings
    einops flash_attn numpy torch triton"""
)
_TASK = "gitcollab.task"
_REACHING = _words(
    """exec eval compile open input breakpoint getattr setattr delattr globals locals vars
    __import__ __builtins__ __loader__ __spec__"""
)
# Behind a dot, with any underscores before it. (`model.eval()` and `re.compile()` are harmless.)
_REACHING_PARTS = _words(
    """os sys subprocess builtins importlib ctypes ctypeslib shutil socket io pickle codecs
    linecache multiprocessing system popen open exec exec_with_source runstring rundocs f2py
    f_globals f_builtins f_locals hub package cpp_extension load load_inline load_library save
    savez savez_compressed savetxt loadtxt genfromtxt fromfile tofile from_file memmap dump"""
)
_OTHER_ENDS = str.maketrans({"\r": "\n"})
_FORM = b" \t\f\\,()'\""
_SETS_A_NUMBER = re.compile(
    r"_*[A-Z][A-Z0-9_]*(?::\w+)?=(?:True|False|None|(?:[-+*/().\d]|(?<=\d)[e_]){1,40})",
    re.ASCII,
)
_MAIN_GUARD = "if__name__=='__main__':"
_FORMATTED = re.compile(r"[a-z]*f", re.IGNORECASE)
_WORD = re.compile(r"(\.\s*)?\b(\w+)")
_NOT_CODE = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT})


@dataclass(frozen=True)
class Lines:
    """Lines in their normal form, and whole statements; of each, whether it reaches out."""

    rows: Mapping[bytes, bool]
    statements: Mapping[bytes, bool]

    @property
    def are_copied(self) -> bool:
        """Whether these, which another program has too, are more than what anybody writes."""
        return any(
            any(view.values()) or sum(map(len, view)) >= MIN_COPIED
            for view in (self.rows, self.statements)
        )

    def __bool__(self) -> bool:
        return bool(self.rows or self.statements)

    def __sub__(self, other: Lines) -> Lines:
        return self._only(self.rows.keys() - other.rows, self.statements.keys() - other.statements)

    def within(self, program: bytes) -> Lines:
        """Those that the program has, were it in a comment; it may be any bytes. Takes 0.3 ms."""
        text = program.removeprefix(codecs.BOM_UTF8).translate(None, _FORM)
        rows = text.replace(b";", b"\n").splitlines()
        known = {*rows, *(row.partition(b"#")[0] for row in rows)}
        odd = b"\n".join([b"", *(row for row in rows if row.count(b"#") > 1)])
        whole = b"".join(rows)
        return self._only(
            {r for r in self.rows if r in known or (len(odd) > 0 and b"\n%b#" % r in odd)},
            {s for s in self.statements if s in whole},
        )

    def among(self, digests: Collection[str]) -> Lines:
        """Those with one of these digests."""
        return self._only(
            *({x for x in view if digest(x) in digests} for view in (self.rows, self.statements))
        )

    @property
    def digests(self) -> tuple[str, ...]:
        """By which they are known again."""
        return tuple(sorted(map(digest, {*self.rows, *self.statements})))

    def _only(self, rows: Collection[bytes], statements: Collection[bytes]) -> Lines:
        return Lines({r: self.rows[r] for r in rows}, {s: self.statements[s] for s in statements})


def digest(line: bytes) -> str:
    """What stands for a line, in place of its text."""
    return f"line:{hashlib.sha256(line).hexdigest()[:24]}"


def added(text: str, *bases: str) -> Lines:
    """What the program ``text`` has and none of the ``bases``."""
    found = lines(text)
    for base in bases:
        found -= lines(base)
    return found


def lines(text: str) -> Lines:
    """What a program is made of; of one that cannot be read as Python, every line as it is."""
    text = text.removeprefix(BOM).replace("\r\n", "\n").translate(_OTHER_ENDS)
    try:
        read = list(_read(text))
    except (GitcollabError, SyntaxError, tokenize.TokenError):
        read = [[(row, len(row) >= _MIN_UNREAD)] for row in text.split("\n")]
    rows: dict[bytes, bool] = {}
    statements: dict[bytes, bool] = {}
    for statement in read:
        for row, reaches in statement:
            for part in _normal(row).split(b";"):
                rows[part] = reaches or rows.get(part, False)
        whole = b"".join(_normal(row).replace(b";", b"") for row, _ in statement)
        reaches = any(reaches for _, reaches in statement)
        if reaches or len(whole) >= _MIN_PART:
            statements[whole] = reaches
    for view in (rows, statements):
        view.pop(b"", None)
    return Lines(rows, statements)


def _normal(row: str) -> bytes:
    return row.encode("utf-8", "surrogatepass").translate(None, _FORM)


def _read(text: str) -> Iterator[list[tuple[str, bool]]]:
    """The statements that count, each as its rows, and whether these reach out.

    Raises GitcollabError, SyntaxError or TokenError for what cannot be read as Python, or may be
    read in two ways.
    """
    parse(text)
    source = text.split("\n")
    imported: set[str] = set()
    counting = []
    for statement in list(_statements(text)):
        import_ = _import(statement)
        names = set(_names_from_outside(import_)) if import_ else set()
        imported |= names
        if not (_is_everybodys(statement) if import_ is None else _only_imports(import_, names)):
            counting.append((statement, import_ is not None))
    for statement, reaches in counting:
        reaching = _reaching_rows(statement, imported)
        yield [(row, reaches or n in reaching) for n, row in _rows(statement, source).items()]


def _statements(text: str) -> Iterator[list[TokenInfo]]:
    statement: list[TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER) or token.string == ";":
            if statement:
                yield statement
            statement = []
        elif token.type not in _NOT_CODE:
            statement.append(token)


def _rows(statement: list[TokenInfo], source: list[str]) -> dict[int, str]:
    """The statement's lines by number; comments, which end a line, are cut off."""
    found: dict[int, tuple[int, int]] = {}
    for token in statement:
        (first, start), (last, end) = token.start, token.end
        for n in range(first, last + 1):
            begins = start if n == first else 0
            ends = end if n == last else len(source[n - 1])
            found[n] = (found.get(n, (begins, 0))[0], ends)
    return {n: source[n - 1][start:end] for n, (start, end) in found.items()}


# -- what everybody writes -------------------------------------------------------------------------


def _is_everybodys(statement: list[TokenInfo]) -> bool:
    text = "".join(token.string for token in statement)
    return (
        all(token.type == tokenize.OP or keyword.iskeyword(token.string) for token in statement)
        or all(_is_plain_string(token) for token in statement)  # said, not done
        or text.replace('"', "'") == _MAIN_GUARD
        or _SETS_A_NUMBER.fullmatch(text) is not None  # nobody owns a number
    )


def _is_plain_string(token: TokenInfo) -> bool:
    return token.type == tokenize.STRING and not _FORMATTED.match(token.string)


def _import(statement: list[TokenInfo]) -> ast.Import | ast.ImportFrom | None:
    if statement[0].string not in ("import", "from"):
        return None
    match ast.parse(" ".join(token.string for token in statement)).body:
        case [ast.Import() | ast.ImportFrom() as found]:
            return found
    return None


def _only_imports(found: ast.Import | ast.ImportFrom, outside: set[str]) -> bool:
    """Whether the import does nothing by itself: it gives no name of the program another meaning.

    ``outside`` are the names it takes from modules that reach out.
    """
    names = {alias.name for alias in found.names}
    renames = isinstance(found, ast.ImportFrom) and not outside <= names
    return "*" not in names and not renames and not any(hasattr(builtins, n) for n in outside)


# -- what reaches out of the program ---------------------------------------------------------------


def _names_from_outside(found: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The names that the import takes from modules which can do more than compute."""
    module = (found.module or "") if isinstance(found, ast.ImportFrom) else ""
    for alias in found.names:
        path = f"{module}.{alias.name}".lstrip(".")
        parts = path.split(".")
        harmless = parts[0] in _HARMLESS or f"{path}.".startswith(f"{_TASK}.")
        if not harmless or any(_is_reaching_part(part) for part in parts):
            yield alias.asname or (alias.name if module else parts[0])


def _reaching_rows(statement: list[TokenInfo], imported: set[str]) -> set[int]:
    """The numbers of the lines in which the statement may reach out of the program."""
    found: set[int] = set()
    before = ""
    for token in statement:
        if token.type == tokenize.NAME:
            words = [(before == ".", token.string)]
        elif token.type == tokenize.STRING and not _is_plain_string(token):
            words = [(bool(dot), word) for dot, word in _WORD.findall(token.string)]
        else:
            words = []
        if any(_reaches(unicodedata.normalize("NFKC", w), dot, imported) for dot, w in words):
            found.update(range(token.start[0], token.end[0] + 1))
        before = token.string
    return found


def _reaches(word: str, behind_dot: bool, imported: set[str]) -> bool:
    if behind_dot:
        return _is_reaching_part(word)
    return word in _REACHING or word in imported


def _is_reaching_part(name: str) -> bool:
    is_special = name.startswith("__") and name != "__init__"
    return is_special or name.lstrip("_") in _REACHING_PARTS
