"""Print a table of measurements and write them as JSON: python -m tests.bench [PART ...].

What can be, is compared with the bare thing it is built on, measured in the same run: the start of
the interpreter, a bare `git push`, the bare program, the loop `commit; pull --rebase; push`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import (
    belief,
    crowd,
    doors,
    engine,
    one,
    pages,
    scale,
    sharing,
    slow,
    start,
    thinking,
    words,
)
from tests.bench.figures import HEADING, Figure, write


def main() -> int:
    """Run the parts that were asked for; a figure beyond its limit is no failure."""
    chosen = _arguments()
    parts: dict[str, Callable[[Path], Iterator[Figure]]] = {
        "start": start.measure,
        "one": one.measure,
        "crowd": lambda root: crowd.measure(root, plain_64=chosen.long),
        "slow": slow.measure,
        "words": words.measure,
        "doors": doors.measure,
        "belief": lambda _: belief.measure(),
        "engine": lambda root: engine.measure(root, min(chosen.results, 10_000)),
        "thinking": lambda root: thinking.measure(root, chosen.results, chosen.hubs),
        "pages": lambda root: pages.measure(root, min(chosen.results, 10_000)),
        "scale": lambda root: scale.measure(root, chosen.results, chosen.hubs),
        "sharing": sharing.measure,
    }
    if unknown := set(chosen.parts) - parts.keys():
        sys.exit(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(parts)})")
    figures = []
    print(HEADING)
    with tempfile.TemporaryDirectory() as root:
        _isolate(Path(root))
        for name in chosen.parts or parts:
            for figure in parts[name](Path(root)):
                print(figure.line(), flush=True)
                figures.append(figure)
    over = [figure.what for figure in figures if not figure.within]
    print(
        f"{len(over)} over their limits: {', '.join(over)}" if over else "all within their limits"
    )
    write(chosen.json, figures)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help="start, one, crowd, slow, words, doors, belief, sharing, engine, thinking, pages, "
        "scale",
    )
    parser.add_argument(
        "--results", type=int, default=10_000, help="on the hubs of thinking and scale"
    )
    parser.add_argument("--hubs", type=Path, help="keep these hubs here, and use them again")
    parser.add_argument("--long", action="store_true", help="add the plain loop at 64 to crowd")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), metavar="FILE")
    return parser.parse_args()


def _isolate(root: Path) -> None:
    """Nothing here touches the user's own files or settings."""
    os.environ |= {
        "HOME": str(root),
        "GITCOLLAB_HOME": str(root / "home"),
        "GIT_CONFIG_GLOBAL": str(root / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


if __name__ == "__main__":
    sys.exit(main())
