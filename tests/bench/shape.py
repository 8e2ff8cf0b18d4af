"""Programs that differ in constants alone: their texts and real fingerprints, at little cost.

A fingerprint takes some 20 ms to compute, nearly all of it for what such programs have in common.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Mapping, Sequence

from gitcollab.similarity import constants, program

Values = Mapping[str, int | float]


class Shape:
    """A program but for the values of its constants."""

    def __init__(self, text: str) -> None:
        self.source = text
        tree = ast.parse(text)
        nodes = constants.assignments(tree)
        found = constants.constants(text)
        self.values: dict[str, int | float] = {
            name: one.value
            for name, one in found.items()
            if isinstance(one.value, int | float) and not isinstance(one.value, bool)
        }
        self._names = list(nodes)
        spans = [(found[n].start, found[n].end) for n in self._names]
        ends = [0, *(end for _, end in spans)]
        starts = [*(start for start, _ in spans), len(text)]
        self._text = [text[a:b] for a, b in zip(ends, starts, strict=True)]
        self._spelled = [text[a:b] for a, b in spans]
        masked = {id(node) for node in nodes.values()}
        tokens = "".join(f"\n{token}" for token in program._tokens(tree, masked))
        self._tokens = tokens.split(f"\n{program._MASK}\n")
        self._folded = ["\n".join(program._tokens(nodes[n])) for n in self._names]  # type: ignore[arg-type]

    def text(self, values: Values) -> str:
        """The program with these values of the constants it names."""
        return _filled(self._text, self._names, self._spelled, values, "", repr)

    def fingerprint(self, values: Values) -> str:
        """``program.fingerprint(self.text(values))``."""
        filled = _filled(self._tokens, self._names, self._folded, values, "\n", program._constant)
        return f"sha256:{hashlib.sha256(f'python{filled}'.encode()).hexdigest()}"

    def grown(self, number: int) -> Shape:
        """This program with one more function."""
        body = f"def experiment_{number}(x):\n    return x * (1 + {number} / (1 + x.norm()))\n"
        return Shape(f"{self.source}\n\n{body}")


def _filled(
    pieces: Sequence[str],
    names: Sequence[str],
    standing: Sequence[str],
    values: Values,
    glue: str,
    spell: Callable[[object], str],
) -> str:
    """The pieces with what stands between them, or the spelling of the new value there."""
    parts = [pieces[0]]
    for name, old, piece in zip(names, standing, pieces[1:], strict=True):
        parts += [glue, spell(values[name]) if name in values else old, glue, piece]
    return "".join(parts)
