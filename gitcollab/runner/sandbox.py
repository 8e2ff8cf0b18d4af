"""Whether a sandbox for strangers' programs can be had on this machine: bubblewrap, on Linux."""

from __future__ import annotations

import shutil
import sys

from gitcollab.runner.process import capture

_TRIAL = ("--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--", "true")
_TRIAL_SECONDS = 10.0


def lacking() -> tuple[str, str] | None:
    """Why there is no sandbox here, and what helps; None when bubblewrap works."""
    if not sys.platform.startswith("linux"):
        return (
            f"there is none on {sys.platform}",
            "read a stranger's program before you run it, or work on a Linux machine",
        )
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return "bubblewrap is not installed", "install the package bubblewrap"
    if capture([bwrap, *_TRIAL], _TRIAL_SECONDS) is None:
        return (
            f"{bwrap} may not separate anything here",
            f"allow user namespaces (containers may forbid them); try: bwrap {' '.join(_TRIAL)}",
        )
    return None
