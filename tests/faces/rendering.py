"""What a reader of a Markdown page gets: its text and its links, by an independent renderer."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt


@dataclass
class Rendered(HTMLParser):
    """``text`` as shown (zero-width spaces left out), ``links``, and ``tags`` used."""

    page: str
    text: str = ""
    links: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    rows: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._in_cell = False
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(self.page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        data = data.replace("\u200b", "")
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data
