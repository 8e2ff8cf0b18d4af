"""What a program starts is gone with it, wherever it went."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from gitcollab.runner import family, process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="orphans come to us")

# Starts another process, says its id, and ends; the other would sleep for long.
LEAVES = """
import os, subprocess, sys
env = None if "{how}" == "marked" else {{}}
code = "import os, time; print(os.getpid(), flush=True); os.close(1); time.sleep(600)"
child = subprocess.Popen(
    [sys.executable, "-c", code], start_new_session=True, env=env, stdout=subprocess.PIPE
)
open({at!r}, "w").write(child.stdout.readline().decode())
"""


@pytest.mark.parametrize("how", ["marked", "unmarked"])
def test_who_leaves_the_group_is_ended(tmp_path: Path, how: str) -> None:
    at = tmp_path / "id"
    script = tmp_path / "leaves.py"
    script.write_text(textwrap.dedent(LEAVES).format(how=how, at=str(at)))
    with family.gathered() as mark:
        process.run(
            [sys.executable, str(script)],
            cwd=tmp_path,
            env=os.environ | mark,
            timeout=60,
            log=tmp_path / "log",
        )
        pid = int(at.read_text())
        os.kill(pid, 0)  # it is there
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_who_was_there_before_stays(tmp_path: Path) -> None:
    other = process.begin(["sleep", "600"], cwd=tmp_path, env=os.environ)
    try:
        with family.gathered():
            pass
        assert other.poll() is None
    finally:
        other.kill()
        other.communicate()


def test_what_is_raised_comes_through(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), family.gathered():
        raise KeyboardInterrupt
