"""What is wrong with a folder of pages: found by reading them as a browser and a reader would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

_EMPTY = {"meta", "link", "br", "img", "input", "hr"}
_APART = {"td", "th", "dt", "dd", "li", "p", "h1", "h2", "h3", "pre", "br", "summary", "text"}
_LEVELS = {f"h{n}": n for n in range(1, 7)}


class Parsed(HTMLParser):
    """A page: its elements with their attributes, its text, what it links to and is linked by."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.text += " " if tag in _APART else ""
        if len({name for name, _ in attrs}) < len(attrs):
            self.wrong.append(f"{tag} has an attribute twice")
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} is closed out of order")

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def shape(self) -> set[tuple[str, frozenset[str]]]:
        """Which elements there are, with which attributes."""
        return {(tag, frozenset(attrs)) for tag, attrs in self.elements}

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]

    @property
    def links(self) -> list[str]:
        return [attrs[n] for _, attrs in self.elements for n in ("href", "src") if n in attrs]

    @property
    def words(self) -> str:
        """The text with its white space folded."""
        return " ".join(self.text.split())


def parsed(path: Path) -> Parsed:
    """The page in a file."""
    return Parsed(path.read_text())


def faults(folder: Path) -> list[str]:
    """All that is wrong with the pages of a folder."""
    pages = {path.resolve(): parsed(path) for path in sorted(folder.rglob("*.html"))}
    return [
        f"{path.relative_to(folder.resolve())}: {fault}"
        for path, page in pages.items()
        for fault in (*page.wrong, *_acting(page), *_order(page), *_broken(path, page, pages))
    ]


def _acting(page: Parsed) -> Iterator[str]:
    """What runs, or is laid on from elsewhere, but for the scripts in the folder."""
    for tag, attrs in page.elements:
        for name, value in attrs.items():
            if name == "style" or name.startswith("on"):
                yield f"{tag} has the attribute {name}"
            if re.match(r"\s*(\w+:)?//|\s*(javascript|vbscript|https?):", value, re.IGNORECASE):
                yield f"{tag} leads elsewhere: {name}={value[:80]}"
        if tag == "script" and "src" not in attrs:
            yield "a script stands in the page"
        if tag in ("iframe", "object", "embed", "form", "base") and attrs.get("role") != "search":
            yield f"it has a {tag}"


def _order(page: Parsed) -> Iterator[str]:
    """What a screen reader would stumble over."""
    levels = [_LEVELS[tag] for tag, _ in page.elements if tag in _LEVELS]
    if levels.count(1) != 1 or levels[0] != 1:
        yield f"its headings begin {levels[:3]} with {levels.count(1)} h1"
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"h{after} follows h{before}"
    for tag, attrs in page.elements:
        if tag == "th" and "scope" not in attrs:
            yield "a th has no scope"
        if tag == "svg" and not ("aria-label" in attrs and attrs.get("role") == "img"):
            yield "a picture has no words"
    for one in {one for one in page.ids if page.ids.count(one) > 1}:
        yield f"the id {one} stands there twice"
    labels = {attrs["aria-labelledby"] for _, attrs in page.elements if "aria-labelledby" in attrs}
    for one in labels - set(page.ids):
        yield f"nothing has the id {one}, which names a part"


def _broken(path: Path, page: Parsed, pages: dict[Path, Parsed]) -> Iterator[str]:
    """Links that lead nowhere."""
    for link in page.links:
        file, _, anchor = link.partition("#")
        if file.startswith("data:"):
            continue
        target = (path.parent / file).resolve() if file else path
        if not target.is_file():
            yield f"there is no {link}"
        elif anchor and anchor not in (*pages[target].ids, "content"):
            yield f"there is no place {link}"
