"""Research agents improve one training program together, with a git remote between them.

>>> from gitcollab import Swarm, Granted
>>> swarm = Swarm.open(folder)
>>> match swarm.claim("MATRIX_LR 0.04 → 0.05"):
...     case Granted(claim):
...         swarm.run("MATRIX_LR 0.04 → 0.05")

Names are imported at first use, so that ``import gitcollab`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gitcollab.faces.swarm import Swarm
    from gitcollab.swarm.outcomes import (
        Duplicate,
        Granted,
        Offline,
        Published,
        Queued,
        Refused,
        Taken,
    )

    __version__: str

__all__ = [
    "Duplicate",
    "Granted",
    "Offline",
    "Published",
    "Queued",
    "Refused",
    "Swarm",
    "Taken",
    "__version__",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "__version__":
        from importlib.metadata import version

        return version("gitcollab")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "gitcollab.faces.swarm" if name == "Swarm" else "gitcollab.swarm.outcomes"
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
