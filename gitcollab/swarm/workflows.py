"""What a hub on GitHub checks itself by: a workflow, one of the files that maintainers keep."""

from __future__ import annotations

from importlib import resources

from gitcollab import __version__

WORKFLOW = ".github/workflows/verify.yml"


def workflow(branch: str) -> bytes:
    """The workflow that checks the branch with this version of gitcollab."""
    text = (resources.files("gitcollab") / "workflows" / "verify.yml").read_text(encoding="utf-8")
    return text.replace("@BRANCH@", branch).replace("@VERSION@", __version__).encode()
