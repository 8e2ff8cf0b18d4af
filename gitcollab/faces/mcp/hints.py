"""Messages and hints in the words of tools: deep down they are told as commands to type.

What has no tool (``gitcollab outbox``, ``join``, the verbs of maintainers) stays a command: it is
for the people that a language model works for.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_ID = r"(\S+?)(?=[;,.)]*(?:\s|$))"
_SET = r"--set (?:'([^']+)'|([^\s';,]+))"
_OPTIONS = (
    "page|limit|seed|base|status|anyway|hypothesis|cites|program|tier|patch|evidence|agent|expects"
)


def _set_values(found: re.Match[str]) -> str:
    values = [one or other for one, other in re.findall(_SET, found[0])]
    pairs = (value.partition("=") for value in values)
    return f"run(set_values={{{', '.join(f'{name}: {value}' for name, _, value in pairs)}}})"


_TOLD: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"`?gitcollab best --adopt`?", "adopt"),
    (r"gitcollab results, hypothesis list, insight list", "ask, hypothesis_list, insight_list"),
    (r"gitcollab hypothesis list --agent (\S+) --status open", r'hypothesis_list(agent="\1")'),
    (r"gitcollab hypothesis list --status open", "hypothesis_list"),
    (r"gitcollab (hypothesis|insight) (add|list|show|withdraw)", r"\1_\2"),
    (rf"gitcollab show {_ID}", r'show(result="\1")'),
    (rf"`?gitcollab diff {_ID}(?: --raw)?`?", r'show(result="\1", difference=true)'),
    (rf"gitcollab run --hypothesis {_ID}", r'run(hypothesis="\1")'),
    (rf"gitcollab run(?: {_SET})+", _set_values),
    (r'gitcollab run "([^"]*)"', r'run(what="\1")'),
    (r"gitcollab results", "ask"),
    (r"gitcollab leaderboard", "best"),
    (r"gitcollab (sync|ask|claim|release)\b", r"\1"),
    (r"gitcollab run\b(?! --)", "run"),
    (r" \(--meaning asks for it\)", ""),
    (r"--set NAME=VALUE", "set_values"),
    (r"--set\b", "set_values"),
    (r"--status (ok|crash|timeout)", r'status="\1"'),
    (r"add --anyway", "say anyway=true"),
    (r"--anyway", "anyway=true"),
    (r"--(program|patch) FILE", r"\1"),
    (rf"(?<![\w-])--({_OPTIONS})\b(?!-)", r"\1"),
)
_COMPILED = [(re.compile(pattern), by) for pattern, by in _TOLD]


def in_tools_words(text: str) -> str:
    """A message of ours that names tools and their arguments, where there are such."""
    if "gitcollab " not in text and "--" not in text:
        return text
    for pattern, by in _COMPILED:
        text = pattern.sub(by, text)
    return text
