"""The architecture as tests: imports go down only, and some libraries have one home."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gitcollab

PACKAGE = Path(gitcollab.__file__).parent

ALLOWED = {
    "errors": set(),
    "records": {"errors"},
    "git": {"errors"},
    "similarity": {"errors"},
    "runner": {"errors"},
    "store": {"errors", "records", "git"},
    "swarm": {"errors", "records", "similarity", "runner", "store", "task"},
    "faces": {"errors", "records", "store", "swarm"},
    "cli": {"errors", "records", "similarity", "runner", "store", "swarm", "faces", "task"},
    "task": set(),
    "coordinator": {"faces"},  # where the prompts of another system look for it
}
_DOORS = ("declaring", "door", "exchange", "server", "thinking", "working")
HOMES = {
    "subprocess": {"git/command.py", "runner/process.py"},
    "pygit2": {"git/objects.py"},
    "yaml": {"records/codec.py"},
    "torch": {"task"},
    "sentence_transformers": {"similarity/embedding.py"},
    "optuna": {"swarm/engine/proposer/sampling.py"},
    "mcp": {f"faces/mcp/{name}.py" for name in _DOORS} | {"cli/mcp.py"},
}
CLI_ONLY = {"typer", "rich", "click"}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            if node.module == "gitcollab":
                yield from (f"gitcollab.{alias.name}" for alias in node.names)


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    place = path.relative_to(PACKAGE)
    layer = place.parts[0].removesuffix(".py")
    if layer in ("__init__", "__main__"):
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "gitcollab" and len(parts) > 1 and parts[1] in ALLOWED:
            assert parts[1] == layer or parts[1] in ALLOWED[layer], f"{place} imports {name}"
        if parts[0] in HOMES:
            homes = HOMES[parts[0]]
            assert str(place) in homes or layer in homes, f"{place} imports {name}"
        if parts[0] in CLI_ONLY:
            assert layer == "cli", f"{place} imports {name}"


def test_every_layer_is_in_the_table() -> None:
    folders = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").exists()}
    assert folders <= ALLOWED.keys()


def test_the_core_imports_nothing_heavy() -> None:
    code = (
        "import sys, gitcollab.swarm.swarm, gitcollab.faces.pages, gitcollab.cli.main\n"
        "print([m for m in ('torch','sentence_transformers','transformers','pyarrow','scipy',"
        "'huggingface_hub','numpy','optuna','mcp') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
