from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from gitcollab.task import harness

HERE = Path(harness.__file__).parent
LATER = "import sys; sys.path.insert(0, sys.argv[1]); import harness; print(harness.digest())"


def _digest_of(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LATER, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_digest_is_that_of_the_files(tmp_path: Path) -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", harness.digest())
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in HERE.glob("*.py"):
        shutil.copy(path, copy)
    # The copy lacks the package around it, so its own imports must not matter to the digest.
    assert _digest_of(copy) == harness.digest()
    source = (copy / "evaluate.py").read_bytes()
    (copy / "evaluate.py").write_bytes(source.replace(b"\n", b"\r\n"))
    assert _digest_of(copy) == harness.digest()
    (copy / "evaluate.py").write_bytes(source + b"\n# changed\n")
    assert _digest_of(copy) != harness.digest()
