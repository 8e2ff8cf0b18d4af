"""A process that ``run`` with several GPUs began: one of its workers."""

from __future__ import annotations

import os

NAME = "GITCOLLAB_WORKER"  # a variable of the environment: this process is a worker, of that name


def name() -> str | None:
    """The name of this worker; None where it is none."""
    return os.environ.get(NAME) or None
