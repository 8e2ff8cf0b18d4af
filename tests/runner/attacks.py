"""Programs that try to get out of the sandbox, or to see what they must not."""

from __future__ import annotations

import sys
from pathlib import Path

from gitcollab.runner import process
from gitcollab.runner.environment import minimal_env
from gitcollab.runner.limits import Limits
from gitcollab.runner.process import Finished
from gitcollab.runner.sandbox import Sandbox

MIB = 1024**2
REPORT = """
import os, sys
def attempt(what):
    try:
        print("reached", what(), flush=True)
    except OSError as e:
        print("kept out:", e, flush=True)
"""


class Attack:
    """Runs programs in a folder of their own, in the sandbox or without it."""

    def __init__(self, folder: Path, private: Path) -> None:
        self.folder = folder / "run"
        self.folder.mkdir()
        self.log = self.folder / "log.txt"
        self.private = private
        self.limits = Limits(
            processes=64, memory=2048 * MIB, shared=8 * MIB, temporary=8 * MIB, disk=64 * MIB
        )

    def box(self, **options: object) -> Sandbox:
        self.log.touch()
        fixed = [self.log, self.folder / "train.py"]
        given = {"fixed": fixed, "limits": self.limits, "private": [self.private]}
        return Sandbox(self.folder, **(given | options))  # type: ignore[arg-type]

    def __call__(
        self, code: str, *, caged: bool = True, timeout: float = 60.0, **options: object
    ) -> Finished:
        (self.folder / "train.py").write_text(REPORT + code)
        given: dict[str, object] = {"cage": self.box() if caged else None} | options
        return process.run(
            [sys.executable, "train.py"],
            cwd=self.folder,
            env=minimal_env(),
            timeout=timeout,
            log=self.log,
            **given,  # type: ignore[arg-type]
        )

    def said(self, code: str, *, caged: bool = True) -> str:
        done = self(code, caged=caged)
        text = self.log.read_text()
        assert done.exit_code == 0, text
        return text

    def is_kept_out(self, code: str) -> None:
        """What reaches its aim outside does not inside."""
        assert "reached" in self.said(code, caged=False)
        inside = self.said(code)
        assert "kept out" in inside
        assert "reached" not in inside
